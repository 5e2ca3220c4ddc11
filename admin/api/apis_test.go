package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

const (
	orders         = "https://orders.example.com/v1"
	ordersSettings = `{"identifier": "https://orders.example.com/v1", "name": "Orders", "access_token_format": "jwt", "access_token_lifetime": "5m",
		"scopes": [{"name": "orders:read", "description": "Read your orders."}, {"name": "orders:write"}]}`
)

var ordersPath = "/apis/" + oauth.APIID(orders)

func TestAPIIsRegisteredReadAndDeleted(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	answer := a.do(http.MethodPost, "/apis", ordersSettings).want(http.StatusCreated)
	made := read[api.API](answer)
	if answer.Header().Get("Location") != base+api.Path+ordersPath || answer.Header().Get("ETag") == "" || made.ID != oauth.APIID(orders) {
		t.Errorf("%v %+v", answer.Header(), made)
	}
	if made.Owner == nil || made.Owner.Name != "root" || made.Owner.Address != "" || made.Created.IsZero() || made.Scopes[0].Description != "Read your orders." {
		t.Errorf("%+v", made)
	}
	for _, path := range []string{ordersPath, "/apis/" + url.PathEscape(orders)} {
		got := a.get(path).want(http.StatusOK)
		if got.Body.String() != answer.Body.String() || got.Header().Get("ETag") != answer.Header().Get("ETag") {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
	a.get(ordersPath, header("If-None-Match: "+answer.Header().Get("ETag"))).want(http.StatusNotModified)
	for _, path := range []string{"/apis/api_", "/apis/" + oauth.APIID("https://other.example.com"), "/apis/" + strings.ToUpper(oauth.APIID(orders)), "/apis/%2E%2E"} {
		a.get(path).wantProblem(404, "not-found")
	}
	a.do(http.MethodDelete, ordersPath, nil, `If-Match: "x"`).wantProblem(412, "stale")
	a.do(http.MethodDelete, ordersPath, nil, header("If-Match: "+answer.Header().Get("ETag"))).want(http.StatusNoContent)
	a.do(http.MethodDelete, ordersPath, nil).wantProblem(404, "not-found")
	a.get(ordersPath).wantProblem(404, "not-found")
	if events := w.events("api"); len(events) != 2 || events[0].Object != "api:"+made.ID || events[0].Actor.Name != "root" {
		t.Errorf("%+v", events)
	}
}

func TestFaultsOfAnAPIAreNamed(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.api(oauth.APIRegistration{Identifier: "https://there.example.com", Scopes: []oauth.APIScope{{Name: "taken"}}})
	w.client(oauth.Registration{ClientID: "public", TokenEndpointAuthMethod: oauth.NoSecret, RedirectURIs: []string{callback}})
	for body, want := range map[string]struct {
		status int
		code   string
		fields []string
	}{
		`{}`:                               {422, "invalid-fields", []string{"/identifier"}},
		`{"identifier": "orders"}`:         {422, "invalid-fields", []string{"/identifier"}},
		`{"identifier": "urn:a#b"}`:        {422, "invalid-fields", []string{"/identifier"}},
		`{"identifier": "` + issuer + `"}`: {422, "invalid-fields", []string{"/identifier"}},
		`{"identifier": "https://there.example.com"}`: {409, "taken", []string{"/identifier"}},
		`{"identifier": "urn:a", "scopes": [{"name": "a"}, {"name": "b c", "description": "\u0007"}, {"name": "a"}, {"name": "taken"}, {"name": "admin"}, {"name": "clients:view"}]}`: {
			422, "invalid-fields", []string{"/scopes/1/name", "/scopes/1/description", "/scopes/2/name", "/scopes/4/name", "/scopes/5/name", "/scopes/3/name"}},
		`{"identifier": "urn:a", "scopes": ["a"]}`:                            {422, "invalid-fields", []string{"/scopes/0"}},
		`{"identifier": "urn:a", "scopes": [{"nmae": "a"}], "audience": "b"}`: {422, "invalid-fields", []string{"/audience", "/scopes/0/nmae"}},
		`{"identifier": "urn:a", "client_id": "nobody"}`:                      {422, "invalid-fields", []string{"/client_id"}},
		`{"identifier": "urn:a", "client_id": "public"}`:                      {422, "invalid-fields", []string{"/client_id"}},
		`{"identifier": "urn:a", "access_token_lifetime": "1s", "access_token_format": "xml", "access_token_signing_alg": "none"}`: {
			422, "invalid-fields", []string{"/access_token_format", "/access_token_signing_alg", "/access_token_lifetime"}},
		`{"identifier": "urn:a", "id": "api_x"}`: {422, "invalid-fields", []string{"/id"}},
	} {
		a.do(http.MethodPost, "/apis", body).wantProblem(want.status, want.code, want.fields...)
	}
	a.do(http.MethodPost, "/apis", nil).wantProblem(400, "malformed-request")
}

func TestPutRegistersOrReplacesAnAPI(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.do(http.MethodPut, ordersPath, ordersSettings, "If-Match: *").wantProblem(412, "stale")
	first := a.do(http.MethodPut, ordersPath, ordersSettings, "If-None-Match: *").want(http.StatusCreated)
	if first.Header().Get("Location") != base+api.Path+ordersPath {
		t.Errorf("%v", first.Header())
	}
	a.do(http.MethodPut, ordersPath, ordersSettings, "If-None-Match: *").wantProblem(412, "stale")
	events := len(w.events(""))
	for _, same := range []string{ordersSettings, first.Body.String(), strings.Replace(ordersSettings, `"identifier": "https://orders.example.com/v1", `, "", 1)} {
		again := a.do(http.MethodPut, ordersPath, same).want(http.StatusOK)
		if again.Header().Get("ETag") != first.Header().Get("ETag") || again.Header().Get("Location") != "" || len(w.events("")) != events {
			t.Errorf("a second time it changed something: %v", again.Header())
		}
	}
	w.move(time.Second)
	second := a.do(http.MethodPut, ordersPath, `{"name": "Other"}`, header("If-Match: "+first.Header().Get("ETag"))).want(http.StatusOK)
	if got := read[api.API](second); got.Name != "Other" || got.Identifier != orders || len(got.Scopes) != 0 || got.AccessTokenFormat != "" || !got.Updated.After(got.Created) {
		t.Errorf("%+v", got)
	}
	a.do(http.MethodPut, ordersPath, ordersSettings, header("If-Match: "+first.Header().Get("ETag"))).wantProblem(412, "stale")
	a.do(http.MethodPut, ordersPath, `{"identifier": "urn:else"}`).wantProblem(422, "invalid-fields", "/identifier")
	a.do(http.MethodPut, ordersPath, `{"id": "api_else"}`).wantProblem(422, "invalid-fields", "/id")
	// At a new address an id says nothing of the identifier, which must be in the body; an identifier is enough.
	a.do(http.MethodPut, "/apis/"+oauth.APIID("urn:new"), `{}`).wantProblem(422, "invalid-fields", "/identifier")
	a.do(http.MethodPut, "/apis/"+oauth.APIID("urn:new"), `{"identifier": "urn:newer"}`).wantProblem(422, "invalid-fields", "/identifier")
	if got := read[api.API](a.do(http.MethodPut, "/apis/urn:new", `{}`).want(http.StatusCreated)); got.Identifier != "urn:new" {
		t.Errorf("%+v", got)
	}
}

func TestPutNeedsThePermissionToCreateForANewAPI(t *testing.T) {
	w := newWorld(t)
	c := w.as(w.user("editor", account.EditAPIs, account.ViewAPIs), "admin")
	c.do(http.MethodPut, ordersPath, ordersSettings).wantProblem(403, "forbidden")
	w.api(oauth.APIRegistration{Identifier: orders})
	c.do(http.MethodPut, ordersPath, ordersSettings).want(http.StatusOK)
}

func TestPatchOfAnAPIIsAMergePatch(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.do(http.MethodPost, "/apis", ordersSettings).want(http.StatusCreated)
	w.webClient("server")
	answer := a.do(http.MethodPatch, ordersPath, `{"name": null, "access_token_lifetime": null, "client_id": "server", "scopes": [{"name": "orders:all"}]}`).want(http.StatusOK)
	got := read[api.API](answer)
	if got.Name != "" || got.AccessTokenLifetime != 0 || got.AccessTokenFormat != oauth.JWT || got.ClientID != "server" || len(got.Scopes) != 1 || got.Identifier != orders {
		t.Errorf("%+v", got)
	}
	if same := a.do(http.MethodPatch, ordersPath, `{}`).want(http.StatusOK); same.Header().Get("ETag") != answer.Header().Get("ETag") {
		t.Error("an empty patch changed something")
	}
	a.do(http.MethodPatch, ordersPath, `{"name": "x"}`, `If-Match: "x"`).wantProblem(412, "stale")
	a.do(http.MethodPatch, ordersPath, `{"identifier": "urn:else"}`).wantProblem(422, "invalid-fields", "/identifier")
	a.do(http.MethodPatch, ordersPath, `{"created": null, "nothing": null}`).wantProblem(422, "invalid-fields", "/created")
	a.do(http.MethodPatch, "/apis/urn:absent", `{}`).wantProblem(404, "not-found")
}

func TestOneOfManyWritersOfAnAPIWins(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	tag := a.do(http.MethodPost, "/apis", ordersSettings).want(http.StatusCreated).Header().Get("ETag")
	race := func(ask func(i int) *result) []int {
		codes := make([]int, 8)
		var all sync.WaitGroup
		for i := range codes {
			all.Go(func() { codes[i] = ask(i).Code })
		}
		all.Wait()
		slices.Sort(codes)
		return codes
	}
	codes := race(func(i int) *result {
		return a.do([]string{http.MethodPatch, http.MethodPut}[i%2], ordersPath, fmt.Sprintf(`{"name": "Name %d"}`, i), header("If-Match: "+tag))
	})
	if codes[0] != 200 || codes[1] != 412 || codes[7] != 412 {
		t.Errorf("with If-Match: %v", codes)
	}
	if codes := race(func(int) *result { return a.do(http.MethodPut, "/apis/urn:new", `{}`, "If-None-Match: *") }); codes[0] != 201 || codes[1] != 412 || codes[7] != 412 {
		t.Errorf("with If-None-Match: %v", codes)
	}
	// Without a condition all of them count.
	changes := []string{`{"name": "New"}`, `{"access_token_lifetime": "1h"}`, `{"access_token_format": "opaque"}`, `{"scopes": []}`}
	var all sync.WaitGroup
	for _, change := range changes {
		all.Go(func() { a.do(http.MethodPatch, ordersPath, change).want(http.StatusOK) })
	}
	all.Wait()
	if got := read[api.API](a.get(ordersPath)); got.Name != "New" || got.AccessTokenLifetime.String() != "1h" || got.AccessTokenFormat != oauth.Opaque || got.Scopes != nil {
		t.Errorf("%+v", got)
	}
}

func TestAPIsAreListedInPages(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	for i := range 7 {
		w.api(oauth.APIRegistration{Identifier: fmt.Sprintf("https://a%d.example.com", i), Name: fmt.Sprintf("Part %d", 7-i), Scopes: []oauth.APIScope{{Name: fmt.Sprintf("s%d", i)}}})
	}
	w.api(oauth.APIRegistration{Identifier: "urn:else"})
	var seen []string
	path := "/apis?limit=3&sort=-identifier&q=PART"
	for pages := 0; path != ""; pages++ {
		answer := a.get(path).want(http.StatusOK)
		page := read[api.Page[api.API]](answer)
		for _, one := range page.Items {
			seen = append(seen, one.Name)
		}
		if page.Total == nil || *page.Total != 7 || pages > 2 {
			t.Fatalf("page %d: %s", pages, answer.Body)
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(answer.Header().Get("Link"), "<"), ">")
		path = strings.TrimPrefix(next, base+api.Path)
	}
	if strings.Join(seen, ",") != "Part 1,Part 2,Part 3,Part 4,Part 5,Part 6,Part 7" {
		t.Errorf("%q", seen)
	}
	if found := read[api.Page[api.API]](a.get("/apis?q=S4")); len(found.Items) != 1 || found.Items[0].Name != "Part 3" {
		t.Errorf("%+v", found)
	}
	for query, field := range map[string]string{"limit=0": "limit", "limit=501": "limit", "sort=secret": "sort", "cursor=junk": "cursor", "page=2": "page", "q=a&q=b": "q"} {
		a.get("/apis?"+query).wantProblem(422, "invalid-fields", field)
	}
}

func TestAPIThatClientsHaveIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.do(http.MethodPost, "/apis", ordersSettings).want(http.StatusCreated)
	give := func(id string, more oauth.Registration) {
		more.ClientID, more.RedirectURIs, more.Audience = id, []string{callback}, []string{orders, "urn:else"}
		w.client(more)
	}
	give("shop", oauth.Registration{ClientName: "Zoo", Scope: "profile orders:write orders:read", DefaultAudience: orders})
	give("app", oauth.Registration{ClientName: "App"})
	w.webClient("other")
	ok(t, w.provider.SetClientState(w.system(), "app", oauth.Disabled))
	page := read[api.Page[api.ClientOfAPI]](a.get(ordersPath + "/clients").want(http.StatusOK))
	want := []api.ClientOfAPI{{ClientID: "app", ClientName: "App", Disabled: true}, {ClientID: "shop", ClientName: "Zoo", Scope: "orders:read orders:write", Default: true}}
	if !slices.Equal(page.Items, want) || *page.Total != 2 {
		t.Errorf("%+v", page)
	}
	a.get("/apis/urn:absent/clients").wantProblem(404, "not-found")
	refused := a.do(http.MethodDelete, ordersPath, nil).wantProblem(409, "in-use").problem()
	if !strings.Contains(refused.Detail, "app, shop.") {
		t.Errorf("%q", refused.Detail)
	}
	// Who may not see clients is not told which there are.
	blind := w.as(w.user("blind", account.DeleteAPIs, account.ViewAPIs), "admin")
	refused = blind.do(http.MethodDelete, ordersPath, nil).wantProblem(409, "in-use").problem()
	if strings.Contains(refused.Detail, "shop") || !strings.Contains(refused.Detail, "(2)") {
		t.Errorf("%q", refused.Detail)
	}
	blind.get(ordersPath+"/clients").wantProblem(403, "insufficient-scope")
	for _, id := range []string{"app", "shop"} {
		a.do(http.MethodPatch, "/clients/"+id, `{"audience": [], "default_audience": null, "scope": "profile"}`).want(http.StatusOK)
	}
	a.do(http.MethodDelete, ordersPath, nil).want(http.StatusNoContent)
}

func TestManyClientsOfAnAPIAreNotAllNamed(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.api(oauth.APIRegistration{Identifier: orders})
	for i := range 23 {
		w.client(oauth.Registration{ClientID: fmt.Sprintf("c%02d", i), RedirectURIs: []string{callback}, Audience: []string{orders}})
	}
	refused := a.do(http.MethodDelete, ordersPath, nil).wantProblem(409, "in-use").problem()
	if !strings.Contains(refused.Detail, "c19, and 3 more. Take") || strings.Contains(refused.Detail, "c20") {
		t.Errorf("%q", refused.Detail)
	}
}

func TestNewFieldsOfAClientAreKept(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	settings := `{"client_id": "shop", "client_name": "Shop", "redirect_uris": ["https://app.example.com/callback"], "audience": ["urn:a", "urn:b"], "default_audience": %q, "introspection_signed_response_alg": %q}`
	a.do(http.MethodPost, "/clients", fmt.Sprintf(settings, "urn:c", "none")).wantProblem(422, "invalid-fields", "/default_audience", "/introspection_signed_response_alg")
	c := read[api.CreatedClient](a.do(http.MethodPost, "/clients", fmt.Sprintf(settings, "urn:b", "EdDSA")).want(http.StatusCreated))
	if c.DefaultAudience != "urn:b" || c.IntrospectionSignedResponseAlg != "EdDSA" {
		t.Errorf("%+v", c)
	}
	file := a.get("/export/clients").want(http.StatusOK).Body.String()
	other := newWorld(t)
	other.admin().do(http.MethodPost, "/import/clients", file).want(http.StatusOK)
	if got, _, err := other.provider.LoadClient(other.system(), "shop"); err != nil || got.DefaultAudience != "urn:b" || got.IntrospectionSignedResponseAlg != "EdDSA" {
		t.Errorf("%+v %v", got, err)
	}
	cleared := read[api.Client](a.do(http.MethodPatch, "/clients/shop", `{"default_audience": null, "introspection_signed_response_alg": null}`).want(http.StatusOK))
	if cleared.DefaultAudience != "" || cleared.IntrospectionSignedResponseAlg != "" {
		t.Errorf("%+v", cleared)
	}
}
