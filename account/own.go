package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// What follows is what everybody may do about oneself. It takes the user from the session and asks for no rights.

// ownChanges bounds how often users may write themselves: after each write every node reads its users anew.
var ownChanges = Limit{Kind: store.Kind{Name: "own_changes", Spread: true}, Most: 30, Window: time.Hour}

// UpdateProfile changes a user's own name and e-mail address. ErrNotFound, *FieldErrors, *ThrottledError.
func (d *Directory) UpdateProfile(ctx context.Context, userID, name, email string) (*User, error) {
	if err := d.Admit(ctx, ownChanges, userID); err != nil {
		return nil, err
	}
	return d.updateUser(ctx, userID, 0, d.own, func(u *User) error {
		u.Name, u.Email = name, email
		return nil
	})
}

// own permits everything: the caller has shown that it concerns the one who acts.
func (d *Directory) own(context.Context, *User, *User) error { return nil }

// ChangeOwnPassword gives the user of a session another password, and ends everything begun under the old one but this
// session. *FieldErrors about old_password (which errors.Is ErrCredentials) and password, *ThrottledError after too many
// wrong ones or too many changes, ErrBusy, store.ErrNotFound where the session has ended.
func (d *Directory) ChangeOwnPassword(ctx context.Context, s *Session, old, next, address string) error {
	u, err := d.prove(ctx, s, old, address)
	if errors.Is(err, ErrCredentials) {
		return &FieldErrors{Fields: []FieldError{{"old_password", "This is not your password."}}, cause: err}
	}
	if err != nil {
		return err
	}
	if fault := passwordFault(next, u, chosen); fault != "" {
		return fieldError("password", fault)
	}
	if err := d.Admit(ctx, ownChanges, u.ID); err != nil {
		return err
	}
	hash, err := d.Hasher.Hash(ctx, next)
	if err != nil {
		return fmt.Errorf("hash the new password of %s: %w", u.ID, err)
	}
	_, after, err := d.change(ctx, u.ID, 0, func(p *person) error {
		if p.Password != u.Password || !p.Stands(s.NotBefore) {
			return store.ErrNotFound // another password was set while this one was proved: the session is dead
		}
		if fault := passwordFault(next, &p.User, chosen); fault != "" {
			return fieldError("password", fault)
		}
		p.Password, p.ShortPassword = hash, isShort(next)
		d.endAll(&p.User)
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.renew(ctx, s, after.NotBefore); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return d.record(ctx, "user.password_changed", u.ID)
}

// Confirm proves that whoever uses a session still knows the password, before something that should not be done in a
// browser left open. *FieldErrors about password (which errors.Is ErrCredentials), *ThrottledError after too many wrong
// ones, ErrBusy, store.ErrNotFound where the session has ended.
func (d *Directory) Confirm(ctx context.Context, s *Session, password, address string) error {
	_, err := d.prove(ctx, s, password, address)
	if errors.Is(err, ErrCredentials) {
		return &FieldErrors{Fields: []FieldError{{"password", "This is not your password."}}, cause: err}
	}
	if err != nil {
		return err
	}
	return d.renew(ctx, s, s.NotBefore)
}

// prove tells whose password was given, if it is that of the session's user. Guesses are counted for the session: a
// stranger who guesses at the login page cannot keep the owner from this, and whoever holds a stolen session gains no
// more tries than there.
func (d *Directory) prove(ctx context.Context, s *Session, password, address string) (*User, error) {
	stored, err := d.load(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	u := &stored.Value.User
	now, err := d.sessions.Get(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	if now.UserID != u.ID || !d.alive(now, u) {
		return nil, store.ErrNotFound
	}
	if len(password) > maxPasswordBytes {
		return nil, ErrCredentials
	}
	a := Attempt{Username: u.Username, Password: password, Address: address}
	c, err := d.admit(ctx, "\x01session:"+s.ID, a) // no user name begins like this; see loginName
	if err != nil {
		d.recordThrottled(ctx, c, u.Username, a, err)
		return nil, err
	}
	reason, err := d.checkPassword(ctx, u, password)
	if errors.Is(err, ErrBusy) {
		d.uncount(context.WithoutCancel(ctx), c)
	}
	if err != nil {
		return nil, err
	}
	if reason != "" {
		// Dropped where the store cannot take it, as a failed login is.
		_ = d.record(ctx, "user.confirm_failed", u.ID, "reason", reason)
		return nil, ErrCredentials
	}
	d.forgive(ctx, c)
	return u, nil
}

// renew notes that the password was given now, and under which NotBefore the session goes on. ErrNotFound where the
// session was ended meanwhile.
func (d *Directory) renew(ctx context.Context, s *Session, notBefore time.Time) error {
	next, err := d.sessions.Update(ctx, s.ID, func(s *Session) error {
		// Another tab may have changed the password meanwhile, and moved it further.
		s.NotBefore = later(notBefore, s.NotBefore)
		s.Authenticated = later(d.now(), notBefore.Add(time.Millisecond)) // as in StartSession
		s.Seen = later(d.now(), s.Seen)
		return nil
	})
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	*s = *next
	return nil
}

// EndOtherSessions ends all sessions of the user of a session but this one.
func (d *Directory) EndOtherSessions(ctx context.Context, s *Session) error {
	var others []string
	err := d.sessions.All(ctx, sessionsOf(s.UserID), func(other *Session) error {
		if other.UserID == s.UserID && other.ID != s.ID {
			others = append(others, other.ID)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for _, id := range others {
		if err := d.endSession(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
