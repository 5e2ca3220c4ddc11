package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/test/authtest"
)

func TestMyAccountChangesProfileAndPassword(t *testing.T) {
	t.Parallel()
	user, _ := clerk(t)
	b := enter(t, withScripts, user, "/account/profile")
	b.fill("Name", "Somebody <b>new</b>")
	b.press("Save")
	b.notice("Your profile was saved.")
	other := enter(t, withScripts, user, "/account/profile")

	b.press("Password")
	const next = "an entirely new password"
	b.server.Keep(next)
	change := func(old, next string) {
		b.fill("Old password", old)
		b.fill("New password", next)
		b.press("Change password")
	}
	change("not the password", next)
	b.answers(http.StatusUnprocessableEntity)
	if b.faultBeside("Old password") == "" {
		t.Error("nothing is said beside the password that is wrong")
	}
	change(authtest.PasswordOf(user), "short")
	b.answers(http.StatusUnprocessableEntity)
	if b.faultBeside("New password") == "" || b.faultBeside("Old password") != "" {
		t.Error("it is not said beside the new password that it is too short")
	}
	change(authtest.PasswordOf(user), next)
	b.notice("Your password was changed. You were signed out everywhere else, and applications and personal access tokens lost their access.")
	b.visit("/account/profile")
	b.at("/account/profile")
	other.visit("/account/profile")
	other.at("/login")
	other.logIn(user, next)
	other.at("/account/profile")
}

func TestMyAccountSignsOutThere(t *testing.T) {
	t.Parallel()
	user, _ := clerk(t)
	b, other := enter(t, withoutScripts, user, "/account/sessions"), enter(t, withoutScripts, user, "/account/sessions")
	third := enter(t, withoutScripts, user, "/account/sessions")
	b.visit("/account/sessions")
	if rows := b.column("Browser"); len(rows) != 3 || strings.Count(strings.Join(rows, " "), "This browser") != 1 {
		t.Errorf("the sessions are %q", rows)
	}
	b.pressAt("form.inline button.small")
	b.notice("You were signed out there.")
	b.press("Sign out everywhere else")
	b.notice("You were signed out everywhere else.")
	for _, ended := range []*tab{other, third} {
		ended.visit("/account/sessions")
		ended.at("/login")
	}
	b.visit("/account/sessions")
	if rows := b.column("Browser"); len(rows) != 1 {
		t.Errorf("the sessions are %q", rows)
	}
}

// Row 23: a user sees and withdraws what he has allowed.
func TestRow23ConnectedAppsAreWithdrawn(t *testing.T) {
	t.Parallel()
	boss, name := enter(t, withoutScripts, admin(t), "/admin/auth-clients"), named("Connected")
	id, _ := boss.registers(filledClient{template: "Single-page or native app", name: name, redirects: []string{"http://127.0.0.1/callback"}})
	user, userID := clerk(t)
	b := enter(t, withoutScripts, user, "/account/apps")
	b.sees("No Data Available")
	app := listen(t, b.server, id, "127.0.0.1")
	asked := app.begin(b)
	b.press("Allow")
	tokens := app.redeemed(b, asked)

	boss.visit("/admin/users/" + userID + "/apps")
	boss.sees(name)
	b.visit("/account/apps")
	b.sees(name)
	b.press("Withdraw what " + name + " was allowed")
	b.notice("What you had allowed was withdrawn.")
	b.sees("No Data Available")
	app.Refresh(t, tokens.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
	app.begin(b)
	b.at("/consent") // it is asked for again
}

// Row 13: a personal access token, from its making to its end.
func TestRow13PersonalAccessTokens(t *testing.T) {
	t.Parallel()
	boss, name := enter(t, withScripts, admin(t), "/admin/auth-clients"), named("For scripts")
	boss.registers(filledClient{template: "Something else", name: name, more: func(b *tab) {
		b.tick("Public")
		b.tick("Enable Personal Access Tokens")
		b.fill("Scopes", "reports:read clients:view")
		b.clickAt(b.reach(`document.querySelector("details.more > summary")`))
		b.fill("APIs (audience)", inspectedAPI+"\n"+b.server.Issuer)
	}})
	user, _ := clerk(t, account.ViewClients)
	b := enter(t, withScripts, user, "/account/tokens")
	b.sees("No Data Available")
	b.pressAt(".page-actions a")
	b.press(name)
	label := named("Backup <script>")
	b.fill("Name", label)
	b.tick("clients:view")
	b.tick("reports:read")
	b.choose("The token expires", "in 7 days")
	b.press("Create token")
	b.sees("You won't be able to see it again.")
	token := b.secret()
	b.look("account-token")
	b.press("I have kept it")
	b.at("/account/tokens")
	b.hidden(token)
	b.sees(label)
	b.onlyOurWords()
	if !worth(t, token) {
		t.Error("the API is told that the token is worth nothing")
	}
	if answer := request(t, token, http.MethodGet, "/clients?q="+listedWord, nil); answer.Status != http.StatusOK {
		t.Errorf("with the token the REST API says %s", answer)
	}
	if answer := request(t, token, http.MethodGet, "/users", nil); answer.Status != http.StatusForbidden {
		t.Errorf("beyond what it may, the REST API says %s", answer)
	}
	b.visit("/account/tokens")
	b.pressIn(label, "Revoke")
	b.notice("The token was revoked. It is no longer good.")
	if worth(t, token) {
		t.Error("a revoked token is good")
	}
	if answer := request(t, token, http.MethodGet, "/clients", nil); answer.Status != http.StatusUnauthorized {
		t.Errorf("with a revoked token the REST API says %s", answer)
	}
}
