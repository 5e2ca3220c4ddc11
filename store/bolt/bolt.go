// Package bolt is the embedded backend: one file, one process, no server, on go.etcd.io/bbolt.
//
// All writes pass through one goroutine that commits what waits together (group commit): a verb that writes returns
// after its transaction is on the disk, and never before. A write or sync that fails stops the store for good, because
// after a failed sync nobody knows what the disk holds; opening the file again shows it. The package does not share the
// file between processes, does not shrink it, and does not copy it to other machines; see Backup.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/grantor-dev/grantor/store"
)

// What Open answers besides success and plain file errors.
var (
	// ErrLocked means that another process has the file open.
	ErrLocked = errors.New("the store is locked")
	// ErrDamaged means that the file is not a whole store. It was not changed.
	ErrDamaged = errors.New("the store file is damaged")
	// ErrFormat means that the file belongs to another program or to a newer version of this one. It was not changed.
	ErrFormat = errors.New("the store file has an unknown format")
)

var (
	errClosed   = errors.New("the store is closed")
	errReadOnly = errors.New("the store is open for reading only")
)

// Options adjust Open. The zero value is right for a server.
type Options struct {
	Now      func() time.Time // decides what has expired; nil is time.Now
	ReadOnly bool             // for inspection: the file must exist, and every write is refused
	Warn     func(string)     // hears about weaknesses that do not stop the store; nil drops them

	openFile func(string, int, os.FileMode) (*os.File, error) // for tests that break the disk
	noSweep  bool                                             // for tests that sweep by hand
}

// Store is a store.Backend in one file. It is made by Open.
type Store struct {
	db   *bbolt.DB
	path string
	now  func() time.Time

	queue   chan *op
	closing chan struct{} // closed when Close begins
	stopped chan struct{} // closed when the committer has ended
	workers sync.WaitGroup
	close   sync.Once
	closed  error

	readOnly bool
	failure  atomic.Pointer[error]
	progress progress
}

var _ store.Backend = (*Store)(nil)

// Open opens the store at path, or creates it. A file that is not a whole store is refused with ErrDamaged or ErrFormat,
// one that another process has open with ErrLocked.
func Open(path string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.openFile == nil {
		o.openFile = os.OpenFile
	}
	db, committed, err := openDB(path, o)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s := &Store{
		db: db, path: path, now: o.Now, readOnly: o.ReadOnly,
		queue:   make(chan *op, queueLength),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	s.progress.begin(committed)
	s.start(o)
	return s, nil
}

func (s *Store) start(o Options) {
	if s.readOnly {
		close(s.stopped)
		return
	}
	s.workers.Go(s.commitLoop)
	if !o.noSweep {
		s.workers.Go(s.sweepLoop)
	}
}

// Close waits for the transaction under way, ends the goroutines and releases the file. Writes that were still waiting
// are not done and say so.
func (s *Store) Close() error {
	s.close.Do(func() {
		close(s.closing)
		s.workers.Wait()
		if err := s.db.Close(); err != nil {
			s.closed = fmt.Errorf("close store %s: %w", s.path, err)
		}
	})
	return s.closed
}

// Ping reports whether the store answers: it waits for its turn behind the writes under way, so that a disk that hangs
// is seen.
func (s *Store) Ping(ctx context.Context) error {
	if s.readOnly {
		return s.view(ctx, "ping", "", func(*bbolt.Tx) error { return nil })
	}
	return s.write(ctx, "ping", "", 0, func(*batch) error { return nil })
}

// usable reports why no verb can be answered, nil if one can.
func (s *Store) usable(ctx context.Context) error {
	if failure := s.failure.Load(); failure != nil {
		return *failure
	}
	select {
	case <-s.closing:
		return errClosed
	default:
		return ctx.Err()
	}
}

// fail stops the store until it is opened again.
func (s *Store) fail(cause error) {
	err := fmt.Errorf("the store has stopped until it is opened again: %w", cause)
	s.failure.CompareAndSwap(nil, &err)
	s.progress.wake()
}

func unavailable(verb, kind string, err error) error {
	if kind != "" {
		verb += " " + kind
	}
	return &store.UnavailableError{Op: verb, Err: err}
}
