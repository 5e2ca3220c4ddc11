package oauth_test

import (
	"context"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

// onlyRefusals fails for every error that is not invalid_grant.
func onlyRefusals(t *testing.T, errs []error) {
	t.Helper()
	for _, err := range errs {
		if err != nil && refusedWith(err) != oauth.InvalidGrant {
			t.Fatalf("error is %v", err)
		}
	}
}

// TestOfAHundredRedemptionsOneSucceeds, on two nodes over one store.
func TestOfAHundredRedemptionsOneSucceeds(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		w := newWorld(t)
		nodes := []*node{w.node(), w.node()}
		r := webApp()
		r.AccessTokenFormat = format
		c := nodes[0].register(r)
		v := nodes[0].signIn(nodes[0].user("alice"))
		for range 5 {
			code := nodes[0].authorize(c, v)
			tokens, errs := parallel(100, func(i int) (*oauth.Tokens, error) { return nodes[i%2].redeem(c, code) })
			if n := successes(errs); n != 1 {
				t.Fatalf("%d succeeded", n)
			}
			onlyRefusals(t, errs)
			for _, issued := range tokens {
				if issued != nil { // the other 99 were replays
					nodes[0].wantActive(c, false, issued.AccessToken, issued.RefreshToken)
				}
			}
		}
	}
}

// TestParallelRefreshesGiveOneSuccessor, on two nodes over one store.
func TestParallelRefreshesGiveOneSuccessor(t *testing.T) {
	w := newWorld(t)
	n, c, tokens := family(t, w)
	nodes := []*node{n, w.node()}
	for range 10 {
		answers, errs := parallel(50, func(i int) (*oauth.Tokens, error) { return nodes[i%2].refresh(c, tokens.RefreshToken) })
		if got := successes(errs); got != 50 {
			t.Fatalf("%d of 50 succeeded: %v", got, errs)
		}
		for _, answer := range answers {
			if answer.RefreshToken != answers[0].RefreshToken || answer.AccessToken != answers[0].AccessToken {
				t.Fatal("there are two successors")
			}
		}
		tokens = answers[0]
		n.wantActive(c, true, tokens.AccessToken, tokens.RefreshToken)
	}
}

// TestParallelRefreshesOfSeveralReachesShareTheSuccessor: each scope has its access token, all one refresh token.
func TestParallelRefreshesOfSeveralReachesShareTheSuccessor(t *testing.T) {
	w := newWorld(t)
	n, c, tokens := family(t, w)
	scopes := []string{"profile", "api:read", "api:write", ""}
	answers, errs := parallel(16, func(i int) (*oauth.Tokens, error) { return n.refresh(c, tokens.RefreshToken, scopes[i%4]) })
	if got := successes(errs); got != 16 {
		t.Fatalf("%d of 16 succeeded: %v", got, errs)
	}
	for i, answer := range answers {
		want := scopes[i%4]
		if want == "" {
			want = webScope
		}
		if answer.RefreshToken != answers[0].RefreshToken || n.look(c, answer.AccessToken).Scope.String() != want {
			t.Errorf("answer %d: %+v", i, answer)
		}
	}
	next, err := n.refresh(c, answers[0].RefreshToken)
	ok(t, err)
	n.wantActive(c, true, next.AccessToken)
}

func TestOfParallelStrictRefreshesOneSucceeds(t *testing.T) {
	for range 5 {
		w := newWorld(t)
		w.lifetimes.RefreshGrace = 0
		n, c, tokens := family(t, w)
		nodes := []*node{n, w.node()}
		answers, errs := parallel(50, func(i int) (*oauth.Tokens, error) { return nodes[i%2].refresh(c, tokens.RefreshToken) })
		if got := successes(errs); got != 1 {
			t.Fatalf("%d of 50 succeeded", got)
		}
		onlyRefusals(t, errs)
		for _, answer := range answers {
			if answer != nil {
				n.wantActive(c, false, answer.AccessToken, answer.RefreshToken)
			}
		}
	}
}

// TestARevokedFamilyStaysDeadWhileItIsRefreshed: whatever order the two come in, nothing of it lives after both.
func TestARevokedFamilyStaysDeadWhileItIsRefreshed(t *testing.T) {
	w := newWorld(t)
	nodes := []*node{w.node(), w.node()}
	c := nodes[0].register(webApp())
	v := nodes[0].signIn(nodes[0].user("alice"))
	for range 50 {
		tokens := nodes[0].tokens(c, v)
		answers, errs := parallel(8, func(i int) (*oauth.Tokens, error) {
			if i == 3 {
				return nil, nodes[1].Revoke(context.Background(), c, tokens.RefreshToken)
			}
			return nodes[i%2].refresh(c, tokens.RefreshToken)
		})
		ok(t, errs[3])
		onlyRefusals(t, errs)
		nodes[0].wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
		for i, answer := range answers {
			if answer == nil {
				continue
			}
			nodes[i%2].wantActive(c, false, answer.AccessToken, answer.RefreshToken)
			_, err := nodes[i%2].refresh(c, answer.RefreshToken)
			wantCode(t, err, oauth.InvalidGrant)
		}
	}
}

// TestARevokedCodeStaysDeadWhileItIsRedeemed does the same at the first redemption.
func TestARevokedCodeStaysDeadWhileItIsRedeemed(t *testing.T) {
	w := newWorld(t)
	n := w.node()
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	for range 30 {
		code := n.authorize(c, v)
		page, _, err := n.Authorizations(t.Context(), "client:web", "", 100)
		ok(t, err)
		id := page[len(page)-1].ID
		answers, errs := parallel(2, func(i int) (*oauth.Tokens, error) {
			if i == 0 {
				return nil, n.RevokeAuthorization(context.Background(), id)
			}
			return n.redeem(c, code)
		})
		ok(t, errs[0])
		onlyRefusals(t, errs)
		if answers[1] != nil {
			n.wantActive(c, false, answers[1].AccessToken, answers[1].RefreshToken)
		}
	}
}
