package pages_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

const newAPI = "/admin/apis/-/new"

func apiKeeper(w *world) *browser {
	return w.as("keeper", account.ViewAPIs, account.CreateAPIs, account.EditAPIs, account.ViewClients, account.CreateClients)
}

func TestAPIIsCreatedWithAClientWhoseSecretIsShownOnce(t *testing.T) {
	w := newWorld(t)
	w.client(webClient("Orders")) // so that the first choice of a name is taken
	b := apiKeeper(w)
	page := b.open("/admin/apis").click("+ API").form("Create API").set("identifier", " "+orders+" ").set("name", "Orders").
		set("scope_name", "orders:read", "", "orders:write").set("scope_description", "See what\r\n you ordered.", "", "").
		set("access_token_format", "jwt").set("access_token_lifetime", "5m").submit()
	page.wantStatus(http.StatusOK).shows("The API was created", "You won't be able to see it again", "Orders (API)")
	if got := page.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	secret, id := textOf(byID(page.document, "secret")), textOf(byID(page.document, "client-id"))
	if _, err := w.provider.Authenticate(w.system(), oauth.Credentials{ClientID: id, Secret: secret, Method: oauth.ClientSecretBasic}); err != nil {
		t.Errorf("the secret does not work: %v", err)
	}
	a := w.apiNow(oauth.APIID(orders))
	want := []oauth.APIScope{{Name: "orders:read", Description: "See what you ordered."}, {Name: "orders:write"}}
	if a.ClientID != id || a.Name != "Orders" || !slices.Equal(a.Scopes, want) || a.AccessTokenFormat != oauth.JWT || a.AccessTokenLifetime.String() != "5m" || a.Owner.Name != "keeper" {
		t.Errorf("it became %+v", a)
	}
	if c := w.clientNow(id); c.Scope != "" || len(c.Audience) > 0 || len(c.Permissions) > 0 || c.ResourceServer {
		t.Errorf("its client may do more than to ask: %+v", c.Registration)
	}
	page.click("I have kept it").shows("Orders", "Orders (API)").hides(secret)
	for _, action := range []string{"api.created", "api.updated", "client.created"} {
		for _, e := range w.events(action) {
			for _, value := range e.Detail {
				if strings.Contains(value, secret) {
					t.Errorf("%s holds the secret", action)
				}
			}
		}
	}
}

func TestAPIIsCreatedForAClientThatExistsOrForNone(t *testing.T) {
	w := newWorld(t)
	guard := w.client(oauth.Registration{ClientName: "Guard", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}})
	b := apiKeeper(w)
	form := b.open(newAPI).shows("Guard").form("Create API").set("identifier", orders)
	form.set("introspection", "existing").set("client_id", guard.ClientID).submit().follow().shows("The API was created.", "Guard")
	b.open(newAPI).form("Create API").set("identifier", "urn:two").set("introspection", "none").submit().follow().shows("The API was created.", "it has no auth client for that")
}

// Who may not make clients is not offered one, and a forged form makes none.
func TestClientForAnAPINeedsThePermissionToCreateClients(t *testing.T) {
	w := newWorld(t)
	b := w.as("half", account.CreateAPIs)
	page := b.open(newAPI).hides("Make an auth client for it")
	page.form("Create API").set("identifier", orders).forge("introspection", "new").submit().wantStatus(http.StatusForbidden).shows("Create Auth Clients")
	if _, _, err := w.provider.LoadAPI(w.system(), oauth.APIID(orders)); err == nil {
		t.Error("the API was made all the same")
	}
	page.form("Create API").set("identifier", orders).submit().wantStatus(http.StatusOK).shows("The API was created.") // told where he may look
}

