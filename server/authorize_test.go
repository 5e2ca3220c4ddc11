package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

// wantResponse checks what every authorization response carries: state as it was sent, and iss (RFC 9207).
func (s *site) wantResponse(a *answer, uri string) url.Values {
	a.t.Helper()
	fields := a.wantRedirect(uri)
	if fields.Get("state") != "the state" || fields.Get("iss") != s.issuer {
		a.t.Errorf("state %q, iss %q", fields.Get("state"), fields.Get("iss"))
	}
	a.wantNotCached()
	a.wantHeader("Referrer-Policy", "same-origin")
	return fields
}

func TestUserIsAskedToSignInAndToAllow(t *testing.T) {
	for _, client := range []string{"web", "post", "native"} {
		s := usual(t)
		b := s.browser()
		login := b.follow(b.authorize(client))
		login.wantPage(http.StatusOK)
		login.wantText("Sign in", s.clients[client].Name())
		consent := b.follow(b.submit(login, "username=alice", "password="+password))
		consent.wantPage(http.StatusOK)
		consent.wantText(s.clients[client].Name(), "Alice Doe", "alice", "Allow", "Deny", "profile", "api:read")
		back := b.follow(b.submit(consent, "decision=allow"))
		fields := s.wantResponse(back, s.clients[client].RedirectURIs[0])
		s.redeem(client, fields.Get("code")).wantStatus(http.StatusOK)
	}
}

func TestRedirectAfterGETIs302AndAfterPOSTIs303(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.authorize("web").wantStatus(http.StatusFound)
	page := b.follow(b.authorize("web"))
	after := b.submit(page, "username=alice", "password="+password)
	after.wantStatus(http.StatusSeeOther)
	consent := b.follow(after)
	b.submit(consent, "decision=deny").wantStatus(http.StatusSeeOther)
	b.code("web")
	b.authorize("web").wantStatus(http.StatusFound)
	b.post("/oauth2/authorize", s.ask("web")).wantStatus(http.StatusSeeOther)
}

func TestAuthorizationRequestMayBePosted(t *testing.T) {
	s := usual(t)
	b := s.browser()
	r := s.request("POST", "/oauth2/authorize", s.ask("web").Encode())
	r.Header.Set("Origin", "https://app.example.com") // a client's page may send its user here
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	s.wantResponse(b.finish(b.send(r)), callback)

	s.send(s.request("POST", "/oauth2/authorize?client_id=web", s.ask("web").Encode())).wantPage(http.StatusBadRequest)
	r = s.request("POST", "/oauth2/authorize", s.ask("web").Encode())
	r.Header.Set("Content-Type", "application/json")
	s.send(r).wantPage(http.StatusBadRequest)
}

func TestOtherMethodsAreRefusedAtAuthorization(t *testing.T) {
	s := usual(t)
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		a := s.send(s.request(method, "/oauth2/authorize?"+s.ask("web").Encode(), ""))
		a.wantPage(http.StatusMethodNotAllowed)
		a.wantHeader("Allow", "GET, HEAD, POST")
		a.wantHeader("Access-Control-Allow-Origin", "")
	}
}

