package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

func TestTokensAreInspectedAndRevoked(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	u := w.user("alice", account.ViewClients)
	token := w.token(u, "clients:view")
	seen := read[api.Inspection](a.do(http.MethodPost, "/tokens/inspect", map[string]string{"token": token}).want(http.StatusOK))
	if !seen.Active || seen.Kind == "" || seen.Accepted != nil || seen.Username != "alice" || seen.Subject != u.ID || seen.ClientID != oauth.CommandLineClient || seen.Scope != "clients:view" || seen.Expires == 0 {
		t.Errorf("%+v", seen)
	}
	if got := read[api.Revoked](a.do(http.MethodPost, "/tokens/revoke", map[string]string{"token": token}).want(http.StatusOK)); got.Ended != 1 {
		t.Errorf("%+v", got)
	}
	if got := read[api.Revoked](a.do(http.MethodPost, "/tokens/revoke", map[string]string{"token": token}).want(http.StatusOK)); got.Ended != 0 || got.Reason == "" {
		t.Errorf("%+v", got)
	}
	seen = read[api.Inspection](a.do(http.MethodPost, "/tokens/inspect", map[string]string{"token": token}))
	if seen.Active || seen.Reason == "" || seen.Rule == "" || seen.ClientID != "" {
		t.Errorf("%+v", seen)
	}
	a.do(http.MethodPost, "/tokens/inspect", `{}`).wantProblem(422, "invalid-fields", "/token")
}

func TestInspectionTellsWhetherAnAPIWouldAcceptAToken(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	token := w.token(w.user("alice"), "admin")
	ask := func(audience, scope string) map[string]string {
		return map[string]string{"token": token, "audience": audience, "scope": scope}
	}
	const orders = "https://orders.example.com"
	seen := read[api.Inspection](a.do(http.MethodPost, "/tokens/inspect", ask(orders, "")).want(http.StatusOK))
	if !seen.Active || seen.Accepted == nil || *seen.Accepted || seen.Refusal == nil || seen.Refusal.Error != "invalid_token" || seen.Refusal.Rule == "" {
		t.Errorf("%+v", seen)
	}
	a.do(http.MethodPost, "/tokens/inspect", ask("orders", "")).wantProblem(422, "invalid-fields", "/audience")
	a.do(http.MethodPost, "/tokens/inspect", ask("", "x")).wantProblem(422, "invalid-fields", "/audience")
	a.do(http.MethodPost, "/tokens/inspect", ask(orders, "\"x")).wantProblem(422, "invalid-fields", "/scope")
}

func TestTokensAreRevokedByUserClientAndTime(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	alice, bob := w.user("alice"), w.user("bob")
	w.token(alice, "clients:view")
	w.token(alice, "users:view")
	w.token(bob, "users:view")
	w.move(time.Hour)
	revoke := func(body string) int {
		t.Helper()
		return read[api.Revoked](a.do(http.MethodPost, "/tokens/revoke", body).want(http.StatusOK)).Ended
	}
	if n := revoke(`{"username": "ALICE", "before": "2020-01-01T00:00:00Z"}`); n != 0 {
		t.Errorf("%d ended", n)
	}
	if n := revoke(`{"username": "ALICE"}`); n != 2 {
		t.Errorf("%d ended", n)
	}
	if n := revoke(fmt.Sprintf(`{"user_id": %q, "client_id": "grantor-cli"}`, bob.ID)); n != 1 {
		t.Errorf("%d ended", n)
	}
	for body, field := range map[string]string{
		`{}`: "", `{"username": "nobody"}`: "/username", `{"client_id": "absent"}`: "/client_id", `{"user_id": "usr_x"}`: "/user_id",
		`{"token": "x", "client_id": "grantor-cli"}`:                "/token",
		fmt.Sprintf(`{"user_id": %q, "username": "alice"}`, bob.ID): "/username",
		`{"before": "yesterday"}`:                                   "/before",
	} {
		a.do(http.MethodPost, "/tokens/revoke", body).wantProblem(422, "invalid-fields", field)
	}
}

func TestAuthorizationsAreListedAndRevoked(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	u := w.user("alice")
	for range 3 {
		w.token(u, "clients:view")
	}
	first := read[api.Page[api.Authorization]](a.get("/users/" + u.ID + "/authorizations?limit=2"))
	second := read[api.Page[api.Authorization]](a.get("/users/" + u.ID + "/authorizations?limit=2&cursor=" + first.NextCursor))
	if len(first.Items) != 2 || len(second.Items) != 1 || second.NextCursor != "" || !first.Items[0].Personal || first.Items[0].Username != "alice" {
		t.Fatalf("%+v %+v", first, second)
	}
	path := "/authorizations/" + second.Items[0].ID
	a.get(path).want(http.StatusOK)
	a.do(http.MethodDelete, path, nil).want(http.StatusNoContent)
	a.do(http.MethodDelete, path, nil).wantProblem(404, "not-found")
	a.get(path).wantProblem(404, "not-found")
	if got := read[api.Revoked](a.do(http.MethodDelete, "/users/"+u.ID+"/authorizations", nil)); got.Ended != 2 {
		t.Errorf("%+v", got)
	}
	a.get("/users/usr_x/authorizations").wantProblem(404, "not-found")
	a.get("/clients/absent/authorizations").wantProblem(404, "not-found")
	a.get("/clients/grantor-cli/authorizations").want(http.StatusOK)
	w.webClient("reports")
	a.do(http.MethodDelete, "/clients/reports/authorizations", nil).want(http.StatusOK)
}

