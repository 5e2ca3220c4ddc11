package protect

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

const orders = "https://orders.example.com"

// signer is a signing key of an issuer, with the private part at hand for forgeries.
type signer struct {
	*jose.Key
	private crypto.Signer
}

func newSigner(tb testing.TB, a jose.Algorithm) *signer {
	tb.Helper()
	var private crypto.Signer
	var err error
	switch a {
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case jose.RS256:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	check(tb, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	check(tb, err)
	key, err := jose.ParsePrivate(der)
	check(tb, err)
	return &signer{key, private}
}

// seal signs any header and claims with the private key.
func (s *signer) seal(tb testing.TB, header, claims string) string {
	tb.Helper()
	input := enc(header) + "." + enc(claims)
	digest := sha256.Sum256([]byte(input))
	var seal []byte
	var err error
	switch private := s.private.(type) {
	case *ecdsa.PrivateKey:
		r, ss, e := ecdsa.Sign(rand.Reader, private, digest[:])
		check(tb, e)
		seal = append(r.FillBytes(make([]byte, 32)), ss.FillBytes(make([]byte, 32))...)
	case ed25519.PrivateKey:
		seal = ed25519.Sign(private, []byte(input))
	case *rsa.PrivateKey:
		seal, err = rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
		check(tb, err)
	}
	return input + "." + enc(string(seal))
}

func (s *signer) header() string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"at+jwt"}`, s.Algorithm, s.ID)
}

func enc(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// server is an authorization server that can be broken: metadata, keys and, where active is set, introspection.
type server struct {
	url  string
	keys struct {
		sync.Mutex // of what tests change
		list       []*signer
		raw        string         // instead of the list
		metadata   map[string]any // added to the document
		hold       chan struct{}  // requests for the keys wait until it is closed
	}
	down     atomic.Bool  // answers 500
	keyReads atomic.Int64 // requests for the keys
	reads    atomic.Int64 // requests for the metadata
	headers  http.Header
	noOAuth  bool // knows OpenID Connect Discovery only
	active   func(token string) map[string]any
}

func newServer(tb testing.TB, algorithms ...jose.Algorithm) *server {
	tb.Helper()
	s := &server{}
	h := httptest.NewServer(s)
	tb.Cleanup(h.Close)
	s.url = h.URL
	for _, a := range algorithms {
		s.publish(newSigner(tb, a))
	}
	return s
}

func (s *server) publish(list ...*signer) {
	s.keys.Lock()
	defer s.keys.Unlock()
	s.keys.list = append(s.keys.list, list...)
}

func (s *server) withdraw(gone *signer) {
	s.keys.Lock()
	defer s.keys.Unlock()
	s.keys.list = slices.DeleteFunc(s.keys.list, func(k *signer) bool { return k == gone })
}

// says adds to the metadata.
func (s *server) says(metadata map[string]any) {
	s.keys.Lock()
	defer s.keys.Unlock()
	s.keys.metadata = metadata
}

// hangs makes requests for the keys wait until the channel is closed.
func (s *server) hangs() chan struct{} {
	s.keys.Lock()
	defer s.keys.Unlock()
	s.keys.hold = make(chan struct{})
	return s.keys.hold
}

func (s *server) key(i int) *signer {
	s.keys.Lock()
	defer s.keys.Unlock()
	return s.keys.list[i]
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.down.Load() {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasPrefix(r.URL.Path, "/.well-known/oauth-authorization-server") && !s.noOAuth,
		strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		s.reads.Add(1)
		document := map[string]any{"issuer": s.url, "jwks_uri": s.url + "/jwks", "introspection_endpoint": s.url + "/introspect"}
		s.keys.Lock()
		maps.Copy(document, s.keys.metadata)
		s.keys.Unlock()
		_ = json.NewEncoder(w).Encode(document)
	case r.URL.Path == "/jwks":
		s.keyReads.Add(1)
		s.keys.Lock()
		hold := s.keys.hold
		s.keys.Unlock()
		if hold != nil {
			<-hold
		}
		maps.Copy(w.Header(), s.headers)
		_, _ = w.Write(s.keySet())
	case r.URL.Path == "/introspect" && s.active != nil:
		_ = json.NewEncoder(w).Encode(s.active(r.PostFormValue("token")))
	default:
		http.NotFound(w, r)
	}
}

func (s *server) keySet() []byte {
	s.keys.Lock()
	defer s.keys.Unlock()
	if s.keys.raw != "" {
		return []byte(s.keys.raw)
	}
	var list []*jose.Key
	for _, k := range s.keys.list {
		list = append(list, k.Key)
	}
	set, err := jose.MarshalSet(list)
	if err != nil {
		panic(err)
	}
	return set
}

// claims are those of a good token, with some changed; nil takes one away.
func (s *server) claims(now time.Time, changed map[string]any) map[string]any {
	c := map[string]any{
		"iss": s.url, "sub": "usr_1", "aud": orders, "client_id": "shop", "scope": "orders:read orders:write",
		"jti": "authz.AAABlxyz", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "tenant": "north",
	}
	for name, value := range changed {
		if value == nil {
			delete(c, name)
		} else {
			c[name] = value
		}
	}
	return c
}

func (s *server) token(tb testing.TB, changed map[string]any) string {
	tb.Helper()
	return s.tokenBy(tb, s.key(0), time.Now(), changed)
}

func (s *server) tokenBy(tb testing.TB, k *signer, now time.Time, changed map[string]any) string {
	tb.Helper()
	claims, err := json.Marshal(s.claims(now, changed))
	check(tb, err)
	token, err := k.Sign("at+jwt", claims)
	check(tb, err)
	return token
}

func (s *server) config() Config { return Config{Issuer: s.url, Audience: orders} }

func newGuard(tb testing.TB, c Config) *Guard {
	tb.Helper()
	g, err := New(tb.Context(), c)
	check(tb, err)
	tb.Cleanup(func() { check(tb, g.Close()) })
	return g
}

// clock is one that tests move.
type clock struct{ at atomic.Int64 }

func newClock(t time.Time) *clock {
	c := &clock{}
	c.at.Store(t.UnixNano())
	return c
}

func (c *clock) now() time.Time        { return time.Unix(0, c.at.Load()) }
func (c *clock) move(by time.Duration) { c.at.Add(int64(by)) }
func (c *clock) set(t time.Time)       { c.at.Store(t.UnixNano()) }

// refusalOf gives what Check answers, nil for a good token.
func refusalOf(tb testing.TB, g *Guard, token string, scope ...string) *Refusal {
	tb.Helper()
	t, err := g.Check(tb.Context(), token, scope...)
	if err == nil {
		if t == nil {
			tb.Fatal("neither a token nor a refusal")
		}
		return nil
	}
	refusal, ok := err.(*Refusal) //nolint:errorlint // it is never wrapped
	if !ok || t != nil {
		tb.Fatalf("Check = %v, %v", t, err)
	}
	return refusal
}

func wantCode(tb testing.TB, r *Refusal, status int, code string) {
	tb.Helper()
	switch {
	case r == nil && code == "ok":
	case r == nil || code == "ok" || r.Status != status || r.Code != code:
		tb.Errorf("refusal = %+v, want %d %s", r, status, code)
	}
}
