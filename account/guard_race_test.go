package account_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// dice gives a number below n.
func dice(n int) int {
	i, _ := rand.Int(rand.Reader, big.NewInt(int64(n))) // never fails
	return int(i.Int64())
}

// TestNoActsTogetherGrowRights lets two people who may change users and groups do anything, on two nodes and at once. What
// neither of them holds at the beginning must stay out of their reach, and those who hold it must keep all that they have.
func TestNoActsTogetherGrowRights(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	nodes := []*account.Directory{w.node(), w.node()}
	d := nodes[0]
	administering := holding(account.ViewUsers, account.CreateUsers, account.EditUsers, account.DeleteUsers,
		account.ViewGroups, account.CreateGroups, account.EditGroups, account.DeleteGroups)
	treasure := createGroup(t, d, account.NewGroup{Name: "treasure", Permissions: holding(account.EditKeys)})
	way := createGroup(t, d, account.NewGroup{Name: "way", MemberOf: []string{treasure.ID}})
	shared := createGroup(t, d, account.NewGroup{Name: "shared", Permissions: holding(account.ViewUsers)})
	kept := create(t, d, account.NewUser{Username: "keeper", Groups: []string{way.ID, shared.ID}, Permissions: holding(account.ViewAudit)})
	root := create(t, d, account.NewUser{Username: "root", Password: "a longer " + goodPassword, SuperAdmin: true})
	var thieves []*account.User
	users, groups := []string{kept.ID, root.ID}, []string{treasure.ID, way.ID, shared.ID}
	for i := range 2 {
		extra := holding(account.ViewClients, account.ViewTokens)[i]
		u := create(t, d, account.NewUser{Username: fmt.Sprint("thief", i), Permissions: append(holding(extra), administering...)})
		thieves, users = append(thieves, u), append(users, u.ID)
		users = append(users, create(t, d, account.NewUser{Username: fmt.Sprint("tool", i)}).ID)
		groups = append(groups, createGroup(t, d, account.NewGroup{Name: fmt.Sprint("bag", i)}).ID)
	}
	before, err := d.RightsOf(ctx, kept.ID)
	ok(t, err)
	some := func(ids []string) []string {
		var chosen []string
		for range dice(3) {
			chosen = append(chosen, ids[dice(len(ids))])
		}
		return chosen
	}
	permissions := func() []account.Permission {
		all := append(holding(account.EditKeys, account.ViewAudit, account.ViewClients, account.ViewTokens), administering...)
		return []account.Permission{all[dice(len(all))], all[dice(len(all))]}
	}
	act := func(node *account.Directory) error {
		thief := thieves[dice(len(thieves))]
		held, err := node.RightsOf(ctx, thief.ID)
		if err != nil {
			return err
		}
		if dice(4) == 0 { // by a token that reaches less
			held = held.Within(account.Rights{Permissions: permissions()})
		}
		mine := account.WithRights(account.WithActor(ctx, account.Actor{Kind: account.ActorUser, ID: thief.ID}), held)
		user, group := users[dice(len(users))], groups[dice(len(groups))]
		switch dice(8) {
		case 0:
			return node.AddMember(mine, group, append(users, groups...)[dice(len(users)+len(groups))])
		case 1:
			return node.RemoveMember(mine, group, append(users, groups...)[dice(len(users)+len(groups))])
		case 2:
			_, err = node.UpdateGroup(mine, group, 0, func(g *account.Group) error { g.MemberOf = some(groups); return nil })
		case 3:
			_, err = node.UpdateGroup(mine, group, 0, func(g *account.Group) error { g.Permissions = permissions(); return nil })
		case 4:
			_, err = node.UpdateUser(mine, user, 0, func(u *account.User) error { u.Groups = some(groups); return nil })
		case 5:
			_, err = node.UpdateUser(mine, user, 0, func(u *account.User) error {
				u.Permissions = append(permissions(), administering...)
				u.SuperAdmin = dice(3) == 0
				return nil
			})
		case 6:
			if user == thieves[0].ID || user == thieves[1].ID {
				return nil
			}
			return node.SetBlocked(mine, user, account.Block)
		case 7:
			return node.DeleteGroup(mine, groups[dice(4)]) // never the last bag
		}
		return err
	}
	for range 60 {
		for _, err := range parallel(8, func(i int) error { return act(nodes[i%2]) }) {
			var forbidden *account.ForbiddenError
			var faults *account.FieldErrors
			if err != nil && !errors.As(err, &forbidden) && !errors.As(err, &faults) && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
				t.Fatal(err)
			}
		}
		for _, id := range users[2:] {
			got, err := d.RightsOf(ctx, id)
			ok(t, err)
			if got.SuperAdmin || got.Has(account.EditKeys) || got.Has(account.ViewAudit) {
				t.Fatalf("%s has come to %v", id, got)
			}
		}
		after, err := d.RightsOf(ctx, kept.ID)
		ok(t, err)
		if err := after.CheckCovers(before); err != nil {
			t.Fatalf("the keeper has lost: %v", err)
		}
	}
}
