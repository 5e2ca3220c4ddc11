package bolt

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

var kind = store.Kind{Name: "thing", Spread: true}

func open(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "grantor.db") }

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Backend { return open(t, fresh(t), Options{}) })
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func thing(n int) store.Record {
	return store.Record{Kind: kind, ID: newID(), Value: fmt.Appendf(nil, "%d", n), Tags: []string{fmt.Sprintf("owner:%d", n%1000)}}
}
