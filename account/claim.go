package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// A claim reserves a user name or an e-mail address for one user. It is written before the user and confirmed after:
//
//	claim (unconfirmed) -> write the user -> confirm
//
// An owner that does not exist, or goes by another name now, has died on the way or moved on, and its claim is taken
// over. Confirming and taking over are both Swaps of the one record, so that of two that race one wins and the other
// learns of it. Without claimGrace two that race could go on taking over from each other.
type claim struct {
	Key       string    `json:"key"` // digest of the name
	Owner     string    `json:"owner"`
	Confirmed bool      `json:"confirmed,omitempty"`
	Made      time.Time `json:"made"`
	Expires   time.Time `json:"expires,omitzero"` // set when the name was given up
}

const claimGrace = 5 * time.Second

var (
	errTaken   = errors.New("taken")
	errPending = errors.New("being taken by someone else at this moment")
)

type claims struct{ store.Collection[claim] }

func claimCollection(b store.Backend, kind string) store.Collection[claim] {
	return store.Collection[claim]{
		Backend: b,
		Kind:    store.Kind{Name: kind},
		ID:      func(c *claim) string { return c.Key },
		Expires: func(c *claim) time.Time { return c.Expires },
	}
}

func (c claims) key(name string) string { return digest(c.Kind.Name, name) }

// owner tells who has a name. ErrNotFound.
func (c claims) owner(ctx context.Context, name string) (string, error) {
	found, err := c.Get(ctx, c.key(name))
	if err != nil {
		return "", err
	}
	return found.Owner, nil
}

// reserve claims a name for owner. holds tells whether another user exists and goes by that name. errTaken, errPending.
func (c claims) reserve(ctx context.Context, name, owner string, now time.Time, holds func(id string) (bool, error)) error {
	mine := &claim{Key: c.key(name), Owner: owner, Made: now}
	err := c.Create(ctx, mine)
	if !errors.Is(err, store.ErrExists) {
		return err
	}
	old, err := c.Load(ctx, mine.Key)
	if errors.Is(err, store.ErrNotFound) {
		return errPending
	}
	if err != nil {
		return err
	}
	if old.Value.Owner == owner {
		return nil // reserved by another change of the same user
	}
	if err := free(old.Value, mine, holds); err != nil {
		return err
	}
	_, err = c.Swap(ctx, old, mine)
	return lostRace(err)
}

// free tells whether the claim old gives way to mine.
func free(old, mine *claim, holds func(id string) (bool, error)) error {
	if old.Owner == "" {
		return nil
	}
	held, err := holds(old.Owner)
	if err != nil {
		return err
	}
	if held {
		return errTaken
	}
	if !old.Confirmed && mine.Made.Sub(old.Made).Abs() < claimGrace {
		return errPending
	}
	return nil
}

// confirm makes a reservation last, once its owner is written. errPending where another took it over.
func (c claims) confirm(ctx context.Context, name, owner string) error {
	_, err := c.Update(ctx, c.key(name), func(found *claim) error {
		if found.Owner != owner {
			return errPending
		}
		found.Confirmed = true
		return nil
	})
	return lostRace(err)
}

// release gives a name up, if owner still has it. That it may fail blocks nobody: the claim can be taken over.
func (c claims) release(ctx context.Context, name, owner string, now time.Time) error {
	if name == "" {
		return nil
	}
	old, err := c.Load(ctx, c.key(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("give up a name: %w", err)
	}
	if old.Value.Owner != owner {
		return nil
	}
	next := *old.Value
	next.Owner, next.Confirmed, next.Expires = "", false, now.Add(time.Minute)
	if _, err = c.Swap(ctx, old, &next); lostRace(err) != errPending {
		return err
	}
	return nil
}

func lostRace(err error) error {
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return errPending
	}
	return err
}
