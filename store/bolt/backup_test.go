package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/store"
)

// Each writer writes a, then b. A copy of one moment never has b without a.
func TestABackupDuringWritesIsOfOneMoment(t *testing.T) {
	s := open(t, fresh(t), Options{})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				for _, half := range []string{"a", "b"} {
					r := store.Record{Kind: kind, ID: fmt.Sprintf("%s-%d-%06d", half, w, i), Tags: []string{half}}
					if _, err := s.Create(context.Background(), r); err != nil {
						t.Errorf("create: %v", err)
						return
					}
				}
			}
		})
	}
	for round := range 5 {
		path := filepath.Join(t.TempDir(), "copy.db")
		eventually(t, "they write", func() bool { return s.progress.durable.Load() > int64(20*(round+1)) })
		var b bytes.Buffer
		if err := s.Backup(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		inOrder(t, path)
	}
	stop()
	wg.Wait()
}

func inOrder(t *testing.T, path string) {
	t.Helper()
	s := open(t, path, Options{})
	n := 0
	for cursor := ""; ; {
		page, next, err := s.List(t.Context(), kind, "b", cursor, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			n++
			if _, err := s.Get(t.Context(), kind, "a"+r.ID[1:]); err != nil {
				t.Fatalf("%s without its a: %v", r.ID, err)
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	if n == 0 {
		t.Fatal("the copy is empty")
	}
}

type brokenWriter struct{ panics bool }

func (w brokenWriter) Write([]byte) (int, error) {
	if w.panics {
		panic("gone")
	}
	return 0, errors.New("gone")
}

func TestABackupThatCannotBeWrittenLeavesTheStoreAlone(t *testing.T) {
	s := open(t, sample(t, 10), Options{})
	for _, w := range []brokenWriter{{false}, {true}} {
		if err := s.Backup(t.Context(), w); err == nil || !store.IsUnavailable(err) {
			t.Errorf("error is %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if _, err := s.Create(t.Context(), thing(1)); err != nil {
		t.Fatal(err)
	}
}
