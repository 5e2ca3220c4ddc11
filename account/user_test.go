package account_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func TestCreatedUserIsFound(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	has, err := d.HasUsers(ctx)
	ok(t, err)
	if has {
		t.Fatal("an empty directory has users")
	}
	u := create(t, d, account.NewUser{Username: "Alice", Name: " Alice A. ", Email: " Alice@Example.com "})
	if !regexp.MustCompile(`^usr_[0-9a-f]{12}7[0-9a-f]{19}$`).MatchString(u.ID) {
		t.Errorf("id is %q", u.ID)
	}
	found, err := d.User(ctx, u.ID)
	ok(t, err)
	if found.Username != "alice" || found.Name != "Alice A." || found.Email != "Alice@Example.com" {
		t.Errorf("found %+v", found)
	}
	if !found.Created.Equal(w.Now()) || found.Created.Location() != time.UTC {
		t.Errorf("created %v", found.Created)
	}
	if strings.Contains(found.Password, goodPassword) || !strings.HasPrefix(found.Password, "$argon2id$") {
		t.Error("the password is not hashed")
	}
	has, err = d.HasUsers(ctx)
	ok(t, err)
	if !has {
		t.Error("a directory with a user has none")
	}
}

func TestJunkIDsAreNotFound(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	b := &watched{Backend: w.store}
	d := w.over(b)
	for _, id := range []string{"", "usr_", "alice", "usr_" + strings.Repeat("A", 32), "usr_\x00", strings.Repeat("a", 1<<20), "\xff"} {
		_, err := d.User(ctx, id)
		wantErr(t, err, store.ErrNotFound)
		wantErr(t, d.SetPassword(ctx, id, goodPassword), store.ErrNotFound)
		wantErr(t, d.SetBlocked(ctx, id, account.Block), store.ErrNotFound)
		wantErr(t, d.DeleteUser(ctx, id), store.ErrNotFound)
	}
	if calls := b.took(); calls != "" {
		t.Errorf("the store was asked:\n%s", calls)
	}
}

func TestBadFieldsAreRefusedTogether(t *testing.T) {
	_, d := newDirectory(t)
	_, err := d.CreateUser(context.Background(), account.NewUser{Username: "a b", Name: "a\u202eb", Email: "nobody", Password: "short"})
	fields, isFields := err.(*account.FieldErrors)
	if !isFields || len(fields.Fields) != 4 {
		t.Fatalf("error is %v", err)
	}
	if strings.Contains(err.Error(), "short") {
		t.Error("the password is in the error")
	}
}

func TestEmailRules(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	create(t, d, account.NewUser{Username: "first", Email: "Someone@Example.com"})
	for _, bad := range []string{
		"x", "@x", "x@", "a@b@c", "a b@c", "a@b\x00", "a@b\r\nBcc: c@d", "<a@b>", "a@b,c@d", "a@.b", "a@b.", "a@b..c", "a\u200b@b", "\xff@b",
		strings.Repeat("a", 251) + "@b.c", "someone@example.com", "SOMEONE@EXAMPLE.COM", "ｓomeone@example.com",
	} {
		_, err := d.CreateUser(ctx, account.NewUser{Username: "second", Email: bad, Password: goodPassword})
		wantField(t, err, "email")
	}
	create(t, d, account.NewUser{Username: "second", Email: "other+tag@sub.example.com"})
	create(t, d, account.NewUser{Username: "third"})
	create(t, d, account.NewUser{Username: "fourth"})
}

func TestOneOfManyGetsTheName(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		w := newWorld()
		nodes := []*account.Directory{w.node(), w.node()}
		errs := parallel(8, func(i int) error {
			_, err := nodes[i%2].CreateUser(ctx, account.NewUser{Username: "alice", Email: "a@example.com", Password: goodPassword})
			return err
		})
		if n := successes(errs); n != 1 {
			t.Fatalf("%d users got the name: %v", n, errs)
		}
		users, _, err := nodes[0].Users(ctx, "", 0)
		ok(t, err)
		if len(users) != 1 {
			t.Fatalf("%d users are stored", len(users))
		}
		found, err := nodes[1].UserByName(ctx, "alice")
		ok(t, err)
		if found.ID != users[0].ID {
			t.Fatal("the name leads to somebody else")
		}
	}
}

