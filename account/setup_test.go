package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

var first = account.NewUser{Username: "root", Password: goodPassword}

func TestASetupLinkMakesOneSuperAdmin(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	token, err := d.SetupLink(ctx)
	ok(t, err)
	other, err := w.node().SetupLink(ctx) // another node that starts
	ok(t, err)
	ok(t, d.CheckSetup(ctx, token))
	_, err = d.CompleteSetup(ctx, token, account.NewUser{Username: "root", Password: "too short"})
	wantField(t, err, "password")
	u, err := w.node().CompleteSetup(ctx, token, first) // a wrong field used nothing up
	ok(t, err)
	if !u.SuperAdmin {
		t.Error("no super admin")
	}
	for _, t2 := range []string{token, other} {
		_, err = d.CompleteSetup(ctx, t2, account.NewUser{Username: "second", Password: goodPassword})
		wantErr(t, err, account.ErrSetupDone)
	}
	_, err = d.SetupLink(ctx)
	wantErr(t, err, account.ErrSetupDone)
	wantErr(t, d.SetBlocked(ctx, u.ID, account.Block), account.ErrLastSuperAdmin)
	events, _, err := d.Audit.Events(ctx, account.ActionEvents("setup.completed"), "", 10)
	ok(t, err)
	if len(events) != 1 || events[0].Actor.ID != u.ID {
		t.Errorf("events are %+v", events)
	}
}

func TestWrongSetupLinksAreRefused(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	junk := strings.Repeat("A", 43)
	_, err := d.CompleteSetup(ctx, junk, first)
	wantErr(t, err, account.ErrSetupLink)
	token, err := d.SetupLink(ctx)
	ok(t, err)
	for _, wrong := range []string{"", junk, token[:42], token + "A", strings.Repeat("\x00", 1<<20), "\xff"} {
		_, err := d.CompleteSetup(ctx, wrong, first)
		wantErr(t, err, account.ErrSetupLink)
	}
	w.Move(24*time.Hour - time.Millisecond)
	ok(t, d.CheckSetup(ctx, token))
	w.Move(time.Millisecond)
	_, err = d.CompleteSetup(ctx, token, first)
	wantErr(t, err, account.ErrSetupLink)
}

func TestOneOfManySetupsWins(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		w := newWorld()
		tokens := make([]string, 2)
		for i := range tokens {
			var err error
			tokens[i], err = w.node().SetupLink(ctx)
			ok(t, err)
		}
		errs := parallel(8, func(i int) error {
			_, err := w.node().CompleteSetup(ctx, tokens[i%2], account.NewUser{Username: "root" + string(rune('a'+i)), Password: goodPassword})
			return err
		})
		if n := successes(errs); n != 1 {
			t.Fatalf("%d won: %v", n, errs)
		}
	}
}

func TestASetupThatFailsCanBeTriedAgain(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	token, err := w.node().SetupLink(ctx)
	ok(t, err)
	b := &watched{Backend: w.store, fail: func(verb, kind string) error {
		if verb+" "+kind == "create user" {
			return errAway
		}
		return nil
	}}
	if _, err := w.over(b).CompleteSetup(ctx, token, first); !store.IsUnavailable(err) {
		t.Fatalf("error is %v", err)
	}
	w.Move(5 * time.Second)
	_, err = w.node().CompleteSetup(ctx, token, first)
	ok(t, err)
}
