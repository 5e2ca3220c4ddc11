package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/grantor-dev/grantor/store"
)

// The sweeper deletes what has expired: a bounded number within one batch of the committer, so that nobody waits long,
// and batch after batch while there is more. It deletes two for each write beside it, so the file cannot outgrow it.
const (
	sweepEvery = time.Second
	sweepOps   = 128
	sweepBytes = 8 << 20
)

func (s *Store) sweepLoop() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-tick.C:
		}
		// A failure is remembered by the store and told to everybody else; here is nobody to tell.
		for more := true; more; {
			more, _ = s.sweep(ctx)
		}
	}
}

// sweep deletes one portion and reports whether there may be more.
func (s *Store) sweep(ctx context.Context) (more bool, err error) {
	err = s.write(ctx, "sweep", "", 0, func(b *batch) error {
		more = b.sweep(max(sweepOps, 2*b.ops), sweepBytes)
		return nil
	})
	if err != nil {
		return false, err
	}
	return more, nil
}

func (b *batch) sweep(ops, size int) (more bool) {
	keys, more := b.expired(ops)
	for i, key := range keys {
		if size <= 0 {
			return i < len(keys)
		}
		size -= b.expire(key)
	}
	return more
}

// expired copies the keys of the oldest expiry entries that are due.
func (b *batch) expired(limit int) (keys [][]byte, more bool) {
	bucket := b.tx.Bucket(bucketExpiry)
	if bucket == nil {
		return nil, false
	}
	due := appendMillis(nil, b.now)
	c := bucket.Cursor()
	for key, _ := c.First(); len(key) >= expiryHead; key, _ = c.Next() {
		if bytes.Compare(key[:len(due)], due) > 0 {
			return keys, false
		}
		if len(keys) == limit {
			return keys, true
		}
		keys = append(keys, bytes.Clone(key))
	}
	return keys, false
}

// expire deletes what an expiry entry speaks of, and the entry. It returns how many bytes it had to read.
func (b *batch) expire(key []byte) (size int) {
	kind, id, whole := cutPart(key[expiryHead:])
	if !whole {
		b.fault(fmt.Errorf("expiry entry: %w", ErrDamaged))
		return 0
	}
	if key[expiryHead-1] == sortCounter {
		b.endCounter(counterKey(kind, string(id)))
	} else {
		size = b.endRecord(store.Kind{Name: kind}, string(id))
	}
	b.del(b.expiry(), key)
	return size
}

// endRecord leaves a record that cannot be read where it is.
func (b *batch) endRecord(kind store.Kind, id string) int {
	r, found, err := b.record(kind, id)
	if err != nil || !found || !r.Expired(b.now) {
		return 0
	}
	b.remove(r)
	return len(r.Value)
}

func (b *batch) endCounter(key []byte) {
	c, found, err := b.count(key)
	if err != nil || !found || !c.ended(b.now) {
		return
	}
	b.del(b.counter(), key)
}

// SweeperLag tells how long ago the oldest thing expired that still lies in the file; 0 where there is none.
func (s *Store) SweeperLag(ctx context.Context) (time.Duration, error) {
	if err := s.usable(ctx); err != nil {
		return 0, unavailable("sweep", "", err)
	}
	lag := time.Duration(0)
	_, err := s.read(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketExpiry)
		if bucket == nil {
			return nil
		}
		if key, _ := bucket.Cursor().First(); len(key) >= expiryHead {
			lag = max(s.now().Sub(millisOf(key)), 0)
		}
		return nil
	})
	if err != nil {
		return 0, unavailable("sweep", "", err)
	}
	return lag, nil
}
