package authtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// Whatever a server of a test tells about itself, no secret that any of the tests has seen may stand in it. While Main runs,
// every server sends its traces here and serves its metrics; at the end all of that, and all logs, are searched.

// watch is what the servers of a run have told.
type watch struct {
	mu        sync.Mutex
	collector *httptest.Server
	servers   []*Server
	traces    []string // bodies as they came: texts stand in protobuf as they are
	metrics   []string
}

// watched is the watch of this run; it takes nothing unless Main has begun it.
var watched = sync.OnceValue(func() *watch { return &watch{} })

func (w *watch) begin() {
	w.collector = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // it was cut off by a test that kills
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.traces = append(w.traces, string(body))
	}))
}

// variables has a server watched.
func (w *watch) variables() []string {
	if w.collector == nil {
		return nil
	}
	return []string{
		"GRANTOR_METRICS_LISTEN=127.0.0.1:0", "OTEL_EXPORTER_OTLP_ENDPOINT=" + w.collector.URL,
		"GRANTOR_TRACE_RATIO=0.1", // tests are slow enough; those that look for leaks ask for all
	}
}

func (w *watch) add(s *Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.collector != nil {
		w.servers = append(w.servers, s)
	}
}

// noteMetrics keeps what a server counts at its end.
func (w *watch) noteMetrics(s *Server) {
	if w.collector == nil || !s.running() {
		return
	}
	text, err := s.Metrics()
	if err != nil {
		return // tests choose other listeners, and end servers in every way
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.metrics = append(w.metrics, text)
}

// faults gives what should not have been told.
func (w *watch) faults() []string {
	for _, s := range w.servers {
		w.noteMetrics(s)
	}
	w.collector.Close()
	known := newNeedles()
	for _, s := range w.servers {
		s.secrets.mu.Lock()
		for secret := range s.secrets.all {
			known.add(secret)
		}
		s.secrets.mu.Unlock()
	}
	var faults []string
	search := func(what string, texts []string) {
		size := 0
		for _, text := range texts {
			size += len(text)
			if secret, at := known.in(text); secret != "" {
				faults = append(faults, fmt.Sprintf("the secret %q stands in %s: %q", secret, what, text[max(at-200, 0):min(at+200, len(text))]))
			}
		}
		fmt.Printf("authtest: %s: %d texts, %d bytes searched for %d secrets\n", what, len(texts), size, known.count)
	}
	var logs []string
	for _, s := range w.servers {
		logs = append(logs, s.Log())
	}
	search("a log", logs)
	search("the traces", w.traces)
	search("the metrics", w.metrics)
	return faults
}

// Metrics gives what the server counts, as Prometheus reads it.
func (s *Server) Metrics() (string, error) {
	address := s.MetricsAddr()
	if address == "" {
		return "", fmt.Errorf("it serves no metrics")
	}
	answer, err := http.Get("http://" + address + "/metrics") //nolint:gosec,noctx // a listener of our own
	if err != nil {
		return "", fmt.Errorf("read metrics: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("read metrics: %d, %w", answer.StatusCode, err)
	}
	return string(text), nil
}

// MetricsAddr gives where the server serves metrics in this life, "" where it does not.
func (s *Server) MetricsAddr() string {
	address := ""
	for _, line := range s.log.from(0) {
		var at struct{ Msg, Listen string }
		if strings.Contains(line, `"msg":"metrics"`) && json.Unmarshal([]byte(line), &at) == nil {
			address = at.Listen
		}
	}
	return address
}

// needles finds many texts in long ones. A text is looked up by its first bytes, of which a bitmap says at once that nearly
// every place begins none.
type needles struct {
	count  int
	first  map[[8]byte][]string
	begins []uint64 // a bit for each three bytes that a text begins with
}

func newNeedles() *needles {
	return &needles{first: map[[8]byte][]string{}, begins: make([]uint64, 1<<24/64)}
}

// add takes a text, and the forms in which it may stand in a query or in JSON.
func (n *needles) add(text string) {
	n.count++
	quoted, _ := json.Marshal(text) // a string always can be
	forms := map[string]bool{text: true, url.QueryEscape(text): true, strings.Trim(string(quoted), `"`): true}
	for form := range forms {
		key := [8]byte([]byte(form[:8])) // shorter ones are no secrets: see secrets.add
		n.first[key] = append(n.first[key], form)
		bit := threeBytes(form, 0)
		n.begins[bit/64] |= 1 << (bit % 64)
	}
}

// in gives one of the texts that stands in another, and where; "" where none does.
func (n *needles) in(text string) (found string, at int) {
	for i := 0; i+8 <= len(text); i++ {
		bit := threeBytes(text, i)
		if n.begins[bit/64]&(1<<(bit%64)) == 0 {
			continue
		}
		for _, form := range n.first[[8]byte([]byte(text[i:i+8]))] {
			if strings.HasPrefix(text[i:], form) {
				return form, i
			}
		}
	}
	return "", 0
}

func threeBytes(s string, i int) uint32 {
	return uint32(s[i])<<16 | uint32(s[i+1])<<8 | uint32(s[i+2])
}
