package bolt

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/grantor-dev/grantor/store"
)

// clock is a time that a test moves.
type clock struct{ moved atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(c.moved.Load()))
}

func (c *clock) Move(d time.Duration) { c.moved.Add(int64(d)) }

func sweepAll(t *testing.T, s *Store) (portions int) {
	t.Helper()
	for more := true; more; portions++ {
		var err error
		if more, err = s.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return portions
}

// entries counts what is in the buckets.
func entries(t *testing.T, s *Store) map[string]int {
	t.Helper()
	n := map[string]int{}
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { n[string(name)]++; return nil })
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSweepingLeavesNothingOfWhatExpired(t *testing.T) {
	var c clock
	s := open(t, fresh(t), Options{Now: c.Now, noSweep: true})
	for i := range 300 {
		r := thing(i)
		r.Tags = append(r.Tags, "all")
		r.Expires = c.Now().Add(time.Minute)
		v, err := s.Create(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if r.Version = v; i%3 == 0 { // these live longer, with another tag
			next := r
			next.Expires, next.Tags = c.Now().Add(time.Hour), []string{"all", "longer"}
			if _, err := s.Swap(t.Context(), r, next); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Add(t.Context(), kind, r.ID, 1, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	c.Move(time.Minute)
	if portions := sweepAll(t, s); portions < 500/sweepOps {
		t.Errorf("%d portions for 500 entries", portions)
	}
	want := map[string]int{"grantor": 1, "record:thing": 100, "index": 200, "expiry": 100}
	for name, n := range entries(t, s) {
		if n != want[name] {
			t.Errorf("%s holds %d, want %d", name, n, want[name])
		}
	}
	c.Move(time.Hour)
	sweepAll(t, s)
	for name, n := range entries(t, s) {
		if name != "grantor" && n != 0 {
			t.Errorf("%s holds %d at the end", name, n)
		}
	}
}

func TestTheSideOfALimit(t *testing.T) {
	var c clock
	s := open(t, fresh(t), Options{Now: c.Now, noSweep: true})
	r := thing(1)
	r.Expires = c.Now().Add(time.Second)
	if _, err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	c.Move(999 * time.Millisecond)
	sweepAll(t, s)
	if _, err := s.Get(t.Context(), kind, r.ID); err != nil {
		t.Errorf("a millisecond before its end: %v", err)
	}
	c.Move(time.Millisecond)
	if _, err := s.Get(t.Context(), kind, r.ID); err != store.ErrNotFound {
		t.Errorf("at its end: %v", err)
	}
	r.Expires = c.Now().Add(time.Hour)
	if _, err := s.Create(t.Context(), r); err != nil {
		t.Errorf("create over what ended: %v", err)
	}
	sweepAll(t, s)
	if _, err := s.Get(t.Context(), kind, r.ID); err != nil {
		t.Errorf("the sweeper took the new record: %v", err)
	}
}

// What lives for a minute fills the file up to a level, and not beyond.
func TestTheFileStopsGrowingUnderSteadyLoad(t *testing.T) {
	var c clock
	path := fresh(t)
	s := open(t, path, Options{Now: c.Now, noSweep: true})
	used := func() (n int64) {
		_ = s.db.View(func(tx *bbolt.Tx) error { n = tx.Size(); return nil })
		return n
	}
	var level int64
	const rounds = 40
	for round := range rounds {
		for range 100 {
			r := thing(round)
			r.Value, r.Expires = make([]byte, 500), c.Now().Add(time.Minute)
			if _, err := s.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		c.Move(20 * time.Second)
		sweepAll(t, s)
		if round == rounds/2 {
			level = used()
		}
	}
	if end := used(); end > level*5/4 {
		t.Errorf("%d bytes in use at half time, %d at the end", level, end)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 40<<20 {
		t.Errorf("file of %d bytes, %v", info.Size(), err)
	}
}

func TestTheSweeperRunsByItself(t *testing.T) {
	var c clock
	s := open(t, fresh(t), Options{Now: c.Now})
	r := thing(1)
	r.Expires = c.Now().Add(time.Second)
	if _, err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	c.Move(time.Hour)
	eventually(t, "the record is deleted", func() bool { return entries(t, s)["record:thing"] == 0 })
}

func TestTheLagOfTheSweeperIsTheAgeOfTheOldestThing(t *testing.T) {
	var c clock
	s := open(t, fresh(t), Options{Now: c.Now, noSweep: true})
	want := func(want time.Duration) {
		t.Helper()
		if lag, err := s.SweeperLag(t.Context()); err != nil || lag != want {
			t.Errorf("lag %v, not %v: %v", lag, want, err)
		}
	}
	want(0)
	r := thing(1)
	r.Expires = c.Now().Add(time.Minute)
	if _, err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want(0)
	c.Move(3 * time.Minute)
	want(2 * time.Minute)
	sweepAll(t, s)
	want(0)
}
