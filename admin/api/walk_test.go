package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// sample is a request that succeeds for whoever may make it: to things that were made for it alone.
type sample struct {
	path string // below the API
	body any
}

var samples int

// sampleOf makes what the request is about, with no rights of its own, so that only the rule of the operation counts.
func (w *world) sampleOf(rule access.Rule) sample {
	w.t.Helper()
	samples++
	id := fmt.Sprintf("sample-%d", samples)
	path := strings.TrimPrefix(rule.Path, api.Path)
	replace := func(name, value string) { path = strings.ReplaceAll(path, name, value) }
	var user *account.User
	if strings.Contains(path, "{user_id}") || strings.Contains(path, "{member_id}") || strings.Contains(path, "{authorization_id}") {
		user = w.user(id)
		replace("{user_id}", user.ID)
		replace("{member_id}", user.ID)
	}
	if strings.Contains(path, "{request_id}") {
		request := fmt.Sprintf("%012x%020x", w.now().UnixMilli(), samples)
		w.provider.NoteRefusal(oauth.Explanation{ID: request, Address: fmt.Sprintf("10.0.%d.%d", samples>>8, samples&255)}, nil)
		w.provider.FlushRefusals(w.system())
		replace("{request_id}", request)
	}
	if strings.Contains(path, "{session_id}") {
		_, session, err := w.people.StartSession(w.system(), user, account.NewSession{})
		ok(w.t, err)
		replace("{session_id}", session.ID)
	}
	if strings.Contains(path, "{authorization_id}") {
		w.token(user, "clients:view")
		live, _, err := w.provider.LiveAuthorizations(w.system(), "user:"+user.ID, "", 1)
		ok(w.t, err)
		replace("{authorization_id}", live[0].ID)
	}
	if strings.Contains(path, "{client_id}") {
		c := w.webClient(id)
		replace("{client_id}", id)
		replace("{secret_id}", c.Secrets[0].ID)
	}
	if strings.Contains(path, "{group_id}") {
		g, err := w.people.CreateGroup(w.system(), account.NewGroup{Name: id})
		ok(w.t, err)
		replace("{group_id}", g.ID)
	}
	if strings.Contains(path, "{api_id}") {
		a := w.api(oauth.APIRegistration{Identifier: "https://" + id + ".example.com"})
		replace("{api_id}", a.ID)
	}
	client := map[string]any{"client_name": id + " new", "redirect_uris": []string{callback}}
	bodies := map[string]any{
		"POST /clients":                            client,
		"PUT /clients/{client_id}":                 client,
		"PATCH /clients/{client_id}":               map[string]any{"client_uri": "https://app.example.com"},
		"POST /apis":                               map[string]any{"identifier": "https://new." + id + ".example.com"},
		"PUT /apis/{api_id}":                       map[string]any{"name": id},
		"PATCH /apis/{api_id}":                     map[string]any{"access_token_format": "jwt"},
		"POST /import/clients":                     map[string]any{"clients": []any{map[string]any{"client_id": id, "client_name": id, "redirect_uris": []string{callback}}}},
		"POST /tokens/inspect":                     map[string]any{"token": "nothing"},
		"POST /tokens/revoke":                      map[string]any{"token": "nothing"},
		"POST /users":                              map[string]any{"username": id, "password": password},
		"PUT /users/{user_id}":                     map[string]any{"username": id, "name": "New"},
		"PATCH /users/{user_id}":                   map[string]any{"name": "Newer"},
		"PUT /users/{user_id}/password":            map[string]any{"password": password + " 2"},
		"POST /groups":                             map[string]any{"name": id},
		"PUT /groups/{group_id}":                   map[string]any{"name": id + " new"},
		"PATCH /groups/{group_id}":                 map[string]any{"description": "new"},
		"POST /keys/rotate":                        map[string]any{"force": true},
		"POST /keys/withdraw":                      map[string]any{"all": true},
		"POST /clients/{client_id}/secrets":        map[string]any{"name": "second"},
		"POST /clients/{client_id}/secrets/rotate": map[string]any{"overlap": "1h"},
	}
	if path == "/users/"+userID(user)+"/consents/"+id {
		path = strings.Replace(path, id, oauth.CommandLineClient, 1)
		if user != nil {
			w.token(user, "clients:view")
		}
	}
	return sample{path, bodies[rule.Method+" "+strings.TrimPrefix(rule.Path, api.Path)]}
}

