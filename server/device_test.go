package server_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

const (
	devicePath = "/oauth2/device_authorization"
	pollPair   = "grant_type=" + string(oauth.DeviceCode)
)

// seedDevices registers a public and a confidential client with the device authorization grant.
func (s *site) seedDevices() {
	s.t.Helper()
	tv := oauth.Registration{
		ClientID: "tv", ClientName: "Television", TokenEndpointAuthMethod: oauth.NoSecret, Scope: "profile api:read", Audience: []string{api, otherAPI},
		GrantTypes: []oauth.GrantType{oauth.DeviceCode, oauth.RefreshToken},
	}
	box := tv
	box.ClientID, box.ClientName, box.TokenEndpointAuthMethod = "box", "Set-top box", oauth.ClientSecretBasic
	s.register(tv, "")
	s.register(box, "")
}

func withDevices(t *testing.T) *site {
	t.Helper()
	s := usual(t)
	s.seedDevices()
	return s
}

// device is a device with the codes that it was given.
type device struct {
	s          *site
	client     string
	code, user string
}

func (s *site) device(client string, more ...string) *device {
	s.t.Helper()
	a := s.call(client, devicePath, more...)
	a.wantStatus(http.StatusOK)
	return &device{s, client, a.json("device_code"), a.json("user_code")}
}

func (d *device) poll(more ...string) *answer {
	d.s.t.Helper()
	return d.s.call(d.client, "/oauth2/token", append([]string{pollPair, "device_code=" + d.code}, more...)...)
}

// pollLater asks again once the interval is over.
func (d *device) pollLater() *answer {
	d.s.t.Helper()
	d.s.move(oauth.PollInterval)
	return d.poll()
}

