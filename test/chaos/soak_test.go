package chaos

import (
	"math/rand/v2"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

const (
	shortForm = 8 * time.Second  // of a test in `make test`
	progress  = 15 * time.Second // between two lines in `make soak`
)

// trouble lets faults happen, each once and then at random, until the time of the test is over or something was found.
func (w *workload) trouble(faults ...func()) {
	w.t.Helper()
	long := authtest.Soak(w.t)
	begin := time.Now()
	told := begin
	for n := 0; n < len(faults) || time.Since(begin) < max(long, shortForm); n++ {
		if n < len(faults) {
			faults[n]()
		} else {
			faults[rand.IntN(len(faults))]()
		}
		if len(w.findings.all()) > 0 {
			return
		}
		if long > 0 && time.Since(told) > progress {
			told = time.Now()
			w.t.Logf("%s, %v: %s", w.t.Name(), time.Since(begin).Round(time.Second), w.summary())
			w.settle()
		}
	}
}

// settle lets the servers forget what they have logged, once it is judged, as otherwise it would fill the memory.
func (w *workload) settle() {
	for _, s := range w.servers {
		for _, fault := range s.Settle() {
			w.findings.add("%s", fault)
		}
	}
}
