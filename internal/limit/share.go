package limit

import (
	"context"
	"sync"
	"time"
)

// Nodes share their buckets by telling each other what they gave away. Twice a second a node adds what each notable key has
// used to a counter that all nodes have in common, sees by how much the counter grew beyond that, and takes as much out
// of its own bucket. So several nodes together give about what one gives, and none of them waits for another.
//
// A key is notable that has used half of its burst, or a quarter of its rate since the last exchange; all others cost
// nothing. With more than four nodes, each may give up to that quarter unheard. A counter ends some seconds after it began,
// by the store's clock: clocks of nodes may differ.

// Count adds n to the counter of a key, which ends some time after it began, and gives what all nodes have added to it.
type Count func(ctx context.Context, key string, n int64, ttl time.Duration) (total int64, err error)

const (
	exchangeEvery = 500 * time.Millisecond // what was used is told and heard within twice this
	exchangeTime  = 450 * time.Millisecond // for all keys together
	exchangeMost  = 512                    // keys at one exchange; the others come at the next
	exchangers    = 16                     // keys at once
	countFor      = 2 * time.Second        // life of a counter
	notableShare  = 4                      // a key is notable from this part of its rate
)

// share is what a node knows of the counter of a key.
type share struct {
	known bool
	total int64 // at the last look
}

func (b *bucket) isNotable(p *pace, now int64) bool {
	return b.used >= p.notable || b.full-now > p.depth/2
}

// notable is one key at an exchange.
type notable struct {
	hash  uint64
	class Class
	name  string
	used  int64
}

// Run exchanges with other nodes, and forgets buckets that are full, until ctx ends.
func (l *Limits) Run(ctx context.Context) {
	tick := time.NewTicker(exchangeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.Exchange(ctx)
			l.sweep()
		}
	}
}

// Exchange tells other nodes once what this one gave, and hears what they did. What cannot be told because the store is
// away is forgotten: each node's own buckets are in force.
func (l *Limits) Exchange(ctx context.Context) {
	keys := l.gather()
	if len(keys) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	work := make(chan notable)
	var workers sync.WaitGroup
	for range min(exchangers, len(keys)) {
		workers.Go(func() {
			for k := range work {
				total, err := l.config.Count(ctx, k.class.String()+" "+k.name, k.used, countFor)
				l.hear(k, total, err)
			}
		})
	}
	for _, k := range keys {
		work <- k
	}
	close(work)
	workers.Wait()
}

// gather takes what notable keys have used since the last exchange. Where they are more than are told of at once, the next
// exchange goes on where this one ends.
func (l *Limits) gather() []notable {
	l.gathering.Lock()
	defer l.gathering.Unlock()
	now := l.since()
	var keys []notable
	begin := l.next
	for i := range shardCount {
		n := (begin + i) % shardCount
		if keys = l.shards[n].gather(l, now, keys); len(keys) < exchangeMost {
			l.next = n + 1
		}
	}
	return keys
}

func (s *shard) gather(l *Limits, now int64, keys []notable) []notable {
	s.mu.Lock()
	defer s.mu.Unlock()
	begin := s.next
	for i := range s.buckets {
		n := (begin + i) % len(s.buckets)
		b := &s.buckets[n]
		switch p := &l.paces[b.class]; {
		case l.config.Count == nil || b.name == "" || !b.isNotable(p, now):
			b.used, b.name, b.share = 0, "", share{}
		case len(keys) < exchangeMost:
			keys = append(keys, notable{b.hash, b.class, b.name, b.used})
			b.used = 0
			s.next = n + 1
		}
	}
	return keys
}

// hear takes out of a bucket what other nodes have given under its key.
func (l *Limits) hear(k notable, total int64, err error) {
	s := &l.shards[k.hash%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.known(k.hash)
	if b == nil || b.name != k.name {
		return
	}
	if err != nil {
		b.share = share{}
		return
	}
	p := &l.paces[k.class]
	others := max(total-k.used, 0)
	switch grown := others - b.share.total; {
	case !b.share.known:
		// How old the counter is, nobody knows: what the refill makes up for in its life is not held against the key.
		others = max(others-int64(countFor)/p.interval, 0)
	case grown >= 0:
		others = grown
	} // otherwise it has begun anew since the last look
	b.lack(p, others, l.since())
	b.share = share{known: true, total: total}
}
