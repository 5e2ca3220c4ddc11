package pages_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// hostileName is as bad as the rules for names allow.
const hostileName = `<script>alert(1)</script> "'&<b> مرحبا 🦊`

func userPath(u *account.User) string { return "/admin/users/" + u.ID }

// userNow gives a user as it is in the store.
func (w *world) userNow(id string) *account.User {
	w.t.Helper()
	u, _, err := w.people.LoadUser(w.system(), id)
	ok(w.t, err)
	return u
}

func (w *world) group(n account.NewGroup) *account.Group {
	w.t.Helper()
	g, err := w.people.CreateGroup(w.system(), n)
	ok(w.t, err)
	return g
}

// signsIn tells whether a password opens the door.
func (w *world) signsIn(username, password string) bool {
	_, err := w.people.Login(w.system(), account.Attempt{Username: username, Password: password})
	return err == nil
}

// ends checks that a browser has to sign in again.
func (b *browser) ended(path string) {
	b.w.t.Helper()
	p := b.get(path)
	if want := base + "/login?next="; p.Code != http.StatusFound || !strings.HasPrefix(p.Header().Get("Location"), want) {
		b.w.t.Errorf("%s: answered %d to %q, not the login page", path, p.Code, p.Header().Get("Location"))
	}
}

// inert checks that no markup of a name stands in the page as such.
func (p *page) inert() *page {
	p.t.Helper()
	if strings.Contains(p.Body.String(), "<script>alert") {
		p.t.Errorf("%s: a name is markup", p.path)
	}
	return p
}

func TestUsersAreListedSearchedSortedAndPaged(t *testing.T) {
	w := newWorld(t)
	for i := range 17 {
		w.user(fmt.Sprintf("person%02d", i))
	}
	b := w.as("admin", account.ViewUsers)
	b.open("/admin/users").shows("1 - 15 of 18 Users", "person00").hides("person16", "Delete User", "/admin/users/-/new")
	b.open("/admin/users?page=2").shows("16 - 18 of 18 Users", "person16")
	b.open("/admin/users?sort=-username").shows("person16").hides("person00")
	b.open("/admin/users?q=PERSON07").shows("1 - 1 of 1 Users", "person07").hides("person08")
	b.open("/admin/users?q=nobody").shows("No Data Available")
	b.open("/admin/users?page=9").shows("16 - 18 of 18 Users")
}

func TestAUserIsCreatedWithAPasswordThatIsTyped(t *testing.T) {
	w := newWorld(t)
	g := w.group(account.NewGroup{Name: "Staff"})
	b := w.as("admin", account.ViewUsers, account.CreateUsers)
	b.open("/admin/users").click("User").wantStatus(http.StatusOK)
	f := b.open("/admin/users/-/new").form("Create User")
	f.set("username", "Mary").set("name", hostileName).set("email", "mary@example.com").set("credential", "typed").
		set("password", password).set("groups", g.ID)
	p := f.submit().wantStatus(http.StatusSeeOther).follow().shows("The user was created.", "mary", hostileName, "Staff").inert().hides(password)
	if !w.signsIn("mary", password) {
		t.Error("the user cannot sign in")
	}
	if p.button("Block") != nil {
		t.Error("who may only create users is shown how to block them")
	}
}

func TestAStrongPasswordIsMadeAndShownOnce(t *testing.T) {
	w := newWorld(t)
	b := w.as("admin", account.ViewUsers, account.CreateUsers)
	p := b.open("/admin/users/-/new").form("Create User").set("username", "mary").submit().wantStatus(http.StatusOK).shows("You won't be able to see it again.")
	made := textOf(byID(p.document, "secret"))
	if len(made) != 29 || !w.signsIn("mary", made) {
		t.Fatalf("%q is no password of the user", made)
	}
	p.click("I have kept it").wantStatus(http.StatusOK).hides(made)
}

func TestFaultsOfANewUserStandBesideTheirFields(t *testing.T) {
	w := newWorld(t)
	w.user("taken")
	b := w.as("admin", account.CreateUsers)
	f := b.open("/admin/users/-/new").form("Create User")
	f.set("username", "taken").set("name", hostileName).set("email", "no address").set("credential", "typed").set("password", "secretx")
	p := f.submit().wantStatus(http.StatusUnprocessableEntity).inert().hides("secretx")
	for _, field := range []string{"email", "password"} {
		if p.faultOf(field) == "" {
			t.Errorf("nothing stands beside %s", field)
		}
	}
	again := p.form("Create User")
	if again.value("username") != "taken" || again.value("name") != hostileName || again.value("password") != "" || again.value("credential") != "typed" {
		t.Errorf("the form was not kept: %q", again.fields)
	}
	again.set("email", "a@example.com").set("password", "a password")
	if p := again.submit().wantStatus(http.StatusUnprocessableEntity); p.faultOf("username") == "" {
		t.Error("the name that is taken has no fault")
	}
}

