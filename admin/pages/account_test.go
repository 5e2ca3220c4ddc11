package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func TestEveryUserHasAnAccountPage(t *testing.T) {
	w := newWorld(t)
	b := w.as("mary")
	p := b.get("/account").wantStatus(http.StatusFound).follow().shows("Profile", "mary").hides("/admin/users")
	for _, entry := range []string{"Password", "Sessions", "Connected apps", "Personal access tokens"} {
		p.click(entry).wantStatus(http.StatusOK)
	}
	w.guest().ended("/account/tokens")
}

func TestOneChangesOnesProfile(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	john, err := w.people.CreateUser(w.system(), account.NewUser{Username: "john", Password: password, Email: "john@example.com"})
	ok(t, err)
	b := w.signedIn(mary)
	f := b.open("/account/profile").form("Save").set("name", hostileName).set("email", "mary@example.com")
	f.forge("username", "root").forge("super_admin", "yes").forge("user_id", john.ID).forge("permissions", "users:edit")
	f.submit().wantStatus(http.StatusSeeOther).follow().shows("Your profile was saved.").inert()
	got := w.userNow(mary.ID)
	if got.Name != hostileName || got.Email != "mary@example.com" || got.Username != "mary" || got.SuperAdmin || len(got.Permissions) > 0 {
		t.Errorf("the user became %+v", got)
	}
	if w.userNow(john.ID).Name != "" {
		t.Error("another user was changed")
	}
	p := b.open("/account/profile").form("Save").set("email", "john@example.com").set("name", "Kept").submit().wantStatus(http.StatusUnprocessableEntity)
	if p.faultOf("email") == "" || p.form("Save").value("name") != "Kept" {
		t.Error("the address of somebody else is no fault, or the form was not kept")
	}
}

func TestAnOldSignInIsAskedForThePasswordBeforeTheProfileChanges(t *testing.T) {
	w := newWorld(t)
	b := w.as("mary")
	w.move(16 * time.Minute)
	p := b.open("/account/profile").form("Save").set("email", "new@example.com").submit().wantStatus(http.StatusOK)
	p.form("Continue").set("confirm_password", "wrong").submit().wantStatus(http.StatusUnprocessableEntity)
	p.form("Continue").set("confirm_password", password).submit().wantStatus(http.StatusSeeOther).follow().shows("Your profile was saved.")
}

func TestOneChangesOnesPassword(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	b, other := w.signedIn(mary), w.signedIn(mary)
	w.personalToken(mary, w.tokenClient("Orders"), "Backup", "orders:read")
	p := b.open("/account/password").shows("you are signed out in every other browser", "personal access tokens stop working")
	wrong := p.form("Change password").set("old_password", "not it at all").set("password", "another good one").submit().wantStatus(http.StatusUnprocessableEntity)
	if wrong.faultOf("old_password") != "This is not your password." {
		t.Errorf("the fault is %q", wrong.faultOf("old_password"))
	}
	wrong.hides("not it at all", "another good one")
	if weak := p.form("Change password").set("old_password", password).set("password", "short").submit().wantStatus(http.StatusUnprocessableEntity); weak.faultOf("password") == "" {
		t.Error("a short password is no fault")
	}
	p.form("Change password").set("old_password", password).set("password", "another good one").submit().wantStatus(http.StatusSeeOther).follow().shows("Your password was changed.")
	other.ended("/account")
	b.open("/account/tokens").hides("Backup")
	if w.signsIn("mary", password) || !w.signsIn("mary", "another good one") {
		t.Error("the password is not the new one")
	}
}

func TestGuessingTheOldPasswordIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	b := w.as("mary")
	p := b.open("/account/password")
	for range 200 {
		got := p.form("Change password").set("old_password", "a guess").set("password", "another good one").submit()
		if got.Code == http.StatusTooManyRequests {
			if got.Header().Get("Retry-After") == "" {
				t.Error("nobody is told how long to wait")
			}
			return
		}
		got.wantStatus(http.StatusUnprocessableEntity)
	}
	t.Error("two hundred guesses were taken")
}

