package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// How a Cache stays true. A change anywhere is seen within cachePoll; an entry is never older than cacheMaxAge, which
// covers a writer that died between its write and its notice; without word from the store for cacheBlind the cache
// steps aside and every Get asks the store, so that an unreachable store is an error and never an old permission.
const (
	cachePoll    = 300 * time.Millisecond
	cacheMaxAge  = 30 * time.Second
	cacheBlind   = 2 * time.Second
	cacheEntries = 100_000
)

var epochs = Kind{Name: "epoch"}

// Cache keeps the values of a small Collection in process. Every write through it, on any node, is seen by all nodes
// within a second: a writer raises a counter in the store (the epoch), and each node polls that counter in Run.
// Without Run it reads through.
type Cache[T any] struct {
	*Collection[T]

	current   atomic.Pointer[generation[T]]
	epoch     atomic.Int64
	confirmed atomic.Int64 // monotonic nanoseconds since start of the last word from the store; 0 before the first
	snapshots *snapshots[T]
	lookups   lookups
}

// generation is what was read while one epoch was current. A reader that was under way when the epoch changed writes
// into the generation it began with, which nobody reads any more.
type generation[T any] struct {
	entries sync.Map // id -> cached[T]
	size    atomic.Int64
	whole   atomic.Pointer[whole[T]]
}

type cached[T any] struct {
	value *T
	read  time.Duration
}

var start = time.Now()

// clock is monotonic: a step of the wall clock neither revives nor ages an entry.
func clock() time.Duration { return time.Since(start) }

// NewCache puts a cache before a collection.
func NewCache[T any](c *Collection[T]) *Cache[T] {
	cache := &Cache[T]{Collection: c, snapshots: newSnapshots[T]()}
	cache.drop()
	return cache
}

// Get returns the value that is current within a second. It is shared: the caller must not change it. ErrNotFound.
func (c *Cache[T]) Get(ctx context.Context, id string) (*T, error) {
	now := clock()
	if !c.follows(now) {
		c.lookups.passed.Add(1)
		return c.Collection.Get(ctx, id)
	}
	g := c.current.Load()
	if e, ok := g.entries.Load(id); ok {
		if hit := e.(cached[T]); now-hit.read < cacheMaxAge {
			c.lookups.hits.Add(1)
			return hit.value, nil
		}
	}
	c.lookups.misses.Add(1)
	v, err := c.Collection.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if g.size.Load() >= cacheEntries {
		c.drop()
		return v, nil
	}
	if _, replaced := g.entries.Swap(id, cached[T]{v, now}); !replaced {
		g.size.Add(1)
	}
	return v, nil
}

// Create writes a new value and tells every node.
func (c *Cache[T]) Create(ctx context.Context, v *T) error {
	return c.changed(ctx, c.Collection.Create(ctx, v))
}

// Swap replaces a value and tells every node.
func (c *Cache[T]) Swap(ctx context.Context, old Stored[T], next *T) (Stored[T], error) {
	s, err := c.Collection.Swap(ctx, old, next)
	return s, c.changed(ctx, err)
}

// Update changes a value and tells every node.
func (c *Cache[T]) Update(ctx context.Context, id string, change func(*T) error) (*T, error) {
	v, err := c.Collection.Update(ctx, id, change)
	return v, c.changed(ctx, err)
}

// Take deletes a value and tells every node.
func (c *Cache[T]) Take(ctx context.Context, id string) (*T, error) {
	v, err := c.Collection.Take(ctx, id)
	return v, c.changed(ctx, err)
}

// noticeTime bounds the notice to other nodes, which is given even where the caller has gone away.
const noticeTime = 2 * time.Second

// changed drops what this node holds and raises the epoch for the others, unless the write is known to have failed: one
// whose outcome is unknown may have happened.
func (c *Cache[T]) changed(ctx context.Context, written error) error {
	if written != nil && !IsUnavailable(written) {
		return written
	}
	c.drop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
	defer cancel()
	_, err := c.Backend.Add(ctx, epochs, c.Kind.Name, 1, 0)
	if written != nil {
		return written
	}
	return err
}

func (c *Cache[T]) drop() { c.current.Store(new(generation[T])) }

// follows reports whether the cache hears of changes.
func (c *Cache[T]) follows(now time.Duration) bool {
	confirmed := time.Duration(c.confirmed.Load())
	return confirmed != 0 && now-confirmed <= cacheBlind
}

// Run follows the epoch until ctx ends.
func (c *Cache[T]) Run(ctx context.Context) {
	tick := time.NewTicker(cachePoll)
	defer tick.Stop()
	for {
		c.poll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *Cache[T]) poll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cacheBlind/2)
	defer cancel()
	asked := clock()
	epoch, err := c.Backend.Add(ctx, epochs, c.Kind.Name, 0, 0)
	if err != nil {
		return
	}
	// A cache that was blind may have missed changes whose notice was lost with the store.
	blind := asked-time.Duration(c.confirmed.Load()) > cacheBlind
	if c.epoch.Swap(epoch) != epoch || blind {
		c.drop()
	}
	c.confirmed.Store(int64(max(asked, 1)))
}

// lookups counts what came of Get. It has a cache line of its own: hits are counted by every core at once.
type lookups struct {
	_                    [64]byte
	hits, misses, passed atomic.Int64
	_                    [64]byte
}

// Lookups says what came of the values that a Cache was asked for since it was made.
type Lookups struct {
	Kind   string
	Hits   int64
	Misses int64 // read from the store, and kept
	Passed int64 // read from the store, as the cache did not hear of changes at that time
}

// Lookups tells how useful the cache is.
func (c *Cache[T]) Lookups() Lookups {
	return Lookups{c.Kind.Name, c.lookups.hits.Load(), c.lookups.misses.Load(), c.lookups.passed.Load()}
}
