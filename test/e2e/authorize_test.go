package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// The authorization endpoint.

const evil = "https://evil.example.test/steal"

func TestUnknownClientIsShownAPageAndNeverRedirected(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"nobody", "", "WEB", "web ", "web\x00", "../web", "usr_1", "<script>alert(1)</script>", strings.Repeat("w", 5000)} {
		page := s.Browser(t).Open(s.App("web").Ask("client_id", id, "redirect_uri", evil).URL())
		wantPage(t, page)
		if strings.Contains(page.Body, "evil.example.test") || strings.Contains(page.Body, "<script>alert") {
			t.Errorf("client %q: the page repeats the request", id)
		}
	}
}

func TestResponseTypeIsCodeAlone(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for value, code := range map[string]string{
		"": "invalid_request", "token": "unsupported_response_type", "id_token": "unsupported_response_type",
		"code token": "unsupported_response_type", "none": "unsupported_response_type", "CODE": "unsupported_response_type",
		"code ": "unsupported_response_type",
	} {
		asked := s.App("web").Ask("response_type", value)
		wantRefusal(t, s.Browser(t).Open(asked.URL()), asked, code)
	}
}

func TestARepeatedParameterIsRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, name := range []string{
		"response_type", "client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method", "response_mode",
		"prompt", "max_age", "login_hint", "nonce", "something_else",
	} {
		asked := s.App("web").Ask("scope", "profile")
		first := asked.Params.Get(name)
		for _, second := range []string{first, "other", ""} {
			asked.Params[name] = []string{first, second}
			b := s.Browser(t)
			b.SignIn(authtest.Alice)
			page := b.Open(asked.URL())
			if page.Callback().Has("code") || page.Is("/consent") || page.Is("/login") {
				t.Errorf("%s twice (%q, %q) is accepted: %s", name, first, second, page)
			}
			if page.Left() && page.Callback().Get("error") != "invalid_request" {
				t.Errorf("%s twice: %s", name, page)
			}
		}
	}
}

func TestStateComesBackByteForByte(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	for _, state := range []string{
		"plain", " blanks  and\ttabs ", "a=b&c=d#e?f", "\"<>'\\", "ünï€ 𝄞", "%41%2541", "a+b", "line\r\nSet-Cookie: x=1\r\n\r\nbody",
		"nul\x00byte", "\xff\xfe", strings.Repeat("s", 4096),
	} {
		asked := s.App("web").Ask("state", state)
		page := b.Follow(asked, authtest.Alice)
		if got := page.Callback().Get("state"); got != state || !page.Callback().Has("code") {
			t.Errorf("state %q came back as %q", cut(state), cut(got))
		}
		for _, step := range page.Trail {
			if step.Header.Get("X-Injected") != "" || len(step.Set) > 2 {
				t.Errorf("state %q splits the answer", cut(state))
			}
		}
	}
	asked := s.App("web").Ask("state", strings.Repeat("s", 4097))
	asked.Params.Del("prompt")
	if page := b.Open(asked.URL()); page.Callback().Get("error") != "invalid_request" {
		t.Errorf("a state of 4097 bytes: %s", page)
	}
	without := s.App("web").Ask("state", "")
	if back := b.Follow(without, authtest.Alice).Callback(); back.Has("state") || !back.Has("code") {
		t.Errorf("a request without state gets %v", back)
	}
}

func cut(s string) string { return s[:min(len(s), 40)] }

func TestControlCharactersNeverReachAHeader(t *testing.T) {
	t.Parallel()
	s := shared(t)
	payload := "x\r\nX-Injected: 1\r\n\r\n<html>\x00"
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "response_mode", "prompt", "login_hint", "nonce"} {
		page := s.Browser(t).Peek(s.App("web").Ask(name, payload).URL())
		if page.Header.Get("X-Injected") != "" || strings.Contains(page.Header.Get("Location"), "\n") {
			t.Errorf("%s splits the answer", name)
		}
		if page.Status >= 500 {
			t.Errorf("%s: %s", name, page)
		}
	}
}

