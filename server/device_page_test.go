package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// enter sends a user code by the page for it.
func (b *browser) enter(code string) *answer {
	b.s.t.Helper()
	return b.submit(b.get(b.s.base()+"/device"), "user_code="+code)
}

// asked brings alice, or who is signed in, as far as the consent page of a device.
func (b *browser) asked(d *device) *answer {
	b.s.t.Helper()
	if b.get(b.s.base()+"/device").Code != http.StatusOK {
		b.signIn()
	}
	page := b.follow(b.enter(d.user))
	page.wantPage(http.StatusOK)
	page.wantText("Allow")
	return page
}

// allow answers the consent page of a device.
func (b *browser) allow(d *device) *answer {
	b.s.t.Helper()
	last := b.follow(b.submit(b.asked(d), "decision=allow"))
	last.wantPage(http.StatusOK)
	return last
}

// member gives the browser of somebody who is signed in; who is not alice is made first.
func (s *site) member(username string) *browser {
	s.t.Helper()
	if username != "alice" {
		_, err := s.people.CreateUser(s.t.Context(), account.NewUser{Username: username, Password: password})
		ok(s.t, err)
	}
	b := s.browser()
	b.submit(b.get("/login"), "username="+username, "password="+password).wantStatus(http.StatusSeeOther)
	return b
}

func TestUserCodeIsReadHoweverItIsTyped(t *testing.T) {
	s := withDevices(t)
	b := s.member("alice")
	for name, spell := range map[string]func(string) string{
		"as shown":      func(c string) string { return c },
		"lower case":    strings.ToLower,
		"without dash":  func(c string) string { return strings.ReplaceAll(c, "-", "") },
		"with a blank":  func(c string) string { return strings.ReplaceAll(c, "-", " ") },
		"blanks around": func(c string) string { return "  " + c + "\u2013 " },
		"letter by letter": func(c string) string {
			return strings.Join(strings.Split(strings.ToLower(strings.ReplaceAll(c, "-", "")), ""), ".")
		},
		"another dash": func(c string) string { return strings.ReplaceAll(c, "-", "—") },
	} {
		d := s.device("tv")
		page := b.follow(b.enter(spell(d.user)))
		if page.Code != http.StatusOK || !strings.Contains(page.text(), "Television") {
			t.Errorf("%s (%s): %d %s", name, spell(d.user), page.Code, page.text())
		}
	}
	for name, typed := range map[string]string{
		"nothing": "", "too short": "WDJB-MJH", "too long": "WDJB-MJHTX", "a vowel": "WDJA-MJHT", "a digit": "WDJ8-MJHT", "markup": `"><script>alert(1)</script>`,
		"very long": strings.Repeat("B", 60_000), "Cyrillic": "ВDJB-MJHT", "of nobody": "BBBB-BBBB", "a device code": s.device("tv").code,
	} {
		a := b.enter(typed)
		if a.Code != http.StatusUnprocessableEntity || !strings.Contains(a.text(), "No device waits with this code") || strings.Contains(a.Body.String(), "<script>alert") {
			t.Errorf("%s: %d %s", name, a.Code, a.text())
		}
	}
	b.enter("WDJB\x00MJHT").wantPage(http.StatusBadRequest)
}

// What was typed stands in the field again, to be mended.
func TestRefusedUserCodeIsShownAgain(t *testing.T) {
	s := withDevices(t)
	a := s.member("alice").enter("wdjb mjht")
	a.wantPage(http.StatusUnprocessableEntity)
	a.wantNotCached()
	if _, fields := a.form(); fields.Get("user_code") != "wdjb mjht" || fields.Get("form_token") == "" {
		t.Errorf("fields %v", fields)
	}
	alerts := 0
	for n := range a.document().Descendants() {
		if attribute(n, "role") == "alert" {
			alerts++
		}
	}
	if alerts != 1 {
		t.Errorf("%d alerts", alerts)
	}
}

func wantThrottled(t *testing.T, a *answer) {
	t.Helper()
	a.wantPage(http.StatusTooManyRequests)
	a.wantText("too many tries", "Please wait")
	if seconds := a.Header().Get("Retry-After"); seconds == "" || seconds == "0" {
		t.Errorf("Retry-After is %q", seconds)
	}
}

