package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

func TestLoginPageIsSafeToShow(t *testing.T) {
	s := usual(t)
	b := s.browser()
	a := b.get("/login")
	a.wantPage(http.StatusOK)
	a.wantNotCached()
	a.wantHeader("X-Frame-Options", "DENY")
	a.wantHeader("Referrer-Policy", "same-origin")
	policy := a.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self';"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%q is missing in the policy %s", want, policy)
		}
	}
	action, fields := a.form()
	if action != "/login" || !fields.Has("username") || !fields.Has("password") || fields.Get("form_token") == "" {
		t.Errorf("form to %s: %v", action, fields)
	}
	for _, input := range elements(a.document(), "input") {
		if id := attribute(input, "id"); attribute(input, "type") != "hidden" && !strings.Contains(a.Body.String(), `for="`+id+`"`) {
			t.Errorf("the field %s has no label", id)
		}
	}
}

func TestWrongNameAndWrongPasswordReadTheSame(t *testing.T) {
	s := usual(t)
	b := s.browser()
	page := b.get("/login")
	wrong := b.submit(page, "username=alice", "password=wrong password")
	unknown := b.submit(page, "username=nobody", "password=wrong password")
	for _, a := range []*answer{wrong, unknown} {
		a.wantPage(http.StatusUnprocessableEntity)
		a.wantText("The username or the password is not right.")
		if strings.Contains(a.Body.String(), "wrong password") || len(a.Header().Values("Set-Cookie")) > 0 {
			t.Errorf("cookies %v, page %s", a.Header().Values("Set-Cookie"), a.Body)
		}
	}
	if got, want := strings.ReplaceAll(unknown.Body.String(), "nobody", "alice"), wrong.Body.String(); got != want {
		t.Errorf("an unknown user gets another page:\n%s\nthan a wrong password:\n%s", got, want)
	}
	ok(t, s.people.SetBlocked(t.Context(), s.alice.ID, account.Block))
	if got := b.submit(page, "username=alice", "password="+password); got.Code != wrong.Code || got.Body.String() != wrong.Body.String() {
		t.Errorf("a blocked user gets another page: %s", got.Body)
	}
}

func TestOddInputAtLoginIsRefusedQuietly(t *testing.T) {
	s := usual(t)
	b := s.browser()
	page := b.get("/login")
	for name, c := range map[string]struct {
		username, password string
		status             int
	}{
		"nothing":           {"", "", 422},
		"no password":       {"alice", "", 422},
		"long name":         {strings.Repeat("a", 10_000), "x", 422},
		"long password":     {"alice", strings.Repeat("a", 30_000), 422},
		"markup":            {`"><script>alert(1)</script>`, "x", 422},
		"NUL":               {"alice\x00", "x", 400},
		"invalid UTF-8":     {"alice\xff", "x", 400},
		"NUL in a password": {"alice", password + "\x00", 400},
	} {
		a := b.submit(page, "username="+c.username, "password="+c.password)
		if a.Code != c.status || strings.Contains(a.Body.String(), "<script>alert") {
			t.Errorf("%s: %d %s", name, a.Code, a.text())
		}
	}
}

func TestGuessesAreSlowed(t *testing.T) {
	s := usual(t)
	b := s.browser()
	page := b.get("/login")
	var a *answer
	for range 8 {
		a = b.submit(page, "username=alice", "password=wrong")
	}
	a.wantPage(http.StatusTooManyRequests)
	a.wantText("too many attempts", "Please wait")
	if a.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	right := b.submit(page, "username=alice", "password="+password)
	right.wantPage(http.StatusTooManyRequests) // also the right one waits
	elsewhere := s.browser()
	r := s.request("POST", "/login", "")
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	if a := elsewhere.submit(elsewhere.get("/login"), "username=ALICE", "password=wrong"); a.Code != http.StatusTooManyRequests {
		t.Errorf("another browser and spelling: %d", a.Code)
	}
}

func TestFormsNeedTheTokenOfTheirBrowser(t *testing.T) {
	s := usual(t)
	mine, theirs := s.browser(), s.browser()
	page := mine.get("/login")
	theirs.get("/login")
	for name, send := range map[string]func() *answer{
		"no token":                 func() *answer { return mine.submit(page, "username=alice", "password="+password, "form_token=") },
		"junk token":               func() *answer { return mine.submit(page, "username=alice", "password="+password, "form_token=junk") },
		"another browser's token":  func() *answer { return theirs.submit(page, "username=alice", "password="+password) },
		"a browser without cookie": func() *answer { return s.browser().submit(page, "username=alice", "password="+password) },
		"another request":          func() *answer { return mine.submit(page, "username=alice", "password="+password, "interaction=x") },
	} {
		a := send()
		if a.Code != http.StatusForbidden || sessionOf(a) != nil {
			t.Errorf("%s: %d, session %v", name, a.Code, sessionOf(a))
		}
	}
	mine.submit(page, "username=alice", "password="+password).wantStatus(http.StatusSeeOther)
}

func sessionOf(a *answer) *http.Cookie {
	for _, c := range a.Result().Cookies() {
		if strings.HasSuffix(c.Name, "grantor_session") {
			return c
		}
	}
	return nil
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	s := usual(t)
	for name, header := range map[string][2]string{
		"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"},
		"origin": {"Origin", "https://evil.example"}, "null": {"Origin", "null"}, "other port": {"Origin", "https://id.example.com:8443"},
	} {
		b := s.browser()
		_, fields := b.get("/login").form()
		fields.Set("username", "alice")
		fields.Set("password", password)
		for _, path := range []string{"/login", "/consent", "/logout", "/setup"} {
			r := s.request("POST", path, fields.Encode())
			r.Header.Set(header[0], header[1])
			if a := b.send(r); a.Code != http.StatusForbidden || sessionOf(a) != nil {
				t.Errorf("%s at %s: %d", name, path, a.Code)
			}
		}
	}
}

