package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

// Sign gives claims as a JWS signed with the current key of an algorithm; the empty one is the main algorithm.
// ErrNoSigningKey where there is none, also after a look into the store: another node may have made one a moment ago.
func (k *Keyring) Sign(a jose.Algorithm, typ string, claims []byte) (string, error) {
	if k.view.Load() == nil {
		return "", ErrKeysNotLoaded
	}
	if a == "" {
		a = k.config.Algorithm
	}
	if key := k.view.Load().signing[a]; key != nil {
		return key.Sign(typ, claims)
	}
	err := k.freshen()
	if key := k.view.Load().signing[a]; key != nil {
		return key.Sign(typ, claims)
	}
	if err != nil {
		return "", fmt.Errorf("%w by %s: %w", ErrNoSigningKey, a, err)
	}
	return "", fmt.Errorf("%w by %s", ErrNoSigningKey, a)
}

// Verify checks a JWS against the keys in memory and gives its claims; see jose.Verify. A kid that is not known is looked
// for in the store, but at most once a second, since strangers choose it. Where the store cannot say, nothing is known of
// the token: store.IsUnavailable.
func (k *Keyring) Verify(token, typ string) (claims []byte, err error) {
	if k.view.Load() == nil {
		return nil, ErrKeysNotLoaded
	}
	var unread error
	claims, err = jose.Verify(token, typ, func(kid string) (*jose.Key, bool) {
		known, ok := k.view.Load().keys[kid]
		if !ok {
			unread = k.freshen()
			known, ok = k.view.Load().keys[kid]
		}
		if !ok || known.ended(k.now()) {
			return nil, false
		}
		unread = nil
		return known.key, true
	})
	if store.IsUnavailable(unread) {
		return nil, fmt.Errorf("read the keys for a token: %w", unread)
	}
	return claims, err
}

// freshEvery is how often keys that are not known may bring a read of the store about.
const freshEvery = time.Second

type freshRead struct {
	began time.Time
	done  chan struct{}
	err   error
}

// freshen reads the store for a key that is not known. All who come while a read runs, or within a second after it
// began, get what it gave.
func (k *Keyring) freshen() error {
	r, mine := k.joinFreshRead()
	if mine {
		r.err = k.look(context.Background())
		close(r.done)
	}
	<-r.done
	return r.err
}

func (k *Keyring) joinFreshRead() (r *freshRead, mine bool) {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.latest; r != nil {
		select {
		case <-r.done:
			if now.Sub(r.began).Abs() < freshEvery {
				return r, false
			}
		default:
			return r, false
		}
	}
	k.latest = &freshRead{began: now, done: make(chan struct{})}
	return k.latest, true
}