func TestWrongUserCodesOfAUserAreLimited(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.member("alice")
	b.follow(b.enter(d.user)).wantText("Television") // a right one is not counted
	for i := range 10 {
		if a := b.enter("BBBB-BBBB"); a.Code != http.StatusUnprocessableEntity {
			t.Fatalf("try %d: %d", i, a.Code)
		}
	}
	wantThrottled(t, b.enter("BBBB-BBBB"))
	wantThrottled(t, b.enter(d.user)) // also the right one waits
	elsewhere := s.member("alice")
	s.from = "203.0.113.7"
	wantThrottled(t, elsewhere.enter(d.user)) // and in every browser
	bob := s.member("bob")
	bob.follow(bob.enter(d.user)).wantText("Television")
	s.move(10 * time.Minute)
	next := s.device("tv")
	b.follow(b.enter(next.user)).wantText("Television")
}

// Ten guesses of each of many users are many guesses.
func TestWrongUserCodesOfAnAddressAreLimited(t *testing.T) {
	s := withDevices(t)
	s.from = "203.0.113.7"
	for n := range 5 {
		b := s.member(fmt.Sprint("user", n))
		for range 10 {
			b.enter("BBBB-BBBB").wantPage(http.StatusUnprocessableEntity)
		}
	}
	d, b := s.device("tv"), s.member("bob")
	wantThrottled(t, b.enter(d.user))
	s.from = "203.0.113.8"
	b.follow(b.enter(d.user)).wantText("Television")
}

// One code that is sent to many people is an attack on all of them (RFC 8628 section 5.4).
func TestOneCodeIsNotTypedByManyPeople(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.member("alice")
	for range 10 {
		b.follow(b.enter(d.user)).wantText("Television")
	}
	wantThrottled(t, b.enter(d.user))
	wantThrottled(t, s.member("bob").enter(d.user))
	other := s.device("tv")
	b.follow(b.enter(other.user)).wantText("Television")
}

func TestCodeOfALinkIsKeptThroughTheLogin(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.browser()
	first := b.get("/device?user_code=" + strings.ToLower(d.user))
	if want := "/login?next=" + url.QueryEscape("/device?user_code="+d.user); first.Header().Get("Location") != want {
		t.Fatalf("%d to %q, want %q", first.Code, first.Header().Get("Location"), want)
	}
	login := b.follow(first)
	wrong := b.submit(login, "username=alice", "password=wrong")
	wrong.wantPage(http.StatusUnprocessableEntity)
	page := b.follow(b.submit(wrong, "username=alice", "password="+password))
	page.wantText("exactly this code")
	if _, fields := page.form(); fields.Get("user_code") != d.user {
		t.Errorf("fields %v", fields)
	}
	d.poll().wantError(http.StatusBadRequest, oauth.AuthorizationPending) // a link alone enters nothing
	b.follow(b.submit(page)).wantText("Television", "A device asks for this")
}

func TestLinkWithoutACodeIsThePlainPage(t *testing.T) {
	s := withDevices(t)
	guest := s.browser().get("/device")
	guest.wantHeader("Location", "/login?next=%2Fdevice")
	b := s.member("alice")
	for _, query := range []string{"", "?user_code=", "?user_code=x", "?user_code=%22%3E%3Cscript%3E", "?user_code=AAAA-AAAA", "?code=WDJB-MJHT", "?%"} {
		page := b.get("/device" + query)
		page.wantPage(http.StatusOK)
		page.wantText("Type the code that your device shows")
		if _, fields := page.form(); fields.Get("user_code") != "" {
			t.Errorf("%s fills in %q", query, fields.Get("user_code"))
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
			page.wantHeader(name, want)
		}
		if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self';") {
			t.Errorf("policy %s", policy)
		}
	}
	for _, query := range []string{"", "?user_code=x", "?user_code=%22%3E"} {
		if a := s.browser().get("/device" + query); a.Code != http.StatusFound || a.Header().Get("Location") != "/login?next=%2Fdevice" {
			t.Errorf("a guest with %q: %d to %q", query, a.Code, a.Header().Get("Location"))
		}
	}
}

