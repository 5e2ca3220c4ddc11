package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// What people do at nodes whose clocks differ.

func (n *nodes) sessions(t *testing.T) {
	b := n.one.Browser(t)
	b.SignIn(n.name)
	thief := b.Copy()
	if home := b.At(n.two).Open(n.two.URL("/")); !strings.Contains(home.Text(), n.name) {
		t.Errorf("the other node does not know the session: %s", home)
	}
	// Codes are got with the session of the other node, and tokens of either.
	asked := n.app(n.two, "opaque").Ask()
	tokens := asked.Redeem(t, b.At(n.two).Grant(asked, n.name))
	tokens.Wants(t, http.StatusOK, "")
	n.wantAlive(t, true, tokens.Access())
	b.At(n.one).Open(n.one.URL("/logout")).Press("Sign out")
	for _, at := range []*authtest.Server{n.two, n.one} {
		eventually(t, withinASecond, "the session has ended", func() bool {
			return thief.At(at).Open(n.app(at, "opaque").Ask().URL()).Is("/login")
		})
	}
}

// logins go on at the other node, also where the application wants one anew.
func (n *nodes) logins(t *testing.T) {
	for _, wants := range [][]string{{"prompt", "login"}, {"max_age", "0"}, {"max_age", "1"}, {"prompt", "consent"}} {
		b := n.one.Browser(t)
		b.SignIn(n.name)
		asked := n.app(n.one, "jwt").Ask(wants...)
		page := b.Open(asked.URL())
		page = b.At(n.two).Open(page.URL.String())
		if page.Is("/login") {
			page = page.LogIn(n.name, authtest.PasswordOf(n.name))
		}
		if page.Is("/login") {
			t.Fatalf("%v: the login does not count: %s", wants, page)
		}
		if page.Is("/consent") {
			page = b.Open(page.URL.String()).Press("Allow")
		}
		code := page.Callback().Get("code")
		if code == "" {
			t.Fatalf("%v: no code: %s", wants, page)
		}
		asked.App.On(n.two).Post(t, authtest.TokenPath, asked.Redemption(code)).Wants(t, http.StatusOK, "")
	}
}

