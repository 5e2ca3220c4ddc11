package protect

import (
	"math"
	"sync"
	"time"
)

// denied is what the feed has told: tokens that are refused although their signature and their times are good. Each
// entry is kept until no token lives that it could be about. Looking up takes no lock unless something is found that
// ends by a time, and allocates nothing.
type denied struct {
	tokens         keySet
	authorizations keySet
	gens           keySet
	sessions       keySet // authorizations whose session has ended; empty unless that counts
	clients        cutoffs
	subjects       cutoffs // for tokens without gen, which are older than the feed
}

// always is a cut-off before which everything began.
const always = math.MaxInt64

// has tells whether something has ended that the token needs.
func (d *denied) has(m marks, now uint32) bool {
	return m.token != 0 && d.tokens.has(m.token, now) ||
		m.authorization != 0 && (d.authorizations.has(m.authorization, now) || d.sessions.has(m.authorization, now)) ||
		m.gen != 0 && d.gens.has(m.gen, now) ||
		m.client != 0 && d.clients.has(m.client, m.began, now) ||
		m.gen == 0 && m.subject != 0 && d.subjects.has(m.subject, m.began, now)
}

// sweep forgets a 256th of what has ended. Called once a second it goes round in four minutes.
func (d *denied) sweep(turn int, now uint32) {
	for _, s := range []*keySet{&d.tokens, &d.authorizations, &d.gens, &d.sessions} {
		s.sweep(turn, now)
	}
	d.clients.sweep(turn, now)
	d.subjects.sweep(turn, now)
}

// cutoffs are ends by time: whatever began at or before it has ended. There are few, and most tokens have none, which
// the set of keys tells without a lock.
type cutoffs struct {
	known keySet
	mu    sync.RWMutex
	ends  map[uint64]cutoff
}

type cutoff struct {
	before int64
	until  uint32
}

// set replaces the cut-off of key.
func (c *cutoffs) set(key uint64, before int64, until, now uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until <= now {
		delete(c.ends, key)
		return
	}
	if c.ends == nil {
		c.ends = map[uint64]cutoff{}
	}
	c.ends[key] = cutoff{before, until}
	c.known.add(key, until, now)
}

// has tells whether a token that began then has ended. One that does not tell when it began is taken for old.
func (c *cutoffs) has(key uint64, began int64, now uint32) bool {
	if !c.known.has(key, now) {
		return false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	end, ok := c.ends[key]
	return ok && end.until > now && began <= end.before
}

// sweep drops those of one shard that have ended.
func (c *cutoffs) sweep(turn int, now uint32) {
	c.known.sweep(turn, now)
	if turn%keyShards != 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, end := range c.ends {
		if end.until <= now {
			delete(c.ends, key)
		}
	}
}

// second is a time as the sets keep it: the years 1970 to 2106.
func second(t time.Time) uint32 { return clampSecond(t.Unix()) }

func clampSecond(unix int64) uint32 {
	return uint32(min(max(unix, 0), math.MaxUint32)) //nolint:gosec // within its range
}