func TestEveryResponseNamesTheIssuer(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	asked := s.App("web").Ask()
	if back := b.Follow(asked, authtest.Alice).Callback(); back.Get("iss") != s.Issuer || !back.Has("code") {
		t.Errorf("a good answer: %v", back)
	}
	refused := s.App("web").Ask("scope", "unknown")
	wantRefusal(t, b.Open(refused.URL()), refused, "invalid_scope")
	if metadata := s.Get(t, "/.well-known/oauth-authorization-server"); metadata.JSON["authorization_response_iss_parameter_supported"] != true {
		t.Errorf("the metadata does not say so: %s", metadata)
	}
}

func TestRequestObjectsAreRefusedAndFetchedFromNowhere(t *testing.T) {
	t.Parallel()
	s := shared(t)
	canary := listen(t)
	for name, values := range map[string][]string{
		"request_uri_not_supported": {"request_uri", strings.Replace(canary.url, "/callback", "/object", 1)},
		"request_not_supported":     {"request", "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwifQ."},
	} {
		asked := s.App("web").Ask(values...)
		wantRefusal(t, s.Browser(t).Open(asked.URL()), asked, name)
	}
	page := s.Browser(t).Open(s.App("web").Ask("redirect_uri", evil, "request_uri", canary.url).URL())
	wantPage(t, page)
	if len(canary.arrived) > 0 {
		t.Error("the server fetched what a request named")
	}
}

func TestAPostedAuthorizationRequestIsCheckedLikeAnyOther(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("web").Ask()
	if page := s.Browser(t).PostForm(s.URL(authtest.AuthorizePath), asked.Params); !page.Is("/login") {
		t.Errorf("a posted request does not lead to the login: %s", page)
	}
	bad := s.App("web").Ask("redirect_uri", evil)
	wantPage(t, s.Browser(t).PostForm(s.URL(authtest.AuthorizePath), bad.Params))
	// What stands in the query does not complete or change what stands in the body.
	for _, mixed := range []string{"?redirect_uri=" + url.QueryEscape(evil), "?client_id=other", "?" + asked.Params.Encode()} {
		wantPage(t, s.Browser(t).PostForm(s.URL(authtest.AuthorizePath)+mixed, asked.Params))
	}
	asked.Params.Del("client_id")
	wantPage(t, s.Browser(t).PostForm(s.URL(authtest.AuthorizePath), asked.Params))
	// An application may post from its own origin.
	page := s.Browser(t).PostFrom("https://web.example.test", s.URL(authtest.AuthorizePath), s.App("web").Ask().Params)
	if !page.Is("/login") {
		t.Errorf("a request posted by the application: %s", page)
	}
}

func TestNoRedirectRepeatsAForm(t *testing.T) {
	t.Parallel()
	s := shared(t)
	page := s.Browser(t).Follow(s.App("native").Ask(), authtest.Alice)
	if !page.Callback().Has("code") {
		t.Fatalf("no code: %s", page)
	}
	for _, step := range page.Trail {
		if step.Status != http.StatusFound && step.Status != http.StatusSeeOther && step.Status != http.StatusOK {
			t.Errorf("%s answers %d", step.URL.Path, step.Status)
		}
	}
}

func TestPromptNoneNeverShowsAPage(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("web").Ask("prompt", "none")
	b := s.Browser(t)
	wantRefusal(t, b.Open(asked.URL()), asked, "login_required")
	wantPage(t, b.Open(s.App("web").Ask("prompt", "none", "redirect_uri", evil).URL()))

	b.SignIn("erin")
	first := s.App("other").Ask("prompt", "none")
	wantRefusal(t, b.Open(first.URL()), first, "consent_required")
	b.Grant(s.App("other").Ask(), "erin")
	if back := b.Open(s.App("other").Ask("prompt", "none").URL()).Callback(); !back.Has("code") {
		t.Errorf("after consent prompt=none gets %v", back)
	}
	for _, prompt := range []string{"none login", "login none", "nonsense", "none\tconsent"} {
		bent := s.App("other").Ask("prompt", prompt)
		wantRefusal(t, b.Open(bent.URL()), bent, "invalid_request")
	}
}

