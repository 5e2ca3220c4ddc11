package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

const webSettings = `{"client_name": "Reports", "redirect_uris": ["https://app.example.com/callback"], "scope": "read"}`

func TestClientIsRegisteredAndItsSecretShownOnce(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	answer := a.do(http.MethodPost, "/clients", webSettings).want(http.StatusCreated)
	c := read[api.CreatedClient](answer)
	if answer.Header().Get("Location") != base+api.Path+"/clients/"+c.ClientID || answer.Header().Get("ETag") == "" {
		t.Errorf("%v", answer.Header())
	}
	if !strings.HasPrefix(c.ClientSecret, "grcs_") || c.ClientSecretExpiresAt == nil || *c.ClientSecretExpiresAt != 0 {
		t.Errorf("secret %q until %v", c.ClientSecret, c.ClientSecretExpiresAt)
	}
	if c.Owner == nil || c.Owner.Name != "root" || c.Owner.Address != "" || c.BuiltIn || c.Disabled || len(c.Secrets) != 1 {
		t.Errorf("%+v", c)
	}
	_, err := w.provider.Authenticate(w.system(), oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: c.ClientID, Secret: c.ClientSecret})
	ok(t, err)
	// Every later answer is searched for the secret by do.
	a.get("/clients/" + c.ClientID).want(http.StatusOK)
	a.get("/clients").want(http.StatusOK)
	a.get("/clients/" + c.ClientID + "/secrets").want(http.StatusOK)
	a.get("/export/clients").want(http.StatusOK)
	a.get("/audit").want(http.StatusOK)
}

