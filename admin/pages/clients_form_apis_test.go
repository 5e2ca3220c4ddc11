package pages_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// chooser may make and edit clients and see the APIs to choose from.
func chooser(w *world) *browser {
	return w.as("chooser", account.ViewClients, account.CreateClients, account.EditClients, account.ViewAPIs)
}

func TestClientIsGivenAPIsAndScopesByTicking(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	w.api(oauth.APIRegistration{Identifier: "urn:plain", Name: "Plain"})
	b := chooser(w)
	form := b.open(newClient+"?template=web").shows("Orders", orders, "See what you ordered.", "Change your orders data.", "Plain", "It has no scopes of its own.").form("Create Auth Client")
	form.set("client_name", "Shop").set("redirect_uris", callback).set("api", orders, "urn:plain").set("api_scope", "orders:read").set("scope", "profile").
		set("audience", "https://elsewhere.example.net").set("default_audience", orders)
	page := form.submit().wantStatus(http.StatusOK)
	c := w.clientNow(textOf(byID(page.document, "client-id")))
	if !slices.Equal(c.Audience, []string{"https://elsewhere.example.net", orders, "urn:plain"}) || c.Scope != "profile orders:read" || c.DefaultAudience != orders {
		t.Errorf("it became %+v", c.Registration)
	}
	shown := b.open("/admin/auth-clients/"+c.ClientID).shows("APIs and scopes", "Orders", "Default", "See what you ordered.", "none of its scopes", "Other scopesprofile", "Other audienceshttps://elsewhere.example.net")
	if got := shown.link("Orders"); got != "/admin/apis/"+a.ID {
		t.Errorf("the API leads to %q", got)
	}
	again := b.open("/admin/auth-clients/" + c.ClientID + "/edit").form("Save")
	if !slices.Equal(again.fields["api"], []string{orders, "urn:plain"}) || !slices.Equal(again.fields["api_scope"], []string{"orders:read"}) || again.value("scope") != "profile" ||
		strings.TrimSpace(again.value("audience")) != "https://elsewhere.example.net" || again.value("default_audience") != orders {
		t.Errorf("the form is filled with %v", again.fields)
	}
	again.set("api", "urn:plain").set("api_scope").set("default_audience", "").submit().follow()
	if c = w.clientNow(c.ClientID); !slices.Equal(c.Audience, []string{"https://elsewhere.example.net", "urn:plain"}) || c.Scope != "profile" {
		t.Errorf("without the API it became %+v", c.Registration)
	}
}

// A scope without its API could mean that the API was taken away or that it was forgotten: the person says which.
func TestScopeWithoutItsAPIIsAFaultBesideTheAPI(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	b := chooser(w)
	form := b.open(newClient+"?template=web").form("Create Auth Client").set("client_name", "Shop").set("redirect_uris", callback).set("api_scope", "orders:write")
	page := form.submit().wantStatus(http.StatusUnprocessableEntity).shows("Tick the API “Orders” as well, or none of its scopes.")
	if byID(page.document, a.ID) == nil || attribute(byID(page.document, a.ID), "value") != orders {
		t.Error("the fault leads nowhere")
	}
	again := page.form("Create Auth Client")
	if !slices.Equal(again.fields["api_scope"], []string{"orders:write"}) || len(again.fields["api"]) > 0 {
		t.Errorf("what was ticked became %v", again.fields)
	}
	again.set("api", orders).submit().wantStatus(http.StatusOK).shows("The auth client was created")
}

func TestDefaultAPIMustBeOneThatTheClientHas(t *testing.T) {
	w := newWorld(t)
	w.ordersAPI()
	b := chooser(w)
	page := b.open(newClient+"?template=web").form("Create Auth Client").set("client_name", "Shop").set("redirect_uris", callback).set("default_audience", orders).submit()
	if got := page.wantStatus(http.StatusUnprocessableEntity).faultOf("default_audience"); !strings.Contains(got, "Default API must be one of") {
		t.Errorf("beside it stands %q", got)
	}
}

