package redis

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

var (
	hot   = store.Kind{Name: "hot", Spread: true}
	small = store.Kind{Name: "small"}
)

// impatient gives a store a short time for each verb, far below what is promised: a busy machine adds its own.
func impatient(t *testing.T, url string, o Options) *Store {
	t.Helper()
	return open(t, with(url, "timeout=1s"), o)
}

// recovers waits until a write succeeds again, without opening the store anew.
func recovers(t *testing.T, s *Store) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		_, err = s.Create(t.Context(), store.Record{Kind: hot, ID: fmt.Sprint(time.Now().UnixNano()), Tags: []string{"tag"}})
		if err == nil {
			return
		}
		if !store.IsUnavailable(err) {
			t.Fatalf("create: %v", err)
		}
	}
	t.Fatalf("it does not recover: %v", err)
}

func TestKilledServerIsUnavailableAndRecovers(t *testing.T) {
	server := redistest.New(t, "--appendonly", "yes", "--appendfsync", "always")
	s := impatient(t, server.URL(), Options{})
	r := store.Record{Kind: hot, ID: "kept", Value: []byte("value"), Tags: []string{"tag"}}
	if _, err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	storetest.RunUnavailable(t, s)
	if err := s.Ping(t.Context()); !store.IsUnavailable(err) {
		t.Fatalf("ping: %v, want an UnavailableError", err)
	}
	server.Restart()
	recovers(t, s)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), hot, r.ID); err != nil || string(got.Value) != "value" {
		t.Fatalf("what was acknowledged is %q, %v", got.Value, err)
	}
}

func TestReadSurvivesARestartOfTheServer(t *testing.T) {
	server := redistest.New(t, "--appendonly", "yes")
	s := open(t, server.URL(), Options{})
	if _, err := s.Create(t.Context(), store.Record{Kind: hot, ID: "id"}); err != nil {
		t.Fatal(err)
	}
	server.Restart()
	if _, err := s.Get(t.Context(), hot, "id"); err != nil {
		t.Fatalf("the first read over a connection that broke while idle: %v", err)
	}
}

func TestServerAwayAtTheStart(t *testing.T) {
	server := redistest.New(t)
	server.Kill()
	var warnings []string
	s := impatient(t, server.URL(), Options{Warn: func(w string) { warnings = append(warnings, w) }})
	if len(warnings) != 1 || !strings.Contains(warnings[0], "cannot be used yet") {
		t.Errorf("warnings at the start: %q", warnings)
	}
	storetest.RunUnavailable(t, s)
	server.Restart()
	recovers(t, s)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 2 || !strings.Contains(warnings[1], "append-only") {
		t.Errorf("the settings were not checked when it was reached: %q", warnings)
	}
}

