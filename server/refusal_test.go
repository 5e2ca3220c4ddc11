package server_test

import (
	"encoding/base64"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/server"
	"github.com/grantor-dev/grantor/store"
)

// explain tells why a request was refused, as admins are told.
func (s *site) explain(a *answer) *oauth.Explanation {
	s.t.Helper()
	s.provider.FlushRefusals(s.t.Context())
	e, err := s.provider.Explain(s.t.Context(), a.Header().Get("X-Request-Id"))
	if err != nil {
		s.t.Fatalf("%d %.200s: %v", a.Code, a.Body, err)
	}
	return e
}

func (s *site) wantExplained(a *answer, rule, source, near string) *oauth.Explanation {
	s.t.Helper()
	e := s.explain(a)
	if !strings.Contains(e.Rule, rule) || !strings.Contains(e.Source, source) || !strings.Contains(e.Near, near) || rule == "" || source == "" {
		s.t.Errorf("told %q, %q, %q; want %q, %q, %q", e.Rule, e.Source, e.Near, rule, source, near)
	}
	return e
}

func TestRedirectURIThatNearlyMatchesIsExplained(t *testing.T) {
	s := usual(t)
	for uri, near := range map[string]string{
		callback + "/":                              "registered “" + callback + "”, got “" + callback + "/”: it has a slash too many at the end",
		"https://app.example.com/Callback":          "upper and lower case",
		"http://app.example.com/callback":           "the scheme",
		"https://app.example.com:444/callback":      "the port",
		"https://evil.example.com/callback":         "the host",
		callback + "?x=canary":                      "got “" + callback + "?x=…”: they differ in the query",
		"https://app.example.com/cb?tenant=2":       "registered “https://app.example.com/cb?tenant=1”",
		"https://u:canary@app.example.com/callback": "got “https://…@app.example.com/callback”: they differ in the user",
		"https://app.example.com/%63allback":        "percent-encoded",
		" " + callback:                              "blanks around it",
		"/callback":                                 "not absolute",
	} {
		a := s.get("/oauth2/authorize?" + s.ask("web", "redirect_uri="+uri).Encode())
		e := s.wantExplained(a, "redirect_uri equals a registered one", "RFC 6749 section 3.1.2.3", near)
		if e.ClientID != "web" || !e.Claimed || e.Status != 400 || strings.Contains(e.Near, "canary") {
			t.Errorf("%+v", e)
		}
	}
}

// What may be a password or a token in a redirect URI is covered up, however the URI is misspelt.
func TestSecretsInARedirectURIAreCoveredUp(t *testing.T) {
	s := usual(t)
	for uri, shown := range map[string]string{
		callback + "?8canary8canary8canary8":          "“" + callback + "?8can… (22 characters)”",
		callback + "?8canary8canary8canary8=":         "“" + callback + "?8can… (22 characters)=…”",
		callback + "?x=1&canary=8":                    "?x=…&canary=…”",
		"//u:canary@app.example.com/callback":         "“//u:…@app.example.com/callback”",
		"https:/u:canary@app.example.com/callback":    "“https:/…@app.example.com/callback”",
		`https:\\u:canary@app.example.com/callback`:   `“https:\\…@app.example.com/callback”`,
		"https://u:1/canary@app.example.com/callback": "“https://…@app.example.com/callback”",
		"https://u:canary#1@app.example.com/callback": "“https://u:…#…”",
		"https://u:canary?1@app.example.com/callback": "“https://u:…?1@app.example.com/callback”",
		"https://u:canary@x@app.example.com/callback": "“https://…@app.example.com/callback”",
		"https://[::1]:8080/callback":                 "“https://[::1]:8080/callback”",
		"https://app.example.com:8443/callback":       "“https://app.example.com:8443/callback”",
		"myapp:canary@app.example.com":                "“myapp:…@app.example.com”",
		"canary@app.example.com":                      "“…@app.example.com”",
		"canary@app.example.com:443/callback":         "“…@app.example.com:443/callback”",
		"com.example.app:/oauth":                      "“com.example.app:/oauth”",
	} {
		near := s.explain(s.get("/oauth2/authorize?" + s.ask("web", "redirect_uri="+uri).Encode())).Near
		if !strings.Contains(near, shown) || strings.Contains(near, "canary") && !strings.Contains(near, "canary=…") {
			t.Errorf("of %s is told %s, want %s", uri, near, shown)
		}
	}
}

