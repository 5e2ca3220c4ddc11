package gateways

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// answer is what a caller got.
type answer struct {
	status    int
	body      string
	challenge []string
}

// call sends a request through the gateway. Every caller tries to say who he is.
func (s *site) call(method, path, body string, authorization ...string) answer {
	s.t.Helper()
	request := authtest.NewRequest(s.t, method, "http://"+s.gateway+path, nil)
	if body != "" {
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	for _, name := range []string{"X-Auth-Subject", "X-Auth-Client-Id", "X-Auth-Scope"} {
		request.Header[name] = []string{"smuggled"}
		request.Header[strings.ToLower(strings.ReplaceAll(name, "-", "_"))] = []string{"smuggled"}
	}
	for _, name := range []string{"OAUTH2_CLAIM_sub", "OAUTH2_CLAIM_active", "OAUTH2_CLAIM_scope"} {
		request.Header[name] = []string{"smuggled orders:read"}
	}
	if authorization != nil {
		request.Header["Authorization"] = authorization
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	came, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{response.StatusCode, string(came), response.Header.Values("WWW-Authenticate")}
}

// wantServed checks that the API got a request, and what it was told of the caller.
func (s *site) wantServed(token, client, scope string) {
	s.t.Helper()
	a := s.call(http.MethodGet, "/orders/1?x=y", "", "Bearer "+token)
	came := s.api.taken()
	if a.status != http.StatusOK || a.body != "the API" || len(came) != 1 {
		s.t.Errorf("a token of %s: answered %+v, %d requests at the API", client, a, len(came))
		return
	}
	if came[0].uri != "/orders/1?x=y" {
		s.t.Errorf("the API was asked for %s", came[0].uri)
	}
	var scopes []string
	if scope != "" {
		scopes = []string{scope}
	}
	for name, want := range map[string][]string{"X-Auth-Subject": {client}, "X-Auth-Client-Id": {client}, "X-Auth-Scope": scopes} {
		if got := came[0].told(name); !slices.Equal(got, want) {
			s.t.Errorf("%s is told as %q, not %q", name, got, want)
		}
	}
}

// wantRefused checks that a caller is refused and the API hears nothing. A status of 0 is any refusal.
func (s *site) wantRefused(what string, a answer, status int, challenge ...string) {
	s.t.Helper()
	if a.status < 400 || status != 0 && a.status != status {
		s.t.Errorf("%s: answered %+v, not %d", what, a, status)
	}
	if status == 401 || status == 403 {
		if len(a.challenge) != 1 || !strings.HasPrefix(a.challenge[0], "Bearer ") {
			s.t.Errorf("%s: challenged by %q", what, a.challenge)
		}
	}
	for _, part := range challenge {
		if !strings.Contains(strings.Join(a.challenge, "\n"), part) {
			s.t.Errorf("%s: challenged by %q, without %s", what, a.challenge, part)
		}
	}
	if came := s.api.taken(); len(came) != 0 {
		s.t.Errorf("%s: %d requests reached the API", what, len(came))
	}
}

func eachGateway(t *testing.T, test func(*testing.T, gateway)) {
	for _, g := range all() {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			test(t, g)
		})
	}
}

func TestAGatewayLetsThroughWhoMayPass(t *testing.T) {
	eachGateway(t, func(t *testing.T, g gateway) {
		s := guarded(t, g)
		s.wantServed(s.token("shop", "resource", ordersAPI), "shop", "orders:read orders:write orders:read-all")
		s.wantServed(s.token("shop", "resource", ordersAPI, "resource", otherAPI), "shop", "orders:read orders:write orders:read-all")
		jwt := s.token("shop-jwt")
		s.wantServed(jwt, "shop-jwt", "orders:read orders:write")
		if a := s.call(http.MethodGet, "/orders/1", "", "bearer "+jwt); a.status != http.StatusOK {
			t.Errorf("the scheme in small letters: answered %+v", a)
		}
		s.api.taken()
		body := strings.Repeat("0123456789", 10_000)
		if a := s.call(http.MethodPost, "/orders/", body, "Bearer "+jwt); a.status != http.StatusOK {
			t.Errorf("a request with a body: answered %+v", a)
		}
		if came := s.api.taken(); len(came) != 1 || came[0].method != http.MethodPost || came[0].body != body {
			t.Error("the body did not reach the API")
		}
		for path, status := range map[string]int{"/orders/forbidden": http.StatusForbidden, "/orders/broken": http.StatusInternalServerError} {
			if a := s.call(http.MethodGet, path, "", "Bearer "+jwt); a.status != status || a.body != "the API" || a.challenge != nil {
				t.Errorf("%s of the API itself: answered %+v", path, a)
			}
		}
	})
}

