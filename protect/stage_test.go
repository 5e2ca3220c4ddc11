package protect

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	stageAudience = "https://orders.example.com"
	patience      = 10 * time.Second
)

// stage is an authorization server whose introspection endpoint and feed a test plays.
type stage struct {
	*httptest.Server
	mu               sync.Mutex
	introspect, feed http.HandlerFunc
	hidden           bool // the metadata does not name the feed
	log              *testLog
	clock            *testClock
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{log: new(testLog), clock: &testClock{now: time.Now()}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	introspect, feed, hidden := s.introspect, s.feed, s.hidden
	s.mu.Unlock()
	switch {
	case r.URL.Path == "/.well-known/oauth-authorization-server":
		document := map[string]string{"issuer": s.URL, "introspection_endpoint": s.URL + "/introspect"}
		if !hidden {
			document["revocation_feed_endpoint"] = s.URL + "/feed"
		}
		_ = json.NewEncoder(w).Encode(document)
	case r.URL.Path == "/introspect" && introspect != nil:
		introspect(w, r)
	case r.URL.Path == "/feed" && feed != nil:
		feed(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *stage) config() Config {
	return Config{
		Issuer: s.URL, Audience: stageAudience, ClientID: "orders", ClientSecret: "s3cret",
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: s.clock.Now,
	}
}

// discovery has read the metadata.
func (s *stage) discovery(t *testing.T, c *Config) *discovery {
	t.Helper()
	d := newDiscovery(c)
	if err := d.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type testLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count says how many lines have the words.
func (l *testLog) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.SplitSeq(l.text.String(), "\n") {
		if strings.Contains(line, words) {
			n++
		}
	}
	return n
}

func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// until waits for what other goroutines bring about.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// noneLeft checks that no goroutine of a feed or of an introspector is left.
func noneLeft(t *testing.T) {
	t.Helper()
	const here = "grantor/protect.(*"
	stacks := func() string {
		b := make([]byte, 1<<20)
		return string(b[:runtime.Stack(b, true)])
	}
	alive := func() int {
		n := 0
		for one := range strings.SplitSeq(stacks(), "\n\n") {
			if strings.Contains(one, here+"feed)") || strings.Contains(one, here+"introspector)") {
				n++
			}
		}
		return n
	}
	for end := time.Now().Add(patience); alive() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("goroutines are left:\n%s", stacks())
		}
	}
}