// Saving a form without touching it changes nothing, whoever saves it: what he is not offered stands there as text.
func TestSavingLosesNothingOfAPIsAndScopes(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	billing := w.api(oauth.APIRegistration{Identifier: "https://billing.example.com"})
	r := webClient("Shop")
	r.Audience = []string{"urn:other", orders, "urn:another"}
	r.Scope = "unknown orders:write profile"
	r.DefaultScope, r.DefaultAudience = "orders:write", "urn:other"
	c := w.client(r)
	path := "/admin/auth-clients/" + c.ClientID
	for name, b := range map[string]*browser{
		"one who sees APIs":         chooser(w),
		"one who may not see APIs":  w.as("blind", account.ViewClients, account.EditClients),
		"one who sees no clients":   w.as("editor", account.EditClients),
		"one who may do everything": w.signedIn(w.superAdmin("root")),
	} {
		before := len(w.events("client.updated"))
		if got := b.open(path + "/edit").press("Save"); got.Code != http.StatusSeeOther && got.Code != http.StatusOK {
			t.Fatalf("%s: %d: %s", name, got.Code, clip(got.main()))
		}
		now := w.clientNow(c.ClientID)
		if !slices.Equal(now.Audience, r.Audience) || now.Scope != r.Scope || now.DefaultScope != r.DefaultScope || now.DefaultAudience != r.DefaultAudience {
			t.Errorf("%s: it became %+v", name, now.Registration)
		}
		for _, e := range w.events("client.updated")[before:] {
			if e.Detail["scope"] != "" || e.Detail["audience"] != "" {
				t.Errorf("%s: the audit log has %v", name, e.Detail)
			}
		}
	}
	blind := w.as("blinder", account.ViewClients, account.EditClients).open(path+"/edit").hides(a.ID, billing.Identifier)
	if f := blind.form("Save"); f.value("scope") != r.Scope || len(strings.Fields(f.value("audience"))) != 3 {
		t.Errorf("who may not see APIs has %v", f.fields)
	}
}

// A scope that came to an API later stands as text where the client does not have the API, and saving says so.
func TestScopeOfAnAPIThatTheClientDoesNotHaveIsToldOf(t *testing.T) {
	w := newWorld(t)
	r := webClient("Shop")
	r.Scope = "profile orders:read"
	c := w.client(r)
	w.ordersAPI()
	page := chooser(w).open("/admin/auth-clients/" + c.ClientID + "/edit")
	form := page.form("Save")
	if form.value("scope") != r.Scope || len(form.fields["api"])+len(form.fields["api_scope"]) > 0 {
		t.Errorf("the form is filled with %v", form.fields)
	}
	page = form.submit().wantStatus(http.StatusUnprocessableEntity)
	if got := page.faultOf("scope"); !strings.Contains(got, "must not name orders:read: it belongs to the API "+orders+", which this auth client does not have.") {
		t.Errorf("beside it stands %q", got)
	}
	page.form("Save").set("api", orders).submit().follow().shows("The auth client was saved.", "See what you ordered.")
}

// An API, or a scope of it, that goes while the form is open is kept as what it is without a record.
func TestAPIThatGoesWhileTheFormIsOpenIsNotLost(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	c := w.client(webClient("Shop"))
	form := chooser(w).open("/admin/auth-clients/"+c.ClientID+"/edit").form("Save").set("api", orders).set("api_scope", "orders:read")
	ok(t, w.provider.DeleteAPI(w.system(), a.ID))
	form.submit().follow().shows("The auth client was saved.", orders, "orders:read")
}

func TestConflictNamesAPIsAndScopesOnlyWhereTheyDiffer(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	c := w.shop("Shop", a, "profile orders:read")
	path := "/admin/auth-clients/" + c.ClientID + "/edit"
	b := chooser(w)
	mine := b.open(path).form("Save").set("api_scope", "orders:read", "orders:write")
	w.signedIn(w.superAdmin("root")).open(path).form("Save").set("client_name", "Theirs").submit().follow()
	page := mine.submit().wantStatus(http.StatusConflict).shows("Somebody else saved", "profile orders:read orders:write")
	if text := page.main(); strings.Contains(text[:strings.Index(text, "What it is")], "APIs (audience)") {
		t.Errorf("the audience is told as changed: %s", clip(text))
	}
}

