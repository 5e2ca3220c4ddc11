package account_test

import (
	"context"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func createGroup(t *testing.T, d *account.Directory, n account.NewGroup) *account.Group {
	t.Helper()
	g, err := d.CreateGroup(context.Background(), n)
	if err != nil {
		t.Fatalf("create group %q: %v", n.Name, err)
	}
	return g
}

func groupNames(groups []*account.Group) string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	return strings.Join(names, " ")
}

func TestCreatedGroupIsFound(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	staff := createGroup(t, d, account.NewGroup{Name: "Staff"})
	g := createGroup(t, d, account.NewGroup{
		Name: " Süd ", Description: " two\r\nlines ", MemberOf: []string{staff.ID, staff.ID},
		Permissions: []account.Permission{account.ViewUsers, account.ViewClients, account.ViewUsers},
	})
	if !regexp.MustCompile(`^grp_[0-9a-f]{32}$`).MatchString(g.ID) {
		t.Errorf("id is %q", g.ID)
	}
	want := &account.Group{
		ID: g.ID, Name: "Süd", Description: "two\nlines", MemberOf: []string{staff.ID}, Created: w.Now().UTC(), Updated: w.Now().UTC(),
		Permissions: account.Permissions{account.ViewClients, account.ViewUsers},
	}
	for _, name := range []string{"Süd", "SÜD", " su\u0308d", "s\u200düd"} {
		found, err := w.node().GroupByName(ctx, name)
		ok(t, err)
		if !reflect.DeepEqual(found, want) {
			t.Errorf("%q: found %+v, want %+v", name, found, want)
		}
	}
	found, err := d.Group(ctx, g.ID)
	ok(t, err)
	if !reflect.DeepEqual(found, want) {
		t.Errorf("found %+v", found)
	}
	groups, err := d.Groups(ctx)
	ok(t, err)
	if names := groupNames(groups); names != "Staff Süd" {
		t.Errorf("listed %s", names)
	}
}

func TestJunkGroupIDsAreNotFound(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	b := &watched{Backend: w.store}
	d := w.over(b)
	for _, id := range []string{"", "grp_", "staff", "grp_" + strings.Repeat("A", 32), "usr_" + strings.Repeat("0", 32), strings.Repeat("a", 1<<20), "\xff"} {
		_, err := d.Group(ctx, id)
		wantErr(t, err, store.ErrNotFound)
		_, _, err = d.LoadGroup(ctx, id)
		wantErr(t, err, store.ErrNotFound)
		_, err = d.UpdateGroup(ctx, id, 0, func(*account.Group) error { return nil })
		wantErr(t, err, store.ErrNotFound)
		wantErr(t, d.DeleteGroup(ctx, id), store.ErrNotFound)
		wantErr(t, d.AddMember(ctx, id, id), store.ErrNotFound)
		_, _, err = d.Members(ctx, id)
		wantErr(t, err, store.ErrNotFound)
	}
	if calls := b.took(); calls != "" {
		t.Errorf("the store was asked:\n%s", calls)
	}
	for _, name := range []string{"", "nobody", "\u3164", strings.Repeat("x", 1<<20), "\xff"} {
		_, err := d.GroupByName(ctx, name)
		wantErr(t, err, store.ErrNotFound)
	}
}

func TestBadGroupFieldsAreRefusedTogether(t *testing.T) {
	_, d := newDirectory(t)
	_, err := d.CreateGroup(context.Background(), account.NewGroup{
		Name: "a\u202eb", Description: "\x00", Permissions: []account.Permission{"users:rule"}, MemberOf: []string{"grp_1"},
	})
	var faults *account.FieldErrors
	if !errors.As(err, &faults) {
		t.Fatalf("error is %v", err)
	}
	var fields []string
	for _, f := range faults.Fields {
		fields = append(fields, f.Field)
	}
	if got := strings.Join(fields, " "); got != "name description permissions member_of" {
		t.Errorf("faults are %v", err)
	}
}