func TestCookiesAreNarrow(t *testing.T) {
	for issuer, prefix := range map[string]string{"https://id.example.com": "__Host-", "http://localhost:8080": ""} {
		s := newSite(t, options{issuer: issuer})
		b := s.browser()
		b.signIn()
		for _, name := range []string{"grantor_browser", "grantor_session"} {
			c := b.cookie(t, prefix+name)
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != (prefix != "") || c.Path != "/" || c.Domain != "" || len(c.Value) < 43 {
				t.Errorf("%s: %s", issuer, c)
			}
		}
		if c := b.cookie(t, prefix+"grantor_session"); c.MaxAge != 0 || !c.Expires.IsZero() {
			t.Errorf("the session outlives the browser: %s", c)
		}
		hsts := b.get("/").Header().Get("Strict-Transport-Security")
		if (hsts != "") != (prefix != "") {
			t.Errorf("%s: Strict-Transport-Security %q", issuer, hsts)
		}
	}
}

func TestLoginBeginsANewSession(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	old := b.cookie(t, "__Host-grantor_session").Value
	page := b.follow(b.authorize("web", "prompt=login"))
	b.submit(page, "username=alice", "password="+password).wantStatus(http.StatusSeeOther)
	if b.cookie(t, "__Host-grantor_session").Value == old {
		t.Error("the session kept its id")
	}
	thief := s.browser()
	thief.cookies["__Host-grantor_session"] = &http.Cookie{Name: "__Host-grantor_session", Value: old}
	thief.get("/").wantText("Welcome") // a guest: the old session has ended
}

func TestGarbageCookiesAreAGuest(t *testing.T) {
	s := usual(t)
	for _, value := range []string{"", "junk", strings.Repeat("a", 43), strings.Repeat("x", 4000), "../../etc", "é", "%00"} {
		b := s.browser()
		r := s.request("GET", "/", "")
		r.Header.Set("Cookie", "__Host-grantor_session="+value+"; __Host-grantor_browser="+value)
		a := b.s.send(r)
		a.wantPage(http.StatusOK)
		a.wantText("Welcome")
		r = s.request("GET", "/oauth2/authorize?"+s.ask("web").Encode(), "")
		r.Header.Set("Cookie", "__Host-grantor_session="+value+"; __Host-grantor_browser="+value)
		if to := s.send(r).location(); to.Path != "/login" {
			t.Errorf("%q leads to %s", value, to)
		}
	}
}

func TestLoginLeadsNowhereElse(t *testing.T) {
	s := usual(t)
	for next, want := range map[string]string{
		"": "/", "/admin": "/admin", "/admin/": "/admin/", "/admin/clients": "/admin/clients", "/account": "/account", "/account/apps": "/account/apps",
		"//evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "https://evil.example": "/", "javascript:alert(1)": "/",
		"/admin//evil.example": "/", "/admin/../x": "/", "/admin/..": "/", "/admin/%2e%2e/x": "/", "/%2f%2fevil.example": "/", "/admin/%2f%2fx": "/",
		"/admin@evil.example": "/", "/adminevil": "/", "/admin.evil.example": "/", "/admin?next=//evil": "/", "/admin#x": "/", "/oauth2/authorize": "/",
		" /admin": "/", "/admin/\\evil": "/", "admin": "/", "/logout": "/", "///admin": "/", "/admin/" + strings.Repeat("x", 600): "/",
		"/admin/é": "/", "/admin/;/x": "/", "/admin/./x": "/",
	} {
		b := s.browser()
		page := b.submit(b.get("/login"), "username=alice", "password="+password, "next="+next)
		if got := page.Header().Get("Location"); page.Code != http.StatusSeeOther || got != want {
			t.Errorf("after the form with next=%q: %d to %q, want %q", next, page.Code, got, want)
		}
		link := b.get("/login?" + form("next="+next).Encode()) // signed in already
		if got := link.Header().Get("Location"); got != want {
			t.Errorf("by the link with next=%q: to %q, want %q", next, got, want)
		}
	}
	b := s.browser()
	if _, fields := b.get("/login?next=//evil.example").form(); fields.Get("next") != "" {
		t.Errorf("the form carries %q", fields.Get("next"))
	}
}

func TestLoginHintIsFilledIn(t *testing.T) {
	s := usual(t)
	b := s.browser()
	page := b.follow(b.authorize("web", `login_hint=bob"><b>`))
	if _, fields := page.form(); fields.Get("username") != `bob"><b>` {
		t.Errorf("fields %v", fields)
	}
	page = b.follow(b.authorize("web", "login_hint="+strings.Repeat("x", 300)))
	if _, fields := page.form(); fields.Get("username") != "" {
		t.Errorf("a long hint was filled in: %v", fields)
	}
}

func TestFailedLoginKeepsTheRequest(t *testing.T) {
	s := usual(t)
	b := s.browser()
	page := b.follow(b.authorize("web"))
	page = b.submit(page, "username=alice", "password=wrong")
	page.wantPage(http.StatusUnprocessableEntity)
	page.wantText("Web app", "not right")
	s.wantResponse(b.follow(b.submit(b.follow(b.submit(page, "username=alice", "password="+password)), "decision=allow")), callback)
}