// Ticked scopes of the administration are as powerful as typed ones.
func TestScopesOfTheAdministrationCannotBeGivenByWhoDoesNotHoldThem(t *testing.T) {
	w := newWorld(t)
	w.ordersAPI()
	b := chooser(w)
	page := b.open(newClient+"?template=web").shows("Administration of this server", "You do not hold this permission yourself")
	form := page.form("Create Auth Client").set("client_name", "Evil").set("redirect_uris", callback).set("api", issuer)
	form.set("api_scope", "clients:view").submit().wantStatus(http.StatusOK)
	form.set("client_name", "Worse").set("api_scope", "admin").submit().wantStatus(http.StatusForbidden)
	form.set("api_scope", "users:edit").submit().wantStatus(http.StatusForbidden)
	form.set("api_scope", "clients:view users:edit").submit().wantStatus(http.StatusForbidden) // two in one
	root := w.signedIn(w.superAdmin("root"))
	made := root.open(newClient+"?template=web").form("Create Auth Client").set("client_name", "Mighty").set("redirect_uris", callback).set("api", issuer).set("api_scope", "admin").submit()
	if c := w.clientNow(textOf(byID(made.document, "client-id"))); !slices.Equal(c.Audience, []string{issuer}) || !strings.HasSuffix(c.Scope, "admin") {
		t.Errorf("it became %+v", c.Registration)
	}
}

// With many APIs those that are ticked are seen at once, and the page stays small enough to be used.
func TestManyAPIsStayUsable(t *testing.T) {
	w := newWorld(t)
	for n := range 200 {
		w.api(oauth.APIRegistration{Identifier: fmt.Sprintf("https://a%03d.example.com", n), Name: fmt.Sprintf("Service %03d", n), Scopes: []oauth.APIScope{
			{Name: fmt.Sprintf("a%03d:read", n)}, {Name: fmt.Sprintf("a%03d:write", n)},
		}})
	}
	r := webClient("Shop")
	r.Audience, r.Scope = []string{"https://a150.example.com"}, "a150:read"
	c := w.client(r)
	page := chooser(w).open("/admin/auth-clients/"+c.ClientID+"/edit").shows("200 other APIs", "Find an API")
	text := page.main()
	if at, fold := strings.Index(text, "Service 150"), strings.Index(text, "200 other APIs"); at > fold {
		t.Error("the API that is ticked stands among the others")
	}
	if n := page.Body.Len(); n > 500_000 {
		t.Errorf("the page has %d bytes", n)
	}
	form := page.form("Save").set("api", "https://a150.example.com", "https://a199.example.com").set("api_scope", "a150:read", "a199:write")
	form.submit().follow().shows("Service 199", "a199:write")
}

func TestClientPageNamesNoPathToAPIsForWhoMayNotSeeThem(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	c := w.shop("Shop", a, "orders:read")
	page := w.as("viewer", account.ViewClients).open("/admin/auth-clients/"+c.ClientID).shows("Orders", orders)
	if page.link("Orders") != "" {
		t.Error("the name leads to a page that he may not see")
	}
}

// Where people see what they allowed, APIs go by their names and scopes by their sentences.
func TestConnectedAppsTellAPIsByName(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	c := w.shop("Shop", a, "profile orders:read")
	u := w.user("person")
	_, session, err := w.people.StartSession(w.system(), u, account.NewSession{})
	ok(t, err)
	w.allow(c, u, session, "orders:read")
	w.signedIn(u).open("/account/apps").shows("Used atOrders", "See what you ordered.")
	page := w.signedIn(w.superAdmin("root")).open("/admin/users/" + u.ID + "/apps").shows("Orders")
	if got := page.link("Orders"); got != "/admin/apis/"+a.ID {
		t.Errorf("the API leads to %q", got)
	}
}

// The form stays one that a browser can show, however many APIs there are, and loses none of them.
func TestOfVeryManyAPIsTheFormOffersSome(t *testing.T) {
	w := newWorld(t)
	for i := range 202 {
		w.api(oauth.APIRegistration{Identifier: fmt.Sprintf("urn:%03d", i), Scopes: []oauth.APIScope{{Name: fmt.Sprintf("%03d:read", i)}}})
	}
	r := webClient("Shop")
	r.Audience, r.Scope = []string{"urn:201"}, "201:read"
	c := w.client(r)
	b := chooser(w)
	page := b.open("/admin/auth-clients/"+c.ClientID+"/edit").shows("1 API more is registered than stand here", "Administration of this server")
	form := page.form("Save")
	if !slices.Equal(form.fields["api"], []string{"urn:201"}) || !slices.Equal(form.fields["api_scope"], []string{"201:read"}) {
		t.Errorf("the form is filled with %v", form.fields)
	}
	form.set("audience", "urn:200").set("scope", "200:read").submit().follow().shows("The auth client was saved.")
	if now := w.clientNow(c.ClientID); !slices.Equal(now.Audience, []string{"urn:201", "urn:200"}) || now.Scope != "201:read 200:read" {
		t.Errorf("it became %+v", now.Registration)
	}
}
