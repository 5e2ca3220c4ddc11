package redis

import (
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

// open opens a store until the test ends.
func open(t *testing.T, url string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// suite runs the suite of all backends against one Redis. It is about what is right and gives a busy machine time.
func suite(t *testing.T, url string, o Options) {
	t.Helper()
	t.Parallel() // with the other suites, after all tests that measure time
	s := open(t, with(url, "timeout=30s"), o)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("ping: %v", err)
	}
	storetest.Run(t, func(*testing.T) store.Backend { return s })
}

func TestSuiteOnOneNode(t *testing.T) {
	suite(t, redistest.Start(t), Options{})
}

func TestSuiteOnACluster(t *testing.T) {
	suite(t, redistest.StartCluster(t), Options{})
}

// with adds a parameter to a URL.
func with(url, parameter string) string {
	if strings.Contains(url, "?") {
		return url + "&" + parameter
	}
	return url + "?" + parameter
}
