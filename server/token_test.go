package server_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// wantNotCached checks RFC 6749 section 5.1.
func (a *answer) wantNotCached() {
	a.t.Helper()
	a.wantHeader("Cache-Control", "no-store")
	a.wantHeader("Pragma", "no-cache")
}

func TestTokenAnswerHasTheMembersOfTheStandard(t *testing.T) {
	s := usual(t)
	a := s.tokens("web", "scope=profile api:read")
	a.wantHeader("Content-Type", "application/json")
	a.wantNotCached()
	a.wantHeader("X-Content-Type-Options", "nosniff")
	for name, want := range map[string]string{"token_type": "Bearer", "expires_in": "600", "scope": "profile api:read"} {
		if got := a.json(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if a.json("access_token") == "" || a.json("refresh_token") == "" || a.json("access_token") == a.json("refresh_token") {
		t.Errorf("tokens are missing: %s", a.Body)
	}
	if strings.Count(a.Body.String(), ":") < 5 || a.json("id_token") != "" {
		t.Errorf("unexpected members: %s", a.Body)
	}
}

func TestClientCredentialsAnswerHasNoRefreshToken(t *testing.T) {
	s := usual(t)
	a := s.call("web", "/oauth2/token", "grant_type=client_credentials")
	a.wantStatus(http.StatusOK)
	if a.json("refresh_token") != "" || a.json("scope") != "profile api:read api:write" {
		t.Errorf("answer %s", a.Body)
	}
}

func TestRefreshTokenRotatesOverHTTP(t *testing.T) {
	s := usual(t)
	for _, client := range []string{"web", "native"} {
		first := s.tokens(client)
		second := s.call(client, "/oauth2/token", "grant_type=refresh_token", "refresh_token="+first.json("refresh_token"))
		second.wantStatus(http.StatusOK)
		second.wantNotCached()
		if second.json("refresh_token") == "" || second.json("refresh_token") == first.json("refresh_token") {
			t.Errorf("%s: the refresh token did not rotate", client)
		}
		if second.json("access_token") == first.json("access_token") {
			t.Errorf("%s: the access token is the same", client)
		}
		wider := s.call(client, "/oauth2/token", "grant_type=refresh_token", "scope=profile admin", "refresh_token="+second.json("refresh_token"))
		wider.wantError(http.StatusBadRequest, oauth.InvalidScope)
	}
}

func TestTokenErrorsAreThoseOfTheStandard(t *testing.T) {
	s := usual(t)
	for name, c := range map[string]struct {
		client string
		form   []string
		status int
		code   oauth.Code
	}{
		"no grant_type":               {"web", nil, 400, oauth.InvalidRequest},
		"empty grant_type":            {"web", []string{"grant_type="}, 400, oauth.InvalidRequest},
		"unknown grant":               {"web", []string{"grant_type=magic"}, 400, oauth.UnsupportedGrantType},
		"password grant":              {"web", []string{"grant_type=password", "username=alice", "password=" + password}, 400, oauth.UnsupportedGrantType},
		"implicit":                    {"web", []string{"grant_type=implicit"}, 400, oauth.UnsupportedGrantType},
		"jwt bearer":                  {"web", []string{"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer"}, 400, oauth.UnsupportedGrantType},
		"grant in other letters":      {"web", []string{"grant_type=Client_Credentials"}, 400, oauth.UnsupportedGrantType},
		"grant of another client":     {"api", []string{"grant_type=refresh_token", "refresh_token=x"}, 400, oauth.UnauthorizedClient},
		"public client for itself":    {"native", []string{"grant_type=client_credentials"}, 400, oauth.UnauthorizedClient},
		"no code":                     {"web", []string{"grant_type=authorization_code"}, 400, oauth.InvalidRequest},
		"empty code":                  {"web", []string{"grant_type=authorization_code", "code="}, 400, oauth.InvalidRequest},
		"junk code":                   {"web", []string{"grant_type=authorization_code", "code=junk"}, 400, oauth.InvalidGrant},
		"no refresh token":            {"web", []string{"grant_type=refresh_token"}, 400, oauth.InvalidRequest},
		"junk refresh token":          {"web", []string{"grant_type=refresh_token", "refresh_token=junk"}, 400, oauth.InvalidGrant},
		"foreign scope":               {"web", []string{"grant_type=client_credentials", "scope=admin"}, 400, oauth.InvalidScope},
		"scope with a quote":          {"web", []string{"grant_type=client_credentials", `scope=a"b`}, 400, oauth.InvalidScope},
		"foreign resource":            {"web", []string{"grant_type=client_credentials", "resource=https://evil.example"}, 400, oauth.InvalidTarget},
		"resource with a fragment":    {"web", []string{"grant_type=client_credentials", "resource=" + api + "#f"}, 400, oauth.InvalidTarget},
		"resource that is relative":   {"web", []string{"grant_type=client_credentials", "resource=/api"}, 400, oauth.InvalidTarget},
		"one resource of two foreign": {"web", []string{"grant_type=client_credentials", "resource=" + api, "resource=https://evil.example"}, 400, oauth.InvalidTarget},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(c.client, "/oauth2/token", c.form...)
			a.t = t
			a.wantError(c.status, c.code)
			a.wantHeader("Content-Type", "application/json")
			a.wantNotCached()
			a.wantHeader("WWW-Authenticate", "")
		})
	}
}