func TestNothingIsRedirectedBeforeTheURIIsProven(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	evil := "https://evil.example/cb"
	for name, query := range map[string]string{
		"nothing":                 "",
		"no client":               s.ask("web", "client_id").Encode(),
		"empty client":            s.ask("web", "client_id=").Encode(),
		"unknown client":          s.ask("web", "client_id=nobody").Encode(),
		"unknown client, evil":    s.ask("web", "client_id=nobody", "redirect_uri="+evil).Encode(),
		"client twice":            s.ask("web").Encode() + "&client_id=web",
		"URI twice":               s.ask("web").Encode() + "&redirect_uri=" + url.QueryEscape(evil),
		"same URI twice":          s.ask("web").Encode() + "&redirect_uri=" + url.QueryEscape(callback),
		"no URI of two":           s.ask("web", "redirect_uri").Encode(),
		"empty URI of two":        s.ask("web", "redirect_uri=").Encode(),
		"unregistered URI":        s.ask("web", "redirect_uri="+evil).Encode(),
		"another client's URI":    s.ask("web", "redirect_uri="+loopback).Encode(),
		"path added":              s.ask("web", "redirect_uri="+callback+"/x").Encode(),
		"query added":             s.ask("web", "redirect_uri="+callback+"?x=1").Encode(),
		"fragment added":          s.ask("web", "redirect_uri="+callback+"#x").Encode(),
		"slash added":             s.ask("web", "redirect_uri="+callback+"/").Encode(),
		"traversal":               s.ask("web", "redirect_uri=https://app.example.com/x/../callback").Encode(),
		"userinfo":                s.ask("web", "redirect_uri=https://app.example.com@evil.example/callback").Encode(),
		"suffix of the host":      s.ask("web", "redirect_uri=https://evilapp.example.com/callback").Encode(),
		"another scheme":          s.ask("web", "redirect_uri=http://app.example.com/callback").Encode(),
		"capitals":                s.ask("web", "redirect_uri=https://APP.example.com/callback").Encode(),
		"encoded":                 s.ask("web", "redirect_uri=https://app.example.com/%63allback").Encode(),
		"script":                  s.ask("web", "redirect_uri=javascript:alert(1)").Encode(),
		"relative":                s.ask("web", "redirect_uri=/callback").Encode(),
		"backslash":               s.ask("web", `redirect_uri=https:\\app.example.com\callback`).Encode(),
		"evil and bad otherwise":  s.ask("web", "redirect_uri="+evil, "response_type=token").Encode(),
		"evil and prompt none":    s.ask("web", "redirect_uri="+evil, "prompt=none").Encode(),
		"evil and form_post":      s.ask("web", "redirect_uri="+evil, "response_mode=form_post").Encode(),
		"evil and foreign scope":  s.ask("web", "redirect_uri="+evil, "scope=admin").Encode(),
		"URI with NUL":            s.ask("web", "redirect_uri="+callback+"\x00").Encode(),
		"URI with a newline":      s.ask("web", "redirect_uri="+callback+"\r\nLocation: x").Encode(),
		"very long URI":           s.ask("web", "redirect_uri="+callback+strings.Repeat("x", 9000)).Encode(),
		"brackets":                s.ask("web", "redirect_uri").Encode() + "&redirect_uri[]=" + url.QueryEscape(evil),
		"bad percent":             s.ask("web").Encode() + "&x=%zz",
		"semicolon":               s.ask("web").Encode() + ";x=1",
		"unknown interaction":     "interaction=junk",
		"empty interaction":       "interaction=",
		"loopback of another app": s.ask("web", "redirect_uri=http://127.0.0.1/callback").Encode(),
	} {
		t.Run(name, func(t *testing.T) {
			a := b.get("/oauth2/authorize?" + query)
			a.t = t
			a.wantPage(http.StatusBadRequest)
			if strings.Contains(a.Body.String(), "evil") {
				t.Errorf("the page repeats the request: %s", a.text())
			}
			a.wantHeader("X-Frame-Options", "DENY")
		})
	}
}

