package pages_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

func sprint(v any) string { return fmt.Sprintf("%+v", v) }

func TestEditKeepsRedirectURLsWhenTheGrantIsUnticked(t *testing.T) {
	w := newWorld(t)
	c := w.client(webClient("Holiday photos"))
	b := w.as("editor", account.ViewClients, account.EditClients)
	edit := "/admin/auth-clients/" + c.ClientID + "/edit"
	b.open(edit).form("Save").set("grant_types", "client_credentials").submit().follow().shows("The auth client was saved.")
	if now := w.clientNow(c.ClientID); len(now.RedirectURIs) != 1 || now.MayUse(oauth.AuthorizationCode) {
		t.Errorf("it has %v and %v", now.RedirectURIs, now.GrantTypes)
	}
	if got := b.open(edit).form("Save").value("redirect_uris"); got != callback {
		t.Errorf("the form has %q", got)
	}
	e := w.events("client.updated")
	if len(e) != 1 || e[0].Actor.Name != "editor" || !strings.Contains(e[0].Detail["grant_types"], "->") {
		t.Errorf("the audit log has %+v", e)
	}
}

func TestEditWarnsWhenSomebodySavedFirst(t *testing.T) {
	w := newWorld(t)
	c := w.client(webClient("Holiday photos"))
	edit := "/admin/auth-clients/" + c.ClientID + "/edit"
	first, second := w.as("first", account.ViewClients, account.EditClients), w.as("second", account.ViewClients, account.EditClients, account.ViewAudit)
	mine := second.open(edit).form("Save").set("client_name", "Mine <i>").set("scope", "profile mine")
	w.move(time.Minute)
	first.open(edit).form("Save").set("client_name", "Theirs <b>").submit().follow().shows("The auth client was saved.")
	w.move(3 * time.Minute)

	page := mine.submit().wantStatus(http.StatusConflict)
	page.shows("Somebody else saved this auth client", "It was first", "Theirs <b>", "Mine <i>", "profile mine")
	if got := w.clientNow(c.ClientID).ClientName; got != "Theirs <b>" {
		t.Errorf("it is called %q already", got)
	}
	again := page.form("Save")
	if again.value("client_name") != "Mine <i>" || again.value("scope") != "profile mine" {
		t.Errorf("the form has %v", again.fields)
	}
	again.submit().follow().shows("The auth client was saved.")
	if now := w.clientNow(c.ClientID); now.ClientName != "Mine <i>" || now.Scope != "profile mine" {
		t.Errorf("it is %+v", now.Registration)
	}

	third := w.as("third", account.ViewClients, account.EditClients)
	stale := third.open(edit).form("Save").set("client_name", "Third")
	first.open(edit).form("Save").set("client_name", "Fourth").submit()
	stale.submit().wantStatus(http.StatusConflict).shows("Somebody else saved", "Fourth").hides("It was first")
	third.open(edit).form("Save").forge("version", "").submit().wantStatus(http.StatusBadRequest)
	third.open(edit).form("Save").forge("version", "0").submit().wantStatus(http.StatusBadRequest)
}

func TestEditShowsFaultsAndKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	w.client(webClient("Taken"))
	c := w.client(webClient("Holiday photos"))
	b := w.as("editor", account.ViewClients, account.EditClients)
	page := b.open("/admin/auth-clients/"+c.ClientID+"/edit").form("Save").set("client_name", "TAKEN").set("redirect_uris", "https://a.example/\nhttp://b.example/").submit()
	page.wantStatus(http.StatusUnprocessableEntity)
	if got := page.faultOf("redirect_uris"); !strings.Contains(got, "Line 2 must use https") {
		t.Errorf("told %q", got)
	}
	page = page.form("Save").set("redirect_uris", "https://a.example/").submit().wantStatus(http.StatusUnprocessableEntity)
	if got := page.faultOf("client_name"); got != "Another auth client has this name." {
		t.Errorf("told %q", got)
	}
	page.form("Save").set("client_name", "Free").submit().follow().shows("The auth client was saved.", "https://a.example/")
}

