package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// worker does one thing after the other and keeps a ledger of what was acknowledged. What stands in it nobody else touches, so
// that every answer can be judged.
type worker struct {
	*workload
	number int
	person person
	next   int // numbers the clients

	setbacks atomic.Int64 // requests that had no good answer and no refusal

	tokens   []*token // of machines
	families []*family
	clients  []*client
	freed    []string // names of clients that are gone
}

// How much a worker keeps at once. What is more gives way by being revoked or deleted; of what is over some stays to be looked at
// again.
const (
	mostTokens   = 24
	mostFamilies = 6
	mostClients  = 4
)

// work does one thing.
func (w *worker) work() {
	switch n := rand.IntN(100); {
	case n < 24:
		w.issue()
	case n < 35:
		w.inspectAny()
	case n < 50:
		w.startFamily()
	case n < 75:
		w.goOn()
	case n < 82:
		w.revokeAny()
	default:
		w.manage()
	}
}

// provisional tells whether what is merely read at this moment may be undone, so that the ledger does not learn from it.
func (w *worker) provisional() bool {
	now := time.Now()
	return w.faults.excuses(replaced, now, now)
}

// verdict says what became of a request.
type verdict int

const (
	unknown   verdict = iota // no answer, or 503: it may have been done, or be done yet
	unsent                   // nobody took it
	good                     // acknowledged
	refusedIt                // refused, with a reason
)

// longestAnswer is how long an answer may take, whatever the store does. It is generous, as patience is.
const longestAnswer = 15 * time.Second

// ask sends a request and judges the answer, so far as that needs no ledger: statuses that nothing excuses are findings.
func (w *worker) ask(k kind, server *authtest.Server, request *http.Request, err error) (*authtest.Answer, verdict) {
	began := time.Now()
	var answer *authtest.Answer
	if err == nil {
		answer, err = server.Try(request)
	}
	if err != nil {
		return nil, w.noAnswer(k, began, err)
	}
	if took := time.Since(began); took > longestAnswer {
		w.find(answer, "%s was answered after %v", k, took)
	}
	switch {
	case answer.Status < 400:
		w.counts.good[k].Add(1)
		return answer, good
	case answer.Status == http.StatusServiceUnavailable:
		w.refused(k, began, answer)
		return answer, unknown
	case answer.Status >= 500 || answer.Status == http.StatusTooManyRequests:
		w.find(answer, "%s was answered so", k)
		return answer, unknown
	}
	return answer, refusedIt
}

func (w *worker) noAnswer(k kind, began time.Time, err error) verdict {
	w.counts.unanswered.Add(1)
	w.setbacks.Add(1)
	if !w.faults.excuses(serverDead, began, time.Now()) {
		w.findings.add("%s had no answer, and no server was dead: %v", k, err)
	}
	pause()
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" {
		return unsent
	}
	return unknown
}

func (w *worker) refused(k kind, began time.Time, answer *authtest.Answer) {
	w.setbacks.Add(1)
	if answer.Header.Get("Retry-After") == "" || answer.Access() != "" {
		w.find(answer, "%s: 503 says when to come again, and nothing else", k)
	}
	if w.faults.excuses(storeAway|serverDead, began, time.Now()) {
		w.counts.refused.Add(1)
	} else {
		w.counts.unexcused.Add(1)
	}
	pause()
}

// pause is what a client does before it tries again.
func pause() { time.Sleep(time.Duration(10+rand.IntN(40)) * time.Millisecond) }

// find notes what must not be, with the answer that shows it.
func (w *worker) find(answer *authtest.Answer, format string, args ...any) {
	args = append(args, answer, answer.Header.Get("X-Request-Id"))
	w.findings.add(format+": %.500s (request %s)", args...)
}

// server gives one of the servers.
func (w *worker) server() *authtest.Server { return w.servers[rand.IntN(len(w.servers))] }

// post sends a form of an application.
func (w *worker) post(k kind, app *authtest.App, path string, form url.Values) (*authtest.Answer, verdict) {
	request, err := app.Request(path, form)
	return w.ask(k, app.Server, request, err)
}

// rest asks the REST API.
func (w *worker) rest(k kind, server *authtest.Server, method, path, body string) (*authtest.Answer, verdict) {
	request, err := http.NewRequestWithContext(context.Background(), method, server.URL("/admin/api/v1"+path), reader(body))
	if err == nil {
		request.Header.Set("Authorization", "Bearer "+w.token)
		request.Header.Set("Content-Type", "application/merge-patch+json")
		if method == http.MethodPut {
			request.Header.Set("Content-Type", "application/json")
		}
	}
	return w.ask(k, server, request, err)
}

// tally is what became of requests that were sent at once.
type tally struct {
	good             []*authtest.Answer
	refused, unknown int
}

// compete sends one form of an application n times at once, to any of the servers.
func (w *worker) compete(k kind, n int, app *authtest.App, form url.Values) tally {
	var (
		t   tally
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for range n {
		all.Go(func() {
			answer, v := w.post(k, app.On(w.server()), authtest.TokenPath, form)
			mu.Lock()
			defer mu.Unlock()
			switch v {
			case good:
				t.good = append(t.good, answer)
			case unknown:
				t.unknown++
			case refusedIt:
				t.refused++
				w.wantGrantRefused(k, answer)
			}
		})
	}
	all.Wait()
	return t
}

func (w *worker) wantGrantRefused(k kind, answer *authtest.Answer) {
	if answer.Status != http.StatusBadRequest || answer.Fault() != "invalid_grant" {
		w.find(answer, "%s may be refused with invalid_grant only", k)
	}
}

// any gives one of several, and where it stands.
func anyOf[T any](all []T) (T, int) {
	i := rand.IntN(len(all))
	return all[i], i
}

// without gives a list without one of its elements; the order does not matter.
func without[T any](all []T, i int) []T {
	all[i] = all[len(all)-1]
	return all[:len(all)-1]
}
