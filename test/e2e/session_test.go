package e2e

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Sessions, cookies, forged forms, and what browsers are told.

func TestCookiesAreNarrowAndUnpredictable(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*authtest.Server{"http": shared(t), "https": tenant(t)} {
		values := map[string]bool{}
		for range 5 {
			b := s.Browser(t)
			b.SignIn(authtest.Bob)
			for _, c := range b.Cookies {
				secure := name == "https"
				if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.Path != "/" || c.Secure != secure ||
					strings.HasPrefix(c.Name, "__Host-") != secure {
					t.Errorf("%s: %s", name, c.Raw)
				}
				if random, err := base64.RawURLEncoding.DecodeString(c.Value); err != nil || len(random) < 16 || values[c.Value] {
					t.Errorf("%s: %s is short or was there before", name, c.Name)
				}
				values[c.Value] = true
			}
			if len(b.Cookies) != 2 {
				t.Errorf("%s: there are %d cookies", name, len(b.Cookies))
			}
		}
	}
}

func TestALoginRenewsTheSession(t *testing.T) {
	t.Parallel()
	s := shared(t)
	attacker := s.Browser(t)
	attacker.SignIn(authtest.Bob)
	planted := attacker.SessionCookie().Value
	victim := attacker.Copy() // all of the attacker's cookies stand in the victim's browser
	page := victim.Open(s.App("web").Ask("prompt", "login").URL())
	page.LogIn(authtest.Alice, authtest.PasswordOf(authtest.Alice))
	if victim.SessionCookie().Value == planted {
		t.Fatal("the session id is the one from before the login")
	}
	if home := attacker.Open(s.URL("/")); strings.Contains(home.Text(), "You are signed in") {
		t.Errorf("the planted session still stands: %s", home)
	}
	if home := victim.Open(s.URL("/")); !strings.Contains(home.Text(), "alice") {
		t.Errorf("the victim sees %s", home)
	}
	// Cookies from before a login are worth nothing after it.
	fresh := s.Browser(t)
	fresh.Open(s.URL("/login"))
	copied := fresh.Copy()
	fresh.SignIn(authtest.Alice)
	if home := copied.Open(s.URL("/")); strings.Contains(home.Text(), "alice") {
		t.Errorf("a copy from before the login is signed in: %s", home)
	}
}

func TestTheLoginFormCannotBeForged(t *testing.T) {
	t.Parallel()
	s := shared(t)
	attacker := s.Browser(t)
	f, own := attacker.Open(s.URL("/login")).Filled("Sign in", "username", authtest.Bob, "password", authtest.PasswordOf(authtest.Bob))
	without := url.Values{}
	for name, values := range own {
		without[name] = values
	}
	without.Del("form_token")
	for name, send := range map[string]func(*authtest.Browser) *authtest.Page{
		"another site": func(v *authtest.Browser) *authtest.Page {
			return v.PostFrom("https://evil.example.test", f.Action, own)
		},
		"another site, no token": func(v *authtest.Browser) *authtest.Page {
			return v.PostFrom("https://evil.example.test", f.Action, without)
		},
		"a hidden origin":      func(v *authtest.Browser) *authtest.Page { return v.PostFrom("null", f.Action, own) },
		"no token":             func(v *authtest.Browser) *authtest.Page { return v.PostForm(f.Action, without) },
		"the attacker's token": func(v *authtest.Browser) *authtest.Page { return v.PostForm(f.Action, own) },
		"an old browser, a neighbour": func(v *authtest.Browser) *authtest.Page {
			v.Header = http.Header{"Sec-Fetch-Site": {""}, "Origin": {"http://neighbour.localhost"}}
			return v.PostForm(f.Action, own)
		},
		"no word of where from": func(v *authtest.Browser) *authtest.Page {
			v.Header = http.Header{"Sec-Fetch-Site": {""}, "Origin": {""}}
			return v.PostForm(f.Action, own)
		},
		"a token for another request": func(v *authtest.Browser) *authtest.Page {
			_, mine := v.Open(s.App("web").Ask().URL()).Filled("Sign in", "username", authtest.Bob, "password", authtest.PasswordOf(authtest.Bob))
			mine.Set("interaction", "")
			return v.PostForm(f.Action, mine)
		},
	} {
		victim := s.Browser(t)
		victim.Open(s.URL("/login"))
		page := send(victim)
		if page.Status != http.StatusForbidden || victim.SessionCookie() != nil {
			t.Errorf("%s: %s", name, page)
		}
	}
}

