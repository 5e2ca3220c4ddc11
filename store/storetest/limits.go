package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
)

func testExpiry(t *testing.T, s suite) {
	const soon = 150 * time.Millisecond
	s.each(t, "a record ends", func(t *testing.T, kind store.Kind) {
		t.Parallel()
		old := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("one"), Expires: time.Now().Add(soon)})
		eventually(t, "the record is gone", 10*time.Second, func() bool {
			_, err := s.Get(t.Context(), kind, old.ID)
			return errors.Is(err, store.ErrNotFound)
		})
		if time.Now().Before(old.Expires.Truncate(time.Millisecond)) {
			t.Fatal("the record ended early")
		}
		s.stored(t, s.create(t, store.Record{Kind: kind, ID: old.ID, Value: []byte("two")}))
	})
	s.each(t, "what ended can neither be taken nor swapped", func(t *testing.T, kind store.Kind) {
		t.Parallel()
		past := time.Now().Add(-time.Minute)
		r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{fresh("tag")}, Expires: past})
		s.missing(t, kind, r.ID)
		_, err := s.Swap(t.Context(), r, store.Record{Kind: kind, ID: r.ID})
		wantError(t, err, store.ErrNotFound)
		_, err = s.Take(t.Context(), kind, r.ID)
		wantError(t, err, store.ErrNotFound)
		s.lists(t, kind, r.Tags[0])
		s.stored(t, s.create(t, store.Record{Kind: kind, ID: r.ID, Tags: r.Tags}))
		s.lists(t, kind, r.Tags[0], r.ID)
	})
	s.each(t, "a swap moves the end", func(t *testing.T, kind store.Kind) {
		t.Parallel()
		brief := store.Record{Kind: kind, ID: fresh("id"), Expires: time.Now().Add(2 * time.Second), Tags: []string{fresh("tag")}}
		longer := s.create(t, brief)
		next := brief
		next.Expires = time.Now().Add(time.Hour)
		longer = s.swap(t, longer, next)
		brief.ID = fresh("id")
		forever := s.create(t, brief)
		next = brief
		next.Expires = time.Time{}
		forever = s.swap(t, forever, next)
		next.ID = fresh("id")
		ended := s.create(t, next)
		next.Expires = time.Now().Add(-time.Second)
		s.swap(t, ended, next)
		s.missing(t, kind, ended.ID)
		eventually(t, "the first end has passed", 10*time.Second, func() bool { return time.Now().After(brief.Expires.Add(soon)) })
		s.stored(t, longer)
		s.stored(t, forever)
		s.lists(t, kind, brief.Tags[0], longer.ID, forever.ID)
	})
}

func testCounters(t *testing.T, s suite) {
	add := func(t *testing.T, id string, n int64, ttl time.Duration, want int64) {
		t.Helper()
		got, err := s.Add(t.Context(), hot, id, n, ttl)
		if err != nil || got != want {
			t.Fatalf("adding %d gave %d, %v; want %d", n, got, err, want)
		}
	}
	t.Run("it counts", func(t *testing.T) {
		id := fresh("id")
		add(t, id, 0, 0, 0)
		add(t, id, 0, time.Hour, 0)
		add(t, id, 1, 0, 1)
		add(t, id, 41, 0, 42)
		add(t, id, -50, 0, -8)
		add(t, id, 8, 0, 0)
		add(t, id, 0, 0, 0)
		add(t, id, 1<<53, 0, 1<<53)
		add(t, id, 1, 0, 1<<53+1)
	})
	t.Run("counters and records share no names", func(t *testing.T) {
		for _, kind := range []store.Kind{hot, small} {
			id := fresh("id")
			if n, err := s.Add(t.Context(), kind, id, 3, time.Hour); err != nil || n != 3 {
				t.Fatalf("add: %d, %v", n, err)
			}
			s.missing(t, kind, id)
			r := s.create(t, store.Record{Kind: kind, ID: id, Value: []byte("9")})
			if n, err := s.Add(t.Context(), kind, id, 1, time.Hour); err != nil || n != 4 {
				t.Fatalf("add: %d, %v", n, err)
			}
			s.stored(t, r)
			s.take(t, kind, id)
			if n, err := s.Add(t.Context(), kind, id, 0, 0); err != nil || n != 4 {
				t.Fatalf("add: %d, %v", n, err)
			}
		}
	})
	t.Run("many add at once", func(t *testing.T) {
		id := fresh("id")
		var seen [racers*20 + 1]atomic.Bool
		race(t, func(int) error {
			for range 20 {
				n, err := s.Add(t.Context(), hot, id, 1, time.Hour)
				if err != nil {
					return err
				}
				if seen[n].Swap(true) {
					t.Errorf("two adders saw %d", n)
				}
			}
			return nil
		})
		add(t, id, 0, 0, racers*20)
	})
	t.Run("a window ends and does not move", func(t *testing.T) {
		id := fresh("id")
		began := time.Now()
		const window = 300 * time.Millisecond
		add(t, id, 5, window, 5)
		eventually(t, "the window ends although it is used", 10*time.Second, func() bool {
			n, err := s.Add(t.Context(), hot, id, 1, window)
			if err != nil {
				t.Fatal(err)
			}
			return n == 1
		})
		if d := time.Since(began); d < window-time.Millisecond {
			t.Fatalf("the window ended after %v", d)
		}
		forever := fresh("id")
		add(t, forever, 1, 0, 1)
		add(t, forever, 1, time.Millisecond, 2) // it began without an end
		eventually(t, "a moment has passed", time.Second, func() bool { return time.Since(began) > window })
		add(t, forever, 0, 0, 2)
	})
}

