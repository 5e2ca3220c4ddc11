package pages_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
)

// formTo finds the button that sends its form to a path with this in it.
func (p *page) formTo(part string) *filled {
	p.t.Helper()
	for _, button := range elements(p.document, "button") {
		if strings.Contains(attribute(button, "formaction"), part) {
			return p.fill(p.formOf(button), button)
		}
	}
	p.t.Fatalf("%s: no button leads to %s", p.path, part)
	return nil
}

// bulk is the form of the ticked clients with the button for an act.
func (p *page) bulk(act string) *filled {
	p.t.Helper()
	return p.formTo("/auth-clients/-/" + act)
}

func TestSelectedClientsAreDisabledAndEnabled(t *testing.T) {
	w := newWorld(t)
	w.manyClients(20)
	b := w.as("editor", account.ViewClients, account.EditClients)
	list := b.open("/admin/auth-clients?page=2&q=client")
	after := list.bulk("disable").set("client", "c001", "c002", "c002").submit().follow()
	after.shows("The auth clients were disabled.", "16 - 20 of 20")
	for id, want := range map[string]bool{"c001": true, "c002": true, "c003": false, "c020": false} {
		if got := w.clientNow(id).Disabled; got != want {
			t.Errorf("%s is disabled: %t", id, got)
		}
	}
	if n := len(w.events("client.disabled")); n != 2 {
		t.Errorf("%d events", n)
	}
	list.bulk("enable").set("client", "c001").submit().follow().shows("The auth clients were enabled.")
	if w.clientNow("c001").Disabled {
		t.Error("c001 is still disabled")
	}
}

func TestRowDisablesAndEnablesItsClientAlone(t *testing.T) {
	w := newWorld(t)
	w.manyClients(2)
	b := w.as("editor", account.ViewClients, account.EditClients)
	list := b.open("/admin/auth-clients?q=client+001")
	list.formTo("/c001/disable").submit().follow().shows("The auth client was disabled.", "1 - 1 of 1")
	if !w.clientNow("c001").Disabled || w.clientNow("c002").Disabled {
		t.Error("it was not exactly c001")
	}
}

func TestNothingSelectedChangesNothingAndSaysSo(t *testing.T) {
	w := newWorld(t)
	w.manyClients(2)
	b := w.signedIn(w.superAdmin("root"))
	for _, act := range []string{"enable", "disable", "revoke", "delete"} {
		b.open("/admin/auth-clients").bulk(act).submit().wantStatus(http.StatusUnprocessableEntity).shows("No auth client is selected", "client 001")
	}
	b.open("/admin/auth-clients").bulk("delete").set("client", "gone", "%00", "").submit().wantStatus(http.StatusUnprocessableEntity)
}

func TestSelectedClientsAreDeletedOnceThatIsConfirmed(t *testing.T) {
	w := newWorld(t)
	w.manyClients(3)
	r := webClient(`<img src=x> "Holiday"`)
	r.ClientID = "hostile"
	c := w.client(r)
	w.allowed(c, w.user("ada"))
	b := w.as("deleter", account.ViewClients, account.DeleteClients)
	ask := b.open("/admin/auth-clients").bulk("delete").set("client", "c001", "hostile").submit().wantStatus(http.StatusOK)
	ask.shows("Are you sure you want to delete these auth clients?", "client 001", `<img src=x> "Holiday"`, "1 live authorization of a user", "It cannot be undone")
	if len(b.open("/admin/auth-clients").listed()) != 4 {
		t.Fatal("it did not ask first")
	}
	ask.press("Delete Auth Clients").follow().shows("The auth clients were deleted.")
	if got := b.open("/admin/auth-clients").listed(); !slices.Equal(got, []string{"client 003", "client 002"}) {
		t.Errorf("left are %q", got)
	}
	ask.press("Delete Auth Clients").wantStatus(http.StatusUnprocessableEntity)
}

func TestTokensOfSelectedClientsAreRevokedOnceThatIsConfirmed(t *testing.T) {
	w := newWorld(t)
	c, other := w.client(webClient("Holiday photos")), w.client(webClient("Other"))
	ada := w.user("ada")
	mine, theirs := w.allowed(c, ada), w.allowed(other, ada)
	w.move(time.Second)
	b := w.as("revoker", account.ViewClients, account.DeleteTokens)
	ask := b.open("/admin/auth-clients").bulk("revoke").set("client", c.ClientID).submit().shows("Holiday photos", "1 live authorization of a user")
	if !w.active(other, mine.AccessToken) && !w.active(c, mine.AccessToken) {
		t.Fatal("it did not ask first")
	}
	ask.press("Revoke tokens").follow().shows("All tokens of the auth clients were revoked.")
	if w.active(c, mine.AccessToken) || !w.active(other, theirs.AccessToken) {
		t.Error("it was not exactly what was selected")
	}
}

func TestBulkActsAreRefusedWholeOrDoneWhole(t *testing.T) {
	w := newWorld(t)
	ok(t, w.provider.EnsureBuiltIn(w.system()))
	w.manyClients(1)
	mighty := webClient("Mighty")
	mighty.ClientID, mighty.Scope = "mighty", "admin"
	w.client(mighty)
	ok(t, w.provider.SetClientState(w.system(), "c001", "disabled"))
	b := w.as("editor", account.ViewClients, account.EditClients)
	token := b.formToken("/admin/auth-clients")
	post := func(act string, ids ...string) *page {
		return b.post("/admin/auth-clients/-/"+act, url.Values{"form_token": {token}, "client": ids})
	}
	post("enable", "c001", "mighty").wantStatus(http.StatusForbidden)
	post("enable", "c001", "grantor-cli").wantStatus(http.StatusConflict)
	if !w.clientNow("c001").Disabled {
		t.Error("half of it was done")
	}
	post("delete", "c001").wantStatus(http.StatusForbidden)
	post("revoke", "c001").wantStatus(http.StatusForbidden)
	many := make([]string, 200)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	post("enable", many...).wantStatus(http.StatusBadRequest)
	b.post("/admin/auth-clients/-/enable", url.Values{"client": {"c001"}}).wantStatus(http.StatusForbidden)
}
