package protect

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// serve sends one request to a handler and gives the answer.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func request(method, target string, authorization ...string) *http.Request {
	r := httptest.NewRequest(method, target, http.NoBody)
	if len(authorization) > 0 {
		r.Header["Authorization"] = authorization
	}
	return r
}

// reached answers with the subject of the token.
func reached(w http.ResponseWriter, r *http.Request) {
	if t := FromContext(r.Context()); t != nil {
		_, _ = w.Write([]byte(t.Subject))
	}
}

// RFC 6750 sections 2 and 3: every way to show a token, or none.
func TestRefusalsFollowRFC6750(t *testing.T) {
	s := newServer(t, jose.ES256)
	g := newGuard(t, s.config())
	good := s.token(t, nil)
	const head = `Bearer realm="` + orders + `"`
	const tail = `, resource_metadata="https://orders.example.com/.well-known/oauth-protected-resource"`
	code := func(code, why string) string {
		return head + `, error="` + code + `", error_description="` + why + `"` + tail
	}
	noToken := code("invalid_request", "the Authorization header has no token")
	inQuery := code("invalid_request", "access tokens in the query are not accepted")
	twice := code("invalid_request", "more than one Authorization header")
	strange := code("invalid_request", "the token has characters that none has")
	for name, c := range map[string]struct {
		target        string
		authorization []string
		status        int
		challenge     string
	}{
		"good":                     {"/", []string{"Bearer " + good}, 200, ""},
		"small letters":            {"/", []string{"bearer " + good}, 200, ""},
		"capitals":                 {"/", []string{"BEARER " + good}, 200, ""},
		"two spaces":               {"/", []string{"Bearer  " + good}, 200, ""},
		"other parameters":         {"/?a=1&token=2&access_tokens=3&x=access_token", []string{"Bearer " + good}, 200, ""},
		"no header":                {"/", nil, 401, head + tail},
		"empty header":             {"/", []string{""}, 401, head + tail},
		"another scheme":           {"/", []string{"Basic b3JkZXJzOnNlY3JldA=="}, 401, head + tail},
		"DPoP":                     {"/", []string{"DPoP " + good}, 401, head + tail},
		"a longer scheme":          {"/", []string{"Bearers " + good}, 401, head + tail},
		"a scheme that folds":      {"/", []string{"Bea\u017fer " + good}, 401, head + tail},
		"no scheme":                {"/", []string{good}, 401, head + tail},
		"scheme alone":             {"/", []string{"Bearer"}, 400, noToken},
		"scheme and a space":       {"/", []string{"Bearer "}, 400, noToken},
		"tab":                      {"/", []string{"Bearer\t" + good}, 401, head + tail},
		"two tokens":               {"/", []string{"Bearer " + good + " " + good}, 400, strange},
		"list of tokens":           {"/", []string{"Bearer " + good + ", Bearer " + good}, 400, strange},
		"quoted":                   {"/", []string{`Bearer "` + good + `"`}, 400, strange},
		"two headers":              {"/", []string{"Bearer " + good, "Bearer " + good}, 400, twice},
		"two schemes":              {"/", []string{"Bearer " + good, "Basic YTpi"}, 400, twice},
		"in the query":             {"/?access_token=" + good, nil, 400, inQuery},
		"in the query, too":        {"/?a=b&access_token=" + good, []string{"Bearer " + good}, 400, inQuery},
		"in the query, empty":      {"/?access_token", []string{"Bearer " + good}, 400, inQuery},
		"in the query, escaped":    {"/?%61ccess%5ftoken=x", []string{"Bearer " + good}, 400, inQuery},
		"in the query, after a ;":  {"/?a=b;access_token=x", []string{"Bearer " + good}, 400, inQuery},
		"junk":                     {"/", []string{"Bearer junk"}, 401, code("invalid_token", "the access token is not accepted: not a JWT")},
		"too long":                 {"/", []string{"Bearer " + strings.Repeat("a", jose.MaxToken+1)}, 401, code("invalid_token", "the access token is not accepted: too long")},
		"markup that must not out": {"/?q=%22%3E%3Cscript%3E", []string{"Bearer \"><script>"}, 400, strange},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "PROPFIND"} {
			for kind, h := range map[string]http.Handler{
				"handler": g.Handler(http.HandlerFunc(reached)),
				"require": g.Require("orders:read")(http.HandlerFunc(reached)),
				"both":    g.Handler(g.Require("orders:read")(http.HandlerFunc(reached))),
			} {
				t.Run(name+"/"+method+"/"+kind, func(t *testing.T) {
					w := serve(h, request(method, c.target, c.authorization...))
					if got := w.Header().Get("WWW-Authenticate"); w.Code != c.status || got != c.challenge {
						t.Errorf("got %d %s\nwant %d %s", w.Code, got, c.status, c.challenge)
					}
					if c.status == 200 {
						if w.Body.String() != "usr_1" {
							t.Errorf("subject = %q", w.Body)
						}
						return
					}
					if w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "<script") {
						t.Errorf("answer = %v %s", w.Header(), w.Body)
					}
					var body struct{ Error string }
					if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Error == "" {
						t.Errorf("body = %s", w.Body)
					}
				})
			}
		}
	}
}