func TestDeviceGetsTokensOnceItsUserAllowsIt(t *testing.T) {
	for _, client := range []string{"tv", "box"} {
		t.Run(client, func(t *testing.T) {
			s := withDevices(t)
			d, b := s.device(client, "scope=api:read", "resource="+api), s.browser()
			d.poll().wantError(http.StatusBadRequest, oauth.AuthorizationPending)
			last := b.allow(d)
			last.wantText("Your device goes on", "return to your device")
			last.wantHeader("Cache-Control", "no-store")

			tokens := d.pollLater()
			tokens.wantStatus(http.StatusOK)
			tokens.wantHeader("Content-Type", "application/json")
			tokens.wantNotCached()
			for name, want := range map[string]string{"token_type": "Bearer", "expires_in": "600", "scope": "api:read"} {
				if got := tokens.json(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			seen := s.call("api", "/oauth2/introspect", "token="+tokens.json("access_token"))
			for name, want := range map[string]string{"active": "true", "sub": s.alice.ID, "client_id": client, "scope": "api:read", "aud": api} {
				if got := seen.json(name); got != want {
					t.Errorf("introspection: %s is %q, want %q", name, got, want)
				}
			}
			next := s.call(client, "/oauth2/token", "grant_type=refresh_token", "refresh_token="+tokens.json("refresh_token"))
			next.wantStatus(http.StatusOK)
			if !s.active("api", next.json("access_token")) {
				t.Error("a refreshed token is not active")
			}
		})
	}
}

func TestDeviceAuthorizationAnswerHasTheMembersOfTheStandard(t *testing.T) {
	for _, issuer := range []string{"https://id.example.com", "https://id.example.com/tenant"} {
		s := newSite(t, options{issuer: issuer})
		s.seedDevices()
		a := s.call("tv", s.base()+devicePath, "scope=profile")
		a.wantStatus(http.StatusOK)
		a.wantHeader("Content-Type", "application/json")
		a.wantNotCached()
		a.wantHeader("X-Content-Type-Options", "nosniff")
		code := a.json("user_code")
		for name, want := range map[string]string{
			"verification_uri": issuer + "/device", "verification_uri_complete": issuer + "/device?user_code=" + code,
			"expires_in": "600", "interval": "5",
		} {
			if got := a.json(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for name, form := range map[string]string{
			"device_code": `^grdc_[0-9A-Za-z_-]{72}$`, "user_code": `^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`,
		} {
			if !regexp.MustCompile(form).MatchString(a.json(name)) {
				t.Errorf("%s is %q", name, a.json(name))
			}
		}
		if n := strings.Count(a.Body.String(), `":`); n != 6 {
			t.Errorf("%d members: %s", n, a.Body)
		}

		b := s.browser()
		login := b.follow(b.get(a.json("verification_uri_complete")))
		page := b.follow(b.submit(login, "username=alice", "password="+password))
		action, fields := page.form()
		if action != s.base()+"/device" || fields.Get("user_code") != code {
			t.Errorf("the form goes to %s with %v", action, fields)
		}
		b.follow(b.submit(b.follow(b.submit(page)), "decision=allow")).wantText("Your device goes on")
		s.call("tv", s.base()+"/oauth2/token", pollPair, "device_code="+a.json("device_code")).wantStatus(http.StatusOK)
	}
}

func TestDeviceCodesAreNeverTheSame(t *testing.T) {
	s := withDevices(t)
	seen := map[string]bool{}
	for range 100 {
		d := s.device("tv")
		if seen[d.code] || seen[d.user] {
			t.Fatalf("%+v came before", d)
		}
		seen[d.code], seen[d.user] = true, true
	}
}

func TestDeviceAuthorizationErrorsAreThoseOfTheStandard(t *testing.T) {
	s := withDevices(t)
	post := func(path, body string) func() *answer {
		return func() *answer { return s.send(s.request(http.MethodPost, path, body)) }
	}
	call := func(client string, pairs ...string) func() *answer {
		return func() *answer { return s.call(client, devicePath, pairs...) }
	}
	for name, c := range map[string]struct {
		send   func() *answer
		status int
		code   oauth.Code
	}{
		"nobody":                   {post(devicePath, "scope=profile"), 401, oauth.InvalidClient},
		"an unknown client":        {post(devicePath, "client_id=radio"), 401, oauth.InvalidClient},
		"no secret":                {post(devicePath, "client_id=box"), 401, oauth.InvalidClient},
		"a wrong secret":           {post(devicePath, "client_id=box&client_secret=wrong"), 401, oauth.InvalidClient},
		"a secret of a public one": {post(devicePath, "client_id=tv&client_secret=x"), 401, oauth.InvalidClient},
		"a client without grant":   {call("native"), 400, oauth.UnauthorizedClient},
		"another without grant":    {call("web"), 400, oauth.UnauthorizedClient},
		"a scope of others":        {call("tv", "scope=profile admin"), 400, oauth.InvalidScope},
		"a malformed scope":        {call("tv", `scope=a"b`), 400, oauth.InvalidScope},
		"a resource of others":     {call("tv", "resource=https://elsewhere.example"), 400, oauth.InvalidTarget},
		"client_id twice":          {post(devicePath, "client_id=tv&client_id=tv"), 400, oauth.InvalidRequest},
		"scope twice":              {post(devicePath, "client_id=tv&scope=profile&scope=profile"), 400, oauth.InvalidRequest},
		"client_id in the query":   {post(devicePath+"?client_id=tv", "scope=profile"), 401, oauth.InvalidClient},
		"a secret in the query":    {post(devicePath+"?client_secret=x", "client_id=box"), 400, oauth.InvalidRequest},
		"nothing":                  {post(devicePath, "%"), 400, oauth.InvalidRequest},
		"GET":                      {func() *answer { return s.get(devicePath + "?client_id=tv") }, 405, oauth.InvalidRequest},
		"a method of nobody":       {func() *answer { return s.send(s.request(http.MethodPut, devicePath, "client_id=tv")) }, 405, oauth.InvalidRequest},
		"JSON": {func() *answer {
			r := s.request(http.MethodPost, devicePath, `{"client_id":"tv"}`)
			r.Header.Set("Content-Type", "application/json")
			return s.send(r)
		}, 400, oauth.InvalidRequest},
		"control characters":      {call("tv", "scope=a\x00"), 400, oauth.InvalidRequest},
		"more than a form may be": {call("tv", "x="+strings.Repeat("x", 70_000)), 413, oauth.InvalidRequest},
	} {
		a := c.send()
		if got := a.json("error"); a.Code != c.status || got != string(c.code) || a.json("device_code") != "" {
			t.Errorf("%s: %d %s, want %d %s", name, a.Code, a.Body, c.status, c.code)
		}
		if c.status == 405 {
			a.wantHeader("Allow", "POST")
		}
		a.wantHeader("Cache-Control", "no-store")
	}
}

// A parameter in the query is none (RFC 6749 section 3.2).
func TestQueryOfADeviceAuthorizationDecidesNothing(t *testing.T) {
	s := withDevices(t)
	a := s.call("tv", devicePath+"?scope=admin&resource=https://elsewhere.example")
	a.wantStatus(http.StatusOK)
}

func TestPollingErrorsAreThoseOfTheStandard(t *testing.T) {
	s := withDevices(t)
	d, other := s.device("tv"), s.device("box")
	s.browser().allow(d)
	code := s.tokens("web").json("refresh_token")
	for name, c := range map[string]struct {
		client string
		pairs  []string
		code   oauth.Code
	}{
		"no device_code":         {"tv", nil, oauth.InvalidRequest},
		"an empty one":           {"tv", []string{"device_code="}, oauth.InvalidRequest},
		"twice":                  {"tv", []string{"device_code=" + d.code, "device_code=" + d.code}, oauth.InvalidRequest},
		"made up":                {"tv", []string{"device_code=made up"}, oauth.InvalidGrant},
		"cut off":                {"tv", []string{"device_code=" + d.code[:76]}, oauth.InvalidGrant},
		"of another secret":      {"tv", []string{"device_code=" + d.code[:60] + strings.Map(otherLetter, d.code[60:61]) + d.code[61:]}, oauth.InvalidGrant},
		"the user code":          {"tv", []string{"device_code=" + d.user}, oauth.InvalidGrant},
		"a refresh token":        {"tv", []string{"device_code=" + code}, oauth.InvalidGrant},
		"another client":         {"box", []string{"device_code=" + d.code}, oauth.InvalidGrant},
		"another client's":       {"tv", []string{"device_code=" + other.code}, oauth.InvalidGrant},
		"a client without grant": {"native", []string{"device_code=" + d.code}, oauth.UnauthorizedClient},
		"a wider scope":          {"tv", []string{"device_code=" + d.code, "scope=admin"}, oauth.InvalidScope},
		"another resource":       {"tv", []string{"device_code=" + d.code, "resource=https://elsewhere.example"}, oauth.InvalidTarget},
	} {
		a := s.call(c.client, "/oauth2/token", append([]string{pollPair}, c.pairs...)...)
		if got := a.json("error"); a.Code != http.StatusBadRequest || got != string(c.code) {
			t.Errorf("%s: %d %s, want 400 %s", name, a.Code, a.Body, c.code)
		}
	}
	s.send(s.request(http.MethodPost, "/oauth2/token", form(pollPair, "client_id=box", "device_code="+other.code).Encode())).
		wantError(http.StatusUnauthorized, oauth.InvalidClient)
	d.poll().wantStatus(http.StatusOK) // none of this has used it up
	other.poll().wantError(http.StatusBadRequest, oauth.AuthorizationPending)
}

func TestWhoAsksTooOftenIsToldToSlowDown(t *testing.T) {
	s := withDevices(t)
	d, other := s.device("tv"), s.device("tv")
	for _, c := range []struct {
		after time.Duration
		want  oauth.Code
	}{
		{0, oauth.AuthorizationPending}, {0, oauth.SlowDown}, {time.Second, oauth.SlowDown}, {4 * time.Second, oauth.AuthorizationPending},
		{oauth.PollInterval, oauth.AuthorizationPending}, {oauth.PollInterval - 400*time.Millisecond, oauth.AuthorizationPending},
		{2 * oauth.PollInterval, oauth.AuthorizationPending}, {time.Second, oauth.SlowDown},
	} {
		s.move(c.after)
		a := d.poll()
		a.wantError(http.StatusBadRequest, c.want)
		a.wantNotCached()
	}
	other.poll().wantError(http.StatusBadRequest, oauth.AuthorizationPending) // each device has an interval of its own
	s.browser().allow(d)
	d.poll().wantStatus(http.StatusOK) // who has been answered waits no longer
}

func TestDeniedDeviceIsToldSo(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.browser()
	last := b.submit(b.asked(d), "decision=deny")
	last.wantPage(http.StatusOK)
	last.wantText("Your device was refused", "did not allow")
	for range 2 {
		d.poll().wantError(http.StatusBadRequest, oauth.AccessDenied)
	}
	b.enter(d.user).wantPage(http.StatusUnprocessableEntity) // answered once
	s.move(10 * time.Minute)
	d.poll().wantError(http.StatusBadRequest, oauth.AccessDenied)
}

func TestDeviceCodeExpires(t *testing.T) {
	s := withDevices(t)
	early, late, allowed := s.device("tv"), s.device("tv"), s.device("tv")
	b := s.browser()
	page := b.asked(late)
	b.allow(allowed)
	s.move(10*time.Minute - time.Second)
	early.poll().wantError(http.StatusBadRequest, oauth.AuthorizationPending)
	b.follow(b.enter(early.user)).wantText("Television")
	s.move(time.Second)
	for _, d := range []*device{early, late, allowed} {
		d.poll().wantError(http.StatusBadRequest, oauth.ExpiredToken)
	}
	b.enter(early.user).wantPage(http.StatusUnprocessableEntity)
	b.follow(b.submit(page, "decision=allow")).wantPage(http.StatusBadRequest)
	late.poll().wantError(http.StatusBadRequest, oauth.ExpiredToken)
	s.move(6 * time.Minute)
	late.poll().wantError(http.StatusBadRequest, oauth.InvalidGrant) // forgotten
}

func TestSecondUseOfADeviceCodeEndsWhatItGave(t *testing.T) {
	s := withDevices(t)
	d := s.device("tv")
	s.browser().allow(d)
	tokens := d.poll()
	tokens.wantStatus(http.StatusOK)
	d.poll().wantError(http.StatusBadRequest, oauth.InvalidGrant)
	if s.active("api", tokens.json("access_token")) {
		t.Error("the access token outlives the second use")
	}
	s.call("tv", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+tokens.json("refresh_token")).wantError(http.StatusBadRequest, oauth.InvalidGrant)
}

func TestCodesOfDevicesStandInNoLogAndInNoExplanation(t *testing.T) {
	s := withDevices(t)
	d, denied, b := s.device("tv"), s.device("box"), s.browser()
	refused := []*answer{
		d.poll("scope=a\x00"), s.call("native", "/oauth2/token", pollPair, "device_code="+d.code), s.call("box", "/oauth2/token", pollPair, "device_code="+d.code),
		s.call("tv", "/oauth2/token", pollPair, "device_code="+d.code[:70]), s.call("tv", "/oauth2/token", pollPair, "device_code="+d.code+"x"),
		s.call("tv", "/oauth2/token", pollPair, "device_code="+d.code, "device_code="+d.code),
		s.call("web", "/oauth2/token", "grant_type=authorization_code", "code="+d.code, "redirect_uri="+callback, "code_verifier="+verifier),
		s.call("web", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+d.code),
		s.call("tv", "/oauth2/token?device_code="+d.code, pollPair), s.call("tv", "/oauth2/token", pollPair, "device_code="+d.user),
		s.get("/oauth2/authorize?" + s.ask("web", "scope="+d.code).Encode()), s.get("/oauth2/authorize?" + s.ask("web", "client_id="+d.code).Encode()),
	}
	b.get("/device?user_code=" + d.user).wantStatus(http.StatusFound)
	b.get("/login?next=" + url.QueryEscape("/device?user_code="+d.user)).wantStatus(http.StatusOK)
	b.signIn()
	wrong := d.user[:8] + strings.Map(otherCodeLetter, d.user[8:])
	refused = append(refused, b.enter(wrong), b.submit(b.get("/device?user_code="+d.user), "user_code="+d.user, "form_token=x"))
	b.follow(b.submit(b.asked(denied), "decision=deny"))
	refused = append(refused, b.enter(denied.user), denied.poll())
	b.allow(d)
	d.poll().wantStatus(http.StatusOK)
	refused = append(refused, d.poll())
	secrets := []string{d.code, d.code[8:30], d.user, strings.ReplaceAll(d.user, "-", ""), wrong, denied.code, denied.user}
	for i, a := range refused {
		e := s.explain(a)
		told := fmt.Sprintf("%+v", *e)
		for _, secret := range secrets {
			if strings.Contains(told, secret) {
				t.Errorf("refusal %d tells %s: %s", i, secret, told)
			}
		}
	}
	for line := range strings.SplitSeq(s.log.String(), "\n") {
		for _, secret := range secrets {
			if strings.Contains(line, secret) {
				t.Errorf("the log tells %s: %s", secret, line)
			}
		}
	}
	if !strings.Contains(s.log.String(), `"/device"`) || !strings.Contains(s.log.String(), `"`+devicePath+`"`) {
		t.Error("the log does not tell of the pages")
	}
}

func otherCodeLetter(r rune) rune {
	if r == 'X' {
		return 'Z'
	}
	return 'X'
}

func TestRefusedDevicesAreExplained(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.member("alice")
	d.poll()
	s.wantExplained(d.poll(), "waits for the interval", "RFC 8628 section 3.5", "the interval is 5s; 2 requests came within one")
	s.wantExplained(s.call("native", devicePath), "registered for", "RFC 7591 section 2", string(oauth.DeviceCode))
	s.wantExplained(s.call("box", "/oauth2/token", pollPair, "device_code="+d.code), "by the client that it was issued to", "RFC 8628 section 3.4", "issued to tv, shown by box")
	s.wantExplained(s.call("tv", "/oauth2/token", pollPair, "device_code="+d.code[:50]), "that this server issued", "RFC 8628 section 3.4", "50 characters of 77")
	s.wantExplained(s.call("tv", "/oauth2/token", pollPair), "device_code is there", "RFC 8628 section 3.4", "")
	if e := s.wantExplained(b.enter("BBBB-BBBB"), "a user code is one that a device is shown", "RFC 8628 section 3.3", ""); e.Subject != s.alice.ID || e.Status != 422 {
		t.Errorf("%+v", e)
	}
	denied := s.device("tv")
	b.submit(b.asked(denied), "decision=deny")
	s.wantExplained(denied.poll(), "the user allows", "RFC 8628 section 3.5", "")
	s.move(10*time.Minute + time.Second)
	s.wantExplained(d.poll(), "before it expires", "RFC 8628 section 3.5", "it expired 1s ago; a device code lives 10m")
}

func TestPendingPollIsNoRefusal(t *testing.T) {
	s := withDevices(t)
	d := s.device("tv")
	for range 3 {
		d.pollLater().wantError(http.StatusBadRequest, oauth.AuthorizationPending)
	}
	pending := d.pollLater()
	s.provider.FlushRefusals(t.Context())
	if _, err := s.provider.Explain(t.Context(), pending.Header().Get("X-Request-Id")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a pending poll is kept as a refusal: %v", err)
	}
	reasons := func() (names []string) {
		ok(t, s.provider.FlushUsage(t.Context()))
		counted, err := s.provider.ClientStatistics(t.Context(), "tv", oauth.Hour)
		ok(t, err)
		for _, series := range counted.Refused {
			names = append(names, fmt.Sprint(series.Name, "=", series.Total))
		}
		return names
	}
	if got := reasons(); len(got) != 0 {
		t.Errorf("pending polls are counted: %v", got)
	}
	d.poll().wantError(http.StatusBadRequest, oauth.SlowDown)
	if got := reasons(); !slices.Equal(got, []string{"slow_down=1"}) {
		t.Errorf("counted: %v", got)
	}
}

func TestTokensOfDevicesAreCountedByTheirGrant(t *testing.T) {
	s := withDevices(t)
	d := s.device("tv")
	s.browser().allow(d)
	d.poll().wantStatus(http.StatusOK)
	ok(t, s.provider.FlushUsage(t.Context()))
	counted, err := s.provider.ClientStatistics(t.Context(), "tv", oauth.Hour)
	ok(t, err)
	if len(counted.Issued) != 1 || counted.Issued[0].Name != string(oauth.DeviceCode) || counted.Issued[0].Total != 1 {
		t.Errorf("counted %+v", counted.Issued)
	}
}

func TestPollsThatHoldADeviceCodeSpareTheAddress(t *testing.T) {
	s := limited(t, "stranger=0.001/5")
	s.seedDevices()
	d := s.device("tv")
	for range 20 {
		d.pollLater().wantError(http.StatusBadRequest, oauth.AuthorizationPending)
	}
	var last *answer
	for range 6 {
		last = s.call("tv", "/oauth2/token", pollPair, "device_code=made up")
	}
	last.wantError(http.StatusTooManyRequests, oauth.TemporarilyUnavailable)
}

// Whoever knows its id speaks for a public client, so its requests are counted by address.
func TestDeviceAuthorizationsAreLimited(t *testing.T) {
	t.Run("of a confidential client", func(t *testing.T) {
		s := limited(t, "device_authorization=1/3", "stranger=1/1")
		s.seedDevices()
		refused := s.wantLimited(func() *answer { return s.call("box", devicePath) })
		refused.wantError(http.StatusTooManyRequests, oauth.TemporarilyUnavailable)
		s.call("box", "/oauth2/token", pollPair, "device_code=x").wantError(http.StatusBadRequest, oauth.InvalidGrant) // another class
	})
	t.Run("of a public client", func(t *testing.T) {
		s := limited(t, "stranger=1/3", "device_authorization=1/1")
		s.seedDevices()
		s.wantLimited(func() *answer { return s.call("tv", devicePath) }).wantError(http.StatusTooManyRequests, oauth.TemporarilyUnavailable)
		s.from = "203.0.113.7"
		s.call("tv", devicePath).wantStatus(http.StatusOK)
	})
	t.Run("that wait, of an address", func(t *testing.T) {
		s := withDevices(t)
		for range 1000 {
			s.device("tv")
		}
		refused := s.call("tv", devicePath)
		refused.wantError(http.StatusTooManyRequests, oauth.TemporarilyUnavailable)
		if refused.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		s.call("box", devicePath).wantStatus(http.StatusOK)
		s.move(10 * time.Minute)
		s.call("tv", devicePath).wantStatus(http.StatusOK)
	})
}

func TestStoreThatIsAwayIsNoDenialOfADevice(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.browser()
	page := b.asked(d)
	s.store.away.Store(true)
	for _, a := range []*answer{d.poll(), s.call("box", devicePath)} {
		a.wantError(http.StatusServiceUnavailable, oauth.TemporarilyUnavailable)
		a.wantHeader("Retry-After", "2")
	}
	b.submit(page, "decision=deny").wantPage(http.StatusServiceUnavailable)
	s.store.away.Store(false)
	d.pollLater().wantError(http.StatusBadRequest, oauth.AuthorizationPending)
	b.follow(b.submit(page, "decision=allow")).wantText("Your device goes on")
}

// Logs and browsers keep URLs, so whoever sends a device code in one is told before it works.
func TestDeviceCodeInAURLIsRefused(t *testing.T) {
	s := withDevices(t)
	d := s.device("tv")
	s.browser().allow(d)
	for name, pairs := range map[string][]string{"alone": {pollPair}, "in both places": {pollPair, "device_code=" + d.code}} {
		a := s.call("tv", "/oauth2/token?device_code="+d.code, pairs...)
		a.wantError(http.StatusBadRequest, oauth.InvalidRequest)
		if !strings.Contains(a.json("error_description"), "not into its URL") {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
}

// What people and admins see as allowed is what a device can still use.
func TestWhatADeviceWasAllowedIsListedWhileItStands(t *testing.T) {
	s := withDevices(t)
	s.register(oauth.Registration{ClientID: "sensor", TokenEndpointAuthMethod: oauth.NoSecret, Scope: "profile", GrantTypes: []oauth.GrantType{oauth.DeviceCode}}, "")
	wantListed := func(want int, when string) {
		t.Helper()
		live, _, err := s.provider.LiveAuthorizations(t.Context(), "user:"+s.alice.ID, "", 10)
		ok(t, err)
		if len(live) != want {
			t.Errorf("%s: %d are listed, want %d", when, len(live), want)
		}
	}
	b := s.browser()
	b.asked(s.device("tv"))
	b.submit(b.asked(s.device("tv")), "decision=deny")
	wantListed(0, "before anything is allowed")
	d, late := s.device("tv"), s.device("tv")
	b.allow(d)
	wantListed(1, "allowed")
	tokens := d.poll()
	wantListed(1, "with tokens")
	s.call("tv", "/oauth2/revoke", "token="+tokens.json("refresh_token")).wantStatus(http.StatusOK)
	wantListed(0, "revoked")

	b.allow(late)
	s.move(10*time.Minute - time.Second)
	wantListed(1, "allowed, and never asked for")
	s.move(time.Second)
	wantListed(0, "expired unused")

	once := s.device("sensor")
	b.allow(once)
	once.poll().wantStatus(http.StatusOK)
	wantListed(1, "with an access token alone")
	s.move(10 * time.Minute)
	wantListed(0, "when that has ended")
}

// What a user takes back before the device has asked, it never gets.
func TestAllowanceThatIsTakenBackIsNotIssued(t *testing.T) {
	s := withDevices(t)
	d, b := s.device("tv"), s.browser()
	b.allow(d)
	ok(t, s.provider.WithdrawApp(t.Context(), s.alice.ID, "tv"))
	d.poll().wantError(http.StatusBadRequest, oauth.InvalidGrant)
	s.move(time.Second)
	next := s.device("tv")
	b.allow(next)
	next.poll().wantStatus(http.StatusOK)
}