func (n *nodes) codes(t *testing.T) {
	for _, format := range []string{"opaque", "jwt"} {
		one, two := n.app(n.one, format), n.app(n.two, format)
		b := n.one.Browser(t)
		asked := one.Ask()
		code := b.Grant(asked, n.name)
		first := two.Post(t, authtest.TokenPath, asked.Redemption(code))
		first.Wants(t, http.StatusOK, "")
		n.wantAlive(t, true, first.Access())

		// Refresh tokens go to and fro; within the grace both nodes give the same successor.
		second := one.Refresh(t, first.Refresh())
		again := two.Refresh(t, first.Refresh())
		if second.Refresh() == "" || again.Refresh() != second.Refresh() {
			t.Errorf("%s: within the grace there are two successors: %s, %s", format, second, again)
		}
		third := two.Refresh(t, second.Refresh())
		fourth := one.Refresh(t, third.Refresh())
		fourth.Wants(t, http.StatusOK, "")
		n.wantAlive(t, true, third.Access(), fourth.Access())

		// A code that comes again ends what it began.
		one.Post(t, authtest.TokenPath, asked.Redemption(code)).Wants(t, http.StatusBadRequest, "invalid_grant")
		eventually(t, withinASecond, "what a code began that came twice has ended", func() bool { return n.dead(t, third.Access(), fourth.Access()) })
		two.Refresh(t, fourth.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
	}
}

func (n *nodes) blocks(t *testing.T) {
	id := n.userID(t)
	b := n.two.Browser(t)
	tokens := b.Tokens(n.app(n.two, "jwt"), n.name)
	n.wantAlive(t, true, tokens.Access())
	n.rest(t, n.one, http.MethodPost, "/users/"+id+"/block", "")
	eventually(t, withinASecond, "a blocked user is out", func() bool {
		return n.dead(t, tokens.Access()) && b.Open(n.app(n.two, "jwt").Ask().URL()).Is("/login")
	})
	n.rest(t, n.one, http.MethodPost, "/users/"+id+"/unblock", "")
	for _, at := range []*authtest.Server{n.two, n.one} { // the session must not be one from before
		eventually(t, withinASecond, "an unblocked user signs in", func() bool {
			b := at.Browser(t)
			page := b.Open(at.URL("/login")).LogIn(n.name, authtest.PasswordOf(n.name))
			return b.SessionCookie() != nil && strings.Contains(page.Text(), n.name)
		})
		fresh := at.Browser(t).Tokens(n.app(at, "jwt"), n.name)
		n.wantAlive(t, true, fresh.Access())
	}
	n.wantAlive(t, false, tokens.Access())
}

func (n *nodes) guesses(t *testing.T) {
	var last *authtest.Page
	for i := range 8 {
		last = try(t, n.each()[i%2], n.name, "a wrong password")
		if throttled := last.Status == http.StatusTooManyRequests; throttled != (i >= 5) {
			t.Errorf("guess %d: %d", i+1, last.Status)
		}
	}
	wait, err := strconv.Atoi(last.Header.Get("Retry-After"))
	if err != nil || wait < 1 || wait > 4 {
		t.Fatalf("Retry-After is %q", last.Header.Get("Retry-After"))
	}
	// Whoever waits as long as one node said is let in by the other.
	eventually(t, time.Duration(wait)*time.Second+withinASecond, "the right password is let in", func() bool {
		return try(t, n.one, n.name, authtest.PasswordOf(n.name)).Status == http.StatusOK
	})
}

// consents are remembered, also at a node to which the client has not yet been registered by its clock.
func (n *nodes) consents(t *testing.T) {
	id := n.name + "-new"
	answer := n.rest(t, n.one, http.MethodPost, "/clients", `{"client_id": "`+id+`", "redirect_uris": ["`+authtest.WebRedirect+`"], "scope": "profile", "client_name": "`+id+`"}`)
	app := &authtest.App{Server: n.two, ID: id, Secret: answer.Text("client_secret"), Redirect: authtest.WebRedirect, Method: authtest.Basic}
	n.one.Keep(app.Secret)
	eventually(t, withinASecond, "the other node knows the client", func() bool { return n.two.Browser(t).Open(app.Ask().URL()).Is("/login") })
	b := n.two.Browser(t)
	b.Tokens(app, n.name, "scope", "profile")
	for _, at := range n.each() {
		if page := b.At(at).Open(app.On(at).Ask("scope", "profile").URL()); !page.Callback().Has("code") {
			t.Errorf("what was allowed is not remembered: %s", page)
		}
	}
}

func (n *nodes) withdrawals(t *testing.T) {
	id := n.userID(t)
	app := n.app(n.two, "jwt")
	b := n.two.Browser(t)
	tokens := b.Tokens(app, n.name)
	waiting := app.Ask()
	code := b.Grant(waiting, n.name)
	n.rest(t, n.one, http.MethodDelete, "/users/"+id+"/consents/"+app.ID, "")
	eventually(t, withinASecond, "what was allowed has ended", func() bool {
		return n.dead(t, tokens.Access()) && b.Open(app.Ask().URL()).Is("/consent")
	})
	app.Refresh(t, tokens.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
	waiting.Redeem(t, code).Wants(t, http.StatusBadRequest, "invalid_grant")

	// What is allowed again, once the other node knows, stands at both, and goes on standing when they look for what outlived
	// the withdrawal.
	var again *authtest.Answer
	eventually(t, withinASecond, "what is allowed again is remembered", func() bool {
		asked := app.Ask()
		again = asked.Redeem(t, b.Grant(asked, n.name))
		return again.Status == http.StatusOK && b.At(n.one).Open(app.On(n.one).Ask().URL()).Callback().Has("code")
	})
	for end := time.Now().Add(sweptAfter); time.Now().Before(end) && !t.Failed(); time.Sleep(500 * time.Millisecond) {
		n.wantAlive(t, true, again.Access())
	}
}

// sweptAfter is when nodes have looked, by whichever clock: twice the four seconds in which an end settles, and the skew.
const sweptAfter = 8*time.Second + skew + time.Second

// expiries has a third node begin what lasts for a minute, by a clock that is 54 seconds behind: at each of the two it ends
// when its clock says so.
func (n *nodes) expiries(t *testing.T) {
	const lifetime, age = time.Minute, 54 * time.Second
	old := n.one.NodeAhead(t, -age)
	b := old.Browser(t)
	began := time.Now()
	b.SignIn(n.name)
	opaque, jwt := b.Tokens(n.app(old, "opaque"), n.name).Access(), b.Tokens(n.app(old, "jwt"), n.name).Access()
	done := time.Now()
	var watching sync.WaitGroup
	for i, at := range n.each() {
		owner := b.Copy().At(at)
		for what, stands := range map[string]func() bool{
			"the session":     func() bool { return strings.Contains(owner.Open(at.URL("/")).Text(), n.name) },
			"an opaque token": func() bool { return n.api(at).Active(t, opaque) },
			"a JWT":           func() bool { return n.api(at).Active(t, jwt) },
		} {
			watching.Go(func() {
				var asked time.Time // when it was still good
				for now := time.Now(); stands(); now = time.Now() {
					asked = now
					time.Sleep(50 * time.Millisecond)
				}
				// A JWT tells of whole seconds, rounded down.
				first, last := began.Add(lifetime-age-n.ahead[i]-time.Second), done.Add(lifetime-age-n.ahead[i])
				if time.Now().Before(first) || asked.After(last) {
					t.Errorf("%s was good %v after it began, and not after %v; it ends after %v to %v", what, asked.Sub(began),
						time.Since(began), first.Sub(began), last.Sub(began))
				}
			})
		}
	}
	watching.Wait()
}
