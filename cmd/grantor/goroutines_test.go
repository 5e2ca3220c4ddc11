package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
)

// These tests run the whole program within this process, and alone: what goroutines there are afterwards, it left.

const (
	aKey       = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	anotherKey = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

// goroutines are those that run, by number.
func goroutines() map[string]string {
	all := make([]byte, 4<<20)
	all = all[:runtime.Stack(all, true)]
	found := map[string]string{}
	for one := range strings.SplitSeq(string(all), "\n\n") {
		number, _, _ := strings.Cut(one, " [")
		found[number] = one
	}
	return found
}

// wantNoneBeside waits until no goroutine runs that did not run before.
func wantNoneBeside(t *testing.T, before map[string]string) {
	t.Helper()
	var left []string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		left = left[:0]
		for number, stack := range goroutines() {
			if _, old := before[number]; !old && !strings.Contains(stack, "os/signal.loop") { // of the runtime, once for ever
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("%d goroutines outlive the server:\n\n%s", len(left), strings.Join(left, "\n\n"))
}

// output is what a program says, readable while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// field gives a field of the first line of a log that says something.
func (o *output) field(msg, name string) string {
	for line := range strings.SplitSeq(o.String(), "\n") {
		var said map[string]any
		if json.Unmarshal([]byte(line), &said) == nil && said["msg"] == msg {
			text, _ := said[name].(string)
			return text
		}
	}
	return ""
}

// inside is a program that runs within this process.
type inside struct {
	log   output
	end   context.CancelFunc
	ended chan error
}

func runInside(t *testing.T, key string, args ...string) *inside {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	p := &inside{end: end, ended: make(chan error, 1)}
	environ := []string{"GRANTOR_MASTER_KEY=" + key, "GRANTOR_PASSWORD_MEMORY=64", "GRANTOR_PASSWORD_TIME=1"}
	go func() {
		p.ended <- run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), environ, strings.NewReader(""), io.Discard, &p.log)
	}()
	return p
}

func (p *inside) await(t *testing.T, msg, name string) string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if found := p.log.field(msg, name); found != "" {
			return found
		}
	}
	t.Fatalf("it never says %q:\n%s", msg, &p.log)
	return ""
}

func TestNoGoroutineOutlivesTheServer(t *testing.T) {
	redis := redistest.Start(t)
	for name, store := range map[string]string{"memory": "memory:", "bolt": "bolt:" + filepath.Join(t.TempDir(), "grantor.db"), "Redis": redis} {
		t.Run(name, func(t *testing.T) {
			before := goroutines()
			collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // nobody looks at it
			}))
			p := runInside(t, aKey, "--store", store, "--seed", "../../examples/demo-seed.yaml", "--metrics-listen", "127.0.0.1:0", "--otlp-endpoint", collector.URL, "--trace-ratio", "1")
			address := "http://" + p.await(t, "ready", "listen")
			client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
			useAll(t, client, address, "http://"+p.await(t, "metrics", "listen"))
			feed := subscribe(t, client, address)
			p.end() // with connections that are kept, and a subscriber
			if err := <-p.ended; err != nil {
				t.Errorf("it ended with %v", err)
			}
			_, _ = io.Copy(io.Discard, feed) // it ends when the server does
			_ = feed.Close()
			client.CloseIdleConnections()
			collector.Close()
			wantNoneBeside(t, before)
		})
	}
}

// useAll asks for something of every part that has work to do.
func useAll(t *testing.T, client *http.Client, address, metrics string) {
	t.Helper()
	wants := func(status int, answer *http.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != status {
			t.Errorf("%s: %s, %v", answer.Request.URL, answer.Status, err)
		}
	}
	for secret, status := range map[string]int{"grantor-demo-machine-secret": http.StatusOK, "wrong": http.StatusUnauthorized} {
		form := url.Values{"grant_type": {"client_credentials"}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/oauth2/token", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("demo-machine", secret)
		answer, err := client.Do(r)
		wants(status, answer, err)
	}
	for path, status := range map[string]int{
		address + "/login": 200, address + "/oauth2/authorize": 400, address + "/admin/api/v1/openapi.json": 200, metrics + "/metrics": 200,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		wants(status, answer, err)
	}
}

func subscribe(t *testing.T, client *http.Client, address string) io.ReadCloser {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/oauth2/revocations", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("demo-api", "grantor-demo-api-secret")
	answer, err := client.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	return answer.Body
}

func TestNoGoroutineOutlivesAStartThatFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	other := filepath.Join(t.TempDir(), "grantor.db")
	made := runInside(t, aKey, "--store", "bolt:"+other)
	made.await(t, "ready", "listen")
	made.end()
	if err := <-made.ended; err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"the port is taken":                {"--store", "memory:", "--listen", taken.Addr().String()},
		"the port of the metrics is taken": {"--store", "memory:", "--metrics-listen", taken.Addr().String(), "--otlp-endpoint", "http://127.0.0.1:1"},
		"the store is no file":             {"--store", "bolt:" + t.TempDir(), "--metrics-listen", "127.0.0.1:0"},
		"the master key is another":        {"--store", "bolt:" + other, "--metrics-listen", "127.0.0.1:0"},
		"the seed is no seed":              {"--store", "memory:", "--seed", "goroutines_test.go"},
	} {
		t.Run(name, func(t *testing.T) {
			before := goroutines()
			key := aKey
			if strings.Contains(name, "master key") {
				key = anotherKey
			}
			p := runInside(t, key, args...)
			if err := <-p.ended; err == nil {
				t.Error("it started")
			}
			wantNoneBeside(t, before)
		})
	}
}
