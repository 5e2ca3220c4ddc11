package account_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func wantRights(t *testing.T, d *account.Directory, userID string, want ...account.Permission) {
	t.Helper()
	r, err := d.RightsOf(context.Background(), userID)
	ok(t, err)
	if r.SuperAdmin || !reflect.DeepEqual(append(account.Permissions{}, r.Permissions...), append(account.Permissions{}, want...)) {
		t.Errorf("rights are %+v, want %v", r, want)
	}
}

func holding(p ...account.Permission) []account.Permission { return p }

func TestRightsAddUpOverNestedGroups(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	top := createGroup(t, d, account.NewGroup{Name: "top", Permissions: holding(account.ViewAudit)})
	middle := createGroup(t, d, account.NewGroup{Name: "middle", MemberOf: []string{top.ID}})
	low := createGroup(t, d, account.NewGroup{Name: "low", MemberOf: []string{middle.ID}, Permissions: holding(account.ViewUsers)})
	other := createGroup(t, d, account.NewGroup{Name: "other", Permissions: holding(account.ViewUsers, account.ViewKeys)})
	u := create(t, d, account.NewUser{Username: "alice", Groups: []string{other.ID, low.ID, low.ID}, Permissions: holding(account.ViewClients, account.ViewUsers)})
	wantRights(t, d, u.ID, account.ViewClients, account.ViewUsers, account.ViewKeys, account.ViewAudit)

	grounds, err := d.Explain(ctx, u.ID)
	ok(t, err)
	var told []string
	for _, g := range grounds {
		for _, s := range g.Sources {
			told = append(told, fmt.Sprintf("%s: %s", g.Permission, groupNames(s.Groups)))
		}
	}
	want := "clients:view: |users:view: |users:view: low|users:view: other|keys:view: other|audit:view: low middle top"
	if got := strings.Join(told, "|"); got != want && got != strings.Replace(want, "low|users:view: other", "other|users:view: low", 1) {
		t.Errorf("told %s", got)
	}

	ok(t, d.RemoveMember(ctx, top.ID, middle.ID))
	wantRights(t, d, u.ID, account.ViewClients, account.ViewUsers, account.ViewKeys)
	_, err = d.RightsOf(ctx, "usr_"+strings.Repeat("0", 32))
	wantErr(t, err, store.ErrNotFound)
}

func TestASuperAdminPassesEveryCheck(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "root", SuperAdmin: true})
	r, err := d.RightsOf(ctx, u.ID)
	ok(t, err)
	for _, w := range account.AllPermissions() {
		if !r.Has(w.Permission) {
			t.Errorf("%s is missing", w.Permission)
		}
	}
	create(t, d, account.NewUser{Username: "other", SuperAdmin: true})
	ok(t, d.SetBlocked(ctx, u.ID, account.Block))
	wantRights(t, d, u.ID)
}

func TestABlockedUserMayNothing(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice", Permissions: holding(account.ViewKeys)})
	ok(t, d.SetBlocked(ctx, u.ID, account.Block))
	wantRights(t, d, u.ID)
	if grounds, err := d.Explain(ctx, u.ID); err != nil || len(grounds) != 0 {
		t.Errorf("explained %+v, %v", grounds, err)
	}
	ok(t, d.SetBlocked(ctx, u.ID, account.Unblock))
	wantRights(t, d, u.ID, account.ViewKeys)
}

func TestAChangeOfRightsCountsAtOnceOnEveryNode(t *testing.T) {
	w := newWorld()
	here, there := w.node(), w.node()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { there.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	g := createGroup(t, here, account.NewGroup{Name: "staff", Permissions: holding(account.ViewKeys)})
	u := create(t, here, account.NewUser{Username: "alice"})
	cookie, _, err := there.StartSession(ctx, u, account.NewSession{})
	ok(t, err)
	wantRights(t, there, u.ID)
	ok(t, here.AddMember(ctx, g.ID, u.ID))
	wantRights(t, there, u.ID, account.ViewKeys)
	_, err = here.UpdateGroup(ctx, g.ID, 0, func(g *account.Group) error { g.Permissions = holding(account.ViewAudit); return nil })
	ok(t, err)
	wantRights(t, there, u.ID, account.ViewAudit)
	ok(t, here.DeleteGroup(ctx, g.ID))
	wantRights(t, there, u.ID)
	alive(t, there, cookie) // a change of rights ends no session
}

func TestADeletedGroupLeavesNothingBehind(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	gone := createGroup(t, d, account.NewGroup{Name: "gone", Permissions: holding(account.ViewKeys)})
	stays := createGroup(t, d, account.NewGroup{Name: "stays", MemberOf: []string{gone.ID}, Permissions: holding(account.ViewUsers)})
	u := create(t, d, account.NewUser{Username: "alice", Groups: []string{gone.ID, stays.ID}})
	ok(t, d.DeleteGroup(ctx, gone.ID))
	wantRights(t, d, u.ID, account.ViewUsers)
	// Whatever is saved next needs no word about it.
	_, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Name = "Alice"; return nil })
	ok(t, err)
	changed, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Groups = append(u.Groups, u.Groups...); return nil })
	ok(t, err)
	if !reflect.DeepEqual(changed.Groups, []string{stays.ID}) {
		t.Errorf("groups are %v", changed.Groups)
	}
	_, err = d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Groups = []string{gone.ID}; return nil })
	wantField(t, err, "groups")
}

