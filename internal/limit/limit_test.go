package limit_test

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
)

// clock is set by hand.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(1_700_000_000, c.nanos.Load()) }
func (c *clock) move(d time.Duration) { c.nanos.Add(int64(d)) }

var (
	one = netip.MustParseAddr("192.0.2.1")
	two = netip.MustParseAddr("192.0.2.2")
)

func newLimits(t *testing.T, words ...string) (*limit.Limits, *clock) {
	t.Helper()
	table, err := limit.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{}
	return limit.New(limit.Config{Table: table, Now: c.now}), c
}

// taken tells how many of n requests at once are let through.
func taken(l *limit.Limits, c limit.Class, name string, n int) int {
	through := 0
	for range n {
		if l.Take(c, name) == nil {
			through++
		}
	}
	return through
}

// let tells how many of n requests of an address are let through that prove nothing.
func let(l *limit.Limits, c limit.Class, address netip.Addr, n int) int {
	through := 0
	for range n {
		if l.Check(c, address) == nil {
			l.Count(c, address)
			through++
		}
	}
	return through
}

func TestABucketGivesItsBurstAndThenItsRate(t *testing.T) {
	l, c := newLimits(t, "token=10/30", "page=10/30")
	for name, of := range map[string]func(n int) int{
		"name":    func(n int) int { return taken(l, limit.Token, "app", n) },
		"address": func(n int) int { return let(l, limit.Page, one, n) },
	} {
		t.Run(name, func(t *testing.T) {
			if got := of(100); got != 30 {
				t.Errorf("%d at once, want 30", got)
			}
			c.move(100*time.Millisecond - 1)
			if got := of(1); got != 0 {
				t.Error("one is let through before its time")
			}
			c.move(1)
			if got := of(2); got != 1 {
				t.Errorf("%d after a tenth of a second, want 1", got)
			}
			c.move(time.Second)
			if got := of(100); got != 10 {
				t.Errorf("%d after a second, want 10", got)
			}
			c.move(time.Hour)
			if got := of(100); got != 30 {
				t.Errorf("%d after a rest, want 30", got)
			}
		})
	}
}

func TestARefusalSaysWhenToComeBack(t *testing.T) {
	l, c := newLimits(t, "token=2/1")
	if err := l.Take(limit.Token, "app"); err != nil {
		t.Fatal(err)
	}
	c.move(200 * time.Millisecond)
	var exceeded *limit.ExceededError
	if err := l.Take(limit.Token, "app"); !errors.As(err, &exceeded) {
		t.Fatalf("got %v", err)
	}
	if exceeded.RetryAfter != 300*time.Millisecond || exceeded.Class != limit.Token {
		t.Errorf("got %+v", exceeded)
	}
	c.move(exceeded.RetryAfter)
	if err := l.Take(limit.Token, "app"); err != nil {
		t.Error(err)
	}
}

func TestKeysAndClassesHaveBucketsOfTheirOwn(t *testing.T) {
	l, _ := newLimits(t, "token=1/5", "revocation=1/5", "page=1/5", "stranger=1/5")
	if got := taken(l, limit.Token, "a", 9); got != 5 {
		t.Error(got)
	}
	if got := taken(l, limit.Token, "b", 9); got != 5 {
		t.Errorf("another client: %d", got)
	}
	if got := taken(l, limit.Revocation, "a", 9); got != 5 {
		t.Errorf("another class: %d", got)
	}
	if let(l, limit.Page, one, 9) != 5 || let(l, limit.Page, two, 9) != 5 || let(l, limit.Stranger, one, 9) != 5 {
		t.Error("addresses share a bucket")
	}
}

func TestWhatProvesWhoItIsIsNotHeldAgainstItsAddress(t *testing.T) {
	l, _ := newLimits(t, "stranger=1/5")
	for range 1000 {
		if err := l.Check(limit.Stranger, one); err != nil {
			t.Fatal(err)
		}
	}
	if l.Held() != 0 {
		t.Errorf("%d buckets for an address that did nothing wrong", l.Held())
	}
}

// Many requests may be under way when the first is counted: what they overdraw is paid back before the next.
func TestWhatWasOverdrawnIsPaidBack(t *testing.T) {
	l, c := newLimits(t, "page=10/10")
	for range 15 {
		if err := l.Check(limit.Page, one); err != nil {
			t.Fatal(err)
		}
	}
	for range 15 {
		l.Count(limit.Page, one)
	}
	c.move(500 * time.Millisecond)
	if got := let(l, limit.Page, one, 5); got != 0 {
		t.Errorf("%d while it is overdrawn", got)
	}
	c.move(100 * time.Millisecond)
	if got := let(l, limit.Page, one, 5); got != 1 {
		t.Errorf("%d after it was paid back", got)
	}
}

func TestAddressesOfOneSubscriberShareABucket(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"2001:db8:1:2::1%eth0", "2001:db8:1:2::2", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"::1", "::2", true},
		{"0.0.0.1", "::1", false},
	} {
		l, _ := newLimits(t, "page=1/5")
		let(l, limit.Page, netip.MustParseAddr(c.a), 5)
		if got := let(l, limit.Page, netip.MustParseAddr(c.b), 1) == 0; got != c.same {
			t.Errorf("%s and %s: shared %t", c.a, c.b, got)
		}
	}
}

