package bolt

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

// disk is the handle of a store, which can be made to fail below bbolt.
type disk struct {
	mu   sync.Mutex
	file *os.File
	kept int // another name for the handle, so that the lock stays
}

func (d *disk) open(name string, flag int, mode os.FileMode) (*os.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, err := os.OpenFile(name, flag, mode)
	d.file = f
	return f, err
}

// become puts another file behind the handle, opened with flag.
func (d *disk) become(t *testing.T, name string, flag int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	if d.kept, err = syscall.Dup(int(d.file.Fd())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(d.kept) })
	other, err := os.OpenFile(name, flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Dup3(int(other.Fd()), int(d.file.Fd()), 0); err != nil {
		t.Fatal(err)
	}
}

// After a failed write or sync nothing is acknowledged, nothing is read, and the file holds what was acknowledged.
func TestAFailingDiskStopsTheStore(t *testing.T) {
	null := func(string) (string, int) { return os.DevNull, os.O_RDWR } // takes every write, fails every sync
	for cause, broken := range map[error]func(path string) (string, int){
		syscall.EINVAL: null,
		syscall.EBADF:  func(path string) (string, int) { return path, os.O_RDONLY },
		syscall.ENOSPC: func(string) (string, int) { return "/dev/full", os.O_RDWR },
	} {
		t.Run(cause.Error(), func(t *testing.T) {
			var d disk
			path := sample(t, 1)
			s := open(t, path, Options{openFile: d.open, noSweep: true})
			// Room that was used before: a file that had to grow would be measured first, and fail for its size.
			if _, err := s.Create(t.Context(), store.Record{Kind: kind, ID: "room", Value: make([]byte, 1<<20)}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Take(t.Context(), kind, "room"); err != nil {
				t.Fatal(err)
			}
			var kept []string
			for i := range 50 {
				r := thing(i)
				if _, err := s.Create(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				kept = append(kept, r.ID)
			}
			to, flag := broken(path)
			d.become(t, to, flag)
			failing(t, s, cause)
			storetest.RunUnavailable(t, s)
			if err := s.Ping(t.Context()); !store.IsUnavailable(err) {
				t.Errorf("ping: %v", err)
			}
			_ = s.Close() // it cannot unlock another file
			_ = syscall.Flock(d.kept, syscall.LOCK_UN)
			again := open(t, path, Options{})
			for _, id := range kept {
				if _, err := again.Get(t.Context(), kind, id); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
}

// failing writes by many at once: all of them must hear of it.
func failing(t *testing.T, s *Store, cause error) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if _, err := s.Create(t.Context(), thing(i)); !store.IsUnavailable(err) || !errors.Is(err, cause) {
				t.Errorf("create: %v, want %v", err, cause)
			}
		})
	}
	wg.Wait()
}

// Someone cuts the file while it is mapped: reading what is gone would end the process.
func TestAFileCutWhileOpenIsAnError(t *testing.T) {
	path := sample(t, 500)
	s, err := Open(path, Options{noSweep: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := os.Truncate(path, 3*pageSize); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range 500 {
		if _, err := s.Get(t.Context(), kind, fmt.Sprintf("id-%06d", i)); store.IsUnavailable(err) {
			failed++
		}
	}
	if failed == 0 {
		t.Fatal("no read failed")
	}
	storetest.RunUnavailable(t, s)
}
