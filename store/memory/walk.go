package memory

import (
	"context"
	"iter"

	"github.com/grantor-dev/grantor/store"
)

var _ store.Walker = (*Store)(nil)

// Records gives every record; see store.Walker.
func (s *Store) Records(ctx context.Context, kinds store.Kinds) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for i := range s.shards {
			for _, r := range s.shards[i].living(s) {
				err := s.ready(ctx, "walk")
				if err == nil {
					_, err = kinds.Find(r.Kind.Name)
				}
				if err != nil {
					yield(store.Record{}, err)
					return
				}
				if !yield(r, nil) {
					return
				}
			}
		}
		if err := s.ready(ctx, "walk"); err != nil {
			yield(store.Record{}, err)
		}
	}
}

func (sh *shard) living(s *Store) []store.Record {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	var found []store.Record
	now := s.Now()
	for _, r := range sh.records {
		if !r.Expired(now) {
			found = append(found, copied(r))
		}
	}
	return found
}

// Counters gives every counter; see store.Walker.
func (s *Store) Counters(ctx context.Context, kinds store.Kinds) iter.Seq2[store.Counter, error] {
	return func(yield func(store.Counter, error) bool) {
		for i := range s.shards {
			for _, c := range s.shards[i].counting(s) {
				err := s.ready(ctx, "walk")
				if err == nil {
					c.Kind, err = kinds.Find(c.Kind.Name)
				}
				if err != nil {
					yield(store.Counter{}, err)
					return
				}
				if !yield(c, nil) {
					return
				}
			}
		}
		if err := s.ready(ctx, "walk"); err != nil {
			yield(store.Counter{}, err)
		}
	}
}

func (sh *shard) counting(s *Store) []store.Counter {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	var found []store.Counter
	now := s.Now()
	for k, c := range sh.counters {
		if c.value != 0 && !c.ended(now) {
			found = append(found, store.Counter{Kind: store.Kind{Name: k.kind}, ID: k.id, Value: c.value, Ends: c.ends})
		}
	}
	return found
}

// Counter reads a counter with its end; see store.Walker.
func (s *Store) Counter(ctx context.Context, kind store.Kind, id string) (store.Counter, error) {
	if err := s.ready(ctx, "counter "+kind.Name); err != nil {
		return store.Counter{}, err
	}
	k := key{kind.Name, id}
	sh := s.shard(k)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	c, ok := sh.counters[k]
	if !ok || c.value == 0 || c.ended(s.Now()) {
		return store.Counter{}, store.ErrNotFound
	}
	return store.Counter{Kind: kind, ID: id, Value: c.value, Ends: c.ends}, nil
}

// SetCounter writes a counter; see store.Walker.
func (s *Store) SetCounter(ctx context.Context, c store.Counter) error {
	if err := (store.Record{Kind: c.Kind, ID: c.ID}).Check(); err != nil {
		return err
	}
	if err := s.ready(ctx, "set counter "+c.Kind.Name); err != nil {
		return err
	}
	k := key{c.Kind.Name, c.ID}
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if c.Value == 0 || c.Ended(s.Now()) {
		delete(sh.counters, k)
		return nil
	}
	if !c.Ends.IsZero() {
		sh.ends.push(end{c.Ends, k})
	}
	sh.counters[k] = counter{c.Value, c.Ends}
	return nil
}