func userID(u *account.User) string {
	if u == nil {
		return "nobody"
	}
	return u.ID
}

// isAllowed says what the table says.
func isAllowed(need access.Need, rights account.Rights) bool { return need.Check(rights) == nil }

// walk asks for every operation, and expects what the rights allow.
func (w *world) walk(who string, c *caller, rights account.Rights) {
	w.t.Helper()
	for _, rule := range access.API() {
		s := w.sampleOf(rule)
		answer := c.do(rule.Method, s.path, s.body)
		if isAllowed(rule.Need, rights) {
			if answer.Code >= 300 && !(answer.Code == http.StatusNotFound && strings.Contains(rule.Path, "/consents/{")) {
				w.t.Errorf("%s: %s answers %d: %s", who, rule.Key(), answer.Code, answer.Body)
			}
			continue
		}
		w.expectInsufficient(who, rule, answer)
	}
}

func (w *world) expectInsufficient(who string, rule access.Rule, answer *result) {
	w.t.Helper()
	need := string(rule.Need)
	if rule.Need == access.Any {
		need = "admin"
	}
	want := `Bearer realm="grantor", error="insufficient_scope", scope="` + need + `"`
	if answer.Code != http.StatusForbidden || answer.Header().Get("WWW-Authenticate") != want {
		w.t.Errorf("%s: %s answers %d with %q: %s", who, rule.Key(), answer.Code, answer.Header().Get("WWW-Authenticate"), answer.Body)
	}
}

func TestEveryOperationAsksForTheRightsThatTheTableNames(t *testing.T) {
	w := newWorld(t)
	w.superAdmin("another") // so that none is the last
	w.walk("super admin", w.as(w.superAdmin("root"), "admin"), account.Rights{SuperAdmin: true})
	w.walk("user with nothing", w.as(w.user("nobody"), "admin"), account.Rights{})
	for _, p := range account.AllPermissions() {
		name := strings.ReplaceAll(string(p.Permission), ":", ".")
		only := account.Rights{Permissions: account.Permissions{p.Permission}}
		w.walk("user with "+name, w.as(w.user(name, p.Permission), "admin"), only)
	}
}

func TestScopeNarrowsWhatATokenReaches(t *testing.T) {
	w := newWorld(t)
	root := w.superAdmin("root")
	for _, p := range []account.Permission{account.ViewClients, account.EditKeys} {
		w.walk("super admin with scope "+string(p), w.as(root, string(p)), account.Rights{Permissions: account.Permissions{p}})
	}
	both := w.as(w.user("both", account.ViewUsers), "clients:view users:view")
	w.walk("scope that the user lacks", both, account.Rights{Permissions: account.Permissions{account.ViewUsers}})
}

// machineToken gives a client a token for itself.
func (w *world) machineToken(c *oauth.Client, scope string) *caller {
	w.t.Helper()
	tokens, err := w.provider.Token(w.system(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: scope})
	ok(w.t, err)
	w.keep(tokens.AccessToken)
	return &caller{w, tokens.AccessToken}
}

func (w *world) machine(id string, format oauth.AccessTokenFormat, permissions ...account.Permission) *oauth.Client {
	w.t.Helper()
	c, _ := w.client(oauth.Registration{
		ClientID: id, ClientName: id, GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, AccessTokenFormat: format, Permissions: permissions, Scope: "plain",
	})
	return c
}