func TestPublicClientHasNoSecret(t *testing.T) {
	w := newWorld(t)
	c := read[api.CreatedClient](w.admin().do(http.MethodPost, "/clients",
		`{"client_name": "App", "redirect_uris": ["com.example.app:/cb"], "token_endpoint_auth_method": "none"}`).want(http.StatusCreated))
	if c.ClientSecret != "" || c.ClientSecretExpiresAt != nil || len(c.Secrets) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestFaultsOfAClientAreNamed(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("there")
	for body, want := range map[string]struct {
		status int
		code   string
		fields []string
	}{
		`{"client_name": "A", "redirect_uris": ["https://a.example/cb", "ftp://x", "https://a.example/#f"], "grant_types": ["password"]}`: {
			422, "invalid-fields", []string{"/grant_types/0", "/redirect_uris/1", "/redirect_uris/2"}},
		`{"client_name": "A", "redirect_uris": "https://a.example/cb"}`:                                       {422, "invalid-fields", []string{"/redirect_uris"}},
		`{"client_name": 3, "redirect_uris": [1], "access_token_lifetime": "soon", "resource_server": "yes"}`: {422, "invalid-fields", []string{"/access_token_lifetime", "/client_name", "/redirect_uris/0", "/resource_server"}},
		`{"client_name": "A", "Client_Name": "B", "a/b~c": 1}`:                                                {422, "invalid-fields", []string{"/Client_Name", "/a~1b~0c"}},
		`{"client_name": "A", "redirect_uris": [null]}`:                                                       {422, "invalid-fields", []string{"/redirect_uris/0"}},
		`{"client_name": "A", "number": 7}`:                                                                   {422, "invalid-fields", []string{"/number"}},
		`{"client_name": " CLIENT THERE ", "redirect_uris": ["https://app.example.com/callback"]}`:            {409, "taken", []string{"/client_name"}},
		`{"client_id": "there", "client_name": "New", "redirect_uris": ["https://app.example.com/callback"]}`: {409, "taken", []string{"/client_id"}},
		`{"client_name": "A", "client_name": "B"}`:                                                            {400, "malformed-request", []string{"/client_name"}},
		`{"client_name": "A", "redirect_uris": [{"x": 1, "x": 2}]}`:                                           {400, "malformed-request", []string{"/redirect_uris/0/x"}},
		`{"client_name": "A"} {"client_name": "B"}`:                                                           {400, "malformed-request", nil},
		`{"client_name": "A"}]`:             {400, "malformed-request", nil},
		`{"client_name": "A"`:               {400, "malformed-request", nil},
		`["A"]`:                             {400, "malformed-request", nil},
		`null`:                              {400, "malformed-request", nil},
		`{"client_name": "` + "\xff" + `"}`: {400, "malformed-request", nil},
		strings.Repeat(`{"a":`, 100):        {400, "malformed-request", nil},
	} {
		a.do(http.MethodPost, "/clients", body).wantProblem(want.status, want.code, want.fields...)
	}
	a.do(http.MethodPost, "/clients", nil).wantProblem(http.StatusBadRequest, "malformed-request")
}

func TestBodiesAreLimited(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	const frame = `{"client_name": ""}`
	a.do(http.MethodPost, "/clients", `{"client_name": "`+strings.Repeat("x", 1<<20-len(frame))+`"}`).wantProblem(422, "invalid-fields", "/client_name", "/redirect_uris")
	a.do(http.MethodPost, "/clients", `{"client_name": "`+strings.Repeat("x", 1<<20-len(frame)+1)+`"}`).wantProblem(413, "too-large")
}

func TestBodiesAreJSON(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("reports")
	for _, sent := range []header{"Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/merge-patch+json",
		"Content-Type: application/json; charset=latin1", "Content-Type: ", "Content-Type: junk;;"} {
		a.do(http.MethodPost, "/clients", webSettings, sent).wantProblem(http.StatusUnsupportedMediaType, "unsupported-media-type")
	}
	a.do(http.MethodPost, "/clients", webSettings, "Content-Type: application/json; charset=UTF-8").want(http.StatusCreated)
	refused := a.do(http.MethodPatch, "/clients/reports", `{}`, "Content-Type: application/json-patch+json").wantProblem(415, "unsupported-media-type")
	if got := refused.Header().Get("Accept-Patch"); got != "application/json, application/merge-patch+json" {
		t.Errorf("Accept-Patch %q", got)
	}
	a.do(http.MethodPatch, "/clients/reports", `{}`, "Content-Type: application/merge-patch+json").want(http.StatusOK)
	a.do(http.MethodPatch, "/clients/reports", `{}`, "Accept: text/html").want(http.StatusOK)
}

func TestPutRegistersOrReplaces(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	first := a.do(http.MethodPut, "/clients/reports", webSettings).want(http.StatusCreated)
	if first.Header().Get("Location") != base+api.Path+"/clients/reports" || read[api.CreatedClient](first).ClientSecret == "" {
		t.Errorf("%v %s", first.Header(), first.Body)
	}
	events := len(w.events(""))
	again := a.do(http.MethodPut, "/clients/reports", webSettings).want(http.StatusOK)
	if again.Header().Get("ETag") != first.Header().Get("ETag") || again.Header().Get("Location") != "" || len(w.events("")) != events {
		t.Errorf("a second time it changed something: %v", again.Header())
	}
	if c := read[api.CreatedClient](again); c.ClientSecret != "" || len(c.Secrets) != 1 {
		t.Errorf("%+v", c)
	}
	w.move(time.Second)
	a.do(http.MethodPut, "/clients/reports", `{"client_name": "Other", "redirect_uris": ["https://app.example.com/other"]}`).want(http.StatusOK)
	c := read[api.Client](a.get("/clients/reports"))
	if c.ClientName != "Other" || c.Scope != "" || len(c.Secrets) != 1 || c.RedirectURIs[0] != "https://app.example.com/other" {
		t.Errorf("%+v", c)
	}
	a.do(http.MethodPut, "/clients/reports", `{"client_id": "else", "client_name": "Other"}`).wantProblem(422, "invalid-fields", "/client_id")
	a.do(http.MethodPut, "/clients/usr_x", webSettings).wantProblem(422, "invalid-fields", "/client_id")
}

func TestPutTakesBackWhatGetGave(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("reports")
	shown := a.get("/clients/reports")
	for _, condition := range []header{"X-Nothing: 1", header("If-Match: " + shown.Header().Get("ETag"))} {
		again := a.do(http.MethodPut, "/clients/reports", shown.Body.String(), condition).want(http.StatusOK)
		if again.Header().Get("ETag") != shown.Header().Get("ETag") {
			t.Errorf("%s: it changed something", condition)
		}
	}
	changed := strings.Replace(shown.Body.String(), `"disabled":false`, `"disabled":true`, 1)
	a.do(http.MethodPut, "/clients/reports", changed).wantProblem(422, "invalid-fields", "/disabled")
}

func TestPreconditionsOfAPut(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.do(http.MethodPut, "/clients/reports", webSettings, "If-Match: *").wantProblem(412, "stale")
	a.do(http.MethodPut, "/clients/reports", webSettings, `If-Match: "1"`).wantProblem(412, "stale")
	a.do(http.MethodPut, "/clients/reports", webSettings, "If-None-Match: *").want(http.StatusCreated)
	a.do(http.MethodPut, "/clients/reports", webSettings, "If-None-Match: *").wantProblem(412, "stale")
	tag := a.get("/clients/reports").Header().Get("ETag")
	other := strings.Replace(webSettings, "Reports", "Other", 1)
	a.do(http.MethodPut, "/clients/reports", other, header("If-Match: W/"+tag)).wantProblem(412, "stale")
	a.do(http.MethodPut, "/clients/reports", other, header(`If-Match: "zz", `+tag)).want(http.StatusOK)
	a.do(http.MethodPut, "/clients/reports", webSettings, header("If-Match: "+tag)).wantProblem(412, "stale")
	a.do(http.MethodPatch, "/clients/reports", `{"scope": "x"}`, header("If-Match: "+tag)).wantProblem(412, "stale")
	a.do(http.MethodDelete, "/clients/reports", nil, header("If-Match: "+tag)).wantProblem(412, "stale")
	a.do(http.MethodDelete, "/clients/reports", nil, header("If-Match: "+a.get("/clients/reports").Header().Get("ETag"))).want(http.StatusNoContent)
	a.do(http.MethodDelete, "/clients/reports", nil).wantProblem(404, "not-found")
}

func TestReadersAreToldWhenNothingChanged(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("reports")
	u, g := w.user("alice"), w.group("Operators")
	for _, path := range []string{"/clients/reports", "/users/" + u.ID, "/groups/" + g.ID, "/openapi.json"} {
		tag := a.get(path).Header().Get("ETag")
		for _, condition := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			same := a.get(path, header("If-None-Match: "+condition)).want(http.StatusNotModified)
			if same.Body.Len() != 0 || same.Header().Get("ETag") != tag {
				t.Errorf("%s: %v %s", path, same.Header(), same.Body)
			}
		}
		a.get(path, `If-None-Match: "x"`).want(http.StatusOK)
	}
}

