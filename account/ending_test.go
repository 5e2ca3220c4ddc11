package account_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// TestWhatEndsIsToldBeforeItIsWritten, and what cannot be told does not end.
func TestWhatEndsIsToldBeforeItIsWritten(t *testing.T) {
	ctx := context.Background()
	for name, one := range map[string]struct {
		act     func(d *account.Directory, u *account.User, cookie string, s *account.Session) error
		session bool
	}{
		"block": {act: func(d *account.Directory, u *account.User, _ string, _ *account.Session) error {
			return d.SetBlocked(ctx, u.ID, account.Block)
		}},
		"delete": {act: func(d *account.Directory, u *account.User, _ string, _ *account.Session) error {
			return d.DeleteUser(ctx, u.ID)
		}},
		"sign out": {act: func(d *account.Directory, u *account.User, _ string, _ *account.Session) error {
			return d.EndAll(ctx, u.ID)
		}},
		"password": {act: func(d *account.Directory, u *account.User, _ string, _ *account.Session) error {
			return d.SetPassword(ctx, u.ID, goodPassword+"!")
		}},
		"own password": {act: func(d *account.Directory, _ *account.User, _ string, s *account.Session) error {
			return d.ChangeOwnPassword(ctx, s, goodPassword, goodPassword+"!", "")
		}},
		"a session": {act: func(d *account.Directory, _ *account.User, cookie string, _ *account.Session) error {
			return d.EndSession(ctx, cookie)
		}, session: true},
		"a session by id": {act: func(d *account.Directory, u *account.User, _ string, s *account.Session) error {
			return d.EndSessionByID(ctx, u.ID, s.ID)
		}, session: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, d := newDirectory(t)
			u := create(t, d, account.NewUser{Username: "alice"})
			cookie, s := start(t, d, u, "")
			deaf := errors.New("nobody hears")
			d.Ending = func(context.Context, account.Ending) error { return deaf }
			wantErr(t, one.act(d, u, cookie, s), deaf)
			alive(t, d, cookie)
			var told []account.Ending
			d.Ending = func(_ context.Context, e account.Ending) error {
				alive(t, d, cookie)
				told = append(told, e)
				return nil
			}
			ok(t, one.act(d, u, cookie, s))
			want := account.Ending{UserID: u.ID}
			if one.session {
				want.SessionID = s.ID
			}
			if !slices.Equal(told, []account.Ending{want}) {
				t.Errorf("told %+v, want %+v", told, want)
			}
		})
	}
}

// TestWhatDoesNotEndIsNotTold: an act that is refused, and one that ends nothing.
func TestWhatDoesNotEndIsNotTold(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	only := create(t, d, account.NewUser{Username: "root", SuperAdmin: true, Password: goodPassword + " and more of it"})
	u := create(t, d, account.NewUser{Username: "alice"})
	d.Ending = func(_ context.Context, e account.Ending) error { t.Errorf("told %+v", e); return nil }
	wantErr(t, d.SetBlocked(ctx, only.ID, account.Block), account.ErrLastSuperAdmin)
	wantErr(t, d.DeleteUser(ctx, only.ID), account.ErrLastSuperAdmin)
	wantErr(t, d.EndAll(ctx, "usr_00000000000000000000000000000000"), store.ErrNotFound)
	ok(t, d.SetBlocked(ctx, u.ID, account.Unblock))
	_, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Name = "Alice"; return nil })
	ok(t, err)
}
