package bolt

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

// hold keeps the committer busy until release is called.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.write(context.Background(), "hold", "", 0, func(*batch) error {
			close(held)
			<-free
			return nil
		})
	})
	<-held
	return sync.OnceFunc(func() {
		close(free)
		wg.Wait()
	})
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

func TestAFailedOpLeavesItsBatchAlone(t *testing.T) {
	s := open(t, fresh(t), Options{})
	first := thing(1)
	if _, err := s.Create(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	release := hold(t, s)
	results := make([]error, 50)
	records := make([]store.Record, len(results))
	var wg sync.WaitGroup
	for i := range results {
		records[i] = thing(i)
		wg.Go(func() {
			switch i % 4 {
			case 0:
				_, results[i] = s.Create(t.Context(), records[i])
			case 1:
				_, results[i] = s.Create(t.Context(), first)
			case 2:
				_, results[i] = s.Swap(t.Context(), first, first)
			case 3:
				_, results[i] = s.Take(t.Context(), kind, records[i].ID)
			}
		})
	}
	eventually(t, "all wait", func() bool { return len(s.queue) == len(results) })
	release()
	wg.Wait()
	for i, want := range map[int]error{0: nil, 1: store.ErrExists, 2: store.ErrConflict, 3: store.ErrNotFound} {
		for ; i < len(results); i += 4 {
			if !errors.Is(results[i], want) {
				t.Errorf("op %d: %v, want %v", i, results[i], want)
			}
		}
	}
	for i := 0; i < len(results); i += 4 {
		if _, err := s.Get(t.Context(), kind, records[i].ID); err != nil {
			t.Errorf("record %d: %v", i, err)
		}
	}
}

func TestAnOpCancelledBeforeItsTurnIsNotDone(t *testing.T) {
	s := open(t, fresh(t), Options{})
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	r := thing(1)
	done := make(chan error)
	go func() {
		_, err := s.Create(ctx, r)
		done <- err
	}()
	eventually(t, "it waits", func() bool { return len(s.queue) == 1 })
	cancel()
	if err := <-done; !store.IsUnavailable(err) || !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v", err)
	}
	release()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), kind, r.ID); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("it was done: %v", err)
	}
}

func TestAnOpCancelledDuringItsTurnHasAnUnknownOutcome(t *testing.T) {
	s := open(t, fresh(t), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	free := make(chan struct{})
	done := make(chan error)
	running := make(chan struct{})
	go func() {
		done <- s.write(ctx, "create", "thing", 0, func(*batch) error {
			close(running)
			<-free
			return nil
		})
	}()
	<-running
	cancel()
	if err := <-done; !store.IsUnavailable(err) || !strings.Contains(err.Error(), "outcome is unknown") {
		t.Fatalf("error is %v", err)
	}
	close(free)
}

func TestAHangingDiskIsSeenByPing(t *testing.T) {
	s := open(t, fresh(t), Options{})
	release := hold(t, s)
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Ping(ctx); !store.IsUnavailable(err) {
		t.Fatalf("error is %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Create(ctx, thing(1)); !store.IsUnavailable(err) {
		t.Fatalf("error is %v", err)
	}
	if _, err := s.Get(t.Context(), kind, "x"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a read had to wait: %v", err)
	}
}

func TestAfterCloseNothingAnswers(t *testing.T) {
	s := open(t, fresh(t), Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.RunUnavailable(t, s)
	if err := s.Ping(t.Context()); !store.IsUnavailable(err) {
		t.Errorf("ping: %v", err)
	}
	if err := s.Backup(t.Context(), nil); !store.IsUnavailable(err) {
		t.Errorf("backup: %v", err)
	}
}

func TestCloseUnderLoadLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	path := fresh(t)
	for range 5 {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for i := 0; ; i++ {
					r := thing(w)
					if _, err := s.Create(context.Background(), r); err != nil {
						if !store.IsUnavailable(err) {
							t.Errorf("create: %v", err)
						}
						return
					}
					if _, err := s.Get(context.Background(), kind, r.ID); err != nil && !store.IsUnavailable(err) {
						t.Errorf("get: %v", err)
					}
				}
			})
		}
		eventually(t, "they write", func() bool { return s.progress.durable.Load() > 10 })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
	}
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}
