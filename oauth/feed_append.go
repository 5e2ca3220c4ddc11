package oauth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// Bounds of a record.
const (
	feedBatch      = 200     // events
	feedBatchBytes = 1 << 20 // a record may have four times as many
)

// feedWrite bounds one write of what several callers wait for: the end of one caller's request must not fail the others.
const feedWrite = 20 * time.Second

// telling is what one caller wants appended, all of it in one record.
type telling struct {
	events []feedEvent
	bytes  int
	rescue bool // nobody waits for it: it is tried until it is written
	err    error
	wakes  chan struct{} // closed when it was written, or failed with err
}

// tell appends events. When it returns nil they are in the store, and every node hears of them within a second. Callers
// that come while another one writes are written together by the one of them who writes next. An error that
// store.IsUnavailable means that nothing is known.
func (f *feed) tell(ctx context.Context, events ...feedEvent) error {
	for _, t := range inBatches(events) {
		if err := f.tellSome(ctx, t); err != nil {
			return fmt.Errorf("append to the revocation feed: %w", err)
		}
	}
	return nil
}

// inBatches cuts events into pieces of which each fits into a record.
func inBatches(events []feedEvent) (batches []*telling) {
	for _, e := range events {
		size := len(e.Data)
		for _, a := range e.Audience {
			size += len(a)
		}
		t := &telling{wakes: make(chan struct{})}
		if n := len(batches); n > 0 && len(batches[n-1].events) < feedBatch && batches[n-1].bytes+size <= feedBatchBytes {
			t = batches[n-1]
		} else {
			batches = append(batches, t)
		}
		t.events, t.bytes = append(t.events, e), t.bytes+size
	}
	return batches
}

func (f *feed) tellSome(ctx context.Context, t *telling) error {
	f.mu.Lock()
	f.waiting = append(f.waiting, t)
	f.mu.Unlock()
	select {
	case <-t.wakes:
		return t.err
	case f.turn <- struct{}{}:
		defer f.give()
		return f.lead(ctx, t)
	case <-ctx.Done():
		if f.forget(t) {
			return &store.UnavailableError{Op: "create revocation_feed", Err: ctx.Err()}
		}
		<-t.wakes // it is being written: its writer is bounded by feedWrite
		return t.err
	}
}

// forget takes back what nobody has begun to write.
func (f *feed) forget(t *telling) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.Index(f.waiting, t)
	if at < 0 {
		return false
	}
	f.waiting = slices.Delete(f.waiting, at, at+1)
	return true
}

// lead writes what waits until t is written. The caller has the turn.
func (f *feed) lead(ctx context.Context, t *telling) error {
	for {
		select {
		case <-t.wakes: // whoever had the turn before wrote it
			return t.err
		default:
			f.flush(context.WithoutCancel(ctx))
		}
	}
}

// flush appends one record of what waits, an empty one where nothing does. The caller has the turn.
func (f *feed) flush(ctx context.Context) {
	batch := f.nextBatch()
	var events []feedEvent
	for _, t := range batch {
		events = append(events, t.events...)
	}
	err := f.write(ctx, events)
	for _, t := range batch {
		if t.rescue && err != nil {
			f.mu.Lock()
			f.waiting = append(f.waiting, t)
			f.mu.Unlock()
			continue
		}
		t.err = err
		close(t.wakes)
	}
}

// nextBatch takes the first of what waits, as much as fits into a record, but one at least.
func (f *feed) nextBatch() []*telling {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, count, bytes := 0, 0, 0
	for _, t := range f.waiting {
		count, bytes = count+len(t.events), bytes+t.bytes
		if n > 0 && (count > feedBatch || bytes > feedBatchBytes) {
			break
		}
		n++
	}
	batch := slices.Clone(f.waiting[:n])
	f.waiting = slices.Delete(f.waiting, 0, n)
	return batch
}

// writeAttempts bounds how often a writer begins again because other nodes were faster.
const writeAttempts = 64

// write appends one record behind the last one. A writer that was not the first to take the next number reads what the
// others wrote, and tries again. The caller has the turn.
func (f *feed) write(ctx context.Context, events []feedEvent) error {
	for attempt := range writeAttempts {
		if attempt > 0 || f.silent() > feedBlind {
			if err := f.read(ctx); err != nil {
				return err
			}
		}
		r := f.next(events)
		err := within(ctx, feedWrite, func(ctx context.Context) error { return f.records.Create(ctx, r) })
		if err == nil {
			f.mu.Lock()
			f.add(r)
			f.wake()
			f.mu.Unlock()
			return nil
		}
		if !errors.Is(err, store.ErrExists) {
			return err
		}
	}
	return store.ErrConflict
}

// next is the record behind the last one.
func (f *feed) next(events []feedEvent) *feedRecord {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	r := &feedRecord{First: f.end.last + 1, Nonce: newNonce(), After: f.end.nonce, Made: now, Events: events}
	until := now
	for i := range events {
		until = later(until, time.Unix(events[i].Until, 0))
	}
	r.Expires = until.Add(feedKept)
	return r
}

func newNonce() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// about makes events of one thing that ended, one for each part of a long audience, so that every record has its bound.
func about(e Ended, audience []string) []feedEvent {
	const together = 200
	data, err := json.Marshal(e)
	if err != nil {
		panic("oauth: an event of the feed cannot be encoded: " + err.Error()) // it is text and numbers
	}
	slices.Sort(audience)
	var events []feedEvent
	for part := range slices.Chunk(slices.Compact(audience), together) {
		events = append(events, feedEvent{Audience: part, Until: e.Until, Data: data})
	}
	return events
}
