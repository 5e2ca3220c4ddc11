package pages_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

const orders = "https://orders.example.com"

// api registers an API.
func (w *world) api(r oauth.APIRegistration) *oauth.API {
	w.t.Helper()
	a, err := w.provider.RegisterAPI(w.system(), r)
	ok(w.t, err)
	return a
}

// apiNow gives an API as it is in the store.
func (w *world) apiNow(id string) *oauth.API {
	w.t.Helper()
	a, _, err := w.provider.LoadAPI(w.system(), id)
	ok(w.t, err)
	return a
}

// ordersAPI is an API with two scopes, one of which has no sentence.
func (w *world) ordersAPI() *oauth.API {
	w.t.Helper()
	return w.api(oauth.APIRegistration{Identifier: orders, Name: "Orders", Scopes: []oauth.APIScope{
		{Name: "orders:read", Description: "See what you ordered."}, {Name: "orders:write"},
	}})
}

// shop is a client that has an API.
func (w *world) shop(name string, a *oauth.API, scope string) *oauth.Client {
	w.t.Helper()
	r := webClient(name)
	r.Audience, r.Scope = []string{a.Identifier}, scope
	return w.client(r)
}

func TestListOfAPIsSaysWhatOneIsAndLeadsToTheFirst(t *testing.T) {
	w := newWorld(t)
	b := w.as("keeper", account.ViewAPIs, account.CreateAPIs)
	page := b.open("/admin/apis").shows("No Data Available", "An API is a service of yours that checks tokens before it answers")
	page.click("+ API").shows("Create API")
	if viewer := w.as("viewer", account.ViewAPIs).open("/admin/apis"); viewer.link("+ API") != "" {
		t.Error("who may not create an API is led to the form")
	}
}

func TestAPIsAreListedSearchedSortedAndPaged(t *testing.T) {
	w := newWorld(t)
	for n := range 17 {
		w.api(oauth.APIRegistration{Identifier: fmt.Sprintf("https://a%02d.example.com", n), Name: fmt.Sprintf("Service %02d", 16-n)})
	}
	w.shop("Shop", w.ordersAPI(), "orders:read")
	b := w.as("viewer", account.ViewAPIs)
	page := b.open("/admin/apis").shows("1 - 15 of 18 APIs", "Orders", orders, "orders:read").hides("Edit API", "Delete API", "Service 16")
	page.click("Next ›").shows("16 - 18 of 18 APIs", "Service 16")
	b.open("/admin/apis?page=99").shows("16 - 18 of 18 APIs")
	b.open("/admin/apis?sort=-identifier&per_page=30").shows("1 - 18 of 18 APIs")
	for _, q := range []string{"ORDERS", "orders:write", "orders.example"} {
		found := b.open("/admin/apis?q=" + url.QueryEscape(q)).shows("1 - 1 of 1 APIs")
		if cells := elements(found.document, "td"); len(cells) != 5 || textOf(cells[3]) != "1" {
			t.Errorf("%s: the row has %d cells", q, len(cells))
		}
	}
	b.open("/admin/apis?q=%3Cb%3E").shows("No API has “<b>” in its name").click("Show all").shows("of 18 APIs")
}

func TestPageOfAPISaysAllThatIsKnown(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	guard := w.client(oauth.Registration{ClientID: "orders-api", ClientName: "Orders guard", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}})
	r := a.APIRegistration
	r.ClientID, r.AccessTokenFormat, r.AccessTokenLifetime = guard.ClientID, oauth.JWT, oauth.Duration(10*60e9)
	_, err := w.provider.UpdateAPI(w.system(), r, 0)
	ok(t, err)
	for n := range 20 {
		w.shop(fmt.Sprintf("Shop %02d", n), a, "orders:write profile")
	}
	path := "/admin/apis/" + a.ID

	page := w.as("auditor", account.ViewAPIs, account.ViewClients, account.ViewAudit).open(path)
	page.shows(orders, "JWT: it checks them itself.", "At most 10m.", "See what you ordered.", "Change your orders data. (the words that the server has for it)",
		"1 - 15 of 20 Auth Clients", "Shop 00", "changed the API Orders").hides("Edit API", "Delete API")
	page.click("Next ›").shows("Shop 19")
	page.click("Orders guard").shows("It may ask what the tokens are worth that are meant for:", orders)
	page.click("Show all").shows("registered the API Orders")
	if scopes := textOf(byID(page.document, "clients")); strings.Contains(scopes, "profile") {
		t.Errorf("a scope of another API is among those of this one: %s", scopes)
	}

	w.as("viewer", account.ViewAPIs).open(path).shows("20 auth clients have this API.", "View Auth Clients").hides("Shop 00", "History", "/admin/auth-clients/orders-api")
}

