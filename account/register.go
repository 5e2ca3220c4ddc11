package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// NewUser is what a user is made from. Groups are ids.
type NewUser struct {
	Username, Name, Email, Password string
	SuperAdmin                      bool
	Groups                          []string
	Permissions                     []Permission
}

// CreateUser makes a user. *FieldErrors tells what is wrong with the fields, a user name or an e-mail address that is
// taken (which errors.Is ErrTaken) among them. *ForbiddenError where the user would hold what its maker does not.
func (d *Directory) CreateUser(ctx context.Context, n NewUser) (*User, error) {
	p, err := d.prepare(ctx, n, chosen)
	if err != nil {
		return nil, err
	}
	if err := d.mayTurn(ctx, nil, &p.User); err != nil {
		return nil, err
	}
	user, err := d.insert(ctx, p)
	if err != nil {
		return nil, asFieldError(err)
	}
	return user, d.recordNew(ctx, user)
}

// prepare checks the fields and hashes the password. It writes nothing.
func (d *Directory) prepare(ctx context.Context, n NewUser, from origin) (*person, error) {
	p := &person{User: User{ID: newUserID(), SuperAdmin: n.SuperAdmin, Groups: n.Groups, Permissions: n.Permissions}}
	var faults FieldErrors
	faults.add("username", p.setUsername(n.Username))
	faults.add("name", p.setName(n.Name))
	faults.add("email", p.setEmail(n.Email))
	faults.add("password", passwordFault(n.Password, &p.User, from))
	if err := d.checkHeld(ctx, &User{}, &p.User, &faults); err != nil {
		return nil, err
	}
	if err := faults.orNil(); err != nil {
		return nil, err
	}
	hash, err := d.Hasher.Hash(ctx, n.Password)
	if err != nil {
		return nil, fmt.Errorf("hash the password of a new user: %w", err)
	}
	p.Password, p.ShortPassword = hash, isShort(n.Password)
	p.Created = d.now()
	p.Updated = p.Created
	return p, nil
}

// insert reserves the name and the address, writes the user, and confirms. nameError where one of them is taken.
func (d *Directory) insert(ctx context.Context, p *person) (*User, error) {
	if err := d.reserveNames(ctx, nil, &p.User); err != nil {
		return nil, err
	}
	if err := d.users.Create(ctx, p); err != nil {
		return nil, fmt.Errorf("write a new user: %w", err)
	}
	if err := d.confirmNames(ctx, &p.User); err != nil {
		d.withdraw(ctx, p, err)
		return nil, err
	}
	if p.rules() {
		if err := d.enter(ctx, p.ID); err != nil {
			return nil, err
		}
	}
	return &p.User, nil
}

// withdraw removes a user that lost its name to someone faster, so that nobody sees two of that name.
func (d *Directory) withdraw(ctx context.Context, p *person, cause error) {
	var lost *nameError
	if !errors.As(cause, &lost) {
		return // nothing is known: the user may stand
	}
	// Both may fail: the user cannot sign in without its name, and its claims can be taken over.
	_, _ = d.users.Take(ctx, p.ID)
	d.releaseNames(ctx, &p.User, &User{})
}

// nameError says which name could not be had.
type nameError struct {
	field string // username, email, or group for the name of a group
	cause error  // store.ErrTaken or store.ErrPending
}

func (e *nameError) Error() string { return e.field + ": " + e.cause.Error() }

func (e *nameError) Unwrap() error { return e.cause }

func asNameError(field string, err error) error {
	if errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrPending) {
		return &nameError{field, err}
	}
	if err != nil {
		return fmt.Errorf("reserve the %s: %w", field, err)
	}
	return nil
}

func asFieldError(err error) error {
	var n *nameError
	if !errors.As(err, &n) {
		return err
	}
	what := map[string]string{"username": "This user name", "email": "This e-mail address", "group": "This group name"}[n.field]
	field := n.field
	if field == "group" {
		field = "name"
	}
	if errors.Is(n.cause, store.ErrPending) {
		return fieldError(field, what+" is being registered by someone else at this moment. Try again shortly.")
	}
	return &FieldErrors{Fields: []FieldError{{field, what + " is taken."}}, cause: ErrTaken}
}

// reserveNames claims what differs between a user as it was (nil: new) and as it will be.
func (d *Directory) reserveNames(ctx context.Context, was, will *User) error {
	if was == nil {
		was = &User{}
	}
	if will.Username != was.Username {
		err := d.names.Reserve(ctx, will.Username, will.ID, d.goesByName(ctx, will.Username))
		if err != nil {
			return asNameError("username", err)
		}
	}
	email := emailKey(will.Email)
	if email == "" || email == emailKey(was.Email) {
		return nil
	}
	err := d.emails.Reserve(ctx, email, will.ID, d.goesByEmail(ctx, email))
	if err != nil && will.Username != was.Username {
		// Only tidies up: an unconfirmed claim without an owner can be taken over.
		_ = d.names.Release(ctx, will.Username, will.ID, d.goesByName(ctx, will.Username))
	}
	return asNameError("email", err)
}

func (d *Directory) goesByName(ctx context.Context, username string) func(id string) (bool, error) {
	return d.goesBy(ctx, func(u *User) bool { return u.Username == username })
}

func (d *Directory) goesByEmail(ctx context.Context, key string) func(id string) (bool, error) {
	return d.goesBy(ctx, func(u *User) bool { return emailKey(u.Email) == key })
}

