package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is a store of its own, for package memory imports this one. It counts reads, and can be away.
type shelf struct {
	mu     sync.Mutex
	values map[string]Record
	epochs map[string]int64
	writes uint64
	reads  atomic.Int64
	lists  atomic.Int64
	away   atomic.Bool
	pause  atomic.Pointer[func()] // runs before each list
}

var errAway = &UnavailableError{Op: "test", Err: errors.New("away")}

func (s *shelf) enter() (leave func(), err error) {
	if s.away.Load() {
		return nil, errAway
	}
	s.mu.Lock()
	return s.mu.Unlock, nil
}

func (s *shelf) Get(_ context.Context, _ Kind, id string) (Record, error) {
	leave, err := s.enter()
	if err != nil {
		return Record{}, err
	}
	defer leave()
	s.reads.Add(1)
	r, ok := s.values[id]
	if !ok {
		return Record{}, ErrNotFound
	}
	return r, nil
}

func (s *shelf) Create(_ context.Context, r Record) (uint64, error) {
	leave, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	s.writes++
	r.Version = s.writes
	s.values[r.ID] = r
	return r.Version, nil
}

func (s *shelf) Swap(ctx context.Context, _, next Record) (uint64, error) { return s.Create(ctx, next) }

func (s *shelf) Take(ctx context.Context, kind Kind, id string) (Record, error) {
	r, err := s.Get(ctx, kind, id)
	if err == nil {
		delete(s.values, id)
	}
	return r, err
}

// List gives pages of two.
func (s *shelf) List(ctx context.Context, _ Kind, _ string, cursor string, _ int) (page []Record, next string, err error) {
	s.lists.Add(1)
	if pause := s.pause.Load(); pause != nil {
		(*pause)()
	}
	if ctx.Err() != nil {
		return nil, "", &UnavailableError{Op: "list", Err: ctx.Err()}
	}
	leave, err := s.enter()
	if err != nil {
		return nil, "", err
	}
	defer leave()
	for _, id := range slices.Sorted(maps.Keys(s.values)) {
		if id <= cursor {
			continue
		}
		if len(page) == 2 {
			return page, page[1].ID, nil
		}
		page = append(page, s.values[id])
	}
	return page, "", nil
}

func (s *shelf) Add(_ context.Context, _ Kind, id string, n int64, _ time.Duration) (int64, error) {
	leave, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	s.epochs[id] += n
	return s.epochs[id], nil
}

func newShelf() *shelf { return &shelf{values: map[string]Record{}, epochs: map[string]int64{}} }

type entry struct {
	ID    string
	Count int
}

func entries(b Backend) *Collection[entry] {
	return &Collection[entry]{Backend: b, Kind: Kind{Name: "entry"}, ID: func(e *entry) string { return e.ID }}
}

// bubble runs a test under a clock of its own.
func bubble(t *testing.T, test func(t *testing.T)) {
	defer func(real time.Time) { start = real }(start)
	synctest.Test(t, func(t *testing.T) {
		start = time.Now()
		test(t)
	})
}

// running starts a cache in the bubble of the test. The last wait lets its first poll finish.
func running(t *testing.T, b Backend) *Cache[entry] {
	c := NewCache(entries(b))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go c.Run(ctx)
	synctest.Wait()
	return c
}

func reads(t *testing.T, c *Cache[entry], id string, want int) {
	t.Helper()
	e, err := c.Get(t.Context(), id)
	if err != nil || e.Count != want {
		t.Fatalf("get %s: %+v, %v; want %d", id, e, err, want)
	}
}

func TestCacheSparesTheStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		if err := c.Create(t.Context(), &entry{ID: "a", Count: 1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cachePoll)
		synctest.Wait()
		for range 10 {
			reads(t, c, "a", 1)
		}
		if n := s.reads.Load(); n != 1 {
			t.Errorf("%d reads of the store", n)
		}
	})
}

func TestCachesSeeEachOthersChangesWithinASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		here, there := running(t, s), running(t, s)
		if err := here.Create(t.Context(), &entry{ID: "a"}); err != nil {
			t.Fatal(err)
		}
		for want := 1; want < 5; want++ {
			reads(t, there, "a", want-1)
			if _, err := here.Update(t.Context(), "a", func(e *entry) error { e.Count = want; return nil }); err != nil {
				t.Fatal(err)
			}
			reads(t, here, "a", want) // the writer at once
			time.Sleep(time.Second)
			synctest.Wait()
			reads(t, there, "a", want)
		}
		if _, err := here.Take(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if _, err := there.Get(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
			t.Errorf("after the deletion: %v", err)
		}
	})
}

func TestCacheDoesNotOutliveItsStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		if err := c.Create(t.Context(), &entry{ID: "a", Count: 1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		reads(t, c, "a", 1)
		s.away.Store(true)
		time.Sleep(cacheBlind + cachePoll)
		synctest.Wait()
		if _, err := c.Get(t.Context(), "a"); !IsUnavailable(err) {
			t.Fatalf("get without a store: %v", err)
		}
		s.away.Store(false)
		reads(t, c, "a", 1)
		// The store comes back with another value and, having lost a write, the same epoch.
		s.mu.Lock()
		s.values["a"] = Record{Kind: c.Kind, ID: "a", Version: 9, Value: []byte(`{"ID":"a","Count":2}`)}
		s.mu.Unlock()
		time.Sleep(2 * cachePoll)
		synctest.Wait()
		reads(t, c, "a", 2)
	})
}

func TestCachedEntryIsReadAgainAfterAWhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		if err := c.Create(t.Context(), &entry{ID: "a", Count: 1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		reads(t, c, "a", 1)
		// A writer that died between its write and its notice.
		if err := entries(s).Create(t.Context(), &entry{ID: "a", Count: 2}); err != nil {
			t.Fatal(err)
		}
		reads(t, c, "a", 1)
		time.Sleep(cacheMaxAge)
		synctest.Wait()
		reads(t, c, "a", 2)
	})
}

func TestCacheThatIsNotRunReadsThrough(t *testing.T) {
	s := newShelf()
	c := NewCache(entries(s))
	for want := range 3 {
		if err := entries(s).Create(t.Context(), &entry{ID: "a", Count: want}); err != nil {
			t.Fatal(err)
		}
		reads(t, c, "a", want)
	}
}

func TestMissingEntryIsNotRemembered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		if _, err := c.Get(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		if err := entries(s).Create(t.Context(), &entry{ID: "a", Count: 1}); err != nil {
			t.Fatal(err)
		}
		reads(t, c, "a", 1)
	})
}

func TestWriteWithoutNoticeIsReported(t *testing.T) {
	s := newShelf()
	c := NewCache(entries(&mute{s}))
	if err := c.Create(t.Context(), &entry{ID: "a"}); !IsUnavailable(err) {
		t.Errorf("create: %v", err)
	}
	if _, err := c.Update(t.Context(), "a", func(*entry) error { return nil }); !IsUnavailable(err) {
		t.Errorf("update: %v", err)
	}
}

// mute is a store whose counters are away.
type mute struct{ *shelf }

func (mute) Add(context.Context, Kind, string, int64, time.Duration) (int64, error) {
	return 0, errAway
}

func TestCacheIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		for i := range cacheEntries + 10 {
			id := strconv.Itoa(i)
			s.values[id] = Record{Kind: c.Kind, ID: id, Version: 1, Value: []byte(`{"ID":"` + id + `"}`)}
			if _, err := c.Get(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if n := c.current.Load().size.Load(); n > cacheEntries {
			t.Errorf("it holds %d entries", n)
		}
	})
}

// lost is a store whose writes take effect while their answers are lost.
type lost struct{ *shelf }

func (l lost) Swap(ctx context.Context, old, next Record) (uint64, error) {
	if _, err := l.shelf.Swap(ctx, old, next); err != nil {
		return 0, err
	}
	return 0, errAway
}

func TestAWriteOfUnknownOutcomeIsNoticedByEveryCache(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		here, there := running(t, lost{s}), running(t, s)
		if err := here.Create(t.Context(), &entry{ID: "a", Count: 1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		reads(t, here, "a", 1)
		reads(t, there, "a", 1)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := here.Update(ctx, "a", func(e *entry) error {
			e.Count = 2
			cancel() // the caller goes away; the notice is given all the same
			return nil
		})
		if !IsUnavailable(err) {
			t.Fatalf("update: %v", err)
		}
		reads(t, here, "a", 2)
		time.Sleep(time.Second)
		reads(t, there, "a", 2)
	})
}

func TestLookupsTellWhereValuesCameFrom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		c := running(t, s)
		if err := c.Create(t.Context(), &entry{ID: "a", Count: 1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cachePoll)
		synctest.Wait()
		for range 10 {
			reads(t, c, "a", 1)
		}
		if got, want := c.Lookups(), (Lookups{Kind: c.Kind.Name, Hits: 9, Misses: 1}); got != want {
			t.Errorf("%+v", got)
		}
	})
	c := NewCache(entries(newShelf()))
	_, _ = c.Get(t.Context(), "a")
	if c.Lookups().Passed != 1 {
		t.Errorf("%+v", c.Lookups())
	}
}
