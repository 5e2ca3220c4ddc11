package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"go.etcd.io/bbolt"

	"github.com/grantor-dev/grantor/store"
)

// The layout of the file. A length before each part but the last keeps keys of odd characters apart. Before each value
// stands a checksum of key and value, because bbolt has none over what it keeps.
//
//	grantor         "format" -> 4 bytes, big endian
//	record:KIND     id -> store.Record.Marshal
//	index           len kind, len tag, id -> nothing
//	counter         len kind, id -> value and end, 8 bytes each
//	expiry          milliseconds, sort, len kind, id -> nothing
const format = 1

var (
	bucketMeta    = []byte("grantor")
	bucketIndex   = []byte("index")
	bucketCounter = []byte("counter")
	bucketExpiry  = []byte("expiry")
	keyFormat     = []byte("format")
)

// Ids, and with them expiry times, ascend: a page that is split is left nearly full, because nothing is added to it.
const fillAscending = 0.9

const maxKind = 255 // bytes of the name of a kind

const sealSize = 4

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errSeal    = fmt.Errorf("%w: a checksum is wrong", ErrDamaged)
)

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

func seal(key, value []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, sealSize+len(value)), checksum(key, value))
	return append(b, value...)
}

func unseal(key, sealed []byte) (value []byte, whole bool) {
	if len(sealed) < sealSize {
		return nil, false
	}
	value = sealed[sealSize:]
	return value, binary.BigEndian.Uint32(sealed) == checksum(key, value)
}

// lookup reads a value, nil if there is none.
func lookup(b *bbolt.Bucket, key []byte) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	sealed := b.Get(key)
	if sealed == nil {
		return nil, nil
	}
	value, whole := unseal(key, sealed)
	if !whole {
		return nil, errSeal
	}
	return value, nil
}

func bucketRecords(kind string) []byte { return append([]byte("record:"), kind...) }

func appendPart(b []byte, part string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

func cutPart(b []byte) (part string, rest []byte, whole bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return "", nil, false
	}
	return string(b[n : n+int(size)]), b[n+int(size):], true
}

func indexPrefix(kind, tag string) []byte {
	b := make([]byte, 0, len(kind)+len(tag)+store.MaxID+4)
	return appendPart(appendPart(b, kind), tag)
}

func indexKey(kind, tag, id string) []byte { return append(indexPrefix(kind, tag), id...) }

func counterKey(kind, id string) []byte {
	return append(appendPart(make([]byte, 0, len(kind)+len(id)+2), kind), id...)
}

// What an entry of the expiry bucket speaks of.
const (
	sortRecord  = 'r'
	sortCounter = 'c'
)

const expiryHead = 8 + 1

func expiryKey(sort byte, expires time.Time, kind, id string) []byte {
	b := make([]byte, 0, expiryHead+len(kind)+len(id)+2)
	b = appendMillis(b, expires)
	b = append(b, sort)
	return append(appendPart(b, kind), id...)
}

// appendMillis flips the sign, so that byte order is the order of time also before 1970.
func appendMillis(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli())^(1<<63))
}

// millisOf reads what appendMillis wrote.
func millisOf(b []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b) ^ (1 << 63)))
}

// counter is the value of a counter. A zero end means never.
type counter struct {
	value int64
	end   time.Time
}

func (c counter) marshal() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(c.value))
	if c.end.IsZero() {
		return binary.BigEndian.AppendUint64(b, 0)
	}
	return binary.BigEndian.AppendUint64(b, uint64(c.end.UnixMilli()))
}

func readCounter(b *bbolt.Bucket, key []byte) (c counter, found bool, err error) {
	value, err := lookup(b, key)
	if value == nil || err != nil {
		return c, false, err
	}
	if len(value) != 16 {
		return c, false, fmt.Errorf("counter: %w", ErrDamaged)
	}
	c.value = int64(binary.BigEndian.Uint64(value))
	if ms := int64(binary.BigEndian.Uint64(value[8:])); ms != 0 {
		c.end = time.UnixMilli(ms)
	}
	return c, true, nil
}

// ended reports whether the window of the counter is over.
func (c counter) ended(now time.Time) bool { return !c.end.IsZero() && !now.Before(c.end) }

// readRecord gives the record under id, also one that has expired.
func readRecord(b *bbolt.Bucket, kind store.Kind, id string) (store.Record, bool, error) {
	value, err := lookup(b, []byte(id))
	if value == nil || err != nil {
		return store.Record{}, false, err
	}
	r, err := store.Unmarshal(kind, id, value)
	return r, err == nil, err
}