func TestTheTypedPasswordIsAskedForAgainAfterTheConfirmation(t *testing.T) {
	w := newWorld(t)
	b := w.as("admin", account.ViewUsers, account.CreateUsers)
	w.move(16 * 60e9)
	f := b.open("/admin/users/-/new").form("Create User").set("username", "mary").set("credential", "typed").set("password", "the new password")
	p := f.submit().wantStatus(http.StatusOK).hides("the new password")
	p = p.form("Continue").set("confirm_password", password).submit().wantStatus(http.StatusUnprocessableEntity)
	if !strings.Contains(p.faultOf("password"), "once more") {
		t.Errorf("the page says %q", p.faultOf("password"))
	}
	p.form("Create User").set("password", "the new password").submit().wantStatus(http.StatusSeeOther)
	if !w.signsIn("mary", "the new password") {
		t.Error("the user cannot sign in")
	}
}

func TestAUserIsEdited(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	b := w.as("admin", account.ViewUsers, account.EditUsers)
	f := b.open(userPath(mary) + "/edit").form("Save")
	f.set("username", "maria").set("name", hostileName)
	f.submit().wantStatus(http.StatusSeeOther).follow().shows("The user was saved.", "maria", hostileName)
}

func TestWhoSavesSecondIsShownWhatIsStoredNow(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	b := w.as("admin", account.ViewUsers, account.EditUsers)
	slow := b.open(userPath(mary)+"/edit").form("Save").set("name", "Slow")
	b.open(userPath(mary)+"/edit").form("Save").set("name", "Fast").submit().wantStatus(http.StatusSeeOther)
	p := slow.submit().wantStatus(http.StatusConflict).shows("Somebody else saved this", "Fast", "Slow")
	if got := w.userNow(mary.ID).Name; got != "Fast" {
		t.Fatalf("the name is %q", got)
	}
	p.form("Save").submit().wantStatus(http.StatusSeeOther)
	if got := w.userNow(mary.ID).Name; got != "Slow" {
		t.Errorf("the name is %q", got)
	}
}

func TestAFormWithoutAVersionIsRefused(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	b := w.as("admin", account.EditUsers)
	for _, version := range []string{"", "0", "-1", "x"} {
		b.open(userPath(mary)+"/edit").form("Save").forge("version", version).submit().wantStatus(http.StatusBadRequest)
	}
}

func TestABlockedUserIsRefusedAtTheNextRequest(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary", account.ViewUsers)
	hers := w.signedIn(mary)
	hers.open("/admin/users")
	b := w.as("admin", account.ViewUsers, account.EditUsers)
	p := b.open(userPath(mary)).press("Block").wantStatus(http.StatusSeeOther).follow().shows("The user was blocked.", "Blocked", "This counts again")
	hers.ended("/admin/users")
	p.press("Unblock").wantStatus(http.StatusSeeOther).follow().shows("The user was unblocked")
	hers.ended("/account") // what ended stays ended
	if !w.signsIn("mary", password) {
		t.Error("the user cannot sign in again")
	}
}

func TestANewPasswordEndsEverything(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	hers := w.signedIn(mary)
	b := w.as("admin", account.ViewUsers, account.EditUsers)
	p := b.open(userPath(mary) + "/password").shows("ends everything begun under the old one")
	p.form("Set password").set("credential", "typed").set("password", "password").submit().wantStatus(http.StatusUnprocessableEntity)
	p.form("Set password").set("credential", "typed").set("password", "another good one").submit().wantStatus(http.StatusSeeOther).follow().shows("The password was set.")
	hers.ended("/account")
	if w.signsIn("mary", password) || !w.signsIn("mary", "another good one") {
		t.Error("the password is not the new one")
	}
	made := textOf(byID(p.form("Set password").set("credential", "generated").submit().wantStatus(http.StatusOK).document, "secret"))
	if !w.signsIn("mary", made) {
		t.Errorf("%q is not the password", made)
	}
}

func TestAUserIsDeletedAfterAQuestion(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	hers := w.signedIn(mary)
	b := w.as("admin", account.ViewUsers, account.DeleteUsers)
	p := b.open(userPath(mary)).click("Delete User").shows("Are you sure you want to delete the user mary?", "1 session in which", "cannot be undone")
	p = p.press("Delete User").wantStatus(http.StatusSeeOther).follow().shows("The user was deleted.")
	if p.link("mary") != "" {
		t.Error("the user is still listed")
	}
	hers.ended("/account")
	b.get(userPath(mary)).wantStatus(http.StatusNotFound)
}

