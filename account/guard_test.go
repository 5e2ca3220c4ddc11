package account_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
)

// as acts like a user who is signed in: with what the user may do now.
func as(t *testing.T, d *account.Directory, u *account.User) context.Context {
	t.Helper()
	r, err := d.RightsOf(context.Background(), u.ID)
	ok(t, err)
	ctx := account.WithActor(context.Background(), account.Actor{Kind: account.ActorUser, ID: u.ID, Name: u.Username})
	return account.WithRights(ctx, r)
}

func wantForbidden(t *testing.T, what string, err error) {
	t.Helper()
	var f *account.ForbiddenError
	if !errors.As(err, &f) {
		t.Errorf("%s: error is %v", what, err)
	}
}

// office is an editor of users and groups among people and groups of all heights. keys is what the editor does not hold.
type office struct {
	*account.Directory
	ctx                               context.Context // of the editor
	editor, plain, mighty, root       *account.User
	humble, keys, underKeys, together *account.Group
}

func newOffice(t *testing.T) *office {
	t.Helper()
	_, d := newDirectory(t)
	o := &office{Directory: d}
	o.humble = createGroup(t, d, account.NewGroup{Name: "humble", Permissions: holding(account.ViewUsers)})
	o.keys = createGroup(t, d, account.NewGroup{Name: "keys", Permissions: holding(account.ViewUsers, account.EditKeys)})
	o.underKeys = createGroup(t, d, account.NewGroup{Name: "under keys", MemberOf: []string{o.keys.ID}})
	o.together = createGroup(t, d, account.NewGroup{Name: "together", Permissions: holding(account.EditUsers)})
	o.editor = create(t, d, account.NewUser{
		Username: "editor", Groups: []string{o.together.ID}, Permissions: holding(account.ViewUsers, account.EditGroups),
	})
	o.plain = create(t, d, account.NewUser{Username: "plain", Groups: []string{o.humble.ID}})
	o.mighty = create(t, d, account.NewUser{Username: "mighty", Groups: []string{o.underKeys.ID, o.together.ID}, Permissions: holding(account.ViewUsers)})
	o.root = create(t, d, account.NewUser{Username: "root", SuperAdmin: true, Groups: []string{o.humble.ID}})
	o.ctx = as(t, d, o.editor)
	return o
}

func (o *office) alter(id string, alter func(*account.User)) error {
	_, err := o.UpdateUser(o.ctx, id, 0, func(u *account.User) error { alter(u); return nil })
	return err
}

func (o *office) alterGroup(id string, alter func(*account.Group)) error {
	_, err := o.UpdateGroup(o.ctx, id, 0, func(g *account.Group) error { alter(g); return nil })
	return err
}

