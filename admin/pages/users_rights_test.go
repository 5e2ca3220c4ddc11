package pages_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

func TestPermissionsAndGroupsAreGiven(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	g := w.group(account.NewGroup{Name: hostileName, Permissions: []account.Permission{account.ViewKeys}})
	b := w.signedIn(w.superAdmin("root"))
	f := b.open(userPath(mary) + "/permissions").form("Save")
	f.set("groups", g.ID).set("permissions", "clients:view", "clients:edit")
	f.submit().wantStatus(http.StatusSeeOther).follow().shows("View Auth Clients", "Directly", "View Keys", "Group "+hostileName).inert()
	hers := w.signedIn(mary)
	hers.open("/admin/keys")
	b.open(userPath(mary) + "/permissions").form("Save").set("groups").submit().wantStatus(http.StatusSeeOther)
	hers.get("/admin/keys").wantStatus(http.StatusForbidden) // at the next request
	if got := w.userNow(mary.ID); len(got.Groups) != 0 || len(got.Permissions) != 2 {
		t.Errorf("kept %v and %v", got.Groups, got.Permissions)
	}
}

func TestEffectivePermissionsSayWhereTheyComeFrom(t *testing.T) {
	w := newWorld(t)
	a := w.group(account.NewGroup{Name: "A", Permissions: []account.Permission{account.ViewKeys}})
	inner := w.group(account.NewGroup{Name: "B", MemberOf: []string{a.ID}, Permissions: []account.Permission{account.ViewAudit}})
	mary, err := w.people.CreateUser(w.system(), account.NewUser{
		Username: "mary", Password: password, Groups: []string{inner.ID}, Permissions: []account.Permission{account.ViewAudit},
	})
	ok(t, err)
	want := []string{"View Keys", "Group B, within Group A", "View the Audit Log", "Directly", "Group B"}
	w.as("viewer", account.ViewUsers).open(userPath(mary)).shows(want...)
	w.signedIn(mary).open("/account/profile").shows(want...)
	ok(t, w.people.SetBlocked(w.system(), mary.ID, account.Block))
	w.as("viewer2", account.ViewUsers).open(userPath(mary)).shows(append(want, "A blocked user may do nothing.")...)
}

func TestNobodyGivesWhatHeDoesNotHold(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	g := w.group(account.NewGroup{Name: "Key keepers", Permissions: []account.Permission{account.EditKeys}})
	b := w.as("admin", account.ViewUsers, account.EditUsers, account.CreateUsers)
	p := b.open(userPath(mary)+"/permissions").shows("You do not hold this permission, so you cannot give it.", "It gives what you do not hold: “Rotate Keys”.")
	for _, id := range []string{"permission-keys-edit", "groups-" + g.ID} {
		if !has(byID(p.document, id), "disabled") {
			t.Errorf("%s can be ticked", id)
		}
	}
	if has(byID(p.document, "permission-users-edit"), "disabled") {
		t.Error("what the visitor holds cannot be ticked")
	}
	forged := []*filled{
		p.form("Save").forge("permissions", "keys:edit"),
		p.form("Save").forge("groups", g.ID),
		b.open("/admin/users/-/new").form("Create User").set("username", "john").forge("groups", g.ID),
		b.open("/admin/users/-/new").form("Create User").set("username", "john").forge("super_admin", "yes"),
	}
	for i, f := range forged {
		before := len(w.events("access.refused"))
		f.submit().wantStatus(http.StatusForbidden).shows("You may not do this")
		if got := len(w.events("access.refused")); got != before+1 {
			t.Errorf("%d: %d refusals were recorded", i, got-before)
		}
	}
	// The form about a user never offered it to him, so it says nothing.
	b.open(userPath(mary)+"/edit").form("Save").forge("super_admin", "yes").submit().wantStatus(http.StatusSeeOther)
	if got := w.userNow(mary.ID); got.SuperAdmin || len(got.Permissions) != 0 || len(got.Groups) != 0 {
		t.Errorf("the user became %+v", got)
	}
}

