package server_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

const introspectionJWT = "application/token-introspection+jwt"

// introspectAs asks about a token with an Accept header.
func (s *site) introspectAs(caller, accept, token string) *answer {
	s.t.Helper()
	r := s.request(http.MethodPost, "/oauth2/introspect", form("token="+token).Encode())
	r.SetBasicAuth(caller, s.secrets[caller])
	if accept != "" {
		r.Header["Accept"] = strings.Split(accept, "|")
	}
	a := s.send(r)
	a.wantStatus(http.StatusOK)
	return a
}

// opened verifies a signed answer and gives its header and claims.
func (s *site) opened(a *answer) (header, claims map[string]any) {
	s.t.Helper()
	a.wantHeader("Content-Type", introspectionJWT)
	a.wantNotCached()
	protected, err := base64.RawURLEncoding.DecodeString(strings.Split(a.Body.String(), ".")[0])
	ok(s.t, err)
	ok(s.t, json.Unmarshal(protected, &header))
	payload, err := s.keys.Verify(a.Body.String(), "token-introspection+jwt")
	ok(s.t, err)
	ok(s.t, json.Unmarshal(payload, &claims))
	return header, claims
}

func TestIntrospectionIsSignedForWhoAsks(t *testing.T) {
	s := usual(t)
	for _, client := range []string{"web", "jwt"} {
		token := s.machine(client, "resource="+api)
		header, claims := s.opened(s.introspectAs("api", introspectionJWT, token))
		if header["typ"] != "token-introspection+jwt" || header["alg"] != "RS256" {
			t.Errorf("header %v", header)
		}
		told, _ := claims["token_introspection"].(map[string]any)
		if claims["iss"] != s.issuer || claims["aud"] != "api" || claims["iat"] != float64(s.now().Unix()) || len(claims) != 4 {
			t.Errorf("claims %v", claims)
		}
		plain := s.introspectAs("api", "", token)
		var want map[string]any
		ok(t, json.Unmarshal(plain.Body.Bytes(), &want))
		if len(told) != len(want) || told["active"] != true || told["client_id"] != client || told["aud"] != api {
			t.Errorf("told %v, plainly %v", told, want)
		}
	}
}

func TestAnInactiveTokenIsSignedAsThatAlone(t *testing.T) {
	s := usual(t)
	for name, token := range map[string]string{"junk": "junk", "for another API": s.machine("web", "resource="+otherAPI)} {
		_, claims := s.opened(s.introspectAs("api", introspectionJWT, token))
		told, _ := claims["token_introspection"].(map[string]any)
		if len(claims) != 4 || len(told) != 1 || told["active"] != false {
			t.Errorf("%s: %v", name, claims)
		}
	}
}

func TestTheAlgorithmOfSignedIntrospectionIsTheClients(t *testing.T) {
	s := usual(t)
	for _, alg := range jose.Algorithms {
		s.register(oauth.Registration{
			ClientID: "api-" + string(alg), ResourceServer: true, Audience: []string{api}, GrantTypes: []oauth.GrantType{oauth.ClientCredentials},
			IntrospectionSignedResponseAlg: alg,
		}, "")
		header, claims := s.opened(s.introspectAs("api-"+string(alg), introspectionJWT, "junk"))
		if header["alg"] != string(alg) || claims["aud"] != "api-"+string(alg) {
			t.Errorf("%s: header %v, claims %v", alg, header, claims)
		}
	}
}

func TestASignedIntrospectionIsNoAccessToken(t *testing.T) {
	s := usual(t)
	token := s.machine("jwt", "resource="+api)
	signed := s.introspectAs("api", introspectionJWT, token).Body.String()
	if s.active("api", signed) || s.active("jwt", signed) {
		t.Error("it is active")
	}
}

func TestIntrospectionIsJSONUnlessAJWTIsPreferred(t *testing.T) {
	s := usual(t)
	for accept, signed := range map[string]bool{
		"":                                      false,
		"*/*":                                   false,
		"application/*":                         false,
		"application/json":                      false,
		"text/html":                             false,
		"application/jwt":                       false,
		introspectionJWT:                        true,
		"APPLICATION/Token-Introspection+JWT":   true,
		introspectionJWT + "|application/json":  true,
		"application/json, " + introspectionJWT: true,
		"application/json;q=0.9," + introspectionJWT:                true,
		"application/json, " + introspectionJWT + ";q=0.9":          false,
		introspectionJWT + ";q=0":                                   false,
		introspectionJWT + ";q=0.001":                               true,
		introspectionJWT + ";q=0.5, */*;q=0.1":                      true,
		introspectionJWT + ";q=0.5, */*":                            false,
		introspectionJWT + ";q=0.5, */*, application/json;q=0.2":    true,
		introspectionJWT + ";q=0.5, application/*;q=0.6, */*;q=0.1": false,
		introspectionJWT + ";q=2":                                   false,
		introspectionJWT + ";q=NaN":                                 false,
		introspectionJWT + ";q=x":                                   false,
		introspectionJWT + ";q":                                     false,
		introspectionJWT + ";charset=x":                             false,
		",;=" + ", , " + introspectionJWT:                           true,
		"x" + introspectionJWT:                                      false,
		introspectionJWT + "x":                                      false,
	} {
		a := s.introspectAs("api", accept, "junk")
		if got := a.Header().Get("Content-Type") == introspectionJWT; got != signed {
			t.Errorf("Accept %q: %s", accept, a.Header().Get("Content-Type"))
		}
	}
}

func TestRefusalsOfSignedIntrospectionAreJSON(t *testing.T) {
	s := usual(t)
	for _, caller := range []string{"", "native", "web"} {
		f := form()
		if caller == "native" {
			f.Set("client_id", caller)
			f.Set("token", "junk")
		}
		r := s.request(http.MethodPost, "/oauth2/introspect", f.Encode())
		if caller == "web" { // without a token to look at
			r.SetBasicAuth(caller, s.secrets[caller])
		}
		r.Header.Set("Accept", introspectionJWT)
		a := s.send(r)
		a.wantHeader("Content-Type", "application/json")
		if want := map[bool]int{true: http.StatusBadRequest, false: http.StatusUnauthorized}[caller == "web"]; a.Code != want {
			t.Errorf("%q: %d %s", caller, a.Code, a.Body)
		}
	}
}
