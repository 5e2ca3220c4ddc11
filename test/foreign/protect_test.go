package foreign

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/protect"
)

// clock is the time of a guard: that of the machine, and more.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time        { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) move(by time.Duration) { c.ahead.Add(int64(by)) }

func guard(t *testing.T, p *provider, c *clock) *protect.Guard {
	t.Helper()
	g, err := protect.New(t.Context(), protect.Config{
		Issuer: p.url, Audience: "https://orders.example.com", ClientID: "orders", ClientSecret: secretOf("orders"), Now: c.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// refused checks that a token is refused with a status and code.
func refused(t *testing.T, g *protect.Guard, token string, status int, code string, scope ...string) {
	t.Helper()
	_, err := g.Check(t.Context(), token, scope...)
	var r *protect.Refusal
	if !errors.As(err, &r) || r.Status != status || r.Code != code {
		t.Errorf("%v, want %d %s", err, status, code)
	}
}

func TestProtectGuardsWithAnotherServer(t *testing.T) {
	p := start(t, "")
	t.Run("accepted", func(t *testing.T) { accepted(t, p) })
	t.Run("expired", func(t *testing.T) { expired(t, p) })
	t.Run("revoked", func(t *testing.T) { revoked(t, p) })
	t.Run("of elsewhere", func(t *testing.T) { ofElsewhere(t, p) })
	t.Run("over HTTP", func(t *testing.T) { overHTTP(t, p) })
}

func accepted(t *testing.T, p *provider) {
	g := guard(t, p, new(clock))
	for _, resource := range []string{"orders", "rsa", "eddsa", "opaque"} { // ES256, RS256, EdDSA, no JWT
		token := p.token(resource, "orders:read")
		if isJWT := strings.Count(token, ".") == 2; isJWT == (resource == "opaque") {
			t.Fatalf("%s: the token is not of the expected form", resource)
		}
		got, err := g.Check(t.Context(), token, "orders:read")
		if err != nil {
			t.Errorf("%s: %v", resource, err)
			continue
		}
		var issuer string
		if err := got.Claim("iss", &issuer); err != nil || issuer != p.url {
			t.Errorf("%s: issuer %q, %v", resource, issuer, err)
		}
		if got.ClientID != "machine" || !slices.Equal(got.Scope, []string{"orders:read"}) || time.Until(got.Expires) < 5*time.Minute {
			t.Errorf("%s: %+v", resource, got)
		}
		refused(t, g, token, http.StatusForbidden, "insufficient_scope", "orders:write")
	}
}

func expired(t *testing.T, p *provider) {
	c := new(clock)
	g := guard(t, p, c)
	jwt, opaque := p.token("orders", "orders:read"), p.token("opaque", "orders:read")
	for _, token := range []string{jwt, opaque} {
		if _, err := g.Check(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	c.move(10*time.Minute + 6*time.Second) // its life, and what clocks may differ
	for _, token := range []string{jwt, opaque} {
		refused(t, g, token, http.StatusUnauthorized, "invalid_token")
	}
}

func revoked(t *testing.T, p *provider) {
	c := new(clock)
	g := guard(t, p, c)
	token := p.token("opaque", "orders:read")
	if _, err := g.Check(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	p.post("machine", "/token/revocation", "token", token)
	c.move(31 * time.Second) // longer than answers are believed
	refused(t, g, token, http.StatusUnauthorized, "invalid_token")
	never := p.token("opaque", "orders:read")
	p.post("machine", "/token/revocation", "token", never)
	refused(t, g, never, http.StatusUnauthorized, "invalid_token")
}

func ofElsewhere(t *testing.T, p *provider) {
	g := guard(t, p, new(clock))
	refused(t, g, p.token("invoices", "orders:read"), http.StatusUnauthorized, "invalid_token")        // for another API
	refused(t, g, p.token("opaque-invoices", "orders:read"), http.StatusUnauthorized, "invalid_token") // the same, by introspection
	refused(t, g, start(t, "").token("orders", "orders:read"), http.StatusUnauthorized, "invalid_token")
	forger := start(t, p.url) // its tokens differ in the key alone
	forged := forger.token("orders", "orders:read")
	refused(t, g, forged, http.StatusUnauthorized, "invalid_token")
	if _, err := g.Check(t.Context(), p.token("orders", "orders:read")); err != nil {
		t.Errorf("after a forged token: %v", err)
	}
}

func overHTTP(t *testing.T, p *provider) {
	g := guard(t, p, new(clock))
	mux := http.NewServeMux()
	mux.Handle("GET /orders", g.Require("orders:read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(protect.FromContext(r.Context()).ClientID)) // it is a recorder
	})))
	handler := g.Handler(mux)
	for token, want := range map[string]int{
		"": http.StatusUnauthorized, p.token("orders", "orders:read"): http.StatusOK, p.token("opaque", "orders:read"): http.StatusOK,
		p.token("orders", "orders:write"): http.StatusForbidden, p.token("invoices", "orders:read"): http.StatusUnauthorized,
	} {
		r := httptest.NewRequest(http.MethodGet, "https://orders.example.com/orders", nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want || want == http.StatusOK && w.Body.String() != "machine" {
			t.Errorf("%d %s, want %d", w.Code, w.Body, want)
		}
		if want != http.StatusOK && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%d says %q", want, w.Header().Get("WWW-Authenticate"))
		}
	}
}
