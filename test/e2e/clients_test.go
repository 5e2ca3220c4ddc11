package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/grantor-dev/grantor/test/authtest"
)

// A real client library obtains tokens, on every store.

// loopback is a native application's listener for the answer.
type loopback struct {
	url     string
	arrived chan url.Values
}

func listen(t testing.TB) *loopback {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	l := &loopback{url: "http://" + listener.Addr().String() + "/callback", arrived: make(chan url.Values, 16)}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/callback" {
			http.NotFound(w, r)
			return
		}
		if err := r.ParseForm(); err == nil {
			l.arrived <- r.Form
		}
		_, _ = fmt.Fprint(w, "<!doctype html><title>Arrived</title><p id=arrived>You are back in the application.") // the browser may be gone
	})}
	go func() { _ = server.Serve(listener) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return l
}

// visit is what the browser does with the last redirect: it goes there.
func visit(t testing.TB, p *authtest.Page) {
	t.Helper()
	if !p.Left() {
		t.Fatalf("the browser is not sent to the application: %s", p)
	}
	response, err := http.Get(p.Location.String())
	if err != nil {
		t.Fatalf("visit the application: %v", err)
	}
	_ = response.Body.Close() // nothing is read
}

func library(s *authtest.Server, a *authtest.App, redirect string, scopes ...string) (*oauth2.Config, context.Context) {
	style := oauth2.AuthStyleInHeader
	if a.Method != authtest.Basic {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: a.ID, ClientSecret: a.Secret, RedirectURL: redirect, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: s.URL(authtest.AuthorizePath), TokenURL: s.URL(authtest.TokenPath), AuthStyle: style},
	}, context.WithValue(context.Background(), oauth2.HTTPClient, s.Client())
}

// codeFlow takes the library through pages and callback to a token.
func codeFlow(t *testing.T, s *authtest.Server, a *authtest.App, redirect string, arrived func(*authtest.Page) url.Values) (*oauth2.Config, context.Context, *oauth2.Token) {
	t.Helper()
	config, ctx := library(s, a, redirect, "profile", "api:read")
	verifier := oauth2.GenerateVerifier()
	s.Keep(verifier)
	address := config.AuthCodeURL("the state", oauth2.S256ChallengeOption(verifier))

	page := s.Browser(t).Open(address)
	if !page.Is("/login") {
		t.Fatalf("no login page: %s", page)
	}
	page = page.LogIn(authtest.Alice, authtest.PasswordOf(authtest.Alice))
	if !page.Is("/consent") {
		t.Fatalf("no consent page: %s", page)
	}
	answer := arrived(page.Press("Allow"))
	if answer.Get("state") != "the state" || answer.Get("iss") != s.Issuer {
		t.Fatalf("the application is told %v", answer)
	}
	token, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("exchange the code: %v", err)
	}
	s.Keep(token.AccessToken)
	s.Keep(token.RefreshToken)
	return config, ctx, token
}

func TestTheClientLibraryObtainsTokens(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := authtest.Start(t, authtest.Options{Store: open(t)})
			t.Run("by code, in a web application", func(t *testing.T) {
				web := s.App("web")
				config, ctx, token := codeFlow(t, s, web, web.Redirect, (*authtest.Page).Callback)
				refreshes(t, s, config, ctx, token)
			})
			t.Run("by code, in a native application on a port of its own", func(t *testing.T) {
				callback := listen(t)
				native := s.App("native")
				config, ctx, token := codeFlow(t, s, native, callback.url, func(p *authtest.Page) url.Values {
					visit(t, p)
					return <-callback.arrived
				})
				refreshes(t, s, config, ctx, token)
			})
			t.Run("by client credentials", func(t *testing.T) { machineToken(t, s) })
		})
	}
}

// refreshes lets the library believe that the token has expired.
func refreshes(t *testing.T, s *authtest.Server, config *oauth2.Config, ctx context.Context, token *oauth2.Token) {
	t.Helper()
	if token.TokenType != "Bearer" || token.RefreshToken == "" || time.Until(token.Expiry) < time.Minute {
		t.Fatalf("the token is of type %q, with refresh token %t, until %v", token.TokenType, token.RefreshToken != "", token.Expiry)
	}
	app := s.App(config.ClientID)
	if app.Secret != "" && !app.Active(t, token.AccessToken) {
		t.Error("the access token is not active")
	}
	old := *token
	old.Expiry = time.Now().Add(-time.Minute)
	next, err := config.TokenSource(ctx, &old).Token()
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	s.Keep(next.AccessToken)
	s.Keep(next.RefreshToken)
	if next.AccessToken == token.AccessToken || next.RefreshToken == token.RefreshToken || next.RefreshToken == "" {
		t.Error("the refresh did not bring new tokens")
	}
	if got := app.Revoke(t, next.RefreshToken); got.Status != http.StatusOK {
		t.Fatalf("revoke: %s", got)
	}
	next.Expiry = time.Now().Add(-time.Minute)
	_, err = config.TokenSource(ctx, next).Token()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		t.Errorf("after its revocation a refresh token gets %v", err)
	}
}

// machineToken obtains a token by client credentials; resource servers look at it.
func machineToken(t *testing.T, s *authtest.Server) {
	for _, id := range []string{"web", "post", "machine"} {
		app := s.App(id)
		config := clientcredentials.Config{
			ClientID: app.ID, ClientSecret: app.Secret, TokenURL: s.URL(authtest.TokenPath), Scopes: []string{"api:read"},
			EndpointParams: url.Values{"resource": {authtest.API}}, AuthStyle: oauth2.AuthStyleInHeader,
		}
		if app.Method == authtest.Post {
			config.AuthStyle = oauth2.AuthStyleInParams
		}
		token, err := config.Token(context.WithValue(context.Background(), oauth2.HTTPClient, s.Client()))
		if err != nil {
			t.Fatalf("%s gets no token: %v", id, err)
		}
		s.Keep(token.AccessToken)
		seen := s.App("api").Introspect(t, token.AccessToken)
		if !seen.Active() || seen.Text("client_id") != id || seen.Text("sub") != id || seen.Text("scope") != "api:read" {
			t.Errorf("the resource server sees %s", seen)
		}
		if s.App("other-api").Active(t, token.AccessToken) {
			t.Error("a resource server sees a token that is not meant for it")
		}
		if got := app.Revoke(t, token.AccessToken); got.Status != http.StatusOK || s.App("api").Active(t, token.AccessToken) {
			t.Errorf("the token lives after its revocation: %s", got)
		}
	}
}

// The library tries both ways of authentication where it is not told which.
func TestTheClientLibraryFindsOutHowToAuthenticate(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "post"} {
		app := s.App(id)
		config := clientcredentials.Config{ClientID: app.ID, ClientSecret: app.Secret, TokenURL: s.URL(authtest.TokenPath)}
		token, err := config.Token(context.WithValue(context.Background(), oauth2.HTTPClient, s.Client()))
		if err != nil {
			t.Errorf("%s gets no token: %v", id, err)
			continue
		}
		s.Keep(token.AccessToken)
	}
}