func TestRefusalsAfterTheURIIsProvenAreRedirected(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	for name, c := range map[string]struct {
		client  string
		changes []string
		code    oauth.Code
	}{
		"no response_type":        {"web", []string{"response_type"}, oauth.InvalidRequest},
		"empty response_type":     {"web", []string{"response_type="}, oauth.InvalidRequest},
		"implicit":                {"web", []string{"response_type=token"}, oauth.UnsupportedResponseType},
		"hybrid":                  {"web", []string{"response_type=code token"}, oauth.UnsupportedResponseType},
		"id_token":                {"web", []string{"response_type=id_token"}, oauth.UnsupportedResponseType},
		"unknown response_type":   {"web", []string{"response_type=magic"}, oauth.UnsupportedResponseType},
		"no challenge":            {"web", []string{"code_challenge"}, oauth.InvalidRequest},
		"no challenge, public":    {"native", []string{"code_challenge"}, oauth.InvalidRequest},
		"no challenge method":     {"web", []string{"code_challenge_method"}, oauth.InvalidRequest},
		"plain":                   {"web", []string{"code_challenge_method=plain", "code_challenge=" + verifier}, oauth.InvalidRequest},
		"s256 in small letters":   {"web", []string{"code_challenge_method=s256"}, oauth.InvalidRequest},
		"short challenge":         {"web", []string{"code_challenge=" + challenge()[:42]}, oauth.InvalidRequest},
		"long challenge":          {"web", []string{"code_challenge=" + challenge() + "a"}, oauth.InvalidRequest},
		"padded challenge":        {"web", []string{"code_challenge=" + challenge()[:42] + "="}, oauth.InvalidRequest},
		"foreign scope":           {"web", []string{"scope=profile admin"}, oauth.InvalidScope},
		"malformed scope":         {"web", []string{`scope=a\b`}, oauth.InvalidScope},
		"foreign resource":        {"web", []string{"resource=https://evil.example"}, oauth.InvalidTarget},
		"resource with fragment":  {"web", []string{"resource=" + api + "#x"}, oauth.InvalidTarget},
		"unknown response_mode":   {"web", []string{"response_mode=web_message"}, oauth.InvalidRequest},
		"fragment response_mode":  {"web", []string{"response_mode=fragment"}, oauth.InvalidRequest},
		"request object":          {"web", []string{"request=a.b.c"}, oauth.RequestNotSupported},
		"request_uri":             {"web", []string{"request_uri=https://evil.example"}, oauth.RequestURINotSupported},
		"unknown prompt":          {"web", []string{"prompt=maybe"}, oauth.InvalidRequest},
		"prompt none and more":    {"web", []string{"prompt=none login"}, oauth.InvalidRequest},
		"max_age of words":        {"web", []string{"max_age=soon"}, oauth.InvalidRequest},
		"negative max_age":        {"web", []string{"max_age=-1"}, oauth.InvalidRequest},
		"control character":       {"web", []string{"scope=profile\x01"}, oauth.InvalidRequest},
		"invalid UTF-8":           {"web", []string{"login_hint=\xff"}, oauth.InvalidRequest},
		"consent without a page":  {"web", []string{"prompt=none"}, oauth.ConsentRequired},
		"everything wrong at all": {"web", []string{"response_type=x", "scope=admin", "code_challenge"}, oauth.UnsupportedResponseType},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.authorize(c.client, c.changes...)
			a.t = t
			fields := s.wantResponse(a, s.clients[c.client].RedirectURIs[0]+"?")
			if fields.Get("error") != string(c.code) || fields.Has("code") {
				t.Errorf("response %v, want %s", fields, c.code)
			}
			wantErrorText(t, fields.Get("error_description"))
		})
	}
}

func TestRepeatedParametersAreRefusedAtAuthorization(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	for _, name := range []string{"response_type", "scope", "code_challenge", "code_challenge_method", "response_mode", "prompt", "max_age", "x"} {
		f := s.ask("web")
		f.Add(name, "profile")
		f.Add(name, "profile")
		fields := s.wantResponse(b.get("/oauth2/authorize?"+f.Encode()), callback)
		if fields.Get("error") != string(oauth.InvalidRequest) {
			t.Errorf("%s twice: %v", name, fields)
		}
	}
	fields := b.get("/oauth2/authorize?" + s.ask("web").Encode() + "&state=other").wantRedirect(callback)
	if fields.Get("error") != string(oauth.InvalidRequest) || fields.Has("state") {
		t.Errorf("state twice: %v", fields)
	}
}

func TestEmptyAuthorizationParametersCountAsAbsent(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	b.code("web", "scope=", "resource=", "response_mode=", "prompt=", "max_age=", "login_hint=", "request=", "request_uri=")
	fields := b.authorize("web", "response_type=", "state=").wantRedirect(callback)
	if fields.Has("state") {
		t.Errorf("an empty state came back: %v", fields)
	}
}

func TestUnknownAuthorizationParametersAreIgnored(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	b.code("web", "nonce=abc", "favourite_colour=blue")
}