func TestAuditLogIsFiltered(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.do(http.MethodPut, "/clients/reports", webSettings).want(http.StatusCreated)
	w.move(time.Minute)
	a.do(http.MethodPatch, "/clients/reports", `{"client_uri": "https://a.example"}`).want(http.StatusOK)
	events := read[api.Page[api.Event]](a.get("/audit?object=client:reports&actor=root"))
	if len(events.Items) != 2 || events.Items[0].Action != "client.updated" || events.Items[0].Actor.Address != "192.0.2.1" ||
		!strings.Contains(events.Items[0].Detail["client_uri"], "-> ") || events.Items[0].RequestID == "" {
		t.Errorf("%+v", events)
	}
	before := read[api.Page[api.Event]](a.get("/audit?object=client:reports&to=" + w.now().UTC().Format(time.RFC3339)))
	if len(before.Items) != 1 || before.Items[0].Action != "client.created" {
		t.Errorf("%+v", before)
	}
	page := read[api.Page[api.Event]](a.get("/audit?object=client:reports&limit=1"))
	if rest := read[api.Page[api.Event]](a.get("/audit?object=client:reports&limit=1&cursor=" + page.NextCursor)); len(rest.Items) != 1 {
		t.Errorf("%+v", rest)
	}
	a.get("/audit?from=yesterday").wantProblem(422, "invalid-fields", "from")
}

func TestKeysRotate(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.get("/keys").want(http.StatusOK)
	a.do(http.MethodPost, "/keys/rotate", nil).want(http.StatusOK) // the first need not wait: nobody knows any key yet
	early := a.do(http.MethodPost, "/keys/rotate", nil).wantProblem(409, "too-soon")
	if early.Header().Get("Retry-After") == "" {
		t.Error("it does not say when")
	}
	keys := read[api.Page[api.Key]](a.do(http.MethodPost, "/keys/rotate", `{"algorithm": "ES256", "force": true}`).want(http.StatusOK))
	if len(keys.Items) != 4 || len(w.events("key.rotated")) == 0 {
		t.Errorf("%+v", keys)
	}
	a.do(http.MethodPost, "/keys/rotate", `{"algorithm": "EdDSA"}`).wantProblem(422, "invalid-fields", "/algorithm")
}

func TestKeysAreWithdrawn(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	a.do(http.MethodPost, "/keys/rotate", nil).want(http.StatusOK)
	before := read[api.Page[api.Key]](a.get("/keys")).Items
	for _, leaked := range before {
		body := map[string]any{"id": leaked.ID}
		left := read[api.Page[api.Key]](a.do(http.MethodPost, "/keys/withdraw", body).want(http.StatusOK))
		if slices.ContainsFunc(left.Items, func(k api.Key) bool { return k.ID == leaked.ID }) {
			t.Errorf("the %s key is still there", leaked.State)
		}
		e := w.events("key.withdrawn")[0]
		if e.Object != "key:"+leaked.ID || e.Detail["algorithm"] != "ES256" || e.Detail["state"] == "" || e.Actor.Name != "root" {
			t.Errorf("%+v", e)
		}
		a.do(http.MethodPost, "/keys/withdraw", body).wantProblem(422, "invalid-fields", "/id")
	}
	second := read[api.Page[api.Key]](a.get("/keys")).Items
	third := read[api.Page[api.Key]](a.do(http.MethodPost, "/keys/withdraw", `{"all": true, "algorithm": "ES256"}`).want(http.StatusOK)).Items
	if len(second) != 2 || len(third) != 2 || third[0].ID == second[0].ID || third[1].ID == second[1].ID {
		t.Errorf("%+v\n%+v", second, third)
	}
	a.do(http.MethodPost, "/keys/withdraw", `{"all": true}`).want(http.StatusOK)
	events := w.events("key.withdrawn")
	if len(events) != 5 || events[0].Object != "key:ES256" || events[0].Detail["keys"] != third[0].ID+" "+third[1].ID {
		t.Errorf("%+v", events)
	}
	last := w.keys.Status()[0].ID
	for body, fault := range map[string]string{
		`{}`: "/id", `{"id": ""}`: "/id", `{"algorithm": "ES256"}`: "/id", `{"id": "` + last + `", "all": true}`: "/id", `{"id": "secret"}`: "/id",
		`{"id": "` + last + `", "algorithm": "ES256"}`: "/algorithm", `{"all": true, "algorithm": "EdDSA"}`: "/algorithm",
	} {
		a.do(http.MethodPost, "/keys/withdraw", body).wantProblem(422, "invalid-fields", fault)
	}
	if w.keys.Status()[0].ID != last || len(w.events("key.withdrawn")) != 5 {
		t.Error("something was withdrawn")
	}
}

