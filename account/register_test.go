package account_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
)

func TestEnsureUserIsIdempotent(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	n := account.NewUser{Username: "Alice", Password: "password", Name: "Alice", Email: "a@example.com", SuperAdmin: true}
	u, changed, err := d.EnsureUser(ctx, n)
	ok(t, err)
	if !changed || !u.SuperAdmin {
		t.Fatalf("changed %v, %+v", changed, u)
	}
	same, changed, err := d.EnsureUser(ctx, n)
	ok(t, err)
	if changed || !reflect.DeepEqual(same, u) {
		t.Fatalf("changed %v, %+v", changed, same)
	}
	_, changed, err = d.EnsureUser(ctx, account.NewUser{Username: "alice"})
	ok(t, err)
	if changed {
		t.Error("empty fields changed something")
	}
	n.Password, n.Name = "another password", "Alina"
	_, changed, err = d.EnsureUser(ctx, n)
	ok(t, err)
	if !changed {
		t.Error("nothing changed")
	}
	ok(t, login(d, "alice", "another password"))
	wantErr(t, login(d, "alice", "password"), account.ErrCredentials)
}

func TestEnsureUserRefusesBadDeclarations(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	_, _, err := d.EnsureUser(ctx, account.NewUser{Username: "alice", Password: "seven77"})
	wantField(t, err, "password")
	_, _, err = d.EnsureUser(ctx, account.NewUser{Username: "alice"})
	wantField(t, err, "password")
	_, _, err = d.EnsureUser(ctx, account.NewUser{Username: "a b", Password: goodPassword})
	wantField(t, err, "username")
	create(t, d, account.NewUser{Username: "bob", Email: "b@example.com"})
	_, _, err = d.EnsureUser(ctx, account.NewUser{Username: "alice", Password: goodPassword, Email: "b@example.com"})
	wantField(t, err, "email")
}

func TestNodesThatSeedAtOnceMakeOneUser(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	errs := parallel(4, func(int) error {
		_, _, err := w.node().EnsureUser(ctx, account.NewUser{Username: "alice", Password: goodPassword, Email: "a@example.com", SuperAdmin: true})
		return err
	})
	if successes(errs) != 4 {
		t.Fatal(errs)
	}
	users, _, err := w.node().Users(ctx, "", 0)
	ok(t, err)
	if len(users) != 1 {
		t.Fatalf("%d users", len(users))
	}
}

func TestPasswordPolicy(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice.liddell", Email: "alice@example.com"})
	admin := create(t, d, account.NewUser{Username: "admin", SuperAdmin: true})
	for _, bad := range []string{
		"", "1234567", "äöüäöüä", "password", "PassWord1", "qwertyuiop", "1q2w3e4r", "Alice.Liddell", "ALICE@example.com",
		strings.Repeat("x", 1025), "\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		wantField(t, d.SetPassword(ctx, u.ID, bad), "password")
	}
	for _, good := range []string{
		"12ab34cd", "ääääöööö", "        ", "nul\x00inside", strings.Repeat("x", 1024), strings.Repeat("界", 341), "👩‍🚀👩‍🚀👩‍🚀👩‍🚀",
	} {
		ok(t, d.SetPassword(ctx, u.ID, good))
		ok(t, login(d, "alice.liddell", good))
	}
	wantField(t, d.SetPassword(ctx, admin.ID, "fourteen chars"), "password")
	ok(t, d.SetPassword(ctx, admin.ID, "fifteen chars.."))
	_, err := d.CreateUser(ctx, account.NewUser{Username: "second", Password: "fourteen chars", SuperAdmin: true})
	wantField(t, err, "password")
}

func TestPasswordsAreComparedByteForByte(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	right := "Pässword\x00 " + strings.Repeat("long ", 40) + "end"
	u := create(t, d, account.NewUser{Username: "alice"})
	ok(t, d.SetPassword(ctx, u.ID, right))
	for _, wrong := range []string{
		right + " ", right + "\x00", " " + right, right[:len(right)-1], right[:72], strings.ToLower(right),
		strings.Replace(right, "ä", "a\u0308", 1), strings.ReplaceAll(right, "\x00", ""),
	} {
		wantErr(t, login(d, "alice", wrong), account.ErrCredentials)
		w.Move(time.Hour)
	}
	ok(t, login(d, "alice", right))
}
