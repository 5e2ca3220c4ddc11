package server_test

import (
	"net/http"
	"testing"
)

const elsewhere = "https://spa.example.com"

// crossing makes a request as a browser sends it for a script of another origin.
func (s *site) crossing(method, path, body string) *http.Request {
	r := s.request(method, path, body)
	r.Header.Set("Origin", elsewhere)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	return r
}

func (s *site) preflight(path, method, headers string) *answer {
	r := s.crossing(http.MethodOptions, path, "")
	r.Header.Set("Access-Control-Request-Method", method)
	if headers != "" {
		r.Header.Set("Access-Control-Request-Headers", headers)
	}
	return s.send(r)
}

func TestScriptsOfEveryOriginMayUseWhatPublicClientsNeed(t *testing.T) {
	s := newSite(t, options{issuer: "https://id.example.com/tenant"})
	for path, methods := range map[string]string{
		"/tenant/oauth2/token":                           "POST",
		"/tenant/oauth2/revoke":                          "POST",
		"/tenant/oauth2/jwks":                            "GET, HEAD",
		"/.well-known/oauth-authorization-server/tenant": "GET, HEAD",
	} {
		a := s.preflight(path, methods[:3], "content-type")
		a.wantStatus(http.StatusNoContent)
		a.wantHeader("Access-Control-Allow-Origin", "*")
		a.wantHeader("Access-Control-Allow-Methods", methods)
		a.wantHeader("Access-Control-Allow-Headers", "Accept, Content-Type")
		a.wantHeader("Access-Control-Allow-Credentials", "")
		if a.Body.Len() > 0 {
			t.Errorf("%s: a preflight is answered with %q", path, a.Body)
		}
	}
}

func TestScriptsReadAnswersAndRefusals(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	redemption := form("grant_type=authorization_code", "client_id=native", "code="+b.code("native"),
		"redirect_uri="+s.clients["native"].RedirectURIs[0], "code_verifier="+verifier).Encode()
	for status, body := range map[int]string{
		http.StatusOK: redemption, http.StatusBadRequest: "grant_type=refresh_token&client_id=native&refresh_token=none",
		http.StatusUnauthorized: "grant_type=refresh_token&client_id=nobody",
	} {
		a := s.send(s.crossing(http.MethodPost, "/oauth2/token", body))
		a.wantStatus(status)
		a.wantHeader("Access-Control-Allow-Origin", "*")
		a.wantHeader("Access-Control-Allow-Credentials", "")
		a.wantHeader("Access-Control-Expose-Headers", "Retry-After")
	}
	a := s.send(s.crossing(http.MethodPut, "/oauth2/token", ""))
	a.wantStatus(http.StatusMethodNotAllowed)
	a.wantHeader("Access-Control-Allow-Origin", "*")
	a = s.send(s.crossing(http.MethodOptions, "/oauth2/token", "")) // no preflight: nothing asks what would be allowed
	a.wantStatus(http.StatusMethodNotAllowed)
}

func TestScriptsOfOtherOriginsReadNothingElse(t *testing.T) {
	s := usual(t)
	for _, path := range []string{
		"/oauth2/introspect", "/oauth2/authorize", "/login", "/consent", "/logout", "/setup", "/", "/healthz", "/readyz",
		"/static/style.css", "/nothing",
	} {
		for _, a := range []*answer{s.preflight(path, "POST", ""), s.send(s.crossing(http.MethodGet, path, "")), s.send(s.crossing(http.MethodPost, path, "a=b"))} {
			for name := range a.Header() {
				if len(name) > 15 && name[:15] == "Access-Control-" {
					t.Errorf("%s answers with %s", path, name)
				}
			}
		}
	}
}
