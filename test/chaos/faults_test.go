package chaos

import (
	"slices"
	"sync"
	"time"
)

// excuse says what a fault is an excuse for.
type excuse int

const (
	storeAway  excuse = 1 << iota // 503
	serverDead                    // no answer at all; while it starts, 503
	loses                         // what was acknowledged shortly before and meanwhile may be lost, as replication is asynchronous
	replaced                      // what is merely read may be undone: a master that was may still answer from what it alone has
)

// window is the time of a fault.
type window struct {
	what       string
	excuse     excuse
	begin, end time.Time // no end: it is under way
}

// faults are the faults of a workload.
type faults struct {
	mu      sync.Mutex
	windows []*window
}

const (
	// aftermath is how long after a fault some refusals may come: of connections that it broke, of requests that waited.
	aftermath = 5 * time.Second
	// unreplicated is how long before a fault a write may not have got to the replica.
	unreplicated = 2 * time.Second
)

func (f *faults) begin(what string, e excuse) *window {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &window{what: what, excuse: e, begin: time.Now()}
	f.windows = append(f.windows, w)
	return w
}

func (f *faults) end(w *window) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.end = time.Now()
}

func (f *faults) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.windows)
}

// excuses tells whether a fault excuses something that happened between two times.
func (f *faults) excuses(e excuse, from, to time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.windows {
		if w.excuse&e == 0 || to.Before(w.begin) {
			continue
		}
		if w.end.IsZero() || from.Before(w.end.Add(aftermath)) {
			return true
		}
	}
	return false
}

// mayLose tells whether a write that was acknowledged at that time may be lost.
func (f *faults) mayLose(acknowledged time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.windows {
		if w.excuse&loses != 0 && acknowledged.After(w.begin.Add(-unreplicated)) &&
			(w.end.IsZero() || acknowledged.Before(w.end)) {
			return true
		}
	}
	return false
}

// losing tells whether a fault may have lost anything so far.
func (f *faults) losing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.windows, func(w *window) bool { return w.excuse&loses != 0 })
}
