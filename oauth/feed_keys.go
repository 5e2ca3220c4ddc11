package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A signing key that is withdrawn is told before it is gone, as whatever else ends. It is told to every reader, under a name of
// its own: readers pass over names that they do not know, and a node of an earlier version, which would call it `ended`, tells
// nobody, since it is meant for no audience.

// KeysEvent is the name of the event that tells that the key set has changed. The others are called EndedEvent.
const (
	KeysEvent  = "keys"
	EndedEvent = "ended"
)

// KeysChanged is the data of a KeysEvent.
type KeysChanged struct {
	Withdrawn []string `json:"withdrawn"` // the kid of each
	Until     int64    `json:"until"`     // Unix time in s: no token that they signed here lives longer
}

// keysEnd tells that keys are about to be withdrawn.
func (p *Provider) keysEnd(ctx context.Context, ids []string) error {
	until := untilSecond(p.now().Add(endSettles + MaxAccessToken))
	data, err := json.Marshal(KeysChanged{ids, until})
	if err != nil {
		return fmt.Errorf("encode an event of the feed: %w", err)
	}
	return p.feed.tell(ctx, feedEvent{Name: KeysEvent, Until: until, Data: data})
}

// noteKeys keeps which keys are told to be withdrawn. The caller holds the lock.
func (f *feed) noteKeys(e *feedEvent) {
	var changed KeysChanged
	if e.Name != KeysEvent || json.Unmarshal(e.Data, &changed) != nil {
		return
	}
	for _, id := range changed.Withdrawn {
		f.withdrawn[id] = max(f.withdrawn[id], e.Until)
	}
}

// forgetKeys lets go of those that can be in no token any more. The caller holds the lock.
func (f *feed) forgetKeys(now time.Time) {
	maps.DeleteFunc(f.withdrawn, func(_ string, until int64) bool { return until < now.Unix() })
}

func (f *feed) withdrawnKeys() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.withdrawn))
}

// settleKeys withdraws the keys that were told to be withdrawn and are still, or again, in use: the node that told it ended
// before it did it, or a failover lost what it did. APIs refuse what they sign.
func (p *Provider) settleKeys(ctx context.Context, l *lateComers) error {
	now := p.feed.clock()
	for _, id := range p.feed.withdrawnKeys() {
		due, noted := l.keys[id]
		switch {
		case !p.keys.knows(id):
			delete(l.keys, id)
			continue
		case noted && now < due:
			continue
		}
		l.keys[id] = now + settleAfter
		if !noted {
			continue
		}
		if err := p.withdrawAgain(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provider) withdrawAgain(ctx context.Context, id string) error {
	gone, err := p.keys.Withdraw(ctx, id)
	if errors.Is(err, ErrNoSuchKey) {
		return nil // another node was faster
	}
	if err != nil {
		return err
	}
	if err := p.auditLog.Record(ctx, KeyWithdrawn(gone)); err != nil {
		return fmt.Errorf("write audit event: %w", err)
	}
	return nil
}
