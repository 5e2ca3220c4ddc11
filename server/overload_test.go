package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/server"
)

// overload sends token requests over so many connections for a while, and tells how many others were served during each that was.
func (s *site) overload(address string, connections int, d time.Duration) (served []int, shed int) {
	s.t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var mu sync.Mutex
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for range connections {
		all.Go(func() {
			for time.Now().Before(end) {
				mu.Lock()
				before := len(served)
				mu.Unlock()
				status, err := s.tokenOver(client, address)
				mu.Lock()
				switch {
				case err != nil:
					s.t.Errorf("no answer: %v", err)
				case status == http.StatusOK:
					served = append(served, len(served)-before)
				case status == http.StatusServiceUnavailable:
					shed++
				default:
					s.t.Errorf("status %d", status)
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	slices.Sort(served)
	return served, shed
}

func (s *site) tokenOver(client *http.Client, address string) (status int, err error) {
	r, err := http.NewRequest(http.MethodPost, address+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("web", s.secrets["web"])
	w, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, w.Body)
	_ = w.Body.Close() // it was only read
	return w.StatusCode, err
}

func TestOverloadIsShedAndLeavesNothingBehind(t *testing.T) {
	lane := limit.NewLane(4, 12)
	// A log that the test holds in memory would be what is left behind.
	s := newSite(t, options{change: func(c *server.Config) { c.TokenLane, c.Log = lane, slog.New(slog.DiscardHandler) }})
	listener := httptest.NewServer(s.handler)
	defer listener.Close()
	s.store.delay.Store(int64(10 * time.Millisecond)) // 400 tokens a second at most
	idle := runtime.NumGoroutine()
	used := heapInUse()
	served, shed := s.overload(listener.URL, 160, 2*time.Second) // ten times what can be worked on or wait
	if len(served) == 0 || shed == 0 {
		t.Fatalf("%d served, %d shed", len(served), shed)
	}
	// How long a request takes is also the work of 160 callers and of other tests on this machine. How many are served before it
	// is not: those that are worked on or wait, and some whose turn the machine brings earlier.
	typical, late := served[len(served)/2], served[len(served)*95/100]
	t.Logf("%d served, half of them after %d others or fewer, nearly all after %d; %d shed", len(served), typical, late, shed)
	if typical > 32 || late > 48 {
		t.Errorf("half of them wait for more than %d others, a twentieth for more than %d", typical, late)
	}
	if got := lane.State(); got.Running != 0 || got.Waiting != 0 {
		t.Errorf("after it: %+v", got)
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > idle+5 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > idle+5 {
		t.Errorf("%d goroutines, %d before", now, idle)
	}
	if now := heapInUse(); now > used+16<<20 {
		t.Errorf("%d MiB more are in use", (now-used)>>20)
	}
	s.store.delay.Store(0)
	if _, shed := s.overload(listener.URL, 8, 200*time.Millisecond); shed > 0 {
		t.Errorf("%d are shed after it", shed)
	}
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A body that comes slowly must not take a turn from those that are there.
func TestWhoeverSendsSlowlyKeepsNobodyOut(t *testing.T) {
	tokens, people := limit.NewLane(1, 0), limit.NewLane(1, 0)
	s := newSite(t, options{change: func(c *server.Config) { c.TokenLane, c.PageLane = tokens, people }})
	listener := httptest.NewServer(s.handler)
	defer listener.Close()
	var reading atomic.Int64
	var all sync.WaitGroup
	halted := make(chan struct{})
	for _, path := range []string{"/oauth2/token", "/login"} {
		read, write := io.Pipe()
		all.Go(func() {
			r, err := http.NewRequest(http.MethodPost, listener.URL+path, read)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = w.Body.Close()
		})
		all.Go(func() {
			_, _ = io.WriteString(write, "grant_type=") // the answer tells what went wrong
			reading.Add(1)
			<-halted
			_ = write.Close()
		})
	}
	for reading.Load() < 2 {
		runtime.Gosched()
	}
	s.machine("web")
	s.get("/login").wantStatus(http.StatusOK)
	close(halted)
	all.Wait()
}
