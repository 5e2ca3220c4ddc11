package protect

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newCircuit() (*circuit, *testClock) {
	clock := &testClock{now: time.Now()}
	return &circuit{now: clock.Now}, clock
}

func (c *circuit) failNow(t *testing.T) {
	t.Helper()
	p, ok := c.admit()
	if !ok {
		t.Fatal("the circuit is open")
	}
	p.failed(0)
}

// wait says how long nobody will ask.
func (c *circuit) wait() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until.IsZero() {
		return 0
	}
	return max(0, c.until.Sub(c.now()))
}

func TestACircuitOpensAfterFailuresInARowOnly(t *testing.T) {
	c, _ := newCircuit()
	for range 3 {
		for range failuresToOpen - 1 {
			c.failNow(t)
		}
		p, _ := c.admit()
		p.answered()
	}
	for range failuresToOpen {
		c.failNow(t)
	}
	if _, ok := c.admit(); ok {
		t.Error("it is closed")
	}
}

func TestOneRequestGoesFirst(t *testing.T) {
	c, clock := newCircuit()
	for range failuresToOpen {
		c.failNow(t)
	}
	clock.pass(firstOpen)
	var admitted atomic.Int64
	var probe permit
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if p, ok := c.admit(); ok {
				admitted.Add(1)
				probe = p
			}
		})
	}
	group.Wait()
	if admitted.Load() != 1 {
		t.Fatalf("%d go first", admitted.Load())
	}
	probe.answered()
	if _, ok := c.admit(); !ok {
		t.Error("it stays open")
	}
}

func TestTheBackoffGrowsToItsBoundAndVaries(t *testing.T) {
	c, clock := newCircuit()
	for range failuresToOpen {
		c.failNow(t)
	}
	seen := map[time.Duration]bool{}
	for turn := range 12 {
		wait, most := c.wait(), min(firstOpen<<turn, longestOpen)
		if wait <= most/2-time.Millisecond || wait > most {
			t.Errorf("turn %d: %s, not between half of %s and all of it", turn, wait, most)
		}
		seen[wait] = true
		clock.pass(wait)
		c.failNow(t)
	}
	if len(seen) < 8 {
		t.Errorf("only %d different waits", len(seen))
	}
	clock.pass(longestOpen)
	p, _ := c.admit()
	p.answered()
	for range failuresToOpen {
		c.failNow(t)
	}
	if c.wait() > firstOpen {
		t.Error("a success did not set the backoff back")
	}
}

func TestWhatWasAskedBeforeItOpenedChangesNothing(t *testing.T) {
	c, clock := newCircuit()
	early, _ := c.admit()
	late, _ := c.admit()
	for range failuresToOpen {
		c.failNow(t)
	}
	wait := c.wait()
	early.answered()
	late.failed(0)
	if c.wait() != wait {
		t.Error("an old request moved the time")
	}
	clock.pass(wait)
	probe, ok := c.admit()
	if !ok {
		t.Fatal("no probe")
	}
	late.refused(time.Minute)
	probe.failed(0)
	if c.wait() == 0 || c.wait() > 2*firstOpen {
		t.Error("the probe did not count, or an old refusal did")
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"Mon, 23 Nov 2026 10:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 09:00:00 GMT": 0,
		"99999999999999999999999":       0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %s", value, got)
		}
	}
}
