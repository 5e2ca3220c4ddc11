package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.etcd.io/bbolt"

	"github.com/grantor-dev/grantor/store"
)

// Bounds of one List: a page that reaches one of them is shorter than asked for.
const (
	listLimit = 10_000
	listBytes = 16 << 20
	listScan  = 10_000 // entries looked at, the expired ones among them
)

var errOverflow = errors.New("counter is beyond its range")

// Get reads a record; see store.Backend.
func (s *Store) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	var r store.Record
	var found bool
	err := s.view(ctx, "get", kind.Name, func(tx *bbolt.Tx) (err error) {
		r, found, err = readRecord(tx.Bucket(bucketRecords(kind.Name)), kind, id)
		return err
	})
	if err != nil {
		return store.Record{}, err
	}
	if !found || r.Expired(s.now()) {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil
}

// Create writes a record that must not exist; see store.Backend.
func (s *Store) Create(ctx context.Context, r store.Record) (uint64, error) {
	if err := check(r); err != nil {
		return 0, err
	}
	r.Version = newVersion()
	value := r.Marshal()
	err := s.write(ctx, "create", r.Kind.Name, len(value), func(b *batch) error {
		old, found, err := b.record(r.Kind, r.ID)
		if err != nil {
			return err
		}
		if found && !old.Expired(b.now) {
			return store.ErrExists
		}
		b.replace(old, r, value)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return r.Version, nil
}

// Swap replaces a record that nobody has changed since it was read; see store.Backend.
func (s *Store) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	if err := check(next); err != nil {
		return 0, err
	}
	if old.Kind.Name != next.Kind.Name || old.ID != next.ID {
		return 0, fmt.Errorf("%s: a swap cannot change kind or id", next.Kind.Name)
	}
	next.Version = newVersion()
	value := next.Marshal()
	err := s.write(ctx, "swap", next.Kind.Name, len(value), func(b *batch) error {
		current, found, err := b.record(next.Kind, next.ID)
		if err != nil {
			return err
		}
		if !found || current.Expired(b.now) {
			return store.ErrNotFound
		}
		if current.Version != old.Version {
			return store.ErrConflict
		}
		b.replace(current, next, value)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return next.Version, nil
}

// Take reads and deletes a record; see store.Backend.
func (s *Store) Take(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	var taken store.Record
	err := s.write(ctx, "take", kind.Name, 0, func(b *batch) error {
		r, found, err := b.record(kind, id)
		if err != nil {
			return err
		}
		if !found || r.Expired(b.now) {
			return store.ErrNotFound
		}
		b.remove(r)
		taken = r
		return nil
	})
	if err != nil {
		return store.Record{}, err
	}
	return taken, nil
}

// Add adds to a counter; see store.Backend.
func (s *Store) Add(ctx context.Context, kind store.Kind, id string, n int64, ttl time.Duration) (int64, error) {
	if err := check(store.Record{Kind: kind, ID: id}); err != nil {
		return 0, err
	}
	key := counterKey(kind.Name, id)
	if n == 0 {
		return s.count(ctx, kind, key)
	}
	var total int64
	err := s.write(ctx, "add", kind.Name, 0, func(b *batch) error {
		old, found, err := b.count(key)
		if err != nil {
			return err
		}
		next := old
		if !found || old.ended(b.now) {
			next = counter{}
			if ttl > 0 {
				next.end = b.now.Add(ttl)
			}
		}
		next.value += n
		if (n > 0) != (next.value > next.value-n) {
			return errOverflow
		}
		b.put(b.counter(), key, next.marshal())
		b.reschedule(sortCounter, old.end, next.end, kind.Name, id)
		total = next.value
		return nil
	})
	if err != nil {
		return 0, err
	}
	return total, nil
}

func (s *Store) count(ctx context.Context, kind store.Kind, key []byte) (int64, error) {
	var c counter
	err := s.view(ctx, "add", kind.Name, func(tx *bbolt.Tx) error {
		var err error
		c, _, err = readCounter(tx.Bucket(bucketCounter), key)
		return err
	})
	if err != nil || c.ended(s.now()) {
		return 0, err
	}
	return c.value, nil
}

// List reads a page of records; see store.Backend.
func (s *Store) List(ctx context.Context, kind store.Kind, tag, cursor string, limit int) ([]store.Record, string, error) {
	if tag == "" && kind.Spread {
		return nil, "", fmt.Errorf("%s: a spread kind is listed by tag only", kind.Name)
	}
	p := page{kind: kind, limit: min(max(limit, 1), listLimit), now: s.now()}
	err := s.view(ctx, "list", kind.Name, func(tx *bbolt.Tx) error {
		records := tx.Bucket(bucketRecords(kind.Name))
		if records == nil {
			return nil
		}
		if tag == "" {
			return p.read(ctx, records, records.Cursor(), nil, cursor)
		}
		if index := tx.Bucket(bucketIndex); index != nil {
			return p.read(ctx, records, index.Cursor(), indexPrefix(kind.Name, tag), cursor)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return p.records, p.next, nil
}

// page collects what List returns.
type page struct {
	kind    store.Kind
	limit   int
	now     time.Time
	records []store.Record
	next    string
}

// read walks the keys that begin with prefix and lie behind after; the rest of a key is an id.
func (p *page) read(ctx context.Context, records *bbolt.Bucket, c *bbolt.Cursor, prefix []byte, after string) error {
	start := append(bytes.Clone(prefix), after...)
	key, _ := c.Seek(start)
	if after != "" && bytes.Equal(key, start) {
		key, _ = c.Next()
	}
	size, last := 0, ""
	for seen := 0; key != nil && bytes.HasPrefix(key, prefix); seen++ {
		if len(p.records) == p.limit || size >= listBytes || seen == listScan {
			p.next = last
			return nil
		}
		last = string(key[len(prefix):])
		r, found, err := readRecord(records, p.kind, last)
		if err != nil {
			return err
		}
		if found && !r.Expired(p.now) {
			p.records = append(p.records, r)
			size += len(r.Value)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		key, _ = c.Next()
	}
	return nil
}

func check(r store.Record) error {
	if len(r.Kind.Name) > maxKind {
		return fmt.Errorf("name of a kind of %d bytes: %w", len(r.Kind.Name), store.ErrTooLarge)
	}
	return r.Check()
}

// newVersion is random, so that a record that was deleted and created again has another version than before. It is no
// secret.
func newVersion() uint64 {
	for {
		if v := rand.Uint64(); v != 0 {
			return v
		}
	}
}