func TestEmptyTokenParametersCountAsAbsent(t *testing.T) {
	s := usual(t)
	a := s.call("web", "/oauth2/token", "grant_type=client_credentials", "scope=", "resource=", "code=", "unknown=")
	a.wantStatus(http.StatusOK)
	if a.json("scope") != "profile api:read api:write" {
		t.Errorf("scope %q", a.json("scope"))
	}
	b := s.browser()
	b.signIn()
	uriOmitted := b.code("api-web", "redirect_uri")
	a = s.call("api-web", "/oauth2/token", "grant_type=authorization_code", "code="+uriOmitted, "code_verifier="+verifier, "redirect_uri=")
	a.wantStatus(http.StatusOK)
}

func TestUnknownTokenParametersAreIgnored(t *testing.T) {
	s := usual(t)
	s.call("web", "/oauth2/token", "grant_type=client_credentials", "favourite_colour=blue", "nonce=1").wantStatus(http.StatusOK)
}

func TestCodeIsRedeemedOnceOverHTTP(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	code := b.code("web")
	first := s.redeem("web", code)
	first.wantStatus(http.StatusOK)
	s.redeem("web", code).wantError(http.StatusBadRequest, oauth.InvalidGrant)
	if s.active("web", first.json("access_token")) || s.active("web", first.json("refresh_token")) {
		t.Error("the tokens of a code that was used twice are active")
	}
}

