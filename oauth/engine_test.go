package oauth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// What go-oauth2 v4.5.4 does by default, and what holds here instead: one test for each. docs/security.md lists them.

// Default: whoever the client is and wherever it wants the answer, the browser is sent there.
func TestUnknownClientIsNeverRedirectedTo(t *testing.T) {
	_, n := newNode(t)
	n.register(webApp())
	v := n.signIn(n.user("alice"))
	for _, who := range []oauth.Visitor{v, {Browser: "b"}} {
		for _, id := range []string{"nobody", "", "web2", "WEB", "web\x00", "../web"} {
			d, err := n.Authorize(t.Context(), ask(n.client("web"), "client_id="+id), who)
			var page *oauth.PageError
			if !errors.As(err, &page) || d != nil {
				t.Errorf("client %q: %+v, %v", id, d, err)
			}
		}
	}
}

// Default: any redirect URI is taken for a client without a domain.
func TestUnregisteredRedirectURIIsNeverRedirectedTo(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	n.authorize(c, v) // even with consent given
	for _, uri := range append(refusedURIs, "https://evil.example/", "https://other.example.com/callback", callback+"?x=1", callback+"/", strings.TrimSuffix(callback, "k")) {
		if uri == "" {
			continue // as if it was not sent: the one that is registered
		}
		d, err := n.Authorize(t.Context(), ask(c, "redirect_uri="+uri), v)
		var page *oauth.PageError
		if !errors.As(err, &page) || d != nil {
			t.Errorf("%.80q: %+v, %v", uri, d, err)
		}
	}
}

// Default: hosts match by their end.
func TestRedirectHostIsNotMatchedBySuffix(t *testing.T) {
	c := &oauth.Client{Registration: oauth.Registration{RedirectURIs: []string{"https://example.com/cb", "http://localhost/cb"}}}
	for _, uri := range []string{
		"https://evilexample.com/cb", "https://evil-example.com/cb", "https://sub.example.com/cb", "https://evil.com/example.com/cb", "http://evillocalhost/cb", "http://evil.localhost/cb", "http://evillocalhost:80/cb",
	} {
		if c.AllowsRedirect(uri) {
			t.Errorf("%s is allowed", uri)
		}
	}
}

// Default: refreshing asks neither who the client is nor for its secret.
func TestRefreshNeedsTheClientThatTheTokenWasIssuedTo(t *testing.T) {
	w := newWorld(t)
	n, c, tokens := family(t, w)
	wantCode(t, n.authenticate(oauth.ClientSecretBasic, "web", "a wrong secret"), oauth.InvalidClient)
	wantCode(t, n.authenticate(oauth.NoSecret, "web", ""), oauth.InvalidClient)
	wantCode(t, n.authenticate(oauth.ClientSecretBasic, "nobody", chosen), oauth.InvalidClient)
	other := n.register(nativeApp())
	_, err := n.refresh(other, tokens.RefreshToken)
	wantCode(t, err, oauth.InvalidGrant)
	_, err = n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	ok(t, n.DeleteClient(t.Context(), "web"))
	_, err = n.Client(t.Context(), "web")
	wantErr(t, err, store.ErrNotFound)
}

// Default: a refresh takes whatever scope it names.
func TestRefreshNeverWidensTheScope(t *testing.T) {
	w := newWorld(t)
	n := w.node()
	c := n.register(webApp())
	tokens := n.tokens(c, n.signIn(n.user("alice")), "scope=profile")
	for _, wider := range []string{"profile api:read", "api:write", "admin", webScope} { // the client may have some, this user gave none
		_, err := n.refresh(c, tokens.RefreshToken, wider)
		wantCode(t, err, oauth.InvalidScope)
	}
	next, err := n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	if got := n.look(c, next.AccessToken).Scope.String(); got != "profile" {
		t.Errorf("scope %q", got)
	}
}

// Default: a code is read, then deleted; several requests can read it.
func TestCodeIsRedeemedByOneOfManyParallelRequests(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	for range 20 {
		code := n.authorize(c, v)
		if _, errs := parallel(8, func(int) (*oauth.Tokens, error) { return n.redeem(c, code) }); successes(errs) != 1 {
			t.Fatalf("%d of 8 succeeded", successes(errs))
		}
	}
}

