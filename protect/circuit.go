package protect

import (
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	failuresToOpen  = 5                      // in a row
	firstOpen       = 500 * time.Millisecond // doubles with each probe that fails
	longestOpen     = 10 * time.Second
	longestObedient = time.Minute // of a Retry-After
)

// circuit keeps requests from a server that does not answer: after some failures in a row nobody asks for a while, and then
// one request goes first. It fails closed: who is kept from asking must refuse.
type circuit struct {
	now func() time.Time

	mu       sync.Mutex
	failures int
	turns    int       // how often it opened without a success between
	until    time.Time // zero: closed
	probing  bool
}

// permit is the right to ask once. It must be given back by exactly one of its methods.
type permit struct {
	circuit *circuit
	probe   bool
}

// admit gives a permit, or not while the circuit is open.
func (c *circuit) admit() (permit, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.until.IsZero():
		return permit{circuit: c}, true
	case c.probing || c.now().Before(c.until):
		return permit{}, false
	}
	c.probing = true
	return permit{circuit: c, probe: true}, true
}

// answered: the server is there, whatever it said.
func (p permit) answered() {
	c := p.circuit
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.probe && !c.until.IsZero() {
		return // asked before it opened: only the probe tells how things are now
	}
	c.failures, c.turns, c.until, c.probing = 0, 0, time.Time{}, false
}

// failed: no answer, or that of a server in trouble. atLeast is what the server asked for with Retry-After.
func (p permit) failed(atLeast time.Duration) {
	c := p.circuit
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.probe && !c.until.IsZero() {
		return
	}
	c.failures++
	if p.probe || c.failures >= failuresToOpen {
		c.open(atLeast)
	}
}

// refused: the server told this client to stay away, which needs no second failure.
func (p permit) refused(atLeast time.Duration) {
	c := p.circuit
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.probe || c.until.IsZero() {
		c.open(atLeast)
	}
}

func (c *circuit) open(atLeast time.Duration) {
	pause := jitter(doubled(firstOpen, c.turns, longestOpen))
	c.until = c.now().Add(max(pause, min(atLeast, longestObedient)))
	c.turns++
	c.probing = false
}

// doubled gives first, doubled turns times, but at most longest.
func doubled(first time.Duration, turns int, longest time.Duration) time.Duration {
	for range turns {
		if first >= longest {
			break
		}
		first *= 2
	}
	return min(first, longest)
}

// jitter gives between half of d and d, so that many do not come back at the same time.
func jitter(d time.Duration) time.Duration {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	half := uint64(max(d, 2) / 2)
	return d - time.Duration(binary.BigEndian.Uint64(random[:])%half) //nolint:gosec // below half of d
}

// retryAfter reads the header (RFC 9110 section 10.2.3), 0 where there is none that can be read.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
