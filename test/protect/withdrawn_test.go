package protect_test

import (
	"net/http"
	"testing"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// signs gives the id of the EdDSA key that signs, as a node knows it.
func (n *node) signs() string {
	for _, k := range n.keys.Status() {
		if k.Algorithm == jose.EdDSA && k.State == oauth.KeyCurrent {
			return k.ID
		}
	}
	return ""
}

func TestWhatAWithdrawnKeySignedIsRefusedAtEveryNodeWithinASecond(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	guards := []guard{s.guard(t, newLine(s.nodes[0])), s.guard(t, newLine(s.nodes[1]))}
	for name, withdraw := range map[string]func(){
		"one key": func() { _, err := s.nodes[0].keys.Withdraw(t.Context(), s.nodes[0].signs()); ok(t, err) },
		"all":     func() { _, err := s.nodes[1].keys.WithdrawAll(t.Context(), jose.EdDSA); ok(t, err) },
	} {
		t.Run(name, func(t *testing.T) {
			eventually(t, "both nodes sign with the same key", func() bool { return s.nodes[0].signs() == s.nodes[1].signs() })
			tokens := s.tokens(t, "machine", 200)
			for _, g := range guards {
				eventually(t, "the tokens are accepted", func() bool { return g.all(t, tokens, http.StatusOK) == len(tokens) })
			}
			endsWithinASecond(t, guards, tokens[0], withdraw)
			eventually(t, "both nodes sign with the same key", func() bool { return s.nodes[0].signs() == s.nodes[1].signs() })
			fresh := s.tokens(t, "machine", 2)
			for i, g := range guards {
				if n := g.all(t, tokens, http.StatusUnauthorized); n != len(tokens) {
					t.Errorf("guard %d refuses %d of %d tokens", i, n, len(tokens))
				}
				took := eventually(t, "new tokens are accepted", func() bool { return g.all(t, fresh, http.StatusOK) == len(fresh) })
				t.Logf("guard %d accepts new tokens after %s", i, took)
			}
		})
	}
}
