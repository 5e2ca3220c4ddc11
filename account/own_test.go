package account_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

const nextPassword = "another good password"

func TestAUserChangesTheOwnProfileWithoutAnyRight(t *testing.T) {
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice", Permissions: holding(account.ViewKeys)})
	ctx := account.WithRights(account.WithActor(context.Background(), account.Actor{Kind: account.ActorUser, ID: u.ID}), account.Rights{})
	changed, err := d.UpdateProfile(ctx, u.ID, " Alice ", "a@example.com")
	ok(t, err)
	if changed.Name != "Alice" || changed.Email != "a@example.com" || changed.Username != "alice" || len(changed.Permissions) != 1 {
		t.Errorf("changed to %+v", changed)
	}
	_, err = d.UpdateProfile(ctx, u.ID, "\x00", "")
	wantField(t, err, "name")
	_, err = d.UpdateProfile(ctx, u.ID, "", "nobody")
	wantField(t, err, "email")
	create(t, d, account.NewUser{Username: "bob", Email: "b@example.com"})
	_, err = d.UpdateProfile(ctx, u.ID, "", "B@example.com")
	wantField(t, err, "email")
}

// TestNobodyWritesHimselfAllTheTime: after each write every node reads its users anew.
func TestNobodyWritesHimselfAllTheTime(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	alice, bob := create(t, d, account.NewUser{Username: "alice"}), create(t, d, account.NewUser{Username: "bob"})
	_, s := start(t, d, alice, "")
	for i := range 30 {
		_, err := w.node().UpdateProfile(ctx, alice.ID, fmt.Sprint("Alice ", i), "")
		ok(t, err)
	}
	var slow *account.ThrottledError
	if _, err := d.UpdateProfile(ctx, alice.ID, "Alice", ""); !errors.As(err, &slow) {
		t.Errorf("the 31st: %v", err)
	}
	if err := d.ChangeOwnPassword(ctx, s, goodPassword, nextPassword, ""); !errors.As(err, &slow) {
		t.Errorf("a password: %v", err)
	}
	_, err := d.UpdateProfile(ctx, bob.ID, "Bob", "")
	ok(t, err)
	w.Move(time.Hour)
	_, err = d.UpdateProfile(ctx, alice.ID, "Alice", "")
	ok(t, err)
}

func TestChangingTheOwnPasswordEndsEverythingElse(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	here, s := start(t, d, u, "")
	there, _ := start(t, d, u, "")
	w.Move(time.Minute)
	ok(t, d.ChangeOwnPassword(ctx, s, goodPassword, nextPassword, "192.0.2.1"))
	alive(t, d, here)
	alive(t, w.node(), here)
	dead(t, d, there)
	if !s.Authenticated.Equal(w.Now()) && !s.Authenticated.Equal(w.Now().Add(time.Millisecond)) {
		t.Errorf("authenticated %v", s.Authenticated)
	}
	now, err := d.User(ctx, u.ID)
	ok(t, err)
	if u.Stands(now.NotBefore) != true || now.Stands(u.NotBefore) {
		t.Error("what was begun before still stands")
	}
	ok(t, login(d, "alice", nextPassword))
	wantErr(t, login(d, "alice", goodPassword), account.ErrCredentials)
	ok(t, d.ChangeOwnPassword(ctx, s, nextPassword, goodPassword, "192.0.2.1")) // the session goes on
	alive(t, d, here)
}

func TestTheOldPasswordIsProvedFirst(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	_, s := start(t, d, u, "")
	for _, wrong := range []string{"", "wrong", goodPassword + " ", strings.Repeat("x", 1<<20)} {
		err := d.ChangeOwnPassword(ctx, s, wrong, nextPassword, "")
		wantField(t, err, "old_password")
		wantErr(t, err, account.ErrCredentials)
	}
	wantField(t, d.ChangeOwnPassword(ctx, s, goodPassword, "short", ""), "password")
	ok(t, login(d, "alice", goodPassword))
	events, _, err := d.Audit.Events(ctx, account.ActionEvents("user.confirm_failed"), "", 10)
	ok(t, err)
	if len(events) != 3 || events[0].Object != "user:"+u.ID {
		t.Errorf("recorded %+v", events)
	}
}

func TestGuessingTheOwnPasswordIsSlowedPerSession(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	_, stolen := start(t, d, u, "")
	_, other := start(t, d, u, "")
	throttled := func(err error) bool {
		var e *account.ThrottledError
		return errors.As(err, &e)
	}
	for range 5 {
		wantField(t, d.Confirm(ctx, stolen, "wrong", ""), "password")
	}
	for range 3 {
		if err := d.Confirm(ctx, stolen, goodPassword, ""); !throttled(err) {
			t.Fatalf("error is %v", err)
		}
		if err := d.ChangeOwnPassword(ctx, stolen, goodPassword, nextPassword, ""); !throttled(err) {
			t.Fatalf("error is %v", err)
		}
	}
	ok(t, d.Confirm(ctx, other, goodPassword, ""))
	ok(t, login(d, "alice", goodPassword)) // a thief of one session keeps the owner from nothing
	w.Move(time.Minute)
	ok(t, d.Confirm(ctx, stolen, goodPassword, ""))
	for range 6 { // nor does a stranger at the login page
		_ = login(d, "alice", "wrong")
	}
	ok(t, d.Confirm(ctx, stolen, goodPassword, ""))
}

