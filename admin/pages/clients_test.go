package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// Names as bad as the rules for names allow: markup, quotes, writing from right to left, pictures, and very long ones.
var hostileNames = []string{
	`<script>alert(1)</script>`, `"'><img src=x onerror=alert(1)>`, `</textarea></title><!--`, `{{.FormToken}} ${x} %s`,
	"تطبيق المحاسبة", "👩‍👩‍👧‍👦 Family 🏳️‍🌈", strings.Repeat("W", 255), strings.Repeat("ä", 255), "a & b; c=d?e#f/../g",
}

func webClient(name string) oauth.Registration {
	return oauth.Registration{
		ClientName: name, RedirectURIs: []string{callback}, Scope: "profile",
		GrantTypes: []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken},
	}
}

// manyClients registers n clients, "client 001" first.
func (w *world) manyClients(n int) {
	w.t.Helper()
	for i := range n {
		r := webClient(fmt.Sprintf("client %03d", i+1))
		r.ClientID = fmt.Sprintf("c%03d", i+1)
		w.client(r)
		w.move(time.Second)
	}
}

// listed gives the names in the list, from the top.
func (p *page) listed() (names []string) {
	for _, cell := range elements(p.document, "td") {
		if attribute(cell, "data-label") == "Name" {
			names = append(names, textOf(cell))
		}
	}
	return names
}

func TestListOfNoClientsSaysSo(t *testing.T) {
	w := newWorld(t)
	viewer, creator := w.as("viewer", account.ViewClients), w.as("creator", account.ViewClients, account.CreateClients)
	empty := viewer.open("/admin/auth-clients").shows("No Data Available")
	if empty.link("+ Auth Client") != "" {
		t.Error("a viewer is offered to create one")
	}
	if creator.open("/admin/auth-clients").link("+ Auth Client") != "/admin/auth-clients/-/new" {
		t.Error("a creator is not")
	}
	w.client(webClient("Holiday photos"))
	viewer.open("/admin/auth-clients?q=nothing+like+it").shows("No Data Available", "nothing like it")
}

func TestListShowsTheNewestClientFirst(t *testing.T) {
	w := newWorld(t)
	w.manyClients(3)
	b := w.as("viewer", account.ViewClients)
	if got := b.open("/admin/auth-clients").listed(); !slices.Equal(got, []string{"client 003", "client 002", "client 001"}) {
		t.Errorf("listed %q", got)
	}
}

func TestListShowsWhatAClientIs(t *testing.T) {
	w := newWorld(t)
	r := webClient("Holiday photos")
	r.ClientID, r.RedirectURIs = "photos", []string{callback, callback + "/2", callback + "/3"}
	w.client(r)
	page := w.as("viewer", account.ViewClients).open("/admin/auth-clients")
	page.shows("photos", "Holiday photos", callback, "+2 more", "Authorization code", "Refresh tokens", "never", "Enabled", "1 - 1 of 1 Auth Clients")
	for _, column := range []string{"#", "Client ID", "Name", "Redirect", "Grants", "Last used", "Status"} {
		page.shows(column)
	}
}

func TestListSortsBothWays(t *testing.T) {
	w := newWorld(t)
	w.manyClients(3)
	b := w.as("viewer", account.ViewClients)
	page := b.open("/admin/auth-clients")
	for column, first := range map[string]string{"#": "client 001", "Client ID": "client 001", "Name": "client 001"} {
		up := page.click(column)
		if got := up.listed(); got[0] != first {
			t.Errorf("%s: listed %q", column, got)
		}
		if got := up.click(column).listed(); got[0] != "client 003" {
			t.Errorf("%s, the other way: listed %q", column, got)
		}
	}
	for _, column := range []string{"redirect", "grants", "last_used", "status"} {
		if got := b.open("/admin/auth-clients?sort=" + column).listed(); len(got) != 3 {
			t.Errorf("by %s: listed %q", column, got)
		}
	}
}