func TestStateComesBackByteForByte(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	b.code("web")
	for _, state := range []string{"plain", "a b+c%20&=?#/", "é漢字🙂", "\r\nSet-Cookie: a=b", "nul\x00", "\xff\xfe", `"><script>`, strings.Repeat("s", 4000)} {
		a := b.authorize("web", "state="+state)
		if got := a.wantRedirect(callback).Get("state"); got != state {
			t.Errorf("state %q came back as %q", state, got)
		}
		if strings.ContainsAny(a.Header().Get("Location"), "\r\n\x00") {
			t.Errorf("Location %q", a.Header().Get("Location"))
		}
	}
}

func TestQueryOfARegisteredURIIsKept(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	a := b.finish(b.authorize("web", "redirect_uri=https://app.example.com/cb?tenant=1"))
	fields := s.wantResponse(a, "https://app.example.com/cb?tenant=1&")
	if fields.Get("tenant") != "1" || fields.Get("code") == "" {
		t.Errorf("response %v", fields)
	}
}

func TestRedirectURIMayBeLeftOutWhereOneIsRegistered(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	s.wantResponse(b.finish(b.authorize("api-web", "redirect_uri")), callback+"?")
}

func TestLoopbackPortFloatsAndPrivateSchemesWork(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	for _, uri := range []string{"http://127.0.0.1:49152/callback", "http://127.0.0.1/callback", "com.example.app:/callback"} {
		s.wantResponse(b.finish(b.authorize("native", "redirect_uri="+uri)), uri+"?")
	}
	b.authorize("native", "redirect_uri=http://127.0.0.2:9999/callback").wantPage(http.StatusBadRequest)
	b.authorize("native", "redirect_uri=com.example.app:/callback/x").wantPage(http.StatusBadRequest)
}

func TestErrorsCarryIssAndState(t *testing.T) {
	s := usual(t)
	b := s.browser()
	fields := s.wantResponse(b.authorize("web", "prompt=none"), callback)
	if fields.Get("error") != string(oauth.LoginRequired) {
		t.Errorf("response %v", fields)
	}
	denied := s.wantResponse(b.follow(b.submit(b.consentPage("web"), "decision=deny")), callback)
	if denied.Get("error") != string(oauth.AccessDenied) || denied.Has("code") {
		t.Errorf("response %v", denied)
	}
}

func TestFormPostSendsTheResponseAsAForm(t *testing.T) {
	s := usual(t)
	b := s.browser()
	a := b.finish(b.authorize("web", "response_mode=form_post", `state="><script>alert(1)</script>`))
	a.wantPage(http.StatusOK)
	a.wantNotCached()
	action, fields := a.form()
	if action != callback || fields.Get("code") == "" || fields.Get("iss") != s.issuer || fields.Get("state") != `"><script>alert(1)</script>` || len(fields) != 3 {
		t.Errorf("form to %s: %v", action, fields)
	}
	if policy := a.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://app.example.com") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	s.redeem("web", fields.Get("code")).wantStatus(http.StatusOK)
	method := attribute(elements(a.document(), "form")[0], "method")
	if !strings.EqualFold(method, "post") || len(elements(a.document(), "button")) != 1 {
		t.Errorf("method %s, %d buttons", method, len(elements(a.document(), "button")))
	}
}

func TestFormPostCarriesErrorsToo(t *testing.T) {
	s := usual(t)
	b := s.browser()
	a := b.authorize("web", "response_mode=form_post", "scope=admin")
	a.wantPage(http.StatusOK)
	_, fields := a.form()
	if fields.Get("error") != string(oauth.InvalidScope) || fields.Get("state") != "the state" || fields.Get("iss") != s.issuer {
		t.Errorf("form %v", fields)
	}
	denied := b.submit(b.consentPage("web", "response_mode=form_post"), "decision=deny")
	if action, fields := denied.form(); action != callback || fields.Get("error") != string(oauth.AccessDenied) {
		t.Errorf("form to %s: %v", action, fields)
	}
	private := b.authorize("native", "redirect_uri=com.example.app:/callback", "response_mode=form_post")
	if got := private.wantRedirect("com.example.app:/callback?").Get("error"); got != string(oauth.InvalidRequest) {
		t.Errorf("form_post to an app: %s", got)
	}
}