func TestOnesSessionsAreShownAndEnded(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	b, there, far := w.signedIn(mary), w.signedIn(mary), w.signedIn(mary)
	p := b.open("/account/sessions").shows("This browser", "192.0.2.7")
	s, _ := there.session()
	f := p.form("Sign out there")
	f.action = base + "/account/sessions/" + s.ID + "/end"
	f.submit().wantStatus(http.StatusSeeOther).follow().shows("You were signed out there.")
	there.ended("/account/profile")
	p = b.open("/account/sessions").press("Sign out everywhere else").wantStatus(http.StatusSeeOther).follow().shows("You were signed out everywhere else.")
	far.ended("/account/profile")
	if p.button("Sign out everywhere else") != nil {
		t.Error("there is nothing else, but it can be ended")
	}
}

func TestNothingOfAnotherUserIsReachedByItsID(t *testing.T) {
	w := newWorld(t)
	mary, john := w.user("mary"), w.signedIn(w.superAdmin("john"))
	hers := w.signedIn(mary)
	session, _ := hers.session()
	c := w.tokenClient("Orders")
	token, _ := w.personalToken(mary, c, "Backup", "orders:read")
	john.open("/account/profile")
	for _, path := range []string{
		"/account/sessions/" + session.ID + "/end", "/account/tokens/" + token.ID + "/revoke", "/account/apps/" + c.ClientID + "/revoke",
		"/account/sessions/none/end", "/account/tokens/none/revoke", "/account/apps/none/revoke", "/account/apps/a%2Fb/revoke",
	} {
		john.post(path, url.Values{"form_token": {john.ownToken()}, "user_id": {mary.ID}}).wantStatus(http.StatusNotFound)
	}
	john.open("/account/tokens").hides("Backup")
	john.post("/account/sessions/end", url.Values{"form_token": {john.ownToken()}}).wantStatus(http.StatusSeeOther)
	hers.open("/account/tokens").shows("Backup")
}

func TestATokenIsMadeShownOnceAndRevoked(t *testing.T) {
	w := newWorld(t)
	w.tokenClient("Orders")
	b := w.as("mary")
	p := b.open("/account/tokens").shows("You have no personal access token.").click("Token").shows("Read your orders data.", "Change your orders data.")
	f := p.form("Create token").set("name", hostileName).set("scope", "orders:read").set("lifetime", "90")
	p = f.submit().wantStatus(http.StatusOK).shows("You won't be able to see it again.", hostileName, "Read your orders data.").inert()
	text := textOf(byID(p.document, "secret"))
	seen, _, err := w.provider.Examine(w.system(), text)
	ok(t, err)
	if seen.Scope.String() != "orders:read" || seen.Expires.Sub(w.now()) > 90*24*time.Hour {
		t.Errorf("the token is worth %+v", seen)
	}
	p = p.click("I have kept it").shows(hostileName, "grpt_", "orders:read").hides(text).inert()
	p.press("Revoke the token "+hostileName).wantStatus(http.StatusSeeOther).follow().shows("The token was revoked.", "You have no personal access token.")
	if seen, why, err := w.provider.Examine(w.system(), text); err != nil || why == "" {
		t.Errorf("the token is still worth %+v (%v)", seen, err)
	}
}

func TestFaultsOfATokenStandBesideTheirFields(t *testing.T) {
	w := newWorld(t)
	w.tokenClient("Orders")
	b := w.as("mary")
	day := func(d int) string { return w.now().UTC().AddDate(0, 0, d).Format("2006-01-02") }
	for _, c := range []struct{ field, name, scope, lifetime, day string }{
		{"name", "", "orders:read", "30", ""},
		{"name", strings.Repeat("n", 101), "orders:read", "30", ""},
		{"scope", "Backup", "", "30", ""},
		{"scope", "Backup", "admin", "30", ""},
		{"lifetime", "Backup", "orders:read", "31", ""},
		{"lifetime", "Backup", "orders:read", "", ""},
		{"expires_on", "Backup", "orders:read", "30", "tomorrow"},
		{"expires_on", "Backup", "orders:read", "30", day(-1)},
		{"expires_on", "Backup", "orders:read", "30", day(0)},
		{"expires_on", "Backup", "orders:read", "30", day(367)},
		{"", "Backup", "orders:read", "30", day(1)},
		{"", "Backup", "orders:read", "", day(366)},
	} {
		f := b.open("/account/tokens/new").form("Create token").set("name", c.name).set("lifetime", c.lifetime).set("expires_on", c.day)
		if f.set("scope"); c.scope != "" {
			f.set("scope", c.scope)
		}
		p := f.submit()
		if c.field == "" {
			p.wantStatus(http.StatusOK).shows("The token was created")
			continue
		}
		if p.wantStatus(http.StatusUnprocessableEntity); p.faultOf(c.field) == "" || p.form("Create token").value("name") != c.name {
			t.Errorf("%+v: the fault is %q, the name %q", c, p.faultOf(c.field), p.form("Create token").value("name"))
		}
	}
}