func TestConfirmingMovesWhenThePasswordWasGiven(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	cookie, s := start(t, d, u, "")
	w.Move(time.Hour)
	wantField(t, d.Confirm(ctx, s, "wrong", ""), "password")
	if s.Authenticated.Equal(w.Now()) {
		t.Error("a wrong password moved it")
	}
	ok(t, d.Confirm(ctx, s, goodPassword, ""))
	stored, _, err := w.node().Session(ctx, cookie)
	ok(t, err)
	if !s.Authenticated.Equal(w.Now()) || !stored.Authenticated.Equal(w.Now()) || !stored.Created.Equal(w.Now().Add(-time.Hour)) {
		t.Errorf("session is %+v", stored)
	}
}

// TestConfirmingInOneTabAfterAPasswordChangeInAnotherKeepsTheSession: the first still knows the session as it was.
func TestConfirmingInOneTabAfterAPasswordChangeInAnotherKeepsTheSession(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	cookie, s := start(t, d, create(t, d, account.NewUser{Username: "alice"}), "")
	before := *s
	w.Move(time.Minute)
	ok(t, d.ChangeOwnPassword(ctx, s, goodPassword, "another good password", ""))
	ok(t, d.Confirm(ctx, &before, "another good password", ""))
	alive(t, d, cookie)
}

func TestADeadSessionConfirmsAndChangesNothing(t *testing.T) {
	ctx := context.Background()
	for what, end := range map[string]func(*world, *account.Directory, *account.User, *account.Session) error{
		"ended": func(_ *world, d *account.Directory, u *account.User, s *account.Session) error {
			return d.EndSessionByID(ctx, u.ID, s.ID)
		},
		"timed out": func(w *world, _ *account.Directory, _ *account.User, _ *account.Session) error {
			w.Move(12 * time.Hour)
			return nil
		},
		"blocked": func(_ *world, d *account.Directory, u *account.User, _ *account.Session) error {
			return d.SetBlocked(ctx, u.ID, account.Block)
		},
		"deleted": func(_ *world, d *account.Directory, u *account.User, _ *account.Session) error {
			return d.DeleteUser(ctx, u.ID)
		},
		"all ended": func(_ *world, d *account.Directory, u *account.User, _ *account.Session) error {
			return d.EndAll(ctx, u.ID)
		},
		"not his own": func(_ *world, d *account.Directory, _ *account.User, s *account.Session) error {
			s.UserID = "usr_" + strings.Repeat("0", 32)
			return nil
		},
	} {
		w, d := newDirectory(t)
		u := create(t, d, account.NewUser{Username: "alice"})
		_, s := start(t, d, u, "")
		ok(t, end(w, d, u, s))
		for _, err := range []error{d.Confirm(ctx, s, goodPassword, ""), d.ChangeOwnPassword(ctx, s, goodPassword, nextPassword, "")} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: error is %v", what, err)
			}
		}
	}
}

func TestOneOfManyPasswordChangesWins(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		w := newWorld()
		u := create(t, w.node(), account.NewUser{Username: "alice"})
		sessions := make([]*account.Session, 8)
		cookies := make([]string, 8)
		for i := range sessions {
			cookies[i], sessions[i] = start(t, w.node(), u, "")
		}
		errs := parallel(8, func(i int) error {
			return w.node().ChangeOwnPassword(ctx, sessions[i], goodPassword, nextPassword+string(rune('a'+i)), "")
		})
		if n := successes(errs); n != 1 {
			t.Fatalf("%d won: %v", n, errs)
		}
		for i, err := range errs {
			if err != nil {
				dead(t, w.node(), cookies[i])
				continue
			}
			alive(t, w.node(), cookies[i])
			ok(t, login(w.node(), "alice", nextPassword+string(rune('a'+i))))
		}
	}
}

func TestEndingOtherSessionsKeepsThisOne(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	alice, bob := create(t, d, account.NewUser{Username: "alice"}), create(t, d, account.NewUser{Username: "bob"})
	here, s := start(t, d, alice, "")
	there, _ := start(t, d, alice, "")
	bobs, _ := start(t, d, bob, "")
	ok(t, d.EndOtherSessions(ctx, s))
	alive(t, d, here)
	dead(t, d, there)
	alive(t, d, bobs)
	ok(t, d.EndOtherSessions(ctx, s))
}