func TestNobodyGivesWhatHeDoesNotHold(t *testing.T) {
	o := newOffice(t)
	newUser := func(n account.NewUser) error {
		n.Username, n.Password = "made", goodPassword
		_, err := o.CreateUser(o.ctx, n)
		return err
	}
	newGroup := func(n account.NewGroup) error {
		n.Name = "made"
		_, err := o.CreateGroup(o.ctx, n)
		return err
	}
	for _, target := range []*account.User{o.plain, o.editor} {
		for what, err := range map[string]error{
			"permission":        o.alter(target.ID, func(u *account.User) { u.Permissions = holding(account.ViewUsers, account.EditKeys) }),
			"super admin":       o.alter(target.ID, func(u *account.User) { u.SuperAdmin = true }),
			"group":             o.alter(target.ID, func(u *account.User) { u.Groups = append(u.Groups, o.keys.ID) }),
			"group in a group":  o.alter(target.ID, func(u *account.User) { u.Groups = append(u.Groups, o.underKeys.ID) }),
			"member":            o.AddMember(o.ctx, o.keys.ID, target.ID),
			"member by nesting": o.AddMember(o.ctx, o.underKeys.ID, target.ID),
		} {
			wantForbidden(t, what+" to "+target.Username, err)
		}
	}
	ensured := func(n account.NewUser) error { _, _, err := o.EnsureUser(o.ctx, n); return err }
	for what, err := range map[string]error{
		"user with a permission":      newUser(account.NewUser{Permissions: holding(account.EditKeys)}),
		"user in a group":             newUser(account.NewUser{Groups: []string{o.underKeys.ID}}),
		"super admin":                 newUser(account.NewUser{SuperAdmin: true}),
		"declared user":               ensured(account.NewUser{Username: "made", Password: goodPassword, SuperAdmin: true}),
		"declared permission":         ensured(account.NewUser{Username: "plain", Permissions: holding(account.EditKeys)}),
		"declared password":           ensured(account.NewUser{Username: "root", Password: goodPassword + "!"}),
		"group with a permission":     newGroup(account.NewGroup{Permissions: holding(account.EditKeys)}),
		"group in a group":            newGroup(account.NewGroup{MemberOf: []string{o.keys.ID}}),
		"group in a nested group":     newGroup(account.NewGroup{MemberOf: []string{o.underKeys.ID}}),
		"permission of a group":       o.alterGroup(o.humble.ID, func(g *account.Group) { g.Permissions = holding(account.EditKeys) }),
		"permission of the own group": o.alterGroup(o.together.ID, func(g *account.Group) { g.Permissions = append(g.Permissions, account.EditKeys) }),
		"parent of a group":           o.alterGroup(o.humble.ID, func(g *account.Group) { g.MemberOf = []string{o.underKeys.ID} }),
		"parent of the own group":     o.AddMember(o.ctx, o.keys.ID, o.together.ID),
	} {
		wantForbidden(t, what, err)
	}
	wantRights(t, o.Directory, o.editor.ID, account.ViewUsers, account.EditUsers, account.EditGroups)
	wantRights(t, o.Directory, o.plain.ID, account.ViewUsers)

	// What he holds he gives, and who holds nothing gives nothing.
	ok(t, newUser(account.NewUser{Groups: []string{o.humble.ID, o.together.ID}, Permissions: holding(account.EditGroups)}))
	ok(t, newGroup(account.NewGroup{MemberOf: []string{o.humble.ID}, Permissions: holding(account.EditGroups)}))
	ok(t, o.AddMember(o.ctx, o.together.ID, o.plain.ID))
	ok(t, o.alterGroup(o.humble.ID, func(g *account.Group) { g.Permissions = holding(account.EditUsers) }))
	guest := account.WithActor(context.Background(), account.Actor{Kind: account.ActorGuest})
	wantForbidden(t, "a guest", o.AddMember(guest, o.together.ID, create(t, o.Directory, account.NewUser{Username: "new"}).ID))
}

func TestNobodyActsOnSomeoneMightier(t *testing.T) {
	o := newOffice(t)
	bg := context.Background()
	for _, target := range []*account.User{o.mighty, o.root} {
		cookie, s := start(t, o.Directory, target, "")
		for what, err := range map[string]error{
			"password":           o.SetPassword(o.ctx, target.ID, goodPassword+"!"),
			"block":              o.SetBlocked(o.ctx, target.ID, account.Block),
			"delete":             o.DeleteUser(o.ctx, target.ID),
			"end sessions":       o.EndAll(o.ctx, target.ID),
			"end a session":      o.EndSessionByID(o.ctx, target.ID, s.ID),
			"rename":             o.alter(target.ID, func(u *account.User) { u.Username = "renamed" }),
			"e-mail":             o.alter(target.ID, func(u *account.User) { u.Email = "a@example.com" }),
			"demote":             o.alter(target.ID, func(u *account.User) { u.SuperAdmin = false }),
			"take a permission":  o.alter(target.ID, func(u *account.User) { u.Permissions = nil }),
			"take all groups":    o.alter(target.ID, func(u *account.User) { u.Groups = nil }),
			"take from a group":  o.RemoveMember(o.ctx, target.Groups[0], target.ID),
			"not before":         o.alter(target.ID, func(u *account.User) { u.NotBefore = time.Now().Add(time.Hour) }),
			"give a small group": o.AddMember(o.ctx, createGroup(t, o.Directory, account.NewGroup{Name: "small " + target.Username}).ID, target.ID),
		} {
			wantForbidden(t, what+" of "+target.Username, err)
		}
		alive(t, o.Directory, cookie)
		ok(t, login(o.Directory, target.Username, goodPassword))
	}
	create(t, o.Directory, account.NewUser{Username: "second", SuperAdmin: true})
	ok(t, o.SetBlocked(bg, o.mighty.ID, account.Block))
	ok(t, o.SetBlocked(bg, o.root.ID, account.Block))
	for _, target := range []*account.User{o.mighty, o.root} { // a blocked one is as mighty as before
		wantForbidden(t, "unblock "+target.Username, o.SetBlocked(o.ctx, target.ID, account.Unblock))
		wantForbidden(t, "delete the blocked "+target.Username, o.DeleteUser(o.ctx, target.ID))
	}

	ok(t, o.SetPassword(o.ctx, o.plain.ID, goodPassword+"!"))
	ok(t, o.EndAll(o.ctx, o.plain.ID))
	ok(t, o.SetBlocked(o.ctx, o.plain.ID, account.Block))
	ok(t, o.SetBlocked(o.ctx, o.plain.ID, account.Unblock))
	ok(t, o.RemoveMember(o.ctx, o.humble.ID, o.plain.ID))
	ok(t, o.alter(o.plain.ID, func(u *account.User) { u.Username = "simple" }))
	ok(t, o.DeleteUser(o.ctx, o.plain.ID))
}