func TestConsentCannotBeForged(t *testing.T) {
	t.Parallel()
	s := shared(t)
	victim, attacker := s.Browser(t), s.Browser(t)
	victim.SignIn("ivan")
	attacker.SignIn(authtest.Bob)
	// The attacker's own page for the attacker's own request, sent by the victim's browser.
	f, attack := attacker.Open(s.App("other").Ask("prompt", "consent").URL()).Filled("Allow")
	wantNoCode := func(name string, page *authtest.Page) {
		t.Helper()
		if page.Location != nil || page.Status != http.StatusForbidden && page.Status != http.StatusBadRequest {
			t.Errorf("%s: %s", name, page)
		}
	}
	wantNoCode("the attacker's form", victim.PostForm(f.Action, attack))
	// The victim's request, answered from elsewhere.
	page := victim.Open(s.App("other").Ask().URL())
	_, real := page.Filled("Allow")
	wantNoCode("another site", victim.PostFrom("https://evil.example.test", f.Action, real))
	wantNoCode("another browser", attacker.PostForm(f.Action, real))
	mixed := authtest.Form("interaction", real.Get("interaction"), "form_token", attack.Get("form_token"), "decision", "allow")
	wantNoCode("the attacker's token", victim.PostForm(f.Action, mixed))
	guess := authtest.Form("interaction", real.Get("interaction"), "decision", "allow")
	wantNoCode("no token", victim.PostForm(f.Action, guess))
	wantNoCode("nobody signed in", s.Browser(t).PostForm(f.Action, real))
	// A page from before another person signed in here.
	victim.Open(s.App("web").Ask("prompt", "login").URL()).LogIn("judy", authtest.PasswordOf("judy"))
	wantNoCode("a page of the person before", victim.PostForm(f.Action, real))
	if next := victim.Open(s.URL("/consent") + "?" + page.URL.RawQuery).Press("Allow"); !next.Callback().Has("code") {
		t.Errorf("the request itself has suffered: %s", next)
	}
}

// everyPage shows each sort of page once.
func everyPage(t testing.TB, s *authtest.Server) map[string]*authtest.Page {
	t.Helper()
	b := s.Browser(t)
	pages := map[string]*authtest.Page{"home": b.Open(s.URL("/")), "login": b.Open(s.URL("/login"))}
	pages["login for"] = b.Open(s.App("native").Ask().URL())
	pages["wrong password"] = pages["login for"].LogIn("nobody-by-that-name", "wrong password")
	pages["consent"] = pages["login for"].LogIn(authtest.Alice, authtest.PasswordOf(authtest.Alice))
	pages["form post"] = b.Open(s.App("web").Ask("response_mode", "form_post", "scope", "unknown").URL())
	pages["home, signed in"] = b.Open(s.URL("/"))
	pages["logout"] = b.Open(s.URL("/logout"))
	pages["signed out"] = pages["logout"].Press("Sign out")
	pages["unknown client"] = b.Open(s.App("web").Ask("client_id", "nobody").URL())
	pages["not found"] = b.Open(s.URL("/nothing"))
	pages["set-up"] = b.Open(s.URL("/setup?token=wrong"))
	return pages
}

func TestEveryPageIsLockedDown(t *testing.T) {
	t.Parallel()
	for kind, s := range map[string]*authtest.Server{"http": shared(t), "https": tenant(t)} {
		for name, page := range everyPage(t, s) {
			name := kind + ", " + name
			policy := directives(page.Header.Get("Content-Security-Policy"))
			for directive, want := range map[string]string{
				"default-src": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
			} {
				if policy[directive] != want {
					t.Errorf("%s: %s is %q", name, directive, policy[directive])
				}
			}
			if !strings.HasPrefix(policy["form-action"], "'self'") || strings.Contains(strings.ReplaceAll(policy["form-action"], "http://127.0.0.1:*", ""), "*") {
				t.Errorf("%s: form-action is %q", name, policy["form-action"])
			}
			for header, want := range map[string]string{
				"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			} {
				if got := page.Header.Get(header); got != want {
					t.Errorf("%s: %s is %q", name, header, got)
				}
			}
			if transport := page.Header.Get("Strict-Transport-Security"); (transport != "") != (kind == "https") {
				t.Errorf("%s: Strict-Transport-Security is %q", name, transport)
			}
			wantOwnResources(t, name, page)
		}
	}
}

func directives(policy string) map[string]string {
	all := map[string]string{}
	for part := range strings.SplitSeq(policy, ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(part), " ")
		all[name] = sources
	}
	return all
}

// wantOwnResources looks for script, handlers, styles and addresses that our policy would not let through.
func wantOwnResources(t testing.TB, name string, page *authtest.Page) {
	t.Helper()
	for _, n := range page.Elements() {
		for _, a := range n.Attr {
			value := strings.ToLower(strings.TrimSpace(a.Val))
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(value, "javascript:") {
				t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
			}
			isAddress := a.Key == "src" || a.Key == "href" || a.Key == "action"
			if isAddress && n.Data != "a" && name[len(name)-9:] != "form post" && !strings.HasPrefix(value, "/") {
				t.Errorf("%s: <%s %s=%q> is not ours", name, n.Data, a.Key, a.Val)
			}
		}
		if (n.Data == "script" || n.Data == "style") && n.FirstChild != nil {
			t.Errorf("%s: there is an inline <%s>", name, n.Data)
		}
		if n.Data == "iframe" || n.Data == "object" || n.Data == "embed" || n.Data == "base" {
			t.Errorf("%s: there is an <%s>", name, n.Data)
		}
	}
}

