package e2e

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/grantor-dev/grantor/test/authtest"
)

// JWT access tokens, keys, and tokens that attackers make.

// keySet reads the keys as a resource server does.
func keySet(t testing.TB, s *authtest.Server) jose.JSONWebKeySet {
	t.Helper()
	answer := s.Get(t, authtest.JWKSPath)
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(answer.Body), &keys); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("keys: %s: %v", answer, err)
	}
	return keys
}

// verify checks a token with the published keys, as go-jose does it, and gives header and claims.
func verify(t testing.TB, s *authtest.Server, token string, algorithm jose.SignatureAlgorithm) (jose.Header, map[string]any) {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		t.Fatalf("parse the token: %v", err)
	}
	keys := keySet(t, s)
	payload, err := parsed.Verify(&keys)
	if err != nil {
		t.Fatalf("verify the token: %v", err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatalf("decode the claims: %v", err)
	}
	return parsed.Signatures[0].Header, claims
}

// rsaServer has a client with RS256, whose keys take a while to make.
func rsaServer(t testing.TB) *authtest.Server {
	t.Helper()
	return sharedAs(t, "rsa", authtest.Options{Seed: `
clients:
  - {client_id: jwt, client_secret: ` + shared(t).App("jwt").Secret + `, grant_types: [client_credentials], scope: "api:read",
     audience: ["` + authtest.API + `"], access_token_format: jwt, access_token_signing_alg: RS256}
  - {client_id: api, client_secret: ` + shared(t).App("api").Secret + `, grant_types: [client_credentials], audience: ["` + authtest.API + `"], resource_server: true}
`})
}

func TestJWTAccessTokensFollowRFC9068(t *testing.T) {
	t.Parallel()
	for algorithm, token := range map[jose.SignatureAlgorithm]func() (*authtest.Server, string){
		jose.ES256: func() (*authtest.Server, string) { return shared(t), shared(t).App("jwt").Machine(t).Access() },
		jose.EdDSA: func() (*authtest.Server, string) { return shared(t), shared(t).App("jwt-ed").Machine(t).Access() },
		jose.RS256: func() (*authtest.Server, string) { return rsaServer(t), rsaServer(t).App("jwt").Machine(t).Access() },
		"ES256 ": func() (*authtest.Server, string) {
			return shared(t), shared(t).Browser(t).Tokens(shared(t).App("jwt"), authtest.Alice).Access()
		},
	} {
		s, access := token()
		header, claims := verify(t, s, access, jose.SignatureAlgorithm(strings.TrimSpace(string(algorithm))))
		if header.ExtraHeaders[jose.HeaderType] != "at+jwt" || header.KeyID == "" {
			t.Errorf("%s: the header is %+v", algorithm, header)
		}
		for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"} {
			if claims[name] == nil {
				t.Errorf("%s: %s is missing in %v", algorithm, name, claims)
			}
		}
		isUser := claims["sub"] != claims["client_id"]
		if claims["iss"] != s.Issuer || claims["aud"] != authtest.API || (claims["auth_time"] != nil) != isUser {
			t.Errorf("%s: the claims are %v", algorithm, claims)
		}
		if lives := claims["exp"].(float64) - claims["iat"].(float64); lives <= 0 || lives > 3600 {
			t.Errorf("%s: it lives %v s", algorithm, lives)
		}
		for _, personal := range []string{"Alice", "alice", "@"} {
			if strings.Contains(toText(t, claims), personal) {
				t.Errorf("%s: the claims tell %q", algorithm, personal)
			}
		}
		if seen := s.App("api").Introspect(t, access); !seen.Active() || seen.Text("jti") != claims["jti"] {
			t.Errorf("%s: introspection tells %s", algorithm, seen)
		}
	}
}