func TestOfTwoWritersWithOneVersionOneWins(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("reports")
	u, g := w.user("alice"), w.group("Operators")
	for path, change := range map[string]func(i int) string{
		"/clients/reports": func(i int) string { return fmt.Sprintf(`{"client_name": "Name %d"}`, i) },
		"/users/" + u.ID:   func(i int) string { return fmt.Sprintf(`{"name": "Name %d"}`, i) },
		"/groups/" + g.ID:  func(i int) string { return fmt.Sprintf(`{"description": "Name %d"}`, i) },
	} {
		tag := a.get(path).Header().Get("ETag")
		codes := make([]int, 8)
		var all sync.WaitGroup
		for i := range codes {
			all.Go(func() { codes[i] = a.do(http.MethodPatch, path, change(i), header("If-Match: "+tag)).Code })
		}
		all.Wait()
		slices.Sort(codes)
		if codes[0] != 200 || codes[1] != 412 || codes[7] != 412 {
			t.Errorf("%s: %v", path, codes)
		}
	}
}

func TestPatchesWithoutAConditionAllCount(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("reports")
	var all sync.WaitGroup
	for _, change := range []string{`{"client_uri": "https://a.example"}`, `{"scope": "new"}`, `{"access_token_lifetime": "5m"}`, `{"audience": ["https://api.example"]}`} {
		all.Go(func() {
			if answer := a.do(http.MethodPatch, "/clients/reports", change); answer.Code != http.StatusOK {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
		})
	}
	all.Wait()
	c := read[api.Client](a.get("/clients/reports"))
	if c.ClientURI == "" || c.Scope != "new" || c.AccessTokenLifetime == 0 || len(c.Audience) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestPatchIsAMergePatch(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("reports")
	a.do(http.MethodPatch, "/clients/reports", `{"client_uri": "https://a.example", "access_token_lifetime": 300}`).want(http.StatusOK)
	answer := a.do(http.MethodPatch, "/clients/reports", `{"client_uri": null, "scope": null, "redirect_uris": ["https://app.example.com/b"]}`).want(http.StatusOK)
	c := read[api.Client](answer)
	if c.ClientURI != "" || c.Scope != "" || c.AccessTokenLifetime.String() != "5m" || !slices.Equal(c.RedirectURIs, []string{"https://app.example.com/b"}) {
		t.Errorf("%+v", c)
	}
	before := answer.Header().Get("ETag")
	if got := a.do(http.MethodPatch, "/clients/reports", `{}`).Header().Get("ETag"); got != before {
		t.Error("an empty patch changed something")
	}
	a.do(http.MethodPatch, "/clients/reports", `{"redirect_uris": null}`).wantProblem(422, "invalid-fields", "/redirect_uris")
	a.do(http.MethodPatch, "/clients/reports", `{"nothing": null, "client_secret": "x", "disabled": true, "number": null}`).
		wantProblem(422, "invalid-fields", "/disabled", "/number")
	a.do(http.MethodPatch, "/clients/reports", `{"nothing": null, "client_secret": "x"}`).wantProblem(422, "invalid-fields", "/client_secret", "/nothing")
	a.do(http.MethodPatch, "/clients/reports", `{"client_id": "other"}`).wantProblem(422, "invalid-fields", "/client_id")
	a.do(http.MethodPatch, "/clients/absent", `{}`).wantProblem(404, "not-found")
}

func TestBuiltInClientIsGuarded(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.do(http.MethodPatch, "/clients/grantor-cli", `{"client_name": "Mine"}`).wantProblem(409, "built-in")
	a.do(http.MethodDelete, "/clients/grantor-cli", nil).wantProblem(409, "built-in")
	a.do(http.MethodPost, "/clients/grantor-cli/disable", nil).wantProblem(409, "built-in")
	if c := read[api.Client](a.get("/clients/grantor-cli")); !c.BuiltIn || c.ClientName == "Mine" {
		t.Errorf("%+v", c)
	}
}

func TestDeviceIsRegisteredUnderTheNameOfItsGrant(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	tv := `{"client_name": "TV", "token_endpoint_auth_method": "none", "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]}`
	made := read[api.CreatedClient](a.do(http.MethodPut, "/clients/tv", tv).want(http.StatusCreated))
	if want := []oauth.GrantType{oauth.DeviceCode, oauth.RefreshToken}; !slices.Equal(made.GrantTypes, want) || len(made.RedirectURIs) > 0 {
		t.Errorf("made %+v", made)
	}
	a.do(http.MethodPatch, "/clients/tv", `{"grant_types": ["refresh_token"]}`).wantProblem(422, "invalid-fields", "/grant_types")
	a.do(http.MethodPatch, "/clients/tv", `{"grant_types": ["device_code"]}`).wantProblem(422, "invalid-fields", "/grant_types/0")
	a.do(http.MethodPatch, "/clients/tv", `{"grant_types": ["authorization_code"]}`).wantProblem(422, "invalid-fields", "/redirect_uris")
	if document := a.get("/openapi.json").want(http.StatusOK).Body.String(); !strings.Contains(document, `"`+string(oauth.DeviceCode)+`"`) {
		t.Error("the reference does not offer the grant")
	}
}

func TestClientsAreDisabledAndEnabled(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("reports")
	if c := read[api.Client](a.do(http.MethodPost, "/clients/reports/disable", nil).want(http.StatusOK)); !c.Disabled {
		t.Error("it is not disabled")
	}
	if c := read[api.Client](a.do(http.MethodPost, "/clients/reports/enable", nil).want(http.StatusOK)); c.Disabled {
		t.Error("it is still disabled")
	}
	a.do(http.MethodPost, "/clients/absent/enable", nil).wantProblem(404, "not-found")
}

func TestNobodyGivesAClientWhatHeDoesNotHold(t *testing.T) {
	w := newWorld(t)
	c := w.as(w.user("alice", account.ViewClients, account.CreateClients, account.EditClients), "admin")
	machine := `{"client_name": "M", "grant_types": ["client_credentials"], "permissions": ["%s"]}`
	c.do(http.MethodPost, "/clients", fmt.Sprintf(machine, "keys:edit")).wantProblem(403, "forbidden")
	c.do(http.MethodPut, "/clients/m", fmt.Sprintf(machine, "keys:edit")).wantProblem(403, "forbidden")
	c.do(http.MethodPut, "/clients/m", fmt.Sprintf(machine, "clients:view")).want(http.StatusCreated)
	c.do(http.MethodPatch, "/clients/m", `{"permissions": ["clients:view", "users:edit"]}`).wantProblem(403, "forbidden")
	c.do(http.MethodPatch, "/clients/m", `{"scope": "admin"}`).wantProblem(403, "forbidden")
	c.do(http.MethodPost, "/import/clients", `{"clients": [`+strings.Replace(fmt.Sprintf(machine, "keys:edit"), "{", `{"client_id": "n", `, 1)+`]}`).wantProblem(403, "forbidden")
	c.get("/clients/n").want(http.StatusNotFound)
}

func TestPutNeedsThePermissionToCreateForANewClient(t *testing.T) {
	w := newWorld(t)
	c := w.as(w.user("editor", account.EditClients, account.ViewClients), "admin")
	c.do(http.MethodPut, "/clients/new", webSettings).wantProblem(403, "forbidden")
	w.webClient("there")
	c.do(http.MethodPut, "/clients/there", webSettings).want(http.StatusOK)
}

func TestClientsAreListedInPages(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	for i := range 7 {
		w.webClient(fmt.Sprintf("c%d", i))
	}
	var seen []string
	path := "/clients?limit=3&sort=client_id&q=CLIENT%20C"
	for pages := 0; path != ""; pages++ {
		answer := a.get(path).want(http.StatusOK)
		page := read[api.Page[api.Client]](answer)
		for _, c := range page.Items {
			seen = append(seen, c.ClientID)
		}
		if page.Total == nil || *page.Total != 7 || pages > 2 {
			t.Fatalf("page %d: %s", pages, answer.Body)
		}
		link := answer.Header().Get("Link")
		if (link == "") != (page.NextCursor == "") {
			t.Errorf("link %q, cursor %q", link, page.NextCursor)
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
		path = strings.TrimPrefix(next, base+api.Path)
	}
	if strings.Join(seen, " ") != "c0 c1 c2 c3 c4 c5 c6" {
		t.Errorf("%q", seen)
	}
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=501": "limit", "limit=x": "limit", "sort=secret": "sort", "cursor=junk": "cursor", "page=2": "page", "q=a&q=b": "q",
	} {
		a.get("/clients?"+query).wantProblem(422, "invalid-fields", field)
	}
	a.get("/clients?limit=500").want(http.StatusOK)
}

func TestSecretsAreAddedRotatedAndRevoked(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	c, first := w.client(oauth.Registration{ClientID: "reports", ClientName: "Reports", RedirectURIs: []string{callback}})
	works := func(secret string) bool {
		_, err := w.provider.Authenticate(w.system(), oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: c.ClientID, Secret: secret})
		return err == nil
	}
	answer := a.do(http.MethodPost, "/clients/reports/secrets", `{"name": "second", "expires": "2026-03-02T12:00:00Z"}`).want(http.StatusCreated)
	second := read[api.CreatedSecret](answer)
	if second.ClientSecretExpiresAt != w.now().Add(24*time.Hour).Unix() || second.Name != "second" || !works(second.ClientSecret) || !works(first) {
		t.Errorf("%+v", second)
	}
	if got := answer.Header().Get("Location"); got != base+api.Path+"/clients/reports/secrets/"+second.ID {
		t.Errorf("Location %q", got)
	}
	third := read[api.CreatedSecret](a.do(http.MethodPost, "/clients/reports/secrets/rotate", `{"overlap": "10m"}`).want(http.StatusCreated))
	if !works(first) || !works(third.ClientSecret) {
		t.Error("within the overlap all are good")
	}
	w.move(10 * time.Minute)
	if works(first) || works(second.ClientSecret) || !works(third.ClientSecret) {
		t.Error("after the overlap the new one alone is good")
	}
	fourth := read[api.CreatedSecret](a.do(http.MethodPost, "/clients/reports/secrets/rotate", nil).want(http.StatusCreated))
	if works(third.ClientSecret) || !works(fourth.ClientSecret) {
		t.Error("without an overlap the others end at once")
	}
	a.do(http.MethodDelete, "/clients/reports/secrets/"+fourth.ID, nil).want(http.StatusNoContent)
	a.do(http.MethodDelete, "/clients/reports/secrets/"+fourth.ID, nil).wantProblem(404, "not-found")
	if works(fourth.ClientSecret) {
		t.Error("a revoked secret is good")
	}
	a.do(http.MethodPost, "/clients/reports/secrets", `{"expires": "yesterday"}`).wantProblem(422, "invalid-fields", "/expires")
	a.do(http.MethodPost, "/clients/reports/secrets", `{"expires": "2020-01-01T00:00:00Z"}`).wantProblem(422, "invalid-fields", "/expires")
	a.do(http.MethodPost, "/clients/reports/secrets/rotate", `{"overlap": "-1m"}`).wantProblem(422, "invalid-fields", "/overlap")
	a.do(http.MethodPost, "/clients/absent/secrets", nil).wantProblem(404, "not-found")
}

func TestImportOfAnExportChangesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("one")
	w.machine("two", oauth.JWT, account.ViewClients)
	w.client(oauth.Registration{ClientID: "three", ClientName: "Öffentlich <b>", TokenEndpointAuthMethod: oauth.NoSecret, RedirectURIs: []string{"http://127.0.0.1/cb"},
		AccessTokenLifetime: oauth.Duration(10 * time.Minute), PersonalAccessTokens: true})
	ok(t, w.provider.SetClientState(w.system(), "two", oauth.Disabled))
	export := a.get("/export/clients").want(http.StatusOK)
	if file := read[api.ClientFile](export); len(file.Clients) != 3 {
		t.Fatalf("%+v", file)
	}
	events := len(w.events(""))
	for _, one := range read[api.Imported](a.do(http.MethodPost, "/import/clients", export.Body.String()).want(http.StatusOK)).Clients {
		if one.Outcome != api.Unchanged || one.ClientSecret != "" {
			t.Errorf("%+v", one)
		}
	}
	if got := len(w.events("")); got != events {
		t.Errorf("%d events", got-events)
	}
	other := newWorld(t)
	imported := read[api.Imported](other.admin().do(http.MethodPost, "/import/clients", export.Body.String()).want(http.StatusOK))
	for _, one := range imported.Clients {
		if one.Outcome != api.Created || (one.ClientSecret == "") != (one.ClientID == "three") {
			t.Errorf("%+v", one)
		}
	}
	if c, _, err := other.provider.LoadClient(other.system(), "two"); err != nil || !c.Disabled {
		t.Errorf("%+v %v", c, err)
	}
}

