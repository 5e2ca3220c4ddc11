package e2e

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Short runs of random requests against every endpoint. The seed of a run is logged, so that a failure can be repeated.

// mutator bends requests at random.
type mutator struct{ *rand.Rand }

var values = []string{
	"", " ", "null", "0", "-1", "true", "[]", "{}", "\x00", "\r\n", "\u202e", "%00", "%0d%0a", "../..", "'", `"`, "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
	"https://evil.example.test/", "javascript:alert(1)", "grac_", "grat_" + strings.Repeat("A", 72), "grrt_" + strings.Repeat("A", 72), "a.b.c",
	"client_credentials", "authorization_code", "refresh_token", "code", "token", "S256", "plain", "none", "form_post", "web", "other", "spa", "api:read", "profile",
	"\xff\xfe\xfd", strings.Repeat("A", 5000), "é", "𝄞", "%", "%zz", "a&b=c", ";", "9999999999999999999999", "1e309", "NaN",
}

func (m *mutator) bend(form url.Values) url.Values {
	bent := url.Values{}
	for name, all := range form {
		bent[name] = append([]string{}, all...)
	}
	names := make([]string, 0, len(bent))
	for name := range bent {
		names = append(names, name)
	}
	names = append(names, "scope", "resource", "prompt", "max_age", "state", "client_id", "client_secret", "response_mode", "request", "interaction", "x")
	for range 1 + m.IntN(3) {
		name := names[m.IntN(len(names))]
		switch m.IntN(5) {
		case 0:
			bent.Del(name)
		case 1:
			bent.Add(name, values[m.IntN(len(values))])
		case 2:
			bent.Set(name, m.garble(bent.Get(name)))
		case 3:
			bent.Set(m.garble(name), bent.Get(name))
		default:
			bent.Set(name, values[m.IntN(len(values))])
		}
	}
	return bent
}

// garble changes some bytes.
func (m *mutator) garble(s string) string {
	b := []byte(s)
	for range 1 + m.IntN(4) {
		if len(b) == 0 || m.IntN(4) == 0 {
			b = append(b, byte(m.IntN(256)))
			continue
		}
		b[m.IntN(len(b))] = byte(m.IntN(256))
	}
	return string(b)
}

// fuzzRounds is how many requests one run sends; -race makes each of them dear.
func fuzzRounds() int {
	if testing.Short() {
		return 100
	}
	return 700
}

func newMutator(t testing.TB) *mutator {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return &mutator{rand.New(rand.NewPCG(seed, 1))}
}

// wantHarmless is what every answer to every request must be.
func wantHarmless(t testing.TB, request *http.Request, answer *authtest.Answer, took time.Duration) {
	t.Helper()
	switch {
	case answer.Status >= 500:
		t.Errorf("%s %s: %s", request.Method, request.URL, answer)
	case took > 10*time.Second:
		t.Errorf("%s %s took %v", request.Method, request.URL, took)
	case strings.Contains(answer.Body, "<script>alert") || strings.Contains(answer.Body, "<img src=x"):
		t.Errorf("%s %s: markup is reflected", request.Method, request.URL)
	case strings.Contains(answer.Body, "goroutine ") || strings.Contains(answer.Body, "panic"):
		t.Errorf("%s %s: %s", request.Method, request.URL, answer)
	}
}

func TestRandomAuthorizationRequestsDoNoHarm(t *testing.T) {
	t.Parallel()
	s := shared(t)
	m := newMutator(t)
	b := s.Browser(t)
	b.Grant(s.App("web").Ask(), authtest.Alice)
	cookies := func(r *http.Request) {
		if m.IntN(2) == 0 {
			for _, c := range b.Cookies {
				r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
			}
		}
	}
	registered := []string{authtest.WebRedirect, authtest.SecondRedirect, authtest.OtherRedirect, authtest.SPARedirect,
		"/login", "/consent", authtest.AuthorizePath} // the last: a posted request is sent again by GET, with its cookies
	for range fuzzRounds() {
		params := m.bend(s.App([]string{"web", "other", "spa"}[m.IntN(3)]).Ask().Params)
		request := authtest.NewRequest(t, http.MethodGet, s.URL(authtest.AuthorizePath)+"?"+params.Encode(), nil)
		if m.IntN(3) == 0 {
			request = authtest.NewRequest(t, http.MethodPost, s.URL(authtest.AuthorizePath), params)
		}
		cookies(request)
		began := time.Now()
		answer := s.Do(t, request)
		wantHarmless(t, request, answer, time.Since(began))
		location := answer.Header.Get("Location")
		known := location == ""
		for _, uri := range registered {
			known = known || strings.HasPrefix(location, uri+"?") || strings.HasPrefix(location, uri+"&")
		}
		if !known {
			t.Errorf("%v leads to %s", params, location)
		}
	}
}

