package api_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

// What a body can cost is bounded, whatever fills its megabyte: a few of them must not take the memory of the server.
func TestHostileBodiesAreRefusedCheaply(t *testing.T) {
	w := newWorld(t)
	a := w.as(w.user("clerk", account.CreateClients, account.EditClients, account.CreateAPIs, account.ViewTokens), "admin")
	w.webClient("app")
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	for name, body := range map[string]string{
		"fields that nobody knows":       `{` + numbered(70_000, `"%d":1,`) + `}`,
		"the same, within":               `{"clients":[{` + numbered(70_000, `"%d":1,`) + `}]}`,
		"items of the wrong type":        `{"redirect_uris":[` + strings.TrimSuffix(strings.Repeat(`1,`, 400_000), ",") + `]}`,
		"empty clients":                  `{"clients":[` + strings.TrimSuffix(strings.Repeat(`{},`, 300_000), ",") + `]}`,
		"clients with a fault each":      `{"clients":[` + numbered(40_000, `{"client_id":"%d"},`) + `]}`,
		"a name that is all of the body": `{"` + strings.Repeat("~", 900_000) + `":1}`,
		"empty scopes":                   `{"identifier":"urn:a","scopes":[` + strings.TrimSuffix(strings.Repeat(`{},`, 300_000), ",") + `]}`,
		"empty lists":                    `{"a":[` + strings.TrimSuffix(strings.Repeat(`[],`, 300_000), ",") + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, ask := range [][2]string{
				{http.MethodPost, "/clients"}, {http.MethodPatch, "/clients/app"}, {http.MethodPost, "/import/clients"}, {http.MethodPost, "/tokens/inspect"}, {http.MethodPost, "/apis"},
			} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				answer := a.do(ask[0], ask[1], body)
				runtime.ReadMemStats(&after)
				if answer.Code != http.StatusBadRequest && answer.Code != http.StatusUnprocessableEntity && answer.Code != http.StatusForbidden {
					t.Errorf("%s %s: %d", ask[0], ask[1], answer.Code)
				}
				if answer.Body.Len() > 32<<10 {
					t.Errorf("%s %s is answered with %d bytes", ask[0], ask[1], answer.Body.Len())
				}
				if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 100 {
					t.Errorf("%s %s took %d MB", ask[0], ask[1], took)
				}
			}
		})
	}
}

// A large file of clients is none of those.
func TestALargeImportIsWithinTheBounds(t *testing.T) {
	w := newWorld(t)
	var b strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&b, `{"client_id":"c%d","client_name":"Client %d","token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],`+
			`"redirect_uris":["https://app.example.com/%d","https://app.example.com/%d/2"],"scope":"profile","access_token_format":"opaque","audience":["https://api.example.com"],"disabled":false},`, i, i, i, i)
	}
	// One fault at the end, so that all is read and checked, and nothing written.
	w.admin().do(http.MethodPost, "/import/clients", `{"clients":[`+b.String()+`{}]}`).wantProblem(422, "invalid-fields", "/clients/1500/client_id", "/clients/1500/redirect_uris")
}

// A part of a query that is passed over would leave a wider question, a tag that is passed over a condition that always holds.
func TestWhatCannotBeReadInFullIsRefused(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	w.webClient("app")
	for _, query := range []string{"q=a;limit=1", "q=%zz", "%", "limit=1&to=2026;"} {
		a.get("/clients?"+query).wantProblem(400, "malformed-request")
	}
	for _, tags := range []string{`"x", *`, `*, "x"`, `W/*`} {
		a.do(http.MethodPatch, "/clients/app", `{"client_uri":"https://app.example.com"}`, header("If-Match: "+tags)).wantProblem(412, "stale")
	}
	a.do(http.MethodPatch, "/clients/app", `{"client_uri":"https://app.example.com"}`, header("If-Match: *")).want(200)
}
