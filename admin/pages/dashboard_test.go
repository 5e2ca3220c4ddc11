package pages_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/pages"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// machine registers a client that acts for itself.
func (w *world) machine(name string) *oauth.Client {
	w.t.Helper()
	return w.client(oauth.Registration{ClientName: name, GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, Scope: "api"})
}

// busy has a client obtain tokens, and be refused.
func (w *world) busy(c *oauth.Client, issued, refused int) {
	w.t.Helper()
	for range issued {
		_, err := w.provider.Token(w.system(), c, &oauth.TokenRequest{GrantType: "client_credentials"})
		ok(w.t, err)
	}
	for range refused {
		if _, err := w.provider.Token(w.system(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: "other"}); err == nil {
			w.t.Fatal("not refused")
		}
	}
	ok(w.t, w.provider.FlushUsage(w.system()))
}

// tiles are the numbers at the top, "3 tokens issued".
func (p *page) tiles() (tiles []string) {
	for _, e := range elements(p.document, "p") {
		if attribute(e, "class") == "stat" {
			tiles = append(tiles, textOf(e))
		}
	}
	return tiles
}

func TestDashboardCountsWhatWasDone(t *testing.T) {
	w := newWorld(t)
	c := w.machine("Robot")
	w.busy(c, 3, 2)
	b := w.signedIn(w.superAdmin("root"))
	for _, query := range []string{"", "?period=hour", "?period=day", "?period=week", "?period=century", "?period=%00"} {
		p := b.open("/admin/dashboard" + query)
		if got := p.tiles(); !slices.Equal(got[:3], []string{"3 tokens issued", "2 requests refused", "1 active auth client"}) {
			t.Errorf("%s: %q", query, got)
		}
		p.shows("Client credentials", "Scope not allowed", "The auth client asked for a scope that it may not have")
		want := strings.TrimPrefix(query, "?period=")
		if want != "hour" && want != "week" {
			want = "day"
		}
		p.shows("over the last " + want + ".")
	}
	w.move(2 * time.Hour)
	b = w.signedIn(w.superAdmin("later"))
	if got := b.open("/admin/dashboard?period=hour").tiles(); got[0] != "0 tokens issued" {
		t.Errorf("after two hours: %q", got)
	}
	if got := b.open("/admin/dashboard").tiles(); got[0] != "3 tokens issued" {
		t.Errorf("within the day: %q", got)
	}
}

func TestDashboardOfAnEmptyServer(t *testing.T) {
	w := newWorld(t)
	p := w.signedIn(w.superAdmin("root")).open("/admin/dashboard").
		shows("Nothing in this time.", "Memory, lost when the server stops", "Answers", "1.2.3", "ES256, in use since 2026-03-01 12:00 UTC")
	if got := p.tiles(); !slices.Equal(got, []string{"0 tokens issued", "0 requests refused", "0 active auth clients", "0 active users"}) {
		t.Errorf("%q", got)
	}
}

func TestDashboardOffersOnlyWhatMayBeSeen(t *testing.T) {
	w := newWorld(t)
	p := w.as("watcher", account.ViewTokens).open("/admin/dashboard")
	for _, text := range []string{"active auth clients", "active users", "Auth Clients", "Users", "Audit log", "Keys"} {
		if to := p.link(text); to != "" {
			t.Errorf("%q leads to %q", text, to)
		}
	}
	p.hides("Signing key", "ES256")
	p = w.as("keeper", account.ViewTokens, account.ViewKeys, account.ViewClients).open("/admin/dashboard")
	for text, want := range map[string]string{"active auth clients": "/admin/auth-clients?sort=-last_used", "ES256": "/admin/keys", "active users": ""} {
		if to := p.link(text); to != want {
			t.Errorf("%q leads to %q", text, to)
		}
	}
	p.click("active auth clients").wantStatus(http.StatusOK)
}

func TestDashboardTellsHowTheStoreIs(t *testing.T) {
	w := newWorld(t)
	b := w.as("watcher", account.ViewTokens)
	for _, c := range []struct {
		took   time.Duration
		err    error
		want   string
		unseen string
	}{
		{12 * time.Millisecond, nil, "Answers in 12 milliseconds", "Slow"},
		{249 * time.Millisecond, nil, "Answers in 249 milliseconds", "Slow"},
		{250 * time.Millisecond, nil, "Slow answered in 250 milliseconds", "Answers in"},
		{time.Second, errors.New("refused by 10.1.2.3"), "Does not answer", "10.1.2.3"},
	} {
		w.configured(func(config *pages.Config) {
			config.Store = "redis+cluster"
			config.Ping = func(ctx context.Context) error {
				if _, bounded := ctx.Deadline(); !bounded {
					t.Error("the store is waited for without an end")
				}
				w.move(c.took)
				return c.err
			}
		})
		b.open("/admin/dashboard").shows("Redis Cluster "+c.want).hides(c.unseen, "10.1.2.3")
	}
}

// away is a store that does not give what was counted.
type away struct{ store.Backend }

func (a away) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	return store.Record{}, &store.UnavailableError{Op: "get", Err: errors.New("connection refused by 10.1.2.3")}
}

func (a away) List(context.Context, store.Kind, string, string, int) ([]store.Record, string, error) {
	return nil, "", &store.UnavailableError{Op: "list", Err: errors.New("connection refused by 10.1.2.3")}
}

func TestDashboardWithoutNumbersShowsTheRest(t *testing.T) {
	w := newWorld(t)
	b := w.as("watcher", account.ViewTokens)
	w.configured(func(c *pages.Config) {
		c.Provider = oauth.New(oauth.Config{
			Issuer: issuer, Backend: away{w.store}, Directory: w.people, Audit: w.audit, Keys: w.keys, Now: w.now,
			Hasher: account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 10}),
		})
	})
	p := b.open("/admin/dashboard").shows("The numbers cannot be read at the moment", "This server", "1.2.3").hides("10.1.2.3")
	if len(p.tiles()) != 0 {
		t.Error("numbers that nobody knows are shown")
	}
}
