package account_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func TestARenamedUserGivesTheOldNameUp(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice", Email: "a@example.com"})
	w.Move(time.Second)
	changed, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error {
		u.Username, u.Email, u.Name = "ALINA", "b@example.com", "Alina"
		return nil
	})
	ok(t, err)
	if changed.Username != "alina" || !changed.Updated.Equal(w.Now()) {
		t.Errorf("changed to %+v", changed)
	}
	ok(t, login(d, "alina", goodPassword))
	wantErr(t, login(d, "alice", goodPassword), account.ErrCredentials)
	create(t, d, account.NewUser{Username: "alice", Email: "a@example.com"})
	_, err = d.CreateUser(ctx, account.NewUser{Username: "alina", Password: goodPassword})
	wantField(t, err, "username")
}

func TestAnUpdateIsCheckedAsACreation(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	create(t, d, account.NewUser{Username: "bob", Email: "b@example.com"})
	for field, alter := range map[string]func(*account.User){
		"username": func(u *account.User) { u.Username = "Bob" },
		"email":    func(u *account.User) { u.Email = "B@example.com" },
		"name":     func(u *account.User) { u.Name = "\x00" },
	} {
		_, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { alter(u); return nil })
		wantField(t, err, field)
	}
	for _, alter := range []func(*account.User){
		func(u *account.User) { u.ID = "usr_1" },
		func(u *account.User) { u.Password = "" },
		func(u *account.User) { u.Blocked = true },
		func(u *account.User) { u.Created = time.Time{} },
	} {
		if _, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { alter(u); return nil }); err == nil {
			t.Error("a field that is not to be changed here was changed")
		}
	}
	still, err := d.User(ctx, u.ID)
	ok(t, err)
	if !reflect.DeepEqual(still, u) {
		t.Errorf("changed to %+v", still)
	}
	cause := errors.New("changed my mind")
	_, err = d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { return cause })
	wantErr(t, err, cause)
}

func TestAFailedRenameGivesTheNewNameBack(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "root", SuperAdmin: true})
	_, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error {
		u.Username, u.SuperAdmin = "toor", false
		return nil
	})
	wantErr(t, err, account.ErrLastSuperAdmin)
	create(t, d, account.NewUser{Username: "toor"})
	ok(t, login(d, "root", goodPassword))
}

func TestTwoUsersCannotBeRenamedToOneName(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		w := newWorld()
		d := w.node()
		users := []*account.User{create(t, d, account.NewUser{Username: "a"}), create(t, d, account.NewUser{Username: "b"})}
		errs := parallel(8, func(i int) error {
			_, err := w.node().UpdateUser(ctx, users[i%2].ID, 0, func(u *account.User) error { u.Username = "c"; return nil })
			return err
		})
		named := 0
		for _, u := range users {
			now, err := d.User(ctx, u.ID)
			ok(t, err)
			if now.Username == "c" {
				named++
			}
			found, err := d.UserByName(ctx, now.Username)
			ok(t, err)
			if found.ID != u.ID {
				t.Fatalf("%s leads to somebody else", now.Username)
			}
		}
		if named != 1 {
			t.Fatalf("%d users are named c: %v", named, errs)
		}
	}
}

func TestNotBeforeOnlyMovesForward(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	ok(t, d.SetPassword(ctx, u.ID, goodPassword+"!"))
	at := w.Now()
	for _, to := range []time.Time{{}, at.Add(-time.Hour)} {
		changed, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.NotBefore = to; return nil })
		ok(t, err)
		if !changed.NotBefore.Equal(at) {
			t.Errorf("moved to %v", changed.NotBefore)
		}
	}
	w.Move(-time.Hour)
	ok(t, d.SetPassword(ctx, u.ID, goodPassword))
	changed, err := d.User(ctx, u.ID)
	ok(t, err)
	if !changed.NotBefore.After(at) {
		t.Errorf("a clock that was set back moved it to %v", changed.NotBefore)
	}
}

func TestADeletedUserIsGoneAndItsNamesAreFree(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice", Email: "a@example.com"})
	cookie, _, err := d.StartSession(ctx, u, account.NewSession{})
	ok(t, err)
	ok(t, d.DeleteUser(ctx, u.ID))
	_, err = d.User(ctx, u.ID)
	wantErr(t, err, store.ErrNotFound)
	_, _, err = d.Session(ctx, cookie)
	wantErr(t, err, store.ErrNotFound)
	wantErr(t, login(d, "alice", goodPassword), account.ErrCredentials)
	wantErr(t, d.DeleteUser(ctx, u.ID), store.ErrNotFound)
	again := create(t, d, account.NewUser{Username: "alice", Email: "a@example.com"})
	if again.ID == u.ID {
		t.Error("the id is used again")
	}
}

