// Package protect_test tries the kit that guards APIs against real nodes of Grantor over a real Redis.
package protect_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/protect"
	"github.com/grantor-dev/grantor/server"
	"github.com/grantor-dev/grantor/store/redis"
	"github.com/grantor-dev/grantor/templates"
	"github.com/grantor-dev/grantor/test/authtest"
)

const (
	issuer   = "http://auth.localhost" // whose nodes are found by lines
	orders   = "https://orders.example.com"
	patience = 15 * time.Second
)

// site is an authorization server of two nodes, with an API and a client of each format.
type site struct {
	nodes   [2]*node
	secrets map[string]string
}

// node is one process of it, as far as one process can be two.
type node struct {
	provider *oauth.Provider
	keys     *oauth.Keyring
	address  string
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newSite(t *testing.T) *site {
	t.Helper()
	at := redistest.Start(t)
	s := &site{secrets: map[string]string{}}
	for i := range s.nodes {
		s.nodes[i] = newNode(t, at)
	}
	p := s.nodes[0].provider
	machine := oauth.Registration{GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, Scope: "orders:read", Audience: []string{orders}}
	machine.ClientID, machine.ClientName, machine.AccessTokenFormat, machine.AccessTokenSigningAlg = "machine", "Machine", oauth.JWT, jose.EdDSA
	s.register(t, machine)
	machine.ClientID, machine.ClientName = "other", "Other machine"
	s.register(t, machine)
	machine.ClientID, machine.ClientName, machine.AccessTokenFormat, machine.AccessTokenSigningAlg = "opaque", "Opaque machine", oauth.Opaque, ""
	s.register(t, machine)
	s.register(t, oauth.Registration{ClientID: "orders", ClientName: "Orders", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}})
	_, err := p.RegisterAPI(t.Context(), oauth.APIRegistration{
		Identifier: orders, Name: "Orders", ClientID: "orders", Scopes: []oauth.APIScope{{Name: "orders:read", Description: "Read your orders"}},
	})
	ok(t, err)
	for _, n := range s.nodes { // what one registered, the other knows within a second
		eventually(t, "the nodes know the API and all clients", func() bool {
			_, err := n.provider.Client(t.Context(), "orders")
			_, apiErr := n.provider.APIByIdentifier(t.Context(), orders)
			return err == nil && apiErr == nil
		})
	}
	return s
}

func (s *site) register(t *testing.T, r oauth.Registration) {
	t.Helper()
	_, secret, err := s.nodes[0].provider.RegisterClient(t.Context(), r, "")
	ok(t, err)
	s.secrets[r.ClientID] = secret
}

func newNode(t *testing.T, redisURL string) *node {
	t.Helper()
	backend, err := redis.Open(t.Context(), redisURL, redis.Options{})
	ok(t, err)
	sealer, err := jose.NewSealer(bytes.Repeat([]byte{1}, jose.MasterSize))
	ok(t, err)
	keys, err := oauth.OpenKeyring(t.Context(), oauth.KeyringConfig{Backend: backend, Sealer: sealer})
	ok(t, err)
	hasher := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1})
	audit := account.NewAudit(backend, time.Now)
	people := account.NewDirectory(account.Config{Backend: backend, Hasher: hasher, Audit: audit, Secret: keys.Secret})
	p := oauth.New(oauth.Config{Issuer: issuer, Backend: backend, Directory: people, Hasher: hasher, Audit: audit, Keys: keys})
	pages, err := templates.Parse()
	ok(t, err)
	handler, err := server.New(server.Config{
		Provider: p, Directory: people, Keys: keys, Pages: pages, Ping: backend.Ping, Log: slog.New(slog.DiscardHandler),
	})
	ok(t, err)
	ok(t, keys.Load(t.Context()))
	running, stop := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	for _, task := range []func(context.Context){p.Run, people.Run, keys.Run} {
		tasks.Go(func() { task(running) })
	}
	listening := httptest.NewServer(handler)
	t.Cleanup(func() {
		p.EndSubscriptions()
		listening.Close()
		stop()
		tasks.Wait()
		ok(t, backend.Close())
	})
	return &node{provider: p, keys: keys, address: listening.Listener.Addr().String()}
}

