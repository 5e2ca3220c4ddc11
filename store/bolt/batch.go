package bolt

import (
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/grantor-dev/grantor/store"
)

// batch is the transaction under way. An error that is not the answer of one op (a damaged page, a refused key) is kept
// in broken and ends the whole batch. An op decides on its answer before it writes.
type batch struct {
	tx     *bbolt.Tx
	now    time.Time
	ops    int // how many there are
	wrote  bool
	broken error
}

func (b *batch) fault(err error) {
	if err != nil && b.broken == nil {
		b.broken = err
	}
}

// bucket opens a bucket for writing; nil after a fault.
func (b *batch) bucket(name []byte, fill float64) *bbolt.Bucket {
	if b.broken != nil {
		return nil
	}
	bucket := b.tx.Bucket(name)
	if bucket == nil {
		var err error
		bucket, err = b.tx.CreateBucket(name)
		b.fault(err)
	}
	if b.broken != nil {
		return nil
	}
	bucket.FillPercent = fill
	return bucket
}

func (b *batch) records(kind string) *bbolt.Bucket {
	return b.bucket(bucketRecords(kind), fillAscending)
}
func (b *batch) index() *bbolt.Bucket   { return b.bucket(bucketIndex, bbolt.DefaultFillPercent) }
func (b *batch) counter() *bbolt.Bucket { return b.bucket(bucketCounter, bbolt.DefaultFillPercent) }
func (b *batch) expiry() *bbolt.Bucket  { return b.bucket(bucketExpiry, fillAscending) }

func (b *batch) put(bucket *bbolt.Bucket, key, value []byte) {
	if b.broken != nil {
		return
	}
	b.wrote = true
	b.fault(bucket.Put(key, seal(key, value)))
}

func (b *batch) del(bucket *bbolt.Bucket, key []byte) {
	if b.broken != nil {
		return
	}
	b.wrote = true
	b.fault(bucket.Delete(key))
}

// unreadable stops the batch at a damaged file; a record of an unknown form is the trouble of the op that asks for it.
func (b *batch) unreadable(err error) error {
	if errors.Is(err, ErrDamaged) {
		b.fault(err)
	}
	return &brokenError{err}
}

// record reads what stands under an id, also what has expired.
func (b *batch) record(kind store.Kind, id string) (store.Record, bool, error) {
	r, found, err := readRecord(b.tx.Bucket(bucketRecords(kind.Name)), kind, id)
	if err != nil {
		return r, false, b.unreadable(err)
	}
	return r, found, nil
}

// count reads a counter, also one that has ended.
func (b *batch) count(key []byte) (counter, bool, error) {
	c, found, err := readCounter(b.tx.Bucket(bucketCounter), key)
	if err != nil {
		return c, false, b.unreadable(err)
	}
	return c, found, nil
}

// replace writes next, whose stored form is value, over old, the zero Record if there was none. Only what differs in
// index and expiry is touched.
func (b *batch) replace(old, next store.Record, value []byte) {
	b.put(b.records(next.Kind.Name), []byte(next.ID), value)
	for _, tag := range old.Tags {
		if !slices.Contains(next.Tags, tag) {
			b.del(b.index(), indexKey(next.Kind.Name, tag, next.ID))
		}
	}
	for _, tag := range next.Tags {
		if !slices.Contains(old.Tags, tag) {
			b.put(b.index(), indexKey(next.Kind.Name, tag, next.ID), nil)
		}
	}
	b.reschedule(sortRecord, old.Expires, next.Expires, next.Kind.Name, next.ID)
}

func (b *batch) remove(r store.Record) {
	b.del(b.records(r.Kind.Name), []byte(r.ID))
	for _, tag := range r.Tags {
		b.del(b.index(), indexKey(r.Kind.Name, tag, r.ID))
	}
	b.reschedule(sortRecord, r.Expires, time.Time{}, r.Kind.Name, r.ID)
}

// reschedule moves the expiry entry of a record or counter.
func (b *batch) reschedule(sort byte, old, next time.Time, kind, id string) {
	if !old.IsZero() && !next.IsZero() && old.UnixMilli() == next.UnixMilli() {
		return
	}
	if !old.IsZero() {
		b.del(b.expiry(), expiryKey(sort, old, kind, id))
	}
	if !next.IsZero() {
		b.put(b.expiry(), expiryKey(sort, next, kind, id), nil)
	}
}
