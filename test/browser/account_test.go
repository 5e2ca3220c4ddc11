package browser

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"

	"github.com/grantor-dev/grantor/test/authtest"
)

func TestWrongPasswordIsToldWhereItIsTyped(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		server, user := shared(t), person(t)
		b, app := open(t, server, s), listen(t, server, nativeID, "127.0.0.1")
		asked := app.begin(b)
		b.logIn(user, "not the password of anybody")
		b.answers(http.StatusUnprocessableEntity)
		b.at("/login")
		b.sees("The username or the password is not right.")
		b.sees("Holiday photos")
		b.focusIsOn("password")
		if told := ask[string](b, `document.getElementById(document.activeElement.getAttribute("aria-describedby")).getAttribute("role")`); told != "alert" {
			t.Errorf("the field is described by a %q", told)
		}
		if kept := ask[[]string](b, `[username.value, password.value]`); kept[0] != user || kept[1] != "" {
			t.Errorf("the fields hold %q", kept)
		}
		b.typed(authtest.PasswordOf(user)) // right where the focus is
		b.press("Sign in")
		b.press("Allow")
		app.redeemed(b, asked)
	})
}

func TestPasswordCanBeShown(t *testing.T) {
	t.Parallel()
	b := open(t, shared(t), withScripts)
	b.visit("/login")
	b.fill("Password", "what was typed")
	b.click("Show")
	b.await("it is shown", `password.type === "text" && document.querySelector(".reveal button").innerText === "Hide"`)
	b.click("Hide")
	b.await("it is hidden", `password.type === "password"`)

	without := open(t, shared(t), withoutScripts)
	without.visit("/login")
	if n := ask[int](without, `document.querySelectorAll("button").length`); n != 1 {
		t.Errorf("there are %d buttons, some of which do nothing", n)
	}
}

func TestAnotherAccountCanBeUsed(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		server, first, second := shared(t), person(t), person(t)
		b, app := open(t, server, s), listen(t, server, nativeID, "127.0.0.1")
		asked := app.begin(b)
		b.signIn(first)
		b.sees(first)
		b.press("Not you? Use another account")
		b.at("/login")
		b.signIn(second)
		b.at("/consent")
		b.sees(second)
		b.seesNot(first)
		b.press("Allow")
		app.redeemed(b, asked)
		b.visit("/")
		b.sees("You are signed in as " + second)
	})
}

func TestPromptLoginAsksThoughSomebodyIsSignedIn(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		server, user := shared(t), person(t)
		b, app := open(t, server, s), listen(t, server, keeperID, "127.0.0.1")
		first := app.begin(b)
		b.signIn(user)
		b.press("Allow")
		app.redeemed(b, first)
		asked := app.begin(b, "prompt", "login", "login_hint", user)
		b.at("/login")
		if hint := ask[string](b, `username.value`); hint != user {
			t.Errorf("the login is for %q", hint)
		}
		b.focusIsOn("password")
		b.signIn(user)
		app.redeemed(b, asked)

		consent := app.begin(b, "prompt", "consent")
		b.at("/consent")
		b.press("Allow")
		app.redeemed(b, consent)

		if got := app.answered(b, app.begin(b, "prompt", "none")); !got.query.Has("code") {
			t.Errorf("prompt=none gets %v", got.query)
		}
	})
}

func TestSigningOutIsConfirmed(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		b, user := open(t, shared(t), s), person(t)
		b.visit("/")
		b.press("Sign in")
		b.signIn(user)
		b.at("/")
		b.sees("You are signed in as " + user)
		b.press("Sign out")
		b.at("/logout")
		b.press("Cancel")
		b.sees("You are signed in as " + user)
		if cookies := ask[string](b, `document.cookie`); cookies != "" {
			t.Errorf("scripts can read the cookies %q", cookies)
		}
		b.press("Sign out")
		b.press("Sign out")
		b.sees("You are signed out")

		// The browser goes back to what it showed before, and shows nothing of it.
		call(b, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: b.historyEntry("/")})
		b.sees("Welcome")
		b.seesNot(user)
	})
}

var setupLink = regexp.MustCompile(`https?://\S+/setup\?token=\S+\s`)

func TestSetupLinkMakesTheFirstSuperAdmin(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		server := authtest.Start(t, authtest.Options{Seed: authtest.NoSeed})
		b, link := open(t, server, s), printedLink(t, server)
		b.visit(link)
		b.focusIsOn("username")
		b.sees("At least 15 characters.")
		b.fill("Username", "mallory")
		b.fill("Password", "mallory")
		b.press("Create account")
		b.answers(http.StatusUnprocessableEntity)
		b.sees("The account was not created:")
		if marked := ask[string](b, `document.querySelector("[aria-invalid]").id`); marked != "password" {
			t.Errorf("marked is %q", marked)
		}
		b.fill("Username", "root")
		b.fill("Name", "The first one")
		b.fill("Password", "four random words make it")
		b.press("Create account")
		b.at("/")
		b.sees("Hello, The first one")

		b.visit(link)
		b.answers(http.StatusBadRequest)
		b.sees("This server is set up already.")
	})
}

// printedLink waits for the set-up link, which is printed some time after the server is ready.
func printedLink(t testing.TB, server *authtest.Server) string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if link := setupLink.FindString(server.Out()); link != "" {
			return strings.TrimSpace(link)
		}
	}
	t.Fatalf("no link was printed:\n%s", server.Out())
	return ""
}

// historyEntry gives the last place in the history of the tab with an address.
func (b *tab) historyEntry(path string) (id int64) {
	b.t.Helper()
	for _, entry := range call(b, page.GetNavigationHistory, cdp.Empty{}).Entries {
		if entry.URL == b.server.URL(path) {
			id = entry.ID
		}
	}
	return id
}
