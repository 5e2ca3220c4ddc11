package oauth_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store/redis"
)

// skew is what the clocks of two nodes may differ by.
const skew = 2 * time.Second

// apart gives two nodes on one Redis, each with a store, keys and people of its own, the second of which has another time.
func apart(t *testing.T, by time.Duration) (right, wrong *node) {
	t.Helper()
	url := redistest.Start(t)
	at := func(now func() time.Time) *node {
		b, err := redis.Open(t.Context(), url, redis.Options{Now: now})
		ok(t, err)
		t.Cleanup(func() { _ = b.Close() })
		w := &world{t: t, keys: loadRing(t, oauth.KeyringConfig{Backend: b, Now: now}), lifetimes: oauth.Lifetimes{RefreshGrace: testGrace}}
		n := w.over(b, now)
		n.run()
		return n
	}
	return at(time.Now), at(func() time.Time { return time.Now().Add(by) })
}

// TestTwoNodesWithDifferentClocks has each of two nodes, whose clocks are two seconds apart, begin what the other goes on with.
func TestTwoNodesWithDifferentClocks(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{skew, -skew} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			right, wrong := apart(t, by)
			web, jwt := webApp(), webApp()
			jwt.ClientID, jwt.ClientName, jwt.AccessTokenFormat = "jwt", "JWT", oauth.JWT
			for _, r := range []oauth.Registration{web, jwt} {
				right.register(r)
			}
			right.user("alice")
			for i, pair := range [][2]*node{{right, wrong}, {wrong, right}} {
				for _, id := range []string{"web", "jwt"} {
					t.Run(fmt.Sprint(id, " from node ", i+1), func(t *testing.T) { handedOn(t, pair[0], pair[1], id) })
				}
			}
		})
	}
}

// handedOn begins at one node and goes on at the other.
func handedOn(t *testing.T, one, two *node, id string) {
	t.Helper()
	ctx := t.Context()
	c := func(n *node) *oauth.Client { return n.client(id) }
	both := func(want bool, tokens ...string) {
		t.Helper()
		for _, n := range []*node{one, two} {
			n.wantActive(c(n), want, tokens...)
		}
	}
	cookie, v := sessionOf(t, one)
	s, u, err := two.people.Session(ctx, cookie)
	ok(t, err)
	v2 := oauth.Visitor{Browser: v.Browser, Session: s, User: u}

	// A code of one is redeemed at the other, once.
	code := one.authorize(c(one), v)
	first, err := two.redeem(c(two), code)
	ok(t, err)
	both(true, first.AccessToken, first.RefreshToken)
	replayed := two.authorize(c(two), v2)
	kept, err := one.redeem(c(one), replayed)
	ok(t, err)
	_, err = two.redeem(c(two), replayed)
	wantCode(t, err, oauth.InvalidGrant)
	both(false, kept.AccessToken, kept.RefreshToken)

	// Refresh tokens go to and fro; within the grace both give the same successor.
	second, err := one.refresh(c(one), first.RefreshToken)
	ok(t, err)
	again, err := two.refresh(c(two), first.RefreshToken)
	ok(t, err)
	if again.RefreshToken != second.RefreshToken {
		t.Error("within the grace the other node gives another successor")
	}
	third, err := two.refresh(c(two), second.RefreshToken)
	ok(t, err)
	both(true, third.AccessToken, third.RefreshToken)

	// What one revokes is dead at the other, what it ends for all is so too, and what begins then lives.
	machine, err := one.machine(c(one))
	ok(t, err)
	both(true, machine.AccessToken)
	ok(t, two.Revoke(ctx, c(two), machine.AccessToken))
	ok(t, two.Revoke(ctx, c(two), third.RefreshToken))
	both(false, machine.AccessToken, third.AccessToken, third.RefreshToken)
	before, err := one.machine(c(one))
	ok(t, err)
	ok(t, two.EndClientTokens(ctx, id))
	eventually(t, "both know that the tokens of the client have ended", func() bool {
		return !one.active(c(one), before.AccessToken) && !two.active(c(two), before.AccessToken)
	})
	for _, n := range []*node{one, two} {
		eventually(t, "what begins after the end lives", func() bool {
			after, err := n.machine(c(n))
			ok(t, err)
			return one.active(c(one), after.AccessToken) && two.active(c(two), after.AccessToken)
		})
	}

	// A session ends everywhere.
	ok(t, two.people.EndSession(ctx, cookie))
	eventually(t, "the session has ended", func() bool {
		_, _, err := one.people.Session(ctx, cookie)
		return err != nil
	})
}

// sessionOf signs alice in and gives her cookie.
func sessionOf(t *testing.T, n *node) (cookie string, v oauth.Visitor) {
	t.Helper()
	u, err := n.people.Login(t.Context(), account.Attempt{Username: "alice", Password: password})
	ok(t, err)
	cookie, s, err := n.people.StartSession(t.Context(), u, account.NewSession{})
	ok(t, err)
	return cookie, oauth.Visitor{Browser: "browser of alice", Session: s, User: u}
}
