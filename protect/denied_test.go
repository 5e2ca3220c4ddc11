package protect

import (
	"encoding/binary"
	"hash/maphash"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keys gives keys as mark does.
func manyKeys(n int) []uint64 {
	seed, list := maphash.MakeSeed(), make([]uint64, n)
	var b [8]byte
	for i := range list {
		binary.LittleEndian.PutUint64(b[:], uint64(i))
		list[i] = maphash.Bytes(seed, b[:])
	}
	return list
}

// len counts what has not ended.
func (s *keySet) len(now uint32) int {
	n := 0
	for i := range s.shards {
		n += s.shards[i].table.Load().live(now)
	}
	return n
}

// size is what the tables take, in bytes.
func (s *keySet) size() int {
	n := 0
	for i := range s.shards {
		if t := s.shards[i].table.Load(); t != nil {
			n += len(t.keys) * (8 + 4)
		}
	}
	return n
}

// len counts what is denied.
func (d *denied) len(now uint32) int {
	return d.tokens.len(now) + d.authorizations.len(now) + d.gens.len(now) + d.sessions.len(now) +
		d.clients.known.len(now) + d.subjects.known.len(now)
}

func TestAKeyIsHeldUntilItsEnd(t *testing.T) {
	var s keySet
	s.add(7, 100, 10)
	s.add(0, 100, 10)
	s.add(9, 10, 10) // has ended already
	for _, test := range []struct {
		key  uint64
		now  uint32
		want bool
	}{{7, 10, true}, {7, 99, true}, {7, 100, false}, {0, 99, true}, {8, 10, false}, {9, 9, false}} {
		if got := s.has(test.key, test.now); got != test.want {
			t.Errorf("key %d at %d: %t", test.key, test.now, got)
		}
	}
	s.add(7, 50, 10)
	if !s.has(7, 99) {
		t.Error("an earlier end replaced a later one")
	}
	s.add(7, 200, 10)
	if !s.has(7, 199) {
		t.Error("a later end was not taken")
	}
}

func TestManyKeysAreAllFoundAndNoOthers(t *testing.T) {
	var s keySet
	list := manyKeys(60_000)
	for _, key := range list[:30_000] {
		s.add(key, 1000, 1)
	}
	for i, key := range list {
		if s.has(key, 1) != (i < 30_000) {
			t.Fatalf("key %d of the list: %t", i, i >= 30_000)
		}
	}
	if n := s.len(1); n != 30_000 {
		t.Errorf("%d keys", n)
	}
}

func TestWhatHasEndedIsSweptAndTheRestStays(t *testing.T) {
	var s keySet
	list := manyKeys(50_000)
	for i, key := range list {
		s.add(key, uint32(100+100*(i%2)), 1) //nolint:gosec // 100 or 200
	}
	full := s.size()
	for turn := range keyShards {
		s.sweep(turn, 150)
	}
	if s.size() >= full*2/3 || s.len(150) != 25_000 {
		t.Errorf("%d bytes of %d are left for %d keys", s.size(), full, s.len(150))
	}
	for i, key := range list {
		if s.has(key, 150) != (i%2 == 1) {
			t.Fatalf("key %d", i)
		}
	}
	for turn := range keyShards {
		s.sweep(turn, 250)
	}
	if s.size() != 0 {
		t.Errorf("%d bytes are left when all has ended", s.size())
	}
}

func TestASetThatIsFilledForeverDoesNotGrow(t *testing.T) {
	var s keySet
	largest := 0
	for now := uint32(1); now <= 50; now++ {
		for _, key := range manyKeys(2000) { // other ones each time: the seed differs
			s.add(key, now+5, now)
		}
		largest = max(largest, s.size())
	}
	if largest > 10_000*40 {
		t.Errorf("%d bytes for 10,000 keys that live", largest)
	}
}

func TestKeysAreFoundWhileOthersAreAddedAndSwept(t *testing.T) {
	var (
		s     keySet
		added atomic.Int64
		list  = manyKeys(30_000)
		group sync.WaitGroup
	)
	group.Go(func() {
		for i, key := range list {
			s.add(key, 1000, 1)
			added.Store(int64(i) + 1)
			if i%64 == 0 {
				s.sweep(i/64, 1)
			}
		}
	})
	for range 2 {
		group.Go(func() {
			for i := 0; i < len(list); i = int(added.Load()) {
				for _, key := range list[max(0, i-100):i] {
					if !s.has(key, 1) {
						t.Error("a key that was added is not found")
						return
					}
				}
			}
		})
	}
	group.Wait()
}

func TestTheLastCutOffOfAClientCounts(t *testing.T) {
	var c cutoffs
	at := func(began int64) bool { return c.has(5, began, 10) }
	c.set(5, 1000, 100, 10)
	if !at(0) || !at(999) || !at(1000) || at(1001) || c.has(6, 0, 10) || c.has(5, 0, 100) {
		t.Error("a cut-off ends what began at or before it, for its time, for its key")
	}
	c.set(5, always, 50, 10)
	if !at(1<<60) || c.has(5, 0, 50) {
		t.Error("a later event did not replace the earlier one")
	}
	c.set(5, 0, 100, 10)
	if at(1) || !at(0) {
		t.Error("a client that was enabled again is still denied")
	}
	c.set(5, always, 100, 10)
	c.set(5, 0, 10, 10)
	if at(0) {
		t.Error("an event whose time is over did not replace the earlier one")
	}
	for turn := range keyShards {
		c.sweep(turn, 200)
	}
	if len(c.ends) != 0 || c.known.size() != 0 {
		t.Errorf("%d cut-offs and %d bytes are left", len(c.ends), c.known.size())
	}
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	d := filled(1000)
	m := marks{token: 1, authorization: 2, client: 3, subject: 4, gen: 5, began: 6}
	d.clients.set(3, 5, 1000, 1)
	if n := testing.AllocsPerRun(100, func() { d.has(m, 1) }); n != 0 {
		t.Errorf("%f allocations", n)
	}
}

// filled has n keys of each kind.
func filled(n int) *denied {
	d := new(denied)
	for _, s := range []*keySet{&d.tokens, &d.authorizations, &d.gens} {
		for _, key := range manyKeys(n) {
			s.add(key, 1<<31, 1)
		}
	}
	return d
}

// fill measures what the heap grows by for each of n keys, not what the tables say, and the longest addition.
func fill(n int) (each float64, longest time.Duration) {
	list, s := manyKeys(n), new(keySet)
	before := heap()
	for _, key := range list {
		began := time.Now()
		s.add(key, 1<<31, 1)
		longest = max(longest, time.Since(began))
	}
	each = float64(heap()-before) / float64(n)
	runtime.KeepAlive(s)
	runtime.KeepAlive(list)
	return each, longest
}

func TestADeniedTokenTakesTwoDozenBytes(t *testing.T) {
	if each, _ := fill(100_000); each > 26 {
		t.Errorf("%.1f bytes each", each)
	}
}

func BenchmarkDeniedMemory(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				each, longest := fill(n)
				b.ReportMetric(each, "B/entry")
				b.ReportMetric(float64(longest.Microseconds()), "µs-longest")
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}

func BenchmarkDenied(b *testing.B) {
	for name, n := range map[string]int{"empty": 0, "100k": 100_000, "1M": 1_000_000} {
		d := filled(n)
		list := manyKeys(1024)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					k := list[i%1024]
					if d.has(marks{token: k, authorization: k, client: k, subject: k, gen: k}, 1) {
						b.Error("found")
					}
				}
			})
		})
	}
}

func BenchmarkDeniedAdd(b *testing.B) {
	list := manyKeys(1 << 20)
	s := new(keySet)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(list) == 0 {
			s = new(keySet)
		}
		s.add(list[i%len(list)], 1<<31, 1)
	}
}
