package deploy

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// load is what people of a company would send all the time: what changes something, and what does not.
type load struct {
	t       *testing.T
	url     string // of whom answers
	client  func() *http.Client
	machine *authtest.App
	end     atomic.Bool
	working sync.WaitGroup

	mu      sync.Mutex
	sent    int
	slowest time.Duration
	refused int            // connections, so that nothing was sent
	lost    map[string]int // how often, by what was seen instead of an answer
}

// begin sends requests from as many connections as there are workers. Now and then a worker rests, so that at times many
// connections of the proxy are busy and at times few.
func (l *load) begin(workers int) {
	l.lost = map[string]int{}
	for range workers {
		l.working.Go(func() {
			client := l.client()
			for !l.end.Load() {
				for range 1 + rand.IntN(200) {
					l.send(client)
				}
				time.Sleep(rand.N(20 * time.Millisecond))
			}
		})
	}
}

func (l *load) send(client *http.Client) {
	r := authtest.NewRequest(l.t, http.MethodGet, l.url+authtest.JWKSPath, nil)
	if rand.IntN(4) > 0 {
		r = authtest.NewRequest(l.t, http.MethodPost, l.url+authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
		r.SetBasicAuth(l.machine.ID, l.machine.Secret)
	}
	began := time.Now()
	err := ask(client, r)
	took := time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	l.slowest = max(l.slowest, took)
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		l.refused++
	} else if err != nil {
		l.lost[r.Method+" "+err.Error()]++
	}
}

func ask(client *http.Client, r *http.Request) error {
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// finish ends the load and fails the test for every request that was not answered.
func (l *load) finish() {
	l.end.Store(true)
	l.working.Wait()
	l.t.Logf("%d requests, the slowest in %v; %d connections refused", l.sent, l.slowest, l.refused)
	for _, seen := range slices.Sorted(maps.Keys(l.lost)) {
		l.t.Errorf("lost %d times: %s", l.lost[seen], seen)
	}
}

func TestARollingRestartLosesNoRequest(t *testing.T) {
	t.Parallel()
	one := authtest.Start(t, authtest.Options{Store: redistest.Start(t), Args: []string{"--trusted-proxy", "127.0.0.1/32"}})
	two := one.Node(t)
	l := &load{t: t, url: "http://" + startNginx(t, one, two), machine: one.App("machine"), client: func() *http.Client { return through(t, "127.0.0.1") }}
	l.begin(16)
	for end := time.Now().Add(authtest.Soak(t)); ; { // each node once at least
		for _, node := range []*authtest.Server{one, two} {
			stop(t, node)
			startAgain(t, node)
		}
		if time.Now().After(end) {
			break
		}
	}
	l.finish()
	if l.refused > 0 {
		t.Errorf("nginx refused %d connections", l.refused)
	}
}

func stop(t *testing.T, node *authtest.Server) {
	t.Helper()
	if err := node.Stop(); err != nil {
		t.Fatal(err)
	}
}

// startAgain waits until requests come to the node once more.
func startAgain(t *testing.T, node *authtest.Server) {
	t.Helper()
	if err := node.Restart(); err != nil {
		t.Fatal(err)
	}
	before := len(node.Log())
	until(t, "the node is asked again", func() bool { return len(node.Log()) > before })
}

// Who asks a node directly, and comes too late, is told so before he has sent anything. So he can ask again whatever it was.
func TestAServerThatStopsAnswersWhateverWasSentToIt(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere the port is closed on those who are at the door")
	}
	for name, tls := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := authtest.Start(t, authtest.Options{TLS: tls})
			l := &load{t: t, url: s.Origin(), machine: s.App("machine"), client: s.Client}
			l.begin(8)
			for range 3 {
				stop(t, s)
				startAgain(t, s)
			}
			l.finish()
		})
	}
}