func TestFaultsOfAnImportAreFoundBeforeAnythingIsWritten(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.do(http.MethodPost, "/import/clients", `{"clients": [
		{"client_id": "a", "client_name": "A", "redirect_uris": ["https://a.example/cb"]},
		{"client_id": "b", "client_name": "B", "redirect_uris": ["https://b.example/cb", "ftp://x"]},
		{"client_name": "C", "redirect_uris": ["https://c.example/cb"]},
		{"client_id": "a", "client_name": "D", "redirect_uris": ["https://d.example/cb"]}]}`).
		wantProblem(422, "invalid-fields", "/clients/1/redirect_uris/1", "/clients/2/client_id", "/clients/3/client_id")
	a.get("/clients/a").want(http.StatusNotFound)
	a.do(http.MethodPost, "/import/clients", `{"clients": [{"client_id": "a", "nonsense": 1}]}`).wantProblem(422, "invalid-fields", "/clients/0/nonsense")
	w.webClient("there")
	a.do(http.MethodPost, "/import/clients", `{"clients": [{"client_id": "x", "client_name": "client THERE", "redirect_uris": ["https://x.example/cb"]}]}`).
		wantProblem(409, "taken", "/clients/0/client_name")
}

func TestImportThatFailsMidwayTellsTheSecretsThatItMade(t *testing.T) {
	w := newWorld(t)
	name := w.webClient("there").ClientName // which the second client of the file wants
	file := fmt.Sprintf(`{"clients": [
		{"client_id": "first", "client_name": "First", "redirect_uris": ["https://x.example/cb"]},
		{"client_id": "second", "client_name": %q, "redirect_uris": ["https://x.example/cb"]}]}`, name)
	answer := w.admin().do(http.MethodPost, "/import/clients", file).wantProblem(409, "taken", "/clients/1/client_name")
	p := read[api.Problem](answer)
	if len(p.Imported) != 1 || p.Imported[0].ClientID != "first" || !strings.HasPrefix(p.Imported[0].ClientSecret, "grcs_") {
		t.Errorf("%+v", p)
	}
}

