package redis

import (
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

// suite runs the suite of all backends against one Redis.
func suite(t *testing.T, url string, o Options) {
	t.Helper()
	s := open(t, url, o)
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