func TestGroupsCannotContainEachOther(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	var chain []*account.Group
	for _, name := range []string{"a", "b", "c", "d"} {
		n := account.NewGroup{Name: name}
		if len(chain) > 0 {
			n.MemberOf = []string{chain[len(chain)-1].ID}
		}
		chain = append(chain, createGroup(t, d, n))
	}
	a := chain[0]
	for _, g := range chain {
		wantField(t, d.AddMember(ctx, g.ID, a.ID), "member_of")
		_, err := d.UpdateGroup(ctx, a.ID, 0, func(a *account.Group) error { a.MemberOf = []string{g.ID}; return nil })
		wantField(t, err, "member_of")
	}
	other := createGroup(t, d, account.NewGroup{Name: "other"})
	ok(t, d.AddMember(ctx, a.ID, other.ID)) // side by side is no cycle
	ok(t, d.AddMember(ctx, other.ID, chain[3].ID))
}

func TestRightsEndWhereRacingChangesPutGroupsIntoEachOther(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		w := newWorld()
		a := createGroup(t, w.node(), account.NewGroup{Name: "a", Permissions: holding(account.ViewUsers)})
		b := createGroup(t, w.node(), account.NewGroup{Name: "b", Permissions: holding(account.ViewKeys)})
		u := create(t, w.node(), account.NewUser{Username: "alice", Groups: []string{a.ID}})
		parallel(8, func(i int) error {
			if i%2 == 0 {
				return w.node().AddMember(ctx, a.ID, b.ID)
			}
			return w.node().AddMember(ctx, b.ID, a.ID)
		})
		d := w.node()
		r, err := d.RightsOf(ctx, u.ID)
		ok(t, err)
		if !r.Has(account.ViewUsers) {
			t.Errorf("rights are %+v", r)
		}
		_, err = d.Explain(ctx, u.ID)
		ok(t, err)
		for _, g := range []*account.Group{a, b} { // and it can be mended
			_, err := d.UpdateGroup(ctx, g.ID, 0, func(g *account.Group) error { g.Description, g.MemberOf = "mended", nil; return nil })
			ok(t, err)
		}
		wantRights(t, d, u.ID, account.ViewUsers)
	}
}

func TestMembershipIsIdempotent(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	b := &watched{Backend: w.store}
	d := w.over(b)
	g, child := createGroup(t, d, account.NewGroup{Name: "g"}), createGroup(t, d, account.NewGroup{Name: "child"})
	u := create(t, d, account.NewUser{Username: "alice"})
	for range 2 {
		b.took()
		ok(t, d.AddMember(ctx, g.ID, u.ID))
		ok(t, d.AddMember(ctx, g.ID, child.ID))
	}
	if calls := b.took(); strings.Contains(calls, "swap") || strings.Contains(calls, "create") {
		t.Errorf("the second time wrote:\n%s", calls)
	}
	users, groups, err := d.Members(ctx, g.ID)
	ok(t, err)
	if len(users) != 1 || users[0].ID != u.ID || groupNames(groups) != "child" {
		t.Errorf("members are %v, %v", users, groups)
	}
	for range 2 {
		ok(t, d.RemoveMember(ctx, g.ID, u.ID))
		ok(t, d.RemoveMember(ctx, g.ID, child.ID))
	}
	users, groups, err = d.Members(ctx, g.ID)
	ok(t, err)
	if len(users)+len(groups) != 0 {
		t.Errorf("members are %v, %v", users, groups)
	}
	for _, junk := range []string{"", "x", "usr_" + strings.Repeat("0", 32), "grp_" + strings.Repeat("0", 32), g.ID + "x"} {
		wantErr(t, d.AddMember(ctx, g.ID, junk), store.ErrNotFound)
		wantErr(t, d.RemoveMember(ctx, g.ID, junk), store.ErrNotFound)
		wantErr(t, d.AddMember(ctx, junk, u.ID), store.ErrNotFound)
	}
	events, _, err := d.Audit.Events(ctx, account.ObjectEvents("group:"+g.ID), "", 10)
	ok(t, err)
	var actions []string
	for _, e := range events {
		actions = append(actions, e.Action+" "+e.Detail["username"]+e.Detail["group"])
	}
	if got := strings.Join(actions, ", "); got != "group.member_removed child, group.member_removed alice, group.member_added child, group.member_added alice, group.created g" {
		t.Errorf("recorded %s", got)
	}
}

