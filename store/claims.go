package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Why a name cannot be had.
var (
	ErrTaken   = errors.New("taken")
	ErrPending = errors.New("being taken by someone else at this moment")
)

// Claims keeps names unique, such as those of users, over records that only their owners change. A name is claimed before
// its owner is written, and confirmed after:
//
//	Reserve -> write the owner -> Confirm
//
// An owner that does not exist, or goes by another name now, has died on the way or moved on, and its claim is taken
// over. Confirming and taking over are both Swaps of the one record, so that of two that race one wins and the other
// learns of it. Without claimGrace two that race could go on taking over from each other.
type Claims struct {
	records Collection[claim]
	now     func() time.Time
}

type claim struct {
	Key       string    `json:"key"` // digest of the name
	Owner     string    `json:"owner"`
	Confirmed bool      `json:"confirmed,omitempty"`
	Made      time.Time `json:"made"`
	Expires   time.Time `json:"expires,omitzero"` // set when the name was given up
}

const (
	claimGrace    = 5 * time.Second // how long a claim waits for its owner to be written
	claimAttempts = 16              // bounds what is begun again after someone else was faster
	claimFree     = time.Minute     // how long the record of a name that was given up stays
)

// NewClaims gives the names of one kind. now is the clock of the owner's records.
func NewClaims(b Backend, kind Kind, now func() time.Time) *Claims {
	return &Claims{now: now, records: Collection[claim]{
		Backend: b,
		Kind:    kind,
		ID:      func(c *claim) string { return c.Key },
		Expires: func(c *claim) time.Time { return c.Expires },
	}}
}

// key keeps what people typed out of ids, and bounds it. Both parts carry their length.
func (c *Claims) key(name string) string {
	var b []byte
	for _, part := range []string{c.records.Kind.Name, name} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Owner tells who has claimed a name; the caller sees whether that one goes by it. ErrNotFound.
func (c *Claims) Owner(ctx context.Context, name string) (string, error) {
	found, err := c.records.Get(ctx, c.key(name))
	if err != nil {
		return "", err
	}
	if found.Owner == "" {
		return "", ErrNotFound
	}
	return found.Owner, nil
}

// Reserve claims a name for owner. holds tells whether another owner exists and goes by that name, as it is in the store
// now. ErrTaken, ErrPending.
func (c *Claims) Reserve(ctx context.Context, name, owner string, holds func(owner string) (bool, error)) error {
	mine := &claim{Key: c.key(name), Owner: owner, Made: c.now()}
	for attempt := range claimAttempts {
		err := c.tryReserve(ctx, mine, holds)
		if !lostClaim(err) {
			return err
		}
		if err := stepAside(ctx, attempt); err != nil {
			return err
		}
	}
	return ErrPending
}

func (c *Claims) tryReserve(ctx context.Context, mine *claim, holds func(owner string) (bool, error)) error {
	err := c.records.Create(ctx, mine)
	if !errors.Is(err, ErrExists) {
		return err
	}
	old, err := c.records.Load(ctx, mine.Key)
	if err != nil {
		return fmt.Errorf("read who has a name: %w", err)
	}
	if old.Value.Owner == mine.Owner {
		return nil // reserved by another change of the same owner
	}
	if err := old.Value.givesWay(mine, holds); err != nil {
		return err
	}
	_, err = c.records.Swap(ctx, old, mine)
	return err
}

// givesWay says why a claim cannot be taken over, nil where it can.
func (old *claim) givesWay(mine *claim, holds func(owner string) (bool, error)) error {
	if old.Owner == "" {
		return nil
	}
	held, err := holds(old.Owner)
	if err != nil {
		return err
	}
	if held {
		return ErrTaken
	}
	if !old.Confirmed && mine.Made.Sub(old.Made).Abs() < claimGrace {
		return ErrPending
	}
	return nil
}

// Confirm makes a reservation last, once its owner is written. It always writes, even what was confirmed before: whoever
// looked at the owner before it was written must lose the Swap. ErrPending where another took the name over.
func (c *Claims) Confirm(ctx context.Context, name, owner string) error {
	_, err := c.records.Update(ctx, c.key(name), func(found *claim) error {
		if found.Owner != owner {
			return ErrPending
		}
		found.Confirmed = true
		return nil
	})
	if lostClaim(err) {
		return ErrPending
	}
	return err
}

// Release gives a name up, if owner still has it. holds tells whether the owner goes by it all the same, as it is in the
// store now: one that took it back meanwhile keeps it. That Release may fail blocks nobody: a name that nobody goes by can be
// taken over.
func (c *Claims) Release(ctx context.Context, name, owner string, holds func(owner string) (bool, error)) error {
	if name == "" {
		return nil // nobody's
	}
	old, err := c.records.Load(ctx, c.key(name))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("give up a name: %w", err)
	}
	if old.Value.Owner != owner {
		return nil
	}
	// Asked after the claim was read: an owner that is written after this confirms the claim, which then is another one.
	if held, err := holds(owner); err != nil || held {
		return err
	}
	next := *old.Value
	next.Owner, next.Confirmed, next.Expires = "", false, c.now().Add(claimFree)
	if _, err = c.records.Swap(ctx, old, &next); lostClaim(err) {
		return nil // whoever was faster has it now, or claims it for the same owner
	}
	return err
}

func lostClaim(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound)
}
