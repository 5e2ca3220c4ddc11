package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/store/redis"
)

// thing is a record of about the size of a client.
type thing struct {
	ID    string   `json:"id"`
	Count int      `json:"count"`
	Lines []string `json:"lines"`
}

func things(b store.Backend) *store.Cache[thing] {
	return store.NewCache(&store.Collection[thing]{
		Backend: b, Kind: store.Kind{Name: "thing"}, ID: func(t *thing) string { return t.ID },
	})
}

// backends opens one of each.
func backends(tb testing.TB) map[string]store.Backend {
	tb.Helper()
	inMemory := memory.New()
	tb.Cleanup(func() { _ = inMemory.Close() })
	embedded, err := bolt.Open(filepath.Join(tb.TempDir(), "data.db"), bolt.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = embedded.Close() })
	remote, err := redis.Open(tb.Context(), redistest.Start(tb), redis.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = remote.Close() })
	return map[string]store.Backend{"memory": inMemory, "bolt": embedded, "redis": remote}
}

func fill(tb testing.TB, c *store.Cache[thing], n int) {
	tb.Helper()
	var all sync.WaitGroup
	for part := range 16 {
		all.Go(func() {
			for i := part; i < n; i += 16 {
				t := &thing{ID: fmt.Sprintf("thing-%032d", i)}
				for line := range 8 {
					t.Lines = append(t.Lines, fmt.Sprintf("https://app-%d.example.com/line/%d/of/the/redirect/uris", i, line))
				}
				if err := c.Collection.Create(tb.Context(), t); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// follow runs a cache until the test ends, and waits for its first word from the store.
func follow(tb testing.TB, c *store.Cache[thing]) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	tb.Cleanup(func() { cancel(); running.Wait() })
	time.Sleep(100 * time.Millisecond)
}

// TestSnapshotOnEveryBackend reads over several pages, on the writer's node and on another.
func TestSnapshotOnEveryBackend(t *testing.T) {
	const n = 1201 // Redis gives 500 at once
	for name, backend := range backends(t) {
		t.Run(name, func(t *testing.T) {
			here, there := things(backend), things(backend)
			fill(t, here, n)
			follow(t, here)
			follow(t, there)
			wantCount(t, here, n, 0)
			for round := 1; round <= 3; round++ {
				id := fmt.Sprintf("thing-%032d", round*400)
				if _, err := here.Update(t.Context(), id, func(one *thing) error { one.Count++; return nil }); err != nil {
					t.Fatal(err)
				}
				wantCount(t, here, n, round)
			}
			if _, err := here.Take(t.Context(), fmt.Sprintf("thing-%032d", 400)); err != nil {
				t.Fatal(err)
			}
			wantCount(t, here, n-1, 2)
			time.Sleep(time.Second)
			wantCount(t, there, n-1, 2)
		})
	}
}

func wantCount(t *testing.T, c *store.Cache[thing], n, changed int) {
	t.Helper()
	all, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for i, one := range all {
		count += one.Count
		if i > 0 && all[i-1].ID >= one.ID {
			t.Fatalf("%s comes before %s", all[i-1].ID, one.ID)
		}
	}
	if len(all) != n || count != changed {
		t.Fatalf("%d values with %d changes, want %d with %d", len(all), count, n, changed)
	}
}

// BenchmarkSnapshot gives all of 10,000 records: when nothing changed, and after each change.
func BenchmarkSnapshot(b *testing.B) {
	const n = 10_000
	for name, backend := range backends(b) {
		c := things(backend)
		fill(b, c, n)
		follow(b, c)
		read := func(b *testing.B) {
			if all, err := c.Snapshot(b.Context()); err != nil || len(all) != n {
				b.Fatalf("%d values, %v", len(all), err)
			}
		}
		read(b)
		b.Run(name+"/warm", func(b *testing.B) {
			for b.Loop() {
				read(b)
			}
		})
		b.Run(name+"/changed", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				if _, err := c.Update(b.Context(), fmt.Sprintf("thing-%032d", i%n), func(t *thing) error { t.Count++; return nil }); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				read(b)
			}
		})
	}
}
