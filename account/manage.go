package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// UpdateUser alters a user: user name, name, e-mail address, super admin, groups, permissions, and NotBefore, which only
// moves forward. SetPassword and SetBlocked are the ways to change the rest. It alters the version that LoadUser gave, or
// whatever is there where version is 0; then it may call alter several times. store.ErrNotFound, store.ErrConflict where
// someone saved first, *FieldErrors, *ForbiddenError, ErrLastSuperAdmin.
func (d *Directory) UpdateUser(ctx context.Context, id string, version uint64, alter func(*User) error) (*User, error) {
	return d.updateUser(ctx, id, version, d.mayRaise, alter)
}

// mayRaise is mayTurn, and nobody becomes a super admin with a password that a new one could not have.
func (d *Directory) mayRaise(ctx context.Context, before, after *User) error {
	if err := d.mayTurn(ctx, before, after); err != nil {
		return err
	}
	if after.SuperAdmin && !before.SuperAdmin && after.ShortPassword {
		return fieldError("super_admin", fmt.Sprintf("A super admin has a password of at least %d characters. Give this user one first.", MinAdminPassword))
	}
	return nil
}

// updateUser asks permit whether the one who acts may do it.
func (d *Directory) updateUser(ctx context.Context, id string, version uint64,
	permit func(ctx context.Context, before, after *User) error, alter func(*User) error) (*User, error) {
	var reserved User
	before, after, err := d.change(ctx, id, version, func(p *person) error {
		was := p.User
		if err := d.alter(ctx, p, alter); err != nil {
			return err
		}
		if err := permit(ctx, &was, &p.User); err != nil {
			return err
		}
		d.giveBack(ctx, &reserved, &was)
		if err := d.reserveNames(ctx, &was, &p.User); err != nil {
			return err
		}
		reserved = p.User
		return nil
	})
	if err != nil {
		d.abandon(ctx, id, &reserved, err)
		return nil, asFieldError(err)
	}
	if err := d.settleNames(ctx, before, after); err != nil {
		return nil, asFieldError(err)
	}
	return after, d.recordUpdate(ctx, before, after)
}

// giveBack gives up what an earlier try reserved, before alter is asked again and may want something else.
func (d *Directory) giveBack(ctx context.Context, reserved, was *User) {
	if reserved.ID != "" {
		d.releaseNames(ctx, reserved, was)
	}
}

// abandon gives up what a failed change reserved, unless the change may have been written after all.
func (d *Directory) abandon(ctx context.Context, id string, reserved *User, cause error) {
	if reserved.ID == "" || store.IsUnavailable(cause) {
		return
	}
	if now, err := d.load(ctx, id); err == nil {
		d.releaseNames(ctx, reserved, &now.Value.User)
	}
}

// settleNames makes a new name last and gives the old one up. Where someone took the new one over meanwhile, the user
// gets the old one back.
func (d *Directory) settleNames(ctx context.Context, before, after *User) error {
	err := d.confirmNames(ctx, after)
	var lost *nameError
	if errors.As(err, &lost) {
		_, _, undo := d.change(ctx, after.ID, 0, func(p *person) error {
			p.Username, p.Email = before.Username, before.Email
			return nil
		})
		return errors.Join(err, undo)
	}
	if err != nil {
		return err
	}
	d.releaseNames(ctx, before, after)
	return nil
}

// alter applies a change and checks the result as a new user is checked.
func (d *Directory) alter(ctx context.Context, p *person, alter func(*User) error) error {
	was := p.User
	p.Groups, p.Permissions = slices.Clone(p.Groups), slices.Clone(p.Permissions) // alter may change them in place
	if err := alter(&p.User); err != nil {
		return err
	}
	if p.ID != was.ID || p.Password != was.Password || p.ShortPassword != was.ShortPassword || p.Blocked != was.Blocked || !p.Created.Equal(was.Created) {
		return fmt.Errorf("change user %s: id, password, blocked and created cannot be changed here", was.ID)
	}
	p.NotBefore = later(moment(p.NotBefore), was.NotBefore)
	var faults FieldErrors
	faults.add("username", p.setUsername(p.Username))
	faults.add("name", p.setName(p.Name))
	faults.add("email", p.setEmail(p.Email))
	if err := d.checkHeld(ctx, &was, &p.User, &faults); err != nil {
		return err
	}
	return faults.orNil()
}

// recordNew records that a user was made, with all that it holds from the start.
func (d *Directory) recordNew(ctx context.Context, u *User) error {
	return d.recordUser(ctx, "user.created", &User{ID: u.ID}, u)
}