func TestMembershipsAreBounded(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	var ids []string
	for i := range 101 {
		ids = append(ids, createGroup(t, d, account.NewGroup{Name: fmt.Sprint("g", i)}).ID)
	}
	u := create(t, d, account.NewUser{Username: "alice", Groups: ids[:100]})
	wantField(t, d.AddMember(ctx, ids[100], u.ID), "groups")
	_, err := d.CreateGroup(ctx, account.NewGroup{Name: "all", MemberOf: ids})
	wantField(t, err, "member_of")
}

// TestNobodyComesToBeInTooManyGroups by groups that are nested deeply: each of them is read at every request.
func TestNobodyComesToBeInTooManyGroups(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	chain := func(name string, n int) (lowest, highest string) {
		for i := range n {
			above := []string{lowest}
			if i == 0 {
				above = nil
			}
			lowest = createGroup(t, d, account.NewGroup{Name: fmt.Sprint(name, i), MemberOf: above}).ID
			if i == 0 {
				highest = lowest
			}
		}
		return lowest, highest
	}
	low, high := chain("a", 150)
	u := create(t, d, account.NewUser{Username: "alice", Groups: []string{low}})
	other, _ := chain("b", 50)
	ok(t, d.AddMember(ctx, other, high)) // 200 for her
	wantField(t, d.AddMember(ctx, createGroup(t, d, account.NewGroup{Name: "c"}).ID, u.ID), "groups")
	wantField(t, d.AddMember(ctx, createGroup(t, d, account.NewGroup{Name: "d"}).ID, high), "member_of")
	below := createGroup(t, d, account.NewGroup{Name: "e", MemberOf: []string{low}}) // in 200 itself
	_, err := d.CreateGroup(ctx, account.NewGroup{Name: "f", MemberOf: []string{below.ID}})
	wantField(t, err, "member_of")
	_, err = d.CreateUser(ctx, account.NewUser{Username: "bob", Password: goodPassword, Groups: []string{below.ID}})
	wantField(t, err, "groups")
	ok(t, d.RemoveMember(ctx, other, high))
	_, err = d.CreateUser(ctx, account.NewUser{Username: "bob", Password: goodPassword, Groups: []string{below.ID}})
	ok(t, err)
}

func TestUpdatingAGroupDoesNotChangeTheUserWithTheSameNumber(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice", Permissions: holding(account.ViewUsers)})
	number := strings.TrimPrefix(u.ID, "usr_")
	twin := &account.Group{ID: "grp_" + number, Name: "twin"}
	groups := store.Collection[account.Group]{Backend: w.store, Kind: store.Kind{Name: "group"}, ID: func(g *account.Group) string { return g.ID }}
	names := store.NewClaims(w.store, store.Kind{Name: "group_name"}, w.Now)
	ok(t, names.Reserve(ctx, "twin", twin.ID, func(string) (bool, error) { return true, nil }))
	ok(t, groups.Create(ctx, twin))

	raise := func(g *account.Group) error { g.Permissions = holding(account.ViewKeys); return nil }
	_, err := d.UpdateGroup(ctx, twin.ID, 0, raise)
	ok(t, err)
	wantRights(t, d, u.ID, account.ViewUsers)
	_, err = d.UpdateGroup(ctx, u.ID, 0, raise)
	wantErr(t, err, store.ErrNotFound)
	_, err = d.UpdateGroup(ctx, number, 0, raise)
	wantErr(t, err, store.ErrNotFound)
	_, err = d.UpdateUser(ctx, twin.ID, 0, func(u *account.User) error { u.Permissions = nil; return nil })
	wantErr(t, err, store.ErrNotFound)
	_, err = d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Groups = []string{u.ID}; return nil })
	wantField(t, err, "groups")
	wantErr(t, d.AddMember(ctx, u.ID, twin.ID), store.ErrNotFound)
	wantErr(t, d.DeleteUser(ctx, twin.ID), store.ErrNotFound)
	ok(t, d.DeleteGroup(ctx, twin.ID))
	wantRights(t, d, u.ID, account.ViewUsers)
}