func TestRequireTellsTheScopesThatAreNeeded(t *testing.T) {
	s := newServer(t, jose.ES256)
	g := newGuard(t, s.config())
	for name, h := range map[string]http.Handler{
		"alone":  g.Require("orders:read", "orders:delete")(http.HandlerFunc(reached)),
		"within": g.Handler(g.Require("orders:read", "orders:delete")(http.HandlerFunc(reached))),
	} {
		w := serve(h, request("GET", "/", "Bearer "+s.token(t, nil)))
		want := `Bearer realm="https://orders.example.com", error="insufficient_scope", error_description="the access token lacks a scope that is needed", scope="orders:read orders:delete", resource_metadata="https://orders.example.com/.well-known/oauth-protected-resource"`
		if w.Code != 403 || w.Header().Get("WWW-Authenticate") != want {
			t.Errorf("%s: got %d %s", name, w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
}

func TestAServerThatIsAwayIsAnsweredWithRetryAfter(t *testing.T) {
	s := newServer(t, jose.ES256)
	s.down.Store(true)
	g := newGuard(t, s.config())
	w := serve(g.Handler(http.HandlerFunc(reached)), request("GET", "/", "Bearer "+s.token(t, nil)))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	// What is wrong whatever the server says is said even so.
	if w := serve(g.Handler(http.HandlerFunc(reached)), request("GET", "/")); w.Code != 401 {
		t.Errorf("without a token: %d", w.Code)
	}
}

func TestATokenIsCheckedOnceByHandlerAndRequire(t *testing.T) {
	s := newServer(t, jose.ES256)
	checks := 0
	c := s.config()
	c.Hooks.OnCheck = func(string, time.Duration) { checks++ }
	g := newGuard(t, c)
	h := g.Handler(g.Require("orders:read")(g.Require("orders:write")(http.HandlerFunc(reached))))
	if w := serve(h, request("GET", "/", "Bearer "+s.token(t, nil))); w.Code != 200 || checks != 1 {
		t.Errorf("got %d after %d checks", w.Code, checks)
	}
}

// Two APIs in one program: what is good for one is nothing to the other, nor is what a caller puts into the context.
func TestATokenOfAnotherGuardIsCheckedAgain(t *testing.T) {
	s := newServer(t, jose.ES256)
	c := s.config()
	one := newGuard(t, c)
	c.Audience = "https://invoices.example.com"
	other := newGuard(t, c)
	h := one.Handler(other.Require("orders:read")(http.HandlerFunc(reached)))
	if w := serve(h, request("GET", "/", "Bearer "+s.token(t, nil))); w.Code != 401 {
		t.Errorf("got %d", w.Code)
	}
	r := request("GET", "/")
	r = r.WithContext(NewContext(r.Context(), &Token{Subject: "usr_1", Scope: []string{"orders:read"}}))
	if w := serve(one.Require("orders:read")(http.HandlerFunc(reached)), r); w.Code != 401 {
		t.Errorf("a token that nobody checked: %d", w.Code)
	}
	if FromContext(r.Context()).Subject != "usr_1" || FromContext(t.Context()) != nil {
		t.Error("the context does not carry the token")
	}
}

func TestRequirePanicsOnWhatIsNoScope(t *testing.T) {
	g := newGuard(t, newServer(t, jose.ES256).config())
	for _, scope := range []string{"", "a b", `a"b`, `a\b`, "a\n", "ä"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Require(%q) did not panic", scope)
				}
			}()
			g.Require("fine", scope)
		}()
	}
}

