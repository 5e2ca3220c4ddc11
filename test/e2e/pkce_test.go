package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// PKCE: S256, for every client.

func TestEveryClientMustUsePKCE(t *testing.T) {
	t.Parallel()
	s := shared(t)
	challenge := authtest.Challenge(authtest.Random())
	for _, id := range []string{"web", "post", "spa", "native"} {
		for name, pairs := range map[string][]string{
			"none":               {"code_challenge", "", "code_challenge_method", ""},
			"method alone":       {"code_challenge", ""},
			"challenge alone":    {"code_challenge_method", ""},
			"plain":              {"code_challenge_method", "plain"},
			"unknown method":     {"code_challenge_method", "S512"},
			"method's case":      {"code_challenge_method", "s256"},
			"42 characters":      {"code_challenge", challenge[:42]},
			"44 characters":      {"code_challenge", challenge + "A"},
			"padding":            {"code_challenge", challenge[:42] + "="},
			"another alphabet":   {"code_challenge", challenge[:41] + "+/"},
			"a blank":            {"code_challenge", challenge[:42] + " "},
			"129 characters":     {"code_challenge", strings.Repeat("a", 129)},
			"a non-ASCII letter": {"code_challenge", challenge[:41] + "é"},
		} {
			asked := s.App(id).Ask(pairs...)
			page := s.Browser(t).Open(asked.URL())
			if !page.Left() && strings.HasPrefix(asked.App.Redirect, "http") {
				t.Errorf("%s, %s: %s", id, name, page)
				continue
			}
			wantRefusal(t, page, asked, "invalid_request")
		}
	}
}

func TestAWrongVerifierIsRefusedAndTheCodeStaysGood(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "spa"} {
		asked := s.App(id).Ask()
		code := s.Browser(t).Grant(asked, authtest.Alice)
		right := asked.Verifier
		swapped := strings.ToUpper(right)
		if swapped == right {
			swapped = strings.ToLower(right)
		}
		for name, verifier := range map[string]string{
			"missing": "", "another": authtest.Random(), "challenge": authtest.Challenge(right), "case": swapped, "cut": right[:42],
			"longer": right + "A", "with blank": right + " ", "with NUL": right + "\x00", "too long": strings.Repeat("a", 129),
			"empty hash": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", "with padding": right + "=",
		} {
			answer := asked.Redeem(t, code, "code_verifier", verifier)
			if answer.Status != http.StatusBadRequest || answer.Access() != "" {
				t.Errorf("%s, verifier %s: %s", id, name, answer)
			}
		}
		if answer := asked.Redeem(t, code); answer.Status != http.StatusOK {
			t.Errorf("%s: after the attempts the owner gets %s", id, answer)
		}
	}
}

func TestCodeAndVerifierOfTwoRequestsDoNotMix(t *testing.T) {
	t.Parallel()
	s := shared(t)
	victim, attacker := s.App("web").Ask(), s.App("web").Ask()
	stolen := s.Browser(t).Grant(victim, authtest.Alice)
	own := s.Browser(t).Grant(attacker, authtest.Bob)
	attacker.Redeem(t, stolen).Wants(t, http.StatusBadRequest, "invalid_grant")
	victim.Redeem(t, own).Wants(t, http.StatusBadRequest, "invalid_grant")
	victim.Redeem(t, stolen).Wants(t, http.StatusOK, "")
}

func TestARepeatedVerifierIsRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("spa").Ask()
	code := s.Browser(t).Grant(asked, authtest.Alice)
	for _, second := range []string{asked.Verifier, authtest.Random(), ""} {
		form := asked.Redemption(code)
		form.Add("code_verifier", second)
		asked.App.Post(t, authtest.TokenPath, form).Wants(t, http.StatusBadRequest, "invalid_request")
	}
}

func TestTheMetadataOffersS256Alone(t *testing.T) {
	t.Parallel()
	s := shared(t)
	if got := listOf(s.Get(t, "/.well-known/oauth-authorization-server").JSON["code_challenge_methods_supported"]); got != "S256" {
		t.Errorf("it offers %q", got)
	}
}
