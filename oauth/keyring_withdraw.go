package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

// ErrNoSuchKey is answered to the id of a key that is not there: it never was, has ended, or was withdrawn before.
var ErrNoSuchKey = errors.New("there is no key with this id")

// Withdraw takes a key that has leaked out of use at once: what it signed does not verify any more. The place of the current
// key goes to the next one, even if that is not known everywhere yet; the place of a next key goes to a new one. It tells
// what the key was. ErrNoSuchKey.
func (k *Keyring) Withdraw(ctx context.Context, id string) (KeyStatus, error) {
	if err := k.lookAgain(ctx); err != nil {
		return KeyStatus{}, err
	}
	for _, r := range k.view.Load().rings {
		if !slices.ContainsFunc(r.states(), func(s keyOfRing) bool { return s.ID == id }) {
			continue
		}
		gone, err := k.replaceRing(ctx, jose.Algorithm(r.ID), func(old *ring) (*ring, error) { return k.without(old, id) })
		if err != nil {
			return KeyStatus{}, fmt.Errorf("withdraw key %s: %w", id, err)
		}
		return gone[0], nil
	}
	return KeyStatus{}, ErrNoSuchKey
}

// WithdrawAll is Withdraw for the current, the next and all retired keys of an algorithm, which lay beside each other. It
// makes two new ones, and tells what was withdrawn.
func (k *Keyring) WithdrawAll(ctx context.Context, a jose.Algorithm) ([]KeyStatus, error) {
	if err := k.lookAgain(ctx); err != nil {
		return nil, err
	}
	gone, err := k.replaceRing(ctx, a, k.anew)
	if err != nil {
		return nil, fmt.Errorf("withdraw %s keys: %w", a, err)
	}
	return gone, nil
}

// lookAgain reads what other nodes did, and fails where this node's master key does not open it.
func (k *Keyring) lookAgain(ctx context.Context) error {
	if k.view.Load() == nil {
		return ErrKeysNotLoaded
	}
	if err := k.refresh(ctx); err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	return nil
}

// replaceRing is one Swap, tried again where another node was faster. It gives the keys that are gone by it, of which the feed
// tells before: see feed_keys.go.
func (k *Keyring) replaceRing(ctx context.Context, a jose.Algorithm, change func(*ring) (*ring, error)) (gone []KeyStatus, err error) {
	told := map[string]bool{}
	_, err = k.rings.Update(ctx, string(a), func(r *ring) error {
		if err := k.opens(r); err != nil {
			return err
		}
		next, err := change(r)
		if err != nil {
			return err
		}
		gone = r.missingIn(next)
		if err := k.tell(ctx, gone, told); err != nil {
			return err
		}
		*r = *next
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoSuchKey
	}
	if err != nil {
		return nil, err
	}
	// The keys are gone even if that cannot be read back now; Run reads it later.
	_ = k.refresh(ctx)
	return gone, nil
}

// tell tells of those that were not told yet.
func (k *Keyring) tell(ctx context.Context, gone []KeyStatus, told map[string]bool) error {
	var ids []string
	for _, s := range gone {
		if !told[s.ID] {
			ids = append(ids, s.ID)
		}
		told[s.ID] = true
	}
	k.mu.Lock()
	ending := k.ending
	k.mu.Unlock()
	if ending == nil || len(ids) == 0 {
		return nil
	}
	return ending(ctx, ids)
}

// whenEnding sets what is called before keys are withdrawn; its error leaves them as they are.
func (k *Keyring) whenEnding(ending keysEnding) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ending = ending
}

// knows tells whether a key is in use, by what was read last.
func (k *Keyring) knows(id string) bool {
	v := k.view.Load()
	if v == nil {
		return false
	}
	_, there := v.keys[id]
	return there
}

// missingIn lists the keys that are not in another ring.
func (r *ring) missingIn(other *ring) (gone []KeyStatus) {
	there := other.states()
	for _, s := range r.states() {
		if !slices.ContainsFunc(there, func(t keyOfRing) bool { return t.ID == s.ID }) {
			gone = append(gone, s.KeyStatus)
		}
	}
	return gone
}

// without gives the ring without one of its keys.
func (k *Keyring) without(old *ring, id string) (*ring, error) {
	next := &ring{ID: old.ID, Current: old.Current, Next: old.Next}
	next.Next.Known = old.nextKnown() // what told it until now may be what goes
	next.Retired = slices.DeleteFunc(slices.Clone(old.Retired), func(s storedKey) bool { return s.ID == id })
	if len(next.Retired) < len(old.Retired) {
		return next, nil
	}
	if id != old.Current.ID && id != old.Next.ID {
		return nil, ErrNoSuchKey // since the look
	}
	moment := k.momentAfter(old)
	if id == old.Current.ID {
		next.Current = old.Next.activated(moment)
	}
	fresh, err := k.newStoredKey(jose.Algorithm(old.ID))
	if err != nil {
		return nil, err
	}
	fresh.Created, fresh.Known = moment, moment.Add(KeyPublishTime)
	next.Next = fresh
	return next, nil
}

// anew gives a ring that has nothing in common with the old one.
func (k *Keyring) anew(old *ring) (*ring, error) {
	next, err := k.newRing(jose.Algorithm(old.ID))
	if err != nil {
		return nil, err
	}
	moment := k.momentAfter(old)
	next.Current.Created, next.Current.Activated, next.Next.Created = moment, moment, moment
	return next, nil
}

// KeyWithdrawn is what the audit log keeps of keys of one algorithm that were withdrawn together.
func KeyWithdrawn(gone ...KeyStatus) account.Event {
	algorithm := string(gone[0].Algorithm)
	if len(gone) == 1 {
		return account.Event{Action: "key.withdrawn", Object: "key:" + gone[0].ID, Detail: map[string]string{
			"algorithm": algorithm, "state": string(gone[0].State),
		}}
	}
	var ids []string
	for _, k := range gone {
		ids = append(ids, k.ID)
	}
	return account.Event{Action: "key.withdrawn", Object: "key:" + algorithm, Detail: map[string]string{"keys": strings.Join(ids, " ")}}
}