func TestNobodyActsOnSomebodyMightier(t *testing.T) {
	w := newWorld(t)
	keeper, root := w.user("keeper", account.EditKeys), w.superAdmin("root")
	theirs := w.signedIn(root)
	session, _ := theirs.session()
	b := w.as("admin", account.ViewUsers, account.EditUsers, account.DeleteUsers, account.CreateUsers)
	for _, u := range []*account.User{keeper, root} {
		p := b.open(userPath(u)).shows("You cannot change or delete this account")
		for _, control := range []string{"Block", "Sign out everywhere", "Sign out there"} {
			if p.button(control) != nil {
				t.Errorf("%s: %s is offered", u.Username, control)
			}
		}
		if p.link("Edit User")+p.link("Delete User")+p.link("Set password") != "" {
			t.Errorf("%s: an act is offered", u.Username)
		}
		for _, page := range []string{"/edit", "/permissions", "/password", "/delete"} {
			b.get(userPath(u) + page).wantStatus(http.StatusForbidden)
		}
		for _, act := range []string{"/edit", "/permissions", "/password", "/delete", "/block", "/unblock", "/sessions/end", "/sessions/" + session.ID + "/end"} {
			fields := url.Values{"form_token": {b.ownToken()}, "version": {"1"}, "username": {u.Username}, "credential": {"typed"}, "password": {"fifteen letters at least"}}
			if p := b.post(userPath(u)+act, fields); p.Code != http.StatusForbidden && !(u == keeper && p.Code == http.StatusNotFound) {
				t.Errorf("%s%s: answered %d: %s", u.Username, act, p.Code, clip(p.main()))
			}
		}
	}
	theirs.open("/account/profile")
	if !w.signsIn("keeper", password) || !w.signsIn("root", password) {
		t.Error("something was done nevertheless")
	}
}

func TestTheLastSuperAdminStays(t *testing.T) {
	w := newWorld(t)
	root := w.superAdmin("root")
	b := w.signedIn(root)
	b.open(userPath(root) + "/edit").form("Save").set("super_admin").submit().wantStatus(http.StatusConflict).shows("The last super admin stays")
	b.open(userPath(root) + "/delete").shows("This is your own account.").press("Delete User").wantStatus(http.StatusConflict).shows("The last super admin stays")
	b.post(userPath(root)+"/block", url.Values{"form_token": {b.ownToken()}}).wantStatus(http.StatusConflict)
	other := w.user("second")
	b.open(userPath(other)+"/edit").form("Save").set("super_admin", "yes").submit().wantStatus(http.StatusSeeOther).follow().shows("Super admin")
	b.open(userPath(root) + "/edit").form("Save").set("super_admin").submit().wantStatus(http.StatusSeeOther)
	if w.userNow(root.ID).SuperAdmin || !w.userNow(other.ID).SuperAdmin {
		t.Error("the two did not change places")
	}
}

func TestOutdatedPermissionsAreNotSaved(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	b := w.signedIn(w.superAdmin("root"))
	slow := b.open(userPath(mary)+"/permissions").form("Save").set("permissions", "keys:view")
	b.open(userPath(mary)+"/permissions").form("Save").set("permissions", "audit:view").submit().wantStatus(http.StatusSeeOther)
	slow.submit().wantStatus(http.StatusConflict).shows("Stored now", "View the Audit Log", "View Keys")
	if got := w.userNow(mary.ID).Permissions; len(got) != 1 || got[0] != account.ViewAudit {
		t.Errorf("the user holds %v", got)
	}
}

func TestWhoMayActButNotLookIsLedToAPageThatHeMaySee(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	editor := w.as("editor", account.EditUsers)
	editor.open(userPath(mary)+"/edit").form("Save").set("name", "Mary").submit().wantStatus(http.StatusSeeOther).follow().wantStatus(http.StatusOK).shows("The user was saved.")
	creator := w.as("creator", account.CreateUsers)
	creator.open("/admin/users/-/new").form("Create User").set("username", "john").submit().wantStatus(http.StatusOK).click("I have kept it").wantStatus(http.StatusOK)
	deleter := w.as("deleter", account.DeleteUsers)
	deleter.open(userPath(mary) + "/delete").press("Delete User").follow().wantStatus(http.StatusOK).shows("The user was deleted.")
	revoker := w.as("revoker", account.DeleteTokens)
	revoker.open("/account/profile")
	revoker.post(userPath(w.user("paul"))+"/apps/revoke", url.Values{"form_token": {revoker.ownToken()}}).follow().wantStatus(http.StatusOK)
}
