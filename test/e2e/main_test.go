// Package e2e drives the whole program from outside, as client libraries, applications, people and attackers do. A file is a
// section of docs/security.md; most of its tests share one server, since nothing that one user or client does may change
// what another sees.
package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// atOnce is how many tests run at once, however few cores there are: much of what they do is to wait.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Println(err)
	}
	code := authtest.Main(m)
	for _, s := range common.all {
		for _, fault := range s.Close() {
			fmt.Println("shared server:", fault)
			code = 1
		}
	}
	os.Exit(code)
}

// common are the servers that tests share.
var common struct {
	mu  sync.Mutex
	all map[string]*authtest.Server
}

// shared gives a server over the memory store that all tests use. Logins from this machine are not slowed by address.
func shared(t testing.TB) *authtest.Server {
	t.Helper()
	return sharedAs(t, "memory", authtest.Options{Args: []string{"--limit-exempt", "127.0.0.0/8"}})
}

// sharedAs gives the shared server of that name, and starts it for the first who asks.
func sharedAs(t testing.TB, name string, o authtest.Options) *authtest.Server {
	t.Helper()
	common.mu.Lock()
	defer common.mu.Unlock()
	if s := common.all[name]; s != nil {
		return s
	}
	s, err := authtest.Run(o)
	if err != nil {
		t.Fatalf("start the shared server %s: %v", name, err)
	}
	if common.all == nil {
		common.all = map[string]*authtest.Server{}
	}
	common.all[name] = s
	return s
}

// stores are the places where everything must work alike.
var stores = map[string]func(t *testing.T) string{
	"memory":        func(*testing.T) string { return "" },
	"bolt":          func(*testing.T) string { return authtest.Bolt },
	"redis":         func(t *testing.T) string { return redistest.Start(t) },
	"redis cluster": func(t *testing.T) string { return redistest.StartCluster(t) },
}

// eventually waits for something that another process brings about.
func eventually(t testing.TB, within time.Duration, what string, happens func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		if happens() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// wantPage fails the test unless a page of our own refuses, and leads nowhere.
func wantPage(t testing.TB, p *authtest.Page, statuses ...int) {
	t.Helper()
	if p.Location != nil {
		t.Fatalf("it leads away: %s", p)
	}
	if len(statuses) == 0 {
		statuses = []int{http.StatusBadRequest}
	}
	for _, s := range statuses {
		if p.Status == s {
			if !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
				t.Errorf("it is no page: %s", p.Header.Get("Content-Type"))
			}
			return
		}
	}
	t.Errorf("not %v: %s", statuses, p)
}

// wantRefusal fails the test unless the application is told this error, with its state and our issuer.
func wantRefusal(t testing.TB, p *authtest.Page, asked *authtest.Asked, codes ...string) {
	t.Helper()
	back := p.Callback()
	if back.Has("code") {
		t.Fatalf("it got a code: %s", p)
	}
	if !p.Left() || !strings.HasPrefix(p.Location.String(), asked.App.Redirect) {
		t.Fatalf("the application is told nothing: %s", p)
	}
	if back.Get("iss") != asked.App.Server.Issuer {
		t.Errorf("iss is %q", back.Get("iss"))
	}
	if asked.Params.Has("state") && back.Get("state") != asked.Params.Get("state") {
		t.Errorf("state is %q", back.Get("state"))
	}
	for _, code := range codes {
		if back.Get("error") == code {
			return
		}
	}
	t.Errorf("error is %q, not %v", back.Get("error"), codes)
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatalf("parse %q: %v", s, err)
	}
	return u
}

// filesBelow reads everything in a folder.
func filesBelow(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatalf("read %s: %v", dir, err)
	}
	return all
}
