package pages_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

const importPage = "/admin/auth-clients/-/import"

func importer(w *world) *browser {
	return w.as("importer", account.ViewClients, account.CreateClients, account.EditClients)
}

func TestExportIsImportedElsewhere(t *testing.T) {
	w := newWorld(t)
	ok(t, w.provider.EnsureBuiltIn(w.system()))
	r := webClient(`<b> "Holiday" photos, 👩‍👩‍👧`)
	r.ClientID, r.Audience, r.AccessTokenLifetime = "photos", []string{"https://api.example.com"}, oauth.Duration(time.Hour)
	w.client(r)
	public := webClient("Notes")
	public.ClientID, public.TokenEndpointAuthMethod = "notes", oauth.NoSecret
	w.client(public)
	ok(t, w.provider.SetClientState(w.system(), "notes", oauth.Disabled))
	file := w.as("viewer", account.ViewClients).open("/admin/auth-clients/-/export")
	if got := file.Header().Get("Content-Disposition"); got != `attachment; filename="auth-clients.json"` || file.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers are %v", file.Header())
	}
	var exported struct{ Clients []map[string]any }
	ok(t, json.Unmarshal(file.Body.Bytes(), &exported))
	if len(exported.Clients) != 2 || exported.Clients[1]["client_id"] != "photos" {
		t.Errorf("exported %v", exported)
	}
	file.hides("grcs_", "hash", oauth.CommandLineClient)

	other := newWorld(t)
	b := importer(other)
	plan := b.open(importPage).form("Show what would change").set("text", file.Body.String()).submit().wantStatus(http.StatusOK)
	plan.shows("New", `<b> "Holiday" photos, 👩‍👩‍👧`, "Notes")
	if len(b.open("/admin/auth-clients").listed()) != 0 {
		t.Fatal("it did not show first what it would do")
	}
	done := plan.press("Import").wantStatus(http.StatusOK).shows("You won't be able to see them again")
	secret := byID(done.document, "secret-0")
	if attribute(secret, "data-client") != "photos" || !other.proves("photos", textOf(secret)) || byID(done.document, "secret-1") != nil {
		t.Errorf("told %q", textOf(secret))
	}
	if got, want := sprint(other.clientNow("photos").Registration), sprint(w.clientNow("photos").Registration); got != want {
		t.Errorf("%s became %s", want, got)
	}
	if !other.clientNow("notes").Disabled {
		t.Error("it is not disabled there")
	}
	again := b.open(importPage).form("Show what would change").set("text", file.Body.String()).submit().shows("As it is", "There is nothing to do")
	if again.button("Import") != nil {
		t.Error("there is something to do")
	}
}

func TestImportShowsWhatItChangesBeforeItDoes(t *testing.T) {
	w := newWorld(t)
	r := webClient("Holiday photos")
	r.ClientID = "photos"
	w.client(r)
	b := importer(w)
	text := `{"clients":[{"client_id":"photos","client_name":"Photos <i>","grant_types":["authorization_code"],"redirect_uris":["https://new.example.com/"],"scope":"profile","disabled":true}]}`
	plan := b.open(importPage).form("Show what would change").set("text", text).submit()
	plan.shows("Changed", "Holiday photos", "Photos <i>", callback, "https://new.example.com/", "Refresh tokens", "Disabled")
	if w.clientNow("photos").ClientName != "Holiday photos" {
		t.Fatal("it was done already")
	}
	now := w.clientNow("photos").Registration
	now.ClientURI = "https://app.example.com"
	_, err := w.provider.UpdateClient(w.system(), now, 0)
	ok(t, err)
	plan = plan.press("Import").shows("What would be done", "Home page") // somebody else changed it meanwhile
	plan.press("Import").shows("The auth clients were imported")
	if c := w.clientNow("photos"); c.ClientName != "Photos <i>" || !c.Disabled || c.RedirectURIs[0] != "https://new.example.com/" || len(c.Secrets) != 1 {
		t.Errorf("it is %+v", c)
	}
}

func TestImportTakesAFileAndAsksForThePasswordWithoutLosingIt(t *testing.T) {
	w := newWorld(t)
	b := importer(w)
	token := b.formToken(importPage)
	w.move(time.Hour)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	ok(t, form.WriteField("form_token", token))
	ok(t, form.WriteField("text", ""))
	part, err := form.CreateFormFile("file", "auth-clients.json")
	ok(t, err)
	_, err = part.Write([]byte(`{"clients":[{"client_id":"bell","client_name":"Door bell","grant_types":["client_credentials"]}]}`))
	ok(t, err)
	ok(t, form.Close())
	ask := b.do(http.MethodPost, importPage, form.FormDataContentType(), body.String()).wantStatus(http.StatusOK).shows("Please confirm that it is you")
	plan := ask.form("Continue").set("confirm_password", password).submit().shows("Door bell", "New")
	plan.press("Import").shows("You won't be able to see them again")
	w.clientNow("bell")
}

func TestImportRefusesWhatItCannotDoAndDoesNothing(t *testing.T) {
	w := newWorld(t)
	ok(t, w.provider.EnsureBuiltIn(w.system()))
	r := webClient("Holiday photos")
	r.ClientID = "photos"
	w.client(r)
	good := `{"client_id":"good","client_name":"Good","grant_types":["client_credentials"]}`
	both, alone := importer(w), w.as("creates", account.ViewClients, account.CreateClients)
	for name, x := range map[string]struct {
		b          *browser
		text, says string
	}{
		"nothing":          {both, " ", "Choose a file"},
		"no JSON":          {both, "clients: []", "it is not JSON"},
		"half a file":      {both, `{"clients":[`, "it ends too early"},
		"another kind":     {both, `{"clients":{}}`, "another kind"},
		"two files":        {both, `{"clients":[]}{}`, "something follows"},
		"a misspelt field": {both, `{"clients":[{"client_id":"a","redirect_uri":[]}]}`, "redirect_uri"},
		"no id":            {both, `{"clients":[` + good + `,{"client_name":"x"}]}`, "client_id is missing"},
		"the same twice":   {both, `{"clients":[` + good + `,` + good + `]}`, "twice"},
		"a bad redirect":   {both, `{"clients":[` + good + `,{"client_id":"b","redirect_uris":["http://a.example.com/,https://b.example.com/"]}]}`, "must use https"},
		"server-owned":     {both, `{"clients":[{"client_id":"b","built_in":true}]}`, "built_in"},
		"the built-in one": {both, `{"clients":[{"client_id":"grantor-cli","redirect_uris":["https://evil.example.com/"]}]}`, "belongs to the server"},
		"more than he may": {both, `{"clients":[` + good + `,{"client_id":"b","grant_types":["client_credentials"],"permissions":["users:edit"]}]}`, "it may do more than you may"},
		"only creating":    {alone, `{"clients":[` + good + `,{"client_id":"photos","client_name":"Mine","redirect_uris":["https://evil.example.com/"]}]}`, "you may not edit"},
		"null":             {both, "null", "it holds nothing"},
		"deeply nested":    {both, strings.Repeat("[", 20000), "it is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			page := x.b.open(importPage).form("Show what would change").set("text", x.text).submit()
			page.wantStatus(http.StatusUnprocessableEntity).shows(x.says)
			if page.button("Import") != nil {
				t.Error("it can be done all the same")
			}
		})
	}
	if got := both.open("/admin/auth-clients?q=o").listed(); len(got) != 2 {
		t.Errorf("there are %q", got)
	}
}
