package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

func groupPath(g *account.Group) string { return "/admin/groups/" + g.ID }

func (w *world) groupNow(id string) *account.Group {
	w.t.Helper()
	g, _, err := w.people.LoadGroup(w.system(), id)
	ok(w.t, err)
	return g
}

func TestGroupsAreListedSearchedSortedAndPaged(t *testing.T) {
	w := newWorld(t)
	b := w.as("admin", account.ViewGroups)
	b.open("/admin/groups").shows("No Data Available").hides("/admin/groups/-/new")
	for i := range 16 {
		w.group(account.NewGroup{Name: fmt.Sprintf("Team %02d", i), Description: "number " + strings.Repeat("x", i)})
	}
	b.open("/admin/groups").shows("1 - 15 of 16 Groups", "Team 00").hides("Team 15", "Edit Group", "Delete Group")
	b.open("/admin/groups?page=2").shows("Team 15", "16 - 16 of 16 Groups")
	b.open("/admin/groups?sort=-name").shows("Team 15").hides("Team 00")
	b.open("/admin/groups?sort=-created&q=TEAM").shows("Team 15").hides("Team 00")
	b.open("/admin/groups?q=nothing").shows("No Data Available")
}

func TestAGroupIsCreatedEditedAndDeleted(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	outer := w.group(account.NewGroup{Name: "Outer", Permissions: []account.Permission{account.ViewAudit}})
	f := b.open("/admin/groups").click("Group").form("Create Group")
	p := f.set("name", hostileName).set("description", hostileName).set("permissions", "keys:view").set("member_of", outer.ID).submit()
	p = p.wantStatus(http.StatusSeeOther).follow().shows("The group was created.", hostileName, "View Keys", "Directly", "Group Outer").inert()
	path := strings.TrimSuffix(p.link("Edit Group"), "/edit")
	f = b.open(path + "/edit").form("Save")
	if f.value("name") != hostileName || f.value("permissions") != "keys:view" || f.value("member_of") != outer.ID {
		t.Fatalf("the form holds %q", f.fields)
	}
	f.set("name", "Inner").set("permissions", "keys:view", "keys:edit").submit().wantStatus(http.StatusSeeOther).follow().shows("The group was saved.", "Rotate Keys")
	b.open(groupPath(outer)).shows("Inner") // the tree below
	p = b.open(path).click("Delete Group").shows("Are you sure you want to delete the group Inner?", "View Keys")
	p.press("Delete Group").wantStatus(http.StatusSeeOther).follow().shows("The group was deleted.").hides("Inner")
	b.get(path).wantStatus(http.StatusNotFound)
}

func TestFaultsOfAGroupStandBesideTheirFields(t *testing.T) {
	w := newWorld(t)
	w.group(account.NewGroup{Name: "Taken"})
	b := w.signedIn(w.superAdmin("root"))
	for _, name := range []string{"", " taken ", strings.Repeat("n", 256)} {
		p := b.open("/admin/groups/-/new").form("Create Group").set("name", name).set("description", hostileName).set("permissions", "keys:view").submit()
		if p.wantStatus(http.StatusUnprocessableEntity); p.faultOf("name") == "" {
			t.Errorf("%q has no fault", name)
		}
		if f := p.form("Create Group"); f.value("description") != hostileName || f.value("permissions") != "keys:view" {
			t.Errorf("the form was not kept: %q", f.fields)
		}
	}
}

func TestOutdatedGroupsAreNotSaved(t *testing.T) {
	w := newWorld(t)
	g := w.group(account.NewGroup{Name: "Team"})
	b := w.signedIn(w.superAdmin("root"))
	slow := b.open(groupPath(g)+"/edit").form("Save").set("description", "slow")
	b.open(groupPath(g)+"/edit").form("Save").set("description", "fast").submit().wantStatus(http.StatusSeeOther)
	p := slow.submit().wantStatus(http.StatusConflict).shows("Somebody else saved this", "fast", "slow")
	if got := w.groupNow(g.ID).Description; got != "fast" {
		t.Fatalf("the description is %q", got)
	}
	p.form("Save").submit().wantStatus(http.StatusSeeOther)
	if got := w.groupNow(g.ID).Description; got != "slow" {
		t.Errorf("the description is %q", got)
	}
}

func TestMembersAreAddedAndRemoved(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	g, inner := w.group(account.NewGroup{Name: "Team", Permissions: []account.Permission{account.ViewKeys}}), w.group(account.NewGroup{Name: hostileName})
	hers := w.signedIn(mary)
	hers.get("/admin/keys").wantStatus(http.StatusForbidden)
	b := w.signedIn(w.superAdmin("root"))
	b.open(groupPath(g)).form("Add user").set("username", " Mary ").submit().wantStatus(http.StatusSeeOther).follow().shows("The member was added.", "mary")
	hers.open("/admin/keys")
	b.open(groupPath(g)).form("Add group").set("group", inner.ID).submit().wantStatus(http.StatusSeeOther).follow().shows(hostileName).inert()
	b.open(groupPath(g) + "?q=nobody").shows("No user in this group is like that.")
	b.open(groupPath(g)+"?q=mar").press("Remove mary").wantStatus(http.StatusSeeOther).follow().shows("The member was removed.", "No user is directly in this group.")
	hers.get("/admin/keys").wantStatus(http.StatusForbidden)
	b.open(groupPath(g)).press("Remove " + hostileName).wantStatus(http.StatusSeeOther)
	if got := w.groupNow(inner.ID).MemberOf; len(got) != 0 {
		t.Errorf("the group is still in %v", got)
	}
}