func testNames(t *testing.T, s suite) {
	s.each(t, "ids do not touch each other", func(t *testing.T, kind store.Kind) {
		var records []store.Record
		for _, id := range oddNames(fresh("id")) {
			records = append(records, s.create(t, store.Record{Kind: kind, ID: id, Value: []byte(id), Tags: []string{"odd"}}))
			if n, err := s.Add(t.Context(), kind, id, 1, time.Hour); err != nil || n != 1 {
				t.Fatalf("add %q: %d, %v", id, n, err)
			}
		}
		for _, r := range records {
			s.stored(t, r)
		}
		for _, r := range records {
			same(t, s.take(t, kind, r.ID), r)
			s.missing(t, kind, r.ID)
		}
	})
	t.Run("one id in two kinds", func(t *testing.T) {
		id := fresh("id")
		a := s.create(t, store.Record{Kind: hot, ID: id, Value: []byte("hot"), Tags: []string{id}})
		b := s.create(t, store.Record{Kind: small, ID: id, Value: []byte("small"), Tags: []string{id}})
		c := s.create(t, store.Record{Kind: store.Kind{Name: "suite_hot_too", Spread: true}, ID: id, Tags: []string{id}})
		s.stored(t, a)
		s.stored(t, b)
		s.stored(t, c)
		s.lists(t, a.Kind, id, id)
		s.take(t, a.Kind, id)
		s.lists(t, a.Kind, id)
		s.stored(t, b)
		s.lists(t, b.Kind, id, id)
		s.lists(t, c.Kind, id, id)
	})
	s.each(t, "names that cannot be stored", func(t *testing.T, kind store.Kind) {
		long := strings.Repeat("x", store.MaxID+1)
		for _, id := range []string{"", long} {
			_, err := s.Create(t.Context(), store.Record{Kind: kind, ID: id})
			wantError(t, err, store.ErrTooLarge)
			_, err = s.Add(t.Context(), kind, id, 1, time.Hour)
			wantError(t, err, store.ErrTooLarge)
			s.missing(t, kind, id)
			_, err = s.Take(t.Context(), kind, id)
			wantError(t, err, store.ErrNotFound)
			r := store.Record{Kind: kind, ID: fresh("id"), Tags: []string{id}}
			_, err = s.Create(t.Context(), r)
			wantError(t, err, store.ErrTooLarge)
			s.missing(t, kind, r.ID)
		}
	})
}

func testValues(t *testing.T, s suite) {
	s.each(t, "an empty value", func(t *testing.T, kind store.Kind) {
		s.stored(t, s.create(t, store.Record{Kind: kind, ID: fresh("id")}))
		s.stored(t, s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte{}}))
	})
	s.each(t, "every byte", func(t *testing.T, kind store.Kind) {
		r := store.Record{Kind: kind, ID: fresh("id")}
		for i := range 512 {
			r.Value = append(r.Value, byte(i))
		}
		s.stored(t, s.create(t, r))
	})
	s.each(t, "large values", func(t *testing.T, kind store.Kind) {
		for _, size := range []int{1 << 20, store.MaxValue} {
			r := store.Record{Kind: kind, ID: fresh("id"), Value: make([]byte, size), Tags: []string{fresh("tag")}}
			_, _ = rand.Read(r.Value)
			r = s.create(t, r)
			s.stored(t, r)
			next := r
			next.Value = bytes.ToUpper(r.Value)[:size-1]
			r = s.swap(t, r, next)
			s.lists(t, kind, r.Tags[0], r.ID)
			same(t, s.take(t, kind, r.ID), r)
		}
	})
	s.each(t, "a value over the limit", func(t *testing.T, kind store.Kind) {
		r := store.Record{Kind: kind, ID: fresh("id"), Value: make([]byte, store.MaxValue+1)}
		_, err := s.Create(t.Context(), r)
		wantError(t, err, store.ErrTooLarge)
		s.missing(t, kind, r.ID)
		old := s.create(t, store.Record{Kind: kind, ID: r.ID, Value: []byte("small")})
		_, err = s.Swap(t.Context(), old, r)
		wantError(t, err, store.ErrTooLarge)
		s.stored(t, old)
	})
	s.each(t, "nothing is shared with the caller", func(t *testing.T, kind store.Kind) {
		given := store.Record{Kind: kind, ID: fresh("id"), Value: []byte("one"), Tags: []string{fresh("tag")}}
		want := s.create(t, given)
		want.Value, want.Tags = []byte("one"), []string{given.Tags[0]}
		scribble := func(r store.Record) { r.Value[0], r.Tags[0] = 'X', "scribbled" }
		scribble(given)
		s.stored(t, want)
		got, err := s.Get(t.Context(), kind, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		scribble(got)
		page, _, err := s.List(t.Context(), kind, want.Tags[0], "", 1)
		if err != nil || len(page) != 1 {
			t.Fatalf("list: %d records, %v", len(page), err)
		}
		scribble(page[0])
		s.stored(t, want)
		next := store.Record{Kind: kind, ID: want.ID, Value: []byte("two"), Tags: []string{want.Tags[0]}}
		swapped := s.swap(t, want, next)
		swapped.Value, swapped.Tags = []byte("two"), []string{want.Tags[0]}
		scribble(next)
		s.stored(t, swapped)
	})
}

