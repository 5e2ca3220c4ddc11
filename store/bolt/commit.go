package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// Bounds of one transaction. They keep its memory small and the wait of those behind it short.
const (
	queueLength = 1024
	batchOps    = 1024
	batchBytes  = 8 << 20
)

// op is one write that waits for the committer. run does it within the batch; the error that run returns is the answer
// of this op alone, provided that the batch gets to the disk.
type op struct {
	run   func(*batch) error
	size  int
	state atomic.Int32
	err   error // read after done
	done  chan struct{}
}

const (
	opWaiting int32 = iota
	opTaken
	opAbandoned
)

var errNothingWritten = errors.New("nothing written")

// write hands an op to the committer and waits for its outcome. If ctx ends while the op waits, it is not done; if ctx
// ends later, nobody knows.
func (s *Store) write(ctx context.Context, verb, kind string, size int, run func(*batch) error) error {
	if s.readOnly {
		return unavailable(verb, kind, errReadOnly)
	}
	if err := s.usable(ctx); err != nil {
		return unavailable(verb, kind, err)
	}
	o := &op{run: run, size: size, done: make(chan struct{})}
	select {
	case s.queue <- o:
	case <-ctx.Done():
		return unavailable(verb, kind, ctx.Err())
	case <-s.closing:
		return unavailable(verb, kind, errClosed)
	}
	if err := s.await(ctx, o); err != nil {
		return unavailable(verb, kind, err)
	}
	var broken *brokenError
	if errors.As(o.err, &broken) {
		return unavailable(verb, kind, broken.cause)
	}
	return o.err
}

// await returns nil when o.err holds the outcome.
func (s *Store) await(ctx context.Context, o *op) error {
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		if o.state.CompareAndSwap(opWaiting, opAbandoned) {
			return ctx.Err()
		}
		return fmt.Errorf("the outcome is unknown: %w", ctx.Err())
	case <-s.stopped:
	}
	select {
	case <-o.done:
		return nil
	default:
		return errClosed
	}
}

// brokenError is the outcome of an op whose batch did not get to the disk.
type brokenError struct{ cause error }

func (e *brokenError) Error() string { return e.cause.Error() }

func (o *op) answer(err error) {
	o.err = err
	close(o.done)
}

// commitLoop is the committer: it alone writes. While it waits for the disk, the next batch gathers in the queue.
func (s *Store) commitLoop() {
	defer close(s.stopped)
	debug.SetPanicOnFault(true) // a page that cannot be read is an error like any other
	for {
		select {
		case <-s.closing:
			s.refuseQueued()
			return
		case first := <-s.queue:
			s.commit(s.gather(first))
		}
	}
}

func (s *Store) refuseQueued() {
	for {
		select {
		case o := <-s.queue:
			o.answer(&brokenError{errClosed})
		default:
			return
		}
	}
}

// gather takes what waits. It steps aside once for the writers that the last batch has just woken: without that they
// would meet in every second batch only.
func (s *Store) gather(first *op) []*op {
	ops := make([]*op, 0, 64)
	size := 0
	take := func(o *op) {
		if o.state.CompareAndSwap(opWaiting, opTaken) {
			ops = append(ops, o)
			size += o.size
		}
	}
	take(first)
	for stepped := false; len(ops) < batchOps && size < batchBytes; {
		select {
		case o := <-s.queue:
			take(o)
			stepped = false
		default:
			if stepped {
				return ops
			}
			runtime.Gosched()
			stepped = true
		}
	}
	return ops
}

// commit does all ops in one transaction and answers each after the transaction is on the disk.
func (s *Store) commit(ops []*op) {
	if failure := s.failure.Load(); failure != nil {
		refuse(ops, *failure)
		return
	}
	outcomes := make([]error, len(ops))
	id, err := s.update(func(b *batch) error {
		b.ops = len(ops)
		for i, o := range ops {
			outcomes[i] = o.run(b)
			if b.broken != nil {
				return b.broken
			}
		}
		return nil
	})
	if err != nil {
		s.fail(err)
		refuse(ops, *s.failure.Load())
		return
	}
	s.progress.committed(id)
	for i, o := range ops {
		o.answer(outcomes[i])
	}
}

func refuse(ops []*op, cause error) {
	for _, o := range ops {
		o.answer(&brokenError{cause})
	}
}

// update runs one transaction and returns its number, 0 if it had nothing to write. A panic, with which bbolt meets a
// damaged page, is an error.
func (s *Store) update(run func(*batch) error) (id int, err error) {
	defer recovered(&err)
	err = s.db.Update(func(tx *bbolt.Tx) error {
		b := &batch{tx: tx, now: s.now()}
		if err := guarded(b, run); err != nil {
			return err
		}
		if !b.wrote {
			return errNothingWritten
		}
		id = tx.ID()
		return nil
	})
	if errors.Is(err, errNothingWritten) {
		return 0, nil
	}
	return id, err
}

// guarded recovers before bbolt sees the panic: its own way out reads the whole file.
func guarded(b *batch, run func(*batch) error) (err error) {
	defer recovered(&err)
	return run(b)
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, p)
	}
}

// progress says up to which transaction the file is known to be on the disk. bbolt shows a transaction to readers
// shortly before its last sync has ended; such a reader waits here.
type progress struct {
	durable atomic.Int64
	mu      sync.Mutex
	changed chan struct{}
}

func (p *progress) begin(id int) {
	p.durable.Store(int64(id))
	p.changed = make(chan struct{})
}

func (p *progress) committed(id int) {
	if id == 0 {
		return
	}
	p.durable.Store(int64(id))
	p.wake()
}

func (p *progress) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *progress) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// settled waits until transaction id is on the disk.
func (s *Store) settled(ctx context.Context, id int) error {
	for s.progress.durable.Load() < int64(id) {
		changed := s.progress.next()
		if s.progress.durable.Load() >= int64(id) {
			return nil
		}
		if failure := s.failure.Load(); failure != nil {
			return *failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// view reads within one transaction. What fn read is returned to the caller only after it is on the disk.
func (s *Store) view(ctx context.Context, verb, kind string, fn func(*bbolt.Tx) error) error {
	if err := s.usable(ctx); err != nil {
		return unavailable(verb, kind, err)
	}
	id, err := s.read(fn)
	if errors.Is(err, ErrDamaged) {
		s.fail(err)
	}
	if err != nil {
		return unavailable(verb, kind, err)
	}
	if err := s.settled(ctx, id); err != nil {
		return unavailable(verb, kind, err)
	}
	return nil
}

func (s *Store) read(fn func(*bbolt.Tx) error) (id int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer recovered(&err)
	err = s.db.View(func(tx *bbolt.Tx) error {
		id = tx.ID()
		return fn(tx)
	})
	return id, err
}
