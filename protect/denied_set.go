package protect

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// keySet holds 64-bit keys, each until a second of Unix time. Readers take no lock, wait for nobody and allocate nothing;
// writers take turns. An entry costs 16 to 25 bytes where there are many.
//
// A key is a hash that the caller made with a seed of this process, so nobody can choose keys that collide, and two keys
// of a million are the same once in 37 million processes.
//
// What has ended stays until its shard is rebuilt, which happens when the shard is full, and in turns by sweep. A shard has
// a 256th of all, so no rebuilding is long enough to be noticed, whatever the number of entries.
type keySet struct {
	mu     sync.Mutex // of writers
	shards [keyShards]keyShard
}

const (
	keyShards    = 256
	minShardSize = 8
)

type keyShard struct {
	table atomic.Pointer[keyTable] // nil: empty
	used  int                      // slots taken, also by what has ended; of writers
}

// keyTable is a hash table with open addressing. Slots are only ever filled; what makes room is another table.
type keyTable struct {
	keys  []atomic.Uint64 // 0: free
	until []atomic.Uint32
}

func newKeyTable(size int) *keyTable {
	return &keyTable{keys: make([]atomic.Uint64, size), until: make([]atomic.Uint32, size)}
}

// has tells whether key was added with an end behind now.
func (s *keySet) has(key uint64, now uint32) bool {
	key = nonzero(key)
	t := s.shards[key%keyShards].table.Load()
	if t == nil {
		return false
	}
	i, found := t.find(key)
	return found && t.until[i].Load() > now
}

// add notes key until a time; the later of two ends counts.
func (s *keySet) add(key uint64, until, now uint32) {
	if until <= now {
		return
	}
	key = nonzero(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := &s.shards[key%keyShards]
	t := sh.table.Load()
	if t != nil {
		if i, found := t.find(key); found {
			t.until[i].Store(max(until, t.until[i].Load()))
			return
		}
	}
	if t == nil || (sh.used+1)*4 > len(t.keys)*3 {
		t = sh.rebuild(now)
	}
	sh.used++
	t.put(key, until)
}

// sweep rebuilds one shard if a good part of it has ended.
func (s *keySet) sweep(shard int, now uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := &s.shards[shard%keyShards]
	t := sh.table.Load()
	switch live := t.live(now); {
	case live == 0:
		sh.table.Store(nil)
		sh.used = 0
	case live*4 <= sh.used*3:
		sh.rebuild(now)
	}
}

// rebuild puts what has not ended into a table that is half full. Readers go on with the old one meanwhile: what it lacks
// is only what the same writer adds next.
func (sh *keyShard) rebuild(now uint32) *keyTable {
	old := sh.table.Load()
	live := old.live(now)
	t := newKeyTable(max(minShardSize, live*2))
	if live > 0 {
		old.copyTo(t, now)
	}
	sh.used = live
	sh.table.Store(t)
	return t
}

func (t *keyTable) copyTo(other *keyTable, now uint32) {
	for i := range t.until {
		if until := t.until[i].Load(); until > now {
			other.put(t.keys[i].Load(), until)
		}
	}
}

// find gives the slot of key, or the free one where it belongs. A table is never full, so this ends.
func (t *keyTable) find(key uint64) (slot int, found bool) {
	for i := t.home(key); ; i++ {
		if i == len(t.keys) {
			i = 0
		}
		switch t.keys[i].Load() {
		case key:
			return i, true
		case 0:
			return i, false
		}
	}
}

// put fills a free slot. The end is there before the key is, so that no reader finds one without the other.
func (t *keyTable) put(key uint64, until uint32) {
	i, _ := t.find(key)
	t.until[i].Store(until)
	t.keys[i].Store(key)
}

// live counts what has not ended; no table has none.
func (t *keyTable) live(now uint32) int {
	if t == nil {
		return 0
	}
	n := 0
	for i := range t.until {
		if t.until[i].Load() > now {
			n++
		}
	}
	return n
}

// home takes the high bits of a key; the low ones chose the shard.
func (t *keyTable) home(key uint64) int {
	high, _ := bits.Mul64(key, uint64(len(t.keys)))
	return int(high) //nolint:gosec // below the length of a slice
}

func nonzero(key uint64) uint64 {
	if key == 0 {
		return 1
	}
	return key
}
