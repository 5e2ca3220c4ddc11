package protect

import (
	"crypto/sha256"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// digest stands for a token, so that no cache holds one that could be used if the memory were read.
type digest [sha256.Size]byte

func digestOf(token string) digest {
	var buffer [2048]byte // stays on the stack; most tokens fit
	if len(token) <= len(buffer) {
		return sha256.Sum256(buffer[:copy(buffer[:], token)])
	}
	return sha256.Sum256([]byte(token))
}

// ways is how many places one digest can lie in. The tags of a set fill one line of the processor's cache.
const ways = 8

// cache keeps values for a while, at most so many. Readers take no lock, wait for nobody and allocate nothing; writers take
// turns. Where a digest can lie depends on a seed of this process, so nobody can crowd others out of chosen places.
type cache[T any] struct {
	seed  maphash.Seed
	mu    sync.Mutex // of writers
	tags  []atomic.Uint64
	slots []atomic.Pointer[entry[T]]
}

type entry[T any] struct {
	digest digest
	value  T
	until  int64        // unix milliseconds
	used   atomic.Int64 // unix seconds of the last use
}

// newCache has room for about size values: half as many places again, because values do not spread evenly.
func newCache[T any](size int) *cache[T] {
	sets := max(1, (size+size/2)/ways)
	return &cache[T]{
		seed:  maphash.MakeSeed(),
		tags:  make([]atomic.Uint64, sets*ways),
		slots: make([]atomic.Pointer[entry[T]], sets*ways),
	}
}

// place gives the first of the places of a digest, and what marks it there.
func (c *cache[T]) place(d *digest) (first int, tag uint64) {
	tag = max(1, maphash.Bytes(c.seed, d[:]))
	return int(tag>>1%uint64(len(c.slots)/ways)) * ways, tag //nolint:gosec // below the length of a slice
}

// get gives what was put under the digest and is good beyond now, in unix milliseconds.
func (c *cache[T]) get(d *digest, now int64) (value T, ok bool) {
	first, tag := c.place(d)
	for i := first; i < first+ways; i++ {
		if c.tags[i].Load() != tag {
			continue
		}
		if e := c.slots[i].Load(); e != nil && e.digest == *d && e.until > now {
			if second := now / 1000; e.used.Load() != second { // not at every use: other processors read this line
				e.used.Store(second)
			}
			return e.value, true
		}
	}
	return value, false
}

// put keeps the value until a time, in unix milliseconds. What was under the digest is replaced; where there is no room,
// what has ended goes, or else what was not used for the longest time.
func (c *cache[T]) put(d *digest, value T, until, now int64) {
	e := &entry[T]{digest: *d, value: value, until: until}
	e.used.Store(now / 1000)
	first, tag := c.place(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	best, least := first, int64(1<<62)
	for i := first; i < first+ways; i++ {
		old := c.slots[i].Load()
		worth := int64(0)
		switch {
		case old == nil || old.until <= now:
			worth = -1
		case old.digest == *d:
			worth = -2
		default:
			worth = old.used.Load()
		}
		if worth < least {
			best, least = i, worth
		}
	}
	c.slots[best].Store(e) // before the tag, so that no reader follows the tag to nothing
	c.tags[best].Store(tag)
}

// len counts what has not ended.
func (c *cache[T]) len(now int64) int {
	n := 0
	for i := range c.slots {
		if e := c.slots[i].Load(); e != nil && e.until > now {
			n++
		}
	}
	return n
}