func TestBuiltInClientIsGuarded(t *testing.T) {
	w := newWorld(t)
	ok(t, w.provider.EnsureBuiltIn(w.system()))
	b := w.signedIn(w.superAdmin("root"))
	page := "/admin/auth-clients/" + oauth.CommandLineClient
	detail := b.open(page).shows("belongs to the server itself")
	if detail.link("Edit Auth Client") != "" || detail.button("Disable") != nil || detail.link("Delete Auth Client") != "" {
		t.Error("it can be changed")
	}
	b.open("/admin/auth-clients").shows("Built in")
	for _, tail := range []string{"/edit", "/delete", "/secrets/new", "/secrets/rotate"} {
		b.get(page + tail).wantStatus(http.StatusConflict)
	}
	fields := map[string][]string{"form_token": {b.formToken(newClient + "?template=web")}, "version": {"1"}, "client": {oauth.CommandLineClient}, "sure": {"yes"}, "overlap": {"0"}}
	for _, path := range []string{page + "/edit", page + "/delete", page + "/disable", page + "/enable", page + "/secrets/new", page + "/secrets/rotate",
		"/admin/auth-clients/-/delete", "/admin/auth-clients/-/disable", "/admin/auth-clients/-/enable"} {
		b.post(path, fields).wantStatus(http.StatusConflict)
	}
	if c := w.clientNow(oauth.CommandLineClient); c.Disabled || !c.BuiltIn {
		t.Errorf("it is %+v", c)
	}
}

func TestClientIsDisabledAndEnabled(t *testing.T) {
	w := newWorld(t)
	c := w.client(webClient("Holiday photos"))
	b := w.as("editor", account.ViewClients, account.EditClients)
	page := "/admin/auth-clients/" + c.ClientID
	b.open(page).press("Disable").follow().shows("The auth client was disabled.", "Disabled", "Enable")
	if !w.clientNow(c.ClientID).Disabled {
		t.Error("it is not disabled")
	}
	b.open(page).press("Enable").follow().shows("The auth client was enabled.")
	if w.clientNow(c.ClientID).Disabled {
		t.Error("it is not enabled")
	}
}

func TestDeleteAsksAndThenTheClientIsGone(t *testing.T) {
	w := newWorld(t)
	r := webClient(`<b>"Holiday" photos</b>`)
	r.GrantTypes = append(r.GrantTypes, oauth.ClientCredentials)
	c := w.client(r)
	b := w.as("deleter", account.ViewClients, account.DeleteClients)
	ask := b.open("/admin/auth-clients").click("Delete Auth Client")
	ask.shows(`Are you sure you want to delete the auth client <b>"Holiday" photos</b>?`, "live tokens end with it", "It cannot be undone")
	for _, bold := range elements(find(ask.document, "main"), "b") {
		t.Errorf("the name became markup: %s", textOf(bold))
	}
	ask.press("Delete Auth Client").follow().shows("The auth client was deleted.", "No Data Available")
	b.get("/admin/auth-clients/" + c.ClientID).wantStatus(http.StatusNotFound)
	ask.press("Delete Auth Client").wantStatus(http.StatusNotFound)
}

func TestDeleteAsksForThePasswordWhenItWasGivenLongAgo(t *testing.T) {
	w := newWorld(t)
	c := w.client(webClient("Holiday photos"))
	b := w.as("deleter", account.ViewClients, account.DeleteClients)
	w.move(time.Hour)
	ask := b.open("/admin/auth-clients/" + c.ClientID + "/delete").press("Delete Auth Client").wantStatus(http.StatusOK).shows("Please confirm that it is you")
	ask.form("Continue").set("confirm_password", "wrong").submit().wantStatus(http.StatusUnprocessableEntity)
	ask.form("Continue").set("confirm_password", password).submit().follow().shows("The auth client was deleted.")
}

// Whoever saves the form means what he changed: nothing else that is registered of a client may get lost.
func TestEditKeepsEverySetting(t *testing.T) {
	w := newWorld(t)
	r := oauth.Registration{
		ClientName: "All of it", ClientURI: "https://app.example.com", TokenEndpointAuthMethod: oauth.ClientSecretPost,
		GrantTypes: []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken, oauth.ClientCredentials}, RedirectURIs: []string{callback}, Scope: "profile orders:read", DefaultScope: "profile",
		Audience: []string{"https://orders.example.com"}, DefaultAudience: "https://orders.example.com",
		AccessTokenFormat: oauth.JWT, AccessTokenSigningAlg: jose.EdDSA, AccessTokenLifetime: oauth.Duration(time.Minute), ResourceServer: true,
		Permissions: account.Permissions{account.ViewClients}, PersonalAccessTokens: true, RefreshTokenLifetime: oauth.Duration(time.Hour),
		IntrospectionSignedResponseAlg: jose.ES256,
	}
	c := w.client(r)
	for v, i := reflect.ValueOf(c.Registration), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("this test says nothing of %s", v.Type().Field(i).Name)
		}
	}
	b := w.as("editor", account.ViewClients, account.EditClients)
	b.open("/admin/auth-clients/"+c.ClientID+"/edit").form("Save").set("client_name", "Renamed").submit().follow().shows("The auth client was saved.")
	want := c.Registration
	want.ClientName = "Renamed"
	if now := w.clientNow(c.ClientID).Registration; !reflect.DeepEqual(now, want) {
		t.Errorf("it is\n%+v, and was\n%+v", now, want)
	}
}