func TestRefusedServerThatWasAwayAtTheStartIsNotReady(t *testing.T) {
	server := redistest.New(t, "--maxmemory-policy", "allkeys-lru")
	server.Kill()
	s := impatient(t, server.URL(), Options{})
	server.Restart()
	for range 2 {
		if err := s.Ping(t.Context()); err == nil || store.IsUnavailable(err) {
			t.Fatalf("ping: %v, want a refusal", err)
		}
	}
	server.Must("CONFIG", "SET", "maxmemory-policy", "noeviction")
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPausedServerIsUnavailableInBoundedTime(t *testing.T) {
	server := redistest.New(t)
	s := impatient(t, server.URL(), Options{})
	recovers(t, s)
	before := runtime.NumGoroutine()
	server.Pause()
	storetest.RunUnavailable(t, s)

	// Far more callers than connections: none waits longer than the others, and nothing stays behind.
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			began := time.Now()
			if _, err := s.Get(context.Background(), hot, "id"); !store.IsUnavailable(err) {
				t.Errorf("get: %v, want an UnavailableError", err)
			}
			if d := time.Since(began); d > 3*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
	wg.Wait()
	server.Resume()
	recovers(t, s)
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+20; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestCallerThatGivesUpIsAnsweredAtOnce(t *testing.T) {
	server := redistest.New(t)
	s := open(t, with(server.URL(), "timeout=1m"), Options{})
	recovers(t, s)
	server.Pause()
	defer server.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := s.Get(ctx, hot, "id")
	if !store.IsUnavailable(err) || time.Since(began) > 10*time.Second {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
}

// A command whose answer was lost may have run: it must not be sent again.
func TestWriteWithLostAnswerIsNotRepeated(t *testing.T) {
	for name, cluster := range map[string]bool{"one node": false, "cluster": true} {
		t.Run(name, func(t *testing.T) {
			var (
				nodes []*redistest.Server
				url   string
			)
			if cluster {
				nodes, url = redistest.NewCluster(t)
			} else {
				nodes = []*redistest.Server{redistest.New(t)}
				url = nodes[0].URL()
			}
			s := impatient(t, url, Options{})
			for i := range 30 { // connections to every node, scripts known
				if _, err := s.Add(t.Context(), hot, fmt.Sprint("warm", i), 1, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Add(t.Context(), hot, "counter", 1, 0); err != nil {
				t.Fatal(err)
			}
			for _, n := range nodes {
				n.Pause() // what is sent lies in its socket and runs later
			}
			_, err := s.Add(t.Context(), hot, "counter", 1, 0)
			if !store.IsUnavailable(err) {
				t.Errorf("add: %v, want an UnavailableError", err)
			}
			for _, n := range nodes {
				n.Resume()
			}
			var n int64
			for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				if n, err = s.Add(t.Context(), hot, "counter", 0, 0); err == nil {
					break
				}
			}
			if err != nil || n != 2 {
				t.Fatalf("the counter is %d, %v; want 2", n, err)
			}
		})
	}
}

func TestFullServerRefusesWritesAndStillReads(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL(), Options{})
	var records []store.Record
	for _, kind := range []store.Kind{hot, small} {
		r := store.Record{Kind: kind, ID: "id", Value: []byte("value"), Tags: []string{"tag"}}
		var err error
		if r.Version, err = s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	server.Must("CONFIG", "SET", "maxmemory", "1")
	for _, r := range records {
		more := store.Record{Kind: r.Kind, ID: "more", Tags: r.Tags}
		if _, err := s.Create(t.Context(), more); !store.IsUnavailable(err) {
			t.Errorf("create %s: %v, want an UnavailableError", r.Kind.Name, err)
		}
		if _, err := s.Swap(t.Context(), r, r); !store.IsUnavailable(err) {
			t.Errorf("swap %s: %v, want an UnavailableError", r.Kind.Name, err)
		}
		if _, err := s.Add(t.Context(), r.Kind, "n", 1, time.Hour); !store.IsUnavailable(err) {
			t.Errorf("add %s: %v, want an UnavailableError", r.Kind.Name, err)
		}
		if got, err := s.Get(t.Context(), r.Kind, r.ID); err != nil || got.Version != r.Version {
			t.Errorf("get %s: %v", r.Kind.Name, err)
		}
		page, _, err := s.List(t.Context(), r.Kind, "tag", "", 10)
		if err != nil || len(page) != 1 {
			t.Errorf("list %s: %d records, %v", r.Kind.Name, len(page), err)
		}
	}
	server.Must("CONFIG", "SET", "maxmemory", "0")
	recovers(t, s)
	for _, r := range records {
		if _, err := s.Get(t.Context(), r.Kind, "more"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("what was refused is there: %v", err)
		}
		if _, err := s.Swap(t.Context(), r, r); err != nil {
			t.Errorf("swap %s afterwards: %v", r.Kind.Name, err)
		}
	}
}

func TestReadOnlyReplicaRefusesWrites(t *testing.T) {
	master := redistest.New(t, "--repl-diskless-sync-delay", "0")
	server := redistest.New(t)
	s := open(t, server.URL(), Options{})
	r := store.Record{Kind: hot, ID: "id", Tags: []string{"tag"}}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Must("REPLICAOF", "127.0.0.1", fmt.Sprint(master.Port()))
	server.Until("master_link_status:up", "INFO", "replication")
	writes := map[string]func() error{
		"create": func() error { _, err := s.Create(t.Context(), r); return err },
		"add":    func() error { _, err := s.Add(t.Context(), hot, "n", 1, time.Hour); return err },
		"take":   func() error { _, err := s.Take(t.Context(), hot, "id"); return err },
		"remove": func() error { _, err := s.Take(t.Context(), small, "id"); return err },
		"swap":   func() error { _, err := s.Swap(t.Context(), r, r); return err },
	}
	for verb, try := range writes {
		if err := try(); !store.IsUnavailable(err) {
			t.Errorf("%s: %v, want an UnavailableError", verb, err)
		}
	}
	if _, err := s.Check(t.Context()); !store.IsUnavailable(err) {
		t.Errorf("check: %v, want an UnavailableError", err)
	}
	server.Must("REPLICAOF", "NO", "ONE")
	recovers(t, s)
}

func TestSuiteBehindASentinel(t *testing.T) {
	suite(t, redistest.NewWatched(t).URL(), Options{})
}

func TestFailoverIsFollowed(t *testing.T) {
	w := redistest.NewWatched(t)
	s := impatient(t, w.URL(), Options{})
	r := store.Record{Kind: hot, ID: "kept", Value: []byte("value"), Tags: []string{"tag"}}
	if _, err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	w.Replica.Until("1", "EXISTS", "grantor:r:hot:kept")
	w.Master.Kill()
	if _, err := s.Create(t.Context(), store.Record{Kind: hot, ID: "lost"}); !store.IsUnavailable(err) {
		t.Errorf("create without a master: %v, want an UnavailableError", err)
	}
	recovers(t, s)
	if got, err := s.Get(t.Context(), hot, "kept"); err != nil || string(got.Value) != "value" {
		t.Fatalf("after the failover: %q, %v", got.Value, err)
	}
	w.Replica.Until("role:master", "INFO", "replication")
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	s := open(t, redistest.Start(t), Options{})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	storetest.RunUnavailable(t, s)
}