// RFC 9728 section 3.1: where the document lies, and what it says.
func TestTheDocumentLiesWhereTheAudienceSays(t *testing.T) {
	s := newServer(t, jose.ES256)
	for audience, path := range map[string]string{
		"https://orders.example.com":           "/.well-known/oauth-protected-resource",
		"https://orders.example.com/":          "/.well-known/oauth-protected-resource",
		"https://orders.example.com:8443":      "/.well-known/oauth-protected-resource",
		"https://s.example.com/v1/orders":      "/.well-known/oauth-protected-resource/v1/orders",
		"https://s.example.com/v1/":            "/.well-known/oauth-protected-resource/v1/",
		"https://s.example.com/v1/orders?a=b":  "/.well-known/oauth-protected-resource/v1/orders?a=b",
		"https://s.example.com/%C3%A4?x":       "/.well-known/oauth-protected-resource/%C3%A4?x",
		"http://localhost:9000/api":            "/.well-known/oauth-protected-resource/api",
		"urn:example:orders":                   "",
		"tag:orders.example.com,2026:whatever": "",
	} {
		c := s.config()
		c.Audience, c.Scopes, c.Name, c.Documentation = audience, []string{"orders:read"}, "Orders", "https://docs.example.com/orders"
		g := newGuard(t, c)
		h := g.Handler(http.HandlerFunc(reached))
		challenge := serve(h, request("GET", "/")).Header().Get("WWW-Authenticate")
		if path == "" {
			if strings.Contains(challenge, "resource_metadata") || serve(g.Metadata(), request("GET", "/")).Code != 404 {
				t.Errorf("%s: there is a document: %s", audience, challenge)
			}
			continue
		}
		w := serve(h, request("GET", path))
		var document map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", audience, w.Code, w.Body)
			continue
		}
		if document["resource"] != audience || document["resource_name"] != "Orders" || document["resource_documentation"] != c.Documentation ||
			document["authorization_servers"].([]any)[0] != s.url || document["scopes_supported"].([]any)[0] != "orders:read" || document["bearer_methods_supported"].([]any)[0] != "header" {
			t.Errorf("%s: %v", audience, document)
		}
		u, _ := url.Parse(audience)
		if !strings.Contains(challenge, `resource_metadata="`+u.Scheme+`://`+u.Host+path+`"`) {
			t.Errorf("%s: %s", audience, challenge)
		}
		if w := serve(h, request("GET", path+"x")); w.Code != 401 {
			t.Errorf("%s: beside the document: %d", audience, w.Code)
		}
		if w := serve(h, request("POST", path)); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: POST: %d", audience, w.Code)
		}
		if w := serve(g.Metadata(), request("GET", "/anywhere")); w.Code != 200 {
			t.Errorf("%s: Metadata: %d", audience, w.Code)
		}
	}
}

func TestWhatIsNotConfiguredIsNotInTheDocument(t *testing.T) {
	s := newServer(t, jose.ES256)
	w := serve(newGuard(t, s.config()).Metadata(), request("GET", "/"))
	want := `{"resource":"` + orders + `","authorization_servers":["` + s.url + `"],"bearer_methods_supported":["header"]}` + "\n"
	if w.Body.String() != want {
		t.Errorf("got %s, want %s", w.Body, want)
	}
}

func FuzzAuthorizationHeader(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer  a.b.c", "Bearer", "Basic x", "", "Bearer a=", "Bearer a b", "Bearer \x00", "Bearer é"} {
		f.Add(seed, "access_token=x&a=b")
	}
	s := newServer(f, jose.ES256)
	g := newGuard(f, s.config())
	h := g.Handler(http.HandlerFunc(reached))
	f.Fuzz(func(t *testing.T, header, query string) {
		r := request("GET", "/", header)
		r.URL.RawQuery = query
		w := serve(h, r)
		if w.Code != 400 && w.Code != 401 {
			t.Errorf("got %d", w.Code)
		}
		if values, err := url.ParseQuery(query); err == nil && values.Has("access_token") && w.Code != 400 {
			t.Errorf("a token in the query %q: %d", query, w.Code)
		}
		challenge := w.Header().Get("WWW-Authenticate")
		if !strings.HasPrefix(challenge, `Bearer realm="`+orders+`"`) || strings.ContainsAny(challenge, "\r\n\x00\\") || strings.Count(challenge, `"`)%2 != 0 {
			t.Errorf("challenge = %q", challenge)
		}
	})
}
