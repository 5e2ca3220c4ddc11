package pages_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

const (
	newClient  = "/admin/auth-clients/-/new"
	deviceCode = string(oauth.DeviceCode)
)

func creator(w *world) *browser {
	return w.as("creator", account.ViewClients, account.CreateClients, account.EditClients)
}

func TestTemplatesFillInWhatIsSound(t *testing.T) {
	w := newWorld(t)
	b := creator(w)
	choice := b.open("/admin/auth-clients").click("+ Auth Client").shows("Web application", "Single-page or native app", "Machine to machine")
	if f := choice.press("Continue").wantStatus(http.StatusOK).form("Create Auth Client"); !slices.Equal(f.fields["grant_types"], []string{"authorization_code", "refresh_token"}) {
		t.Errorf("the first choice fills in %v", f.fields)
	}
	for template, want := range map[string]struct {
		method string
		grants []string
	}{
		"web":     {"client_secret_basic", []string{"authorization_code", "refresh_token"}},
		"app":     {"none", []string{"authorization_code", "refresh_token"}},
		"machine": {"client_secret_basic", []string{"client_credentials"}},
		"device":  {"none", []string{deviceCode, "refresh_token"}},
		"none":    {"client_secret_basic", nil},
	} {
		f := b.open(newClient + "?template=" + template).form("Create Auth Client")
		if f.value("token_endpoint_auth_method") != want.method || !slices.Equal(f.fields["grant_types"], want.grants) {
			t.Errorf("%s fills in %v", template, f.fields)
		}
	}
	b.open(newClient + "?template=%3Cscript%3E").shows("Web application")
}

func TestConfidentialClientIsCreatedAndItsSecretShownOnce(t *testing.T) {
	w := newWorld(t)
	b := creator(w)
	page := b.open(newClient+"?template=web").form("Create Auth Client").set("client_name", "  Holiday photos ").set("redirect_uris", callback).submit()
	page.wantStatus(http.StatusOK).shows("The auth client was created", "You won't be able to see it again", "Holiday photos")
	if got := page.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	secret, id := textOf(byID(page.document, "secret")), textOf(byID(page.document, "client-id"))
	c := w.clientNow(id)
	if c.ClientName != "Holiday photos" || c.Owner.Name != "creator" {
		t.Errorf("it is called %q and was made by %q", c.ClientName, c.Owner.Name)
	}
	if _, err := w.provider.Authenticate(w.system(), oauth.Credentials{ClientID: id, Secret: secret, Method: oauth.ClientSecretBasic}); err != nil {
		t.Errorf("the secret does not work: %v", err)
	}
	next := page.click("I have kept it").wantStatus(http.StatusOK)
	next.hides(secret)
	for _, cookie := range b.cookies {
		if strings.Contains(cookie, secret) {
			t.Error("a cookie holds the secret")
		}
	}
}

func TestPublicClientIsCreatedWithoutASecret(t *testing.T) {
	w := newWorld(t)
	page := creator(w).open(newClient+"?template=app").form("Create Auth Client").
		set("client_name", "Notes").set("redirect_uris", "http://127.0.0.1/callback\ncom.example.notes:/callback").submit()
	page.follow().wantStatus(http.StatusOK).shows("The auth client was created.", "Notes", "Public", "com.example.notes:/callback").hides("Begins with")
}

func TestFormKeepsWhatWasTypedAndSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.client(webClient("Taken"))
	b := creator(w)
	for name, x := range map[string]struct {
		field  string
		values []string
		beside string // the field that the fault stands beside
		says   string
	}{
		"no name":               {"client_name", []string{"   "}, "client_name", "Give the auth client a name."},
		"256 characters":        {"client_name", []string{strings.Repeat("ä", 256)}, "client_name", "must not be longer than 255 characters"},
		"a name taken":          {"client_name", []string{"tAkEn "}, "client_name", "Another auth client has this name."},
		"a name that turns":     {"client_name", []string{"a\u202eb"}, "client_name", "hide or turn text"},
		"no grant":              {"grant_types", nil, "grant_types", "at least one grant"},
		"refresh alone":         {"grant_types", []string{"refresh_token"}, "grant_types", "must contain “Authorization Code Grant” or “Device Authorization Grant” where it contains “Refresh Tokens”"},
		"a grant unknown":       {"grant_types", []string{"password"}, "grant_types", "must be one of “Authorization Code Grant”, “Client Credentials Grant”, “Refresh Tokens”, “Device Authorization Grant”"},
		"a URN unknown":         {"grant_types", []string{"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "grant_types", "must be one of"},
		"no redirect":           {"redirect_uris", []string{"\n \n"}, "redirect_uris", "must name at least one"},
		"http":                  {"redirect_uris", []string{callback + "\n\nhttp://app.example.com/"}, "redirect_uris", "Line 3 must use https"},
		"a wildcard":            {"redirect_uris", []string{"https://*.example.com/"}, "redirect_uris", "Line 1 must not contain a wildcard"},
		"a fragment":            {"redirect_uris", []string{"https://app.example.com/#x"}, "redirect_uris", "must not have a fragment"},
		"a comma":               {"redirect_uris", []string{callback + ",https://evil.example.net/"}, "redirect_uris", "Line 1 holds more than one URL"},
		"a comma and a blank":   {"redirect_uris", []string{callback + ", HTTP://evil.example.net/"}, "redirect_uris", "Line 1 holds more than one URL"},
		"the same twice":        {"redirect_uris", []string{callback + "\n" + callback}, "redirect_uris", "Line 2 must not be repeated"},
		"script":                {"redirect_uris", []string{"javascript:alert(1)"}, "redirect_uris", "Line 1 must use https"},
		"no method":             {"token_endpoint_auth_method", []string{"magic"}, "token_endpoint_auth_method", "must be one of"},
		"a scope with quotes":   {"scope", []string{`a "b"`}, "scope", "Scopes must be"},
		"a default too many":    {"default_scope", []string{"email"}, "default_scope", "must be part of scope"},
		"an audience":           {"audience", []string{"https://api.example.com\nnot a uri"}, "audience", "Line 2 must be an absolute URI"},
		"a format":              {"access_token_format", []string{"xml"}, "access_token_format", "must be opaque or jwt"},
		"an algorithm":          {"access_token_signing_alg", []string{"HS256"}, "access_token_signing_alg", "must be one of"},
		"a lifetime in words":   {"access_token_lifetime", []string{"soon"}, "access_token_lifetime", "write a number and a unit"},
		"a lifetime backwards":  {"access_token_lifetime", []string{"-5m"}, "access_token_lifetime", "must be longer than nothing"},
		"a lifetime too long":   {"access_token_lifetime", []string{"25h"}, "access_token_lifetime", "must be between"},
		"a lifetime too short":  {"refresh_token_lifetime", []string{"1s"}, "refresh_token_lifetime", "must be between"},
		"an API without a name": {"resource_server", []string{"yes"}, "audience", "must name the resource server"},
		"a home page":           {"client_uri", []string{"ftp://x"}, "client_uri", "must be an https URL"},
		"an id":                 {"client_id", []string{"no blanks"}, "client_id", "letters, digits"},
		"a dash":                {"client_id", []string{"-"}, "client_id", "must not be -"},
	} {
		t.Run(name, func(t *testing.T) {
			form := b.open(newClient+"?template=web").form("Create Auth Client").set("client_name", "<b>Mine</b>").set("redirect_uris", callback).set("scope", "profile a")
			page := form.set(x.field, x.values...).submit().wantStatus(http.StatusUnprocessableEntity)
			if got := page.faultOf(x.beside); !strings.Contains(got, x.says) {
				t.Errorf("beside %s stands %q", x.beside, got)
			}
			if faults := byID(page.document, "faults"); faults == nil || !strings.Contains(textOf(faults), x.says) {
				t.Errorf("the faults are not told on top")
			}
			again := page.form("Create Auth Client")
			for name, sent := range form.fields {
				if kept := again.fields[name]; name != "form_token" && !strings.Contains(x.says, "must be o") && !slices.Equal(kept, sent) {
					t.Errorf("%s was %q and is %q", name, sent, kept)
				}
			}
			if in := isOpen(page); slices.Contains([]string{"audience", "access_token_format", "access_token_lifetime", "client_uri", "client_id"}, x.beside) && !in {
				t.Error("the advanced settings hide the fault")
			}
		})
	}
	if n := len(b.open("/admin/auth-clients").listed()); n != 1 {
		t.Errorf("%d clients are registered", n)
	}
}

func TestCommaInARedirectURLSmugglesNoSecondOne(t *testing.T) {
	w := newWorld(t)
	page := creator(w).open(newClient+"?template=web").form("Create Auth Client").set("client_name", "Comma").set("redirect_uris", "https://app.example.com/a,b").submit()
	c := w.clientNow(textOf(byID(page.wantStatus(http.StatusOK).document, "client-id")))
	if len(c.RedirectURIs) != 1 || !c.AllowsRedirect("https://app.example.com/a,b") || c.AllowsRedirect("https://app.example.com/a") || c.AllowsRedirect("b") {
		t.Errorf("it has %q", c.RedirectURIs)
	}
}

// isOpen reports whether the advanced settings are shown.
func isOpen(p *page) bool {
	for _, d := range elements(p.document, "details") {
		if strings.HasPrefix(textOf(d), "Advanced settings") {
			return has(d, "open")
		}
	}
	return false
}

func TestEverySettingOfTheFormIsSaved(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	page := b.open(newClient+"?template=web").form("Create Auth Client").
		set("client_name", "All").set("client_id", "all-of-it").set("redirect_uris", callback+"\r\n  "+callback+"/2  \r\n\r\n").
		set("grant_types", "authorization_code", deviceCode, "refresh_token", "client_credentials").set("personal_access_tokens", "yes").
		set("token_endpoint_auth_method", "client_secret_post").set("scope", " a  b ").set("default_scope", "a").
		set("audience", "https://api.example.com").set("access_token_format", "jwt").set("access_token_signing_alg", "EdDSA").
		set("access_token_lifetime", "1h").set("refresh_token_lifetime", "1d12h").set("resource_server", "yes").
		set("client_uri", "https://app.example.com").set("permissions", "clients:view", "audit:view").submit()
	page.wantStatus(http.StatusOK)
	c := w.clientNow("all-of-it")
	want := oauth.Registration{
		ClientID: "all-of-it", ClientName: "All", ClientURI: "https://app.example.com", TokenEndpointAuthMethod: oauth.ClientSecretPost,
		GrantTypes:   []oauth.GrantType{oauth.AuthorizationCode, oauth.DeviceCode, oauth.RefreshToken, oauth.ClientCredentials},
		RedirectURIs: []string{callback, callback + "/2"}, Scope: "a b", DefaultScope: "a", Audience: []string{"https://api.example.com"},
		AccessTokenFormat: oauth.JWT, AccessTokenSigningAlg: "EdDSA", AccessTokenLifetime: oauth.Duration(3600e9), RefreshTokenLifetime: oauth.Duration(36 * 3600e9),
		ResourceServer: true, PersonalAccessTokens: true, Permissions: account.Permissions{account.ViewClients, account.ViewAudit},
	}
	if got := sprint(c.Registration); got != sprint(want) {
		t.Errorf("saved %s, not %s", got, sprint(want))
	}
	b.open("/admin/auth-clients/all-of-it/edit").press("Save").follow().shows("The auth client was saved.")
	if got := sprint(w.clientNow("all-of-it").Registration); got != sprint(want) {
		t.Errorf("saving without a change made %s of %s", got, sprint(want))
	}
}

func TestClientWithPersonalAccessTokensAloneNeedsNoGrant(t *testing.T) {
	w := newWorld(t)
	page := creator(w).open(newClient+"?template=none").form("Create Auth Client").set("client_name", "Scripts").
		set("token_endpoint_auth_method", "none").set("personal_access_tokens", "yes").submit()
	page.follow().shows("Scripts", "Personal access tokens")
}

func TestDeviceNeedsNoRedirectURL(t *testing.T) {
	w := newWorld(t)
	b := creator(w)
	for template, method := range map[string]string{"device": "none", "none": "client_secret_basic"} {
		form := b.open(newClient+"?template="+template).form("Create Auth Client").set("client_name", "A TV, "+method).
			set("grant_types", deviceCode, "refresh_token")
		page := form.submit()
		if method == "none" {
			page = page.follow()
		}
		page.wantStatus(http.StatusOK)
		row := b.open("/admin/auth-clients?q="+url.QueryEscape("A TV, "+method)).shows("Device authorization", "Refresh tokens")
		row.hides(deviceCode)
		c := b.open("/admin/auth-clients").click("A TV, " + method).shows("Device authorization").hides("PKCE")
		edit := c.click("Edit Auth Client")
		if box := byID(edit.document, "grant_types-device_code"); box == nil || !has(box, "checked") || attribute(box, "value") != deviceCode {
			t.Errorf("%s: the box of the form is %v", method, box)
		}
		edit.form("Save").set("grant_types", "authorization_code", deviceCode).submit().wantStatus(http.StatusUnprocessableEntity)
	}
}

func TestNobodyGivesAClientWhatHeDoesNotHold(t *testing.T) {
	w := newWorld(t)
	b := creator(w)
	form := b.open(newClient + "?template=machine").shows("You do not hold this permission yourself").form("Create Auth Client")
	form.set("client_name", "Robot").set("permissions", "clients:view").submit().wantStatus(http.StatusOK)
	for _, forged := range []struct{ field, value string }{{"permissions", "users:edit"}, {"scope", "admin"}, {"scope", "users:edit"}} {
		b.open(newClient+"?template=machine").form("Create Auth Client").set("client_name", "Robot 2").forge(forged.field, forged.value).submit().wantStatus(http.StatusForbidden)
	}
	if n := len(w.events("access.refused")); n != 3 {
		t.Errorf("%d refusals are in the audit log", n)
	}
	mighty := webClient("Mighty")
	mighty.ClientID, mighty.Scope = "mighty", "admin"
	w.client(mighty)
	b.get("/admin/auth-clients/mighty/edit").wantStatus(http.StatusForbidden)
	for _, tail := range []string{"/edit", "/secrets/new", "/secrets/rotate"} {
		b.post("/admin/auth-clients/mighty"+tail, map[string][]string{"form_token": {b.formToken(newClient + "?template=web")}, "client_name": {"x"}, "version": {"1"}, "overlap": {"0"},
			"redirect_uris": {callback}, "grant_types": {"authorization_code"}, "token_endpoint_auth_method": {"none"}, "access_token_format": {"opaque"}}).wantStatus(http.StatusForbidden)
	}
}

func TestOneOfTwoAdminsGetsTheName(t *testing.T) {
	w := newWorld(t)
	var pages [8]*page
	var forms [8]*filled
	for i := range forms {
		b := w.as("creator"+string(rune('a'+i)), account.ViewClients, account.CreateClients)
		forms[i] = b.open(newClient+"?template=web").form("Create Auth Client").set("client_name", []string{"Same name", "SAME NAME"}[i%2]).set("redirect_uris", callback)
	}
	var all sync.WaitGroup
	for i, form := range forms {
		all.Go(func() { pages[i] = form.submit() })
	}
	all.Wait()
	won := 0
	for _, page := range pages {
		if page.Code == http.StatusOK {
			won++
			continue
		}
		page.wantStatus(http.StatusUnprocessableEntity)
		if got := page.faultOf("client_name"); got != "Another auth client has this name." {
			t.Errorf("one who lost is told %q", got)
		}
	}
	if won != 1 || len(w.as("viewer", account.ViewClients).open("/admin/auth-clients").listed()) != 1 {
		t.Errorf("%d won", won)
	}
}