func TestPromptLoginAsksForThePasswordAgain(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	b.Grant(s.App("web").Ask(), "dora")
	before := b.SessionCookie().Value
	for _, pairs := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
		page := b.Open(s.App("web").Ask(pairs...).URL())
		if !page.Is("/login") {
			t.Fatalf("%v: %s", pairs, page)
		}
		// A person who goes around the page gets no further.
		again := b.Open(s.URL(authtest.AuthorizePath) + "?" + page.URL.RawQuery)
		if !again.Is("/login") {
			t.Fatalf("%v: going on without a login leads to %s", pairs, again)
		}
		page = page.LogIn("dora", authtest.PasswordOf("dora"))
		if !page.Callback().Has("code") || b.SessionCookie().Value == before {
			t.Errorf("%v: after the login: %s", pairs, page)
		}
	}
}

func TestConsentIsAskedBeforeTheFirstCode(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	b.SignIn("carol")
	asked := s.App("web").Ask("scope", "profile")
	for _, extra := range []url.Values{
		{}, {"prompt": {""}}, {"approval_prompt": {"auto"}}, {"consent": {"allow"}}, {"decision": {"allow"}}, {"allow": {"1"}},
	} {
		for name, values := range asked.Params {
			extra[name] = values
		}
		page := b.Open(s.URL(authtest.AuthorizePath) + "?" + extra.Encode())
		if !page.Is("/consent") {
			t.Fatalf("%v: %s", extra, page)
		}
	}
	if code := b.Grant(asked, "carol"); code == "" {
		t.Fatal("no code after consent")
	}
	if page := b.Open(s.App("web").Ask("scope", "profile").URL()); !page.Callback().Has("code") {
		t.Errorf("consent is not remembered: %s", page)
	}
	// More than was allowed is asked for, and only that is called new.
	page := b.Open(s.App("web").Ask("scope", "profile api:write").URL())
	if !page.Is("/consent") || strings.Count(page.Body, ">new<") != 1 {
		t.Errorf("a new scope: %s", page)
	}
	if page := b.Open(s.App("web").Ask("scope", "profile", "prompt", "consent").URL()); !page.Is("/consent") {
		t.Errorf("prompt=consent: %s", page)
	}
}

func TestAnApplicationThatAnybodyCouldBeIsAskedAboutEveryTime(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	b.SignIn(authtest.Alice)
	for _, redirect := range []string{"http://127.0.0.1:8765/callback", authtest.AppRedirect} {
		for range 2 {
			if page := b.Open(s.App("native").Ask("redirect_uri", redirect).URL()); !page.Is("/consent") {
				t.Fatalf("%s: %s", redirect, page)
			} else if page = page.Press("Allow"); !page.Callback().Has("code") {
				t.Fatalf("%s: %s", redirect, page)
			}
		}
	}
}

func TestDenyingGivesAccessDenied(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	b.SignIn("frank")
	asked := s.App("web").Ask("scope", "api:write")
	page := b.Open(asked.URL())
	f, fields := page.Filled("Deny")
	answer := b.PostForm(f.Action, fields)
	wantRefusal(t, answer, asked, "access_denied")
	// The answer stands: the same form cannot be sent again, neither for no nor for yes.
	wantPage(t, b.PostForm(f.Action, fields))
	_, allow := page.Filled("Allow")
	wantPage(t, b.PostForm(f.Action, allow))
}

func TestUnknownScopesAreNeverGranted(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, scope := range []string{"admin", "profile admin", "other:all", "PROFILE", "profile,api:read", "openid offline_access", "pro file"} {
		asked := s.App("web").Ask("scope", scope)
		wantRefusal(t, s.Browser(t).Open(asked.URL()), asked, "invalid_scope")
	}
	answer := s.Browser(t).Tokens(s.App("web"), authtest.Alice)
	if answer.Text("scope") != "profile api:read" {
		t.Errorf("without a scope the default is granted, not %q", answer.Text("scope"))
	}
}

func TestUnknownResponseModesAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, mode := range []string{"fragment", "web_message", "jwt", "form_post.jwt", "query.jwt", "QUERY", "nonsense"} {
		asked := s.App("web").Ask("response_mode", mode)
		wantRefusal(t, s.Browser(t).Open(asked.URL()), asked, "invalid_request")
	}
	modes := s.Get(t, "/.well-known/oauth-authorization-server").JSON["response_modes_supported"]
	if got := listOf(modes); got != "query form_post" {
		t.Errorf("the metadata names %q", got)
	}
}

func listOf(v any) string {
	items, _ := v.([]any) // nil where it is none
	words := make([]string, len(items))
	for i, item := range items {
		words[i], _ = item.(string) // "" where it is none
	}
	return strings.Join(words, " ")
}

func TestFormPostCarriesTheAnswerInAForm(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	asked := s.App("web").Ask("response_mode", "form_post", "state", `"><script>alert(1)</script>&amp;`)
	page := b.Follow(asked, authtest.Alice)
	back := page.Callback()
	if page.Status != http.StatusOK || page.Location != nil || back.Get("state") != asked.Params.Get("state") || back.Get("iss") != s.Issuer {
		t.Fatalf("%s", page)
	}
	if strings.Contains(page.Body, "<script>alert") {
		t.Error("state is not escaped")
	}
	if f := page.Forms()[0]; f.Action != authtest.WebRedirect || f.Method != http.MethodPost || len(f.Buttons) != 1 {
		t.Errorf("the form goes to %s by %s with %d buttons", f.Action, f.Method, len(f.Buttons))
	}
	if !strings.Contains(page.Header.Get("Content-Security-Policy"), "form-action 'self' https://web.example.test") {
		t.Errorf("the policy is %s", page.Header.Get("Content-Security-Policy"))
	}
	if answer := asked.Redeem(t, back.Get("code")); answer.Status != http.StatusOK {
		t.Errorf("the code is worth %s", answer)
	}
	refused := b.Open(s.App("web").Ask("response_mode", "form_post", "scope", "unknown").URL())
	if refused.Callback().Get("error") != "invalid_scope" || refused.Location != nil {
		t.Errorf("an error: %s", refused)
	}
}

func TestWrongMethodsAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for path, allowed := range map[string]string{
		authtest.AuthorizePath: "GET, HEAD, POST", authtest.TokenPath: "POST", authtest.RevokePath: "POST", authtest.IntrospectPath: "POST",
		authtest.JWKSPath: "GET, HEAD", "/.well-known/oauth-authorization-server": "GET, HEAD", "/login": "GET, HEAD, POST",
		"/consent": "GET, HEAD, POST", "/logout": "GET, HEAD, POST", "/healthz": "GET, HEAD", "/readyz": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "CONNECT2", "get", "PROPFIND"} {
			if strings.Contains(allowed, method) {
				continue
			}
			request := authtest.NewRequest(t, method, s.URL(path), nil)
			request.Header.Set("X-Echo", "an echo of the request")
			answer := s.Do(t, request)
			refusesMethod := answer.Status == http.StatusMethodNotAllowed && answer.Header.Get("Allow") == allowed
			if !refusesMethod && !(answer.Status == http.StatusForbidden && strings.HasPrefix(allowed, "GET, HEAD, POST")) {
				t.Errorf("%s %s: %d, Allow: %s", method, path, answer.Status, answer.Header.Get("Allow"))
			}
			if strings.Contains(answer.Body, "an echo of the request") {
				t.Errorf("%s %s echoes", method, path)
			}
		}
	}
	for _, header := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		request := authtest.NewRequest(t, http.MethodGet, s.URL(authtest.TokenPath), nil)
		request.Header.Set(header, "POST")
		if answer := s.Do(t, request); answer.Status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", header, answer)
		}
	}
}

