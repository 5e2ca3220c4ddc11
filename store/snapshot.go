package store

import (
	"context"
	"sync/atomic"
	"time"
)

// snapshotPage is how many records a snapshot asks for at once. A backend may give fewer.
const snapshotPage = 5000

// snapshots is what a Cache knows of its whole kind. Whoever holds the building token reads; the fields below it are his.
type snapshots[T any] struct {
	building chan struct{} // holds one token while nobody reads
	begun    atomic.Int64  // how many reads have begun

	kept map[string]numbered[T] // by id, as of the last read
	last []*T                   // what the last read gave, nil where it failed
}

// numbered is a decoded value with the version of its record. Backends never give a version twice, so that a value whose
// version is the same needs no second decoding.
type numbered[T any] struct {
	number uint64
	value  *T
}

// whole is a snapshot as part of a generation.
type whole[T any] struct {
	values []*T
	read   time.Duration
}

func newSnapshots[T any]() *snapshots[T] {
	s := &snapshots[T]{building: make(chan struct{}, 1)}
	s.building <- struct{}{}
	return s
}

// Snapshot gives all values of the kind in the order of their ids: own writes at once, those of other nodes within a
// second. The slice and the values are shared and must not be changed. It reads the store again only after a change, and
// decodes only the records whose version changed. It is meant for kinds that fit into memory.
func (c *Cache[T]) Snapshot(ctx context.Context) ([]*T, error) {
	if values := c.currentSnapshot(); values != nil {
		return values, nil
	}
	return c.read(ctx, c.currentSnapshot)
}

// Fresh gives what Snapshot gives, but as it is in the store now: also what other nodes wrote a moment ago.
func (c *Cache[T]) Fresh(ctx context.Context) ([]*T, error) {
	return c.read(ctx, func() []*T { return nil })
}

// read waits for its turn and reads the store, if nobody else did meanwhile and known gives nothing then.
func (c *Cache[T]) read(ctx context.Context, known func() []*T) ([]*T, error) {
	s := c.snapshots
	asked := s.begun.Load()
	select {
	case <-s.building:
		defer func() { s.building <- struct{}{} }()
	case <-ctx.Done():
		return nil, &UnavailableError{Op: "list " + c.Kind.Name, Err: ctx.Err()}
	}
	// What somebody began to read after this caller asked holds every write that this caller may know of.
	if s.last != nil && s.begun.Load() > asked {
		return s.last, nil
	}
	if values := known(); values != nil {
		return values, nil
	}
	return c.readAll(ctx)
}

// currentSnapshot gives what is known to be current, nil where the store has to be read.
func (c *Cache[T]) currentSnapshot() []*T {
	now := clock()
	if !c.follows(now) {
		return nil
	}
	w := c.current.Load().whole.Load()
	if w == nil || now-w.read >= cacheMaxAge {
		return nil
	}
	return w.values
}

// readAll reads every record. What it read belongs to the generation that was current before it began: a write that came
// in between has begun another.
func (c *Cache[T]) readAll(ctx context.Context) ([]*T, error) {
	s := c.snapshots
	s.begun.Add(1)
	g, began := c.current.Load(), clock()
	s.last = nil
	kept := make(map[string]numbered[T], len(s.kept))
	values := make([]*T, 0, len(s.kept))
	for cursor := ""; ; {
		records, next, err := c.Backend.List(ctx, c.Kind, "", cursor, snapshotPage)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			v := s.kept[r.ID]
			if v.value == nil || v.number != r.Version {
				decoded, err := c.decode(r)
				if err != nil {
					return nil, err
				}
				v = numbered[T]{r.Version, decoded.Value}
			}
			kept[r.ID] = v
			values = append(values, v.value)
		}
		if next == "" {
			break
		}
		cursor = next
	}
	s.kept, s.last = kept, values
	g.whole.Store(&whole[T]{values, began})
	return values, nil
}
