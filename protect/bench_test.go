package protect

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// benchClaims are as long as those of a user's token.
func benchClaims() map[string]any {
	return map[string]any{
		"exp": time.Now().Add(time.Hour).Unix(), "sub": "usr_0123456789abcdef0123456789abcdef", "client_id": "cli_0123456789abcdef0123456789abcdef",
		"jti": "0123456789abcdef0123456789abcdef.AAABlxyzAAABlxyzAAABlxyzAAABlxyz", "gen": "AAABlxyzAAA",
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkCachedToken is the whole way of a request whose JWT was seen before, through Handler and Require: the figure to
// compare with BenchmarkBareSignature, which is what verifying it costs by itself.
func BenchmarkCachedToken(b *testing.B) {
	for _, a := range jose.Algorithms {
		b.Run(string(a), func(b *testing.B) {
			s := newServer(b, a)
			g := newGuard(b, s.config())
			h := g.Handler(g.Require("orders:read")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
			r := request("GET", "/orders?page=2", "Bearer "+s.token(b, benchClaims()))
			w := discard{http.Header{}}
			h.ServeHTTP(w, r)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
			if len(w.header) != 0 {
				b.Fatal(w.header)
			}
		})
	}
}

// BenchmarkCachedTokenWithFeed looks at the feed, too: whether it is current, and whether it ended the token.
func BenchmarkCachedTokenWithFeed(b *testing.B) {
	s := newServer(b, jose.ES256)
	g := newGuard(b, s.config())
	g.feed = newFeed(&g.config, g.discovery, g.keys)
	g.feed.heard.Store(time.Now().Add(time.Hour).UnixNano())
	for i := range 100_000 {
		check(b, g.feed.deny([]byte(fmt.Sprintf(`{"type":"token","jti":"x.%d","until":%d}`, i, time.Now().Add(time.Hour).Unix()))))
	}
	h := g.Handler(g.Require("orders:read")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	r := request("GET", "/orders?page=2", "Bearer "+s.token(b, benchClaims()))
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
	if len(w.header) != 0 {
		b.Fatal(w.header)
	}
}

func BenchmarkCachedTokenParallel(b *testing.B) {
	s := newServer(b, jose.ES256)
	g := newGuard(b, s.config())
	h := g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	token := s.token(b, benchClaims())
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		r := request("GET", "/orders", "Bearer "+token)
		for p.Next() {
			h.ServeHTTP(discard{}, r)
		}
	})
}

// BenchmarkRefusedAgain is a bad JWT that was seen before, with the answer.
func BenchmarkRefusedAgain(b *testing.B) {
	s := newServer(b, jose.ES256)
	g := newGuard(b, s.config())
	h := g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := request("GET", "/orders", "Bearer "+s.token(b, map[string]any{"aud": "https://other.example"}))
	w := discard{http.Header{}}
	h.ServeHTTP(w, r)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

// BenchmarkNewToken is the first sight of a token: the signature check and all around it.
func BenchmarkNewToken(b *testing.B) {
	for _, a := range jose.Algorithms {
		b.Run(string(a), func(b *testing.B) {
			s := newServer(b, a)
			g := newGuard(b, s.config())
			token := s.token(b, benchClaims())
			d := digestOf(token)
			b.ReportAllocs()
			for b.Loop() {
				if _, refusal := g.verify(b.Context(), token, &d); refusal != nil {
					b.Fatal(refusal)
				}
			}
		})
	}
}

// BenchmarkBareSignature is crypto alone, over the same token.
func BenchmarkBareSignature(b *testing.B) {
	for _, a := range jose.Algorithms {
		b.Run(string(a), func(b *testing.B) {
			s := newServer(b, a)
			token := s.token(b, benchClaims())
			cut := strings.LastIndexByte(token, '.')
			input := []byte(token[:cut])
			verify := bare(b, s.key(0), input)
			b.ReportAllocs()
			for b.Loop() {
				if !verify() {
					b.Fatal("does not verify")
				}
			}
		})
	}
}

func bare(b *testing.B, k *signer, input []byte) func() bool {
	b.Helper()
	digest := sha256.Sum256(input)
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		seal, err := private.Sign(nil, digest[:], crypto.SHA256)
		check(b, err)
		return func() bool {
			digest := sha256.Sum256(input)
			return ecdsa.VerifyASN1(&private.PublicKey, digest[:], seal)
		}
	case ed25519.PrivateKey:
		seal := ed25519.Sign(private, input)
		public, _ := private.Public().(ed25519.PublicKey)
		return func() bool { return ed25519.Verify(public, input, seal) }
	case *rsa.PrivateKey:
		seal, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
		check(b, err)
		return func() bool {
			digest := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA256, digest[:], seal) == nil
		}
	}
	return nil
}

// The target of the middleware: not more than two allocations for a token that was seen before.
func TestACachedTokenCostsTwoAllocations(t *testing.T) {
	s := newServer(t, jose.ES256)
	g := newGuard(t, s.config())
	h := g.Handler(g.Require("orders:read")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	r := request("GET", "/orders?page=2", "Bearer "+s.token(t, benchClaims()))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if n := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
	raw, err := json.Marshal(w.Header())
	if err != nil || string(raw) != "{}" {
		t.Errorf("headers = %s", raw)
	}
}
