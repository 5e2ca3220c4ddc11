package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/grantor-dev/grantor/store"
)

var _ store.Walker = (*Store)(nil)

// walkPage is how many records or counters are read within one transaction. A walk is made of short ones, so that it may
// take its time without making the file grow.
const walkPage = 1000

// Records gives every record; see store.Walker.
func (s *Store) Records(ctx context.Context, kinds store.Kinds) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		names, err := s.kindNames(ctx)
		for _, name := range names {
			var kind store.Kind
			if kind, err = kinds.Find(name); err != nil {
				break
			}
			for r, err := range s.recordsOf(ctx, kind) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
		if err != nil {
			yield(store.Record{}, err)
		}
	}
}

func (s *Store) recordsOf(ctx context.Context, kind store.Kind) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for cursor := ""; ; {
			p := page{kind: kind, limit: walkPage, now: s.now()}
			err := s.view(ctx, "walk", kind.Name, func(tx *bbolt.Tx) error {
				records := tx.Bucket(bucketRecords(kind.Name))
				if records == nil {
					return nil
				}
				return p.read(ctx, records, records.Cursor(), nil, cursor)
			})
			if err != nil {
				yield(store.Record{}, err)
				return
			}
			for _, r := range p.records {
				if !yield(r, nil) {
					return
				}
			}
			if cursor = p.next; cursor == "" {
				return
			}
		}
	}
}

// kindNames lists the kinds of which there are records.
func (s *Store) kindNames(ctx context.Context) (names []string, err error) {
	err = s.view(ctx, "walk", "", func(tx *bbolt.Tx) error {
		return tx.ForEach(func(bucket []byte, _ *bbolt.Bucket) error {
			if name, is := strings.CutPrefix(string(bucket), string(bucketRecords(""))); is {
				names = append(names, name)
			}
			return nil
		})
	})
	return names, err
}

// Counters gives every counter; see store.Walker.
func (s *Store) Counters(ctx context.Context, kinds store.Kinds) iter.Seq2[store.Counter, error] {
	return func(yield func(store.Counter, error) bool) {
		for after := []byte(nil); ; {
			found, last, err := s.counters(ctx, kinds, after)
			for _, c := range found {
				if !yield(c, nil) {
					return
				}
			}
			if err != nil {
				yield(store.Counter{}, err)
			}
			if err != nil || last == nil {
				return
			}
			after = last
		}
	}
}

// counters reads those behind a key, and gives the last key that was looked at, nil where there are no more.
func (s *Store) counters(ctx context.Context, kinds store.Kinds, after []byte) (found []store.Counter, last []byte, err error) {
	var unknown error // it is no failure of the store
	err = s.view(ctx, "walk", "counters", func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketCounter)
		if bucket == nil {
			return nil
		}
		c := bucket.Cursor()
		key, _ := c.Seek(after)
		if after != nil && bytes.Equal(key, after) {
			key, _ = c.Next()
		}
		for seen := 0; key != nil; seen++ {
			if seen == walkPage {
				return nil
			}
			one, err := s.counterAt(bucket, kinds, key)
			if errors.Is(err, store.ErrUnknownKind) {
				unknown, last = err, nil
				return nil
			}
			if err != nil {
				return err
			}
			if one.Value != 0 && !one.Ended(s.now()) {
				found = append(found, one)
			}
			last = bytes.Clone(key)
			key, _ = c.Next()
		}
		last = nil
		return ctx.Err()
	})
	if err == nil {
		err = unknown
	}
	return found, last, err
}

func (s *Store) counterAt(bucket *bbolt.Bucket, kinds store.Kinds, key []byte) (store.Counter, error) {
	name, id, whole := cutPart(key)
	if !whole {
		return store.Counter{}, fmt.Errorf("counter: %w", ErrDamaged)
	}
	kind, err := kinds.Find(name)
	if err != nil {
		return store.Counter{}, err
	}
	c, _, err := readCounter(bucket, key)
	return store.Counter{Kind: kind, ID: string(id), Value: c.value, Ends: c.end}, err
}

// Counter reads a counter with its end; see store.Walker.
func (s *Store) Counter(ctx context.Context, kind store.Kind, id string) (store.Counter, error) {
	var c counter
	err := s.view(ctx, "counter", kind.Name, func(tx *bbolt.Tx) (err error) {
		c, _, err = readCounter(tx.Bucket(bucketCounter), counterKey(kind.Name, id))
		return err
	})
	if err == nil && (c.value == 0 || c.ended(s.now())) {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Counter{}, err
	}
	return store.Counter{Kind: kind, ID: id, Value: c.value, Ends: c.end}, nil
}

// SetCounter writes a counter; see store.Walker.
func (s *Store) SetCounter(ctx context.Context, c store.Counter) error {
	if err := check(store.Record{Kind: c.Kind, ID: c.ID}); err != nil {
		return err
	}
	key := counterKey(c.Kind.Name, c.ID)
	return s.write(ctx, "set counter", c.Kind.Name, 0, func(b *batch) error {
		old, found, err := b.count(key)
		if err != nil {
			return err
		}
		if c.Value == 0 || c.Ended(b.now) {
			if found {
				b.del(b.counter(), key)
				b.reschedule(sortCounter, old.end, time.Time{}, c.Kind.Name, c.ID)
			}
			return nil
		}
		next := counter{value: c.Value}
		if !c.Ends.IsZero() {
			next.end = time.UnixMilli(c.Ends.UnixMilli())
		}
		b.put(b.counter(), key, next.marshal())
		b.reschedule(sortCounter, old.end, next.end, c.Kind.Name, c.ID)
		return nil
	})
}