func TestGroupNameRules(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	createGroup(t, d, account.NewGroup{Name: "Straße"})
	for _, bad := range []string{
		"", "  ", "\u200d", "\u3164", "\ufe0f \u200c", "a\x00", "a\nb", "a\u202eb", "a\u200bb", "\xff", strings.Repeat("x", 256), strings.Repeat("界", 256),
		"STRASSE", "Stra\u200dße",
	} {
		_, err := d.CreateGroup(ctx, account.NewGroup{Name: bad})
		wantField(t, err, "name")
	}
	for _, good := range []string{"x", strings.Repeat("x", 255), strings.Repeat("界", 255), "👩‍🚀 <b>\"crew\"</b> & 'co'", "می\u200cخواهم", "-> old"} {
		createGroup(t, d, account.NewGroup{Name: good})
	}
	_, err := d.CreateGroup(ctx, account.NewGroup{Name: "long", Description: strings.Repeat("界", 1001)})
	wantField(t, err, "description")
	createGroup(t, d, account.NewGroup{Name: "long", Description: strings.Repeat("界", 1000)})
}

func TestOneOfManyGroupsGetsTheName(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		w := newWorld()
		nodes := []*account.Directory{w.node(), w.node()}
		errs := parallel(8, func(i int) error {
			_, err := nodes[i%2].CreateGroup(ctx, account.NewGroup{Name: []string{"staff", "STAFF"}[i%2]})
			return err
		})
		groups, err := w.node().Groups(ctx)
		ok(t, err)
		if n := successes(errs); n != 1 || len(groups) != 1 {
			t.Fatalf("%d got the name, %d are stored: %v", n, len(groups), errs)
		}
		found, err := w.node().GroupByName(ctx, "Staff")
		ok(t, err)
		if found.ID != groups[0].ID {
			t.Fatal("the name leads to another group")
		}
	}
}

func TestTwoGroupsCannotBeRenamedToOneName(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		w := newWorld()
		groups := []*account.Group{createGroup(t, w.node(), account.NewGroup{Name: "a"}), createGroup(t, w.node(), account.NewGroup{Name: "b"})}
		errs := parallel(8, func(i int) error {
			_, err := w.node().UpdateGroup(ctx, groups[i%2].ID, 0, func(g *account.Group) error { g.Name = "c"; return nil })
			return err
		})
		named := 0
		for _, g := range groups {
			now, _, err := w.node().LoadGroup(ctx, g.ID)
			ok(t, err)
			if now.Name == "c" {
				named++
			}
			found, err := w.node().GroupByName(ctx, now.Name)
			ok(t, err)
			if found.ID != g.ID {
				t.Fatalf("%s leads to another group", now.Name)
			}
		}
		if named != 1 {
			t.Fatalf("%d groups are named c: %v", named, errs)
		}
	}
}

func TestARenamedGroupGivesTheOldNameUp(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	g := createGroup(t, d, account.NewGroup{Name: "old"})
	w.Move(time.Second)
	changed, err := d.UpdateGroup(ctx, g.ID, 0, func(g *account.Group) error { g.Name = "new"; return nil })
	ok(t, err)
	if changed.Name != "new" || !changed.Updated.Equal(w.Now()) {
		t.Errorf("changed to %+v", changed)
	}
	_, err = d.UpdateGroup(ctx, g.ID, 0, func(g *account.Group) error { g.Name = "NEW"; return nil }) // its own name
	ok(t, err)
	createGroup(t, d, account.NewGroup{Name: "Old"})
	_, err = d.UpdateGroup(ctx, g.ID, 0, func(g *account.Group) error { g.Name = "old"; return nil })
	wantField(t, err, "name")
	ok(t, d.DeleteGroup(ctx, g.ID))
	createGroup(t, d, account.NewGroup{Name: "new"})
	for _, alter := range []func(*account.Group){
		func(g *account.Group) { g.ID = "grp_1" },
		func(g *account.Group) { g.Created = time.Time{} },
	} {
		found, err := d.GroupByName(ctx, "new")
		ok(t, err)
		if _, err := d.UpdateGroup(ctx, found.ID, 0, func(g *account.Group) error { alter(g); return nil }); err == nil {
			t.Error("a field that cannot be changed was changed")
		}
	}
}