func TestClientsThatDoNotAuthenticateAreExplained(t *testing.T) {
	s := usual(t)
	basic := func(id, secret string) *answer {
		r := s.request(http.MethodPost, "/oauth2/token", "grant_type=client_credentials")
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
		return s.send(r)
	}
	right := s.secrets["web"]
	for _, c := range []struct {
		got  *answer
		near string
	}{
		{basic("nobody", right), "there is no such client"},
		{basic("web", "something else"), "does not have the form"},
		{basic("web", oauth.GenerateSecret()), "check digits are right"},
		{basic("web", right[:40]), "was cut off"},
		{basic("web", right[:30]+strings.Map(otherLetter, right[30:32])+right[32:]), "check digits are wrong"},
		{basic("native", right), "registered for none, got client_secret_basic"},
		{basic("web", s.machine("web")), "got: opaque access token"},
	} {
		c.got.wantError(http.StatusUnauthorized, oauth.InvalidClient)
		if e := s.wantExplained(c.got, "a client authenticates as it is registered", "RFC 6749 section 2.3", c.near); !e.Claimed {
			t.Errorf("%+v", e)
		}
	}
}

func TestCodesAndRefreshTokensThatAreNotGoodAreExplained(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	s.wantExplained(s.redeem("web", b.code("web"), "redirect_uri=https://app.example.com/cb?tenant=1"), "no parameter is sent twice", "RFC 6749 section 3.2", "redirect_uri")
	code := b.code("web")
	wrong := func(change string) *answer {
		f := form("grant_type=authorization_code", "code="+code, "redirect_uri="+callback, "code_verifier="+verifier)
		name, value, _ := strings.Cut(change, "=")
		f.Set(name, value)
		r := s.request(http.MethodPost, "/oauth2/token", f.Encode())
		r.SetBasicAuth("web", s.secrets["web"])
		return s.send(r)
	}
	s.wantExplained(wrong("code_verifier=short"), "code_verifier matches", "RFC 7636 section 4.6", "43 to 128 characters, got 5")
	s.wantExplained(wrong("code_verifier="+verifier+"!"), "code_verifier matches", "RFC 7636", "letters, digits")
	s.wantExplained(wrong("code_verifier="+strings.ToUpper(verifier)), "code_verifier matches", "RFC 7636", "is not the code_challenge")
	s.wantExplained(wrong("redirect_uri="+callback+"/"), "redirect_uri is that of the authorization request", "RFC 6749 section 4.1.3", "a slash too many")
	s.wantExplained(wrong("code="+code[:50]), "a code is one that this server issued", "RFC 6749 section 4.1.2", "50 characters of 77")
	s.wantExplained(s.redeem("jwt", code), "by the client that it was issued to", "RFC 6749 section 4.1.2", "issued to web, shown by jwt")
	s.move(72 * time.Second)
	s.wantExplained(wrong("code="+code), "one that this server issued", "RFC 6749 section 4.1.2", "its authorization is gone")
	code = b.code("web")
	first := wrong("code=" + code)
	first.wantStatus(http.StatusOK)
	s.wantExplained(wrong("code="+code), "redeemed once", "RFC 6749 section 4.1.2", "has ended")

	tokens := s.tokens("web")
	old := tokens.json("refresh_token")
	refresh := func(client, token string, more ...string) *answer {
		return s.call(client, "/oauth2/token", append([]string{"grant_type=refresh_token", "refresh_token=" + token}, more...)...)
	}
	s.wantExplained(refresh("jwt", old), "by the client that it was issued to", "RFC 6749 section 6", "issued to web, shown by jwt")
	s.wantExplained(refresh("web", old, "scope=admin"), "no further than what was granted", "RFC 6749 section 6", "not allowed: “admin”")
	s.wantExplained(refresh("web", tokens.json("access_token")), "one that this server issued", "RFC 6749 section 6", "got: opaque access token")
	refresh("web", old).wantStatus(http.StatusOK)
	s.move(30 * time.Second)
	s.wantExplained(refresh("web", old), "used once", "RFC 9700 section 4.14.2", "it was used 30s ago")
	s.wantExplained(refresh("web", old), "one that this server issued", "RFC 6749 section 6", "its authorization is gone")
}

