package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
)

func TestUserIsMadeAndChanged(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	g := w.group("Operators", account.ViewAudit)
	made := a.do(http.MethodPost, "/users", fmt.Sprintf(`{"username": "Alice", "name": "Alice Ä", "email": "alice@example.com", "password": %q, "groups": [%q],
		"permissions": ["users:view", "clients:view"]}`, password, g.ID)).want(http.StatusCreated)
	u := read[api.User](made)
	if made.Header().Get("Location") != base+api.Path+"/users/"+u.ID || u.Username != "alice" || u.SuperAdmin || !slices.Equal(u.Groups, []string{g.ID}) ||
		!slices.Equal(u.GroupNames, []string{"Operators"}) || !slices.Equal(u.Permissions, account.Permissions{account.ViewClients, account.ViewUsers}) {
		t.Errorf("%v %+v", made.Header(), u)
	}
	path := "/users/" + u.ID
	if got := a.get(path); got.Header().Get("ETag") != made.Header().Get("ETag") {
		t.Errorf("%v", got.Header())
	}
	same := a.do(http.MethodPut, path, made.Body.String()).want(http.StatusOK)
	if same.Header().Get("ETag") != made.Header().Get("ETag") {
		t.Error("what GET gave, put back, changed something")
	}
	u = read[api.User](a.do(http.MethodPatch, path, `{"name": null, "groups": [], "super_admin": true}`).want(http.StatusOK))
	if u.Name != "" || len(u.Groups) != 0 || !u.SuperAdmin || u.Email != "alice@example.com" || len(u.Permissions) != 2 {
		t.Errorf("%+v", u)
	}
	u = read[api.User](a.do(http.MethodPut, path, `{"username": "alicia"}`).want(http.StatusOK))
	if u.Username != "alicia" || u.SuperAdmin || u.Email != "" || len(u.Permissions) != 0 {
		t.Errorf("%+v", u)
	}
	a.do(http.MethodDelete, path, nil, `If-Match: "x"`).wantProblem(412, "stale")
	a.do(http.MethodDelete, path, nil).want(http.StatusNoContent)
	a.get(path).wantProblem(404, "not-found")
	a.do(http.MethodPut, path, `{"username": "alicia"}`).wantProblem(404, "not-found")
}

func TestFaultsOfAUserAreNamed(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	u := w.user("alice")
	path := "/users/" + u.ID
	a.do(http.MethodPost, "/users", `{}`).wantProblem(422, "invalid-fields", "/username", "/password")
	a.do(http.MethodPost, "/users", `{"username": "bob", "password": "short", "email": "x", "groups": ["grp_x"], "permissions": ["everything"]}`).
		wantProblem(422, "invalid-fields", "/email", "/password", "/groups", "/permissions")
	a.do(http.MethodPost, "/users", fmt.Sprintf(`{"username": "ALICE", "password": %q}`, password)).wantProblem(409, "taken", "/username")
	a.do(http.MethodPatch, path, `{"username": null}`).wantProblem(422, "invalid-fields", "/username")
	a.do(http.MethodPatch, path, `{"blocked": true, "id": "usr_x", "password": "something long enough"}`).wantProblem(422, "invalid-fields", "/blocked", "/id")
	a.do(http.MethodPatch, path, `{"password": "something long enough"}`).wantProblem(422, "invalid-fields", "/password")
	a.do(http.MethodPut, path+"/password", `{"password": "short"}`).wantProblem(422, "invalid-fields", "/password")
}

func TestLastSuperAdminStays(t *testing.T) {
	w := newWorld(t)
	root := w.superAdmin("root")
	a := w.as(root, "admin")
	path := "/users/" + root.ID
	a.do(http.MethodDelete, path, nil).wantProblem(409, "last-super-admin")
	a.do(http.MethodPost, path+"/block", nil).wantProblem(409, "last-super-admin")
	a.do(http.MethodPatch, path, `{"super_admin": false}`).wantProblem(409, "last-super-admin")
}