func TestSessionsOfAUserAreShownAndEnded(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	one, two := w.signedIn(mary), w.signedIn(mary)
	b := w.as("admin", account.ViewUsers, account.EditUsers)
	p := b.open(userPath(mary)).shows("192.0.2.7", "test")
	p.press("Sign out there").wantStatus(http.StatusSeeOther).follow().shows("The session was ended.")
	if one.get("/account/profile").Code == two.get("/account/profile").Code {
		t.Error("not exactly one of two sessions was ended")
	}
	b.open(userPath(mary)).press("Sign out everywhere").wantStatus(http.StatusSeeOther).follow().shows("signed out everywhere", "Not signed in anywhere.")
	one.ended("/account")
	two.ended("/account")
}

func TestASessionOfAnotherUserIsNotEndedByAWrongPath(t *testing.T) {
	w := newWorld(t)
	mary, john := w.user("mary"), w.user("john")
	w.signedIn(mary)
	hers := w.signedIn(mary)
	s, _ := hers.session()
	b := w.as("admin", account.ViewUsers, account.EditUsers)
	f := b.open(userPath(mary)).form("Sign out there")
	f.action = strings.Replace(base+userPath(john)+"/sessions/ID/end", "ID", s.ID, 1)
	f.submit().wantStatus(http.StatusNotFound)
	hers.open("/account/profile")
}

// personalToken has a user make a personal access token.
func (w *world) personalToken(u *account.User, c *oauth.Client, name, scope string) (*oauth.PersonalToken, string) {
	w.t.Helper()
	_, s, err := w.people.StartSession(w.system(), u, account.NewSession{})
	ok(w.t, err)
	made, text, err := w.provider.CreatePersonalToken(w.system(), s, oauth.NewPersonalToken{ClientID: c.ClientID, Name: name, Scope: scope, Lifetime: oauth.MinPersonalToken})
	ok(w.t, err)
	return made, text
}

func (w *world) tokenClient(name string) *oauth.Client {
	w.t.Helper()
	return w.client(oauth.Registration{
		ClientName: name, GrantTypes: []oauth.GrantType{oauth.AuthorizationCode}, RedirectURIs: []string{callback}, TokenEndpointAuthMethod: oauth.NoSecret,
		PersonalAccessTokens: true, Scope: "orders:read orders:write",
	})
}

func TestAppsAndTokensOfAUserAreShownAndRevoked(t *testing.T) {
	w := newWorld(t)
	mary, john := w.user("mary"), w.user("john")
	c := w.tokenClient(hostileName)
	token, _ := w.personalToken(mary, c, "Backup", "orders:read")
	w.personalToken(mary, c, "Second", "orders:read")
	watcher := w.as("watcher", account.ViewTokens)
	if p := watcher.open(userPath(mary)+"/apps").shows("Backup", "orders:read", hostileName).inert(); p.button("Revoke everything") != nil {
		t.Error("who may only look is offered to revoke")
	}
	b := w.as("admin", account.ViewTokens, account.DeleteTokens)
	p := b.open(userPath(mary) + "/apps")
	stray := p.form("Revoke everything")
	stray.action = base + userPath(john) + "/tokens/" + token.ID + "/revoke"
	stray.submit().wantStatus(http.StatusNotFound)
	p.form("Revoke the token Backup").submit().wantStatus(http.StatusSeeOther).follow().shows("The personal access token was revoked.", "Second").hides("Backup")
	p.press("Revoke everything").wantStatus(http.StatusSeeOther).follow().shows("No application and no personal access token has access").hides("Second")
}

func TestHistoryOfAUserNeedsTheAuditLog(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	w.as("viewer", account.ViewUsers).open(userPath(mary)).hides("/history")
	b := w.as("auditor", account.ViewAudit, account.ViewUsers)
	b.open(userPath(mary)).click("History").wantStatus(http.StatusOK).shows("user.created")
}

func TestWhatIsNoUserIsNotFound(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	for _, id := range []string{"usr_00000000000000000000000000000000", "nobody", "%00", "%2e%2e", "a%2Fb", strings.Repeat("a", 3000)} {
		for _, tab := range []string{"", "/edit", "/permissions", "/password", "/delete", "/apps", "/history"} {
			b.get("/admin/users/" + id + tab).wantStatus(http.StatusNotFound)
		}
	}
}

func TestAGuestIsSentToTheLoginPageAndBack(t *testing.T) {
	w := newWorld(t)
	p := w.guest().get("/admin/users?q=x")
	if got := p.Header().Get("Location"); p.Code != http.StatusFound || got != base+"/login?next=%2Fadmin%2Fusers" {
		t.Errorf("answered %d to %q", p.Code, got)
	}
	b := w.as("mary")
	ok(t, w.people.EndSession(w.system(), b.value(web.NewCookieNames(base).Session)))
	b.ended("/account/profile")
}
