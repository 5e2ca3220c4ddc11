package browser

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/test/authtest"
)

// A person who set the server up manages it: his first client is the second of all.
func TestFirstSetUpLeadsToTheAdministration(t *testing.T) {
	t.Parallel()
	server := authtest.Start(t, authtest.Options{Seed: authtest.NoSeed})
	b := open(t, server, withoutScripts)
	b.visit(printedLink(t, server))
	b.fill("Username", "root")
	b.fill("Password", "four random words make it")
	b.press("Create account")
	b.press("Administration")
	b.at("/admin/auth-clients")
	b.counted("1 - 1 of 1 Auth Clients") // what the server brings
	b.look("admin-clients-first")
	b.visit("/admin/groups")
	b.sees("No Data Available")
	b.look("admin-groups-first")
	b.visit("/admin/auth-clients")
	b.press("Sign out")
	b.press("Sign out")

	b.visit("/admin/auth-clients?q=grantor")
	b.at("/login")
	b.logIn("root", "four random words make it")
	b.at("/admin/auth-clients")
	b.registers(filledClient{template: "Machine to machine", name: "The first"})
	b.visit("/admin/auth-clients")
	b.counted("1 - 2 of 2 Auth Clients")
	b.visit("/admin/keys")
	b.pressAt(".panel-actions a")
	b.press("Rotate the ES256 keys")
	b.at("/admin/keys")
	b.visit("/admin/keys/rotate?algorithm=ES256")
	b.sees("Not yet: the next key was published lately")
}

// Row 11: what a group may do its members may do, from their next request on.
func TestRow11GroupsGivePermissionsAtTheNextRequest(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		b := enter(t, s, admin(t), "/admin/users")
		outer, inner := named("Lamp keepers"), named("Night shift")
		group := func(name string, within string, permissions ...string) string {
			b.visit("/admin/groups")
			b.pressAt(".page-actions a")
			b.fill("Name", name)
			b.fill("Description", "Made by a test.")
			for _, p := range permissions {
				b.tick(p)
			}
			if within != "" {
				b.tick(within)
			}
			b.press("Create Group")
			b.notice("The group was created.")
			return b.idOf("/admin/groups")
		}
		outerID := group(outer, "", "View Auth Clients")
		group(inner, outer)

		username := strings.ReplaceAll(strings.ToLower(named("keeper")), " ", "-")
		b.visit("/admin/users")
		b.pressAt(".page-actions a")
		b.fill("Username", username)
		b.fill("Name", "A keeper of lamps")
		b.tick("Make a strong one")
		b.tick(inner)
		b.press("Create User")
		password := b.secret()
		b.press("I have kept it")
		id := b.idOf("/admin/users")
		b.hidden(password)
		b.sees("View Auth Clients")
		b.sees("within Group " + outer)

		keeper := open(t, b.server, s)
		keeper.visit("/admin/auth-clients")
		keeper.logIn(username, password)
		keeper.at("/admin/auth-clients")
		if got := keeper.offers("+ Auth Client", "Users", "Import"); len(got) > 0 {
			t.Errorf("a keeper is offered %q", got)
		}

		b.visit("/admin/groups/" + outerID + "/edit")
		b.tick("Create Auth Clients")
		b.press("Save")
		b.notice("The group was saved. It counts from the next request of each member on.")
		keeper.visit("/admin/auth-clients")
		if got := keeper.offers("+ Auth Client"); len(got) == 0 {
			t.Error("a permission of the group does not reach its member")
		}
		keeper.registers(filledClient{template: "Machine to machine", name: named("By the keeper")})

		b.visit("/admin/users/" + id + "/permissions")
		b.tick(inner)
		b.tick("View Users")
		b.press("Save")
		b.notice("Groups and permissions were saved. They count from the next request on.")
		keeper.visit("/admin/auth-clients")
		keeper.answers(http.StatusForbidden)
		keeper.visit("/admin/users/" + id)
		if got := keeper.offers("Edit User", "Block", "Delete User", "User"); len(got) > 0 {
			t.Errorf("who may look at users is offered %q", got)
		}

		b.visit("/admin/users/" + id)
		b.press("Block")
		b.notice("The user was blocked. Everything that the user had begun has ended.")
		keeper.visit("/admin/users")
		keeper.at("/login")
		keeper.logIn(username, password)
		keeper.told("status of 4")
		keeper.at("/login")

		b.press("Unblock")
		b.notice("The user was unblocked and can sign in again. What ended stays ended.")
		keeper.logIn(username, password)
		keeper.at("/admin/users")

		b.press("Delete User")
		b.sees("Are you sure you want to delete the user " + username + "?")
		b.press("Delete User")
		b.notice("The user was deleted.")
		keeper.visit("/admin/users")
		keeper.at("/login")
		keeper.forgive() // the login page is told of nobody

		b.visit("/admin/groups/" + outerID + "/delete")
		b.sees("Are you sure you want to delete the group " + outer + "?")
		b.press("Delete Group")
		b.notice("The group was deleted.")
	})
}

