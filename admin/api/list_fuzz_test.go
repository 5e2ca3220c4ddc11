package api_test

import (
	"net/http"
	"net/url"
	"testing"
)

// FuzzLists: whatever is asked of a list, its parameters are understood or refused, never a failure of the server.
func FuzzLists(f *testing.F) {
	for _, seed := range []string{
		"", "cursor=e30&limit=1", "sort=-name&q=a", "cursor=%00%ff", "limit=-1&offset=-1", "limit=99999999999999999999", "since=2026-02-30T00:00:00Z", "since=9999-12-31T23:59:59Z&until=0001-01-01T00:00:00Z",
		"cursor=%C3%A4&action=x&object=client:", "sort=name&sort=-name", "a=%zz", "name=%F0%9F%98%80", "subject=usr_&client_id=x&cursor=1",
	} {
		f.Add(seed)
	}
	w := newWorld(f)
	a, u := w.admin(), w.user("alice")
	w.group("Operators")
	f.Fuzz(func(t *testing.T, query string) {
		w.t = t
		values, _ := url.ParseQuery(query) // as much of it as can be read
		for _, list := range []string{"/clients", "/apis", "/users", "/groups", "/audit", "/refusals", "/statistics", "/users/" + u.ID + "/authorizations", "/users/" + u.ID + "/sessions"} {
			if answer := a.do(http.MethodGet, list+"?"+values.Encode(), ""); answer.Code >= 500 {
				t.Errorf("%s?%s: %d %s", list, query, answer.Code, answer.Body)
			}
		}
	})
}
