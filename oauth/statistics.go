package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// Period is a stretch of time until now that statistics are told of.
type Period string

// The periods.
const (
	Hour Period = "hour" // in steps of a minute
	Day  Period = "day"  // in steps of an hour
	Week Period = "week" // in steps of an hour
)

// layout says how a period is made of steps and records.
type layout struct {
	steps  int
	tally  *span
	active *span
}

var layouts = map[Period]layout{
	Hour: {60, hourOfMinutes, activeTenMinutes},
	Day:  {24, dayOfHours, activeHour},
	Week: {7 * 24, dayOfHours, activeHour},
}

// Statistics says what was issued and refused in a period, in steps from From to To; the last step is under way. ActiveClients
// and ActiveUsers count who was active since From, or up to ten minutes before it where the period is an hour; beyond 256
// they are estimates, a few percent off.
type Statistics struct {
	Period        Period        `json:"period"`
	From          time.Time     `json:"from"`
	To            time.Time     `json:"to"`
	Step          time.Duration `json:"-"`
	Issued        []Series      `json:"issued"`  // by grant, the most frequent first
	Refused       []Series      `json:"refused"` // by reason, an error code, the most frequent first
	ActiveClients int64         `json:"active_clients"`
	ActiveUsers   int64         `json:"active_users"` // 0 in the statistics of one client
}

// Series is one name counted over the steps of a period.
type Series struct {
	Name   string  `json:"name"`
	Counts []int64 `json:"counts"`
	Total  int64   `json:"total"`
}

// Statistics tells what the whole server did: what its nodes have written, a few seconds ago at most, and what this one has
// not written yet. *RegistrationError for a period that there is not.
func (p *Provider) Statistics(ctx context.Context, period Period) (*Statistics, error) {
	s, err := p.statistics(ctx, "", period)
	if err != nil {
		return nil, err
	}
	l := layouts[period]
	clients, users, err := p.usage.activeSince(ctx, l.active, minuteOf(s.From))
	s.ActiveClients, s.ActiveUsers = clients, users
	return s, err
}

// ClientStatistics tells what was issued to and refused to one client, as Statistics does.
func (p *Provider) ClientStatistics(ctx context.Context, clientID string, period Period) (*Statistics, error) {
	if !isClientID(clientID) {
		return nil, store.ErrNotFound
	}
	s, err := p.statistics(ctx, clientID, period)
	if err == nil && len(s.Issued) > 0 {
		s.ActiveClients = 1
	}
	return s, err
}

func (p *Provider) statistics(ctx context.Context, clientID string, period Period) (*Statistics, error) {
	l, known := layouts[period]
	if !known {
		return nil, &RegistrationError{[]FieldError{{"period", "must be hour, day or week"}}}
	}
	step := time.Duration(l.tally.slot) * time.Minute
	to := p.now().Truncate(step).Add(step)
	s := &Statistics{Period: period, From: to.Add(-time.Duration(l.steps) * step), To: to, Step: step}
	sums := plot{begin: minuteOf(s.From), end: minuteOf(to), slot: l.tally.slot, counts: map[outcome][]int64{}}
	if err := p.usage.sum(ctx, l.tally, clientID, &sums); err != nil {
		return nil, err
	}
	s.Issued, s.Refused = sums.series()
	return s, nil
}

// plot sums counts by name over the slots of a stretch of time.
type plot struct {
	begin, end, slot minute
	counts           map[outcome][]int64
}

func (s *plot) add(at minute, o outcome, n int64) {
	if at < s.begin || at >= s.end || n == 0 {
		return
	}
	if s.counts[o] == nil {
		s.counts[o] = make([]int64, (s.end-s.begin)/s.slot)
	}
	s.counts[o][(at-s.begin)/s.slot] += n
}

func (s *plot) series() (issued, refused []Series) {
	issued, refused = []Series{}, []Series{}
	for o, counts := range s.counts {
		one := Series{Name: o.name, Counts: counts}
		for _, n := range counts {
			one.Total += n
		}
		if o.refused {
			refused = append(refused, one)
		} else {
			issued = append(issued, one)
		}
	}
	for _, list := range [][]Series{issued, refused} {
		slices.SortFunc(list, func(a, b Series) int {
			return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name))
		})
	}
	return issued, refused
}

// sum adds up the records that a plot touches, and what this node has not written.
func (u *usage) sum(ctx context.Context, s *span, clientID string, into *plot) error {
	release, err := u.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	u.gather()
	var ids []tallyID
	for at := into.begin - into.begin%s.length; at < into.end; at += s.length {
		ids = append(ids, s.recordOf(at, clientID))
	}
	var mu sync.Mutex
	failed := inParallel(ids, func(id tallyID) error {
		r, err := u.records.tallies.Get(ctx, id.String())
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read statistics: %w", err)
		}
		mu.Lock()
		defer mu.Unlock()
		r.addTo(id, into)
		return nil
	})
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range ids {
		if delta := u.pending.tallies[id]; delta != nil {
			for slot, n := range delta.counts {
				into.add(id.at(slot.slot), slot.outcome, n)
			}
		}
	}
	return oneOf(failed)
}

// at gives when a slot of the record begins.
func (id tallyID) at(slot int) minute { return id.start + minute(slot)*id.span.slot }

func (r *tallyRecord) addTo(id tallyID, into *plot) {
	for name, slots := range r.Issued {
		for slot, n := range slots {
			into.add(id.at(slot), outcome{name: name}, n)
		}
	}
	for name, slots := range r.Refused {
		for slot, n := range slots {
			into.add(id.at(slot), outcome{refused: true, name: name}, n)
		}
	}
}

// maxActive bounds a page of records of who was active.
const maxActive = 200

// activeSince counts who was active since a time: all nodes' records, and what this node has not written.
func (u *usage) activeSince(ctx context.Context, s *span, since minute) (clients, users int64, err error) {
	u.gather()
	first := s.activeOf(since)
	before := activeID{s, first.start - 1}.String()
	var all activeState
	for cursor, done := before, false; !done; {
		page, next, err := u.records.active.List(ctx, "", cursor, maxActive)
		if err != nil {
			return 0, 0, fmt.Errorf("read who was active: %w", err)
		}
		for _, r := range page {
			if done = !strings.HasPrefix(r.ID, s.name+"/"); done {
				break
			}
			if err := all.takeIn(r); err != nil {
				return 0, 0, err
			}
		}
		done = done || next == ""
		cursor = next
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, state := range u.pending.active {
		if id.span == s && id.start >= first.start {
			all.clients.merge(&state.clients)
			all.users.merge(&state.users)
		}
	}
	return all.clients.count(), all.users.count(), nil
}