func TestSnippetsGuardTheAPI(t *testing.T) {
	w := newWorld(t)
	b := w.as("viewer", account.ViewAPIs)
	guard := w.client(oauth.Registration{ClientID: "it.s", ClientName: "Guard", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}})
	for name, a := range map[string]*oauth.API{
		"plain":   w.api(oauth.APIRegistration{Identifier: "urn:plain"}),
		"hostile": w.api(oauth.APIRegistration{Identifier: "https://api.example.com/it's;$(id)", ClientID: guard.ClientID, Scopes: []oauth.APIScope{{Name: "it's:$(id);{}"}}}),
	} {
		snippets := b.open("/admin/apis/" + a.ID).snippets()
		if _, err := parser.ParseFile(token.NewFileSet(), name, snippets["guard-go"], parser.AllErrors); err != nil {
			t.Errorf("%s: %v\n%s", name, err, snippets["guard-go"])
		}
		nginx := snippets["guard-nginx"]
		if !strings.Contains(nginx, issuer+"/forward-auth?audience="+url.QueryEscape(a.Identifier)) || strings.Contains(nginx, "$(id)") || strings.Contains(nginx, "'") {
			t.Errorf("%s: %s", name, nginx)
		}
		hasClient := a.ClientID != ""
		if got := strings.Contains(snippets["inspect-curl"], "'it.s'"); got != hasClient {
			t.Errorf("%s: introspection: %s", name, snippets["inspect-curl"])
		}
		for id, code := range snippets {
			if strings.Contains(code, "\n?") || strings.Contains(code, "{ISSUER}") || strings.Contains(code, "{API}") || strings.Contains(code, "{SCOPE}") {
				t.Errorf("%s, %s: something is not filled in:\n%s", name, id, code)
			}
		}
	}
}

func TestAPIIsDeletedOnlyWhenNoClientHasIt(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	c := w.shop("Web shop", a, "orders:read")
	path := "/admin/apis/" + a.ID + "/delete"
	b := w.as("keeper", account.ViewAPIs, account.DeleteAPIs, account.ViewClients)
	page := b.open("/admin/apis/"+a.ID).click("Delete API").shows("cannot be deleted, because 1 auth client still has it", "Web shop")
	if page.button("Delete API") != nil {
		t.Error("there is a button")
	}
	if got := page.click("Web shop"); got.Code != http.StatusOK {
		t.Errorf("the client cannot be opened: %d", got.Code)
	}
	w.as("blind", account.DeleteAPIs).open(path).shows("1 auth client still has it").hides("Web shop")
	b.post(path, url.Values{"form_token": {b.ownToken()}}).wantStatus(http.StatusConflict).shows("cannot be deleted")
	w.apiNow(a.ID)

	ok(t, w.provider.DeleteClient(w.system(), c.ClientID))
	b.open(path).shows("Are you sure you want to delete the API Orders?").press("Delete API").follow().shows("The API was deleted.", "No Data Available")
	b.get("/admin/apis/" + a.ID).wantStatus(http.StatusNotFound)
	w.as("auditor", account.ViewAudit, account.ViewAPIs).open("/admin/audit?action=api").shows("keeper deleted the API Orders", "registered the API Orders")
}

// What somebody called an API stays text wherever it is shown.
func TestNamesOfAPIsStayText(t *testing.T) {
	w := newWorld(t)
	const evil = `<script>alert(1)</script>"'&`
	a := w.api(oauth.APIRegistration{Identifier: "https://evil.example.com/", Name: evil, Scopes: []oauth.APIScope{{Name: "<i>:read", Description: evil}}})
	c := w.shop("Shop", a, "<i>:read")
	b := w.signedIn(w.superAdmin("root"))
	for _, path := range []string{
		"/admin/apis", "/admin/apis/" + a.ID, "/admin/apis/" + a.ID + "/edit", "/admin/apis/" + a.ID + "/delete", "/admin/apis/" + a.ID + "/history",
		"/admin/auth-clients/" + c.ClientID, "/admin/auth-clients/" + c.ClientID + "/edit", "/admin/audit",
	} {
		page := b.open(path)
		if body := page.Body.String(); strings.Contains(body, "<script>alert") || strings.Contains(body, "<i>:read") {
			t.Errorf("%s: markup came through", path)
		}
		if !slices.Contains([]string{"/admin/auth-clients/" + c.ClientID + "/edit"}, path) {
			page.shows(evil)
		}
	}
}

// An API whose client is deleted can ask about no token any more: that is said before.
func TestDeletingTheClientOfAnAPISaysWhatItServes(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	r := a.APIRegistration
	r.ClientID = w.client(webClient("Asks for orders")).ClientID
	_, err := w.provider.UpdateAPI(w.system(), r, 0)
	ok(t, err)
	other := w.client(webClient("Asks for nothing"))
	b := w.as("deleter", account.ViewClients, account.DeleteClients)
	b.open("/admin/auth-clients/" + r.ClientID + "/delete").shows("what tokens are worth, and cannot any more: " + orders)
	b.open("/admin/auth-clients/" + other.ClientID + "/delete").hides("what tokens are worth")
}