func TestFormOfAPIKeepsWhatWasTypedAndSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.ordersAPI()
	public := w.client(oauth.Registration{ClientID: "public", TokenEndpointAuthMethod: oauth.NoSecret, RedirectURIs: []string{callback}})
	b := apiKeeper(w)
	for name, x := range map[string]struct {
		fields url.Values
		beside string // the field that the fault stands beside
		says   string
	}{
		"no identifier":      {url.Values{"identifier": {" "}}, "identifier", "Identifier must be an absolute URI"},
		"a relative one":     {url.Values{"identifier": {"/orders"}}, "identifier", "must be an absolute URI"},
		"a fragment":         {url.Values{"identifier": {orders + "#x"}}, "identifier", "must be an absolute URI without a fragment"},
		"taken":              {url.Values{"identifier": {orders}}, "identifier", "Another API has this identifier."},
		"the server's":       {url.Values{"identifier": {issuer}}, "identifier", "must not be that of this server"},
		"a name too long":    {url.Values{"name": {strings.Repeat("ä", 256)}}, "name", "Name must not be longer than 255 characters"},
		"a scope taken":      {url.Values{"scope_name": {"", "orders:write"}, "scope_description": {"", "x"}}, "scope-2-name", "The scope in row 2 must not be orders:write, which belongs to the API " + orders},
		"a scope twice":      {url.Values{"scope_name": {"a", "", "a"}, "scope_description": {"", "", ""}}, "scope-3-name", "row 3 must not be repeated"},
		"a scope with blank": {url.Values{"scope_name": {"a b"}, "scope_description": {""}}, "scope-1-name", "must be printable ASCII without blanks"},
		"a scope of ours":    {url.Values{"scope_name": {"admin"}, "scope_description": {""}}, "scope-1-name", "belongs to the administration"},
		"a sentence alone":   {url.Values{"scope_name": {"", ""}, "scope_description": {"", "Do it."}}, "scope-2-name", "Row 2 says what people read, but names no scope."},
		"a sentence to hide": {url.Values{"scope_name": {"a"}, "scope_description": {"a\u202eb"}}, "scope-1-description", "What people read of row 1 must be a sentence"},
		"a lifetime":         {url.Values{"access_token_lifetime": {"soon"}}, "access_token_lifetime", "write a number and a unit"},
		"a lifetime too far": {url.Values{"access_token_lifetime": {"25h"}}, "access_token_lifetime", "must be between"},
		"a format":           {url.Values{"access_token_format": {"xml"}}, "access_token_format", "must be opaque or jwt"},
		"no choice":          {url.Values{"introspection": {"maybe"}}, "introspection", "Choose how it asks about tokens."},
		"nobody named":       {url.Values{"introspection": {"existing"}}, "client_id", "Name the auth client"},
		"somebody unknown":   {url.Values{"introspection": {"existing"}, "client_id": {"nobody"}}, "client_id", "must be the client_id of a registered client"},
		"a public client":    {url.Values{"introspection": {"existing"}, "client_id": {public.ClientID}}, "client_id", "must be that of a client with a secret"},
		"both":               {url.Values{"introspection": {"new"}, "client_id": {public.ClientID}}, "introspection", "or leave the client ID below empty"},
	} {
		t.Run(name, func(t *testing.T) {
			form := b.open(newAPI).form("Create API").set("identifier", "https://new.example.com").set("name", "<b>Mine</b>").set("scope_name", "mine", "", "").set("scope_description", "<i>All</i>", "", "")
			for field, values := range x.fields {
				form.set(field, values...)
			}
			page := form.submit().wantStatus(http.StatusUnprocessableEntity)
			if got := page.faultOf(x.beside); !strings.Contains(got, x.says) {
				t.Errorf("beside %s stands %q; the page says %s", x.beside, got, clip(page.main()))
			}
			if link := page.resolve("#" + x.beside); byID(page.document, x.beside) == nil {
				t.Errorf("the fault leads to %s, where nothing is", link)
			}
			again := page.form("Create API")
			for _, field := range []string{"identifier", "name", "scope_name", "scope_description", "access_token_lifetime", "client_id"} {
				values := form.fields[field]
				for i, value := range values { // of blanks around it nothing is left in a row
					values[i] = strings.TrimSpace(value)
				}
				if got := again.fields[field]; len(got) < len(values) || strings.TrimSpace(strings.Join(got[:len(values)], "|")) != strings.Join(values, "|") {
					t.Errorf("%s: %q became %q", field, values, got)
				}
			}
		})
	}
	if len(w.events("api.created")) != 1 {
		t.Error("a refused form made an API")
	}
}

// Without scripts the server adds and removes rows; nothing is saved, and nothing that was typed is lost.
func TestRowsOfScopesComeAndGo(t *testing.T) {
	w := newWorld(t)
	b := apiKeeper(w)
	form := b.open(newAPI).form("Create API").set("identifier", "not yet a URI").set("scope_name", "a", "b", "c").set("scope_description", "A.", "B.", "C.")
	form.forge("more", "yes")
	page := form.submit().wantStatus(http.StatusOK)
	if again := page.form("Create API"); !slices.Equal(again.fields["scope_name"], []string{"a", "b", "c", "", "", ""}) || again.value("identifier") != "not yet a URI" || byID(page.document, "faults") != nil {
		t.Errorf("more rows: %v", again.fields)
	}
	page = page.form("Remove scope 2").submit().wantStatus(http.StatusOK)
	form = page.form("Create API")
	if !slices.Equal(form.fields["scope_name"], []string{"a", "c", "", "", ""}) || !slices.Equal(form.fields["scope_description"], []string{"A.", "C.", "", "", ""}) {
		t.Errorf("one row less: %v", form.fields)
	}
	for _, junk := range []string{"0", "-1", "99", "x", ""} {
		if got := form.forge("remove", junk).submit().wantStatus(http.StatusOK).form("Create API"); !slices.Equal(got.fields["scope_name"], form.fields["scope_name"]) {
			t.Errorf("removing row %q: %v", junk, got.fields)
		}
	}
	forms := elements(page.document, "form")
	if first := find(forms[len(forms)-1], "button"); attribute(first, "name") != "" || attribute(first, "type") != "submit" {
		t.Errorf("Enter in a field presses %s", textOf(first))
	}
	if len(w.events("api.created")) > 0 {
		t.Error("a button of the rows made an API")
	}
}