func TestNobodyRaisesHimselfOrTouchesTheMightier(t *testing.T) {
	w := newWorld(t)
	root := w.superAdmin("root")
	u := w.user("alice", account.ViewUsers, account.CreateUsers, account.EditUsers, account.DeleteUsers, account.EditGroups)
	c := w.as(u, "admin")
	mighty := w.group("Mighty", account.EditKeys)
	for _, ask := range []struct{ method, path, body string }{
		{http.MethodPatch, "/users/" + u.ID, `{"permissions": ["users:view", "keys:edit"]}`},
		{http.MethodPatch, "/users/" + u.ID, `{"super_admin": true}`},
		{http.MethodPatch, "/users/" + u.ID, fmt.Sprintf(`{"groups": [%q]}`, mighty.ID)},
		{http.MethodPut, "/groups/" + mighty.ID + "/members/" + u.ID, ``},
		{http.MethodPut, "/users/" + root.ID + "/password", fmt.Sprintf(`{"password": %q}`, password)},
		{http.MethodPatch, "/users/" + root.ID, `{"email": "evil@example.com"}`},
		{http.MethodDelete, "/users/" + root.ID, ``},
		{http.MethodPost, "/users/" + root.ID + "/block", ``},
		{http.MethodPost, "/users", fmt.Sprintf(`{"username": "bob", "password": %q, "super_admin": true}`, password)},
	} {
		c.do(ask.method, ask.path, ask.body).wantProblem(403, "forbidden")
	}
	narrow := w.as(root, "users:edit users:view")
	narrow.do(http.MethodPatch, "/users/"+u.ID, `{"super_admin": true}`).wantProblem(403, "forbidden")
}

func TestUsersAreBlockedAndSignedOut(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	u := w.user("alice")
	path := "/users/" + u.ID
	for range 2 {
		_, _, err := w.people.StartSession(w.system(), u, account.NewSession{Address: "192.0.2.9", UserAgent: "Browser"})
		ok(t, err)
	}
	sessions := read[api.Page[api.Session]](a.get(path + "/sessions"))
	if len(sessions.Items) != 2 || sessions.Items[0].UserAgent != "Browser" || *sessions.Total != 2 {
		t.Fatalf("%+v", sessions)
	}
	a.do(http.MethodDelete, path+"/sessions/"+sessions.Items[0].ID, nil).want(http.StatusNoContent)
	a.do(http.MethodDelete, path+"/sessions/"+sessions.Items[0].ID, nil).wantProblem(404, "not-found")
	other := w.user("bob")
	a.do(http.MethodDelete, "/users/"+other.ID+"/sessions/"+sessions.Items[1].ID, nil).wantProblem(404, "not-found")
	a.do(http.MethodDelete, path+"/sessions", nil).want(http.StatusNoContent)
	if left := read[api.Page[api.Session]](a.get(path + "/sessions")); len(left.Items) != 0 {
		t.Errorf("%+v", left)
	}
	if !read[api.User](a.do(http.MethodPost, path+"/block", nil).want(http.StatusOK)).Blocked {
		t.Error("not blocked")
	}
	if read[api.User](a.do(http.MethodPost, path+"/unblock", nil).want(http.StatusOK)).Blocked {
		t.Error("still blocked")
	}
}

func TestPermissionsOfAUserAreExplained(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	top, inner := w.group("Top", account.ViewKeys), w.group("Inner")
	ok(t, w.people.AddMember(w.system(), top.ID, inner.ID))
	u := w.user("alice", account.ViewClients)
	ok(t, w.people.AddMember(w.system(), inner.ID, u.ID))
	got := read[api.EffectivePermissions](a.get("/users/" + u.ID + "/permissions").want(http.StatusOK))
	if len(got.Permissions) != 2 || len(got.Permissions[0].Sources[0].Groups) != 0 || got.Permissions[1].Permission != account.ViewKeys {
		t.Fatalf("%+v", got)
	}
	way := got.Permissions[1].Sources[0].Groups
	if len(way) != 2 || way[0].Name != "Inner" || way[1].Name != "Top" {
		t.Errorf("%+v", way)
	}
}

func TestUsersAreFound(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	for i := range 5 {
		w.user(fmt.Sprintf("user%d", i))
	}
	first := read[api.Page[api.User]](a.get("/users?q=USER&limit=3&sort=-username"))
	second := read[api.Page[api.User]](a.get("/users?q=USER&limit=3&sort=-username&cursor=" + first.NextCursor))
	if *first.Total != 5 || len(first.Items) != 3 || len(second.Items) != 2 || first.Items[0].Username != "user4" || second.Items[1].Username != "user0" || second.NextCursor != "" {
		t.Errorf("%+v %+v", first, second)
	}
	if found := read[api.Page[api.User]](a.get("/users?username=User3")); len(found.Items) != 1 || found.Items[0].Username != "user3" {
		t.Errorf("%+v", found)
	}
	if found := read[api.Page[api.User]](a.get("/users?username=nobody")); len(found.Items) != 0 {
		t.Errorf("%+v", found)
	}
	a.get("/users?cursor="+first.NextCursor).wantProblem(422, "invalid-fields", "cursor")
	a.get("/users?sort=password").wantProblem(422, "invalid-fields", "sort")
}

