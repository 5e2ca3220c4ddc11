package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// The token endpoint, and scopes.

// postRaw sends a body as it is, as the application web.
func postRaw(t testing.TB, s *authtest.Server, path, contentType string, body io.Reader) *authtest.Answer {
	t.Helper()
	request, err := s.App("web").Request(path, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	request.Body, request.ContentLength, request.GetBody = io.NopCloser(body), -1, nil
	if b, ok := body.(interface{ Len() int }); ok {
		request.ContentLength = int64(b.Len())
	}
	request.Header.Set("Content-Type", contentType)
	if contentType == "" {
		request.Header.Del("Content-Type")
	}
	return s.Do(t, request)
}

const formType = "application/x-www-form-urlencoded"

func TestOtherContentTypesAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	const form = "grant_type=client_credentials"
	for _, kind := range []string{"", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/xml", "application/x-www-form-urlencoded2", "x", ";", "application/x-www-form-urlencoded;;="} {
		for _, body := range []string{form, `{"grant_type":"client_credentials"}`, "--x\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--x--\r\n"} {
			if answer := postRaw(t, s, authtest.TokenPath, kind, strings.NewReader(body)); answer.Status != http.StatusBadRequest || answer.Fault() != "invalid_request" {
				t.Errorf("%q: %s", kind, answer)
			}
		}
	}
	for _, kind := range []string{formType, formType + "; charset=utf-8", "Application/X-WWW-Form-URLEncoded"} {
		postRaw(t, s, authtest.TokenPath, kind, strings.NewReader(form)).Wants(t, http.StatusOK, "")
	}
}

func TestUnknownGrantsGetTheRightError(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	web.Token(t).Wants(t, http.StatusBadRequest, "invalid_request")
	web.Token(t, "grant_type", "").Wants(t, http.StatusBadRequest, "invalid_request")
	for _, grant := range []string{
		"implicit", "CLIENT_CREDENTIALS", "client_credentials ", "urn:ietf:params:oauth:grant-type:jwt-bearer", "__refreshing",
		"urn:ietf:params:oauth:grant-type:token-exchange", "device_code", "token", "none", "code", strings.Repeat("x", 5000),
	} {
		web.Token(t, "grant_type", grant).Wants(t, http.StatusBadRequest, "unsupported_grant_type")
	}
	web.Token(t, "grant_type", "password", "username", authtest.Alice, "password", authtest.PasswordOf(authtest.Alice)).
		Wants(t, http.StatusBadRequest, "unsupported_grant_type")
	s.App("machine").Token(t, "grant_type", "authorization_code", "code", "x").Wants(t, http.StatusBadRequest, "unauthorized_client")
	s.App("machine").Token(t, "grant_type", "refresh_token", "refresh_token", "x").Wants(t, http.StatusBadRequest, "unauthorized_client")
	web.Token(t, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", "x").Wants(t, http.StatusBadRequest, "unauthorized_client")
	s.App("no-refresh").Token(t, "grant_type", "client_credentials").Wants(t, http.StatusBadRequest, "unauthorized_client")
	web.Token(t, "grant_type", "authorization_code").Wants(t, http.StatusBadRequest, "invalid_request")
	web.Token(t, "grant_type", "refresh_token").Wants(t, http.StatusBadRequest, "invalid_request")
}

func TestRepeatedTokenParametersAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, name := range []string{"grant_type", "scope", "client_id", "code", "refresh_token", "anything"} {
		for _, second := range []string{"api:read", "", "client_credentials"} {
			form := authtest.Form("grant_type", "client_credentials")
			form.Add(name, "api:read")
			form.Add(name, second)
			s.App("web").Post(t, authtest.TokenPath, form).Wants(t, http.StatusBadRequest, "invalid_request")
		}
	}
	// resource may be given more than once (RFC 8707 section 2).
	s.App("web").Token(t, "grant_type", "client_credentials", "resource", authtest.API, "resource", authtest.OtherAPI).Wants(t, http.StatusOK, "")
}