func TestTwoTabsDoNotMix(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	one, two := s.App("web").Ask("scope", "api:read"), s.App("other").Ask("scope", "other:all")
	tabOne, tabTwo := b.Open(one.URL()), b.Open(two.URL())
	tabTwo = tabTwo.LogIn("grace", authtest.PasswordOf("grace"))
	tabOne = tabOne.LogIn("grace", authtest.PasswordOf("grace")) // a page from before the other tab's login
	if !tabOne.Is("/consent") || !strings.Contains(tabOne.Text(), "Web application") {
		t.Fatalf("the first tab shows %s", tabOne)
	}
	tabTwo = b.Open(two.App.Server.URL("/consent") + "?" + tabTwo.URL.RawQuery) // its form was for the session before
	if !strings.Contains(tabTwo.Text(), "Another application") {
		t.Fatalf("the second tab shows %s", tabTwo)
	}
	for _, c := range []struct {
		page  *authtest.Page
		asked *authtest.Asked
		scope string
	}{{tabTwo, two, "other:all"}, {tabOne, one, "api:read"}} {
		page := c.page.Press("Allow")
		back := page.Callback()
		if back.Get("state") != c.asked.State || !strings.HasPrefix(page.Location.String(), c.asked.App.Redirect) {
			t.Fatalf("%s ends at %s", c.asked.App.ID, page)
		}
		if answer := c.asked.Redeem(t, back.Get("code")); answer.Text("scope") != c.scope {
			t.Errorf("%s gets %s", c.asked.App.ID, answer)
		}
	}
}

func TestBentFormFieldsChangeNothing(t *testing.T) {
	t.Parallel()
	s := shared(t)
	extra := []string{"client_id", "other", "redirect_uri", evil, "scope", "profile api:read api:write", "state", "stolen",
		"user", "alice", "response_type", "token", "username", "alice"}
	b := s.Browser(t)
	asked := s.App("web").Ask("scope", "api:read")
	f, fields := b.Open(asked.URL()).Filled("Sign in", append(extra, "username", "heidi", "password", authtest.PasswordOf("heidi"), "next", evil)...)
	page := b.PostForm(f.Action, fields)
	if !page.Is("/consent") {
		t.Fatalf("the login leads to %s", page)
	}
	page = page.Press("Allow", extra...)
	if !strings.HasPrefix(page.Location.String(), authtest.WebRedirect) || page.Callback().Get("state") != asked.State {
		t.Fatalf("it ends at %s", page)
	}
	answer := asked.Redeem(t, page.Callback().Get("code"))
	if answer.Text("scope") != "api:read" {
		t.Errorf("granted: %s", answer)
	}
	for _, decision := range []string{"", "ALLOW", "yes", "true"} {
		page := b.Open(s.App("web").Ask("scope", "api:write").URL())
		f, fields := page.Filled("Allow")
		fields.Set("decision", decision)
		wantPage(t, b.PostForm(f.Action, fields))
	}
}

func TestAuthorizationAnswersAreNeitherKeptNorToldToOthers(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, mode := range []string{"query", "form_post"} {
		page := s.Browser(t).Follow(s.App("web").Ask("response_mode", mode), authtest.Alice)
		for _, step := range page.Trail {
			if step.Header.Get("Cache-Control") != "no-store" || step.Header.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("%s: Cache-Control %q, Referrer-Policy %q", step.URL.Path, step.Header.Get("Cache-Control"), step.Header.Get("Referrer-Policy"))
			}
		}
	}
}

func TestAnInteractionBelongsToOneBrowser(t *testing.T) {
	t.Parallel()
	s := shared(t)
	victim, thief := s.Browser(t), s.Browser(t)
	thief.SignIn(authtest.Bob)
	page := victim.Open(s.App("web").Ask().URL())
	for _, path := range []string{"/login", "/consent", authtest.AuthorizePath} {
		got := thief.Open(s.URL(path) + "?" + page.URL.RawQuery)
		wantPage(t, got)
		if strings.Contains(got.Body, "Web application") {
			t.Errorf("%s shows another browser's request", path)
		}
	}
}

func TestAnInteractionIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	page := b.Open(s.App("web").Ask().URL())
	handle := page.URL.RawQuery
	page = page.LogIn(authtest.Alice, authtest.PasswordOf(authtest.Alice))
	if page.Is("/consent") {
		page = page.Press("Allow")
	}
	if !page.Callback().Has("code") {
		t.Fatalf("no code: %s", page)
	}
	wantPage(t, b.Open(s.URL(authtest.AuthorizePath)+"?"+handle))
	wantPage(t, b.Open(s.URL("/consent")+"?"+handle))
}