func TestRandomTokenRequestsDoNoHarm(t *testing.T) {
	t.Parallel()
	s := shared(t)
	m := newMutator(t)
	asked := s.App("web").Ask()
	code := s.Browser(t).Grant(asked, authtest.Alice)
	spent := s.Browser(t).Tokens(s.App("web"), authtest.Alice)
	s.App("web").Revoke(t, spent.Refresh())
	bases := []url.Values{
		asked.Redemption(code, "code_verifier", authtest.Random()), authtest.Form("grant_type", "refresh_token", "refresh_token", spent.Refresh()),
		authtest.Form("grant_type", "client_credentials", "scope", "admin"), authtest.Form("grant_type", "password", "username", "alice", "password", "x"),
	}
	for range fuzzRounds() {
		app := s.App([]string{"web", "post", "spa", "other"}[m.IntN(4)])
		form := m.bend(bases[m.IntN(len(bases))])
		request, err := app.Request(authtest.TokenPath, form)
		if err != nil {
			t.Fatal(err)
		}
		if m.IntN(6) == 0 {
			request.Header.Set("Authorization", "Basic "+m.garble("d2ViOng="))
		}
		began := time.Now()
		answer, err := s.Try(request)
		if err != nil {
			continue // a header that cannot be sent
		}
		wantHarmless(t, request, answer, time.Since(began))
		if answer.Access() != "" && (form.Get("grant_type") != "client_credentials" || strings.Contains(answer.Text("scope"), "admin")) {
			t.Errorf("%v is worth %s", form, answer)
		}
		if answer.Access() == "" && answer.Fault() == "" {
			t.Errorf("%v: neither tokens nor an error: %s", form, answer)
		}
	}
	asked.Redeem(t, code).Wants(t, http.StatusOK, "")
}

func TestRandomRequestsElsewhereDoNoHarm(t *testing.T) {
	t.Parallel()
	s := shared(t)
	m := newMutator(t)
	tokens := s.Browser(t).Tokens(s.App("web"), authtest.Alice)
	b := s.Browser(t)
	login := b.Open(s.App("native").Ask().URL())
	_, loginForm := login.Filled("Sign in", "username", "sybil", "password", "x")
	for range fuzzRounds() {
		var request *http.Request
		switch path := []string{authtest.IntrospectPath, authtest.RevokePath, "/login", "/consent", "/logout", "/setup", "/"}[m.IntN(7)]; path {
		case authtest.IntrospectPath, authtest.RevokePath:
			made, err := s.App("other").Request(path, m.bend(authtest.Form("token", m.garble(tokens.Access()), "token_type_hint", "access_token")))
			if err != nil {
				t.Fatal(err)
			}
			request = made
		default:
			request = authtest.NewRequest(t, http.MethodPost, s.URL(path), m.bend(loginForm))
			if m.IntN(2) == 0 {
				request = authtest.NewRequest(t, http.MethodGet, s.URL(path)+"?"+m.bend(loginForm).Encode(), nil)
			}
			for _, c := range b.Cookies {
				request.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
			}
		}
		began := time.Now()
		answer := s.Do(t, request)
		wantHarmless(t, request, answer, time.Since(began))
		if location := answer.Header.Get("Location"); location != "" && (!strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//")) {
			t.Errorf("%s leads to %s", request.URL.Path, location)
		}
		if answer.Active() {
			t.Errorf("another's token is active: %s", answer)
		}
	}
	if !s.App("web").Active(t, tokens.Access()) {
		t.Error("the token has suffered")
	}
}