func toText(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThePublishedKeysArePublic(t *testing.T) {
	t.Parallel()
	for _, s := range []*authtest.Server{shared(t), rsaServer(t)} {
		body := s.Get(t, authtest.JWKSPath).Body
		for _, private := range []string{`"d":`, `"p":`, `"q":`, `"dp":`, `"k":`} {
			if strings.Contains(body, private) {
				t.Errorf("the keys have a member %s", private)
			}
		}
		keys := keySet(t, s)
		if len(keys.Keys) < 2 {
			t.Errorf("there are %d keys: the next one is not published ahead", len(keys.Keys))
		}
		for _, k := range keys.Keys {
			if !k.IsPublic() || k.KeyID == "" || k.Algorithm == "" || k.Use != "sig" {
				t.Errorf("key %q, %q, %q", k.KeyID, k.Algorithm, k.Use)
			}
		}
	}
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestForgedTokensAreNotActive(t *testing.T) {
	t.Parallel()
	s := shared(t)
	canary := listen(t)
	good := s.App("jwt").Machine(t).Access()
	parts := strings.Split(good, ".")
	header, claims := decode(t, parts[0]), parts[1]
	kid := header["kid"].(string)
	head := func(text string) string { return encode(text) }
	attacker := newKey(t)
	forged := map[string]string{
		"alg none": head(`{"alg":"none","typ":"at+jwt"}`) + "." + claims + ".", "alg None": head(`{"alg":"None","typ":"at+jwt","kid":"`+kid+`"}`) + "." + claims + ".",
		"no signature": parts[0] + "." + claims + ".", "signature cut": good[:len(good)-4], "a zero signature": parts[0] + "." + claims + "." + encode(strings.Repeat("\x00", 64)),
		"empty header": "." + claims + "." + parts[2], "two parts": parts[0] + "." + claims, "four parts": good + ".x", "HS256 with our public key": hs256(t, s, kid, claims),
		"kid of a file": head(`{"alg":"ES256","typ":"at+jwt","kid":"../../../../dev/null"}`) + "." + claims + "." + parts[2],
		"kid with SQL":  head(`{"alg":"ES256","typ":"at+jwt","kid":"x' UNION SELECT 'key"}`) + "." + claims + "." + parts[2],
		"kid of a web":  head(`{"alg":"ES256","typ":"at+jwt","kid":"`+canary.url+`"}`) + "." + claims + "." + parts[2],
		"no kid":        head(`{"alg":"ES256","typ":"at+jwt"}`) + "." + claims + "." + parts[2],
		"typ JWT":       attacker.sign(t, `{"alg":"EdDSA","typ":"JWT","kid":"`+kid+`"}`, claims),
		"its own jwk":   attacker.sign(t, `{"alg":"EdDSA","typ":"at+jwt","jwk":`+attacker.jwk(t)+`}`, claims),
		"its own jku":   attacker.sign(t, `{"alg":"EdDSA","typ":"at+jwt","kid":"x","jku":"`+canary.url+`"}`, claims),
		"its own x5u":   attacker.sign(t, `{"alg":"EdDSA","typ":"at+jwt","kid":"x","x5u":"`+canary.url+`"}`, claims),
		"another key":   attacker.sign(t, `{"alg":"EdDSA","typ":"at+jwt","kid":"`+kid+`"}`, claims),
		"crit":          head(`{"alg":"ES256","typ":"at+jwt","kid":"`+kid+`","crit":["exp"],"exp":1}`) + "." + claims + "." + parts[2],
		"b64 false":     head(`{"alg":"ES256","typ":"at+jwt","kid":"`+kid+`","b64":false,"crit":["b64"]}`) + "." + claims + "." + parts[2],
		"twice alg":     head(`{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"`+kid+`"}`) + "." + claims + "." + parts[2],
		"nested":        head(`{"alg":"ES256","typ":"at+jwt","cty":"JWT","kid":"`+kid+`"}`) + "." + encode(good) + "." + parts[2],
		"later expiry":  parts[0] + "." + encode(strings.Replace(decodeText(t, claims), `"exp":1`, `"exp":9`, 1)) + "." + parts[2],
		"other scope":   parts[0] + "." + encode(strings.Replace(decodeText(t, claims), "api:read", "admin:all", 1)) + "." + parts[2],
		"JWE":           head(`{"alg":"dir","enc":"A256GCM"}`) + "..AAAA.AAAA.AAAA", "deep": encode(strings.Repeat("[", 5000)) + "." + claims + "." + parts[2],
		"dots": strings.Repeat(".", 10000), "dots and more": strings.Repeat("a.", 20000), "huge": parts[0] + "." + strings.Repeat("A", 50000) + "." + parts[2],
		"padding": parts[0] + "=." + claims + "." + parts[2], "a line feed": parts[0] + "." + claims + "\n." + parts[2], "JSON form": `{"payload":"` + claims + `","signatures":[]}`,
		"another alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(parts[0]+"."+claims) + "." + swapLast(parts[2]),
	}
	for name, token := range forged {
		began := time.Now()
		for _, asker := range []string{"jwt", "api"} {
			seen := s.App(asker).Post(t, authtest.IntrospectPath, authtest.Form("token", token))
			if seen.Status != http.StatusOK && seen.Status != http.StatusBadRequest || seen.Active() {
				t.Errorf("%s: %s tells %s", name, asker, seen)
			}
		}
		s.App("jwt").Revoke(t, token)
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("%s takes %v", name, took)
		}
	}
	if len(canary.arrived) > 0 {
		t.Error("the server fetched what a token named")
	}
	if !s.App("api").Active(t, good) {
		t.Error("the good token has suffered")
	}
}

// swapLast changes the last character of a signature in its spare bits only, where a sloppy decoder sees no difference.
func swapLast(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + string(alphabet[i^1])
}

func TestATokenHasOneSpelling(t *testing.T) {
	t.Parallel()
	s := shared(t)
	good := s.App("jwt").Machine(t).Access()
	for name, token := range map[string]string{"spare bits": swapLast(good), "blank": good + " ", "Bearer": "Bearer " + good} {
		if s.App("api").Active(t, token) {
			t.Errorf("%s: it is active", name)
		}
	}
}

func decodeText(t testing.TB, part string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decode(t testing.TB, part string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(decodeText(t, part)), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// hs256 signs with our public key as if it were a shared secret.
func hs256(t testing.TB, s *authtest.Server, kid, claims string) string {
	t.Helper()
	for _, k := range keySet(t, s).Keys {
		if k.KeyID != kid {
			continue
		}
		secret, err := k.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret},
			(&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", kid))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign([]byte(decodeText(t, claims)))
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	t.Fatalf("key %s is not published", kid)
	return ""
}

type attackerKey struct{ key ed25519.PrivateKey }

func newKey(t testing.TB) attackerKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return attackerKey{key}
}

func (k attackerKey) jwk(t testing.TB) string {
	t.Helper()
	return toText(t, jose.JSONWebKey{Key: k.key.Public(), Algorithm: "EdDSA", Use: "sig"})
}

func (k attackerKey) sign(t testing.TB, header, claims string) string {
	t.Helper()
	signed := encode(header) + "." + claims
	signature, err := k.key.Sign(nil, []byte(signed), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}
