package oauth_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/store/redis"
)

// manyClients is how many clients the benchmark of the list has, and usedClients how many of them were used.
const (
	manyClients = 10_000
	usedClients = 2_000
)

// BenchmarkFindClients asks a server with 10,000 clients for pages of the list: as it is, by every column, by a search, far
// behind, by a cursor; and each time right after a client was changed.
func BenchmarkFindClients(b *testing.B) {
	embedded, err := bolt.Open(filepath.Join(b.TempDir(), "data.db"), bolt.Options{})
	check(b, err)
	defer func() { _ = embedded.Close() }()
	remote, err := redis.Open(b.Context(), redistest.Start(b), redis.Options{})
	check(b, err)
	defer func() { _ = remote.Close() }()
	inMemory := memory.New()
	defer func() { _ = inMemory.Close() }()
	for _, one := range []struct {
		name    string
		backend store.Backend
	}{{"memory", inMemory}, {"bolt", embedded}, {"redis", remote}} {
		b.Run(one.name, func(b *testing.B) { benchmarkList(b, one.backend) })
	}
}

func benchmarkList(b *testing.B, backend store.Backend) {
	p := manyRegistered(b, backend)
	find := func(b *testing.B, q oauth.ClientQuery) oauth.ClientPage {
		page, err := p.FindClients(b.Context(), q)
		check(b, err)
		if page.Total == 0 {
			b.Fatal("nothing was found")
		}
		return page
	}
	queries := map[string]oauth.ClientQuery{
		"list":          {},
		"search/name":   {Search: "CLIENT NUMBER 77"},
		"search/uri":    {Search: "app-4321.example"},
		"page/last":     {Offset: manyClients - 15},
		"page/500":      {Limit: 500},
		"page/cursor":   {Cursor: find(b, oauth.ClientQuery{Offset: 5000}).Next},
		"search/sorted": {Search: "example.com", Sort: "-last_used"},
	}
	for _, column := range []string{"number", "client_id", "name", "redirect", "grants", "last_used", "status", "created"} {
		queries["sort/"+column] = oauth.ClientQuery{Sort: column}
	}
	for name, q := range queries {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				find(b, q)
			}
		})
	}
	for _, name := range []string{"list", "sort/name", "search/name"} {
		b.Run("changed/"+name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				check(b, p.SetClientState(b.Context(), manyID(i%manyClients), oauth.Enabled))
				b.StartTimer()
				find(b, queries[name])
			}
		})
	}
}

func manyID(i int) string { return fmt.Sprintf("019a2b3c-4d5e-7f60-8192-%012d", i) }

// manyRegistered gives a running provider with its clients, some of them used.
func manyRegistered(b *testing.B, backend store.Backend) *oauth.Provider {
	b.Helper()
	sealer, err := jose.NewSealer(ringMaster(1))
	check(b, err)
	keys, err := oauth.OpenKeyring(b.Context(), oauth.KeyringConfig{Backend: backend, Sealer: sealer, Now: time.Now})
	check(b, err)
	check(b, keys.Load(b.Context()))
	hasher := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 1000})
	audit := account.NewAudit(backend, time.Now)
	people := account.NewDirectory(account.Config{Backend: backend, Now: time.Now, Hasher: hasher, Audit: audit, Secret: keys.Secret})
	p := oauth.New(oauth.Config{Issuer: issuer, Backend: backend, Directory: people, Hasher: hasher, Audit: audit, Keys: keys, Now: time.Now})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	b.Cleanup(func() { cancel(); running.Wait() })
	records := &store.Collection[oauth.Client]{
		Backend: backend, Kind: store.Kind{Name: "client"}, ID: func(c *oauth.Client) string { return c.ClientID },
	}
	var all sync.WaitGroup
	for part := range 32 {
		all.Go(func() {
			for i := part; i < manyClients; i += 32 {
				check(b, records.Create(ctx, oneOfMany(i)))
			}
		})
	}
	all.Wait()
	time.Sleep(time.Second) // until it follows the store
	for i := range usedClients {
		c, err := p.Client(ctx, manyID(i*manyClients/usedClients))
		check(b, err)
		_, err = p.Token(ctx, c, &oauth.TokenRequest{GrantType: "client_credentials"})
		check(b, err)
	}
	check(b, p.FlushUsage(ctx))
	return p
}

func oneOfMany(i int) *oauth.Client {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return &oauth.Client{
		Registration: oauth.Registration{
			ClientID: manyID(i), ClientName: fmt.Sprintf("Client number %d", (i*7919)%manyClients),
			TokenEndpointAuthMethod: oauth.ClientSecretBasic, AccessTokenFormat: oauth.JWT,
			GrantTypes:   []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken, oauth.ClientCredentials},
			RedirectURIs: []string{fmt.Sprintf("https://app-%d.example.com/callback", i), fmt.Sprintf("https://app-%d.example.com/silent", i)},
			Scope:        "profile api:read api:write", Audience: []string{"https://api.example.com"},
		},
		Number: int64(i + 1), Created: now, Updated: now, NotBefore: now.Add(-time.Hour),
		Secrets: []oauth.ClientSecret{{ID: manyID(i), Hash: "sha256:" + strings.Repeat("x", 43), Created: now}},
	}
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Error(err)
	}
}