func (d *Directory) recordUpdate(ctx context.Context, before, after *User) error {
	return d.recordUser(ctx, "user.updated", before, after)
}

func (d *Directory) recordUser(ctx context.Context, action string, before, after *User) error {
	changed := changes{}
	changed.note("username", before.Username, after.Username)
	changed.note("name", before.Name, after.Name)
	changed.note("email", before.Email, after.Email)
	changed.note("super_admin", fmt.Sprint(before.SuperAdmin), fmt.Sprint(after.SuperAdmin))
	changed.note("groups", d.groupNamesOf(ctx, before.Groups), d.groupNamesOf(ctx, after.Groups))
	changed.note("permissions", listed(before.Permissions), listed(after.Permissions))
	changed.note("not_before", shownMoment(before.NotBefore), shownMoment(after.NotBefore))
	if before.Username == after.Username || before.Username == "" {
		changed["username"] = after.Username // so that the event says by itself whom it is about
	}
	if err := d.Audit.Record(ctx, Event{Action: action, Object: "user:" + after.ID, Detail: changed}); err != nil {
		return err
	}
	return d.recordMemberships(ctx, "user:"+after.ID, map[string]string{"username": after.Username}, before.Groups, after.Groups)
}

func shownMoment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// SetPassword gives a user another password and ends everything begun under the old one. store.ErrNotFound,
// *FieldErrors, *ForbiddenError.
func (d *Directory) SetPassword(ctx context.Context, id, password string) error {
	return d.setPassword(ctx, id, password, chosen)
}

func (d *Directory) setPassword(ctx context.Context, id, password string, from origin) error {
	old, err := d.load(ctx, id)
	if err != nil {
		return err
	}
	if err := d.mayTurn(ctx, &old.Value.User, nil); err != nil {
		return err
	}
	if fault := passwordFault(password, &old.Value.User, from); fault != "" {
		return fieldError("password", fault)
	}
	hash, err := d.Hasher.Hash(ctx, password)
	if err != nil {
		return fmt.Errorf("hash the new password of %s: %w", id, err)
	}
	_, _, err = d.change(ctx, id, 0, func(p *person) error {
		if err := d.mayTurn(ctx, &p.User, nil); err != nil {
			return err
		}
		if fault := passwordFault(password, &p.User, from); fault != "" {
			return fieldError("password", fault)
		}
		p.Password, p.ShortPassword = hash, isShort(password)
		d.endAll(&p.User)
		return nil
	})
	if err != nil {
		return err
	}
	return d.record(ctx, "user.password_changed", id)
}

// Blocking says whether a user may come in.
type Blocking string

// Block keeps a user out, Unblock lets the user in again.
const (
	Block   Blocking = "block"
	Unblock Blocking = "unblock"
)

// EndAll ends all sessions of a user, and everything else that began until now. store.ErrNotFound, *ForbiddenError.
func (d *Directory) EndAll(ctx context.Context, id string) error {
	_, after, err := d.change(ctx, id, 0, func(p *person) error {
		d.endAll(&p.User)
		return d.mayEnd(ctx, &p.User)
	})
	if err != nil {
		return err
	}
	return d.record(ctx, "user.sessions_ended", after.ID, "username", after.Username)
}

// SetBlocked blocks or unblocks a user. Blocking ends everything the user has begun, within a second on every node;
// unblocking revives none of it. store.ErrNotFound, *ForbiddenError, ErrLastSuperAdmin.
func (d *Directory) SetBlocked(ctx context.Context, id string, b Blocking) error {
	if b != Block && b != Unblock {
		return fmt.Errorf("block user %s: unknown blocking %q", id, b)
	}
	_, _, err := d.change(ctx, id, 0, func(p *person) error {
		p.Blocked = b == Block
		if p.Blocked {
			d.endAll(&p.User)
		}
		return d.mayTurn(ctx, &p.User, nil)
	})
	if err != nil {
		return err
	}
	return d.record(ctx, "user."+string(b)+"ed", id)
}

// DeleteUser removes a user, whose names are free at once. store.ErrNotFound, *ForbiddenError, ErrLastSuperAdmin.
func (d *Directory) DeleteUser(ctx context.Context, id string) error {
	before, _, err := d.change(ctx, id, 0, func(p *person) error {
		p.Deleted = true
		d.endAll(&p.User)
		return d.mayTurn(ctx, &p.User, nil)
	})
	if err != nil {
		return err
	}
	d.releaseNames(ctx, before, &User{})
	if _, err := d.users.Take(ctx, id); err != nil && !lostStep(err) {
		return fmt.Errorf("delete user %s: %w", id, err)
	}
	return d.record(ctx, "user.deleted", id, "username", before.Username)
}