func TestWithSeveralClientsTheFirstQuestionIsWhatATokenIsFor(t *testing.T) {
	w := newWorld(t)
	b := w.as("mary")
	b.open("/account/tokens").shows("Nothing here can be used with a personal access token.")
	b.get("/account/tokens/new").wantStatus(http.StatusNotFound)
	w.tokenClient("Orders")
	w.tokenClient(hostileName)
	plain := w.client(oauth.Registration{ClientName: "Plain", GrantTypes: []oauth.GrantType{oauth.AuthorizationCode}, RedirectURIs: []string{callback}, TokenEndpointAuthMethod: oauth.NoSecret})
	p := b.open("/account/tokens/new").shows("What is the token for?", "Orders").hides("Plain").inert()
	p.click(hostileName).wantStatus(http.StatusOK).shows("The token is for "+hostileName).form("Create token").set("name", "Backup").
		set("scope", "orders:read").submit().wantStatus(http.StatusOK)
	b.get("/account/tokens/new?client=" + plain.ClientID).wantStatus(http.StatusNotFound)
	forged := p.click("Orders").form("Create token").set("name", "Backup").set("scope", "orders:read").forge("client_id", plain.ClientID)
	forged.submit().wantStatus(http.StatusUnprocessableEntity).shows("What is the token for?")
}

func TestScopesThatWouldDoNothingAreNotOffered(t *testing.T) {
	w := newWorld(t)
	ok(t, w.provider.EnsureBuiltIn(w.system()))
	w.as("mary").open("/account/tokens/new").shows("There is nothing that the token could be allowed").hides("scope-0")
	w.as("admin", account.ViewKeys).open("/account/tokens/new").shows("admin", "keys:view").hides("keys:edit", "users:view")
}

func TestConnectedAppsAreShownAndWithdrawn(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	c := w.client(oauth.Registration{
		ClientName: hostileName, GrantTypes: []oauth.GrantType{oauth.AuthorizationCode}, RedirectURIs: []string{callback}, TokenEndpointAuthMethod: oauth.NoSecret,
		Scope: "profile orders:read",
	})
	b := w.signedIn(mary)
	b.open("/account/apps").shows("You have allowed no application anything.")
	session, _ := b.session()
	w.authorization(c, mary, session)
	p := b.open("/account/apps").shows(hostileName, "See your name and your username.", c.ClientID).inert()
	p.press("Withdraw what "+hostileName+" was allowed").wantStatus(http.StatusSeeOther).follow().shows("What you had allowed was withdrawn.", "No Data Available")
}

func TestBrowsersAreToldInWords(t *testing.T) {
	w := newWorld(t)
	mary := w.user("mary")
	for agent, words := range map[string]string{
		"": "A browser that does not say its name",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                     "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":              "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":                      "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1":     "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": "Samsung Internet on Android",
		"Mozilla/5.0 (Nothing) Chrome/1":      "Chrome",
		"curl/8.14.1":                         "curl/8.14.1",
		"<script>alert(1)</script> Firefox/1": "<script>alert(1)</script> Firefox/1",
	} {
		_, _, err := w.people.StartSession(w.system(), mary, account.NewSession{UserAgent: agent})
		ok(t, err)
		w.signedIn(mary).open("/account/sessions").shows(words).inert()
	}
}

func TestHintsOfLengthTellTheTruth(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		user  *account.User
		hint  string
		least int
	}{
		{w.user("mary"), "At least 8 characters.", 8},
		{w.superAdmin("root"), "At least 15 characters, because you are a super admin.", account.MinAdminPassword},
	} {
		p := w.signedIn(c.user).open("/account/password").shows(c.hint)
		change := func(length int) *page {
			next := strings.Repeat("q7", 20)[:length]
			return p.form("Change password").set("old_password", password).set("password", next).submit()
		}
		change(c.least - 1).wantStatus(http.StatusUnprocessableEntity)
		change(c.least).wantStatus(http.StatusSeeOther)
	}
}
