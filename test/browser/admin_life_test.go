package browser

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/grantor-dev/grantor/test/authtest"
)

// life is a client that a test makes, uses and ends through the pages, with a library that knows nothing of this server.
type life struct {
	t       *testing.T
	b       *tab // of the admin
	server  *authtest.Server
	app     *application
	someone *tab // of the user, whom the application sends to the server
	user    string
	name    string
	page    string
	first   string // the secret that it began with
}

func TestTheWholeLifeOfAnAuthClient(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		l := beginLife(t, s)
		l.signsPeopleIn()
		l.isEdited()
		l.isDisabledAndEnabled()
		l.hasSeveralSecrets()
		l.rotatesItsSecrets()
		l.losesAnAuthorization()
		l.isToldOf()
		l.ends()
	})
}

func beginLife(t *testing.T, s scripting) *life {
	b := enter(t, s, admin(t), "/admin/auth-clients")
	l := &life{t: t, b: b, server: b.server, name: named("Holiday planner")}
	id, secret := b.registers(filledClient{template: "Web application", name: l.name, redirects: []string{"http://127.0.0.1/callback"}, more: func(b *tab) {
		b.tick("Enable Client Credentials Grant")
		b.fill("Scopes", "profile api:read")
		b.clickAt(b.reach(`document.querySelector("details.more > summary")`))
		b.fill("APIs (audience)", inspectedAPI)
	}})
	l.page, l.first = "/admin/auth-clients/"+id, secret
	l.app = listen(t, b.server, id, "127.0.0.1")
	l.app.Method, l.app.Secret = authtest.Basic, secret
	l.user, _ = clerk(t)
	l.someone = open(t, b.server, s)
	b.sees("Nobody has allowed anything to this auth client at present.")
	return l
}

// config is what the library knows of the client.
func (l *life) config(secret string) (*oauth2.Config, context.Context) {
	return &oauth2.Config{
		ClientID: l.app.ID, ClientSecret: secret, RedirectURL: l.app.Redirect, Scopes: []string{"profile", "api:read"},
		Endpoint: oauth2.Endpoint{AuthURL: l.server.URL(authtest.AuthorizePath), TokenURL: l.server.URL(authtest.TokenPath), AuthStyle: oauth2.AuthStyleInHeader},
	}, context.WithValue(l.t.Context(), oauth2.HTTPClient, l.server.Client())
}

// signIn takes the user to the application and back, and the library to a token.
func (l *life) signIn(secret string) *oauth2.Token {
	l.t.Helper()
	asked := l.app.begin(l.someone, "scope", "profile api:read")
	if ask[bool](l.someone, `location.pathname === "/login"`) {
		l.someone.signIn(l.user)
	}
	if ask[bool](l.someone, `location.pathname === "/consent"`) {
		l.someone.press("Allow")
	}
	code := l.app.answered(l.someone, asked).query.Get("code")
	config, ctx := l.config(secret)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(asked.Verifier))
	if err != nil {
		l.t.Fatalf("exchange the code: %v", err)
	}
	l.server.Keep(token.AccessToken)
	l.server.Keep(token.RefreshToken)
	if !worth(l.t, token.AccessToken) {
		l.t.Error("a new token is worth nothing")
	}
	return token
}

// renews tells whether the library gets another token for a refresh token, which it then has in its place.
func (l *life) renews(token *oauth2.Token, secret string) bool {
	l.t.Helper()
	config, ctx := l.config(secret)
	next, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken, Expiry: time.Unix(1, 0)}).Token()
	if err != nil {
		return false
	}
	l.server.Keep(next.AccessToken)
	l.server.Keep(next.RefreshToken)
	*token = *next
	return true
}

// works fails the test unless the library gets a token with a secret, or does not.
func (l *life) works(secret string, wanted standing) {
	l.t.Helper()
	config := clientcredentials.Config{
		ClientID: l.app.ID, ClientSecret: secret, TokenURL: l.server.URL(authtest.TokenPath), AuthStyle: oauth2.AuthStyleInHeader,
	}
	token, err := config.Token(context.WithValue(l.t.Context(), oauth2.HTTPClient, l.server.Client()))
	if err == nil {
		l.server.Keep(token.AccessToken)
	}
	if (err == nil) != (wanted == good) {
		l.t.Errorf("the secret should be %s: %v", wanted, err)
	}
}

type standing string

const (
	good standing = "good"
	bad  standing = "refused"
)

func (l *life) signsPeopleIn() {
	l.t.Helper()
	token := l.signIn(l.first)
	l.b.visit(l.page)
	l.b.sees("Live authorizations")
	if users := l.b.column("User"); len(users) != 1 || users[0] != l.user {
		l.t.Errorf("the live authorizations are of %q", users)
	}
	if !l.renews(token, l.first) {
		l.t.Error("a refresh token is refused")
	}
	l.b.hidden(l.first)
}

func (l *life) isEdited() {
	l.t.Helper()
	l.b.press("Edit Auth Client")
	l.name += ", edited"
	l.b.fill("Name", l.name)
	l.b.hidden(l.first)
	l.b.press("Save")
	l.b.at(l.page)
	l.b.notice("The auth client was saved.")
	l.b.sees(l.name)
	l.works(l.first, good)
}