func TestExemptAndUnknownAddressesAreNotCounted(t *testing.T) {
	table, err := limit.Parse([]string{"page=1/1"})
	if err != nil {
		t.Fatal(err)
	}
	l := limit.New(limit.Config{Table: table, Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/31"), netip.MustParsePrefix("fd00::/8")}})
	for address, want := range map[netip.Addr]int{
		one: 9, netip.MustParseAddr("::ffff:192.0.2.1"): 9, netip.MustParseAddr("fd00::1"): 9, {}: 9, two: 1,
	} {
		if got := let(l, limit.Page, address, 9); got != want {
			t.Errorf("%v: %d, want %d", address, got, want)
		}
	}
	if l.Held() != 1 {
		t.Errorf("%d buckets", l.Held())
	}
}

func TestAClassThatIsOffIsNotLimited(t *testing.T) {
	l, _ := newLimits(t, "token=off", "page=off")
	var none *limit.Limits
	for name, of := range map[string]*limit.Limits{"off": l, "none": none} {
		if taken(of, limit.Token, "app", 1000) != 1000 || let(of, limit.Page, one, 1000) != 1000 || of.Held() != 0 {
			t.Error(name)
		}
	}
}

func TestAFloodOfAddressesTakesBoundedMemory(t *testing.T) {
	l, c := newLimits(t, "page=10/100")
	let(l, limit.Page, one, 200) // its bucket is empty
	before := heap()
	address := [16]byte{0x20, 0x01}
	for i := range 150_000 {
		address[4], address[5], address[6] = byte(i>>16), byte(i>>8), byte(i)
		l.Count(limit.Page, netip.AddrFrom16(address))
	}
	if held := l.Held(); held > 1<<16 {
		t.Errorf("%d buckets", held)
	}
	if grown := heap() - before; grown > 24<<20 {
		t.Errorf("%d MiB", grown>>20)
	}
	if let(l, limit.Page, one, 1) != 0 {
		t.Error("a flood from elsewhere emptied the bucket of one who is refused")
	}
	c.move(time.Hour)
	l.Sweep()
	if held := l.Held(); held != 0 {
		t.Errorf("%d buckets are left", held)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestRacingRequestsTakeNoMoreThanThereIs(t *testing.T) {
	l, _ := newLimits(t, "token=1/500", "page=1/500")
	var through atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			through.Add(int64(taken(l, limit.Token, "app", 200)))
			let(l, limit.Page, one, 200)
			l.Exchange(t.Context())
			l.Sweep()
		})
	}
	all.Wait()
	if got := through.Load(); got != 500 {
		t.Errorf("%d of 500", got)
	}
}

func TestLimitsAreReadAndShown(t *testing.T) {
	table, err := limit.Parse([]string{"page=20/200", "token=off", "stranger=0.5/3"})
	if err != nil {
		t.Fatal(err)
	}
	if table[limit.Page] != (limit.Rate{PerSecond: 20, Burst: 200}) || table[limit.Token] != (limit.Rate{}) || table[limit.Feed] != limit.Default()[limit.Feed] {
		t.Errorf("got %v", table)
	}
	again, err := limit.Parse(splitShown(table.String()))
	if err != nil || again != table {
		t.Errorf("what is shown is not read back: %v, %v", table, err)
	}
	for _, word := range []string{"", "page", "page=", "page=1", "page=1/", "page=/1", "page=1/0", "page=0/1", "page=-1/1", "page=NaN/1", "page=Inf/1",
		"page=1/1.5", "page=1/99999999", "page=2000000/1", "page=0.0003/10000000", "page=0.001/40000", "nothing=1/1", "Page=1/1", "page=OFF"} {
		if _, err := limit.Parse([]string{word}); err == nil {
			t.Errorf("%q is taken", word)
		}
	}
	if _, err := limit.Parse([]string{"page=1/1", "page=2/2"}); err == nil {
		t.Error("a limit is set twice")
	}
}

func TestTheSlowestLimitsAreInForce(t *testing.T) {
	for _, word := range []string{"page=0.001/30000", "page=0.0003/9000", "page=0.0003/1", "page=1000000/100000"} {
		l, c := newLimits(t, word)
		_, burst, _ := strings.Cut(word, "/")
		most, err := strconv.Atoi(burst)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 * most {
			l.Count(limit.Page, one)
		}
		if let(l, limit.Page, one, 1) != 0 {
			t.Errorf("%s: one more is let through", word)
		}
		c.move(3 * 366 * 24 * time.Hour)
		if got := let(l, limit.Page, one, 1); got != 1 {
			t.Errorf("%s: none is let through after years", word)
		}
	}
}

func splitShown(s string) (words []string) {
	for len(s) > 0 {
		var word string
		if _, err := fmt.Sscanf(s, "%s", &word); err != nil {
			return words
		}
		s = s[min(len(word)+1, len(s)):]
		if word[len(word)-1] == ',' {
			word = word[:len(word)-1]
		}
		words = append(words, word)
	}
	return words
}

func BenchmarkCheckAndTake(b *testing.B) {
	table := limit.Default()
	table[limit.Token] = limit.Rate{PerSecond: 1e6, Burst: 1e7} // a refusal costs more
	l := limit.New(limit.Config{Table: table})
	let(l, limit.Stranger, two, 3)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			_ = l.Check(limit.Stranger, one)
			_ = l.Take(limit.Token, "b3c5a0fe-6f0a-4c4f-9c7b-2f8b0f3e6a11")
		}
	})
}

func BenchmarkLane(b *testing.B) {
	lane := limit.NewLane(512, 1024)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if lane.Enter(b.Context()) == nil {
				lane.Leave()
			}
		}
	})
}

func TestACheckAllocatesNothing(t *testing.T) {
	l, _ := newLimits(t)
	lane := limit.NewLane(1, 1)
	if n := testing.AllocsPerRun(1000, func() {
		_ = l.Check(limit.Stranger, one)
		_ = l.Take(limit.Token, "app")
		if lane.Enter(t.Context()) == nil {
			lane.Leave()
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