func TestADeletionThatDiedHalfwayIsADeletion(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	u := create(t, w.node(), account.NewUser{Username: "alice"})
	b := &watched{Backend: w.store, fail: func(verb, kind string) error {
		if verb+" "+kind == "take user" || verb+" "+kind == "swap user_name" {
			return errAway
		}
		return nil
	}}
	if err := w.over(b).DeleteUser(ctx, u.ID); !store.IsUnavailable(err) {
		t.Fatalf("error is %v", err)
	}
	d := w.node()
	_, err := d.User(ctx, u.ID)
	wantErr(t, err, store.ErrNotFound)
	wantErr(t, login(d, "alice", goodPassword), account.ErrCredentials)
	if has, err := d.HasUsers(ctx); err != nil || has {
		t.Errorf("a deleted user is listed: %v, %v", has, err)
	}
	create(t, d, account.NewUser{Username: "alice"})
}

func TestTheLastSuperAdminStays(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	a := create(t, d, account.NewUser{Username: "a", SuperAdmin: true})
	create(t, d, account.NewUser{Username: "b"})
	demote := func(u *account.User) error { u.SuperAdmin = false; return nil }
	_, err := d.UpdateUser(ctx, a.ID, 0, demote)
	wantErr(t, err, account.ErrLastSuperAdmin)
	wantErr(t, d.SetBlocked(ctx, a.ID, account.Block), account.ErrLastSuperAdmin)
	wantErr(t, d.DeleteUser(ctx, a.ID), account.ErrLastSuperAdmin)

	c := create(t, d, account.NewUser{Username: "c", SuperAdmin: true})
	ok(t, d.SetBlocked(ctx, a.ID, account.Block))
	wantErr(t, d.DeleteUser(ctx, c.ID), account.ErrLastSuperAdmin) // a blocked one does not count
	ok(t, d.SetBlocked(ctx, a.ID, account.Unblock))
	ok(t, d.DeleteUser(ctx, c.ID))
	wantErr(t, d.SetBlocked(ctx, a.ID, account.Block), account.ErrLastSuperAdmin)
}

func TestRacingAdminsLeaveOneSuperAdmin(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		w := newWorld()
		var ids []string
		for _, name := range []string{"a", "b", "c", "d"} {
			ids = append(ids, create(t, w.node(), account.NewUser{Username: name, SuperAdmin: true}).ID)
		}
		parallel(16, func(i int) error {
			d, id := w.node(), ids[i%4]
			switch i / 4 {
			case 0:
				return d.SetBlocked(ctx, id, account.Block)
			case 1:
				_, err := d.UpdateUser(ctx, id, 0, func(u *account.User) error { u.SuperAdmin = false; return nil })
				return err
			case 2:
				return d.SetBlocked(ctx, id, account.Unblock)
			}
			return d.DeleteUser(ctx, id)
		})
		users, _, err := w.node().Users(ctx, "", 0)
		ok(t, err)
		active := 0
		for _, u := range users {
			if u.SuperAdmin && !u.Blocked {
				active++
			}
		}
		if active == 0 {
			t.Fatal("no super admin is left")
		}
	}
}

func TestASuperAdminWhoWasNotCountedBeforeACrashCounts(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	a := create(t, w.node(), account.NewUser{Username: "a", SuperAdmin: true})
	b := &watched{Backend: w.store, fail: func(verb, kind string) error {
		if verb+" "+kind == "swap super_admin" {
			return errAway
		}
		return nil
	}}
	_, err := w.over(b).CreateUser(ctx, account.NewUser{Username: "b", Password: goodPassword, SuperAdmin: true})
	if !store.IsUnavailable(err) {
		t.Fatalf("error is %v", err)
	}
	ok(t, w.node().SetBlocked(ctx, a.ID, account.Block))
	other, err := w.node().UserByName(ctx, "b")
	ok(t, err)
	wantErr(t, w.node().SetBlocked(ctx, other.ID, account.Block), account.ErrLastSuperAdmin)
}

func TestAChangeIsEffectiveOnEveryNode(t *testing.T) {
	w := newWorld()
	here, there := w.node(), w.node()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	for _, d := range []*account.Directory{here, there} {
		go func() { d.Run(ctx); done <- struct{}{} }()
	}
	defer func() { stop(); <-done; <-done }()
	u := create(t, here, account.NewUser{Username: "alice"})
	cookie, _, err := there.StartSession(ctx, u, account.NewSession{})
	ok(t, err)
	_, _, err = there.Session(ctx, cookie)
	ok(t, err)
	ok(t, here.SetBlocked(ctx, u.ID, account.Block))
	_, _, err = here.Session(ctx, cookie)
	wantErr(t, err, store.ErrNotFound)
	poll(t, func() bool {
		_, _, err := there.Session(ctx, cookie)
		return errors.Is(err, store.ErrNotFound)
	})
	ok(t, here.SetBlocked(ctx, u.ID, account.Unblock))
	_, _, err = here.Session(ctx, cookie)
	wantErr(t, err, store.ErrNotFound) // unblocking revives nothing
}
