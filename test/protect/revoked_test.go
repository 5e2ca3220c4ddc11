package protect_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/protect"
	"github.com/grantor-dev/grantor/test/authtest"
)

// live is how many JWTs are valid at the same time.
func live() int {
	if authtest.Race {
		return 2_000 // signing and verifying take ten times as long then
	}
	return 100_000
}

// half of the tokens are known to one guard, and half to the other: what is told of one must reach both.
func half(tokens []string, guard int) []string {
	if guard == 0 {
		return tokens[:len(tokens)/2]
	}
	return tokens[len(tokens)/2:]
}

// endsWithinASecond measures from the act until every guard refuses the token.
func endsWithinASecond(t *testing.T, guards []guard, token string, act func()) {
	t.Helper()
	for i, g := range guards {
		if status := g.status(t, token); status != http.StatusOK {
			t.Fatalf("guard %d: %d before the act", i, status)
		}
	}
	began := time.Now()
	act()
	var waiting sync.WaitGroup
	for i, g := range guards {
		waiting.Go(func() {
			eventually(t, "the token is refused", func() bool { return g.status(t, token) == http.StatusUnauthorized })
			took := time.Since(began)
			t.Logf("guard %d refuses it after %s", i, took)
			if took > time.Second {
				t.Errorf("guard %d took %s", i, took)
			}
		})
	}
	waiting.Wait()
}

func TestARevokedTokenIsRefusedAtEveryNodeWithinASecond(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	guards := []guard{s.guard(t, newLine(s.nodes[0])), s.guard(t, newLine(s.nodes[1]))}
	tokens := s.tokens(t, "machine", live())
	others := s.tokens(t, "other", 100)
	for i, g := range guards {
		if n := g.all(t, half(tokens, i), http.StatusOK); n != len(tokens)/2 {
			t.Fatalf("guard %d accepts %d of %d tokens", i, n, len(tokens)/2)
		}
	}
	t.Run("a JWT, of many", func(t *testing.T) {
		gone := tokens[0]
		endsWithinASecond(t, guards, gone, func() { s.revoke(t, s.nodes[0], "machine", gone) })
		if n := guards[0].all(t, half(tokens, 0), http.StatusOK) + guards[1].all(t, half(tokens, 1), http.StatusOK); n != len(tokens)-1 {
			t.Errorf("%d of the other %d are accepted", n, len(tokens)-1)
		}
	})
	t.Run("an opaque token whose introspection is remembered", func(t *testing.T) {
		opaque := s.tokens(t, "opaque", 2)
		endsWithinASecond(t, guards, opaque[0], func() { s.revoke(t, s.nodes[1], "opaque", opaque[0]) })
		if guards[0].status(t, opaque[1]) != http.StatusOK {
			t.Error("another one is refused, too")
		}
	})
	t.Run("all of a client that is disabled, until it is enabled", func(t *testing.T) {
		state := func(state oauth.ClientState) {
			ok(t, s.nodes[1].provider.SetClientState(t.Context(), "machine", state))
		}
		endsWithinASecond(t, guards, tokens[1], func() { state(oauth.Disabled) })
		for i, g := range guards {
			if refused, accepted := g.all(t, half(tokens, i), http.StatusUnauthorized), g.all(t, others, http.StatusOK); refused != len(tokens)/2 || accepted != len(others) {
				t.Errorf("guard %d refuses %d of the client's tokens and accepts %d of the other's", i, refused, accepted)
			}
		}
		state(oauth.Enabled)
		for _, g := range guards {
			eventually(t, "the client is back", func() bool { return g.status(t, tokens[1]) == http.StatusOK })
			if g.status(t, tokens[0]) != http.StatusUnauthorized {
				t.Error("a token came back that was revoked by itself")
			}
		}
	})
	t.Run("all of a client that began until now", func(t *testing.T) {
		endsWithinASecond(t, guards, tokens[1], func() { ok(t, s.nodes[0].provider.EndClientTokens(t.Context(), "machine")) })
		for i, g := range guards {
			if n := g.all(t, half(tokens, i), http.StatusUnauthorized); n != len(tokens)/2 {
				t.Errorf("%d of %d are refused", n, len(tokens)/2)
			}
			eventually(t, "new tokens are good", func() bool { return g.status(t, s.tokens(t, "machine", 1)[0]) == http.StatusOK })
		}
	})
}

// TestNothingIsMissedWhileTheFeedIsCut keeps the line cut for longer than the server needs to send a heartbeat; for the
// guards it is a minute. They come back to the other node.
func TestNothingIsMissedWhileTheFeedIsCut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var c clock
	way := newLine(s.nodes[0])
	own := func(when protect.Away) func(*protect.Config) {
		return func(config *protect.Config) { config.Now, config.WhenFeedAway = c.now, when }
	}
	goesOn, refuses, asks := s.guard(t, way, own(protect.GoOn)), s.guard(t, way, own(protect.Refuse)), s.guard(t, way, own(protect.AskServer))
	guards := []guard{goesOn, refuses, asks}
	const each = 200
	tokens := s.tokens(t, "machine", 3*each)
	before, during, never := tokens[:each], tokens[each:2*each], tokens[2*each:]
	for _, g := range guards {
		if n := g.all(t, tokens, http.StatusOK); n != len(tokens) {
			t.Fatalf("%d of %d are accepted", n, len(tokens))
		}
	}
	for _, token := range before {
		s.revoke(t, s.nodes[0], "machine", token)
	}
	for _, g := range guards {
		eventually(t, "what was revoked before is refused", func() bool { return g.all(t, before, http.StatusUnauthorized) == each })
	}

	way.cut()
	const cutFor = 6 * time.Second
	for i, token := range during { // spread over the time, at both nodes
		s.revoke(t, s.nodes[i%2], "machine", token)
		time.Sleep(cutFor / each)
	}
	c.forward(time.Minute - cutFor)
	if n := goesOn.all(t, during, http.StatusOK); n != each {
		t.Errorf("a guard that goes on accepts %d of %d that it could not hear of", n, each)
	}
	for _, g := range []guard{refuses, asks} {
		if n := g.all(t, never, http.StatusServiceUnavailable); n != each {
			t.Errorf("%d of %d are answered with 503 while the feed and the server are away", n, each)
		}
	}
	for i, g := range guards {
		if n := g.all(t, before, http.StatusUnauthorized); n != each {
			t.Errorf("guard %d: %d of %d are still refused", i, n, each)
		}
	}

	way.mend(s.nodes[1])
	for i, g := range guards {
		took := eventually(t, "the guard is back", func() bool {
			return g.all(t, never[:1], http.StatusOK) == 1 && g.all(t, during, http.StatusUnauthorized) == each
		})
		t.Logf("guard %d is back after %s", i, took)
		if refused, accepted := g.all(t, before, http.StatusUnauthorized), g.all(t, never, http.StatusOK); refused != each || accepted != each {
			t.Errorf("guard %d refuses %d and accepts %d, want %d each", i, refused, accepted, each)
		}
	}
}
