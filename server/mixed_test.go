package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/server"
	"github.com/grantor-dev/grantor/store"
)

type faultKey struct{}

// fragile is a store below which something breaks for requests whose context says so: "panic" or "error".
type fragile struct{ store.Backend }

// Create is of store.Backend.
func (b fragile) Create(ctx context.Context, r store.Record) (uint64, error) {
	switch ctx.Value(faultKey{}) {
	case "panic":
		panic("a fault")
	case "error":
		return 0, &store.UnavailableError{Op: "create", Err: context.DeadlineExceeded}
	}
	return b.Backend.Create(ctx, r)
}

// What serves one request serves the next one: it must keep nothing of the first, however that one ended.
func TestRequestsAtOnceSeeNothingOfEachOther(t *testing.T) {
	log := &lockedBuffer{}
	s := newSite(t, options{change: func(c *server.Config) { c.Log = slog.New(web.NewJSONLines(log, slog.LevelInfo)) }})
	s.store.Backend = fragile{s.store.Backend}
	clients := []string{"web", "jwt", "post", "api-web"}
	scopes := []string{"api:read", "api:write", "profile", "api:read api:write"}
	const workers, rounds = 32, 12
	b := s.browser()
	b.signIn()
	codes := map[string][]string{}
	for i := range workers {
		c := clients[i%len(clients)]
		codes[c] = append(codes[c], b.code(c, "scope="+scopes[i/4%len(scopes)]))
	}
	log.mu.Lock()
	log.b.Reset()
	log.mu.Unlock()

	post := func(ctx context.Context, client, secret string, pairs ...string) *answer {
		f := form(pairs...)
		if client == "post" {
			f.Set("client_id", client)
			f.Set("client_secret", secret)
		}
		r := s.request(http.MethodPost, "/oauth2/token", f.Encode()).WithContext(ctx)
		if client != "post" {
			r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
		}
		return s.send(r)
	}
	seen := func(client, scope, subject string, a *answer) {
		if a.Code != http.StatusOK || a.json("scope") != scope {
			t.Errorf("%s: %d %s, want %s", client, a.Code, a.Body, scope)
			return
		}
		told := s.call(client, "/oauth2/introspect", "token="+a.json("access_token"))
		if told.json("client_id") != client || told.json("scope") != scope || told.json("sub") != subject {
			t.Errorf("%s %s %s: %s", client, scope, subject, told.Body)
		}
	}
	var all sync.WaitGroup
	for i := range workers {
		client, scope := clients[i%len(clients)], scopes[i/4%len(scopes)]
		secret, mine := s.secrets[client], codes[client][i/4]
		all.Go(func() {
			background := context.Background()
			for round := range rounds {
				seen(client, scope, client, post(background, client, secret, "grant_type=client_credentials", "scope="+scope))
				if a := post(background, client, oauth.GenerateSecret(), "grant_type=client_credentials"); a.json("error") != "invalid_client" {
					t.Errorf("a wrong secret: %s", a.Body)
				}
				if a := post(background, client, secret, "grant_type=client_credentials", "scope=nothing"); a.json("error") != "invalid_scope" {
					t.Errorf("an unknown scope: %s", a.Body)
				}
				fault := []string{"panic", "error"}[(i+round)%2]
				if a := post(context.WithValue(background, faultKey{}, fault), client, secret, "grant_type=client_credentials"); client != "jwt" && a.Code < 500 {
					t.Errorf("%s: %d %s", fault, a.Code, a.Body)
				}
				gone, leave := context.WithCancel(background)
				leave()
				post(gone, client, secret, "grant_type=client_credentials")
				if round == rounds/2 {
					seen(client, scope, s.alice.ID, post(background, client, secret, "grant_type=authorization_code", "code="+mine,
						"redirect_uri="+callback, "code_verifier="+verifier))
				}
			}
		})
	}
	all.Wait()
	lines := bytes.Split(bytes.TrimSuffix([]byte(log.String()), []byte("\n")), []byte("\n"))
	var ids []string
	for _, line := range lines {
		var e struct{ Msg, ID string }
		if err := json.Unmarshal(line, &e); err != nil || e.Msg != "request" {
			t.Fatalf("%v: %s", err, line)
		}
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != len(lines) || n != workers*(rounds*6+2) {
		t.Errorf("%d lines of %d requests, %d were sent", len(lines), n, workers*(rounds*6+2))
	}
	for _, secret := range s.secrets {
		if secret != "" && strings.Contains(log.String(), secret) {
			t.Error("a secret was logged")
		}
	}
}
