package limit_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/store/redis"
)

// nodes are servers over one store, whose clocks go alike; they exchange when they are told to.
type nodes struct {
	clock
	t      *testing.T
	all    []*limit.Limits
	counts atomic.Int64 // what the store was asked
}

func newNodes(t *testing.T, n int, words ...string) *nodes {
	t.Helper()
	shared := memory.New()
	t.Cleanup(func() { _ = shared.Close() })
	s := &nodes{t: t}
	shared.Now = s.now
	s.make(n, shared, words...)
	return s
}

func (s *nodes) make(n int, b store.Backend, words ...string) {
	table, err := limit.Parse(words)
	if err != nil {
		s.t.Fatal(err)
	}
	count := func(ctx context.Context, key string, n int64, ttl time.Duration) (int64, error) {
		s.counts.Add(1)
		return b.Add(ctx, store.Kind{Name: "limit_use", Spread: true}, key, n, ttl)
	}
	for range n {
		s.all = append(s.all, limit.New(limit.Config{Table: table, Count: count, Now: s.now}))
	}
}

// second lets a second pass in which each node is asked by a client so many times, evenly, and exchanges twice.
func (s *nodes) second(each int) (through int) {
	for i := range each {
		s.move(time.Second / time.Duration(each))
		for _, l := range s.all {
			through += taken(l, limit.Token, "app", 1)
		}
		if i == each/2 || i == each-1 {
			s.exchange()
		}
	}
	return through
}

func (s *nodes) exchange() {
	for _, l := range s.all {
		l.Exchange(s.t.Context())
	}
}

func TestNodesTogetherGiveAboutWhatOneGives(t *testing.T) {
	for _, n := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := newNodes(t, n, "token=100/200")
			first := s.second(1000)
			if first > n*310 {
				t.Errorf("%d in the first second", first)
			}
			total := first
			for range 29 {
				total += s.second(1000)
			}
			// One node gives 200 and 100 a second. What others gave in the last second is heard of after it.
			if want := 200 + 30*100; total < want*9/10 || total > want*13/10 {
				t.Errorf("%d nodes gave %d in 30 s, one gives %d", n, total, want)
			}
		})
	}
}

func TestABurstAtOneNodeIsGoneAtTheOther(t *testing.T) {
	s := newNodes(t, 2, "token=10/200")
	if got := taken(s.all[0], limit.Token, "app", 1000); got != 200 {
		t.Fatal(got)
	}
	s.all[0].Exchange(t.Context())
	// The other node hears of it once it has notable use itself.
	got := taken(s.all[1], limit.Token, "app", 5)
	s.all[1].Exchange(t.Context())
	if got += taken(s.all[1], limit.Token, "app", 1000); got > 40 {
		t.Errorf("the other node gave %d more", got)
	}
}

func TestABusyClientMeetsNoLimitOnManyNodes(t *testing.T) {
	s := newNodes(t, 3, "token=100/200")
	for range 30 {
		if got := s.second(30); got != 90 {
			t.Fatalf("%d of 90 were let through, at 90 a second of 100", got)
		}
	}
}

// A node that has had nothing to tell joins in: what others gave long ago is not held against its clients.
func TestANodeThatJoinsInDoesNotRefuseABusyClient(t *testing.T) {
	s := newNodes(t, 2, "token=100/200")
	for i := range 20 {
		if got := taken(s.all[0], limit.Token, "app", 40); got != 40 {
			t.Fatalf("second %d: %d", i, got)
		}
		if i%2 == 1 {
			if got := taken(s.all[1], limit.Token, "app", 50); got != 50 {
				t.Fatalf("second %d at the other: %d", i, got)
			}
		}
		s.move(time.Second)
		s.exchange()
	}
}

func TestWhatIsNotNotableCostsTheStoreNothing(t *testing.T) {
	s := newNodes(t, 1)
	for i := range 1000 {
		taken(s.all[0], limit.Token, fmt.Sprint("app", i), 100)
		let(s.all[0], limit.Page, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5)
	}
	s.all[0].Exchange(t.Context())
	if got := s.counts.Load(); got != 0 {
		t.Errorf("the store was asked %d times", got)
	}
}

func TestAnExchangeIsBoundedAndGoesOn(t *testing.T) {
	s := newNodes(t, 1, "page=1/4")
	for i := range 2000 {
		let(s.all[0], limit.Page, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 4)
	}
	s.all[0].Exchange(t.Context())
	if got := s.counts.Load(); got == 0 || got > 512 {
		t.Errorf("the store was asked %d times at once", got)
	}
}

func TestAnyNumberThatOtherNodesTellIsTaken(t *testing.T) {
	c := &clock{}
	table, err := limit.Parse([]string{"token=0.001/4"})
	if err != nil {
		t.Fatal(err)
	}
	l := limit.New(limit.Config{Table: table, Now: c.now, Count: func(context.Context, string, int64, time.Duration) (int64, error) {
		return math.MaxInt64 / 2, nil
	}})
	taken(l, limit.Token, "app", 3)
	l.Exchange(t.Context())
	if taken(l, limit.Token, "app", 1) != 0 {
		t.Error("what others gave is not held against it")
	}
}

// A flood of keys that are told of must not keep a key from being told of at all.
func TestEveryBusyKeyIsToldOfInItsTurn(t *testing.T) {
	told := map[string]int{}
	table, err := limit.Parse([]string{"token=1/4"})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	c := &clock{}
	l := limit.New(limit.Config{Table: table, Now: c.now, Count: func(_ context.Context, key string, n int64, _ time.Duration) (int64, error) {
		mu.Lock()
		defer mu.Unlock()
		told[key]++
		return n, nil
	}})
	const keys = 4000
	for range 20 {
		for i := range keys {
			taken(l, limit.Token, fmt.Sprint("app", i), 4)
		}
		l.Exchange(t.Context())
		c.move(500 * time.Millisecond)
	}
	if len(told) != keys {
		t.Errorf("%d of %d keys were told of", len(told), keys)
	}
}

func TestAStoreThatIsAwayLeavesTheOwnLimitInForce(t *testing.T) {
	c := &clock{}
	table, err := limit.Parse([]string{"token=10/20"})
	if err != nil {
		t.Fatal(err)
	}
	l := limit.New(limit.Config{Table: table, Now: c.now, Count: func(ctx context.Context, _ string, _ int64, _ time.Duration) (int64, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("nothing bounds how long the store may take")
		}
		return 0, errors.New("away")
	}})
	total := 0
	for range 10 {
		total += taken(l, limit.Token, "app", 100)
		l.Exchange(t.Context())
		c.move(time.Second)
	}
	if want := 20 + 9*10; total != want {
		t.Errorf("%d were let through, want %d", total, want)
	}
}

func TestTwoNodesOnRedisAgreeWithinASecond(t *testing.T) {
	t.Parallel()
	b, err := redis.Open(t.Context(), redistest.Start(t), redis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	s := &nodes{t: t}
	s.make(2, b, "token=100/400", "page=10/400")
	s.second(1000)                       // both give their bursts
	if got := s.second(1000); got != 0 { // both have heard of it
		t.Errorf("%d in the second second", got)
	}
	let(s.all[0], limit.Page, one, 400)
	let(s.all[1], limit.Page, one, 10)
	s.exchange()
	if got := let(s.all[1], limit.Page, one, 400); got > 20 {
		t.Errorf("an address has a burst at each node: %d", got)
	}
}
