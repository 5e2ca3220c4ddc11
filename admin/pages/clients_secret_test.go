package pages_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func (w *world) proves(id, secret string) bool {
	w.t.Helper()
	_, err := w.provider.Authenticate(w.system(), oauth.Credentials{ClientID: id, Secret: secret, Method: oauth.ClientSecretBasic})
	return err == nil
}

func TestSecretsAreAddedRotatedAndRevoked(t *testing.T) {
	w := newWorld(t)
	c, first, err := w.provider.RegisterClient(w.system(), webClient("Holiday photos"), "")
	ok(t, err)
	b := w.as("editor", account.ViewClients, account.EditClients)
	home := "/admin/auth-clients/" + c.ClientID
	added := b.open(home).click("Add").form("Add secret").set("name", "<b>May</b>").set("expires", "2026-03-31").submit().wantStatus(http.StatusOK)
	second := textOf(byID(added.document, "secret"))
	added.shows("You won't be able to see it again", "2026-04-01 00:00 UTC", "stay good")
	if !w.proves(c.ClientID, first) || !w.proves(c.ClientID, second) {
		t.Error("not both work")
	}
	ok(t, w.provider.FlushUsage(w.system()))
	b.open(home).shows("<b>May</b>", second[:len(w.clientNow(c.ClientID).Secrets[1].Prefix)]+"…", "2026-03-01 12:00 UTC").hides(second, first)

	rotate := b.open(home).click("Rotate")
	for _, choice := range []string{"Now", "In 1 hour", "In 1 day", "In 7 days", "In 30 days"} {
		rotate.shows(choice)
	}
	rotated := rotate.form("Rotate secrets").set("overlap", "1h").submit().wantStatus(http.StatusOK).shows("end on 2026-03-01 at 13:00 UTC")
	third := textOf(byID(rotated.document, "secret"))
	w.move(time.Hour - time.Second)
	if !w.proves(c.ClientID, first) || !w.proves(c.ClientID, second) || !w.proves(c.ClientID, third) {
		t.Error("before the end not all work")
	}
	w.move(time.Second)
	if w.proves(c.ClientID, first) || w.proves(c.ClientID, second) || !w.proves(c.ClientID, third) {
		t.Error("after the end not the new one alone works")
	}
	b = w.as("editor2", account.ViewClients, account.EditClients)
	b.open(home).shows("Ended")
	fourth := textOf(byID(b.open(home).click("Rotate").form("Rotate secrets").set("overlap", "0").submit().document, "secret"))
	if w.proves(c.ClientID, third) || !w.proves(c.ClientID, fourth) {
		t.Error("a rotation without overlap leaves the old one")
	}
	secrets := w.clientNow(c.ClientID).Secrets
	ask := b.open(home+"/secrets/"+secrets[len(secrets)-1].ID+"/revoke").shows("Are you sure", "was last used on", "the only secret that still works")
	ask.press("Revoke secret").follow().shows("The secret was revoked.", "It has no secret")
	if w.proves(c.ClientID, fourth) {
		t.Error("a revoked secret works")
	}
	ask.press("Revoke secret").wantStatus(http.StatusNotFound)
	for _, action := range []string{"client.secret_added", "client.secret_rotated", "client.secret_revoked"} {
		for _, e := range w.events(action) {
			for _, secret := range []string{first, second, third, fourth} {
				if strings.Contains(sprint(e), secret) {
					t.Errorf("%s has a secret", action)
				}
			}
		}
		if len(w.events(action)) == 0 {
			t.Errorf("no %s", action)
		}
	}
}

func TestSecretFormSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	c := w.client(webClient("Holiday photos"))
	b := w.as("editor", account.ViewClients, account.EditClients)
	for field, x := range map[string]struct{ value, says string }{
		"name":    {strings.Repeat("n", 101), "must not be longer than 100"},
		"expires": {"yesterday", "Write the date as"},
	} {
		page := b.open("/admin/auth-clients/"+c.ClientID+"/secrets/rotate").form("Rotate secrets").set(field, x.value).submit().wantStatus(http.StatusUnprocessableEntity)
		if got := page.faultOf(field); !strings.Contains(got, x.says) || page.form("Rotate secrets").value(field) != x.value {
			t.Errorf("%s: told %q, kept %q", field, got, page.form("Rotate secrets").value(field))
		}
	}
	past := b.open("/admin/auth-clients/"+c.ClientID+"/secrets/new").form("Add secret").set("expires", "2026-02-28").submit().wantStatus(http.StatusUnprocessableEntity)
	if got := past.faultOf("expires"); !strings.Contains(got, "future") {
		t.Errorf("told %q", got)
	}
	b.open("/admin/auth-clients/"+c.ClientID+"/secrets/rotate").form("Rotate secrets").forge("overlap", "400d").submit().wantStatus(http.StatusUnprocessableEntity).shows("Choose when")
	for range 9 {
		b.open("/admin/auth-clients/" + c.ClientID + "/secrets/new").press("Add secret").wantStatus(http.StatusOK)
	}
	b.open("/admin/auth-clients/" + c.ClientID + "/secrets/new").press("Add secret").wantStatus(http.StatusUnprocessableEntity).shows("at most 10")
	public := webClient("Public")
	public.TokenEndpointAuthMethod = oauth.NoSecret
	b.get("/admin/auth-clients/" + w.client(public).ClientID + "/secrets/new").wantStatus(http.StatusNotFound)
}

func TestSecretsAskForThePasswordWhenItWasGivenLongAgo(t *testing.T) {
	w := newWorld(t)
	c := w.client(webClient("Holiday photos"))
	b := w.as("editor", account.ViewClients, account.EditClients)
	w.move(time.Hour)
	ask := b.open("/admin/auth-clients/"+c.ClientID+"/secrets/new").form("Add secret").set("name", "kept").submit().wantStatus(http.StatusOK).shows("Please confirm that it is you")
	if ask.form("Continue").value("name") != "kept" {
		t.Error("what was typed is lost")
	}
	ask.form("Continue").set("confirm_password", password).submit().shows("You won't be able to see it again")
	if got := w.clientNow(c.ClientID).Secrets; len(got) != 2 || got[1].Name != "kept" {
		t.Errorf("%d secrets", len(got))
	}
}

func TestClientThatBecomesConfidentialGetsItsSecretNext(t *testing.T) {
	w := newWorld(t)
	r := webClient("Holiday photos")
	r.TokenEndpointAuthMethod = oauth.NoSecret
	c := w.client(r)
	b := w.as("editor", account.ViewClients, account.EditClients)
	next := b.open("/admin/auth-clients/"+c.ClientID+"/edit").form("Save").set("token_endpoint_auth_method", "client_secret_basic").submit().follow()
	next.shows("The auth client was saved.").press("Add secret").wantStatus(http.StatusOK).shows("You won't be able to see it again")
}
