package protect

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// When the feed tells that the keys have changed, they are read again: after a moment, in which the server does what it told
// and not all APIs ask at once. The next such reading comes later by twice as long, up to keysAsked, until none was for keysCalm.
const (
	keysTold = time.Second
	keysCalm = time.Minute
)

// errOldKeys is answered by a reading that gave a key which was withdrawn: what was read is older than the withdrawal.
var errOldKeys = errors.New("the key set still has a key that was withdrawn")

// withdraw refuses from now on what keys have signed, whatever set is read, and has the keys read again. It is remembered at
// least until then, and for as long as the server publishes one of them.
func (k *keyring) withdraw(ids []string, until time.Time) {
	var fresh []string
	k.mu.Lock()
	for _, id := range ids {
		if _, known := k.gone[id]; !known {
			fresh = append(fresh, id)
		}
		k.gone[id] = max(k.gone[id], until.UnixMilli())
	}
	if known := k.known.Load(); known != nil {
		k.known.Store(known.without(fresh))
	}
	k.mu.Unlock()
	if len(fresh) > 0 {
		k.config.Log.Warn("the authorization server has withdrawn signing keys", "issuer", k.config.Issuer, "kids", fresh)
		k.changed()
	}
}

// without gives the set without some of its keys, the same one where it has none of them.
func (s *keys) without(ids []string) *keys {
	left := &keys{byID: maps.Clone(s.byID)}
	for _, id := range ids {
		delete(left.byID, id)
	}
	if len(left.byID) == len(s.byID) {
		return s
	}
	return left
}

// withdrawn reports whether the feed told that a key is.
func (k *keyring) withdrawn(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, gone := k.gone[id]
	return gone
}

// older reports whether a set has a key that was withdrawn. If it has none, those are forgotten that no token can be signed with
// any more. The caller holds the lock.
func (k *keyring) older(set []*jose.Key) bool {
	for _, key := range set {
		if _, gone := k.gone[key.ID]; gone {
			return true
		}
	}
	now := k.config.Now().UnixMilli()
	maps.DeleteFunc(k.gone, func(_ string, until int64) bool { return until < now })
	return false
}

// changed has the keys read again, since those that are known are not all that there are.
func (k *keyring) changed() {
	k.told.Add(1)
	select {
	case k.news <- struct{}{}:
	default: // run knows
	}
}

// outdated reports whether the keys have changed and could not be read since.
func (k *keyring) outdated() bool { return k.told.Load() != k.seen.Load() }

// which says whether the keys may come from a cache on the way.
func (k *keyring) which() copies {
	if k.outdated() {
		return noCopy
	}
	return anyCopy
}

// wait ends when the keys are to be read: after next, or when somebody asks for it, or soon after the feed told of a change.
// It reports false where the context ends before.
func (k *keyring) wait(ctx context.Context, next time.Duration) bool {
	due := time.Now().Add(next)
	timer := time.NewTimer(next)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-k.wanted:
			return true
		case <-timer.C:
			k.begin()
			return true
		case <-k.news:
			if soon := k.soon(); soon.Before(due) {
				due, k.last = soon, soon
				k.inRow++
				timer.Reset(time.Until(due))
			}
		}
	}
}

// soon is when the keys are read because the feed told of a change.
func (k *keyring) soon() time.Time {
	if time.Since(k.last) > keysCalm {
		k.inRow = 0
	}
	soon, earliest := time.Now().Add(jitter(keysTold)), k.last.Add(doubled(keysTold, k.inRow, keysAsked))
	if soon.Before(earliest) {
		return earliest
	}
	return soon
}