func TestConsentTellsTheTruthAndEscapesIt(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	b.SignIn("kevin")
	page := b.Open(s.App("native").Ask("redirect_uri", "http://127.0.0.1:8765/callback").URL())
	for _, part := range []string{`Native <b>app</b> & "friends"`, "kevin", "127.0.0.1:8765", "profile", "api:read", "native"} {
		if !strings.Contains(page.Text(), part) {
			t.Errorf("the page does not tell %q: %s", part, page)
		}
	}
	if strings.Contains(page.Body, "<b>app") {
		t.Error("the name of the application is not escaped")
	}
	if f := page.Forms()[0]; len(f.Buttons) != 2 || f.Buttons[0].Text != "Deny" || f.Buttons[1].Text != "Allow" {
		t.Errorf("the buttons are %v", page.Forms()[0].Buttons)
	}
}

func TestGarbageCookiesAreAnonymous(t *testing.T) {
	t.Parallel()
	s := shared(t)
	good := s.Browser(t)
	good.SignIn(authtest.Bob)
	value := good.SessionCookie().Value
	all := bent(value)
	for name, garbage := range map[string]string{
		"empty": "", "quoted": `"` + value + `"`, "long": strings.Repeat("A", 4000), "base64": strings.Repeat("A", 43), "JSON": "{%22u%22:1}",
		"a user": "usr_1", "path": "../../etc/passwd", "zero": strings.Repeat("0", 64), "browser cookie": good.Cookies["grantor_browser"].Value,
	} {
		all[name] = garbage
	}
	for name, garbage := range all {
		for _, cookie := range []string{"grantor_session", "grantor_browser", "__Host-grantor_session"} {
			for _, path := range []string{"/", "/login", "/logout", authtest.AuthorizePath + "?" + s.App("web").Ask("prompt", "none").Params.Encode()} {
				request := authtest.NewRequest(t, http.MethodGet, s.URL(path), nil)
				request.Header.Set("Cookie", cookie+"="+garbage)
				answer := s.Do(t, request)
				if answer.Status >= 500 || strings.Contains(answer.Body, "signed in as") || strings.Contains(answer.Header.Get("Location"), "code=") {
					if cookie == "grantor_session" && name == "quoted" || strings.TrimSpace(garbage) == value {
						continue // the cookie itself, as net/http reads it
					}
					t.Errorf("%s as %s at %s: %d", name, cookie, path, answer.Status)
				}
			}
		}
	}
	if home := good.Open(s.URL("/")); !strings.Contains(home.Text(), "bob") {
		t.Errorf("the real session has suffered: %s", home)
	}
}

func TestLogoutEndsTheSessionOnTheServer(t *testing.T) {
	t.Parallel()
	s := shared(t)
	b := s.Browser(t)
	b.SignIn(authtest.Bob)
	thief := b.Copy()
	ask := b.Open(s.URL("/logout"))
	if home := b.Open(s.URL("/")); !strings.Contains(home.Text(), "bob") {
		t.Fatalf("a mere link signed out: %s", home)
	}
	_, form := ask.Filled("Sign out")
	if page := b.PostFrom("https://evil.example.test", s.URL("/logout"), form); page.Status != http.StatusForbidden {
		t.Fatalf("another site: %s", page)
	}
	if page := b.PostForm(s.URL("/logout"), url.Values{}); page.Status != http.StatusForbidden {
		t.Fatalf("without a token: %s", page)
	}
	if home := b.Open(s.URL("/")); !strings.Contains(home.Text(), "bob") {
		t.Fatalf("a forged form signed out: %s", home)
	}
	page := ask.Press("Sign out")
	if page.Status != http.StatusOK || b.SessionCookie() != nil {
		t.Errorf("%s", page)
	}
	for name, browser := range map[string]*authtest.Browser{"the browser": b, "a copy of its cookies": thief} {
		if page := browser.Open(s.App("web").Ask().URL()); !page.Is("/login") {
			t.Errorf("%s is still signed in: %s", name, page)
		}
	}
}

func TestALoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, parameter := range []string{"next", "return_to", "redirect", "redirect_uri", "post_logout_redirect_uri", "continue", "url", "interaction"} {
		for _, target := range []string{
			evil, "//evil.example.test", `/\evil.example.test`, `\\evil.example.test`, "https:evil.example.test", "/admin//evil.example.test", "/admin/../..//evil",
			"javascript:alert(1)", "/admin\t//evil", "/admin%2f%2fevil", "/%0d%0aLocation:%20https://evil", "/admin@evil.example.test", "admin.evil.example.test",
		} {
			query := "?" + parameter + "=" + url.QueryEscape(target)
			b := s.Browser(t)
			page := b.Open(s.URL("/login") + query)
			if page.Status == http.StatusOK && page.Is("/login") {
				page = page.LogIn(authtest.Bob, authtest.PasswordOf(authtest.Bob))
			}
			logout := b.Open(s.URL("/logout") + query)
			for _, p := range append(page.Trail, logout) {
				if p.Left() {
					t.Errorf("%s leads to %s", query, p.Location)
				}
			}
		}
	}
}
