package oauth

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

func benchUsage(tb testing.TB) *usage {
	b := memory.New()
	tb.Cleanup(func() { _ = b.Close() })
	return newUsage(b, func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) })
}

// BenchmarkUsage measures what one event adds to a request, while a flush goes on beside, as it does every few seconds.
func BenchmarkUsage(b *testing.B) {
	u := benchUsage(b)
	clients := make([]*Client, 100)
	for i := range clients {
		clients[i] = &Client{Registration: Registration{ClientID: fmt.Sprintf("019a2b3c-4d5e-7f60-8192-%012d", i)}}
	}
	a := make([]*Authorization, 1000)
	for i := range a {
		a[i] = &Authorization{ID: fmt.Sprintf("%032d", i), UserID: "usr_1", Expires: time.Now().Add(time.Hour)}
	}
	for _, event := range []struct {
		name string
		note func(int)
	}{
		{"issued", func(i int) { u.issued(clients[i%100], ClientCredentials) }},
		{"issued/one client", func(int) { u.issued(clients[0], ClientCredentials) }},
		{"refused", func(i int) { u.refused(InvalidGrant, clients[i%100].ClientID) }},
		{"clientUsed", func(i int) { u.clientUsed(clients[i%100].ClientID, "the only secret") }},
		{"authorizationUsed", func(i int) { u.authorizationUsed(a[i%1000]) }},
		{"userActive", func(i int) { u.userActive(a[i%1000].ID) }},
	} {
		b.Run(event.name, func(b *testing.B) {
			ctx, stop := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				for tick := time.NewTicker(usageEvery); ; {
					select {
					case <-ctx.Done():
						tick.Stop()
						return
					case <-tick.C:
						_, _ = u.flush(ctx) // memory does not fail
					}
				}
			}()
			b.SetParallelism(4) // 8 goroutines on two cores
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					event.note(i)
				}
			})
			stop()
			<-done
		})
	}
}

// nowhere is a store that is away.
type nowhere struct{ store.Backend }

var errNowhere = &store.UnavailableError{Op: "test", Err: context.DeadlineExceeded}

func (nowhere) Get(context.Context, store.Kind, string) (store.Record, error) {
	return store.Record{}, errNowhere
}

// TestAFloodIsBoundedWhileTheStoreIsAway: minutes pass, clients and authorizations come by the thousands, nothing is written.
func TestAFloodIsBoundedWhileTheStoreIsAway(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	u := newUsage(nowhere{}, func() time.Time { return now })
	for round := range 30 {
		for i := range 5000 {
			id := fmt.Sprintf("%d-%d", round, i)
			u.issued(&Client{Registration: Registration{ClientID: id}}, ClientCredentials)
			u.clientUsed(id, "secret")
			u.refused(InvalidGrant, id)
			u.authorizationUsed(&Authorization{ID: id, UserID: id, Expires: now.Add(time.Hour)})
			u.userActive(id)
		}
		if _, err := u.flush(t.Context()); !store.IsUnavailable(err) {
			t.Fatalf("flush: %v", err)
		}
		now = now.Add(time.Hour)
	}
	p := &u.pending
	if len(p.tallies) > maxTallies || len(p.authorizations) > maxAuthorizations || len(p.clients) > maxWrote || len(p.active) > 40 {
		t.Errorf("it holds %d, %d, %d, %d", len(p.tallies), len(p.authorizations), len(p.clients), len(p.active))
	}
	newest := hourOfMinutes.recordOf(minuteOf(now.Add(-time.Hour)), "29-7")
	if p.tallies[newest] == nil {
		t.Error("the newest counts were let go")
	}
	for id, use := range p.authorizations {
		if id[:3] != "29-" {
			t.Fatalf("an old authorization was kept: %s, %v", id, use)
		}
	}
	u.flushing <- <-u.flushing // still there
	for i := range stripes {
		if s := &u.stripes[i]; len(s.counts)+len(s.clients)+len(s.authorizations)+len(s.users) > 0 {
			t.Error("a stripe still holds events")
		}
	}
}

func TestStripesAreBoundedWhereNothingFlushes(t *testing.T) {
	u := benchUsage(t)
	for i := range 2 * stripes * maxStripe {
		id := fmt.Sprint(i)
		u.issued(&Client{Registration: Registration{ClientID: id}}, ClientCredentials)
		u.authorizationUsed(&Authorization{ID: id, UserID: id})
		u.userActive(id)
	}
	for i := range u.stripes {
		s := &u.stripes[i]
		if max(len(s.counts), len(s.clients), len(s.authorizations), len(s.users)) > maxStripe {
			t.Errorf("a stripe holds %d counts, %d clients, %d authorizations, %d users", len(s.counts), len(s.clients), len(s.authorizations), len(s.users))
		}
	}
}
