package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
)

// A secret, or a redirect URL, that somebody else put in place outlasts the session that was stolen for it.
func TestGivingAClientAWayInAsksForThePassword(t *testing.T) {
	w := newWorld(t)
	r := webClient("Holiday photos")
	r.ClientID = "photos"
	w.client(r)
	b := w.as("editor", account.ViewClients, account.CreateClients, account.EditClients)
	create := b.open(newClient+"?template=machine").form("Create Auth Client").set("client_name", "Robot").set("permissions", "clients:edit")
	edit := b.open("/admin/auth-clients/photos/edit").form("Save").set("redirect_uris", "https://evil.example.net/")
	w.move(16 * time.Minute)
	asked := create.submit().shows("Please confirm that it is you").hides("You won't be able to see it again")
	if n := len(w.events("client.created")); n != 1 {
		t.Errorf("%d clients were created", n)
	}
	edit.submit().shows("Please confirm that it is you")
	if got := w.clientNow("photos").RedirectURIs; got[0] != callback {
		t.Errorf("the codes go to %q", got)
	}
	asked.form("Continue").set("confirm_password", password).submit().shows("You won't be able to see it again", "Robot")
	edit.submit().follow().shows("The auth client was saved.") // the password was given just now
}

// Whoever sends a form after his session ended comes back to a page, wherever the form was.
func TestAFormOfAnEndedSessionLeadsBackToAPage(t *testing.T) {
	w := newWorld(t)
	for sent, want := range map[string]string{
		"/admin/auth-clients/photos/disable":         "/admin/auth-clients/photos",
		"/admin/auth-clients/photos/edit":            "/admin/auth-clients/photos/edit",
		"/admin/auth-clients/-/enable":               "/admin/auth-clients",
		"/admin/users/usr_1/tokens/aut_2%2F3/revoke": "/admin/users/usr_1",
		"/account/sessions/end":                      "/account/sessions",
		"/account/apps/x/revoke":                     "/account/apps",
	} {
		to, err := url.Parse(w.guest().post(sent, url.Values{}).wantStatus(http.StatusSeeOther).Header().Get("Location"))
		ok(t, err)
		if got := to.Query().Get("next"); got != want {
			t.Errorf("%s leads to %q, want %q", sent, got, want)
		}
	}
	for _, rule := range access.Pages() {
		if rule.Method != http.MethodPost {
			continue
		}
		to, err := url.Parse(w.guest().post(parameter.ReplaceAllString(rule.Path, "x"), url.Values{}).Header().Get("Location"))
		ok(t, err)
		if next := to.Query().Get("next"); next == "" || w.guest().get(next).wantStatus(http.StatusFound).Header().Get("Allow") != "" {
			t.Errorf("%s leads to %q", rule.Key(), next)
		}
	}
}

// Where the password is asked for in between, a form may be as large as without.
func TestALargeImportSurvivesTheQuestionForThePassword(t *testing.T) {
	w := newWorld(t)
	b := importer(w)
	var file strings.Builder
	file.WriteString(`{"clients":[`)
	for file.Len() < 700<<10 {
		file.WriteString(`{"client_id":"same","client_name":"Same","grant_types":["client_credentials"]},`)
	}
	file.WriteString(`{"client_id":"same"}]}`)
	form := b.open(importPage).form("Show what would change").set("text", file.String())
	w.move(time.Hour)
	form.submit().shows("Please confirm that it is you").form("Continue").set("confirm_password", password).submit().
		wantStatus(http.StatusUnprocessableEntity).shows("A file may hold 1000 auth clients at most")
}

// What an import would change is shown to those who may see auth clients, and says first what will be refused.
func TestPlanOfAnImportShowsNothingThatIsHiddenElsewhere(t *testing.T) {
	w := newWorld(t)
	mighty, photos := webClient("Mighty"), webClient("Garden plan")
	mighty.ClientID, mighty.Scope, photos.ClientID = "mighty", "admin", "photos"
	w.client(mighty)
	w.client(photos)
	file := func(id string) string {
		return `{"clients":[{"client_id":"` + id + `","client_name":"Probe","redirect_uris":["https://probe.example.net/"]}]}`
	}
	const show = "Show what would change"
	w.as("creator", account.CreateClients).open(importPage).form(show).set("text", file("photos")).submit().
		wantStatus(http.StatusUnprocessableEntity).shows("you may not edit auth clients").hides("app.example.com", "Garden plan")
	w.as("looks", account.CreateClients, account.ViewClients).open(importPage).form(show).set("text", file("photos")).submit().
		wantStatus(http.StatusUnprocessableEntity).shows("you may not edit auth clients", "app.example.com")
	importer(w).open(importPage).form(show).set("text", file("mighty")).submit().
		wantStatus(http.StatusUnprocessableEntity).shows("it may do more than you may")
}