func TestListHasPagesAndNoEmptyOne(t *testing.T) {
	w := newWorld(t)
	w.manyClients(30)
	b := w.as("viewer", account.ViewClients)
	first := b.open("/admin/auth-clients").shows("1 - 15 of 30 Auth Clients")
	if n := len(first.listed()); n != 15 {
		t.Errorf("%d on the first page", n)
	}
	last := b.open("/admin/auth-clients?page=2").shows("16 - 30 of 30 Auth Clients")
	if strings.Contains(last.main(), "3") && last.link("3") != "" {
		t.Error("there is a third page")
	}
	if got := b.open("/admin/auth-clients?page=3").shows("16 - 30 of 30").listed(); len(got) != 15 || got[14] != "client 001" {
		t.Errorf("behind the last page: %q", got)
	}
	if got := b.open("/admin/auth-clients?per_page=30").listed(); len(got) != 30 {
		t.Errorf("%d with 30 a page", len(got))
	}
	for _, nonsense := range []string{"page=0", "page=-1", "page=x", "page=99999999999999999999", "per_page=7", "sort=secret", "sort=%00", "q=%ff", "per_page=1000000"} {
		b.open("/admin/auth-clients?" + nonsense)
	}
}

func TestSearchFindsNameRedirectAndClientIDAndNeverASecret(t *testing.T) {
	w := newWorld(t)
	c, secret, err := w.provider.RegisterClient(w.system(), webClient("Holiday photos"), "")
	ok(t, err)
	w.client(oauth.Registration{ClientName: "Door bell", RedirectURIs: []string{"https://bell.example.com/cb"}})
	b := w.as("viewer", account.ViewClients)
	for search, want := range map[string]int{
		"HOLIDAY": 1, "bell.example": 1, c.ClientID[:13]: 1, "example.com": 2, secret: 0, secret[:9]: 0, c.Secrets[0].Hash: 0, "<b>": 0,
	} {
		if got := b.open("/admin/auth-clients?q=" + url.QueryEscape(search)).listed(); len(got) != want {
			t.Errorf("%q finds %q", search, got)
		}
	}
}

func TestNoPageShowsASecretOrItsHash(t *testing.T) {
	w := newWorld(t)
	c, secret, err := w.provider.RegisterClient(w.system(), webClient("Holiday photos"), "")
	ok(t, err)
	b := w.signedIn(w.superAdmin("root"))
	prefix := w.clientNow(c.ClientID).Secrets[0].Prefix
	for _, path := range []string{"", "/" + c.ClientID, "/" + c.ClientID + "/edit", "/" + c.ClientID + "/history", "/-/export", "/" + c.ClientID + "/delete", "/" + c.ClientID + "/secrets/rotate"} {
		b.open("/admin/auth-clients"+path).hides(secret, c.Secrets[0].Hash, secret[len(prefix):])
	}
	b.open("/admin/auth-clients/" + c.ClientID).shows(prefix + "…")
	b.open("/admin/auth-clients/" + c.ClientID + "/delete").press("Delete Auth Client").follow()
	for _, e := range w.events("client.deleted") {
		if text := fmt.Sprint(e); strings.Contains(text, secret) || strings.Contains(text, c.Secrets[0].Hash) {
			t.Errorf("the audit log has the secret: %s", text)
		}
	}
}

func TestControlsThatOneMayNotUseAreNotShown(t *testing.T) {
	w := newWorld(t)
	c := w.client(webClient("Holiday photos"))
	page := "/admin/auth-clients/" + c.ClientID
	for name, x := range map[string]struct {
		may     []account.Permission
		buttons []string
		links   []string
	}{
		"viewer":  {nil, nil, nil},
		"creator": {[]account.Permission{account.CreateClients}, nil, []string{"+ Auth Client", "Import"}},
		"editor":  {[]account.Permission{account.EditClients}, []string{"Enable", "Disable"}, []string{"Edit Auth Client"}},
		"deleter": {[]account.Permission{account.DeleteClients}, []string{"Delete"}, []string{"Delete Auth Client"}},
		"revoker": {[]account.Permission{account.DeleteTokens}, []string{"Revoke tokens"}, []string{"Revoke tokens"}},
	} {
		list := w.as(name, append(x.may, account.ViewClients)...).open("/admin/auth-clients")
		for _, button := range []string{"Enable", "Disable", "Delete", "Revoke tokens"} {
			if shown := list.button(button) != nil; shown != slices.Contains(x.buttons, button) {
				t.Errorf("%s: button %s: %t", name, button, shown)
			}
		}
		for _, link := range []string{"+ Auth Client", "Import", "Edit Auth Client", "Delete Auth Client", "Revoke tokens"} {
			if shown := list.link(link) != ""; shown != slices.Contains(x.links, link) {
				t.Errorf("%s: link %s: %t", name, link, shown)
			}
		}
		detail := list.b.open(page)
		if shown := detail.link("Edit Auth Client") != ""; shown != (name == "editor") {
			t.Errorf("%s: the page of the client offers to edit: %t", name, shown)
		}
		if name == "viewer" && strings.Contains(detail.main(), "Live authorizations") || strings.Contains(detail.main(), "History") {
			t.Errorf("%s sees what needs another permission", name)
		}
	}
}