// tokens gives n tokens of a client, half of them by each node.
func (s *site) tokens(t *testing.T, clientID string, n int) []string {
	t.Helper()
	list := make([]string, n)
	var makers sync.WaitGroup
	for i, at := range s.nodes {
		makers.Go(func() {
			c, err := at.provider.Client(t.Context(), clientID)
			for k := i; k < n && err == nil; k += len(s.nodes) {
				var made *oauth.Tokens
				if made, err = at.provider.Token(t.Context(), c, &oauth.TokenRequest{GrantType: string(oauth.ClientCredentials)}); err == nil {
					list[k] = made.AccessToken
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	makers.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return list
}

// revoke does at a node what the client would do (RFC 7009).
func (s *site) revoke(t *testing.T, n *node, clientID, token string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.address+"/oauth2/revoke", strings.NewReader(url.Values{"token": {token}}.Encode()))
	ok(t, err)
	r.Host = strings.TrimPrefix(issuer, "http://")
	r.SetBasicAuth(clientID, s.secrets[clientID])
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	ok(t, err)
	ok(t, answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("revocation was answered with %d", answer.StatusCode)
	}
}

// line is the way from an API to a node, which can be cut.
type line struct {
	mu   sync.Mutex
	to   string // "": it is cut
	open map[net.Conn]bool
}

func newLine(to *node) *line { return &line{to: to.address, open: map[net.Conn]bool{}} }

func (l *line) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to == "" {
		return nil, errors.New("the line is cut")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, l.to)
	if err == nil {
		l.open[conn] = true
	}
	return conn, err
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = ""
	for conn := range l.open {
		_ = conn.Close() // as if the other end had done it
	}
	clear(l.open)
}

func (l *line) mend(to *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = to.address
}

// clock is that of the machine, and what it was put forward by.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// guard is an API that reaches the server by a line.
type guard struct {
	*protect.Guard
	log *authtest.Output
}

func (s *site) guard(t *testing.T, by *line, changes ...func(*protect.Config)) guard {
	t.Helper()
	log := new(authtest.Output)
	transport := &http.Transport{DialContext: by.dial, MaxIdleConnsPerHost: 8}
	c := protect.Config{
		Issuer: issuer, Audience: orders, ClientID: "orders", ClientSecret: s.secrets["orders"], Feed: protect.FeedRequired,
		CacheSize: 200_000, HTTPClient: &http.Client{Transport: transport}, Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	for _, change := range changes {
		change(&c)
	}
	g, err := protect.New(t.Context(), c)
	ok(t, err)
	t.Cleanup(func() {
		ok(t, g.Close())
		transport.CloseIdleConnections()
		if t.Failed() {
			t.Logf("log of the guard:\n%s", log)
		}
	})
	return guard{g, log}
}

// status is what a request with the token is answered with; 200 where it may pass.
func (g guard) status(t *testing.T, token string) int {
	t.Helper()
	_, err := g.Check(t.Context(), token, "orders:read")
	var refusal *protect.Refusal
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &refusal):
		return refusal.Status
	}
	t.Errorf("not a refusal: %v", err)
	return 0
}

// all gives how many tokens get the status.
func (g guard) all(t *testing.T, tokens []string, status int) int {
	t.Helper()
	var found atomic.Int64
	var checkers sync.WaitGroup
	const parts = 2
	for part := range parts {
		checkers.Go(func() {
			for i := part; i < len(tokens); i += parts {
				if g.status(t, tokens[i]) == status {
					found.Add(1)
				}
			}
		})
	}
	checkers.Wait()
	return int(found.Load())
}

func eventually(t *testing.T, what string, is func() bool) (took time.Duration) {
	t.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > patience {
			t.Fatalf("%s: not within %s", what, patience)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(began)
}
