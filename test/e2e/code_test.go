package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// The life of an authorization code.

func TestACodeIsWorthTokensOnce(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "post", "spa", "native", "jwt"} {
		asked := s.App(id).Ask()
		code := s.Browser(t).Grant(asked, authtest.Alice)
		first := asked.Redeem(t, code)
		if first.Status != http.StatusOK || first.Text("token_type") != "Bearer" || first.Refresh() == "" {
			t.Fatalf("%s: %s", id, first)
		}
		api := s.App("api")
		asksAPI := id != "native" // it has no audience
		if asksAPI && !api.Active(t, first.Access()) {
			t.Fatalf("%s: the access token is not active", id)
		}
		asked.Redeem(t, code).Wants(t, http.StatusBadRequest, "invalid_grant")
		if asksAPI && api.Active(t, first.Access()) {
			t.Errorf("%s: after the replay the access token is active", id)
		}
		asked.App.Refresh(t, first.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		asked.Redeem(t, code).Wants(t, http.StatusBadRequest, "invalid_grant")
	}
}

// race sends the same request many times at once and counts the answers by status and error.
func race(t *testing.T, n int, send func(i int) (*authtest.Answer, error)) []*authtest.Answer {
	t.Helper()
	answers := make([]*authtest.Answer, n)
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			answers[i], errs[i] = send(i)
		})
	}
	close(start)
	all.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("a request of many has no answer: %v", err)
		}
	}
	return answers
}

func count(answers []*authtest.Answer, status int, code string) (n int) {
	for _, a := range answers {
		if a.Status == status && a.Fault() == code {
			n++
		}
	}
	return n
}

func TestOfManyRedemptionsOfACodeOneSucceeds(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shared(t)
			if name != "memory" {
				s = authtest.Start(t, authtest.Options{Store: open(t)})
			}
			for range 3 {
				asked := s.App("web").Ask()
				code := s.Browser(t).Grant(asked, authtest.Alice)
				answers := race(t, 100, func(int) (*authtest.Answer, error) {
					return asked.App.Call(authtest.TokenPath, asked.Redemption(code))
				})
				good, refused := count(answers, http.StatusOK, ""), count(answers, http.StatusBadRequest, "invalid_grant")
				if good != 1 || good+refused != len(answers) {
					t.Errorf("%d of 100 succeed, %d are refused", good, refused)
				}
				for _, a := range answers {
					if a.Status == http.StatusOK && s.App("web").Active(t, a.Access()) {
						t.Error("the code was replayed, and what it was worth is active")
					}
				}
			}
		})
	}
}

func TestACodeBelongsToItsClient(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, pair := range [][2]string{{"web", "other"}, {"web", "spa"}, {"spa", "web"}, {"spa", "native"}, {"native", "jwt"}} {
		asked := s.App(pair[0]).Ask()
		code := s.Browser(t).Grant(asked, authtest.Alice)
		thief := s.App(pair[1])
		thief.Post(t, authtest.TokenPath, asked.Redemption(code)).Wants(t, http.StatusBadRequest, "invalid_grant")
		asked.Redeem(t, code).Wants(t, http.StatusOK, "")
	}
}

func TestTheCodeOfAConfidentialClientNeedsItsSecret(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("web").Ask()
	code := s.Browser(t).Grant(asked, authtest.Alice)
	without := *asked.App
	without.Method = authtest.Public
	without.Post(t, authtest.TokenPath, asked.Redemption(code)).Wants(t, http.StatusUnauthorized, "invalid_client")
	wrong := *asked.App
	wrong.Secret = "not the secret"
	wrong.Post(t, authtest.TokenPath, asked.Redemption(code)).Wants(t, http.StatusUnauthorized, "invalid_client")
	asked.Redeem(t, code).Wants(t, http.StatusOK, "")
}

// bent gives near misses of a code or token.
func bent(s string) map[string]string {
	flip := func(i int) string {
		c := byte('A')
		if s[i] == 'A' {
			c = 'B'
		}
		return s[:i] + string(c) + s[i+1:]
	}
	return map[string]string{
		"first character": flip(0), "first of its body": flip(5), "middle": flip(len(s) / 2), "last": flip(len(s) - 1), "cut by one": s[:len(s)-1],
		"half": s[:len(s)/2], "longer": s + "A", "twice": s + s, "case": strings.ToUpper(s), "blank": s + " ", "leading blank": " " + s,
		"padding": s + "=", "no prefix": s[5:], "prefix alone": s[:5], "another prefix": "xxxx_" + s[5:], "parts swapped": s[:5] + s[20:35] + s[5:20] + s[35:],
	}
}