func TestLoginLeadsToTheDevicePageAndNowhereElse(t *testing.T) {
	s := withDevices(t)
	const code = "WDJB-MJHT"
	with := func(query string) string { return "/device?" + query }
	for next, want := range map[string]string{
		"/device": "/device", with("user_code=" + code): with("user_code=" + code),
		with("user_code=wdjb-mjht"): "/", with("user_code=WDJBMJHT"): "/", with("user_code="): "/", "/device?": "/", with("user_code=AAAA-AAAA"): "/",
		with("user_code=" + code + "&next=//evil.example"): "/", with("x=1&user_code=" + code): "/", with("user_code=" + code + "#x"): "/",
		with("user_code=//evil.example"): "/", with("user_code=https://evil.example"): "/", with("user_code=" + code + "?"): "/", with("next=/admin"): "/",
		with("user_code=" + code + "\r\nX: y"): "/", with("user_code=" + code + "%0d%0aX:y"): "/", with("user_code=%57DJB-MJHT"): "/",
		"//device?user_code=" + code: "/", "/device//evil.example?user_code=" + code: "/", "/device/../admin?user_code=" + code: "/",
		`/\device?user_code=` + code: "/", "https://evil.example/device?user_code=" + code: "/", "/device%3Fuser_code=" + code: "/", "/%64evice": "/",
		"device?user_code=" + code: "/", "/deviceevil": "/", "/device@evil.example": "/", "/device.evil.example": "/", "/device;x": "/", "/Device": "/",
		"/admin?user_code=" + code: "/", "/login?user_code=" + code: "/", "/device/?user_code=" + code: "/", " /device": "/", "/device ": "/",
	} {
		b := s.browser()
		sent := b.submit(b.get("/login"), "username=alice", "password="+password, "next="+next)
		if strings.ContainsAny(next, "\r\n") { // no text at all
			sent.wantPage(http.StatusBadRequest)
			b.signIn()
		} else if got := sent.Header().Get("Location"); sent.Code != http.StatusSeeOther || got != want {
			t.Errorf("after the form with next=%q: %d to %q, want %q", next, sent.Code, got, want)
		}
		link := b.get("/login?" + form("next="+next).Encode()) // signed in already
		if got := link.Header().Get("Location"); got != want {
			t.Errorf("by the link with next=%q: to %q, want %q", next, got, want)
		}
	}
}

func TestUserCodeFormIsBoundToItsSession(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.member("alice")
	page := b.get("/device")
	before := b.cookie(t, "__Host-grantor_session")
	other := s.member("bob")
	_, theirs := other.get("/device").form()
	_, login := s.browser().get("/login").form()
	cross := func(name, value string) func() *answer {
		return func() *answer {
			_, fields := page.form()
			fields.Set("user_code", d.user)
			r := s.request(http.MethodPost, "/device", fields.Encode())
			r.Header.Set(name, value)
			return b.send(r)
		}
	}
	for name, send := range map[string]func() *answer{
		"no token":                 func() *answer { return b.submit(page, "user_code="+d.user, "form_token=") },
		"junk":                     func() *answer { return b.submit(page, "user_code="+d.user, "form_token=junk") },
		"another's token":          func() *answer { return b.submit(page, "user_code="+d.user, "form_token="+theirs.Get("form_token")) },
		"a token of another form":  func() *answer { return b.submit(page, "user_code="+d.user, "form_token="+login.Get("form_token")) },
		"another browser":          func() *answer { return other.submit(page, "user_code="+d.user) },
		"nobody":                   func() *answer { return s.browser().submit(page, "user_code="+d.user) },
		"cross-site":               cross("Sec-Fetch-Site", "cross-site"),
		"same-site":                cross("Sec-Fetch-Site", "same-site"),
		"another origin":           cross("Origin", "https://evil.example"),
		"an origin that is hidden": cross("Origin", "null"),
		"after another login": func() *answer {
			b.submit(s.another(b), "username=alice", "password="+password).wantStatus(http.StatusSeeOther)
			if b.cookie(t, "__Host-grantor_session").Value == before.Value {
				t.Error("the session is the same")
			}
			return b.submit(page, "user_code="+d.user)
		},
	} {
		a := send()
		if a.Code != http.StatusForbidden || a.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, a.Code, a.Header().Get("Location"))
		}
	}
	b.submit(b.get("/device"), "user_code="+d.user).wantStatus(http.StatusSeeOther)
}

