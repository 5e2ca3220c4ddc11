package api_test

import (
	"net/http"
	"testing"
)

// Whatever is sent as a body is understood or refused; it is never a failure of the server, and never answered in part.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		webSettings, `{}`, `[]`, `null`, `{"a":{"b":[1,2,{"c":null}]}}`, `{"redirect_uris":[null,1,{}]}`, `{"access_token_lifetime":1e400}`,
		`{"access_token_lifetime":-1}`, `{"\u0000":1}`, `{"client_name":"\ud800"}`, `{"clients":[{"client_id":"a"}]}`, `{"expires":"2026-02-30T00:00:00Z"}`,
		`{"name":"a","name":"b"}`, `{"super_admin":true,"groups":["grp_"],"permissions":["x"]}`, `{"force":1}`, `{"before":"9999-12-31T23:59:60Z"}`,
	} {
		f.Add([]byte(seed))
	}
	w := newWorld(f)
	a, u, g := w.admin(), w.user("alice"), w.group("Operators")
	f.Fuzz(func(t *testing.T, body []byte) {
		w.t = t
		for _, ask := range []struct{ method, path string }{
			{http.MethodPut, "/clients/x"}, {http.MethodPatch, "/clients/x"}, {http.MethodPost, "/import/clients"}, {http.MethodPost, "/clients/x/secrets/rotate"},
			{http.MethodPut, "/users/" + u.ID}, {http.MethodPatch, "/groups/" + g.ID}, {http.MethodPost, "/tokens/revoke"}, {http.MethodPost, "/keys/rotate"},
		} {
			if answer := a.do(ask.method, ask.path, string(body)); answer.Code >= 500 {
				t.Errorf("%s %s: %d %s", ask.method, ask.path, answer.Code, answer.Body)
			}
		}
	})
}