func TestABentCodeIsRefusedAndTheRightOneStaysGood(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("web").Ask()
	code := s.Browser(t).Grant(asked, authtest.Alice)
	for name, near := range bent(code) {
		if answer := asked.Redeem(t, near); answer.Status != http.StatusBadRequest || answer.Fault() != "invalid_grant" {
			t.Errorf("%s: %s", name, answer)
		}
	}
	asked.Redeem(t, code).Wants(t, http.StatusOK, "")
}

func TestCodesAndTokensAreLongRandomAndRecognisable(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	seen := map[string]bool{}
	prefixes := map[string]int{}
	for range 10 {
		asked := s.App("web").Ask()
		code := b.Grant(asked, authtest.Alice)
		answer := asked.Redeem(t, code)
		for _, secret := range []string{code, answer.Access(), answer.Refresh()} {
			if seen[secret] || len(secret) < 5+43 {
				t.Errorf("%q is short or was there before", secret)
			}
			for other := range seen {
				if common := commonRun(secret[5:], other[5:]); common > 6 {
					t.Errorf("two secrets have %d characters in common", common)
				}
			}
			seen[secret] = true
			prefixes[secret[:5]]++
		}
	}
	if len(prefixes) != 3 || prefixes["grac_"] != 10 || prefixes["grat_"] != 10 || prefixes["grrt_"] != 10 {
		t.Errorf("prefixes: %v", prefixes)
	}
}

// commonRun gives the length of the longest run that two texts have at the same place.
func commonRun(a, b string) int {
	longest, run := 0, 0
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

func TestOneSortOfTokenIsNeverTakenForAnother(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	asked := web.Ask()
	code := s.Browser(t).Grant(asked, authtest.Alice)
	tokens := asked.Redeem(t, code)
	access, refresh := tokens.Access(), tokens.Refresh()
	unused := s.Browser(t).Grant(web.Ask(), authtest.Alice)

	asked.Redeem(t, access).Wants(t, http.StatusBadRequest, "invalid_grant")
	asked.Redeem(t, refresh).Wants(t, http.StatusBadRequest, "invalid_grant")
	for _, wrong := range []string{access, unused, code} {
		web.Refresh(t, wrong).Wants(t, http.StatusBadRequest, "invalid_grant")
	}
	// Not even with the prefix of another sort.
	for _, wrong := range []string{"grrt_" + access[5:], "grrt_" + unused[5:]} {
		web.Refresh(t, wrong).Wants(t, http.StatusBadRequest, "invalid_grant")
	}
	for _, wrong := range []string{"grat_" + refresh[5:], "grat_" + unused[5:], unused, "grac_" + access[5:]} {
		if web.Active(t, wrong) {
			t.Errorf("%s... is active", wrong[:8])
		}
	}
	if !web.Active(t, access) {
		t.Error("the access token has suffered")
	}
}

func TestTheExchangeCannotWidenTheScope(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("web").Ask("scope", "profile")
	code := s.Browser(t).Grant(asked, authtest.Alice)
	asked.Redeem(t, code, "scope", "profile api:write").Wants(t, http.StatusBadRequest, "invalid_scope")
	if answer := asked.Redeem(t, code); answer.Text("scope") != "profile" {
		t.Errorf("granted: %s", answer)
	}
}

func TestSecretsAreNotTakenFromTheURL(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("spa").Ask()
	code := s.Browser(t).Grant(asked, authtest.Alice)
	form := asked.Redemption(code)
	form.Set("client_id", "spa")
	address := s.URL(authtest.TokenPath) + "?" + form.Encode()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		body := authtest.Form("client_id", "spa")
		if method == http.MethodGet {
			body = nil
		}
		answer := s.Do(t, authtest.NewRequest(t, method, address, body))
		if answer.Status != http.StatusBadRequest && answer.Status != http.StatusMethodNotAllowed || answer.Access() != "" {
			t.Errorf("%s: %s", method, answer)
		}
	}
	for name := range form {
		if name == "client_id" || name == "redirect_uri" {
			continue
		}
		half := asked.Redemption(code, "client_id", "spa")
		half.Del(name)
		answer := s.Do(t, authtest.NewRequest(t, http.MethodPost, s.URL(authtest.TokenPath)+"?"+authtest.Form(name, form.Get(name)).Encode(), half))
		if answer.Status != http.StatusBadRequest || answer.Access() != "" {
			t.Errorf("%s in the URL: %s", name, answer)
		}
	}
	asked.Redeem(t, code).Wants(t, http.StatusOK, "")
}

func TestAClientWithoutTheRefreshGrantGetsNoRefreshToken(t *testing.T) {
	t.Parallel()
	s := shared(t)
	if answer := s.Browser(t).Tokens(s.App("no-refresh"), authtest.Alice); answer.Refresh() != "" {
		t.Errorf("it gets %s", answer)
	}
}