func TestAMemberThatIsNotThereIsAFaultOfTheField(t *testing.T) {
	w := newWorld(t)
	g, inner := w.group(account.NewGroup{Name: "Team"}), w.group(account.NewGroup{Name: "Inner"})
	b := w.signedIn(w.superAdmin("root"))
	f := b.open(groupPath(g)).form("Add user").set("username", hostileName)
	if p := f.submit().wantStatus(http.StatusUnprocessableEntity).inert(); p.faultOf("username") != "There is no user of this name." {
		t.Errorf("the fault is %q", p.faultOf("username"))
	}
	ok(t, w.people.AddMember(w.system(), inner.ID, g.ID)) // Team is in Inner
	for _, id := range []string{inner.ID, g.ID, "grp_00000000000000000000000000000000", "nothing", ""} {
		b.post(groupPath(g)+"/members/add", url.Values{"form_token": {b.ownToken()}, "group": {id}}).wantStatus(http.StatusUnprocessableEntity)
	}
	if p := b.open(groupPath(g)); p.button("Add group") != nil {
		t.Error("a group is offered that would be within itself")
	}
	b.open(groupPath(g) + "/edit").hides("member_of-" + g.ID)
	b.open(groupPath(inner) + "/edit").hides("member_of-" + g.ID)
}

func TestNobodyGivesByWayOfAGroupWhatHeDoesNotHold(t *testing.T) {
	w := newWorld(t)
	keepers := w.group(account.NewGroup{Name: "Key keepers", Permissions: []account.Permission{account.EditKeys}})
	team := w.group(account.NewGroup{Name: "Team"})
	w.user("mary")
	self := w.user("admin", account.ViewGroups, account.CreateGroups, account.EditGroups, account.DeleteGroups)
	b := w.signedIn(self)
	p := b.open(groupPath(keepers)).shows("You cannot change or delete this group, which holds what you do not hold: “Rotate Keys”.")
	if p.button("Add user") != nil || p.button("Remove") != nil || p.link("Edit Group")+p.link("Delete Group") != "" {
		t.Error("an act is offered")
	}
	for _, page := range []string{"/edit", "/delete"} {
		b.get(groupPath(keepers) + page).wantStatus(http.StatusForbidden)
	}
	token := b.ownToken()
	for what, refused := range map[string]*page{
		"add himself":  b.post(groupPath(keepers)+"/members/add", url.Values{"form_token": {token}, "username": {"admin"}}),
		"add another":  b.post(groupPath(keepers)+"/members/add", url.Values{"form_token": {token}, "username": {"mary"}}),
		"add a group":  b.post(groupPath(keepers)+"/members/add", url.Values{"form_token": {token}, "group": {team.ID}}),
		"delete it":    b.post(groupPath(keepers)+"/delete", url.Values{"form_token": {token}}),
		"new in it":    b.open("/admin/groups/-/new").form("Create Group").set("name", "New").forge("member_of", keepers.ID).submit(),
		"new with it":  b.open("/admin/groups/-/new").form("Create Group").set("name", "New").forge("permissions", "keys:edit").submit(),
		"put it in":    b.open(groupPath(team)+"/edit").form("Save").forge("member_of", keepers.ID).submit(),
		"give it more": b.open(groupPath(team)+"/edit").form("Save").forge("permissions", "keys:edit").submit(),
	} {
		if refused.Code != http.StatusForbidden {
			t.Errorf("%s: answered %d: %s", what, refused.Code, clip(refused.main()))
		}
	}
	if got := len(w.events("access.refused")); got < 10 {
		t.Errorf("%d refusals were recorded", got)
	}
	if len(w.userNow(self.ID).Groups) != 0 || len(w.groupNow(team.ID).MemberOf) != 0 || len(w.groupNow(keepers.ID).Permissions) != 1 {
		t.Error("something was given nevertheless")
	}
}

func TestWhoMayNotSeeUsersIsOfferedNoNames(t *testing.T) {
	w := newWorld(t)
	w.user("zorro")
	g := w.group(account.NewGroup{Name: "Team"})
	w.as("admin", account.ViewGroups, account.EditGroups).open(groupPath(g)).hides("zorro")
	w.as("other", account.ViewGroups, account.EditGroups, account.ViewUsers).open(groupPath(g)).shows("Add user")
	b := w.as("third", account.EditGroups)
	b.open("/account/profile")
	b.post(groupPath(g)+"/members/add", url.Values{"form_token": {b.ownToken()}, "username": {"x"}}).wantStatus(http.StatusUnprocessableEntity).
		shows("There is no user of this name.").hides("Team")
}

func TestWhatIsNoGroupIsNotFound(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	for _, id := range []string{"grp_00000000000000000000000000000000", "nobody", "%00", "a%2Fb"} {
		for _, tab := range []string{"", "/edit", "/delete", "/history"} {
			b.get("/admin/groups/" + id + tab).wantStatus(http.StatusNotFound)
		}
	}
}
