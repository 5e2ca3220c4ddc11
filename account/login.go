package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/grantor-dev/grantor/store"
)

// Attempt is one try to sign in.
type Attempt struct {
	Username string
	Password string
	Address  string // of the person's device; "" is exempt from the slow-down per address
	Browser  string // value of the browser's cookie, "" without one
}

// Login tells who signs in. ErrCredentials for a wrong password, an unknown name and a blocked user alike, after the same
// steps; *ThrottledError after too many failures; ErrBusy when too many passwords are being checked.
func (d *Directory) Login(ctx context.Context, a Attempt) (*User, error) {
	if len(a.Username) > maxUsernameBytes || len(a.Password) > maxPasswordBytes {
		d.failed.add("too long")
		return nil, ErrCredentials
	}
	name := loginName(a.Username)
	c, err := d.admit(ctx, name, a)
	if err != nil {
		if throttled := (*ThrottledError)(nil); errors.As(err, &throttled) {
			d.failed.add("throttled")
		}
		d.recordThrottled(ctx, c, name, a, err)
		return nil, err
	}
	u, err := d.identify(ctx, name)
	if err != nil {
		return nil, err
	}
	reason, err := d.checkPassword(ctx, u, a.Password)
	if errors.Is(err, ErrBusy) {
		d.failed.add("busy")
		d.uncount(context.WithoutCancel(ctx), c)
	}
	if err != nil {
		return nil, err
	}
	if reason != "" {
		d.recordFailed(ctx, u, a, reason)
		return nil, ErrCredentials
	}
	return d.welcome(ctx, u, a, c)
}

// loginName gives every name, also an impossible one, the one form under which its tries are counted.
func loginName(typed string) string {
	if name, ok := CanonicalUsername(typed); ok {
		return name
	}
	return "\x00" + folded(strings.ToValidUTF8(strings.TrimSpace(typed), "\uFFFD"))
}

// identify finds the user, and asks the store for the same where there is none. nil: nobody goes by that name.
func (d *Directory) identify(ctx context.Context, name string) (*User, error) {
	u, err := d.byName(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return u, err
}

// checkPassword tells why a user may not come in, "" if nothing speaks against it. It costs the same in every case.
func (d *Directory) checkPassword(ctx context.Context, u *User, password string) (reason string, err error) {
	if u == nil {
		return "unknown user", d.Hasher.VerifyNothing(ctx)
	}
	match, _, err := d.Hasher.Verify(ctx, u.Password, password)
	switch {
	case errors.Is(err, errPHC):
		return "unusable password hash", d.Hasher.VerifyNothing(ctx)
	case err != nil:
		return "", err
	case !match:
		return "wrong password", nil
	case u.Blocked:
		return "blocked", nil
	}
	return "", nil
}

// welcome does what follows a right password. A login that cannot be recorded is refused.
func (d *Directory) welcome(ctx context.Context, u *User, a Attempt, c *count) (*User, error) {
	d.forgive(ctx, c)
	actor := Actor{Kind: ActorUser, ID: u.ID, Name: u.Username, Address: attemptAddress(ctx, a)}
	if err := d.record(WithActor(ctx, actor), "user.login", u.ID); err != nil {
		return nil, err
	}
	d.rememberBrowser(ctx, c, a.Browser)
	d.rehash(ctx, u, a.Password)
	return u, nil
}

// rehash stores the password at today's cost, and whether it is short. It may fail: the next login tries again.
func (d *Directory) rehash(ctx context.Context, u *User, password string) {
	old := u.Password
	hash := old
	if d.Hasher.Outdated(old) {
		var err error
		if hash, err = d.Hasher.Hash(ctx, password); err != nil {
			return
		}
	}
	if hash == old && u.ShortPassword == isShort(password) {
		return
	}
	_, _ = d.users.Update(ctx, u.ID, func(p *person) error {
		if p.Password != old {
			return fmt.Errorf("rehash: %w", store.ErrConflict)
		}
		p.Password, p.ShortPassword = hash, isShort(password)
		return nil
	})
}

func (d *Directory) recordFailed(ctx context.Context, u *User, a Attempt, reason string) {
	d.failed.add(reason)
	object, detail := "user:unknown", map[string]string{"reason": reason}
	if u != nil { // a name that nobody has may be a password that went into the wrong field
		object, detail["username"] = "user:"+u.ID, u.Username
	}
	// Dropped where the store cannot take it; see the package comment.
	_ = d.Audit.Record(ctx, Event{
		Action: "user.login_failed",
		Actor:  Actor{Kind: ActorGuest, Address: attemptAddress(ctx, a)},
		Object: object,
		Detail: detail,
	})
}

// recordThrottled records that an account is being guarded: once for each time that the gate is shut, not for every
// knock at it.
func (d *Directory) recordThrottled(ctx context.Context, c *count, name string, a Attempt, err error) {
	var throttled *ThrottledError
	if !c.first || !errors.As(err, &throttled) {
		return
	}
	detail := map[string]string{"retry_after": throttled.RetryAfter.String()}
	if u, err := d.identify(ctx, name); err == nil && u != nil { // see recordFailed
		detail["username"] = u.Username
	}
	// Dropped where the store cannot take it; see the package comment.
	_ = d.Audit.Record(ctx, Event{
		Action: "user.login_throttled",
		Actor:  Actor{Kind: ActorGuest, Address: attemptAddress(ctx, a)},
		Detail: detail,
	})
}

// attemptAddress is for the audit log, which wants to know also where someone exempt came from.
func attemptAddress(ctx context.Context, a Attempt) string {
	if a.Address != "" {
		return a.Address
	}
	return ActorFrom(ctx).Address
}