func TestImportOverClientsNeedsThePermissionToEdit(t *testing.T) {
	w := newWorld(t)
	w.webClient("there")
	c := w.as(w.user("creator", account.CreateClients), "admin")
	c.do(http.MethodPost, "/import/clients", `{"clients": [{"client_id": "there", "client_name": "New", "redirect_uris": ["https://x.example/cb"]}]}`).
		wantProblem(403, "forbidden")
	c.do(http.MethodPost, "/import/clients", `{"clients": [{"client_id": "new", "client_name": "New", "redirect_uris": ["https://x.example/cb"]}]}`).
		want(http.StatusOK)
}

func TestSecretThatWasChosenElsewhereIsKeptAndNotShown(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	const chosen = "chosen by a deployment"
	w.keep(chosen)
	settings := `{"client_name": "Reports", "redirect_uris": ["https://app.example.com/callback"], "client_secret": %q}`
	a.do(http.MethodPut, "/clients/reports", fmt.Sprintf(settings, "short")).wantProblem(422, "invalid-fields", "/client_secret")
	first := a.do(http.MethodPut, "/clients/reports", fmt.Sprintf(settings, chosen)).want(http.StatusCreated)
	again := a.do(http.MethodPut, "/clients/reports", fmt.Sprintf(settings, chosen)).want(http.StatusOK)
	if c := read[api.CreatedClient](first); c.ClientSecret != "" || again.Header().Get("ETag") != first.Header().Get("ETag") {
		t.Errorf("%+v", c)
	}
	other := a.do(http.MethodPut, "/clients/reports", fmt.Sprintf(settings, chosen+" 2"), header("If-Match: "+again.Header().Get("ETag"))).want(http.StatusOK)
	if c := read[api.CreatedClient](other); len(c.Secrets) != 1 || c.Secrets[0].ID == read[api.CreatedClient](first).Secrets[0].ID {
		t.Errorf("%+v", c)
	}
}