// another gives a login page to somebody who is signed in.
func (s *site) another(b *browser) *answer {
	s.t.Helper()
	return b.follow(b.authorize("web", "prompt=login"))
}

func TestSessionThatEndedAnswersNoDevice(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.browser()
	asked, typed := b.asked(d), b.get("/device")
	b.submit(b.get("/logout")).wantText("You are signed out")
	b.submit(typed, "user_code="+d.user).wantPage(http.StatusForbidden)
	b.submit(asked, "decision=allow").wantPage(http.StatusForbidden)
	d.poll().wantError(http.StatusBadRequest, oauth.AuthorizationPending)
	login := b.follow(b.get("/consent?interaction=" + interactionOf(asked)))
	login.wantText("Sign in", "Television")
	again := b.follow(b.submit(login, "username=alice", "password="+password))
	again.wantText("A device asks for this")
	b.follow(b.submit(again, "decision=allow")).wantText("Your device goes on")
	d.poll().wantStatus(http.StatusOK)
}

func TestConsentPageSaysThatADeviceAsks(t *testing.T) {
	s := withDevices(t)
	b := s.browser()
	page := b.asked(s.device("tv", "scope=api:read", "resource="+api))
	page.wantText("Television", "Alice Doe", "A device asks for this. Allow it only if you started it yourself", api)
	if strings.Contains(page.text(), "Then takes you to") || strings.Contains(page.text(), "profile") {
		t.Errorf("the page: %s", page.text())
	}
	if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self';") {
		t.Errorf("policy %s", policy)
	}
	usual := s.browser().consentPage("web")
	if strings.Contains(usual.text(), "A device asks") {
		t.Error("the page of another grant speaks of a device")
	}
}

func TestADeviceIsAskedForEveryTime(t *testing.T) {
	s := withDevices(t)
	b := s.browser()
	for range 2 {
		d := s.device("tv", "scope=profile")
		b.allow(d)
		d.poll().wantStatus(http.StatusOK)
	}
	d := s.device("tv", "scope=profile")
	page := b.asked(d)
	b.get("/oauth2/authorize?interaction="+interactionOf(page)).wantHeader("Location", "/consent?interaction="+interactionOf(page))
	d.poll().wantError(http.StatusBadRequest, oauth.AuthorizationPending)
}