func TestWhoSavedFirstWins(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u, g := create(t, d, account.NewUser{Username: "alice"}), createGroup(t, d, account.NewGroup{Name: "staff"})
	_, ofUser, err := d.LoadUser(ctx, u.ID)
	ok(t, err)
	_, ofGroup, err := d.LoadGroup(ctx, g.ID)
	ok(t, err)
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	users := parallel(8, func(i int) error {
		_, err := d.UpdateUser(ctx, u.ID, ofUser, func(u *account.User) error { u.Username = names[i]; return nil })
		return err
	})
	groups := parallel(8, func(i int) error {
		_, err := d.UpdateGroup(ctx, g.ID, ofGroup, func(g *account.Group) error { g.Name = names[i]; return nil })
		return err
	})
	if successes(users) != 1 || successes(groups) != 1 {
		t.Fatalf("users: %v; groups: %v", users, groups)
	}
	taken := 0
	for i, name := range names {
		if users[i] != nil {
			wantErr(t, users[i], store.ErrConflict)
		}
		if groups[i] != nil {
			wantErr(t, groups[i], store.ErrConflict)
		}
		if _, err := d.CreateUser(ctx, account.NewUser{Username: name, Password: goodPassword}); err != nil {
			taken++
		}
	}
	if taken != 1 {
		t.Errorf("%d names are taken", taken)
	}
	_, now, err := d.LoadUser(ctx, u.ID)
	ok(t, err)
	_, err = d.UpdateUser(ctx, u.ID, now, func(u *account.User) error { u.Name = "Alice"; return nil })
	ok(t, err)
}

func TestEnsureUserSetsDeclaredGroupsAndPermissions(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	g := createGroup(t, d, account.NewGroup{Name: "staff"})
	n := account.NewUser{Username: "alice", Password: goodPassword, Groups: []string{g.ID}, Permissions: holding(account.ViewUsers, account.ViewClients)}
	u, _, err := d.EnsureUser(ctx, n)
	ok(t, err)
	for _, same := range []account.NewUser{n, {Username: "alice"}} {
		_, changed, err := d.EnsureUser(ctx, same)
		ok(t, err)
		if changed {
			t.Errorf("%+v changed something", same)
		}
	}
	wantRights(t, d, u.ID, account.ViewClients, account.ViewUsers)
	u, changed, err := d.EnsureUser(ctx, account.NewUser{Username: "alice", Groups: []string{}, Permissions: []account.Permission{}})
	ok(t, err)
	if !changed || len(u.Groups)+len(u.Permissions) != 0 {
		t.Errorf("changed %v to %+v", changed, u)
	}
	_, _, err = d.EnsureUser(ctx, account.NewUser{Username: "alice", Permissions: holding("nonsense")})
	wantField(t, err, "permissions")
	_, _, err = d.EnsureUser(ctx, account.NewUser{Username: "bob", Password: goodPassword, Groups: []string{"staff"}})
	wantField(t, err, "groups")
}

func TestNobodyBecomesASuperAdminWithAShortPassword(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	raise := func(u *account.User) error { u.SuperAdmin = true; return nil }
	for password, may := range map[string]bool{"fourteen-chars": false, "fifteen-chars-x": true} {
		u := create(t, d, account.NewUser{Username: fmt.Sprintf("user%d", len(password)), Password: password})
		_, err := d.UpdateUser(ctx, u.ID, 0, raise)
		var faults *account.FieldErrors
		if refused := errors.As(err, &faults) && faults.Fields[0].Field == "super_admin"; refused == may {
			t.Errorf("%d characters: %v", len(password), err)
		}
		ok(t, d.SetPassword(ctx, u.ID, "another-long-password"))
		_, err = d.UpdateUser(ctx, u.ID, 0, raise)
		ok(t, err)
	}
}
