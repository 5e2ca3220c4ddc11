package pages_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// refused notes a request that was refused, and gives its id.
func (w *world) refused(n int, e oauth.Explanation, err error) string {
	w.t.Helper()
	e.ID, e.Status = fmt.Sprintf("%012x%020x", w.now().UnixMilli(), n), http.StatusBadRequest
	w.provider.NoteRefusal(e, err)
	w.provider.FlushRefusals(w.system())
	return e.ID
}

func TestARefusalIsFoundByItsID(t *testing.T) {
	w := newWorld(t)
	c := w.client(oauth.Registration{ClientName: "Shop", RedirectURIs: []string{callback}})
	near := (&oauth.Error{Code: oauth.InvalidRequest, Description: "not registered"}).By("the rule of it", "RFC 6749 section 3.1.2.3").Saying("registered a, got b")
	id := w.refused(1, oauth.Explanation{ClientID: c.ClientID, Claimed: true, Description: "not registered"}, near)
	other := w.refused(2, oauth.Explanation{Description: "something else"}, nil)
	b := w.as("support", account.ViewRefusals)
	page := b.open("/admin/refusals/" + id)
	text := page.text()
	for _, want := range []string{"the rule of it", "registered a, got b", "RFC 6749 section 3.1.2.3", "Claimed", "not registered", "Shop"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not stand on the page", want)
		}
	}
	if strings.Contains(page.Body.String(), "/admin/auth-clients/") {
		t.Error("a link leads where the reader may not go")
	}
	if list := b.open("/admin/refusals").Body.String(); !strings.Contains(list, id) || !strings.Contains(list, other) {
		t.Error("the list lacks a refusal")
	}
	if list := b.open("/admin/refusals?client=" + c.ClientID).Body.String(); !strings.Contains(list, id) || strings.Contains(list, other) {
		t.Error("the list is not that of the client")
	}
	if detail := w.as("both", account.ViewRefusals, account.ViewClients).open("/admin/auth-clients/" + c.ClientID); detail.link("Refusals") == "" {
		t.Error("the client's page does not lead here")
	}
	b.get("/admin/refusals?request=urn:request:" + id).wantStatus(http.StatusFound)
	for _, typed := range []string{"nothing", strings.Repeat("0", 32), strings.Repeat("x", 1000)} {
		if got := b.get("/admin/refusals?request=" + typed); got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%d for %q", got.Code, typed)
		}
	}
	b.get("/admin/refusals/" + strings.Repeat("0", 32)).wantStatus(http.StatusNotFound)
}

func TestHostileRefusalsStayText(t *testing.T) {
	w := newWorld(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>javascript:alert(3)`
	refused := (&oauth.Error{Code: oauth.InvalidRequest, Description: evil}).By(evil, evil).Saying(evil)
	id := w.refused(1, oauth.Explanation{
		ClientID: evil, Claimed: true, Path: evil, Method: evil, Subject: evil, Grant: evil, Address: evil, Error: evil, Description: evil, Cause: evil,
	}, refused)
	b := w.as("support", account.ViewRefusals)
	for _, path := range []string{"/admin/refusals/" + id, "/admin/refusals", "/admin/refusals?client=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/admin/refusals?request=%3Cscript%3E"} {
		b.get(path).inert()
	}
}