// Nobody gives what he does not hold: the boxes are there, closed, and a form that ticks them all the same is refused.
func TestNobodyGivesWhatHeDoesNotHold(t *testing.T) {
	t.Parallel()
	giver, id := clerk(t, account.ViewUsers, account.EditUsers, account.CreateGroups, account.ViewClients, account.EditClients)
	b := enter(t, withScripts, giver, "/admin/groups/-/new")
	if !ask[bool](b, labelled+`.disabled`, "Rotate Keys") || ask[bool](b, labelled+`.disabled`, "View Users") {
		t.Error("the boxes do not say what can be given")
	}
	b.fill("Name", named("Too much"))
	ask[bool](b, `(() => { const box = `+labelled+`; box.disabled = false; box.checked = true; return true })()`, "Rotate Keys")
	b.press("Create Group")
	if !ask[bool](b, `location.pathname.endsWith("/new")`) {
		t.Error("somebody gave what he does not hold")
	}
	b.told("status of 4")

	b.visit("/admin/users/" + id + "/permissions")
	ask[bool](b, `(() => { const box = `+labelled+`; box.disabled = false; box.checked = true; return true })()`, "Rotate Keys")
	b.press("Save")
	b.told("status of 4")

	b.visit("/admin/auth-clients/" + robotID + "/edit") // which may do more than he
	b.answers(http.StatusForbidden)
	b.visit("/admin/users?q=admin01")
	b.press("admin01")
	if got := b.offers("Block", "Set password", "Edit User"); len(got) > 0 {
		t.Errorf("a super admin can be changed by %q", got)
	}
}

// Two admins with the same user, as with clients: the second one is told.
func TestSavingAUserTellsThatSomebodySavedFirst(t *testing.T) {
	t.Parallel()
	_, id := clerk(t)
	b := enter(t, withoutScripts, admin(t), "/admin/users/"+id+"/edit")
	second := enter(t, withScripts, admin(t), "/admin/users/"+id+"/edit")
	b.fill("Name", "First")
	b.press("Save")
	b.notice("The user was saved.")
	second.fill("Name", "Second")
	second.press("Save")
	second.answers(http.StatusConflict)
	second.sees("First")
	if got := second.valueOf("Name"); got != "Second" {
		t.Errorf("the field holds %q", got)
	}
	second.look("admin-user-conflict")
	second.press("Save")
	second.notice("The user was saved.")
}

// Row 12: the log tells what the tests of one admin did, and never a secret.
func TestRow12TheAuditLogTellsIt(t *testing.T) {
	t.Parallel()
	who := admin(t)
	b := enter(t, withoutScripts, who, "/admin/auth-clients")
	name := named("Logged")
	id, secret := b.registers(filledClient{template: "Machine to machine", name: name})
	b.press("Edit Auth Client")
	b.fill("Scopes", "reports:read")
	b.press("Save")
	b.press("Delete Auth Client")
	b.press("Delete Auth Client")
	outsider, _ := clerk(t)
	enter(t, withoutScripts, outsider, "/account/profile").visitRefused("/admin/users")

	b.visit("/admin/audit?actor=" + who)
	actions := ask[[]string](b, `[...document.querySelectorAll("td.what > p > code")].map(e => e.innerText)`)
	for _, wanted := range []string{"client.deleted", "client.updated", "client.created"} {
		if !slices.Contains(actions, wanted) {
			t.Errorf("the log does not tell of %s but of %q", wanted, actions)
		}
	}
	b.sees("reports:read")
	b.sees("127.0.0.1")
	b.hidden(secret)
	b.visit("/admin/audit?object=client:" + id)
	b.sees(name)
	b.hidden(secret)
	b.visit("/admin/audit?actor=" + outsider)
	b.sees("access.refused")
	b.visit("/admin/audit?actor=nobody-of-this-name")
	b.sees("No Data Available")
	for _, export := range []string{"Export as CSV", "Export as JSON lines"} {
		if len(b.offers(export)) == 0 {
			t.Errorf("there is no %s", export)
		}
	}
}

// visitRefused goes where the user may not go.
func (b *tab) visitRefused(path string) {
	b.t.Helper()
	b.visit(path)
	b.answers(http.StatusForbidden)
}