func TestRefusalsOfEveryOtherKindAreExplained(t *testing.T) {
	s := usual(t)
	authorize := func(changes ...string) *answer {
		return s.get("/oauth2/authorize?" + s.ask("web", changes...).Encode())
	}
	token := s.machine("web", "scope=api:read", "resource="+api)
	for _, c := range []struct {
		got                *answer
		rule, source, near string
	}{
		{authorize("client_id=nobody"), "client_id is that of a registered client", "RFC 6749 section 4.1.1", "no client “nobody”"},
		{authorize("response_type=token"), "response_type", "RFC 6749 section 3.1.1", "got “token”"},
		{authorize("code_challenge"), "every client uses PKCE", "RFC 7636", "no code_challenge"},
		{authorize("code_challenge_method=plain"), "is S256", "RFC 7636", "got “plain”"},
		{authorize("code_challenge=" + challenge() + "="), "base64url", "RFC 7636 section 4.2", "padding"},
		{authorize("scope=profile secrets"), "scopes that it is registered for", "RFC 6749 section 3.3", "not allowed: “secrets”; allowed: profile"},
		{authorize("resource=https://api.example.com/"), "resource", "RFC 8707 section 2", "a slash too many"},
		{authorize("prompt=none"), "prompt=none", "OpenID Connect Core", "nobody is signed in"},
		{authorize("max_age=soon"), "max_age", "OpenID Connect Core", "got “soon”"},
		{s.get("/oauth2/authorize?" + s.ask("web").Encode() + "&prompt=a&prompt=b"), "no parameter is sent twice", "RFC 6749 section 3.1", "“prompt” was sent 2 times"},
		{s.call("native", "/oauth2/token", "grant_type=client_credentials"), "registered for", "RFC 7591 section 2", "got client_credentials"},
		{s.call("web", "/oauth2/token", "grant_type=password"), "grant_type", "RFC 6749 section 5.2", "got “password”"},
		{s.call("native", "/oauth2/introspect", "token=x"), "authenticates with a secret", "RFC 7662 section 2.1", "public"},
		{s.forward(forward), "header Authorization", "RFC 6750 section 2.1", ""},
		{s.forward(forward, "Bearer nothing"), "access token is active", "RFC 7662", "it is not an access token"},
		{s.forward("/forward-auth?audience="+otherAPI, "Bearer "+token), "access token is active", "RFC 6750 section 5.2", "it is meant for " + api},
		{s.forward(forward+"&scope=api:write", "Bearer "+token), "access token is active", "RFC 6750 section 3.1", "it lacks api:write"},
		{s.get("/oauth2/token"), "methods", "RFC 9110 section 15.5.6", ""},
		{s.get("/oauth2/revocations"), "says who it is", "RFC 6749 section 2.3", "no Authorization header"},
		{s.get("/login?interaction=nothing"), "answered once", "docs/security.md", ""},
		{authorize("request=x"), "no request object", "RFC 9101 section 5", "request came"},
		{authorize("request_uri=https://app.example.com/x"), "no request object", "RFC 9101 section 5", "request_uri came"},
		{s.get("/oauth2/authorize?" + s.ask("native", "redirect_uri=com.example.app:/callback", "response_mode=form_post").Encode()), "a form is posted to", "Form Post", "com.example.app"},
		{authorize("response_mode=form_post", "state=a\x01b"), "a form carries", "Form Post", "state"},
		{s.get("/oauth2/authorize?client_id=%"), "form-encoded", "RFC 6749 appendix B", ""},
		{s.call("web", "/oauth2/token?%", "grant_type=client_credentials"), "form-encoded", "RFC 6749 appendix B", ""},
		{s.call("web", "/oauth2/revoke"), "token is there", "RFC 7009 section 2.1", "none came"},
		{s.call("api", "/oauth2/introspect"), "token is there", "RFC 7662 section 2.1", "none came"},
		{s.get("/setup?token=nothing"), "a set-up link", "docs/security.md", ""},
	} {
		if c.got.Code < 300 {
			t.Fatalf("%d %s", c.got.Code, c.got.Body)
		}
		s.wantExplained(c.got, c.rule, c.source, c.near)
	}
}