func TestCodeIsForItsClientAndURIAndVerifier(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	code := b.code("web")
	good := []string{"grant_type=authorization_code", "code=" + code}
	for name, c := range map[string]struct {
		client string
		form   []string
	}{
		"another client":    {"post", []string{"redirect_uri=" + callback, "code_verifier=" + verifier}},
		"a public client":   {"native", []string{"redirect_uri=" + callback, "code_verifier=" + verifier}},
		"another URI":       {"web", []string{"redirect_uri=https://app.example.com/cb?tenant=1", "code_verifier=" + verifier}},
		"no URI":            {"web", []string{"code_verifier=" + verifier}},
		"no verifier":       {"web", []string{"redirect_uri=" + callback}},
		"another verifier":  {"web", []string{"redirect_uri=" + callback, "code_verifier=" + strings.ToUpper(verifier)}},
		"challenge instead": {"web", []string{"redirect_uri=" + callback, "code_verifier=" + challenge()}},
	} {
		a := s.call(c.client, "/oauth2/token", append(good, c.form...)...)
		if a.Code != http.StatusBadRequest || a.json("error") != string(oauth.InvalidGrant) {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
	s.redeem("web", code).wantStatus(http.StatusOK) // what others tried used nothing up
}

func TestTokenRequestsMayNarrowTheAudience(t *testing.T) {
	s := usual(t)
	token := s.machine("web", "resource="+api)
	if a := s.call("web", "/oauth2/introspect", "token="+token); a.json("aud") != api {
		t.Errorf("aud %s", a.json("aud"))
	}
	token = s.machine("web", "resource="+api, "resource="+otherAPI)
	if a := s.call("web", "/oauth2/introspect", "token="+token); a.json("aud") != `["`+api+`","`+otherAPI+`"]` {
		t.Errorf("aud %s", a.json("aud"))
	}
	a := s.tokens("web", "resource="+api)
	a = s.call("web", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+a.json("refresh_token"), "resource="+otherAPI)
	a.wantError(http.StatusBadRequest, oauth.InvalidTarget)
}

func TestTokenEndpointTakesPOSTAlone(t *testing.T) {
	s := usual(t)
	for _, path := range []string{"/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} {
			a := s.send(s.request(method, path+"?grant_type=client_credentials", ""))
			if a.Code != http.StatusMethodNotAllowed || a.Header().Get("Allow") != "POST" {
				t.Errorf("%s %s: %d, Allow %q", method, path, a.Code, a.Header().Get("Allow"))
			}
			a.wantNotCached()
		}
		r := s.request("GET", path, "")
		r.Header.Set("X-HTTP-Method-Override", "POST")
		s.send(r).wantStatus(http.StatusMethodNotAllowed)
	}
}

func TestAnyOriginMayAskButNoneIsNamed(t *testing.T) {
	s := usual(t)
	r := s.request("POST", "/oauth2/token", "grant_type=client_credentials")
	r.SetBasicAuth("web", s.secrets["web"])
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	a := s.send(r)
	a.wantStatus(http.StatusOK)
	a.wantHeader("Access-Control-Allow-Origin", "*")
	a.wantHeader("Access-Control-Allow-Credentials", "")
}

func TestJWTAccessTokensAreAnsweredWhereRegistered(t *testing.T) {
	s := usual(t)
	claims, err := s.keys.Verify(s.machine("jwt"), "at+jwt")
	ok(t, err)
	for _, want := range []string{`"iss":"` + s.issuer + `"`, `"client_id":"jwt"`, `"sub":"jwt"`, `"exp":`, `"iat":`, `"jti":"`, `"aud":[`, `"scope":"profile api:read api:write"`} {
		if !strings.Contains(string(claims), want) {
			t.Errorf("%s is missing in %s", want, claims)
		}
	}
	claims, err = s.keys.Verify(s.tokens("jwt").json("access_token"), "at+jwt")
	ok(t, err)
	if want := `"auth_time":` + strconv.FormatInt(s.now().Unix(), 10); !strings.Contains(string(claims), want) {
		t.Errorf("%s is missing in %s", want, claims)
	}
}

func TestSizesAreAsDocumented(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	code := b.code("web")
	tokens := s.redeem("web", code)
	generated := oauth.Registration{RedirectURIs: []string{callback}}
	c, secret, err := s.provider.RegisterClient(t.Context(), generated, "")
	ok(t, err)
	sizes := map[string][2]int{
		"code": {len(code), 77}, "access token": {len(tokens.json("access_token")), 77}, "refresh token": {len(tokens.json("refresh_token")), 77},
		"client secret": {len(secret), 53}, "client id": {len(c.ClientID), 36}, "subject": {len(s.alice.ID), 36},
	}
	for name, size := range sizes {
		if size[0] != size[1] {
			t.Errorf("a %s has %d characters, documented are %d", name, size[0], size[1])
		}
	}
	if jwt := s.tokens("jwt").json("access_token"); len(jwt) > 2048 {
		t.Errorf("a JWT has %d characters", len(jwt))
	}
}

func TestRefreshTokenKeepsItsScopeWhereTheRequestNarrows(t *testing.T) {
	s := usual(t)
	refresh := s.tokens("web", "scope=profile api:read").json("refresh_token")
	narrow := s.call("web", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+refresh, "scope=profile")
	if narrow.json("scope") != "profile" {
		t.Errorf("answer %s", narrow.Body)
	}
	seen := s.call("web", "/oauth2/introspect", "token="+narrow.json("refresh_token"))
	if seen.json("scope") != "profile api:read" {
		t.Errorf("the new refresh token has the scope %q", seen.json("scope"))
	}
	full := s.call("web", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+narrow.json("refresh_token"))
	if full.json("scope") != "profile api:read" {
		t.Errorf("answer %s", full.Body)
	}
}

func TestScopeIsAnsweredWhereItDiffers(t *testing.T) {
	s := usual(t)
	for _, asked := range []string{"", "profile", "api:read profile", "profile profile"} {
		a := s.call("web", "/oauth2/token", "grant_type=client_credentials", "scope="+asked)
		want := map[string]string{"": "profile api:read api:write", "profile profile": "profile"}[asked]
		if want == "" {
			want = asked
		}
		if a.json("scope") != want {
			t.Errorf("asked %q, answered %q", asked, a.json("scope"))
		}
	}
}

func TestJWTHeaderSaysWhatItIs(t *testing.T) {
	s := usual(t)
	for _, alg := range jose.Algorithms {
		ok(t, s.keys.Ensure(t.Context(), alg))
		id := "jwt-" + strings.ToLower(string(alg))
		s.register(oauth.Registration{
			ClientID: id, GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, AccessTokenFormat: oauth.JWT, AccessTokenSigningAlg: alg,
		}, "")
		token := s.machine(id)
		header, err := base64.RawURLEncoding.DecodeString(token[:strings.Index(token, ".")])
		ok(t, err)
		var seen struct{ Alg, Typ, Kid string }
		ok(t, json.Unmarshal(header, &seen))
		if seen.Alg != string(alg) || seen.Typ != "at+jwt" || seen.Kid == "" {
			t.Errorf("header %s", header)
		}
		claims, err := s.keys.Verify(token, "at+jwt")
		ok(t, err)
		if !strings.Contains(string(claims), `"aud":"`+s.issuer+`"`) { // meant for nobody in particular
			t.Errorf("claims %s", claims)
		}
		published := false
		for _, key := range s.keySet().Keys {
			published = published || key["kid"] == seen.Kid && key["alg"] == seen.Alg
		}
		if !published {
			t.Errorf("the key %s is not published", seen.Kid)
		}
	}
}

func TestSubjectTellsUsersFromClients(t *testing.T) {
	s := usual(t)
	user := s.call("web", "/oauth2/introspect", "token="+s.tokens("web").json("access_token")).json("sub")
	client := s.call("web", "/oauth2/introspect", "token="+s.machine("web")).json("sub")
	if user != s.alice.ID || !strings.HasPrefix(user, "usr_") || client != "web" {
		t.Errorf("subjects %q and %q", user, client)
	}
	_, _, err := s.provider.RegisterClient(t.Context(), oauth.Registration{ClientID: s.alice.ID, RedirectURIs: []string{callback}}, "")
	if err == nil {
		t.Error("a client took the id of a user")
	}
}
