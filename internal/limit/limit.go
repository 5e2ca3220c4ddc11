// Package limit says how much may come, and how much is worked on at once: token buckets by class and key, which nodes
// share within about a second, and lanes of bounded width with a short queue.
//
// It knows nothing of HTTP and of stores. A request asks nobody outside of the process: what other nodes gave away is
// exchanged in the background (share.go), so a store that is away leaves each node with its own buckets.
package limit

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Config is what limits are built from.
type Config struct {
	Table  Table
	Exempt []netip.Prefix   // addresses that are never counted
	Count  Count            // where nodes add up what they gave; nil: this node is alone
	Now    func() time.Time // nil: time.Now
}

// Limits holds the buckets of all classes. A nil *Limits limits nothing.
type Limits struct {
	config Config
	began  time.Time // buckets count from here, so that a clock that is set does not move them
	seed   maphash.Seed
	paces  [classes]pace
	shards [shardCount]shard

	gathering sync.Mutex
	next      int // the shard with which the next exchange begins
}

// What is held at most: 65536 buckets, some 10 MB, whoever sends from however many addresses.
const (
	shardCount = 64
	shardMost  = 1024
)

type shard struct {
	mu      sync.Mutex
	index   map[uint64]int32 // of a key's bucket
	buckets []bucket
	hand    int // where room is looked for next
	next    int // the bucket with which the next exchange begins
}

// bucket is kept as the moment when it is full again: what it lacks now is that moment less now. It may lack more than it
// holds, since what other nodes gave, and what was counted after it was served, is only heard of later.
type bucket struct {
	hash  uint64 // of key and class
	full  int64  // nanoseconds since Limits.began
	used  int64  // requests since the last exchange
	class Class
	name  string // of the key, "" while it is nothing that other nodes should hear of
	share share
}

// pace is a rate in nanoseconds.
type pace struct {
	interval int64 // to refill one request; 0: no limit
	depth    int64 // to refill all of it
	deepest  int64 // what a bucket may lack at most
	notable  int64 // requests between two exchanges that other nodes should hear of
}

// New makes limits with full buckets.
func New(c Config) *Limits {
	if c.Now == nil {
		c.Now = time.Now
	}
	l := &Limits{config: c, began: c.Now(), seed: maphash.MakeSeed()}
	for class, rate := range c.Table {
		l.paces[class] = newPace(rate)
	}
	for i := range l.shards {
		l.shards[i].index = map[uint64]int32{}
	}
	return l
}

func newPace(r Rate) pace {
	if r == (Rate{}) {
		return pace{}
	}
	second := float64(time.Second)
	p := pace{interval: int64(second / r.PerSecond), depth: int64(second / r.PerSecond * r.Burst)}
	p.deepest = 2*p.depth + 4*int64(time.Second)
	p.notable = max(1, int64(min(r.PerSecond*exchangeEvery.Seconds()/notableShare, r.Burst/2)))
	return p
}

// Take counts a request under a name, and refuses it with *ExceededError where the bucket is empty.
func (l *Limits) Take(c Class, name string) error {
	if l == nil || l.paces[c].interval == 0 {
		return nil
	}
	now := l.since()
	hash := maphash.String(l.seed, name) ^ spread(c)
	s := &l.shards[hash%shardCount]
	p := &l.paces[c]
	s.mu.Lock()
	b := s.find(hash, c, now)
	wait := p.wait(b.full, now)
	if wait == 0 {
		b.charge(p, 1, now)
		if b.name == "" && b.isNotable(p, now) {
			b.name = name
		}
	}
	s.mu.Unlock()
	return refused(c, wait)
}

// Check refuses an address whose bucket is empty with *ExceededError. It counts nothing: Count does, once it is known that
// the request is to be held against its address.
func (l *Limits) Check(c Class, address netip.Addr) error {
	if l == nil || l.paces[c].interval == 0 {
		return nil
	}
	hash, counted := l.hash(c, address)
	if !counted {
		return nil
	}
	s := &l.shards[hash%shardCount]
	s.mu.Lock()
	b := s.known(hash)
	if b == nil {
		s.mu.Unlock()
		return nil
	}
	wait := l.paces[c].wait(b.full, l.since())
	s.mu.Unlock()
	return refused(c, wait)
}