func TestNobodyActsOnAGroupThatMayMore(t *testing.T) {
	o := newOffice(t)
	for _, g := range []*account.Group{o.keys, o.underKeys} {
		for what, err := range map[string]error{
			"rename":            o.alterGroup(g.ID, func(g *account.Group) { g.Name = "renamed" }),
			"take a permission": o.alterGroup(g.ID, func(g *account.Group) { g.Permissions = nil }),
			"take a parent":     o.alterGroup(g.ID, func(g *account.Group) { g.MemberOf, g.Permissions = nil, nil }),
			"delete":            o.DeleteGroup(o.ctx, g.ID),
		} {
			wantForbidden(t, what+" "+g.Name, err)
		}
	}
	// Also by way of a group within his reach nothing is taken from somebody mightier. The super admin loses nothing by it.
	for what, err := range map[string]error{
		"take a permission": o.alterGroup(o.together.ID, func(g *account.Group) { g.Permissions = nil }),
		"delete":            o.DeleteGroup(o.ctx, o.together.ID),
	} {
		wantForbidden(t, what+" that somebody mightier holds", err)
	}
	ok(t, o.alterGroup(o.together.ID, func(g *account.Group) { g.Description = "all who edit" }))
	ok(t, o.alterGroup(o.humble.ID, func(g *account.Group) { g.Permissions = nil }))
	ok(t, o.DeleteGroup(o.ctx, o.humble.ID))
	wantForbidden(t, "a removed parent", o.RemoveMember(o.ctx, o.keys.ID, o.underKeys.ID))
}

func TestOneMayLowerOneself(t *testing.T) {
	o := newOffice(t)
	ok(t, o.alter(o.editor.ID, func(u *account.User) { u.Permissions = holding(account.EditGroups) }))
	ok(t, o.RemoveMember(o.ctx, o.together.ID, o.editor.ID))
	wantRights(t, o.Directory, o.editor.ID, account.EditGroups)
	o.ctx = as(t, o.Directory, o.editor)
	wantForbidden(t, "raising oneself again", o.AddMember(o.ctx, o.together.ID, o.editor.ID))

	root := as(t, o.Directory, o.root)
	demote := func(u *account.User) error { u.SuperAdmin = false; return nil }
	_, err := o.UpdateUser(root, o.root.ID, 0, demote)
	wantErr(t, err, account.ErrLastSuperAdmin)
	create(t, o.Directory, account.NewUser{Username: "second", SuperAdmin: true})
	_, err = o.UpdateUser(root, o.root.ID, 0, demote)
	ok(t, err)
	_, err = o.UpdateUser(as(t, o.Directory, o.root), o.root.ID, 0, func(u *account.User) error { u.SuperAdmin = true; return nil })
	wantForbidden(t, "becoming super admin again", err)
}

func TestRightsThatATokenNarrowsDoNotReachTheirOwner(t *testing.T) {
	o := newOffice(t)
	narrow := account.WithRights(as(t, o.Directory, o.root), account.Rights{Permissions: holding(account.EditUsers)})
	wantForbidden(t, "own password", o.SetPassword(narrow, o.root.ID, goodPassword+"!"))
	wantForbidden(t, "own e-mail", func() error {
		_, err := o.UpdateUser(narrow, o.root.ID, 0, func(u *account.User) error { u.Email = "a@example.com"; return nil })
		return err
	}())
	_, s := start(t, o.Directory, o.root, "")
	ok(t, o.EndSessionByID(narrow, o.root.ID, s.ID)) // to end one's own session needs no right
	ok(t, o.EndAll(narrow, o.root.ID))
}