func TestGroupsAreManaged(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	made := a.do(http.MethodPost, "/groups", `{"name": "Operators", "description": "They run it.", "permissions": ["audit:view"]}`).want(http.StatusCreated)
	g := read[api.Group](made)
	path := "/groups/" + g.ID
	if made.Header().Get("Location") != base+api.Path+path || len(g.Permissions) != 1 || len(g.MemberOf) != 0 {
		t.Errorf("%+v", g)
	}
	a.do(http.MethodPost, "/groups", `{"name": "OPERATORS"}`).wantProblem(409, "taken", "/name")
	a.do(http.MethodPut, path, made.Body.String(), header("If-Match: "+made.Header().Get("ETag"))).want(http.StatusOK)
	top := w.group("Top")
	g = read[api.Group](a.do(http.MethodPatch, path, fmt.Sprintf(`{"member_of": [%q], "description": null}`, top.ID)).want(http.StatusOK))
	if !slices.Equal(g.MemberOfNames, []string{"Top"}) || g.Description != "" || g.Name != "Operators" {
		t.Errorf("%+v", g)
	}
	a.do(http.MethodPatch, "/groups/"+top.ID, fmt.Sprintf(`{"member_of": [%q]}`, g.ID)).wantProblem(422, "invalid-fields", "/member_of")
	u := w.user("alice")
	for range 2 {
		a.do(http.MethodPut, path+"/members/"+u.ID, nil).want(http.StatusNoContent)
	}
	members := read[api.Members](a.get(path + "/members"))
	if len(members.Users) != 1 || members.Users[0].Name != "alice" || len(members.Groups) != 0 {
		t.Errorf("%+v", members)
	}
	if inner := read[api.Members](a.get("/groups/" + top.ID + "/members")); len(inner.Groups) != 1 || inner.Groups[0].ID != g.ID {
		t.Errorf("%+v", inner)
	}
	for range 2 {
		a.do(http.MethodDelete, path+"/members/"+u.ID, nil).want(http.StatusNoContent)
	}
	a.do(http.MethodPut, path+"/members/usr_x", nil).wantProblem(404, "not-found")
	a.do(http.MethodDelete, path, nil, `If-Match: "x"`).wantProblem(412, "stale")
	a.do(http.MethodDelete, path, nil).want(http.StatusNoContent)
	a.get(path).wantProblem(404, "not-found")
	a.get(path+"/members").wantProblem(404, "not-found")
}

func TestGroupsAreListedInPages(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	for _, name := range []string{"delta", "Alpha", "charlie", "Bravo"} {
		w.group(name)
	}
	var seen []string
	for cursor := ""; ; {
		page := read[api.Page[api.Group]](a.get("/groups?limit=2&cursor=" + cursor))
		for _, g := range page.Items {
			seen = append(seen, g.Name)
		}
		if *page.Total != 4 {
			t.Errorf("total %d", *page.Total)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if strings.Join(seen, " ") != "Alpha Bravo charlie delta" {
		t.Errorf("%q", seen)
	}
	if found := read[api.Page[api.Group]](a.get("/groups?q=LPH")); len(found.Items) != 1 {
		t.Errorf("%+v", found)
	}
	if found := read[api.Page[api.Group]](a.get("/groups?name=CHARLIE")); len(found.Items) != 1 {
		t.Errorf("%+v", found)
	}
	a.get("/groups?cursor=!!").wantProblem(422, "invalid-fields", "cursor")
}

func TestGroupsThatAreGoneAreNotShown(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	g := w.group("Gone")
	u := w.user("alice")
	ok(t, w.people.AddMember(w.system(), g.ID, u.ID))
	ok(t, w.people.DeleteGroup(w.system(), g.ID))
	shown := a.get("/users/" + u.ID)
	if got := read[api.User](shown); len(got.Groups) != 0 || got.GroupNames == nil {
		t.Errorf("%+v", got)
	}
	a.do(http.MethodPut, "/users/"+u.ID, shown.Body.String()).want(http.StatusOK)
}

// A store that does not answer is no fault of whoever asks.
func TestStoreThatIsAwayIsTold(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	ok(t, w.store.Close())
	for _, ask := range []struct{ method, path, body string }{
		{http.MethodGet, "/users", ""}, {http.MethodGet, "/clients", ""}, {http.MethodPost, "/clients", webSettings}, {http.MethodGet, "/me", ""},
	} {
		answer := a.do(ask.method, ask.path, ask.body).wantProblem(503, "unavailable")
		if answer.Header().Get("Retry-After") != "2" || strings.Contains(answer.Body.String(), "closed") {
			t.Errorf("%v %s", answer.Header(), answer.Body)
		}
	}
}