func TestClientThatBecomesConfidentialGetsASecret(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	public := strings.Replace(webSettings, "{", `{"token_endpoint_auth_method": "none", `, 1)
	for i, condition := range []header{"X-Nothing: 1", "If-Match: *", "If-Match: "} {
		path := fmt.Sprintf("/clients/reports%d", i)
		made := a.do(http.MethodPut, path, strings.Replace(public, "Reports", path, 1)).want(http.StatusCreated)
		if condition == "If-Match: " {
			condition = header("If-Match: " + made.Header().Get("ETag"))
		}
		c := read[api.CreatedClient](a.do(http.MethodPut, path, strings.Replace(webSettings, "Reports", path, 1), condition).want(http.StatusOK))
		if c.ClientSecret == "" || len(c.Secrets) != 1 {
			t.Errorf("%s: %+v", condition, c)
		}
	}
}

func TestWhoMayOnlyEditReplacesWithoutRegistering(t *testing.T) {
	w := newWorld(t)
	c := w.as(w.user("editor", account.EditClients, account.ViewClients), "admin")
	w.webClient("there")
	answer := c.do(http.MethodPut, "/clients/there", webSettings).want(http.StatusOK)
	if got := read[api.CreatedClient](answer); got.ClientName != "Reports" || got.ClientSecret != "" || len(got.Secrets) != 1 {
		t.Errorf("%+v", got)
	}
	var all sync.WaitGroup
	for range 8 { // whoever is later, no client comes back
		all.Go(func() { c.do(http.MethodPut, "/clients/there", webSettings) })
	}
	all.Go(func() {
		if err := w.provider.DeleteClient(w.system(), "there"); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	c.get("/clients/there").wantProblem(404, "not-found")
}
