// Package memory keeps records in the memory of this process: for tests and for trying things out. It has the semantics of
// the other backends, and nothing in it survives the process.
package memory

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/store"
)

const shards = 64

// Store is a store.Backend in memory. Records are spread over shards by kind and id, and the index by kind and tag. A
// shard's lock is taken before an index's, never the other way round.
type Store struct {
	Now func() time.Time // the clock; it must be set before the first use

	seed    maphash.Seed
	version atomic.Uint64
	closed  atomic.Bool
	shards  [shards]shard
	index   [shards]index
}

// key names a record or a counter, or the index of a tag.
type key struct{ kind, id string }

var errClosed = errors.New("the store is closed")

// New makes an empty store.
func New() *Store {
	s := &Store{Now: time.Now, seed: maphash.MakeSeed()}
	for i := range shards {
		s.shards[i] = shard{records: map[key]store.Record{}, counters: map[key]counter{}}
		s.index[i] = index{ids: map[key]*ordered{}}
	}
	return s
}

// Close ends the store: every verb fails from then on.
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error { return s.ready(ctx, "ping") }

// Get reads a record.
func (s *Store) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	if err := s.ready(ctx, "get "+kind.Name); err != nil {
		return store.Record{}, err
	}
	k := key{kind.Name, id}
	sh := s.shard(k)
	sh.mu.RLock()
	r, ok := sh.records[k]
	sh.mu.RUnlock()
	if !ok || r.Expired(s.Now()) {
		return store.Record{}, store.ErrNotFound
	}
	return copied(r), nil
}

// Create writes a record that must not exist.
func (s *Store) Create(ctx context.Context, r store.Record) (uint64, error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	if err := s.ready(ctx, "create "+r.Kind.Name); err != nil {
		return 0, err
	}
	k := key{r.Kind.Name, r.ID}
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := s.Now()
	s.sweep(sh, now)
	if old, ok := sh.records[k]; ok {
		if !old.Expired(now) {
			return 0, store.ErrExists
		}
		s.remove(sh, k)
	}
	return s.put(sh, k, r), nil
}

// Swap replaces old by next if old still has its version.
func (s *Store) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	if err := next.Check(); err != nil {
		return 0, err
	}
	if old.Kind != next.Kind || old.ID != next.ID {
		return 0, fmt.Errorf("swap %s: the records differ in kind or id", next.Kind.Name)
	}
	if err := s.ready(ctx, "swap "+next.Kind.Name); err != nil {
		return 0, err
	}
	k := key{next.Kind.Name, next.ID}
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := s.Now()
	s.sweep(sh, now)
	found, ok := sh.records[k]
	if !ok || found.Expired(now) {
		return 0, store.ErrNotFound
	}
	if found.Version != old.Version {
		return 0, store.ErrConflict
	}
	version := s.put(sh, k, next)
	// Only now, so that whoever lists meanwhile finds it under what it keeps.
	for _, tag := range tags(found) {
		if !slices.Contains(tags(next), tag) {
			s.leave(key{k.kind, tag}, k.id)
		}
	}
	return version, nil
}

// Take reads a record and deletes it.
func (s *Store) Take(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	if err := s.ready(ctx, "take "+kind.Name); err != nil {
		return store.Record{}, err
	}
	k := key{kind.Name, id}
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r, ok := sh.records[k]
	if !ok {
		return store.Record{}, store.ErrNotFound
	}
	s.remove(sh, k)
	if r.Expired(s.Now()) {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil // not shared: the store has let go of it
}

// List returns a page of the records under a tag.
func (s *Store) List(ctx context.Context, kind store.Kind, tag, cursor string, limit int) ([]store.Record, string, error) {
	if kind.Spread && tag == "" {
		return nil, "", fmt.Errorf("list %s: a spread kind is listed by tag only", kind.Name)
	}
	limit = max(limit, 1)
	for {
		if err := s.ready(ctx, "list "+kind.Name); err != nil {
			return nil, "", err
		}
		ids, more := s.ids(key{kind.Name, tag}, cursor, limit)
		page := s.tagged(kind, tag, ids)
		if !more {
			return page, "", nil
		}
		cursor = ids[len(ids)-1]
		if len(page) > 0 {
			return page, cursor, nil
		}
	}
}

// tagged reads those of the records that are still there and still carry the tag: the index was read before.
func (s *Store) tagged(kind store.Kind, tag string, ids []string) []store.Record {
	var page []store.Record
	now := s.Now()
	for _, id := range ids {
		k := key{kind.Name, id}
		sh := s.shard(k)
		sh.mu.RLock()
		r, ok := sh.records[k]
		sh.mu.RUnlock()
		if ok && !r.Expired(now) && (tag == "" || slices.Contains(r.Tags, tag)) {
			page = append(page, copied(r))
		}
	}
	return page
}

// Add adds to a counter.
func (s *Store) Add(ctx context.Context, kind store.Kind, id string, n int64, ttl time.Duration) (int64, error) {
	if err := (store.Record{Kind: kind, ID: id}).Check(); err != nil {
		return 0, err
	}
	if err := s.ready(ctx, "add "+kind.Name); err != nil {
		return 0, err
	}
	k := key{kind.Name, id}
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := s.Now()
	s.sweep(sh, now)
	c, ok := sh.counters[k]
	if ok && c.ended(now) {
		c, ok = counter{}, false
	}
	if n == 0 {
		return c.value, nil
	}
	if !ok && ttl > 0 {
		c.ends = now.Add(ttl)
		sh.ends.push(end{c.ends, k})
	}
	c.value += n
	sh.counters[k] = c
	return c.value, nil
}

func (s *Store) ready(ctx context.Context, op string) error {
	err := ctx.Err()
	if s.closed.Load() {
		err = errClosed
	}
	if err != nil {
		return &store.UnavailableError{Op: op, Err: err}
	}
	return nil
}

func (s *Store) shard(k key) *shard { return &s.shards[s.place(k)] }

func (s *Store) place(k key) uint64 { return maphash.Comparable(s.seed, k) % shards }

// copied gives a record that shares nothing with the stored one.
func copied(r store.Record) store.Record {
	r.Value = append([]byte(nil), r.Value...)
	r.Tags = slices.Clone(r.Tags)
	return r
}
