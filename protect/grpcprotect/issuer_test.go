package grpcprotect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/protect"
	"github.com/grantor-dev/grantor/server"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/templates"
)

const audience = "https://orders.example.com"

// issuer is the real server over a store in memory, with a clock that is set by hand.
type issuer struct {
	*httptest.Server
	handler atomic.Value // http.Handler
	nanos   atomic.Int64
	away    atomic.Bool
	secrets map[string]string
	close   []func()
}

// startIssuer starts a server with two machines, one for each form of access tokens, and the client of the API.
func startIssuer() (*issuer, error) {
	s := &issuer{secrets: map[string]string{}}
	s.nanos.Store(time.Now().UnixNano())
	s.Server = httptest.NewServer(s)
	s.close = append(s.close, s.Server.Close)
	memories := memory.New()
	s.close = append(s.close, func() { _ = memories.Close() })
	memories.Now = s.now
	sealer, err := jose.NewSealer(make([]byte, jose.MasterSize))
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	keys, err := oauth.OpenKeyring(ctx, oauth.KeyringConfig{Backend: memories, Sealer: sealer, Now: s.now})
	if err != nil {
		return nil, err
	}
	if err := keys.Load(ctx); err != nil {
		return nil, err
	}
	hasher := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 100})
	audit := account.NewAudit(memories, s.now)
	people := account.NewDirectory(account.Config{Backend: memories, Now: s.now, Hasher: hasher, Audit: audit, Secret: keys.Secret})
	provider := oauth.New(oauth.Config{Issuer: s.URL, Backend: memories, Directory: people, Hasher: hasher, Audit: audit, Keys: keys, Now: s.now})
	pages, err := templates.Parse()
	if err != nil {
		return nil, err
	}
	handler, err := server.New(server.Config{
		Provider: provider, Directory: people, Keys: keys, Pages: pages, Log: slog.New(slog.DiscardHandler),
		Ping: func(context.Context) error { return nil },
	})
	if err != nil {
		return nil, err
	}
	s.handler.Store(handler)
	life, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { provider.Run(life) })
	running.Go(func() { people.Run(life) })
	s.close = append(s.close, func() { provider.EndSubscriptions(); stop(); running.Wait() })
	return s, s.register(ctx, provider)
}

func (s *issuer) register(ctx context.Context, p *oauth.Provider) error {
	machine := oauth.Registration{
		ClientID: "jwt", ClientName: "JWT", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, Scope: "orders:read orders:write",
		Audience: []string{audience}, AccessTokenFormat: oauth.JWT,
	}
	opaque, api := machine, machine
	opaque.ClientID, opaque.ClientName, opaque.AccessTokenFormat = "opaque", "Opaque", oauth.Opaque
	api.ClientID, api.ClientName, api.Scope, api.ResourceServer = "orders", "Orders", "", true
	for _, r := range []oauth.Registration{machine, opaque, api} {
		c, secret, err := p.RegisterClient(ctx, r, "")
		if err != nil {
			return fmt.Errorf("register %s: %w", r.ClientID, err)
		}
		s.secrets[c.ClientID] = secret
	}
	return nil
}

func (s *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, ready := s.handler.Load().(http.Handler)
	if !ready || s.away.Load() {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	h.ServeHTTP(w, r)
}

func (s *issuer) now() time.Time       { return time.Unix(0, s.nanos.Load()) }
func (s *issuer) move(d time.Duration) { s.nanos.Add(int64(d)) }

func (s *issuer) end() {
	for i := len(s.close) - 1; i >= 0; i-- {
		s.close[i]()
	}
}

// guard makes what the interceptors ask. Without the feed the clock alone says when the server is asked again.
func (s *issuer) guard(feed protect.FeedUse) (*protect.Guard, error) {
	g, err := protect.New(context.Background(), protect.Config{
		Issuer: s.URL, Audience: audience, ClientID: "orders", ClientSecret: s.secrets["orders"], Feed: feed, Now: s.now,
	})
	if err == nil {
		s.close = append(s.close, func() { _ = g.Close() })
	}
	return g, err
}

// post sends a form as a client.
func (s *issuer) post(client, path string, pairs ...string) (map[string]any, error) {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	request, err := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(client, s.secrets[client])
	response, err := s.Client().Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d: %v", path, response.StatusCode, answer)
	}
	return answer, nil
}

func (s *issuer) token(client, scope string) (string, error) {
	answer, err := s.post(client, "/oauth2/token", "grant_type", "client_credentials", "scope", scope)
	if err != nil {
		return "", err
	}
	return answer["access_token"].(string), nil
}