func TestACrashWhileMakingAGroupBlocksNoName(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	b := &watched{Backend: w.store, fail: func(verb, kind string) error {
		if verb+" "+kind == "create group" {
			return errAway
		}
		return nil
	}}
	if _, err := w.over(b).CreateGroup(ctx, account.NewGroup{Name: "staff"}); !store.IsUnavailable(err) {
		t.Fatalf("error is %v", err)
	}
	_, err := w.node().CreateGroup(ctx, account.NewGroup{Name: "staff"})
	wantField(t, err, "name") // its maker may still be at it
	w.Move(5 * time.Second)
	createGroup(t, w.node(), account.NewGroup{Name: "staff"})
}

func TestADeletionOfAGroupThatDiedHalfwayIsADeletion(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	g := createGroup(t, w.node(), account.NewGroup{Name: "staff", Permissions: []account.Permission{account.ViewUsers}})
	u := create(t, w.node(), account.NewUser{Username: "alice", Groups: []string{g.ID}})
	b := &watched{Backend: w.store, fail: func(verb, kind string) error {
		if verb+" "+kind == "take group" || verb+" "+kind == "swap group_name" {
			return errAway
		}
		return nil
	}}
	if err := w.over(b).DeleteGroup(ctx, g.ID); !store.IsUnavailable(err) {
		t.Fatalf("error is %v", err)
	}
	_, err := w.node().Group(ctx, g.ID)
	wantErr(t, err, store.ErrNotFound)
	wantRights(t, w.node(), u.ID)
	createGroup(t, w.node(), account.NewGroup{Name: "staff"})
}

func TestEnsureGroupIsIdempotent(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	parent := createGroup(t, d, account.NewGroup{Name: "parent"})
	n := account.NewGroup{Name: "Staff", Description: "all of us", Permissions: []account.Permission{account.ViewUsers, account.ViewClients}, MemberOf: []string{parent.ID}}
	made := make([]*account.Group, 4)
	errs := parallel(4, func(i int) (err error) {
		made[i], _, err = w.node().EnsureGroup(ctx, n)
		return err
	})
	if successes(errs) != 4 || made[0].ID != made[3].ID {
		t.Fatal(errs)
	}
	for _, again := range []account.NewGroup{n, {Name: "STAFF"}} {
		_, changed, err := d.EnsureGroup(ctx, again)
		ok(t, err)
		if changed {
			t.Errorf("%+v changed something", again)
		}
	}
	g, changed, err := d.EnsureGroup(ctx, account.NewGroup{Name: "staff", Permissions: []account.Permission{}})
	ok(t, err)
	if !changed || len(g.Permissions) != 0 || len(g.MemberOf) != 1 || g.Description != "all of us" || g.Name != "Staff" {
		t.Errorf("changed %v to %+v", changed, g)
	}
	_, _, err = d.EnsureGroup(ctx, account.NewGroup{Name: "staff", Permissions: []account.Permission{"nonsense"}})
	wantField(t, err, "permissions")
	_, _, err = d.EnsureGroup(ctx, account.NewGroup{Name: "\u202e"})
	wantField(t, err, "name")
}

func TestAStoreThatIsAwayIsNotAnAbsentGroup(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	g := createGroup(t, w.node(), account.NewGroup{Name: "staff"})
	u := create(t, w.node(), account.NewUser{Username: "alice", Groups: []string{g.ID}})
	all := w.over(&watched{Backend: w.store, fail: func(string, string) error { return errAway }})
	groups := w.over(&watched{Backend: w.store, fail: func(_, kind string) error {
		if kind == "group" {
			return errAway
		}
		return nil
	}})
	for _, d := range []*account.Directory{all, groups} {
		_, one := d.Group(ctx, g.ID)
		_, _, load := d.LoadGroup(ctx, g.ID)
		_, byName := d.GroupByName(ctx, "staff")
		_, list := d.Groups(ctx)
		_, rights := d.RightsOf(ctx, u.ID)
		_, explain := d.Explain(ctx, u.ID)
		_, _, members := d.Members(ctx, g.ID)
		_, _, ensure := d.EnsureGroup(ctx, account.NewGroup{Name: "staff"})
		for what, err := range map[string]error{
			"Group": one, "LoadGroup": load, "GroupByName": byName, "Groups": list, "RightsOf": rights, "Explain": explain, "Members": members,
			"EnsureGroup": ensure, "DeleteGroup": d.DeleteGroup(ctx, g.ID), "AddMember": d.AddMember(ctx, g.ID, u.ID),
		} {
			if !store.IsUnavailable(err) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}