func TestStatisticsAreTold(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	for period, steps := range map[string]int{"hour": 60, "day": 24, "week": 168, "": 24} {
		path := "/statistics"
		if period != "" {
			path += "?period=" + period
		}
		s := read[api.Statistics](a.get(path).want(http.StatusOK))
		if len(s.Issued) == 0 || len(s.Issued[0].Counts) != steps || s.Step == 0 {
			t.Errorf("%s: %+v", period, s)
		}
	}
	a.get("/statistics?period=year").wantProblem(422, "invalid-fields", "period")
	a.get("/statistics/clients/grantor-cli").want(http.StatusOK)
	a.get("/statistics/clients/absent").wantProblem(404, "not-found")
}

func TestWrongMethodsAndPathsAreTold(t *testing.T) {
	w := newWorld(t)
	for path, allow := range map[string]string{
		"/clients": "GET, HEAD, POST", "/clients/x": "DELETE, GET, HEAD, PATCH, PUT", "/tokens/inspect": "POST", "/me": "GET, HEAD",
	} {
		for _, method := range []string{http.MethodOptions, http.MethodTrace, "BREW"} {
			answer := w.guest().do(method, path, nil).wantProblem(405, "method-not-allowed")
			if got := answer.Header().Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q", method, path, got)
			}
		}
	}
	for _, path := range []string{"", "/", "/clients/", "/nothing", "/clients/a/b", "/clients//secrets", "/openapi.yaml", "/schemas/Client.json"} {
		w.guest().get(path).wantProblem(404, "not-found")
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	for _, path := range []string{"/clients/grantor-cli", "/clients", "/docs"} {
		got, head := a.get(path), a.do(http.MethodHead, path, nil)
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Type") != got.Header().Get("Content-Type") ||
			head.Header().Get("ETag") != got.Header().Get("ETag") {
			t.Errorf("%s: %d %v %q", path, head.Code, head.Header(), head.Body)
		}
	}
	if w.guest().do(http.MethodHead, "/clients", nil).Code != http.StatusUnauthorized {
		t.Error("HEAD needs no token")
	}
}

func TestEscapesInAPathArePartOfTheName(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("a.b~c")
	a.get("/clients/a%2Eb%7Ec").want(http.StatusOK)
	for _, id := range []string{"a%2Fb", "%2e%2e", "%00", "a%0D%0AX-Evil:1", "%FF", strings.Repeat("x", 5000)} {
		answer := a.get("/clients/"+id).wantProblem(404, "not-found")
		if answer.Header().Get("X-Evil") != "" {
			t.Error("a header was injected")
		}
	}
}

func TestTransportIsForTheSystemAndTheCommandLine(t *testing.T) {
	w := newWorld(t)
	door, err := api.NewTransport(w.config)
	ok(t, err)
	if _, served := door.(http.Handler); served {
		t.Error("it could be served to a network")
	}
	client := http.Client{Transport: door}
	ask := func(ctx context.Context, method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, "http://store"+api.Path+path, strings.NewReader(body))
		ok(t, err)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		answer, err := client.Do(r)
		ok(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		ok(t, err)
		return answer.StatusCode, string(text)
	}
	operator := account.WithActor(t.Context(), account.Actor{Kind: account.ActorCLI, Name: "op"})
	if code, text := ask(operator, http.MethodPut, "/clients/reports", webSettings); code != http.StatusCreated {
		t.Fatalf("%d %s", code, text)
	}
	if e := w.events("client.created")[0]; e.Actor.Kind != account.ActorCLI || e.Actor.Name != "op" {
		t.Errorf("%+v", e.Actor)
	}
	if code, text := ask(operator, http.MethodGet, "/me", ""); code != http.StatusOK || !strings.Contains(text, `"super_admin":true`) {
		t.Errorf("%d %s", code, text)
	}
	narrow := account.WithRights(operator, account.Rights{Permissions: account.Permissions{account.ViewUsers}})
	if code, _ := ask(narrow, http.MethodGet, "/clients", ""); code != http.StatusForbidden {
		t.Errorf("rights of the context do not count: %d", code)
	}
	for _, kind := range []string{account.ActorUser, account.ActorClient, account.ActorGuest} {
		if code, _ := ask(account.WithActor(t.Context(), account.Actor{Kind: kind, ID: "x"}), http.MethodGet, "/clients", ""); code != http.StatusInternalServerError {
			t.Errorf("%s came in: %d", kind, code)
		}
	}
}

// The context of a request never opens the door that a Transport has.
func TestHandlerForgetsWhoTheContextNames(t *testing.T) {
	w := newWorld(t)
	handler, err := api.New(w.config)
	ok(t, err)
	r := newRequest(http.MethodGet, "/clients")
	ctx := account.WithRights(account.WithActor(r.Context(), account.Actor{Kind: account.ActorCLI}), account.Rights{SuperAdmin: true})
	w.handler = web.New(web.Config{})(handler)
	w.serve(r.WithContext(ctx)).wantProblem(401, "no-token")
}
