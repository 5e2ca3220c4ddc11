package oauth

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Bounds of what waits to be written, however long the store is away. Beyond them the oldest is let go.
const (
	maxTallies        = 20_000
	maxAuthorizations = 4096
	maxWrote          = 100_000
)

// pending is what was gathered and is not written yet, in the form of the records, and what this node wrote last, so that it
// does not write it again. It is guarded by usage.mu.
type pending struct {
	flushes        int // so far
	tallies        map[tallyID]*tallyDelta
	active         map[activeID]*activeState
	clients        map[clientKey]minute
	authorizations map[string]authorizationUse

	wroteClients        map[clientKey]minute
	wroteAuthorizations map[string]minute
}

// tallyDelta is what has to be added to a record.
type tallyDelta struct {
	since  int // the flush before which it began to wait
	counts map[slotOutcome]int64
}

type slotOutcome struct {
	slot int
	outcome
}

// activeState is what this node knows of a record of who was active.
type activeState struct {
	clients, users sketch
	changed        bool // the record may lack some of it
}

// clientKey names a client, or a secret of one.
type clientKey struct{ client, secret string }

func newPending() pending {
	return pending{
		tallies: map[tallyID]*tallyDelta{}, active: map[activeID]*activeState{},
		clients: map[clientKey]minute{}, authorizations: map[string]authorizationUse{},
		wroteClients: map[clientKey]minute{}, wroteAuthorizations: map[string]minute{},
	}
}

// gather moves the events of all stripes to what is pending.
func (u *usage) gather() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.stripes {
		u.pending.takeIn(u.stripes[i].take())
	}
	u.pending.letGo(u.now())
}

func (s *stripe) take() events {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.events
	s.events = newEvents()
	return e
}

func (p *pending) takeIn(e events) {
	for t, n := range e.counts {
		p.count(t, n)
	}
	for use := range e.clients {
		for _, k := range []clientKey{{client: use.client}, {use.client, use.secret}} {
			if use.at > p.wroteClients[k] {
				p.clients[k] = max(p.clients[k], use.at)
			}
		}
		p.activity(use.at, hashID(use.client), func(s *activeState) *sketch { return &s.clients })
	}
	for use := range e.users {
		p.activity(use.at, hashID(use.user), func(s *activeState) *sketch { return &s.users })
	}
	for id, use := range e.authorizations {
		if wrote, known := p.wroteAuthorizations[id]; !known || use.at-wrote >= authorizationEvery {
			if use.at >= p.authorizations[id].at {
				p.authorizations[id] = use
			}
		}
	}
}

// count adds to the four records that a count is part of.
func (p *pending) count(t tally, n int64) {
	for _, s := range []*span{hourOfMinutes, dayOfHours} {
		p.add(s.recordOf(t.at, ""), slotOutcome{s.slotOf(t.at), t.outcome}, n)
		if t.client != "" {
			p.add(s.recordOf(t.at, t.client), slotOutcome{s.slotOf(t.at), t.outcome}, n)
		}
	}
}

func (p *pending) add(id tallyID, slot slotOutcome, n int64) {
	d := p.tallies[id]
	if d == nil {
		d = &tallyDelta{p.flushes, map[slotOutcome]int64{}}
		p.tallies[id] = d
	}
	d.counts[slot] += n
}

// putBack keeps what could not be written for the next time.
func (p *pending) putBack(id tallyID, d *tallyDelta) {
	for slot, n := range d.counts {
		p.add(id, slot, n)
	}
	p.tallies[id].since = min(p.tallies[id].since, d.since)
}

func (p *pending) activity(at minute, hash uint32, part func(*activeState) *sketch) {
	for _, s := range []*span{activeTenMinutes, activeHour} {
		id := s.activeOf(at)
		state := p.active[id]
		if state == nil {
			state = &activeState{}
			p.active[id] = state
		}
		state.changed = part(state).add(hash) || state.changed
	}
}

// letGo bounds what waits.
func (p *pending) letGo(now time.Time) {
	maps.DeleteFunc(p.tallies, func(id tallyID, _ *tallyDelta) bool { return !now.Before(id.expires()) })
	keepNewest(p.tallies, maxTallies, func(id tallyID, d *tallyDelta) int { return d.since })
	maps.DeleteFunc(p.active, func(id activeID, s *activeState) bool {
		over := (id.start + 2*id.span.length).time().Before(now)
		return !now.Before(id.expires()) || over && !s.changed
	})
	keepNewest(p.authorizations, maxAuthorizations, func(_ string, use authorizationUse) minute { return use.at })
	keepNewest(p.clients, maxWrote, func(_ clientKey, at minute) minute { return at })
	for k, at := range p.wroteClients {
		if minuteOf(now) > at {
			delete(p.wroteClients, k) // the next use has to be written anyway
		}
	}
	for id, at := range p.wroteAuthorizations {
		if minuteOf(now)-at >= authorizationEvery {
			delete(p.wroteAuthorizations, id)
		}
	}
	// What was forgotten here is found in the record.
	keepNewest(p.wroteClients, maxWrote, func(_ clientKey, at minute) minute { return at })
	keepNewest(p.wroteAuthorizations, maxWrote, func(_ string, at minute) minute { return at })
}

// keepNewest bounds a map to n entries, those of the highest ages.
func keepNewest[K comparable, V any, A cmp.Ordered](m map[K]V, n int, age func(K, V) A) {
	if len(m) <= n {
		return
	}
	ages := make([]A, 0, len(m))
	for k, v := range m {
		ages = append(ages, age(k, v))
	}
	slices.Sort(ages)
	oldest, surplus := ages[len(m)-n], len(m)-n
	for k, v := range m {
		if surplus > 0 && age(k, v) < oldest {
			delete(m, k)
			surplus--
		}
	}
	for k, v := range m {
		if surplus > 0 && age(k, v) == oldest {
			delete(m, k)
			surplus--
		}
	}
}