func TestAnotherAccountMayAnswerADevice(t *testing.T) {
	s := withDevices(t)
	bob, err := s.people.CreateUser(t.Context(), account.NewUser{Username: "bob", Password: password})
	ok(t, err)
	d, b := s.device("tv"), s.browser()
	asked := b.asked(d)
	var link string
	for _, a := range elements(asked.document(), "a") {
		if strings.HasPrefix(attribute(a, "href"), "/login") {
			link = attribute(a, "href")
		}
	}
	page := b.follow(b.submit(b.get(link), "username=bob", "password="+password))
	page.wantText("A device asks for this", "bob")
	b.submit(asked, "decision=allow").wantPage(http.StatusForbidden) // shown to alice
	b.follow(b.submit(page, "decision=allow")).wantText("Your device goes on")
	tokens := d.poll()
	if got := s.call("tv", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+tokens.json("refresh_token")); got.Code != http.StatusOK {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if seen := s.call("api", "/oauth2/introspect", "token="+tokens.json("access_token")); seen.json("sub") != bob.ID {
		t.Errorf("the tokens are of %s", seen.Body)
	}
}

func TestOfTwoAnswersToADeviceTheFirstCounts(t *testing.T) {
	for _, c := range []struct {
		first, second string
		want          oauth.Code
	}{{"allow", "deny", ""}, {"allow", "allow", ""}, {"deny", "allow", oauth.AccessDenied}, {"deny", "deny", oauth.AccessDenied}} {
		s := withDevices(t)
		d, alice, bob := s.device("tv"), s.member("alice"), s.member("bob")
		one, two := alice.follow(alice.enter(d.user)), bob.follow(bob.enter(d.user))
		alice.follow(alice.submit(one, "decision="+c.first)).wantPage(http.StatusOK)
		bob.follow(bob.submit(two, "decision="+c.second)).wantPage(http.StatusBadRequest)
		bob.enter(d.user).wantPage(http.StatusUnprocessableEntity)
		a := d.poll()
		if a.json("error") != string(c.want) {
			t.Errorf("%s, then %s: %s", c.first, c.second, a.Body)
		}
		if c.want == "" && s.call("api", "/oauth2/introspect", "token="+a.json("access_token")).json("sub") != s.alice.ID {
			t.Error("the tokens are not of who allowed it first")
		}
	}
}

func TestLastPageIsShownOnce(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.browser()
	asked := b.asked(d)
	to := b.submit(asked, "decision=allow").Header().Get("Location")
	b.get(to).wantText("Your device goes on")
	b.get(to).wantPage(http.StatusBadRequest) // reloaded
	b.submit(asked, "decision=allow").wantPage(http.StatusBadRequest)
	b.submit(asked, "decision=deny").wantPage(http.StatusBadRequest)
	d.poll().wantStatus(http.StatusOK) // and the answer stands
}

func TestParametersOfStrangersChangeNothingForADevice(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv", "scope=profile", "prompt=none", "user_code=BBBB-BBBB", "interval=0", "expires_in=1", "redirect_uri=https://evil.example", "max_age=0", "user=alice"), s.member("alice")
	if d.user == "BBBB-BBBB" {
		t.Error("a device chose its code")
	}
	page := b.get("/device?prompt=none&decision=allow&scope=api:read&client_id=web&user_code=" + d.user + "&next=https://evil.example")
	page.wantText("exactly this code")
	asked := b.follow(b.submit(page, "decision=allow", "prompt=none", "scope=profile api:read", "client_id=web", "redirect_uri=https://evil.example", "interaction=x"))
	asked.wantText("Television", "A device asks for this")
	if strings.Contains(asked.text(), "api:read") {
		t.Errorf("the page: %s", asked.text())
	}
	last := b.submit(asked, "decision=allow", "scope=profile api:read", "client_id=web", "redirect_uri=https://evil.example", "device=", "user_code=BBBB-BBBB")
	if to := last.location(); to.Path != "/oauth2/authorize" || to.Host != "" {
		t.Errorf("it leads to %s", to)
	}
	b.follow(last).wantText("Your device goes on")
	if got := d.poll("user_code=x", "code=x").json("scope"); got != "profile" {
		t.Errorf("scope %q", got)
	}
}

// An interaction of a device is no code for a redirect URI, and the other way round.
func TestCodeOfADeviceGoesToNoRedirectURI(t *testing.T) {
	s := withDevices(t)
	b := s.browser()
	asked := b.asked(s.device("tv"))
	a := b.get("/oauth2/authorize?interaction=" + interactionOf(asked) + "&redirect_uri=https://evil.example&response_type=code&client_id=tv")
	if to := a.Header().Get("Location"); strings.Contains(to, "evil") {
		t.Errorf("it leads to %s", to)
	}
	own := s.get("/oauth2/authorize?" + form("client_id=tv", "response_type=code", "redirect_uri=https://evil.example", "code_challenge="+challenge(), "code_challenge_method=S256").Encode())
	own.wantPage(http.StatusBadRequest)
}

func TestDevicePageTakesGetAndPostAlone(t *testing.T) {
	s := withDevices(t)
	b := s.member("alice")
	a := b.send(s.request(http.MethodDelete, "/device", ""))
	a.wantPage(http.StatusMethodNotAllowed)
	a.wantHeader("Allow", "GET, HEAD, POST")
	b.send(s.request(http.MethodHead, "/device", "")).wantStatus(http.StatusOK)
	page := b.get("/device")
	_, fields := page.form()
	fields.Add("user_code", "BBBB-BBBB")
	fields.Add("user_code", "CCCC-CCCC")
	b.post("/device", fields).wantPage(http.StatusBadRequest) // sent more than once
}

// Somebody may type the code behind the address: that leads nowhere, and the log does not keep it.
func TestACodeBehindTheAddressStandsInNoLog(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.member("alice")
	b.get("/device/" + d.user).wantPage(http.StatusNotFound)
	b.get("/device/x/" + d.user).wantPage(http.StatusNotFound)
	if log := s.log.String(); strings.Contains(log, d.user) || strings.Count(log, `"path":"/device/..."`) != 2 {
		t.Errorf("the log says %s", log)
	}
}
