package chaos

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// patience bounds how long something may take that must come about. It is generous: other tests use the machine, too.
const patience = time.Minute

// workers is how many work at once.
const workers = 64

// workload is what the workers do, and what they found.
type workload struct {
	t       testing.TB
	servers []*authtest.Server // all on one store
	grace   time.Duration      // of used refresh tokens, as the servers were told
	token   string             // of the manager
	people  []person
	staff   []*worker

	faults   faults
	counts   counts
	findings findings
	stopped  atomic.Bool
	ended    sync.WaitGroup
}

// person is somebody who is signed in and has allowed the applications what they ask for.
type person struct{ cookies []*http.Cookie }

// newWorkload makes workers ready for servers that share one store and were started with options of this package. The grace is
// what options was given.
func newWorkload(t testing.TB, grace time.Duration, servers ...*authtest.Server) *workload {
	t.Helper()
	w := &workload{t: t, servers: servers, grace: grace}
	server := servers[0]
	server.Keep(managerSecret)
	app := &authtest.App{Server: server, ID: manager, Secret: managerSecret, Method: authtest.Basic}
	w.token = app.Machine(t, "scope", "admin").Access()
	for _, name := range authtest.Persons()[:8] {
		b := server.Browser(t)
		b.SignIn(name)
		for _, app := range []string{"web", "jwt"} {
			b.Tokens(server.App(app), name) // gives the consent
		}
		var p person
		for _, c := range b.Cookies {
			p.cookies = append(p.cookies, &http.Cookie{Name: c.Name, Value: c.Value})
		}
		w.people = append(w.people, p)
	}
	for i := range workers {
		w.staff = append(w.staff, &worker{workload: w, number: i, person: w.people[i%len(w.people)]})
	}
	return w
}

// run begins the work, which goes on until stop, or until ctx ends. The test waits for the workers at its end.
func (w *workload) run(ctx context.Context) {
	for _, worker := range w.staff {
		w.ended.Go(func() {
			for ctx.Err() == nil && !w.stopped.Load() {
				worker.work()
			}
		})
	}
	w.t.Cleanup(w.stop)
}

// stop lets every worker finish what it does.
func (w *workload) stop() {
	w.stopped.Store(true)
	w.ended.Wait()
}

// during waits until the work goes well, lets a fault happen, and waits until the work goes well again, by itself. What the
// fault excuses is excused from its begin until then. The fault runs in the goroutine of the caller.
func (w *workload) during(what string, excuse excuse, fault func()) {
	w.t.Helper()
	w.goesWell("before: " + what)
	f := w.faults.begin(what, excuse)
	fault()
	w.goesWell("after: " + what)
	w.faults.end(f)
}

// goesWell waits until requests of every kind were answered well, so many that most have begun after it was called.
func (w *workload) goesWell(when string) {
	w.t.Helper()
	from := w.counts.snapshot()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		now := w.counts.snapshot()
		missing := now.missing(from)
		if missing == "" && now.total() > from.total()+4*workers {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: within %v nothing went well of: %s; findings: %s", when, patience, missing, &w.findings)
		}
	}
}

// refusals waits, in the midst of a fault, until so many requests were refused for it.
func (w *workload) refusals(n int64) {
	w.t.Helper()
	from := w.counts.refused.Load()
	for deadline := time.Now().Add(patience); w.counts.refused.Load() < from+n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("only %d requests were refused within %v", w.counts.refused.Load()-from, patience)
		}
	}
}

// verify looks at everything that stands in the ledgers, once the workers have stopped, tries what was used up once more, and
// fails the test for what was found. It tells in numbers what was done.
func (w *workload) verify() {
	w.t.Helper()
	w.stop()
	var all sync.WaitGroup
	for _, worker := range w.staff {
		all.Go(worker.verify)
	}
	all.Wait()
	if n, of := w.counts.unexcused.Load(), w.counts.snapshot().total(); n > of/10 {
		w.findings.add("%d requests were refused while nothing was wrong, and %d were not", n, of)
	}
	w.t.Log(w.summary())
	for _, finding := range w.findings.all() {
		w.t.Error(finding)
	}
}

func (w *workload) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %d faults, %d refusals meanwhile (503), %d requests without an answer, %d refusals besides",
		w.counts.snapshot(), w.faults.count(), w.counts.refused.Load(), w.counts.unanswered.Load(), w.counts.unexcused.Load())
	fmt.Fprintf(&b, "; %d things looked at", w.counts.checked.Load())
	if open := w.counts.unknown.Load(); open > 0 {
		fmt.Fprintf(&b, ", %d of an unknown outcome at the end", open)
	}
	if lost := w.counts.lost.Load(); lost > 0 {
		fmt.Fprintf(&b, ", %d lost as they may be", lost)
	}
	return b.String()
}

// findings are what must not be. Of many alike the first tell enough.
type findings struct {
	mu    sync.Mutex
	found []string
	more  int
}

func (f *findings) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.found) >= 20 {
		f.more++
		return
	}
	f.found = append(f.found, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (f *findings) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.more == 0 {
		return f.found
	}
	return append(f.found[:len(f.found):len(f.found)], fmt.Sprintf("and %d findings more", f.more))
}

func (f *findings) String() string { return strings.Join(f.all(), "\n") }
