package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// An end reaches every node within a second. Until then another node may issue under what has ended: it follows a user whose
// password was changed a moment ago, and what it issues may reach an API that was not told. And of two who change a client
// at the same moment, the one who was told of last may not be the one who wrote last. So every node that follows the feed
// looks once more at what an event was about, when all have heard of it, and appends what is missing. Nodes may do
// so twice: an event that says the same again does no harm.

// settleAfter is when that is. A little longer than nodes may not have heard of an end.
const settleAfter = endSettles + time.Second

// lateComers is what is to be looked at once more.
type lateComers struct {
	number uint64 // the last event that was seen
	branch int
	users  map[subjectKey]*toldSubject
	client map[string]*toldClient
	keys   map[string]time.Duration // that were told to be withdrawn and are there: when they are withdrawn here
}

type subjectKey struct{ userID, generation string }

// toldSubject is what readers know of a generation of a user.
type toldSubject struct {
	reached
	due  time.Duration
	done bool
}

// toldClient is what readers know of a client.
type toldClient struct {
	audience []string // who was told
	before   int64
	due      time.Duration
}

func newLateComers() *lateComers {
	return &lateComers{users: map[subjectKey]*toldSubject{}, client: map[string]*toldClient{}, keys: map[string]time.Duration{}}
}

// settle looks at what is due.
func (p *Provider) settle(ctx context.Context, l *lateComers) error {
	if !p.Ready() {
		return nil
	}
	now := p.feed.clock()
	p.feed.hand(l)
	for id, told := range l.client {
		if now < told.due {
			continue
		}
		if err := p.settleClient(ctx, id, told); err != nil {
			return err
		}
		delete(l.client, id)
	}
	for key, told := range l.users {
		switch {
		case now < told.due:
		case told.done:
			delete(l.users, key)
		default:
			if err := p.settleSubject(ctx, key, told.reached); err != nil {
				return err
			}
			// Kept for as long again: what was appended now is not to be looked at.
			told.done, told.due = true, now+settleAfter
		}
	}
	return p.settleKeys(ctx, l)
}

// settleSince is how old what a node finds when it begins to follow may be and still is looked at. Other nodes did, where
// there are any.
const settleSince = time.Minute

// hand notes the events that came since the last time.
func (f *feed) hand(l *lateComers) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.number == 0 || l.branch != f.branch {
		l.number, l.branch = f.end.last, f.branch
		since := f.now().Add(-settleSince)
		if i := slices.IndexFunc(f.recent, func(m feedMark) bool { return m.made.After(since) }); i >= 0 {
			l.number = f.recent[i].first - 1
		}
	}
	due := f.clock() + settleAfter
	for i := len(f.told) - 1; i >= 0 && f.told[i].number > l.number; i-- {
		l.note(f.told[i], due)
	}
	l.number = f.end.last
}

// note is called with the newest event first.
func (l *lateComers) note(e *feedEntry, due time.Duration) {
	var ended Ended
	if json.Unmarshal(e.Data, &ended) != nil {
		return // of a newer version
	}
	switch ended.Type {
	case EndedClient:
		told := l.client[ended.ClientID]
		if told == nil {
			told = &toldClient{}
			l.client[ended.ClientID] = told
		}
		if told.due < due {
			told.before, told.due = ended.Before, due
		}
		told.audience = Scope(told.audience).Union(e.Audience)
	case EndedSubject:
		key := subjectKey{ended.Subject, ended.Generation}
		told := l.users[key]
		if told == nil {
			told = &toldSubject{due: due}
			l.users[key] = told
		}
		told.audience = Scope(told.audience).Union(e.Audience)
		told.until = max(told.until, e.Until)
	}
}

// settleSubject tells what tokens of a generation came about while its end was told.
func (p *Provider) settleSubject(ctx context.Context, key subjectKey, told reached) error {
	all, err := p.generationsOf(ctx, key.userID)
	if err != nil {
		return err
	}
	left, living := all[key.generation]
	if !living || Scope(told.audience).Contains(left.audience) && left.until <= told.until {
		return nil
	}
	return p.feed.tell(ctx, about(p.subjectEnded(key.userID, key.generation, left.until), left.audience)...)
}

// settleClient tells the state of a client where readers were told of another one.
func (p *Provider) settleClient(ctx context.Context, clientID string, told *toldClient) error {
	c, _, err := p.LoadClient(ctx, clientID)
	if errors.Is(err, store.ErrNotFound) {
		return p.settleGone(ctx, clientID, told)
	}
	if err != nil || told.before == p.endedBefore(c) {
		return err
	}
	return p.tellClient(ctx, c)
}

// settleGone tells once more of a client that was deleted, where somebody who changed it meanwhile told after that.
func (p *Provider) settleGone(ctx context.Context, clientID string, told *toldClient) error {
	g, err := p.gone.Get(ctx, clientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil // long ago
	}
	if err != nil || told.before == g.Until.UnixMilli() {
		return err
	}
	return p.feed.tell(ctx, about(p.clientEnded(clientID, g.Until.UnixMilli()), told.audience)...)
}