func TestTokenAnswersHaveTheirHeadersAndForm(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	marker := "<b>marker</b>\"\\'é"
	answers := []*authtest.Answer{
		web.Machine(t), web.Token(t, "grant_type", marker), web.Token(t, "grant_type", "client_credentials", "scope", marker),
		web.Token(t, "grant_type", "client_credentials", "resource", marker), web.Refresh(t, marker), s.App(marker).Token(t, "grant_type", marker),
		web.Token(t, "grant_type", "authorization_code", "code", marker, "redirect_uri", marker, "code_verifier", marker),
	}
	for _, a := range answers {
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" ||
			a.Header.Get("X-Content-Type-Options") != "nosniff" || a.JSON == nil || a.Header.Get("Pragma") != "no-cache" {
			t.Errorf("%s with %v", a, a.Header)
		}
		if strings.Contains(a.Body, "marker") {
			t.Errorf("%s repeats the request", a)
		}
		for _, c := range a.Text("error_description") {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				t.Errorf("the description has %q", c)
			}
		}
	}
}

func TestAccessTokensAreShortLivedAndSaySo(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "jwt"} {
		for _, a := range []*authtest.Answer{s.App(id).Machine(t), s.Browser(t).Tokens(s.App(id), authtest.Alice)} {
			if seconds, _ := a.JSON["expires_in"].(float64); seconds < 30 || seconds > 3600 {
				t.Errorf("%s: expires_in %v", id, a.JSON["expires_in"])
			}
		}
	}
}

func TestNoOriginIsReflected(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, origin := range []string{"https://evil.example.test", "null", "https://web.example.test", s.Origin()} {
		for _, path := range []string{authtest.AuthorizePath, "/login", "/consent", "/logout", "/", "/healthz", authtest.JWKSPath, "/.well-known/oauth-authorization-server"} {
			request := authtest.NewRequest(t, http.MethodGet, s.URL(path), nil)
			request.Header.Set("Origin", origin)
			a := s.Do(t, request)
			if a.Header.Get("Access-Control-Allow-Credentials") != "" || a.Header.Get("Access-Control-Allow-Origin") == origin {
				t.Errorf("GET %s from %s: %v", path, origin, a.Header)
			}
		}
		request, err := s.App("web").Request(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		a := s.Do(t, request)
		if a.Status != http.StatusOK || a.Header.Get("Access-Control-Allow-Credentials") != "" || a.Header.Get("Access-Control-Allow-Origin") == origin {
			t.Errorf("a token for a page of %s: %s, %v", origin, a, a.Header)
		}
	}
}

func TestBadlyEncodedBodiesAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, path := range []string{authtest.TokenPath, authtest.RevokePath, authtest.IntrospectPath} {
		for _, body := range []string{
			"grant_type=client_credentials&token=\xff\xfe", "grant_type=client_credentials&token=%ff%fe", "grant_type=client_credentials&token=a%00b",
			"grant_type=client_credentials&token=%zz", "grant_type=client_credentials&token=%", "grant_type=client_credentials;token=x&token=a;b",
			"\x00", "%00=%00", "grant_type=client_credentials&scope=a%0d%0ab&token=%0a", "=", "&&&", "grant_type[]=client_credentials",
			strings.Repeat("[", 5000) + "=x", "grant_type" + strings.Repeat("[a]", 3000) + "=client_credentials", "grant_type=client%5fcredentials%00",
			"\xef\xbb\xbfgrant_type=client_credentials", "grant_type=\x1b[31mclient_credentials",
		} {
			answer := postRaw(t, s, path, formType, strings.NewReader(body))
			if answer.Status != http.StatusBadRequest || answer.JSON == nil {
				t.Errorf("%s, %q: %s", path, cut(body), answer)
			}
		}
	}
}