func TestResponsesAreNeverInTheFragment(t *testing.T) {
	s := usual(t)
	b := s.browser()
	for _, a := range []*answer{b.authorize("web", "response_type=token"), b.finish(b.authorize("web"))} {
		if to := a.Header().Get("Location"); strings.Contains(to, "#") || strings.Contains(to, "access_token") {
			t.Errorf("Location %s", to)
		}
	}
}

func TestAnotherBrowserCannotGoOnWithARequest(t *testing.T) {
	s := usual(t)
	mine, theirs := s.browser(), s.browser()
	waiting := mine.authorize("web").location()
	theirs.signIn()
	for _, path := range []string{"/oauth2/authorize", "/consent", "/login"} {
		a := theirs.get(path + "?" + waiting.RawQuery)
		a.wantPage(http.StatusBadRequest)
		a.wantText("Please start again")
	}
	a := mine.finish(mine.get(waiting.RequestURI()))
	s.wantResponse(a, callback)
}

func TestTwoTabsKeepTheirOwnRequests(t *testing.T) {
	s := usual(t)
	b := s.browser()
	first, second := b.authorize("web", "state=first"), b.authorize("native", "state=second")
	loginOfSecond := b.follow(second)
	consentOfSecond := b.follow(b.submit(loginOfSecond, "username=alice", "password="+password))
	consentOfFirst := b.follow(b.get("/oauth2/authorize?" + first.location().RawQuery))
	if got := b.follow(b.submit(consentOfFirst, "decision=allow")).wantRedirect(callback); got.Get("state") != "first" || got.Get("code") == "" {
		t.Errorf("first tab: %v", got)
	}
	if got := b.follow(b.submit(consentOfSecond, "decision=allow")).wantRedirect(loopback); got.Get("state") != "second" || got.Get("code") == "" {
		t.Errorf("second tab: %v", got)
	}
}

func TestInteractionIsFinishedOnce(t *testing.T) {
	s := usual(t)
	b := s.browser()
	consent := b.consentPage("web")
	allowed := b.submit(consent, "decision=allow")
	s.wantResponse(b.follow(allowed), callback)
	b.follow(allowed).wantPage(http.StatusBadRequest)
	b.submit(consent, "decision=allow").wantPage(http.StatusBadRequest)
	b.submit(consent, "decision=deny").wantPage(http.StatusBadRequest)
}

func TestNativeAppIsAskedAgainEveryTime(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.code("native")
	b.follow(b.authorize("native")).wantText("Allow", "Deny")
	b.code("web")
	s.wantResponse(b.authorize("web"), callback) // nobody else can receive what goes to https
}

// wantErrorText checks the characters of RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E.
func wantErrorText(t *testing.T, text string) {
	t.Helper()
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' }) {
		t.Errorf("error_description %q", text)
	}
}

func TestClientsWithoutTheGrantAreToldSo(t *testing.T) {
	s := usual(t)
	s.register(oauth.Registration{ClientID: "machine", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, RedirectURIs: []string{callback}}, "")
	fields := s.wantResponse(s.browser().authorize("machine"), callback)
	if fields.Get("error") != string(oauth.UnauthorizedClient) {
		t.Errorf("response %v", fields)
	}
}

func TestPagesLeadToNoOtherSite(t *testing.T) {
	s := usual(t)
	b := s.browser()
	pages := map[string]*answer{
		"login": b.follow(b.authorize("web")), "error": b.get("/oauth2/authorize"), "consent": b.consentPage("web"), "logout": b.get("/logout"), "home": b.get("/"),
		"form post": b.authorize("web", "response_mode=form_post", "scope=admin"),
	}
	for name, page := range pages {
		for n := range page.document().Descendants() {
			for _, a := range n.Attr {
				outside := !strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//")
				switch {
				case strings.HasPrefix(a.Key, "on") || a.Key == "style":
					t.Errorf("%s: the page carries %s", name, a.Key)
				case a.Key == "action" && name == "form post":
				case (a.Key == "src" || a.Key == "href" || a.Key == "action") && outside && a.Val != "#main":
					t.Errorf("%s: %s leads to %s", name, a.Key, a.Val)
				}
			}
			if n.Data == "script" && n.FirstChild != nil {
				t.Errorf("%s: a script stands in the page", name)
			}
		}
	}
}
