package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func snapshot(t *testing.T, c *Cache[entry]) []*entry {
	t.Helper()
	all, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantSnapshot(t *testing.T, c *Cache[entry], want ...string) {
	t.Helper()
	got := []string{}
	for _, e := range snapshot(t, c) {
		got = append(got, e.ID+"="+strconv.Itoa(e.Count))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("snapshot is %v, want %v", got, want)
	}
}

func TestSnapshotSparesTheStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		for i := range 5 {
			if err := c.Create(t.Context(), &entry{ID: strconv.Itoa(i), Count: i}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(cachePoll)
		synctest.Wait()
		wantSnapshot(t, c, "0=0", "1=1", "2=2", "3=3", "4=4")
		lists := s.lists.Load()
		for range 10 {
			wantSnapshot(t, c, "0=0", "1=1", "2=2", "3=3", "4=4")
		}
		if n := s.lists.Load(); n != lists {
			t.Errorf("%d lists of the store", n-lists)
		}
	})
}

func TestSnapshotOfNothingIsEmptyAndKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		for range 3 {
			wantSnapshot(t, c)
		}
		if n := s.lists.Load(); n != 1 {
			t.Errorf("%d lists of the store", n)
		}
	})
}

func TestSnapshotDecodesOnlyWhatChanged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := running(t, newShelf())
		for i := range 4 {
			if err := c.Create(t.Context(), &entry{ID: strconv.Itoa(i)}); err != nil {
				t.Fatal(err)
			}
		}
		before := slices.Clone(snapshot(t, c))
		if _, err := c.Update(t.Context(), "2", func(e *entry) error { e.Count = 7; return nil }); err != nil {
			t.Fatal(err)
		}
		after := snapshot(t, c)
		for i := range after {
			if (before[i] == after[i]) != (i != 2) {
				t.Errorf("value %d: the same is %v", i, before[i] == after[i])
			}
		}
		if before[2].Count != 0 || after[2].Count != 7 {
			t.Errorf("before %+v, after %+v", before[2], after[2])
		}
		// Deleted and made again, in the same words.
		if _, err := c.Take(t.Context(), "2"); err != nil {
			t.Fatal(err)
		}
		wantSnapshot(t, c, "0=0", "1=0", "3=0")
		if err := c.Create(t.Context(), &entry{ID: "2", Count: 9}); err != nil {
			t.Fatal(err)
		}
		wantSnapshot(t, c, "0=0", "1=0", "2=9", "3=0")
	})
}

func TestSnapshotsSeeOwnWritesAtOnceAndOthersWithinASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		here, there := running(t, s), running(t, s)
		if err := here.Create(t.Context(), &entry{ID: "a"}); err != nil {
			t.Fatal(err)
		}
		wantSnapshot(t, here, "a=0")
		time.Sleep(time.Second)
		synctest.Wait()
		wantSnapshot(t, there, "a=0")
		for want := 1; want < 4; want++ {
			if _, err := here.Update(t.Context(), "a", func(e *entry) error { e.Count = want; return nil }); err != nil {
				t.Fatal(err)
			}
			wantSnapshot(t, here, fmt.Sprintf("a=%d", want))
			wantSnapshot(t, there, fmt.Sprintf("a=%d", want-1))
			time.Sleep(time.Second)
			synctest.Wait()
			wantSnapshot(t, there, fmt.Sprintf("a=%d", want))
		}
	})
}

func TestWhatIsFreshHoldsWhatOthersWroteAMomentAgo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		mine, other := running(t, s), running(t, s)
		wantSnapshot(t, mine)
		if err := other.Create(t.Context(), &entry{ID: "new", Count: 1}); err != nil {
			t.Fatal(err)
		}
		wantSnapshot(t, mine) // it has not heard of it
		all, err := mine.Fresh(t.Context())
		if err != nil || len(all) != 1 || all[0].ID != "new" {
			t.Errorf("got %v, %v", all, err)
		}
		wantSnapshot(t, mine, "new=1")
	})
}

func TestSnapshotDoesNotOutliveItsStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		if err := c.Create(t.Context(), &entry{ID: "a"}); err != nil {
			t.Fatal(err)
		}
		wantSnapshot(t, c, "a=0")
		s.away.Store(true)
		wantSnapshot(t, c, "a=0")
		time.Sleep(cacheBlind + cachePoll)
		synctest.Wait()
		if _, err := c.Snapshot(t.Context()); !IsUnavailable(err) {
			t.Fatalf("snapshot without a store: %v", err)
		}
		s.away.Store(false)
		if err := entries(s).Create(t.Context(), &entry{ID: "b"}); err != nil { // without a notice
			t.Fatal(err)
		}
		wantSnapshot(t, c, "a=0", "b=0")
	})
}

func TestSnapshotIsReadAgainAfterAWhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		wantSnapshot(t, c)
		if err := entries(s).Create(t.Context(), &entry{ID: "a"}); err != nil { // a writer that died before its notice
			t.Fatal(err)
		}
		wantSnapshot(t, c)
		time.Sleep(cacheMaxAge)
		synctest.Wait()
		wantSnapshot(t, c, "a=0")
	})
}

func TestSnapshotOfACacheThatIsNotRunReadsThrough(t *testing.T) {
	s := newShelf()
	c := NewCache(entries(s))
	for want := range 3 {
		if err := entries(s).Create(t.Context(), &entry{ID: strconv.Itoa(want)}); err != nil {
			t.Fatal(err)
		}
		if got := len(snapshot(t, c)); got != want+1 {
			t.Fatalf("%d values, want %d", got, want+1)
		}
	}
}

// TestOneReadServesAllWhoWait: while one reads, others wait, and share one read that began after they asked.
func TestOneReadServesAllWhoWait(t *testing.T) {
	for _, follows := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			s := newShelf()
			c := NewCache(entries(s))
			if follows {
				c = running(t, s)
			}
			slow := func() { time.Sleep(10 * time.Millisecond) }
			s.pause.Store(&slow)
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := c.Snapshot(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n := s.lists.Load(); n > 2 {
				t.Errorf("follows %v: %d reads", follows, n)
			}
		})
	}
}

func TestWaitingForASnapshotEndsWithTheCaller(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		gate := make(chan struct{})
		slow := func() { <-gate }
		s.pause.Store(&slow)
		var reading sync.WaitGroup
		gone, leave := context.WithCancel(t.Context())
		reading.Go(func() {
			if _, err := c.Snapshot(gone); !IsUnavailable(err) {
				t.Errorf("the reader who left: %v", err)
			}
		})
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := c.Snapshot(impatient); !errors.Is(err, context.DeadlineExceeded) || !IsUnavailable(err) {
			t.Errorf("the one who waited: %v", err)
		}
		reading.Go(func() { // another reads in his place
			if _, err := c.Snapshot(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		leave()
		close(gate)
		reading.Wait()
	})
}

// TestNoSnapshotIsOlderThanAnOwnWrite races writers, each of whom must find what he wrote, with readers.
func TestNoSnapshotIsOlderThanAnOwnWrite(t *testing.T) {
	for _, follows := range []bool{true, false} {
		s := newShelf()
		c := NewCache(entries(s))
		ctx, stop := context.WithCancel(t.Context())
		var all, beside sync.WaitGroup
		if follows {
			beside.Go(func() { c.Run(ctx) })
		}
		var done atomic.Bool
		for range 4 {
			beside.Go(func() {
				for !done.Load() {
					if _, err := c.Snapshot(t.Context()); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for writer := range 4 {
			all.Go(func() {
				id := strconv.Itoa(writer)
				if err := c.Create(t.Context(), &entry{ID: id}); err != nil {
					t.Error(err)
					return
				}
				for count := range 200 {
					if _, err := c.Update(t.Context(), id, func(e *entry) error { e.Count = count; return nil }); err != nil {
						t.Error(err)
						return
					}
					values, err := c.Snapshot(t.Context())
					at := slices.IndexFunc(values, func(e *entry) bool { return e.ID == id })
					if err != nil || at < 0 || values[at].Count != count {
						t.Errorf("writer %d does not find his write %d: %v", writer, count, err)
						return
					}
				}
			})
		}
		all.Wait()
		done.Store(true)
		stop()
		beside.Wait()
	}
}