func (l *life) isDisabledAndEnabled() {
	l.t.Helper()
	token := l.signIn(l.first)
	l.b.visit(l.page)
	l.b.press("Disable")
	l.b.notice("The auth client was disabled.")
	l.works(l.first, bad)
	if worth(l.t, token.AccessToken) || l.renews(token, l.first) {
		l.t.Error("a token of a disabled client is good")
	}
	l.b.press("Enable")
	l.b.notice("The auth client was enabled.")
	l.works(l.first, good)
	if !worth(l.t, token.AccessToken) || !l.renews(token, l.first) {
		l.t.Error("enabling does not undo disabling")
	}
}

func (l *life) hasSeveralSecrets() {
	l.t.Helper()
	l.b.visit(l.page)
	l.b.press("Add")
	l.b.fill("Name", "second server")
	l.b.choose("Ends on", time.Now().AddDate(0, 1, 0).Format(time.DateOnly))
	l.b.press("Add secret")
	second := l.b.secret()
	l.b.press("I have kept it")
	l.b.hidden(second)
	if names := l.b.column("Begins with"); len(names) != 2 || !strings.HasPrefix(second, strings.TrimSuffix(names[1], "…")) && !strings.HasPrefix(second, strings.TrimSuffix(names[0], "…")) {
		l.t.Errorf("the secrets begin with %q", names)
	}
	l.works(l.first, good)
	l.works(second, good)

	l.b.pressIn("second server", "Revoke")
	l.b.sees("Are you sure you want to revoke the secret second server?")
	l.b.press("Revoke secret")
	l.b.notice("The secret was revoked.")
	l.works(second, bad)
	l.works(l.first, good)
}

func (l *life) rotatesItsSecrets() {
	l.t.Helper()
	rotate := func(name, when string) string {
		l.b.press("Rotate")
		l.b.fill("Name", name)
		l.b.choose("The secrets that it has now end", when)
		l.b.press("Rotate secrets")
		secret := l.b.secret()
		l.b.press("I have kept it")
		l.works(secret, good)
		return secret
	}
	second := rotate("slowly", "In 1 day")
	l.works(l.first, good)
	third := rotate("at once", "Now: they are refused at once")
	l.works(l.first, bad)
	l.works(second, bad)
	l.first = third
}

func (l *life) losesAnAuthorization() {
	l.t.Helper()
	token := l.signIn(l.first)
	l.b.visit(l.page + "/authorizations")
	before := len(l.b.column("User"))
	l.b.leave("Revoke", func() {
		l.b.clickAt(l.b.reach(`[...document.querySelectorAll("table.list form.inline button")].at(-1)`)) // the newest
	})
	l.b.notice("The authorization was revoked, with all its tokens.")
	if worth(l.t, token.AccessToken) || l.renews(token, l.first) {
		l.t.Error("a revoked authorization goes on")
	}
	second := l.signIn(l.first)
	l.b.visit(l.page + "/authorizations")
	if after := len(l.b.column("User")); after != before {
		l.t.Errorf("%d authorizations are live, not %d", after, before)
	}
	l.b.press("Revoke all")
	l.b.sees("Are you sure you want to revoke all tokens of the auth client " + l.name + "?")
	l.b.press("Revoke all tokens")
	l.b.notice("All tokens of the auth client were revoked.")
	if worth(l.t, second.AccessToken) || l.renews(second, l.first) {
		l.t.Error("a token outlives the revocation of all")
	}
	l.b.sees("Nobody has allowed anything to this auth client at present.")
	l.works(l.first, good)
}

// isToldOf looks at the history: who did what, and no secret.
func (l *life) isToldOf() {
	l.t.Helper()
	l.b.visit(l.page + "/history")
	for _, action := range []string{"client.created", "client.updated", "client.disabled", "client.enabled", "client.secret_added", "client.secret_revoked", "client.secret_rotated"} {
		if !ask[bool](l.b, `[...document.querySelectorAll(".events code")].some(e => e.innerText === %s)`, action) {
			l.t.Errorf("the history does not tell of %s", action)
		}
	}
	l.b.sees(", edited")
	l.b.hidden(l.first)
}

func (l *life) ends() {
	l.t.Helper()
	token := l.signIn(l.first)
	l.b.visit("/admin/auth-clients?q=" + l.app.ID)
	l.b.menu(l.name)
	l.b.press("Delete Auth Client")
	l.b.sees("Are you sure you want to delete the auth client " + l.name + "?")
	l.b.sees("1 live authorization of a user")
	l.b.press("Cancel")
	l.b.at(l.page)
	l.works(l.first, good)
	l.b.press("Delete Auth Client")
	l.b.press("Delete Auth Client")
	l.b.at("/admin/auth-clients")
	l.b.notice("The auth client was deleted.")
	if worth(l.t, token.AccessToken) || l.renews(token, l.first) {
		l.t.Error("a token outlives its client")
	}
	l.works(l.first, bad)
	l.b.visit(l.page)
	l.b.answers(http.StatusNotFound)
	l.someone.visit(l.app.Ask().URL())
	l.someone.answers(http.StatusBadRequest)
}