func (d *Directory) goesBy(ctx context.Context, name func(*User) bool) func(id string) (bool, error) {
	return func(id string) (bool, error) {
		s, err := d.load(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return err == nil && name(&s.Value.User), err
	}
}

func (d *Directory) confirmNames(ctx context.Context, u *User) error {
	if err := asNameError("username", d.names.Confirm(ctx, u.Username, u.ID)); err != nil {
		return err
	}
	if u.Email == "" {
		return nil
	}
	return asNameError("email", d.emails.Confirm(ctx, emailKey(u.Email), u.ID))
}

// releaseNames gives up the names of old that next has no more. It only tidies up: a name that nobody goes by can be
// taken over, so a failure is nothing to report.
func (d *Directory) releaseNames(ctx context.Context, old, next *User) {
	if old.Username != next.Username {
		_ = d.names.Release(ctx, old.Username, old.ID, d.goesByName(ctx, old.Username))
	}
	if emailKey(old.Email) != emailKey(next.Email) {
		email := emailKey(old.Email)
		_ = d.emails.Release(ctx, email, old.ID, d.goesByEmail(ctx, email))
	}
}

// How long and how often EnsureUser waits for another node that makes the same user.
const (
	ensureWait  = 200 * time.Millisecond
	ensureTries = 40
)

// EnsureUser makes sure that a user declared by the operator exists as declared: it is made where it does not, and its
// password, name and e-mail address are set where they differ; an empty one is left alone. Groups and permissions become
// exactly the declared ones, unless they are nil. It is made a super admin, but never demoted, and a blocked one stays
// blocked. changed tells whether anything was written.
func (d *Directory) EnsureUser(ctx context.Context, n NewUser) (user *User, changed bool, err error) {
	err = awaitName(ctx, func() error {
		user, changed, err = d.ensure(ctx, n)
		return err
	})
	return user, changed, asFieldError(err)
}

// awaitName tries again as long as another node is about to take the name.
func awaitName(ctx context.Context, try func() error) error {
	var err error
	for range ensureTries {
		if err = try(); !errors.Is(err, store.ErrPending) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(ensureWait):
		}
	}
	return err
}

func (d *Directory) ensure(ctx context.Context, n NewUser) (*User, bool, error) {
	u, err := d.UserByName(ctx, n.Username)
	if errors.Is(err, store.ErrNotFound) {
		return d.ensureNew(ctx, n)
	}
	if err != nil {
		return nil, false, err
	}
	return d.ensureSame(ctx, u, n)
}

func (d *Directory) ensureNew(ctx context.Context, n NewUser) (*User, bool, error) {
	p, err := d.prepare(ctx, n, declared)
	if err != nil {
		return nil, false, err
	}
	if err := d.mayTurn(ctx, nil, &p.User); err != nil {
		return nil, false, err
	}
	u, err := d.insert(ctx, p)
	if errors.Is(err, store.ErrTaken) {
		// By another node that ensures the same user, if it is the name: then the next try finds the user.
		if _, found := d.UserByName(ctx, n.Username); found == nil {
			return nil, false, &nameError{"username", store.ErrPending}
		}
	}
	if err != nil {
		return nil, false, err
	}
	return u, true, d.recordNew(ctx, u)
}

func (d *Directory) ensureSame(ctx context.Context, u *User, n NewUser) (*User, bool, error) {
	changed := false
	if n.Password != "" {
		match, _, err := d.Hasher.Verify(ctx, u.Password, n.Password)
		if err != nil && !errors.Is(err, errPHC) {
			return nil, false, err
		}
		if !match {
			if err := d.setPassword(ctx, u.ID, n.Password, declared); err != nil {
				return nil, false, err
			}
			changed = true
		}
	}
	if u.isAs(n) && !changed {
		return u, false, nil
	}
	u, err := d.updateUser(ctx, u.ID, 0, d.mayTurn, func(u *User) error {
		if n.Name != "" {
			u.Name = n.Name
		}
		if n.Email != "" {
			u.Email = n.Email
		}
		u.SuperAdmin = u.SuperAdmin || n.SuperAdmin
		if n.Groups != nil {
			u.Groups = n.Groups
		}
		if n.Permissions != nil {
			u.Permissions = n.Permissions
		}
		return nil
	})
	return u, true, err
}

// isAs tells whether a user is as declared, apart from the password.
func (u *User) isAs(n NewUser) bool {
	return (n.Name == "" || strings.TrimSpace(n.Name) == u.Name) &&
		(n.Email == "" || strings.TrimSpace(n.Email) == u.Email) &&
		(!n.SuperAdmin || u.SuperAdmin) &&
		(n.Groups == nil || slices.Equal(sortedIDs(n.Groups), u.Groups)) &&
		(n.Permissions == nil || u.Permissions.are(n.Permissions))
}

func (p *person) setUsername(typed string) (fault string) {
	name, ok := CanonicalUsername(typed)
	if !ok {
		return "A user name has 1 to 64 letters, digits and . _ - @ + of one script."
	}
	if isUserID(name) || isGroupID(name) {
		return "A user name cannot look like an id."
	}
	p.Username = name
	return ""
}

func (p *person) setName(typed string) (fault string) {
	p.Name = strings.TrimSpace(typed)
	if !presentable(p.Name, maxName) {
		return "A name has at most 200 characters, none of them invisible."
	}
	return ""
}

func (p *person) setEmail(typed string) (fault string) {
	p.Email = strings.TrimSpace(typed)
	if p.Email != "" && !plausibleEmail(p.Email) {
		return "This is not an e-mail address."
	}
	return ""
}