func TestACrashWhileCreatingBlocksNoName(t *testing.T) {
	ctx := context.Background()
	for _, dies := range []string{"create user", "create user_email"} {
		w := newWorld()
		b := &watched{Backend: w.store, fail: func(verb, kind string) error {
			if verb+" "+kind == dies {
				return errAway
			}
			return nil
		}}
		n := account.NewUser{Username: "alice", Email: "a@example.com", Password: goodPassword}
		if _, err := w.over(b).CreateUser(ctx, n); !store.IsUnavailable(err) {
			t.Fatalf("error is %v", err)
		}
		w.Move(5 * time.Second)
		u := create(t, w.node(), n)
		found, err := w.node().UserByName(ctx, "alice")
		ok(t, err)
		if found.ID != u.ID {
			t.Error("the name leads to somebody else")
		}
	}
}

func TestAUserWrittenButNotConfirmedKeepsItsName(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	b := &watched{Backend: w.store, fail: func(verb, kind string) error {
		if verb+" "+kind == "swap user_name" {
			return errAway
		}
		return nil
	}}
	n := account.NewUser{Username: "alice", Password: goodPassword}
	if _, err := w.over(b).CreateUser(ctx, n); !store.IsUnavailable(err) {
		t.Fatalf("error is %v", err)
	}
	w.Move(time.Hour)
	_, err := w.node().CreateUser(ctx, n)
	wantField(t, err, "username")
	ok(t, login(w.node(), "alice", goodPassword))
}

func TestAStoreThatIsAwayIsNotAnAbsentUser(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	create(t, w.node(), account.NewUser{Username: "alice"})
	d := w.over(&watched{Backend: w.store, fail: func(string, string) error { return errAway }})
	check := func(what string, err error) {
		t.Helper()
		if !store.IsUnavailable(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	id := "usr_" + strings.Repeat("0", 32)
	_, err := d.User(ctx, id)
	check("User", err)
	_, err = d.UserByName(ctx, "alice")
	check("UserByName", err)
	_, _, err = d.Users(ctx, "", 10)
	check("Users", err)
	_, err = d.HasUsers(ctx)
	check("HasUsers", err)
	_, err = d.CreateUser(ctx, account.NewUser{Username: "bob", Password: goodPassword})
	check("CreateUser", err)
	_, _, err = d.EnsureUser(ctx, account.NewUser{Username: "bob", Password: goodPassword})
	check("EnsureUser", err)
	check("SetPassword", d.SetPassword(ctx, id, goodPassword))
	check("SetBlocked", d.SetBlocked(ctx, id, account.Block))
	check("DeleteUser", d.DeleteUser(ctx, id))
	check("Login", login(d, "alice", goodPassword))
	_, err = d.SetupLink(ctx)
	check("SetupLink", err)
	_, _, err = d.Session(ctx, strings.Repeat("A", 43))
	check("Session", err)
	check("EndSession", d.EndSession(ctx, strings.Repeat("A", 43)))
}

func TestUsersArePaged(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		create(t, d, account.NewUser{Username: name})
	}
	var names []string
	for cursor, pages := "", 0; pages < 10; pages++ {
		users, next, err := d.Users(ctx, cursor, 2)
		ok(t, err)
		for _, u := range users {
			names = append(names, u.Username)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if got := strings.Join(names, ""); len(got) != 5 {
		t.Errorf("listed %q", got)
	}
	if _, _, err := d.Users(ctx, strings.Repeat("x", 1<<20), -1); err != nil {
		t.Error(err)
	}
}

func TestWhatBeganBeforeAnEndDoesNotStand(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC)
	u := &account.User{NotBefore: at}
	for notBefore, want := range map[time.Time]bool{
		{}: false, at.Add(-time.Millisecond): false, at: true, at.Add(time.Millisecond): true,
	} {
		if u.Stands(notBefore) != want {
			t.Errorf("began under %v: stands %v", notBefore, !want)
		}
	}
	if !(&account.User{}).Stands(time.Time{}) || (&account.User{Blocked: true}).Stands(at) {
		t.Error("blocked is not what decides")
	}
}
