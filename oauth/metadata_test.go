package oauth_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

var endpoints = oauth.Endpoints{Authorize: "/a", Token: "/t", JWKS: "/j", Revoke: "/r", Introspect: "/i"}

// TestWhatIsAnnouncedIsWhatIsAccepted asks for all that the metadata lists, and for what other servers list.
func TestWhatIsAnnouncedIsWhatIsAccepted(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	n.authorize(c, v)
	m := n.Metadata(endpoints)
	accepts := func(list []string, others string, accepted func(value string) bool) {
		t.Helper()
		for _, value := range list {
			if !accepted(value) {
				t.Errorf("%q is announced and refused", value)
			}
		}
		for value := range strings.SplitSeq(others, " ") {
			if accepted(value) {
				t.Errorf("%q is accepted and not announced", value)
			}
		}
	}
	asks := func(parameter string) func(string) bool {
		return func(value string) bool {
			got := answer(n.Authorize(t.Context(), ask(c, parameter+"="+value), v))
			return got == "code" || got == "login" || got == "ask"
		}
	}
	accepts(m.ResponseTypesSupported, "token id_token none code,token", asks("response_type"))
	accepts(text(m.ResponseModesSupported), "fragment web_message jwt query.jwt", asks("response_mode"))
	accepts(m.CodeChallengeMethodsSupported, "plain S512 s256", asks("code_challenge_method"))
	accepts(m.PromptValuesSupported, "create x", asks("prompt"))
	accepts(text(m.GrantTypesSupported), "password implicit urn:ietf:params:oauth:grant-type:token-exchange device_code", func(value string) bool {
		_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: value})
		return refusedWith(err) != oauth.UnsupportedGrantType
	})
	registers := func(change func(*oauth.Registration, string)) func(string) bool {
		return func(value string) bool {
			r := oauth.Registration{GrantTypes: []oauth.GrantType{oauth.AuthorizationCode}, RedirectURIs: []string{callback}}
			change(&r, value)
			_, _, err := n.RegisterClient(t.Context(), r, "")
			return err == nil
		}
	}
	accepts(text(m.TokenEndpointAuthMethods), "client_secret_jwt private_key_jwt tls_client_auth", registers(func(r *oauth.Registration, v string) { r.TokenEndpointAuthMethod = oauth.AuthMethod(v) }))
	accepts(text(m.AccessTokenSigningAlgs), "none HS256 PS256 RS512 es256", registers(func(r *oauth.Registration, v string) {
		r.AccessTokenFormat, r.AccessTokenSigningAlg = oauth.JWT, jose.Algorithm(v)
	}))
	for _, method := range m.IntrospectionEndpointAuthMethods {
		if method == oauth.NoSecret {
			t.Error("introspection without a secret is announced")
		}
	}
}

func text[S ~string](list []S) (out []string) {
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

func TestMetadataStaysOnTheIssuer(t *testing.T) {
	_, n := newNode(t)
	b, err := json.Marshal(n.Metadata(endpoints))
	ok(t, err)
	var m map[string]any
	ok(t, json.Unmarshal(b, &m))
	if m["issuer"] != issuer || m["authorization_response_iss_parameter_supported"] != true {
		t.Errorf("metadata is %s", b)
	}
	for name, value := range m {
		s, isText := value.(string)
		if isText && !strings.HasPrefix(s, issuer) {
			t.Errorf("%s is %q", name, s)
		}
		if list, isList := value.([]any); isList && len(list) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

func TestEveryAnnouncedAlgorithmSigns(t *testing.T) {
	_, n := newNode(t)
	for _, alg := range n.Metadata(endpoints).AccessTokenSigningAlgs {
		r := webApp()
		r.ClientID, r.ClientName, r.AccessTokenFormat, r.AccessTokenSigningAlg = "c-"+string(alg), "", oauth.JWT, alg
		c := n.register(r)
		token, err := n.machine(c)
		ok(t, err)
		n.wantActive(c, true, token.AccessToken)
	}
}
