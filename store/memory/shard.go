package memory

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// shard holds some of the records and counters. It is swept by those who write to it: there is no goroutine to stop.
type shard struct {
	mu       sync.RWMutex
	records  map[key]store.Record
	counters map[key]counter
	ends     ends
}

type counter struct {
	value int64
	ends  time.Time
}

func (c counter) ended(now time.Time) bool { return !c.ends.IsZero() && !now.Before(c.ends) }

// put stores a copy of r under a new version and enters it in the index. The caller holds the lock.
func (s *Store) put(sh *shard, k key, r store.Record) uint64 {
	r = copied(r)
	r.Version = s.version.Add(1)
	if !r.Expires.IsZero() {
		r.Expires = time.UnixMilli(r.Expires.UnixMilli())
		sh.ends.push(end{r.Expires, k})
	}
	sh.records[k] = r
	for _, tag := range tags(r) {
		s.enter(key{k.kind, tag}, k.id)
	}
	return r.Version
}

// remove deletes a record that is there, with its index. The caller holds the lock.
func (s *Store) remove(sh *shard, k key) {
	for _, tag := range tags(sh.records[k]) {
		s.leave(key{k.kind, tag}, k.id)
	}
	delete(sh.records, k)
}

func tags(r store.Record) []string {
	if r.Kind.Spread {
		return r.Tags
	}
	return append([]string{""}, r.Tags...)
}

// sweepAtMost bounds what one write pays for others: more than it adds, so a shard cannot grow of what has ended.
const sweepAtMost = 4

// sweep removes a few of the records and counters that have ended. The caller holds the lock.
func (s *Store) sweep(sh *shard, now time.Time) {
	for range sweepAtMost {
		if len(sh.ends) == 0 || now.Before(sh.ends[0].at) {
			return
		}
		k := heap.Pop(&sh.ends).(end).key
		// The name may have been written again since, with a later end that stands in the heap as well.
		if r, ok := sh.records[k]; ok && r.Expired(now) {
			s.remove(sh, k)
		}
		if c, ok := sh.counters[k]; ok && c.ended(now) {
			delete(sh.counters, k)
		}
	}
}

// end says when a record or a counter of that name ends.
type end struct {
	at  time.Time
	key key
}

// ends is a heap, the earliest first.
type ends []end

func (e *ends) push(x end) { heap.Push(e, x) }

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// Push is part of heap.Interface.
func (e *ends) Push(x any) { *e = append(*e, x.(end)) }

// Pop is part of heap.Interface.
func (e *ends) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = end{}
	*e = old[:len(old)-1]
	return last
}

// SweeperLag tells how long ago the oldest thing expired that is still kept; 0 where there is none. Whoever writes sweeps, so
// a store that nobody writes to falls behind, and grows no more.
func (s *Store) SweeperLag(context.Context) (time.Duration, error) {
	now, lag := s.Now(), time.Duration(0)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		if len(sh.ends) > 0 {
			lag = max(lag, now.Sub(sh.ends[0].at))
		}
		sh.mu.RUnlock()
	}
	return lag, nil
}