func TestClientsActByTheirOwnPermissions(t *testing.T) {
	w := newWorld(t)
	held := account.Permissions{account.ViewClients, account.ViewAudit}
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		c := w.machine("machine-"+string(format), format, held...)
		w.walk("client with admin", w.machineToken(c, "admin"), account.Rights{Permissions: held})
		w.walk("client with one scope", w.machineToken(c, "audit:view"), account.Rights{Permissions: held[1:]})
		w.walk("client without such a scope", w.machineToken(c, "plain"), account.Rights{})
	}
	me := read[api.Me](w.machineToken(w.machine("m", oauth.JWT, held...), "admin").get("/me"))
	if me.Actor.Kind != "client" || me.Actor.ID != "m" || me.ClientID != "m" || me.UserID != "" || me.SuperAdmin || !slices.Equal(me.Permissions, held) {
		t.Errorf("%+v", me)
	}
}

// everyGuarded asks for all operations that need somebody, and expects 401.
func (w *world) everyGuarded(who, challenge string, ask func(rule access.Rule, path string) *result) {
	w.t.Helper()
	for _, rule := range access.API() {
		if rule.Need == access.Nothing {
			continue
		}
		answer := ask(rule, strings.NewReplacer("{", "", "}", "").Replace(strings.TrimPrefix(rule.Path, api.Path)))
		if answer.Code != http.StatusUnauthorized || answer.Header().Get("WWW-Authenticate") != challenge {
			w.t.Errorf("%s: %s answers %d with %q", who, rule.Key(), answer.Code, answer.Header().Get("WWW-Authenticate"))
		}
	}
}

const (
	asked    = `Bearer realm="grantor"`
	rejected = `Bearer realm="grantor", error="invalid_token"`
)

func TestWithoutATokenNobodyComesIn(t *testing.T) {
	w := newWorld(t)
	root := w.superAdmin("root")
	cookie, _, err := w.people.StartSession(w.system(), root, account.NewSession{})
	ok(t, err)
	token := w.token(root, "admin")
	session := web.Cookie(web.NewCookieNames(base).Session, cookie, true, 0)
	for who, headers := range map[string][]header{
		"guest":           nil,
		"cookie":          {header("Cookie: " + session.Name + "=" + session.Value)},
		"basic":           {"Authorization: Basic cm9vdDpyb290"},
		"empty":           {"Authorization: Bearer"},
		"no scheme":       {header("Authorization: " + token)},
		"token as cookie": {header("Cookie: access_token=" + token)},
	} {
		w.everyGuarded(who, asked, func(rule access.Rule, path string) *result { return w.guest().do(rule.Method, path, nil, headers...) })
	}
	w.everyGuarded("token in the query", asked, func(rule access.Rule, path string) *result {
		return w.guest().do(rule.Method, path+"?access_token="+token, nil)
	})
	w.everyGuarded("token in the body", asked, func(rule access.Rule, path string) *result {
		return w.guest().do(rule.Method, path, "access_token="+token, "Content-Type: application/x-www-form-urlencoded")
	})
}

