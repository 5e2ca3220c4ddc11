package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// The forms of login and consent end at the application by a chain of redirects, all of which Chrome holds against
// form-action of the page that the form stands on.
func TestCodeArrivesThroughLoginAndConsent(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) { codeArrives(t, s, "127.0.0.1") })
	for _, host := range []string{"localhost", "[::1]"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			codeArrives(t, withScripts, host)
		})
	}
}

func codeArrives(t *testing.T, s scripting, host string) {
	server := shared(t)
	b, app := open(t, server, s), listen(t, server, nativeID, host)
	asked := app.begin(b, "scope", "profile api:read")
	b.at("/login")
	b.sees("Holiday photos")
	b.signIn(person(t))
	b.at("/consent")
	b.sees("See your name and your username.")
	b.sees(strings.TrimPrefix(app.origin, "http://"))
	b.press("Allow")
	if tokens := app.redeemed(b, asked); tokens.Text("scope") != "profile api:read" {
		t.Errorf("the scope is %q", tokens.Text("scope"))
	}
}

func TestCodeArrivesAtOnceAfterRememberedConsent(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		server, user := shared(t), person(t)
		b, app := open(t, server, s), listen(t, server, keeperID, "127.0.0.1")
		first := app.begin(b, "scope", "profile api:read")
		b.signIn(user)
		b.press("Allow")
		app.redeemed(b, first)

		app.redeemed(b, app.begin(b, "scope", "profile")) // nothing is asked

		// Somebody who signs in finds what he has allowed, so the login form alone leads to the application.
		other := open(t, server, s)
		again := app.begin(other, "scope", "profile api:read")
		other.at("/login")
		other.signIn(user)
		app.redeemed(other, again)

		// What is new is asked for, and marked.
		wider := app.begin(b, "scope", "profile api:read api:write")
		b.at("/consent")
		if marked := ask[string](b, `[...document.querySelectorAll("li")].filter(l => l.querySelector(".tag")).map(l => l.innerText).join()`); !strings.Contains(marked, "api:write") || strings.Contains(marked, "api:read") {
			t.Errorf("marked as new: %q", marked)
		}
		b.press("Allow")
		app.redeemed(b, wider)
	})
}

func TestDenyTellsTheApplication(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		server := shared(t)
		b, app := open(t, server, s), listen(t, server, nativeID, "127.0.0.1")
		asked := app.begin(b)
		b.signIn(person(t))
		b.press("Deny")
		if got := app.answered(b, asked); got.query.Get("error") != "access_denied" || got.query.Has("code") {
			t.Errorf("the application is told %q", got.query.Get("error"))
		}
	})
}

func TestConsentIsSentOnce(t *testing.T) {
	t.Parallel()
	server := shared(t)
	b, app := open(t, server, withScripts), listen(t, server, nativeID, "127.0.0.1")
	app.begin(b)
	b.signIn(person(t))
	once := ask[bool](b, `(() => {
		const form = document.querySelector("form[action$='/consent']");
		const goesOn = () => form.dispatchEvent(new Event("submit", {bubbles: true, cancelable: true}));
		return goesOn() && !goesOn();
	})()`)
	if !once {
		t.Error("a second click on Allow would interrupt the first")
	}
}

func TestPageThatIsLeftBehindStartsNothing(t *testing.T) {
	t.Parallel()
	server := shared(t)
	b, app := open(t, server, withoutScripts), listen(t, server, nativeID, "127.0.0.1")
	asked := app.begin(b)
	b.signIn(person(t))
	consent := ask[string](b, `location.href`)
	b.press("Allow")
	app.redeemed(b, asked)
	b.visit(consent)
	b.answers(http.StatusBadRequest)
	b.sees("Please start again")
}

func TestFormPostSendsItself(t *testing.T) {
	t.Parallel()
	server := shared(t)
	b, app := open(t, server, withScripts), listen(t, server, nativeID, "127.0.0.1")
	asked := app.begin(b, "response_mode", "form_post")
	b.signIn(person(t))
	b.press("Allow")
	posted(t, app, b, asked)
}

func TestFormPostHasAButtonWithoutScripts(t *testing.T) {
	t.Parallel()
	server := shared(t)
	b, app := open(t, server, withoutScripts), listen(t, server, nativeID, "127.0.0.1")
	asked := app.begin(b, "response_mode", "form_post")
	b.signIn(person(t))
	b.press("Allow")
	b.sees("press Continue")
	b.press("Continue")
	posted(t, app, b, asked)
}

func TestFormPostTellsOfADenial(t *testing.T) {
	t.Parallel()
	server := shared(t)
	b, app := open(t, server, withScripts), listen(t, server, keeperID, "localhost")
	asked := app.begin(b, "response_mode", "form_post")
	b.signIn(person(t))
	b.press("Deny")
	if got := app.answered(b, asked); got.method != http.MethodPost || got.body.Get("error") != "access_denied" {
		t.Errorf("the application is sent %s %v", got.method, got.body)
	}
}

func posted(t *testing.T, app *application, b *tab, asked *authtest.Asked) {
	t.Helper()
	got := app.answered(b, asked)
	if got.method != http.MethodPost || len(got.query) > 0 {
		t.Errorf("the answer comes by %s with the query %v", got.method, got.query)
	}
	if tokens := asked.Redeem(t, got.body.Get("code")); tokens.Status != http.StatusOK {
		t.Errorf("the code gives no token: %s", tokens)
	}
}
