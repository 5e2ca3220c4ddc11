package oauth_test

import (
	"context"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// TestWhatBeginsAfterAnEndLives has a node whose clock is ahead end everything of a user or client. What begins after that
// on a node whose clock is right must live.
func TestWhatBeginsAfterAnEndLives(t *testing.T) {
	const ahead = 5 * time.Second
	for name, end := range map[string]func(*node, string) error{
		"user's password": func(n *node, u string) error { return n.people.SetPassword(context.Background(), u, password+"!") },
		"client's tokens": func(n *node, _ string) error { return n.EndClientTokens(context.Background(), "web") },
	} {
		for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
			t.Run(name+" "+string(format), func(t *testing.T) {
				w, n := newNode(t)
				fast := w.over(w.store, func() time.Time { return w.now().Add(ahead) })
				r := webApp()
				r.AccessTokenFormat = format
				n.register(r)
				u := n.user("alice")
				v := n.signIn(u)
				old := n.tokens(n.client("web"), v)
				oldMachine, err := n.machine(n.client("web"))
				ok(t, err)
				code := n.authorize(n.client("web"), v)
				w.move(time.Second)
				ok(t, end(fast, u.ID))
				c := n.client("web")
				n.wantActive(c, false, old.AccessToken, old.RefreshToken)
				_, err = n.redeem(c, code)
				wantCode(t, err, oauth.InvalidGrant)
				if name == "client's tokens" {
					n.wantActive(c, false, oldMachine.AccessToken)
				}
				u, err = n.people.User(t.Context(), u.ID)
				ok(t, err)
				tokens := n.tokens(c, n.signIn(u))
				machine, err := n.machine(c)
				ok(t, err)
				n.wantActive(c, true, tokens.AccessToken, tokens.RefreshToken, machine.AccessToken)
				_, err = n.refresh(c, tokens.RefreshToken)
				ok(t, err)
				w.move(time.Second)
				ok(t, n.EndClientTokens(t.Context(), "web")) // by a clock that is behind the last end
				n.wantActive(n.client("web"), false, tokens.AccessToken, tokens.RefreshToken, machine.AccessToken)
			})
		}
	}
}

func TestAnEndIsToTheMillisecond(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	before, err := n.machine(c)
	ok(t, err)
	w.move(time.Millisecond)
	same, err := n.machine(c)
	ok(t, err)
	ok(t, n.EndClientTokens(t.Context(), "web"))
	c = n.client("web")
	after, err := n.machine(c)
	ok(t, err)
	n.wantActive(c, false, before.AccessToken, same.AccessToken)
	n.wantActive(c, true, after.AccessToken)
}

// TestAnEndedSessionGetsNoLastAuthorization: a node that has not heard of a password change yet must not give the session
// that it ended an authorization which outlives it.
func TestAnEndedSessionGetsNoLastAuthorization(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	thief := n.signIn(n.user("alice"))
	n.authorize(c, thief) // consent is remembered
	w.move(time.Second)
	ok(t, n.people.SetPassword(t.Context(), thief.User.ID, password+"!"))
	w.move(100 * time.Millisecond)
	d, err := n.Authorize(t.Context(), ask(c), thief) // as read before the change
	ok(t, err)
	code := field(d.Response, "code")
	if code == "" {
		return
	}
	if tokens, err := n.redeem(c, code); err == nil {
		n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
		t.Error("a session that was ended got tokens")
	}
}

func TestARecreatedClientInheritsNothing(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		w, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		v := n.signIn(n.user("alice"))
		code, tokens := n.authorize(c, v), n.tokens(c, v)
		machine, err := n.machine(c)
		ok(t, err)
		w.move(time.Second)
		ok(t, n.DeleteClient(t.Context(), "web"))
		w.move(time.Second)
		c = n.register(r)
		n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken, machine.AccessToken)
		_, err = n.redeem(c, code)
		wantCode(t, err, oauth.InvalidGrant)
		_, err = n.refresh(c, tokens.RefreshToken)
		wantCode(t, err, oauth.InvalidGrant)
		if d, err := n.Authorize(t.Context(), ask(c), v); err != nil || d.Step != oauth.AskUser {
			t.Errorf("consent for its predecessor counts: %+v, %v", d, err)
		}
	}
}

func TestABlockedUserAndADisabledClientStopAndComeBack(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	u := n.user("alice")
	tokens := n.tokens(c, n.signIn(u))
	machine, err := n.machine(c)
	ok(t, err)
	w.move(time.Second)
	ok(t, n.people.SetBlocked(t.Context(), u.ID, account.Block))
	n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
	_, err = n.refresh(c, tokens.RefreshToken)
	wantCode(t, err, oauth.InvalidGrant)
	n.wantActive(c, true, machine.AccessToken)
	api := n.register(resourceServer())
	ok(t, n.SetClientState(t.Context(), "web", oauth.Disabled))
	n.wantActive(api, false, machine.AccessToken)
	ok(t, n.SetClientState(t.Context(), "web", oauth.Enabled))
	n.wantActive(api, true, machine.AccessToken)
}

// TestAnEndReachesWhatAFastClockIssued ends by a right clock what a node issued whose clock is ahead.
func TestAnEndReachesWhatAFastClockIssued(t *testing.T) {
	w, n := newNode(t)
	fast := w.over(w.store, func() time.Time { return w.now().Add(time.Second) })
	c := fast.register(webApp())
	u := fast.user("alice")
	tokens := fast.tokens(c, fast.signIn(u))
	machine, err := fast.machine(c)
	ok(t, err)
	ok(t, n.people.SetPassword(t.Context(), u.ID, password+"!"))
	n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
	n.wantActive(c, true, machine.AccessToken)
	ok(t, n.EndClientTokens(t.Context(), "web"))
	n.wantActive(n.client("web"), false, machine.AccessToken)
}

// TestWhatIsIssuedForADeletedClientIsNotItsSuccessors has a node that has not heard of the deletion go on for a moment,
// while the client_id is registered again.
func TestWhatIsIssuedForADeletedClientIsNotItsSuccessors(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		w, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat = format
		old := n.register(r)
		v := n.signIn(n.user("alice"))
		code := n.authorize(old, v)
		w.move(time.Millisecond)
		ok(t, n.DeleteClient(t.Context(), "web"))
		next := n.register(r)
		w.move(time.Second)
		machine, err := n.machine(old) // as the slow node knows it
		ok(t, err)
		tokens, err := n.redeem(old, code)
		ok(t, err)
		n.wantActive(next, false, machine.AccessToken, tokens.AccessToken, tokens.RefreshToken)
		for range 2 {
			own, err := n.machine(n.client("web"))
			ok(t, err)
			mine := n.tokens(n.client("web"), v)
			n.wantActive(next, true, own.AccessToken, mine.AccessToken, mine.RefreshToken)
			w.move(5 * time.Second)
		}
	}
}
