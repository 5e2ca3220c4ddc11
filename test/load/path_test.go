package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/server"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/templates"
)

// BenchmarkPath measures what a request costs in process, without the network and with a store that costs little.
func BenchmarkPath(b *testing.B) {
	h, basic := handler(b)
	opaque := post("/oauth2/token", "grant_type=client_credentials", basic(opaqueClient))
	token := member(serveOnce(b, h, opaque), "access_token")
	for _, bench := range []struct {
		name    string
		request []byte
	}{
		{"client_credentials", opaque},
		{"client_credentials JWT", post("/oauth2/token", "grant_type=client_credentials", basic(jwtClient))},
		{"introspection", post("/oauth2/introspect", "token="+token, basic(resourceServer))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			template := read(b, bench.request)
			body, _ := io.ReadAll(template.Body)
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				r := *template
				r.Body = io.NopCloser(bytes.NewReader(body))
				clear(w.header)
				h.ServeHTTP(w, &r)
			}
		})
	}
}

// handler is the server with its log written to nowhere.
func handler(b *testing.B) (http.Handler, func(client string) string) {
	ctx, store := b.Context(), memory.New()
	sealer, err := jose.NewSealer(bytes.Repeat([]byte("key1"), 8))
	if err != nil {
		b.Fatal(err)
	}
	keys, err := oauth.OpenKeyring(ctx, oauth.KeyringConfig{Backend: store, Sealer: sealer})
	if err != nil {
		b.Fatal(err)
	}
	if err := keys.Load(ctx); err != nil {
		b.Fatal(err)
	}
	hasher := account.NewHasher(account.HasherConfig{})
	audit := account.NewAudit(store, nil)
	directory := account.NewDirectory(account.Config{Backend: store, Hasher: hasher, Audit: audit, Secret: keys.Secret})
	provider := oauth.New(oauth.Config{
		Issuer: "http://localhost", Backend: store, Directory: directory, Hasher: hasher, Audit: audit, Keys: keys,
	})
	running, stop := context.WithCancel(context.Background())
	b.Cleanup(stop)
	go provider.Run(running)
	secret := oauth.GenerateSecret()
	for id, format := range map[string]oauth.AccessTokenFormat{opaqueClient: oauth.Opaque, jwtClient: oauth.JWT, resourceServer: oauth.Opaque} {
		if _, _, err := provider.RegisterClient(ctx, oauth.Registration{
			ClientID: id, TokenEndpointAuthMethod: oauth.ClientSecretBasic, GrantTypes: []oauth.GrantType{oauth.ClientCredentials},
			Scope: scope, Audience: []string{audience}, AccessTokenFormat: format, ResourceServer: id == resourceServer,
		}, secret); err != nil {
			b.Fatal(err)
		}
	}
	pages, err := templates.Parse()
	if err != nil {
		b.Fatal(err)
	}
	h, err := server.New(server.Config{
		Provider: provider, Directory: directory, Keys: keys, Pages: pages, Ping: store.Ping,
		Log: slog.New(web.NewJSONLines(io.Discard, slog.LevelInfo)),
	})
	if err != nil {
		b.Fatal(err)
	}
	return h, func(client string) string { return authorization(client, secret) }
}

func read(b *testing.B, request []byte) *http.Request {
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
	head, body, _ := strings.Cut(string(request), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	r.URL.Path = strings.Fields(lines[0])[1]
	r.RequestURI = r.URL.Path
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return r
}

func serveOnce(b *testing.B, h http.Handler, request []byte) []byte {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, read(b, request))
	if w.Code != http.StatusOK {
		b.Fatalf("answered %d %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

// Header is part of http.ResponseWriter.
func (d *discard) Header() http.Header { return d.header }

// Write is part of http.ResponseWriter.
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader is part of http.ResponseWriter.
func (d *discard) WriteHeader(int) {}
