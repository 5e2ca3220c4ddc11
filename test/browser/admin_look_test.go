package browser

import (
	"net/http"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/test/authtest"
)

// TestAdministrationLooks looks at every page of the administration on a server with a past, on both screens and in both
// schemes.
func TestAdministrationLooks(t *testing.T) {
	t.Parallel()
	storeURL, masterKey := livePast(t)
	server := authtest.Start(t, authtest.Options{Store: storeURL, MasterKey: masterKey, Seed: authtest.NoSeed})
	t.Run("pages", func(t *testing.T) {
		for name, pages := range map[string][]struct{ name, path string }{
			"clients": {
				{"clients", "/admin/auth-clients"}, {"clients-none", "/admin/auth-clients?q=nothing-is-so"},
				{"client-choice", "/admin/auth-clients/-/new"}, {"client-new", "/admin/auth-clients/-/new?template=web"},
				{"client-new-device", "/admin/auth-clients/-/new?template=device"},
				{"client", "/admin/auth-clients/timesheet"}, {"client-machine", "/admin/auth-clients/payroll"}, {"client-disabled", "/admin/auth-clients/kiosk"},
				{"client-builtin", "/admin/auth-clients/grantor-cli"}, {"client-edit", "/admin/auth-clients/metering/edit"},
				{"client-delete", "/admin/auth-clients/timesheet/delete"}, {"client-revoke", "/admin/auth-clients/timesheet/revoke"},
				{"client-authorizations", "/admin/auth-clients/timesheet/authorizations"}, {"client-history", "/admin/auth-clients/timesheet/history"},
				{"client-secret-new", "/admin/auth-clients/timesheet/secrets/new"}, {"client-rotate", "/admin/auth-clients/timesheet/secrets/rotate"},
				{"client-import", "/admin/auth-clients/-/import"},
			},
			"people": {
				{"users", "/admin/users"}, {"user-new", "/admin/users/-/new"}, {"groups", "/admin/groups"}, {"group-new", "/admin/groups/-/new"},
				{"account-profile", "/account/profile"}, {"account-password", "/account/password"}, {"account-sessions", "/account/sessions"},
				{"account-apps", "/account/apps"}, {"account-tokens", "/account/tokens"}, {"account-token-new", "/account/tokens/new?client=timesheet"},
			},
			"apis": {
				{"apis", "/admin/apis"}, {"api-new", "/admin/apis/-/new"}, {"api", "/admin/apis/" + oauth.APIID(companyAPI)},
				{"api-edit", "/admin/apis/" + oauth.APIID(companyAPI) + "/edit"}, {"api-delete", "/admin/apis/" + oauth.APIID(companyAPI) + "/delete"},
			},
			"server": {
				{"dashboard-week", "/admin/dashboard?period=week"}, {"dashboard-hour", "/admin/dashboard?period=hour"}, {"audit", "/admin/audit"}, {"refusals", "/admin/refusals"},
				{"keys", "/admin/keys"}, {"keys-rotate", "/admin/keys/rotate"}, {"keys-withdraw", "/admin/keys/withdraw"}, {"api", "/admin/api/v1/docs"},
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := open(t, server, withScripts)
				b.visit("/login")
				b.signIn(photographed)
				for _, p := range pages {
					b.visit(p.path)
					b.look("admin-" + p.name)
				}
				if name == "people" {
					onePerson(b)
				}
			})
		}
	})
}

// onePerson looks at the pages of a user and of a group, and at what is answered where there is none.
func onePerson(b *tab) {
	b.visit("/admin/users?q=grace")
	b.press("grace")
	user := "/admin/users/" + b.idOf("/admin/users")
	b.look("admin-user")
	for _, part := range []string{"edit", "permissions", "password", "apps", "history", "delete"} {
		b.visit(user + "/" + part)
		b.look("admin-user-" + part)
	}
	b.visit("/admin/groups")
	b.pressAt("td.name a")
	group := "/admin/groups/" + b.idOf("/admin/groups")
	b.look("admin-group")
	for _, part := range []string{"edit", "history", "delete"} {
		b.visit(group + "/" + part)
		b.look("admin-group-" + part)
	}
	b.visit("/admin/users/usr_nobody")
	b.answers(http.StatusNotFound)
	b.look("admin-not-found")
}

// On a narrow screen the areas and the pages are behind one button, and the menu of a row stays on the screen.
func TestNarrowScreensReachEverything(t *testing.T) {
	t.Parallel()
	b := enter(t, withScripts, admin(t), "/admin/auth-clients")
	b.size(narrow)
	b.visit(lanterns)
	b.clickAt(b.reach(`[...document.querySelectorAll("summary")].find(e => e.innerText.trim() === "Menu")`))
	b.accessible("the open menu of a narrow screen")
	b.picture("admin-narrow-menu")
	b.press("Groups")
	b.at("/admin/groups")
	b.visit(lanterns + "&sort=name")
	b.menu("Lamp 03")
	b.picture("admin-narrow-row-menu")
	for _, fault := range b.looks() {
		t.Error(fault)
	}
	b.press("Delete Auth Client")
	b.sees("Are you sure you want to delete the auth client Lamp 03?")

	b.visit(lanterns)
	if broken := ask[[]string](b, `[...document.querySelectorAll("td[data-label=Redirect] bdi, td[data-label='Client ID'] code")].filter(e =>
		e.getClientRects().length > 2).map(e => e.innerText)`); len(broken) > 0 {
		t.Errorf("broken into crumbs: %q", broken)
	}
}

func TestTimesAreReadableByMachines(t *testing.T) {
	t.Parallel()
	b := enter(t, withoutScripts, admin(t), "/admin/audit")
	for _, when := range ask[[]string](b, `[...document.querySelectorAll("time")].map(e => e.getAttribute("datetime"))`) {
		if _, err := time.Parse(time.RFC3339, when); err != nil {
			t.Errorf("a time reads %q", when)
		}
	}
}
