package browser

import (
	"net/http"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// TestPages looks at every page as the running program shows it.
func TestPages(t *testing.T) {
	for name, show := range map[string]func(t *testing.T, b *tab, server *authtest.Server){
		"account": accountPages, "application": applicationPages, "throttled": throttledPage, "errors": errorPages,
		"form_post": formPostPage,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withScripts
			if name == "form_post" {
				s = withoutScripts // with scripts nobody sees it
			}
			server := shared(t)
			show(t, open(t, server, s), server)
		})
	}
	t.Run("setup", func(t *testing.T) {
		t.Parallel()
		setupPages(t)
	})
}

func accountPages(t *testing.T, b *tab, _ *authtest.Server) {
	b.visit("/")
	b.look("home-guest")
	b.press("Sign in")
	b.look("login")
	b.signIn(person(t))
	b.look("home")
	b.press("Sign out")
	b.look("logout")
	b.press("Sign out")
	b.look("signed-out")
}

func applicationPages(t *testing.T, b *tab, server *authtest.Server) {
	user := person(t)
	keeper := listen(t, server, keeperID, "127.0.0.1")
	asked := keeper.begin(b, "scope", "profile api:read")
	b.look("login-application")
	b.logIn(user, "not the password")
	b.answers(http.StatusUnprocessableEntity)
	b.look("login-error")
	b.signIn(user)
	b.look("consent")
	b.press("Allow")
	keeper.redeemed(b, asked)

	keeper.begin(b, "scope", "profile api:read api:write")
	b.at("/consent")
	b.look("consent-new-scope")

	native := listen(t, server, nativeID, "localhost")
	native.begin(b, "scope", "profile")
	b.at("/consent")
	b.look("consent-native")

	plain := listen(t, server, plainID, "127.0.0.1")
	plain.begin(b)
	b.at("/consent")
	b.look("consent-no-scope")
}

func throttledPage(t *testing.T, b *tab, _ *authtest.Server) {
	user := person(t)
	b.visit("/login")
	for range 12 { // on a busy machine the first waits are over before the next try
		b.logIn(user, "not the password")
		if ask[bool](b, `problem.innerText.startsWith("There were too many attempts to sign in. Please wait")`) {
			b.answers(http.StatusTooManyRequests)
			b.look("login-throttled")
			return
		}
		b.answers(http.StatusUnprocessableEntity)
	}
	t.Error("guessing is never slowed")
}

func errorPages(t *testing.T, b *tab, _ *authtest.Server) {
	for name, failing := range map[string]struct {
		path   string
		status int
	}{
		"error-client":      {"/oauth2/authorize?client_id=nobody&response_type=code", http.StatusBadRequest},
		"error-redirect":    {"/oauth2/authorize?client_id=" + nativeID + "&redirect_uri=https://elsewhere.invalid/", http.StatusBadRequest},
		"error-interaction": {"/login?interaction=over", http.StatusBadRequest},
		"error-consent":     {"/consent?interaction=over", http.StatusBadRequest},
		"error-setup":       {"/setup?token=over", http.StatusBadRequest},
		"error-not-found":   {"/nothing/here", http.StatusNotFound},
	} {
		b.visit(failing.path)
		b.answers(failing.status)
		b.look(name)
	}
}

func formPostPage(t *testing.T, b *tab, server *authtest.Server) {
	app := listen(t, server, nativeID, "127.0.0.1")
	app.begin(b, "response_mode", "form_post")
	b.signIn(person(t))
	b.press("Allow")
	b.look("form-post")
}

func setupPages(t *testing.T) {
	server := authtest.Start(t, authtest.Options{Seed: authtest.NoSeed})
	b := open(t, server, withScripts)
	b.visit(printedLink(t, server))
	b.look("setup")
	b.fill("Username", "so/not")
	b.fill("Password", "short")
	b.press("Create account")
	b.answers(http.StatusUnprocessableEntity)
	b.look("setup-error")
}
