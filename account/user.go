package account

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/grantor-dev/grantor/store"
)

// User is someone who can sign in. A User that a Directory returns is shared: it must not be changed.
type User struct {
	ID            string    `json:"id"`       // "usr_" and 32 hex digits
	Username      string    `json:"username"` // canonical
	Name          string    `json:"name,omitempty"`
	Email         string    `json:"email,omitempty"`
	Password      string    `json:"password"`                 // PHC string, argon2id
	ShortPassword bool      `json:"short_password,omitempty"` // it is too short for a super admin
	Blocked       bool      `json:"blocked,omitempty"`
	SuperAdmin    bool      `json:"super_admin,omitempty"`
	NotBefore     time.Time `json:"not_before,omitzero"` // what began at or before it is dead
	Created       time.Time `json:"created"`
	Updated       time.Time `json:"updated"`

	Groups      []string    `json:"groups,omitempty"`      // ids; one that is gone counts for nothing
	Permissions Permissions `json:"permissions,omitempty"` // held directly; RightsOf tells all
}

// Stands tells whether what the user began (a session, an authorization) still counts, given the NotBefore that the user
// had then. It compares no clocks: a node that has not heard of a new password yet, or whose clock is ahead, may begin
// something at any time.
func (u *User) Stands(notBefore time.Time) bool { return !u.Blocked && !u.NotBefore.After(notBefore) }

// person is a user as stored. Deleted marks one that is gone: it is written before the record is taken away, so that
// whoever is about to write the user loses.
type person struct {
	User
	Deleted bool `json:"deleted,omitempty"`
}

func (p *person) rules() bool { return p.SuperAdmin && !p.Blocked && !p.Deleted }

func userCollection(b store.Backend) *store.Collection[person] {
	return &store.Collection[person]{
		Backend: b,
		Kind:    store.Kind{Name: "user"},
		ID:      func(p *person) string { return p.ID },
	}
}

const userPrefix = "usr_"

func newUserID() string {
	id := uuid.Must(uuid.NewV7()) // fails only where the system has no randomness, which crypto/rand treats as fatal too
	return userPrefix + hex.EncodeToString(id[:])
}

// isUserID spares the store a look-up of junk.
func isUserID(id string) bool { return isID(id, userPrefix) }

// User gives a user, current within a second. ErrNotFound.
func (d *Directory) User(ctx context.Context, id string) (*User, error) {
	if !isUserID(id) {
		return nil, store.ErrNotFound
	}
	p, err := d.users.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read user %s: %w", id, err)
	}
	if p.Deleted {
		return nil, store.ErrNotFound
	}
	return &p.User, nil
}

// load reads a user from the store itself, to be swapped. ErrNotFound.
func (d *Directory) load(ctx context.Context, id string) (store.Stored[person], error) {
	if !isUserID(id) {
		return store.Stored[person]{}, store.ErrNotFound
	}
	s, err := d.users.Load(ctx, id)
	if err != nil {
		return s, fmt.Errorf("read user %s: %w", id, err)
	}
	if s.Value.Deleted {
		return store.Stored[person]{}, store.ErrNotFound
	}
	return s, nil
}

// LoadUser reads a user from the store itself, with its version. ErrNotFound.
func (d *Directory) LoadUser(ctx context.Context, id string) (*User, uint64, error) {
	s, err := d.load(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	return &s.Value.User, s.Version, nil
}

// UserByName gives the user that goes by a name, however it is spelled. ErrNotFound.
func (d *Directory) UserByName(ctx context.Context, username string) (*User, error) {
	name, ok := CanonicalUsername(username)
	if !ok {
		return nil, store.ErrNotFound
	}
	return d.byName(ctx, name)
}

// nobody is the id that is read where a name has no owner, so that both cases ask the store for the same.
var nobody = userPrefix + strings.Repeat("0", 32)

// byName asks the store itself: what a login decides on is never a second old.
func (d *Directory) byName(ctx context.Context, canonical string) (*User, error) {
	id, err := d.names.Owner(ctx, canonical)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("look a user name up: %w", err)
	}
	if id == "" {
		id = nobody
	}
	s, err := d.load(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if s.Value.Username != canonical {
		return nil, store.ErrNotFound
	}
	return &s.Value.User, nil
}

// Users lists users, the oldest first; see store.Backend.List.
func (d *Directory) Users(ctx context.Context, cursor string, limit int) ([]*User, string, error) {
	if len(cursor) > store.MaxID {
		return nil, "", nil
	}
	page, next, err := d.users.List(ctx, "", cursor, pageSize(limit))
	if err != nil {
		return nil, "", fmt.Errorf("list users: %w", err)
	}
	users := make([]*User, 0, len(page))
	for _, p := range page {
		if !p.Deleted {
			users = append(users, &p.User)
		}
	}
	return users, next, nil
}

// HasUsers tells whether there is any user.
func (d *Directory) HasUsers(ctx context.Context) (bool, error) {
	for cursor := ""; ; {
		users, next, err := d.Users(ctx, cursor, 10)
		if err != nil || len(users) > 0 {
			return len(users) > 0, err
		}
		if next == "" {
			return false, nil
		}
		cursor = next
	}
}

// change alters a user, begins again when someone else was faster and no version was asked for, and keeps the last active
// super admin.
func (d *Directory) change(ctx context.Context, id string, version uint64, alter func(*person) error) (before, after *User, err error) {
	for range raceAttempts {
		old, err := d.load(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if version != 0 && old.Version != version {
			break
		}
		next := *old.Value
		if err := alter(&next); err != nil {
			return nil, nil, err
		}
		next.Updated = d.now()
		err = d.replace(ctx, old, &next)
		if err == nil {
			return &old.Value.User, &next.User, nil
		}
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return nil, nil, err
		}
	}
	return nil, nil, fmt.Errorf("change user %s: %w", id, store.ErrConflict)
}

func (d *Directory) replace(ctx context.Context, old store.Stored[person], next *person) error {
	if old.Value.rules() && !next.rules() {
		if err := d.leave(ctx, next.ID); err != nil {
			return err
		}
	}
	if next.Blocked && !old.Value.Blocked || next.Deleted || next.NotBefore.After(old.Value.NotBefore) {
		if err := d.tellEnding(ctx, Ending{UserID: next.ID}); err != nil {
			return err
		}
	}
	if _, err := d.users.Swap(ctx, old, next); err != nil {
		return fmt.Errorf("write user %s: %w", next.ID, err)
	}
	if !old.Value.rules() && next.rules() {
		return d.enter(ctx, next.ID)
	}
	return nil
}

// tellEnding tells whoever has to know that something is about to end.
func (d *Directory) tellEnding(ctx context.Context, e Ending) error {
	if d.Ending == nil {
		return nil
	}
	if err := d.Ending(ctx, e); err != nil {
		return fmt.Errorf("tell what ends: %w", err)
	}
	return nil
}

// endAll gives the user a NotBefore that ends everything begun so far. It always moves forward, whatever the clocks of
// the nodes say: sessions compare it with the one they began under.
func (d *Directory) endAll(u *User) {
	u.NotBefore = later(d.now(), u.NotBefore.Add(time.Millisecond))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