// Count counts a request against an address, however little its bucket holds.
func (l *Limits) Count(c Class, address netip.Addr) {
	if l == nil || l.paces[c].interval == 0 {
		return
	}
	hash, counted := l.hash(c, address)
	if !counted {
		return
	}
	now := l.since()
	s := &l.shards[hash%shardCount]
	p := &l.paces[c]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(hash, c, now)
	b.charge(p, 1, now)
	if b.name == "" && b.isNotable(p, now) {
		b.name = network(address).String()
	}
}

func (l *Limits) since() int64 { return int64(l.config.Now().Sub(l.began)) }

// hash gives the key of an address; one without an address, and one that is exempt, is not counted.
func (l *Limits) hash(c Class, address netip.Addr) (hash uint64, counted bool) {
	if !address.IsValid() || slices.ContainsFunc(l.config.Exempt, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) }) {
		return 0, false
	}
	whole := address.As16()
	owned := whole[:]
	if !address.Is4() && !address.Is4In6() {
		owned = whole[:8] // the /64 that one subscriber has
	}
	return maphash.Bytes(l.seed, owned) ^ spread(c), true
}

// spread tells the classes of one key apart.
func spread(c Class) uint64 { return (uint64(c) + 1) * 0x9e3779b97f4a7c15 }

// network is what one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
func network(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return netip.PrefixFrom(address, 32)
	}
	return netip.PrefixFrom(address, 64).Masked()
}

func refused(c Class, wait int64) error {
	if wait == 0 {
		return nil
	}
	return &ExceededError{Class: c, RetryAfter: time.Duration(wait)}
}

// known gives the bucket of a key, nil where there is none, which is as good as a full one. It is good until the lock is
// given back.
func (s *shard) known(hash uint64) *bucket {
	if i, found := s.index[hash]; found {
		return &s.buckets[i]
	}
	return nil
}

// find makes a full bucket where there is none.
func (s *shard) find(hash uint64, c Class, now int64) *bucket {
	if b := s.known(hash); b != nil {
		return b
	}
	i := len(s.buckets)
	if i < shardMost {
		s.buckets = append(s.buckets, bucket{})
	} else {
		i = s.dispensable()
		delete(s.index, s.buckets[i].hash)
	}
	s.buckets[i] = bucket{hash: hash, full: now, class: c}
	s.index[hash] = int32(i)
	return &s.buckets[i]
}

// evictionSample is how many buckets are looked at to make room for one.
const evictionSample = 8

// dispensable gives the bucket that lacks least of a few: a flood from a million addresses pushes out its own, and hardly
// ever one that is empty.
func (s *shard) dispensable() int {
	least := s.hand
	for range evictionSample {
		if s.buckets[s.hand].full < s.buckets[least].full {
			least = s.hand
		}
		s.hand = (s.hand + 1) % len(s.buckets)
	}
	return least
}

// remove forgets a bucket; the last one takes its place.
func (s *shard) remove(i int) {
	delete(s.index, s.buckets[i].hash)
	last := len(s.buckets) - 1
	if i != last {
		s.buckets[i] = s.buckets[last]
		s.index[s.buckets[i].hash] = int32(i)
	}
	s.buckets[last] = bucket{}
	s.buckets = s.buckets[:last]
	s.hand = 0
}

// charge takes n requests out of a bucket.
func (b *bucket) charge(p *pace, n, now int64) {
	b.used += n
	b.lack(p, n, now)
}

func (b *bucket) lack(p *pace, n, now int64) {
	n = min(n, p.deepest/p.interval+1) // other nodes may tell of any number
	b.full = min(max(b.full, now)+n*p.interval, now+p.deepest)
}

// wait tells how long it takes until a bucket gives one request, in nanoseconds; 0: it does now.
func (p *pace) wait(full, now int64) int64 {
	return max(max(full-now, 0)+p.interval-p.depth, 0)
}

// restFor is how long a bucket is kept after it is full, so that a sender who comes again finds it.
const restFor = int64(10 * time.Second)

// sweep forgets buckets that have been full for a while.
func (l *Limits) sweep() {
	now := l.since()
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for j := len(s.buckets) - 1; j >= 0; j-- {
			if s.buckets[j].full+restFor < now {
				s.remove(j)
			}
		}
		s.mu.Unlock()
	}
}

// Held tells how many buckets there are.
func (l *Limits) Held() int {
	if l == nil {
		return 0
	}
	n := 0
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		n += len(s.buckets)
		s.mu.Unlock()
	}
	return n
}
