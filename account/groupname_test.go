package account_test

import (
	"context"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func TestASaveThatCameTooLateGivesTheNewNameBack(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	g, u := createGroup(t, d, account.NewGroup{Name: "old"}), create(t, d, account.NewUser{Username: "old"})
	_, ofGroup, err := d.LoadGroup(ctx, g.ID)
	ok(t, err)
	_, ofUser, err := d.LoadUser(ctx, u.ID)
	ok(t, err)
	_, err = d.UpdateGroup(ctx, g.ID, ofGroup, func(mine *account.Group) error {
		mine.Name = "new"
		_, err := w.node().UpdateGroup(ctx, g.ID, ofGroup, func(g *account.Group) error { g.Description = "faster"; return nil })
		return err
	})
	wantErr(t, err, store.ErrConflict)
	_, err = d.UpdateUser(ctx, u.ID, ofUser, func(mine *account.User) error {
		mine.Username = "new"
		_, err := w.node().UpdateUser(ctx, u.ID, ofUser, func(u *account.User) error { u.Name = "Faster"; return nil })
		return err
	})
	wantErr(t, err, store.ErrConflict)
	createGroup(t, d, account.NewGroup{Name: "new"})
	create(t, d, account.NewUser{Username: "new"})
	now, err := d.Group(ctx, g.ID)
	ok(t, err)
	if now.Name != "old" || now.Description != "faster" {
		t.Errorf("group is %+v", now)
	}
}

func TestAGroupThatLosesItsNewNameGetsTheOldOneBack(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	g := createGroup(t, w.node(), account.NewGroup{Name: "old"})
	taken := false
	d := w.over(&watched{Backend: w.store, fail: func(verb, kind string) error {
		if verb+" "+kind == "swap group" && !taken {
			taken = true // the node stalls between reserving and writing, for longer than others wait
			w.Move(5 * time.Second)
			createGroup(t, w.node(), account.NewGroup{Name: "new"})
		}
		return nil
	}})
	_, err := d.UpdateGroup(ctx, g.ID, 0, func(g *account.Group) error { g.Name = "new"; return nil })
	wantField(t, err, "name")
	for _, name := range []string{"old", "new"} {
		found, err := w.node().GroupByName(ctx, name)
		ok(t, err)
		if (found.ID == g.ID) != (name == "old") {
			t.Errorf("%s leads to %+v", name, found)
		}
	}
}

func TestANewGroupThatLosesItsNameIsWithdrawn(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	taken := false
	d := w.over(&watched{Backend: w.store, fail: func(verb, kind string) error {
		if verb+" "+kind == "create group" && !taken {
			taken = true
			w.Move(5 * time.Second)
			createGroup(t, w.node(), account.NewGroup{Name: "staff"})
		}
		return nil
	}})
	_, err := d.CreateGroup(ctx, account.NewGroup{Name: "staff"})
	wantField(t, err, "name")
	groups, err := d.Groups(ctx)
	ok(t, err)
	if len(groups) != 1 {
		t.Errorf("%d groups of the name", len(groups))
	}
}
