package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
)

func testRecords(t *testing.T, s suite) {
	s.each(t, "a created record is read back", func(t *testing.T, kind store.Kind) {
		r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("one"), Tags: []string{fresh("a"), fresh("b")},
			Expires: time.Now().Add(time.Hour)})
		s.stored(t, r)
		s.stored(t, s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("for ever, without tags")}))
	})
	s.each(t, "what exists is not created", func(t *testing.T, kind store.Kind) {
		r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("one")})
		_, err := s.Create(t.Context(), store.Record{Kind: kind, ID: r.ID, Value: []byte("two"), Tags: []string{"x"}})
		wantError(t, err, store.ErrExists)
		s.stored(t, r)
	})
	s.each(t, "what is missing is not found", func(t *testing.T, kind store.Kind) {
		id := fresh("id")
		s.missing(t, kind, id)
		_, err := s.Take(t.Context(), kind, id)
		wantError(t, err, store.ErrNotFound)
		_, err = s.Swap(t.Context(), store.Record{Kind: kind, ID: id, Version: 7}, store.Record{Kind: kind, ID: id})
		wantError(t, err, store.ErrNotFound)
		s.missing(t, kind, id)
	})
	s.each(t, "a swap replaces everything", func(t *testing.T, kind store.Kind) {
		tag, other := fresh("tag"), fresh("tag")
		old := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("one"), Tags: []string{tag}})
		next := s.swap(t, old, store.Record{Kind: kind, ID: old.ID, Value: []byte("two"), Tags: []string{other},
			Expires: time.Now().Add(time.Hour)})
		s.stored(t, next)
		s.lists(t, kind, tag)
		s.lists(t, kind, other, old.ID)
		forever := s.swap(t, next, store.Record{Kind: kind, ID: old.ID, Value: []byte("three"), Tags: []string{tag, other}})
		s.stored(t, forever)
		s.lists(t, kind, tag, old.ID)
		s.lists(t, kind, other, old.ID)
	})
	s.each(t, "a swap of an old version conflicts", func(t *testing.T, kind store.Kind) {
		old := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("one")})
		next := s.swap(t, old, store.Record{Kind: kind, ID: old.ID, Value: []byte("two")})
		_, err := s.Swap(t.Context(), old, store.Record{Kind: kind, ID: old.ID, Value: []byte("three"), Tags: []string{"x"}})
		wantError(t, err, store.ErrConflict)
		s.stored(t, next)
	})
	s.each(t, "a record made again is another one", func(t *testing.T, kind store.Kind) {
		old := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("one")})
		same(t, s.take(t, kind, old.ID), old)
		s.missing(t, kind, old.ID)
		again := s.create(t, old)
		if again.Version == old.Version {
			t.Fatal("the new record has the version of the old one")
		}
		_, err := s.Swap(t.Context(), old, store.Record{Kind: kind, ID: old.ID, Value: []byte("two")})
		wantError(t, err, store.ErrConflict)
		s.stored(t, again)
	})
	s.each(t, "a swap keeps kind and id", func(t *testing.T, kind store.Kind) {
		old := s.create(t, store.Record{Kind: kind, ID: fresh("id")})
		_, err := s.Swap(t.Context(), old, store.Record{Kind: kind, ID: fresh("id")})
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
			t.Fatalf("swap to another id: %v, want a plain error", err)
		}
		s.stored(t, old)
	})
}

// racers is how many goroutines try what only one may do.
const racers = 16

// race runs try in many goroutines at once and reports how many succeeded. Losers must fail with one of the expected
// errors.
func race(t *testing.T, try func(i int) error, losers ...error) (winners int) {
	t.Helper()
	var (
		start  = make(chan struct{})
		wg     sync.WaitGroup
		errs   = make([]error, racers)
		expect = func(err error) bool {
			for _, want := range losers {
				if errors.Is(err, want) {
					return true
				}
			}
			return false
		}
	)
	for i := range racers {
		wg.Go(func() {
			<-start
			errs[i] = try(i)
		})
	}
	close(start)
	wg.Wait()
	for i, err := range errs {
		if err == nil {
			winners++
		} else if !expect(err) {
			t.Errorf("racer %d: %v", i, err)
		}
	}
	return winners
}

func testRaces(t *testing.T, s suite) {
	const rounds = 10
	s.each(t, "of several creators one wins", func(t *testing.T, kind store.Kind) {
		for range rounds {
			id, tag := fresh("id"), fresh("tag")
			won := race(t, func(i int) error {
				_, err := s.Create(t.Context(), store.Record{Kind: kind, ID: id, Value: []byte{byte(i)}, Tags: []string{tag}})
				return err
			}, store.ErrExists)
			if won != 1 {
				t.Fatalf("%d created one record", won)
			}
			s.lists(t, kind, tag, id)
		}
	})
	s.each(t, "of several takers one wins", func(t *testing.T, kind store.Kind) {
		for range rounds {
			r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{fresh("tag")}})
			won := race(t, func(int) error {
				_, err := s.Take(t.Context(), kind, r.ID)
				return err
			}, store.ErrNotFound)
			if won != 1 {
				t.Fatalf("%d took one record", won)
			}
			s.lists(t, kind, r.Tags[0])
		}
	})
	s.each(t, "of several swappers one wins", func(t *testing.T, kind store.Kind) {
		for range rounds {
			old := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{fresh("tag")}})
			won := race(t, func(i int) error {
				next := store.Record{Kind: kind, ID: old.ID, Value: []byte{byte(i)}, Tags: old.Tags}
				_, err := s.Swap(t.Context(), old, next)
				return err
			}, store.ErrConflict)
			if won != 1 {
				t.Fatalf("%d swapped one version", won)
			}
			s.lists(t, kind, old.Tags[0], old.ID)
		}
	})
	s.each(t, "of swappers and takers one of each at most", func(t *testing.T, kind store.Kind) {
		for range rounds {
			old := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Value: []byte("old")})
			var taken, swapped sync.Map
			race(t, func(i int) error {
				if i%2 == 0 {
					r, err := s.Take(t.Context(), kind, old.ID)
					if err == nil {
						taken.Store(i, string(r.Value))
					}
					return err
				}
				_, err := s.Swap(t.Context(), old, store.Record{Kind: kind, ID: old.ID, Value: []byte("new")})
				if err == nil {
					swapped.Store(i, true)
				}
				return err
			}, store.ErrNotFound, store.ErrConflict)
			takes, swaps := count(&taken), count(&swapped)
			if takes != 1 || swaps > 1 {
				t.Fatalf("%d takes and %d swaps of one record", takes, swaps)
			}
			taken.Range(func(_, value any) bool {
				if want := map[int]string{0: "old", 1: "new"}[swaps]; value != want {
					t.Errorf("took %q after %d swaps", value, swaps)
				}
				return true
			})
			s.missing(t, kind, old.ID)
		}
	})
}

func count(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}