func TestHugeAndCompressedBodiesAreCutOff(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, path := range []string{authtest.TokenPath, authtest.RevokePath, authtest.IntrospectPath, authtest.AuthorizePath, "/login", "/consent"} {
		for name, body := range map[string]io.Reader{
			"announced": bytes.NewReader(bytes.Repeat([]byte("a"), 8<<20)), "not announced": io.LimitReader(endless{}, 8<<20),
			"many names": strings.NewReader(strings.Repeat("a=b&", 1<<20)),
		} {
			began := time.Now()
			request, err := s.App("web").Request(path, url.Values{})
			if err != nil {
				t.Fatal(err)
			}
			request.Body, request.GetBody, request.ContentLength = io.NopCloser(body), nil, -1
			if b, ok := body.(interface{ Len() int }); ok {
				request.ContentLength = int64(b.Len())
			}
			answer, err := s.Try(request) // an error: it was cut off while we still sent
			refused := err != nil || answer.Status == http.StatusRequestEntityTooLarge || answer.Status == http.StatusBadRequest
			if !refused && !(path == "/consent" && answer.Status == http.StatusForbidden) { // nobody is signed in
				t.Errorf("%s, %s: %d", path, name, answer.Status)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s, %s took %v", path, name, took)
			}
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.Copy(z, io.LimitReader(endless{}, 50<<20)) // into memory
	_ = z.Close()
	request, err := s.App("web").Request(authtest.TokenPath, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	request.Body, request.GetBody, request.ContentLength = io.NopCloser(&bomb), nil, int64(bomb.Len())
	request.Header.Set("Content-Encoding", "gzip")
	if answer, err := s.Try(request); err == nil && answer.Status != http.StatusBadRequest {
		t.Errorf("compressed: %s", answer)
	}
	if answer := s.Get(t, "/readyz"); answer.Status != http.StatusOK {
		t.Errorf("afterwards: %s", answer)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

func TestAMachineGetsNoScopeThatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, scope := range []string{"admin", "api:write", "api:read admin", "API:READ", "openid", "*", "api:*"} {
		s.App("machine").Token(t, "grant_type", "client_credentials", "scope", scope).Wants(t, http.StatusBadRequest, "invalid_scope")
	}
	if got := s.App("machine").Machine(t).Text("scope"); got != "api:read" {
		t.Errorf("without a scope it gets %q", got)
	}
	for _, resource := range []string{authtest.OtherAPI, "https://x.test", "not a uri", authtest.API + "#f", authtest.API + "/", "", "\x00"} {
		answer := s.App("machine").Token(t, "grant_type", "client_credentials", "resource", resource)
		if resource == "" {
			continue // counts as absent (RFC 6749 section 3.2)
		}
		if answer.Status != http.StatusBadRequest || answer.Access() != "" {
			t.Errorf("resource %q: %s", resource, answer)
		}
	}
}

func TestMalformedScopesAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, scope := range []string{"api:read\"", `api:read\`, "äpi", "api:read\tprofile", "api:read\nprofile", "\x7f", "api:read\u00a0profile", strings.Repeat("a", 5000)} {
		answer := s.App("web").Token(t, "grant_type", "client_credentials", "scope", scope)
		if answer.Status != http.StatusBadRequest || answer.Fault() != "invalid_scope" && answer.Fault() != "invalid_request" {
			t.Errorf("%q: %s", cut(scope), answer)
		}
	}
	for _, scope := range []string{" api:read ", "api:read  profile", "api:read api:read"} {
		if answer := s.App("web").Token(t, "grant_type", "client_credentials", "scope", scope); answer.Status != http.StatusOK || strings.Contains(answer.Text("scope"), "  ") {
			t.Errorf("%q: %s", scope, answer)
		}
	}
}

func TestLongScopeListsAreRefusedQuickly(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, scope := range []string{strings.Repeat("a ", 30000), strings.Repeat("api:read ", 5000), strings.Repeat("x", 60000)} {
		began := time.Now()
		s.App("web").Token(t, "grant_type", "client_credentials", "scope", scope).Wants(t, http.StatusBadRequest, "invalid_scope")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	}
}