func TestAPIIsEdited(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	path := "/admin/apis/" + a.ID
	b := apiKeeper(w)
	form := b.open(path).click("Edit API").form("Save")
	if form.value("identifier") != orders || !slices.Equal(form.fields["scope_name"], []string{"orders:read", "orders:write", ""}) {
		t.Errorf("the form is filled with %v", form.fields)
	}
	form.set("name", "All orders").set("scope_name", "orders:read", "", "orders:cancel").set("scope_description", "See them.", "", "Cancel orders.").
		forge("identifier", "https://elsewhere.example.com")
	form.submit().follow().shows("The API was saved.", "All orders", "Cancel orders.")
	now := w.apiNow(a.ID)
	if want := []oauth.APIScope{{Name: "orders:read", Description: "See them."}, {Name: "orders:cancel", Description: "Cancel orders."}}; !slices.Equal(now.Scopes, want) || now.Identifier != orders {
		t.Errorf("it became %+v", now.APIRegistration)
	}
	b.open(path+"/edit").form("Save").set("client_id", "nobody").submit().wantStatus(http.StatusUnprocessableEntity).shows("must be the client_id of a registered client")
	w.as("editor", account.EditAPIs).open(path + "/edit").press("Save").wantStatus(http.StatusOK).shows("The API was saved.")
	w.as("viewer", account.ViewAPIs).get(path + "/edit").wantStatus(http.StatusForbidden)
}

func TestEditingAnAPIWarnsWhenSomebodyElseSavedFirst(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	path := "/admin/apis/" + a.ID + "/edit"
	b := w.as("first", account.ViewAPIs, account.EditAPIs, account.ViewAudit)
	mine := b.open(path).form("Save").set("name", "Mine")
	w.as("second", account.ViewAPIs, account.EditAPIs).open(path).form("Save").set("name", "Theirs").set("scope_description", "Look.", "", "").submit().follow()
	page := mine.submit().wantStatus(http.StatusConflict).shows("Somebody else saved this API after you opened it.", "It was second", "Theirs", "Mine", "orders:read: Look.")
	page.press("Save").follow().shows("Mine")
	for _, junk := range []string{"", "0", "x"} {
		b.open(path).form("Save").set("version", junk).submit().wantStatus(http.StatusBadRequest)
	}
}

func TestOneOfEightWhoSaveAnAPIAtOnceWins(t *testing.T) {
	w := newWorld(t)
	path := "/admin/apis/" + w.ordersAPI().ID + "/edit"
	forms := make([]*filled, 8)
	for i := range forms {
		forms[i] = w.signedIn(w.superAdmin("root"+string(rune('a'+i)))).open(path).form("Save").set("name", "By "+string(rune('a'+i)))
	}
	codes := make([]int, len(forms))
	var group sync.WaitGroup
	for i, f := range forms {
		group.Go(func() { codes[i] = f.submit().Code })
	}
	group.Wait()
	slices.Sort(codes)
	if codes[0] != http.StatusSeeOther || codes[1] != http.StatusConflict || codes[7] != http.StatusConflict {
		t.Errorf("answers %v", codes)
	}
}

// What hands tokens to somebody else, or cannot be undone, asks for the password when it was given long ago.
func TestActsOnAPIsAskForThePasswordAgain(t *testing.T) {
	w := newWorld(t)
	a := w.ordersAPI()
	b := w.signedIn(w.superAdmin("root"))
	form := b.open("/admin/apis/"+a.ID+"/edit").form("Save").set("name", "Later")
	w.move(16 * time.Minute)
	page := form.submit().wantStatus(http.StatusOK).shows("Please confirm that it is you")
	if w.apiNow(a.ID).Name != "Orders" {
		t.Error("it was saved without the password")
	}
	page.form("Continue").set("confirm_password", password).submit().follow().shows("The API was saved.", "Later")
}
