package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const wellKnown = "/.well-known/oauth-authorization-server"

func (s *site) metadata(path string) map[string]any {
	s.t.Helper()
	a := s.get(path)
	a.wantStatus(http.StatusOK)
	a.wantHeader("Content-Type", "application/json")
	var m map[string]any
	ok(s.t, json.Unmarshal(a.Body.Bytes(), &m))
	return m
}

func TestMetadataDescribesWhatIsOn(t *testing.T) {
	s := usual(t)
	m := s.metadata(wellKnown)
	for name, want := range map[string]string{
		"issuer":                                         "https://id.example.com",
		"authorization_endpoint":                         "https://id.example.com/oauth2/authorize",
		"token_endpoint":                                 "https://id.example.com/oauth2/token",
		"revocation_endpoint":                            "https://id.example.com/oauth2/revoke",
		"introspection_endpoint":                         "https://id.example.com/oauth2/introspect",
		"device_authorization_endpoint":                  "https://id.example.com/oauth2/device_authorization",
		"jwks_uri":                                       "https://id.example.com/oauth2/jwks",
		"response_types_supported":                       "code",
		"response_modes_supported":                       "query form_post",
		"grant_types_supported":                          "authorization_code client_credentials refresh_token urn:ietf:params:oauth:grant-type:device_code",
		"code_challenge_methods_supported":               "S256",
		"token_endpoint_auth_methods_supported":          "client_secret_basic client_secret_post none",
		"revocation_endpoint_auth_methods_supported":     "client_secret_basic client_secret_post none",
		"introspection_endpoint_auth_methods_supported":  "client_secret_basic client_secret_post",
		"introspection_signing_alg_values_supported":     "ES256 EdDSA RS256",
		"authorization_response_iss_parameter_supported": "true",
	} {
		if got := words(m[name]); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, value := range m {
		if list, isList := value.([]any); value == nil || value == "" || isList && len(list) == 0 {
			t.Errorf("%s has no value", name)
		}
	}
}

func words(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return map[bool]string{true: "true", false: "false"}[v]
	case []any:
		list := make([]string, len(v))
		for i := range v {
			list[i] = words(v[i])
		}
		return strings.Join(list, " ")
	}
	return ""
}

func TestIssuerWithAPathStandsBehindTheWellKnownPart(t *testing.T) {
	s := newSite(t, options{issuer: "https://id.example.com/tenant/one"})
	m := s.metadata(wellKnown + "/tenant/one")
	if m["issuer"] != "https://id.example.com/tenant/one" || m["token_endpoint"] != "https://id.example.com/tenant/one/oauth2/token" {
		t.Errorf("metadata %v", m)
	}
	for _, path := range []string{wellKnown, wellKnown + "/", "/tenant/one" + wellKnown, wellKnown + "/tenant", wellKnown + "/tenant/one/", wellKnown + "/tenant/two"} {
		s.get(path).wantStatus(http.StatusNotFound)
	}
	for _, path := range []string{"/oauth2/jwks", "/login", "/oauth2/authorize"} {
		s.get(path).wantStatus(http.StatusNotFound)
	}
	b := s.browser()
	login := b.follow(b.get("/tenant/one/oauth2/authorize?" + s.ask("web").Encode()))
	login.wantText("Sign in", "Web app")
	fields := s.wantResponse(b.finish(b.authorize("web")), callback)
	r := s.request("POST", "/tenant/one/oauth2/token", form("grant_type=authorization_code", "code="+fields.Get("code"),
		"redirect_uri="+callback, "code_verifier="+verifier).Encode())
	r.SetBasicAuth("web", s.secrets["web"])
	s.send(r).wantStatus(http.StatusOK)
	for _, c := range b.cookies {
		if c.Path != "/" {
			t.Errorf("cookie %s has the path %s", c.Name, c.Path)
		}
	}
}

func TestEveryEndpointOfTheMetadataAnswers(t *testing.T) {
	for _, issuer := range []string{"https://id.example.com", "https://id.example.com/tenant", "http://localhost:8080"} {
		s := newSite(t, options{issuer: issuer})
		for name, value := range s.metadata(wellKnown + s.base()) {
			at, isText := value.(string)
			if !isText || name == "issuer" {
				continue
			}
			u, err := url.Parse(at)
			ok(t, err)
			if !strings.HasPrefix(at, issuer+"/") || u.Fragment != "" || u.RawQuery != "" {
				t.Errorf("%s is %s", name, at)
			}
			if a := s.get(u.Path); a.Code == http.StatusNotFound {
				t.Errorf("%s: nothing at %s", name, at)
			}
		}
	}
}

func TestMetadataIsTheSameForWhateverHost(t *testing.T) {
	s := usual(t)
	want := s.get(wellKnown).Body.String()
	for name, value := range map[string]string{
		"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example",
		"X-Original-Url": "/admin", "X-Forwarded-Prefix": "/evil",
	} {
		r := s.request("GET", wellKnown, "")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
		if got := s.send(r).Body.String(); got != want {
			t.Errorf("%s changed the metadata: %s", name, got)
		}
	}
}

func TestMetadataAndKeysAreCachedByTag(t *testing.T) {
	s := usual(t)
	for _, path := range []string{wellKnown, "/oauth2/jwks"} {
		first := s.get(path)
		first.wantHeader("Cache-Control", "public, max-age=300")
		tag := first.Header().Get("ETag")
		for given, want := range map[string]int{
			tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, `"other",W/` + tag + `, "third"`: 304, "*": 304, `"other"`: 200, "": 200, `W/"other"`: 200, "junk": 200,
		} {
			r := s.request("GET", path, "")
			if given != "" {
				r.Header.Set("If-None-Match", given)
			}
			a := s.send(r)
			a.wantHeader("ETag", tag)
			if a.Code != want || (a.Body.Len() == 0) != (want == http.StatusNotModified) {
				t.Errorf("%s, If-None-Match %s: %d with %d bytes, want %d", path, given, a.Code, a.Body.Len(), want)
			}
		}
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			a := s.send(s.request(method, path, ""))
			a.wantStatus(http.StatusMethodNotAllowed)
			a.wantHeader("Allow", "GET, HEAD")
		}
	}
}

func TestNothingWeakIsAnnounced(t *testing.T) {
	s := usual(t)
	text := s.get(wellKnown).Body.String()
	for _, weak := range []string{"implicit", "password", "plain", `"none","none"`, "HS256", `"token"`, "fragment"} {
		if strings.Contains(text, weak) {
			t.Errorf("%s is announced: %s", weak, text)
		}
	}
	algs := s.metadata(wellKnown)["access_token_signing_alg_values_supported"].([]any)
	if slices.Contains(algs, any("none")) {
		t.Errorf("algorithms %v", algs)
	}
}