func TestWhatIsNoRefusalIsNotKept(t *testing.T) {
	s := usual(t)
	s.machine("web")
	s.get("/nothing/here").wantStatus(http.StatusNotFound)
	s.get("/static/nothing").wantStatus(http.StatusNotFound)
	s.store.away.Store(true)
	s.get("/readyz").wantStatus(http.StatusServiceUnavailable)
	s.store.away.Store(false)
	s.provider.FlushRefusals(t.Context())
	if kept, _, err := s.provider.Refusals(t.Context(), "", "", 10); err != nil || len(kept) != 0 {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// Whoever asks is told no more than before, and cannot choose the id.
func TestTheCallerIsToldNothingOfIt(t *testing.T) {
	s := usual(t)
	r := s.request(http.MethodPost, "/oauth2/token", "grant_type=client_credentials&client_id=web&client_secret=wrong")
	chosen := strings.Repeat("ab", 16)
	r.Header.Set("X-Request-Id", chosen)
	a := s.send(r)
	if got := strings.TrimSpace(a.Body.String()); got != `{"error":"invalid_client","error_description":"client authentication failed"}` {
		t.Errorf("told %s", got)
	}
	s.explain(a)
	if _, err := s.provider.Explain(t.Context(), chosen); err == nil || a.Header().Get("X-Request-Id") == chosen {
		t.Error("the caller chose the id")
	}
}

// No record of a refusal holds what may be a secret, wherever it was sent.
func TestExplanationsHoldNoSecret(t *testing.T) {
	s := usual(t)
	random := base64.RawURLEncoding.EncodeToString([]byte("canary-0123456789-canary-0123456789"))
	jwt := "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ." + random
	canaries := []string{oauth.GenerateSecret(), s.machine("web"), s.tokens("web").json("refresh_token"), random, jwt, "Canary-Passw0rd-of-somebody-1"}
	names := []string{
		"client_id", "client_secret", "code", "code_verifier", "refresh_token", "token", "password", "username", "redirect_uri", "scope", "resource", "state",
		"response_type", "response_mode", "code_challenge", "code_challenge_method", "prompt", "max_age", "login_hint", "request", "request_uri", "grant_type",
		"interaction", "form_token", "decision", "next", "audience", "client_assertion", "token_type_hint",
	}
	sent := 0
	for _, canary := range canaries {
		for _, name := range names {
			for _, value := range []string{canary, "https://app.example.com/" + canary, callback + "?x=" + canary + "#" + canary, "https://u:" + canary + "@app.example.com/callback"} {
				s.move(11 * time.Second) // beyond the bound per address
				one := url.Values{name: {value}}.Encode()
				r := s.request(http.MethodGet, "/oauth2/authorize?"+s.ask("web", name+"="+value).Encode()+"&"+url.QueryEscape(canary)+"=1&"+url.QueryEscape(canary)+"=2", "")
				if sent%2 == 0 {
					f := form("grant_type=authorization_code", "client_id=post", "client_secret="+s.secrets["post"])
					f.Set(name, value)
					path := []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/login", "/consent", "/oauth2/authorize"}[sent/2%6]
					r = s.request(http.MethodPost, path, f.Encode())
				} else if sent%3 == 0 {
					r = s.request(http.MethodGet, "/forward-auth?audience="+api+"&"+one, "")
				}
				if sent%5 == 0 {
					r.Header.Set("Authorization", "Bearer "+canary)
				} else if sent%7 == 0 {
					r.SetBasicAuth(canary, canary)
				}
				r.Header.Set("User-Agent", canary)
				r.Header.Set("Cookie", "__Host-grantor_session="+canary)
				s.send(r)
				sent++
			}
		}
		s.provider.FlushRefusals(t.Context())
	}
	kept := 0
	for cursor := ""; ; {
		page, next, err := s.store.List(t.Context(), store.Kind{Name: "refusal", Spread: true}, "all", cursor, 500)
		ok(t, err)
		for _, r := range page {
			kept++
			text := string(r.Value) + strings.Join(r.Tags, " ")
			for _, canary := range canaries {
				if strings.Contains(text, canary) || strings.Contains(text, canary[8:20]) || strings.Contains(text, s.secrets["post"]) {
					t.Fatalf("%s holds %s", text, canary)
				}
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if kept < sent/2 {
		t.Errorf("only %d of %d were kept", kept, sent)
	}
}

func otherLetter(r rune) rune {
	if r == 'x' {
		return 'y'
	}
	return 'x'
}

func TestWhatLimitsAndLanesRefuseIsExplained(t *testing.T) {
	lane := limit.NewLane(1, 0)
	s := limitedBehind(t, func(c *server.Config) { c.TokenLane = lane }, "page=0.5/1")
	s.get("/login").wantStatus(http.StatusOK)
	s.wantExplained(s.get("/login"), "requests are limited", "RFC 6585 section 4", "the limit page is used up, and lets one through in 2s")
	ok(t, lane.Enter(t.Context()))
	s.wantExplained(s.call("web", "/oauth2/token", "grant_type=client_credentials"), "than there is room for", "RFC 9110 section 15.6.4", "")
}

// Whoever adds a refusal says which rule it is.
func TestEveryRefusalNamesItsRule(t *testing.T) {
	makers := []string{"refuse", "invalidRequest", "invalidClient"}
	elsewhere := []string{
		"errTokenRefused", "admit", // the cause tells it
		"Check", // ends a stream; nobody is answered
		"refuse", "invalidRequest", "invalidClient",
	}
	for _, folder := range []string{".", "../oauth"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		ok(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
			ok(t, err)
			ruled := map[ast.Node]bool{}
			for _, decl := range parsed.Decls {
				ast.Inspect(decl, func(n ast.Node) bool {
					if of, found := n.(*ast.SelectorExpr); found && of.Sel.Name == "By" {
						ruled[of.X] = true
					}
					call, found := n.(*ast.CallExpr)
					if !found || ruled[call] || slices.Contains(elsewhere, declared(decl)) {
						return true
					}
					if maker, plain := call.Fun.(*ast.Ident); plain && slices.Contains(makers, maker.Name) {
						t.Errorf("%s: a refusal without a rule", set.Position(call.Pos()))
					}
					return true
				})
			}
		}
	}
}

// declared is the name of what is declared.
func declared(decl ast.Decl) string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Name.Name
	case *ast.GenDecl:
		if v, found := d.Specs[0].(*ast.ValueSpec); found {
			return v.Names[0].Name
		}
	}
	return ""
}