func testContexts(t *testing.T, s suite) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancelLate()
	s.each(t, "a context that has ended", func(t *testing.T, kind store.Kind) {
		r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("one"), Tags: []string{fresh("tag")}})
		counter := fresh("id")
		for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
			absent := store.Record{Kind: kind, ID: fresh("id"), Tags: r.Tags}
			for verb, err := range verbs(ctx, s.Backend, r, absent, counter) {
				if !store.IsUnavailable(err) || !errors.Is(err, want) {
					t.Errorf("%s: %v, want an UnavailableError of %v", verb, err, want)
				}
			}
			s.missing(t, kind, absent.ID)
		}
		s.stored(t, r)
		s.lists(t, kind, r.Tags[0], r.ID)
		if n, err := s.Add(t.Context(), kind, counter, 0, 0); err != nil || n != 0 {
			t.Fatalf("the counter is %d, %v", n, err)
		}
	})
}

// verbs uses every verb once: on r, which exists, on absent, which does not, and on a counter.
func verbs(ctx context.Context, b store.Backend, r, absent store.Record, counter string) map[string]error {
	errs := map[string]error{}
	_, errs["get"] = b.Get(ctx, r.Kind, r.ID)
	_, errs["get of what is missing"] = b.Get(ctx, absent.Kind, absent.ID)
	_, errs["create"] = b.Create(ctx, absent)
	_, errs["swap"] = b.Swap(ctx, r, r)
	_, errs["take"] = b.Take(ctx, r.Kind, r.ID)
	_, _, errs["list"] = b.List(ctx, r.Kind, r.Tags[0], "", 10)
	_, errs["add"] = b.Add(ctx, r.Kind, counter, 1, time.Hour)
	_, errs["read of a counter"] = b.Add(ctx, r.Kind, counter, 0, 0)
	return errs
}

// RunUnavailable tests that a backend which cannot answer says so, with every verb and within a bounded time.
func RunUnavailable(t *testing.T, b store.Backend) {
	const bound = 3 * time.Second
	suite{b}.each(t, "unavailable", func(t *testing.T, kind store.Kind) {
		r := store.Record{Kind: kind, ID: fresh("id"), Version: 1, Tags: []string{fresh("tag")}}
		for verb, try := range map[string]func(context.Context) error{
			"get":    func(ctx context.Context) error { _, err := b.Get(ctx, kind, r.ID); return err },
			"create": func(ctx context.Context) error { _, err := b.Create(ctx, r); return err },
			"swap":   func(ctx context.Context) error { _, err := b.Swap(ctx, r, r); return err },
			"take":   func(ctx context.Context) error { _, err := b.Take(ctx, kind, r.ID); return err },
			"list":   func(ctx context.Context) error { _, _, err := b.List(ctx, kind, r.Tags[0], "", 10); return err },
			"add":    func(ctx context.Context) error { _, err := b.Add(ctx, kind, r.ID, 1, time.Hour); return err },
			"read":   func(ctx context.Context) error { _, err := b.Add(ctx, kind, r.ID, 0, 0); return err },
		} {
			t.Run(verb, func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				if err := try(t.Context()); !store.IsUnavailable(err) {
					t.Errorf("error is %v, want an UnavailableError", err)
				}
				if d := time.Since(began); d > bound {
					t.Errorf("it took %v", d)
				}
			})
		}
	})
}