func TestUnknownClientsAreNotFoundAndGuestsAreSentToLogin(t *testing.T) {
	w := newWorld(t)
	root := w.signedIn(w.superAdmin("root"))
	c := w.client(webClient("Holiday photos"))
	token := root.formToken("/admin/auth-clients/-/new?template=web")
	ids := []string{"nobody", "00000000-0000-0000-0000-000000000000", "%00", "%ff", "%2e%2e", "a%2fb", "usr_1", strings.Repeat("a", 3000), "%22%3e%3cscript%3e", "💥"}
	for _, id := range ids {
		for _, tail := range []string{"", "/edit", "/delete", "/revoke", "/authorizations", "/history", "/secrets/new", "/secrets/rotate", "/secrets/x/revoke"} {
			root.get("/admin/auth-clients/" + escaped(id) + tail).wantStatus(http.StatusNotFound)
		}
		for _, tail := range []string{"/edit", "/delete", "/revoke", "/enable", "/disable", "/secrets/new", "/secrets/rotate", "/secrets/x/revoke", "/authorizations/x/revoke"} {
			root.post("/admin/auth-clients/"+escaped(id)+tail, url.Values{"form_token": {token}, "version": {"1"}}).wantStatus(http.StatusNotFound)
		}
	}
	for _, path := range []string{"", "/-/new", "/-/export", "/" + c.ClientID, "/" + c.ClientID + "/edit", "/nobody"} {
		page := w.guest().get("/admin/auth-clients" + path).wantStatus(http.StatusFound)
		if to := page.Header().Get("Location"); !strings.HasPrefix(to, base+"/login?next=") {
			t.Errorf("a guest at %s is sent to %s", path, to)
		}
	}
	for _, tail := range []string{"/secrets/nothing/revoke", "/secrets/%00/revoke"} {
		root.get("/admin/auth-clients/" + c.ClientID + tail).wantStatus(http.StatusNotFound)
	}
	for _, id := range []string{"nothing", "%00", strings.Repeat("0", 32), strings.Repeat("a", 2000)} {
		root.post("/admin/auth-clients/"+c.ClientID+"/authorizations/"+id+"/revoke", url.Values{"form_token": {token}}).wantStatus(http.StatusNotFound)
	}
}

func escaped(id string) string {
	if strings.Contains(id, "%") {
		return id
	}
	return url.PathEscape(id)
}

func TestHostileNamesStayText(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	for _, name := range hostileNames {
		form := b.open("/admin/auth-clients/-/new?template=app").form("Create Auth Client")
		made := form.set("client_name", name).set("redirect_uris", callback).submit().follow().wantStatus(http.StatusOK)
		id := strings.TrimPrefix(strings.Split(made.path, "?")[0], "/admin/auth-clients/")
		if got := w.clientNow(id).ClientName; got != name {
			t.Errorf("%q became %q", name, got)
		}
		seen := textOf1(name)
		for _, path := range []string{"/admin/auth-clients", "/admin/auth-clients/" + id, "/admin/auth-clients/" + id + "/edit", "/admin/auth-clients/" + id + "/delete", "/admin/auth-clients/" + id + "/revoke", "/admin/auth-clients?q=" + url.QueryEscape(name)} {
			page := b.open(path).shows(seen)
			for _, script := range elements(page.document, "script") {
				if raw(script) != "" || attribute(script, "src") == "" {
					t.Errorf("%s: a script came out", path)
				}
			}
			for _, image := range elements(page.document, "img") {
				if attribute(image, "src") == "x" {
					t.Errorf("%s: a picture came out", path)
				}
			}
		}
		if got := b.open("/admin/auth-clients/" + id + "/edit").form("Save").value("client_name"); got != name {
			t.Errorf("the form has %q instead of %q", got, name)
		}
	}
}

// textOf1 is a name with its blanks as textOf has them.
func textOf1(s string) string { return strings.Join(strings.Fields(s), " ") }