// Default: a refresh token is read, then deleted; several requests get successors of their own.
func TestRefreshTokenHasOneSuccessorUnderParallelRequests(t *testing.T) {
	w := newWorld(t)
	n, c, tokens := family(t, w)
	for range 20 {
		answers, errs := parallel(8, func(int) (*oauth.Tokens, error) { return n.refresh(c, tokens.RefreshToken) })
		successors := map[string]bool{}
		for i, answer := range answers {
			ok(t, errs[i])
			successors[answer.RefreshToken] = true
		}
		if len(successors) != 1 {
			t.Fatalf("%d successors", len(successors))
		}
		tokens = answers[0]
	}
}

// Default: the challenge may be the verifier itself, and there need not be one.
func TestPlainAndMissingPKCEAreRefused(t *testing.T) {
	_, n := newNode(t)
	v := n.signIn(n.user("alice"))
	for _, r := range []oauth.Registration{webApp(), nativeApp()} {
		c := n.register(r)
		for _, changes := range [][]string{
			{"code_challenge", "code_challenge_method"}, {"code_challenge"}, {"code_challenge_method"}, {"code_challenge_method=plain"}, {"code_challenge_method=plain", "code_challenge=" + strings.Repeat("a", 43)},
		} {
			if got := answer(n.Authorize(t.Context(), ask(c, changes...), v)); got != string(oauth.InvalidRequest) {
				t.Errorf("%s %q: %s", c.ClientID, changes, got)
			}
		}
		code := n.authorize(c, v)
		for _, presented := range []string{"", challengeOf(verifier)} {
			_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "authorization_code", Code: code, RedirectURI: c.RedirectURIs[0], CodeVerifier: presented})
			wantCode(t, err, oauth.InvalidGrant)
		}
	}
}

// Default: response_type=token is answered.
func TestImplicitGrantIsNotOffered(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	n.authorize(c, v)
	for _, kind := range []string{"token", "id_token", "code token", "code id_token token", "none"} {
		d, err := n.Authorize(t.Context(), ask(c, "response_type="+kind), v)
		if got := answer(d, err); got != string(oauth.UnsupportedResponseType) || field(d.Response, "access_token") != "" {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if got := faults(t, n, oauth.Registration{GrantTypes: []oauth.GrantType{"implicit"}}, ""); len(got) != 1 || got[0] != "grant_types[0]" {
		t.Errorf("a client with the implicit grant: faults %q", got)
	}
}

// Default: grant_type=password is answered.
func TestPasswordGrantIsNotOffered(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "password"})
	wantCode(t, err, oauth.UnsupportedGrantType)
	if got := faults(t, n, oauth.Registration{GrantTypes: []oauth.GrantType{"password"}}, ""); len(got) != 1 || got[0] != "grant_types[0]" {
		t.Errorf("a client with the password grant: faults %q", got)
	}
}

// Default: a JWT names its subject and the second of its issue; two of one second are one token.
func TestJWTsOfOneSecondDiffer(t *testing.T) {
	_, n := newNode(t)
	r := webApp()
	r.AccessTokenFormat = oauth.JWT
	c := n.register(r)
	seen := map[string]bool{}
	ids := map[string]bool{}
	tokens := n.tokens(c, n.signIn(n.user("alice")))
	for range 50 {
		machine, err := n.machine(c)
		ok(t, err)
		tokens, err = n.refresh(c, tokens.RefreshToken)
		ok(t, err)
		for _, token := range []string{machine.AccessToken, tokens.AccessToken} {
			id := n.look(c, token).ID
			if seen[token] || ids[id] || id == "" {
				t.Fatal("two tokens are one")
			}
			seen[token], ids[id] = true, true
		}
	}
	ok(t, n.Revoke(t.Context(), c, tokens.AccessToken))
	machine, err := n.machine(c)
	ok(t, err)
	n.wantActive(c, true, machine.AccessToken)
}

// Default: a wrong code is answered with 401, as if the client were wrong.
func TestWrongCodeIsAnInvalidGrantAndNotAnInvalidClient(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	code := n.authorize(c, n.signIn(n.user("alice")))
	for _, wrong := range []string{"garbage", "grac_", code[:len(code)-1], code + "A", strings.Repeat("a", 10_000), "\x00"} {
		_, err := n.redeem(c, wrong)
		wantCode(t, err, oauth.InvalidGrant)
	}
}