func TestAGatewayRefusesWhoMayNot(t *testing.T) {
	eachGateway(t, func(t *testing.T, g gateway) {
		s := guarded(t, g)
		good, forOther := s.token("shop", "resource", ordersAPI), s.token("shop", "resource", otherAPI)
		get := func(path string, authorization ...string) answer {
			return s.call(http.MethodGet, path, "", authorization...)
		}
		s.wantRefused("no token", get("/orders/1"), 401)
		s.wantRefused("Basic", get("/orders/1", "Basic c2hvcDpzaG9w"), 401)
		s.wantRefused("a token in the query", get("/orders/1?access_token="+good), 401)
		s.wantRefused("junk", get("/orders/1", "Bearer junk"), 401, `error="invalid_token"`)
		s.wantRefused("a token for another API", get("/orders/1", "Bearer "+forOther), 401, `error="invalid_token"`)
		s.wantRefused("a token of the API's own client for another API", get("/orders/1", "Bearer "+s.token("orders")), 0)
		s.wantRefused("another audience in the query", get("/orders/1?audience="+otherAPI, "Bearer "+forOther), 401)
		s.wantRefused("another audience added", get("/orders/1&audience="+otherAPI, "Bearer "+forOther), 0)
		s.wantRefused("another audience encoded", get("/orders/1?x&%61udience="+otherAPI, "Bearer "+forOther), 0)
		insufficient := []string{`error="insufficient_scope"`, `scope="orders:read"`}
		for _, scope := range []string{"orders:write", "orders:read-all"} {
			s.wantRefused(scope, get("/orders/1", "Bearer "+s.token("shop", "resource", ordersAPI, "scope", scope)), 403, insufficient...)
		}
		s.wantRefused("no scope", get("/orders/1", "Bearer "+s.token("bare")), 403, insufficient...)
		s.wantRefused("two headers, the good one first", get("/orders/1", "Bearer "+good, "Bearer "+forOther), 0)
		s.wantRefused("two headers, the good one last", get("/orders/1", "Bearer "+forOther, "Bearer "+good), 0)
		s.wantRefused("another method", s.call(http.MethodOptions, "/orders/1", ""), 401)
		s.wantRefused("the location that asks", get("/auth/orders-read", "Bearer "+good), 404)
	})
}

func TestARevokedTokenIsRefusedAtOnce(t *testing.T) {
	eachGateway(t, func(t *testing.T, g gateway) {
		s := guarded(t, g)
		for _, client := range []string{"shop", "shop-jwt"} {
			token := s.token(client, "resource", ordersAPI)
			if a := s.call(http.MethodGet, "/orders/1", "", "Bearer "+token); a.status != http.StatusOK {
				t.Errorf("answered %+v", a)
			}
			s.api.taken()
			app := authtest.App{Server: s.grantor, ID: client, Secret: secret, Method: authtest.Basic}
			app.Revoke(t, token).Wants(t, http.StatusOK, "")
			s.wantRefused("a revoked token of "+client, s.call(http.MethodGet, "/orders/1", "", "Bearer "+token), 401)
		}
	})
}

func TestNobodyPassesWhileGrantorIsAway(t *testing.T) {
	eachGateway(t, func(t *testing.T, g gateway) {
		s := guarded(t, g)
		token := s.token("shop-jwt")
		s.wantServed(token, "shop-jwt", "orders:read orders:write")
		s.grantor.Kill()
		s.wantRefused("away", s.call(http.MethodGet, "/orders/1", "", "Bearer "+token), 0)
		if err := s.grantor.Restart(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) { // some wait before they try again
			if a := s.call(http.MethodGet, "/orders/1", "", "Bearer "+token); a.status == http.StatusOK {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("back again: answered %+v", a)
			}
		}
	})
}

func TestAScopeCannotBeSmuggledWhereTheTokenHasNone(t *testing.T) {
	changes := map[string][]string{"apache": {"            Require expr", "            # Require expr"}}
	eachGateway(t, func(t *testing.T, g gateway) {
		change := changes[g.name]
		if change == nil {
			change = []string{"&scope=orders:read", ""}
		}
		s := guarded(t, g, change...)
		s.wantServed(s.token("bare"), "bare", "")
		s.wantRefused("no token", s.call(http.MethodGet, "/orders/1", ""), 401)
	})
}