func TestTokensThatAreWorthNothingAreRefused(t *testing.T) {
	w := newWorld(t)
	expired := w.as(w.superAdmin("expired"), "admin")
	w.move(25 * time.Hour)
	w.superAdmin("keeper")
	blocked, deleted, revoked := w.superAdmin("blocked"), w.superAdmin("deleted"), w.superAdmin("revoked")
	ofBlocked, ofDeleted, ofRevoked := w.as(blocked, "admin"), w.as(deleted, "admin"), w.as(revoked, "admin")
	ok(t, w.people.SetBlocked(w.system(), blocked.ID, account.Block))
	ok(t, w.people.DeleteUser(w.system(), deleted.ID))
	_, err := w.provider.RevokeToken(w.system(), ofRevoked.token)
	ok(t, err)
	disabled := w.machine("disabled", oauth.JWT, account.ViewClients)
	ofDisabled := w.machineToken(disabled, "admin")
	ok(t, w.provider.SetClientState(w.system(), "disabled", oauth.Disabled))
	elsewhere, _ := w.client(oauth.Registration{
		ClientID: "elsewhere", ClientName: "elsewhere", GrantTypes: []oauth.GrantType{oauth.ClientCredentials},
		Audience: []string{"https://api.example.com"}, Scope: "plain", Permissions: account.Permissions{account.ViewClients},
	})
	good := w.as(w.superAdmin("good"), "admin").token
	for who, c := range map[string]*caller{
		"expired": expired, "blocked": ofBlocked, "deleted": ofDeleted, "revoked": ofRevoked, "disabled client": ofDisabled,
		"another audience": w.machineToken(elsewhere, "plain"), "nonsense": {w, "nonsense"}, "cut off": {w, good[:len(good)-1]},
		"a JWT of nobody": {w, "eyJhbGciOiJub25lIn0.e30."}, "another letter": {w, good[:len(good)-1] + "!"},
	} {
		w.everyGuarded(who, rejected, func(rule access.Rule, path string) *result { return c.do(rule.Method, path, nil) })
	}
}

func TestRightsThatAreTakenCountAtTheNextRequest(t *testing.T) {
	w := newWorld(t)
	u := w.user("alice", account.ViewClients)
	c := w.as(u, "admin")
	c.get("/clients").want(http.StatusOK)
	_, err := w.people.UpdateUser(w.system(), u.ID, 0, func(u *account.User) error { u.Permissions = nil; return nil })
	ok(t, err)
	c.get("/clients").want(http.StatusForbidden)
}

func TestTwoAuthorizationsAreRefused(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	r := newRequest(http.MethodGet, "/me")
	r.Header["Authorization"] = []string{"Bearer " + a.token, "Bearer " + a.token}
	w.serve(r).wantProblem(http.StatusBadRequest, "malformed-request")
	a.get("/me", header("Authorization: bearer  "+a.token)).want(http.StatusOK)
}

func TestRefusalsAreInTheAuditLog(t *testing.T) {
	w := newWorld(t)
	u := w.user("alice", account.EditUsers)
	c := w.as(u, "admin")
	w.guest().get("/keys")
	c.get("/keys").want(http.StatusForbidden)
	root := w.superAdmin("root")
	c.do(http.MethodPost, "/users/"+root.ID+"/block", nil).wantProblem(http.StatusForbidden, "forbidden")
	events, _, err := w.audit.Find(w.system(), account.AuditQuery{Action: "access.refused"})
	ok(t, err)
	if len(events) != 2 {
		t.Fatalf("%d refusals are noted, not 2", len(events))
	}
	e := events[1]
	if e.Object != "api:/admin/api/v1/keys" || e.Actor.ID != u.ID || e.Actor.Address != "192.0.2.1" || e.RequestID == "" || e.Detail["method"] != "GET" {
		t.Errorf("%+v", e)
	}
	if events[0].Object != "api:/admin/api/v1/users/{user_id}/block" {
		t.Errorf("%+v", events[0])
	}
}

func TestTableAndOperationsAreTheSame(t *testing.T) {
	w := newWorld(t)
	ok(t, api.BuildWith(w.config, access.API()))
	if err := api.BuildWith(w.config, access.API()[1:]); err == nil || !strings.Contains(err.Error(), "no rule says who may GET /admin/api/v1/openapi.json") {
		t.Errorf("an operation without a rule: %v", err)
	}
	extra := append(access.API(), access.Rule{Method: "GET", Path: api.Path + "/extra", Need: access.Nothing})
	if err := api.BuildWith(w.config, extra); err == nil || !strings.Contains(err.Error(), "no operation serves GET /admin/api/v1/extra") {
		t.Errorf("a rule without an operation: %v", err)
	}
}
