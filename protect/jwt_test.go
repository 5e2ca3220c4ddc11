package protect

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

func TestAGoodJWTIsTaken(t *testing.T) {
	for _, a := range jose.Algorithms {
		t.Run(string(a), func(t *testing.T) {
			s := newServer(t, a)
			g := newGuard(t, s.config())
			for _, token := range []string{s.token(t, nil), s.token(t, map[string]any{"aud": []string{"https://other.example", orders}})} {
				for range 2 { // verified, and remembered
					got, err := g.Check(t.Context(), token, "orders:read")
					check(t, err)
					if got.Subject != "usr_1" || got.ClientID != "shop" || len(got.Scope) != 2 || got.ID != "authz.AAABlxyz" || got.Expires.IsZero() || got.IssuedAt.IsZero() {
						t.Errorf("token = %+v", got)
					}
					var tenant string
					if err := got.Claim("tenant", &tenant); err != nil || tenant != "north" {
						t.Errorf("claim = %q, %v", tenant, err)
					}
				}
			}
		})
	}
}

// RFC 9068 section 4, RFC 7519 section 4.1: every claim, absent, of a wrong type, and wrong.
func TestClaimsAreCheckedStrictly(t *testing.T) {
	s := newServer(t, jose.ES256)
	now := time.Now()
	g := newGuard(t, s.config())
	for name, c := range map[string]struct {
		changed map[string]any
		why     string // "" for good
	}{
		"as it is":                 {nil, ""},
		"no scope":                 {map[string]any{"scope": nil}, ""},
		"fraction in a date":       {map[string]any{"exp": float64(now.Unix()) + 60.5}, ""},
		"foreign jti":              {map[string]any{"jti": "x"}, ""},
		"no iss":                   {map[string]any{"iss": nil}, "another issuer"},
		"another iss":              {map[string]any{"iss": "https://evil.example"}, "another issuer"},
		"iss with a slash":         {map[string]any{"iss": s.url + "/"}, "another issuer"},
		"iss in capitals":          {map[string]any{"iss": strings.ToUpper(s.url)}, "another issuer"},
		"iss is a list":            {map[string]any{"iss": []string{s.url}}, "iss is of a wrong type"},
		"no aud":                   {map[string]any{"aud": nil}, "another audience"},
		"another aud":              {map[string]any{"aud": "https://other.example"}, "another audience"},
		"aud with a slash":         {map[string]any{"aud": orders + "/"}, "another audience"},
		"aud with more behind":     {map[string]any{"aud": orders + ".evil.example"}, "another audience"},
		"aud list without us":      {map[string]any{"aud": []string{"a", "b"}}, "another audience"},
		"aud list empty":           {map[string]any{"aud": []string{}}, "another audience"},
		"aud list with a number":   {map[string]any{"aud": []any{orders, 1}}, "aud is of a wrong type"},
		"aud list with null":       {map[string]any{"aud": []any{orders, nil}}, "aud is of a wrong type"},
		"aud is an object":         {map[string]any{"aud": map[string]any{orders: true}}, "aud is of a wrong type"},
		"no sub":                   {map[string]any{"sub": nil}, "without one of the claims"},
		"empty sub":                {map[string]any{"sub": ""}, "without one of the claims"},
		"sub is a number":          {map[string]any{"sub": 7}, "sub is of a wrong type"},
		"no client_id":             {map[string]any{"client_id": nil}, "without one of the claims"},
		"client_id is true":        {map[string]any{"client_id": true}, "client_id is of a wrong type"},
		"no jti":                   {map[string]any{"jti": nil}, "without one of the claims"},
		"jti is a list":            {map[string]any{"jti": []string{"a"}}, "jti is of a wrong type"},
		"no iat":                   {map[string]any{"iat": nil}, "without one of the claims"},
		"iat is text":              {map[string]any{"iat": "now"}, "iat is of a wrong type"},
		"iat a little ahead":       {map[string]any{"iat": now.Add(30 * time.Second).Unix()}, ""},
		"iat far ahead":            {map[string]any{"iat": now.Add(3 * time.Minute).Unix()}, "in the future"},
		"no exp":                   {map[string]any{"exp": nil}, "without one of the claims"},
		"exp is text":              {map[string]any{"exp": fmt.Sprint(now.Add(time.Hour).Unix())}, "exp is of a wrong type"},
		"exp is negative":          {map[string]any{"exp": -1}, "exp is of a wrong type"},
		"exp is beyond all times":  {map[string]any{"exp": 1e300}, "exp is of a wrong type"},
		"expired":                  {map[string]any{"exp": now.Add(-time.Minute).Unix()}, "expired"},
		"nbf has come":             {map[string]any{"nbf": now.Add(-time.Minute).Unix()}, ""},
		"nbf is ahead":             {map[string]any{"nbf": now.Add(time.Minute).Unix()}, "not good yet"},
		"nbf is text":              {map[string]any{"nbf": "soon"}, "nbf is of a wrong type"},
		"scope is a list":          {map[string]any{"scope": []string{"orders:read"}}, "scope is of a wrong type"},
		"bound to a key":           {map[string]any{"cnf": map[string]any{"jkt": "x"}}, "bound to a key"},
		"Exp beside no exp":        {map[string]any{"exp": nil, "Exp": now.Add(time.Hour).Unix()}, "without one of the claims"},
		"SUB does not replace sub": {map[string]any{"SUB": "usr_admin"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			token := s.token(t, c.changed)
			for range 2 { // the second one is answered from memory
				r := refusalOf(t, g, token)
				if c.why == "" {
					wantCode(t, r, 0, "ok")
					continue
				}
				wantCode(t, r, 401, "invalid_token")
				if r != nil && !strings.Contains(r.Description, c.why) {
					t.Errorf("description = %q, want %q", r.Description, c.why)
				}
			}
			if got, err := g.Check(t.Context(), token); err == nil && got.Subject != "usr_1" {
				t.Errorf("subject = %q", got.Subject)
			}
		})
	}
}

func TestNullIsNoValueOfAClaim(t *testing.T) {
	s := newServer(t, jose.ES256)
	g := newGuard(t, s.config())
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "gen"} {
		claims := s.claims(time.Now(), nil)
		claims[name] = nil
		raw, err := json.Marshal(claims)
		check(t, err)
		r := refusalOf(t, g, s.key(0).seal(t, s.key(0).header(), string(raw)))
		wantCode(t, r, 401, "invalid_token")
	}
}

// The whole second before the end, and the end itself, with the skew that is allowed.
func TestExpiryIsHeldToTheSecond(t *testing.T) {
	for _, skew := range []time.Duration{0, 10 * time.Second} {
		s := newServer(t, jose.ES256)
		end := time.Unix(1_900_000_000, 0)
		at := newClock(end.Add(-time.Minute))
		c := s.config()
		c.Now, c.Skew = at.now, skew
		if skew == 0 {
			skew = defaultSkew
		}
		warm, cold := newGuard(t, c), newGuard(t, c)
		token := s.tokenBy(t, s.key(0), end.Add(-time.Hour), map[string]any{"exp": end.Unix()})
		wantCode(t, refusalOf(t, warm, token), 0, "ok")
		at.set(end.Add(skew - time.Millisecond))
		wantCode(t, refusalOf(t, warm, token), 0, "ok")
		wantCode(t, refusalOf(t, cold, token), 0, "ok")
		at.set(end.Add(skew))
		wantCode(t, refusalOf(t, warm, token), 401, "invalid_token")
		wantCode(t, refusalOf(t, newGuard(t, c), token), 401, "invalid_token")
	}
}

func TestATokenThatIsNotGoodYetBecomesGood(t *testing.T) {
	s := newServer(t, jose.ES256)
	at := newClock(time.Unix(1_900_000_000, 0))
	c := s.config()
	c.Now = at.now
	g := newGuard(t, c)
	token := s.tokenBy(t, s.key(0), at.now(), map[string]any{"nbf": at.now().Add(8 * time.Second).Unix()})
	at.move(3*time.Second - time.Millisecond)
	wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
	at.move(time.Millisecond)
	wantCode(t, refusalOf(t, g, token), 0, "ok")
}

// RFC 8725 section 2: what has been done to JWTs before.
func TestForgedJWTsAreRefused(t *testing.T) {
	s := newServer(t, jose.ES256, jose.EdDSA, jose.RS256)
	es, ed, rs := s.key(0), s.key(1), s.key(2)
	g := newGuard(t, s.config())
	stranger := newSigner(t, jose.ES256)
	raw, err := json.Marshal(s.claims(time.Now(), nil))
	check(t, err)
	claims := string(raw)
	own, err := jose.MarshalSet([]*jose.Key{stranger.Key})
	check(t, err)
	jwk := strings.TrimSuffix(strings.TrimPrefix(string(own), `{"keys":[`), `]}`)
	head := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	good := es.seal(t, es.header(), claims)
	input := good[:strings.LastIndexByte(good, '.')]
	doubled := strings.Replace(claims, `{`, `{"sub":"usr_admin",`, 1)

	forged := map[string]string{
		"alg none":                   enc(head(`{"alg":"none","kid":%q,"typ":"at+jwt"}`, es.ID)) + "." + enc(claims) + ".",
		"alg none, old seal":         enc(head(`{"alg":"none","kid":%q,"typ":"at+jwt"}`, es.ID)) + "." + enc(claims) + good[strings.LastIndexByte(good, '.'):],
		"no seal":                    input + ".",
		"psychic seal":               input + "." + enc(strings.Repeat("\x00", 64)),
		"seal in DER":                input + "." + enc("\x30\x06\x02\x01\x01\x02\x01\x01"),
		"kid of another algorithm":   ed.seal(t, head(`{"alg":"EdDSA","kid":%q,"typ":"at+jwt"}`, es.ID), claims),
		"alg of another key":         rs.seal(t, head(`{"alg":"ES256","kid":%q,"typ":"at+jwt"}`, rs.ID), claims),
		"PS256 for a key of RS256":   rs.seal(t, head(`{"alg":"PS256","kid":%q,"typ":"at+jwt"}`, rs.ID), claims),
		"key of a stranger":          stranger.seal(t, stranger.header(), claims),
		"stranger with our kid":      stranger.seal(t, es.header(), claims),
		"stranger brings his jwk":    stranger.seal(t, head(`{"alg":"ES256","kid":%q,"typ":"at+jwt","jwk":%s}`, stranger.ID, jwk), claims),
		"stranger points to his jku": stranger.seal(t, head(`{"alg":"ES256","kid":%q,"typ":"at+jwt","jku":"https://evil.example/jwks"}`, stranger.ID), claims),
		"kid is a path":              stranger.seal(t, `{"alg":"ES256","kid":"../../../dev/null","typ":"at+jwt"}`, claims),
		"kid is a query":             stranger.seal(t, `{"alg":"ES256","kid":"x' UNION SELECT 'y","typ":"at+jwt"}`, claims),
		"no kid":                     es.seal(t, `{"alg":"ES256","typ":"at+jwt"}`, claims),
		"crit":                       es.seal(t, head(`{"alg":"ES256","kid":%q,"typ":"at+jwt","crit":["exp"],"exp":1}`, es.ID), claims),
		"b64":                        es.seal(t, head(`{"alg":"ES256","kid":%q,"typ":"at+jwt","b64":false}`, es.ID), claims),
		"alg twice":                  es.seal(t, head(`{"alg":"ES256","alg":"ES256","kid":%q,"typ":"at+jwt"}`, es.ID), claims),
		"claim twice":                es.seal(t, es.header(), doubled),
		"typ JWT":                    es.seal(t, head(`{"alg":"ES256","kid":%q,"typ":"JWT"}`, es.ID), claims),
		"no typ":                     es.seal(t, head(`{"alg":"ES256","kid":%q}`, es.ID), claims),
		"typ of an id token":         es.seal(t, head(`{"alg":"ES256","kid":%q,"typ":"id+jwt"}`, es.ID), claims),
		"claims beyond UTF-8":        es.seal(t, es.header(), strings.Replace(claims, "usr_1", "usr_\xff", 1)),
		"claims are a list":          es.seal(t, es.header(), `[`+claims+`]`),
		"claims are text":            es.seal(t, es.header(), `"claims"`),
		"claims are empty":           es.seal(t, es.header(), `{}`),
		"padding":                    good + "=",
		"claims changed":             strings.Replace(good, "."+enc(claims), "."+enc(strings.Replace(claims, "usr_1", "usr_2", 1)), 1),
		"four parts":                 good + ".x",
	}
	for _, secret := range map[string][]byte{"set": s.keySet(), "der": must(t, es.MarshalPublic), "none": nil} {
		for _, k := range []*signer{es, rs} {
			text := enc(head(`{"alg":"HS256","kid":%q,"typ":"at+jwt"}`, k.ID)) + "." + enc(claims)
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(text))
			forged[fmt.Sprintf("HS256 %s %x", k.Algorithm, sha256.Sum256(secret))] = text + "." + enc(string(mac.Sum(nil)))
		}
	}
	wantCode(t, refusalOf(t, g, good), 0, "ok")
	wantCode(t, refusalOf(t, g, es.seal(t, head(`{"alg":"ES256","kid":%q,"typ":"application/AT+JWT"}`, es.ID), claims)), 0, "ok")
	for name, token := range forged {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
			}
		})
	}
}

func must(t *testing.T, f func() ([]byte, error)) []byte {
	t.Helper()
	b, err := f()
	check(t, err)
	return b
}

func TestAlgorithmsArePinned(t *testing.T) {
	s := newServer(t, jose.ES256, jose.RS256)
	c := s.config()
	c.Algorithms = []string{"ES256"}
	g := newGuard(t, c)
	wantCode(t, refusalOf(t, g, s.tokenBy(t, s.key(0), time.Now(), nil)), 0, "ok")
	wantCode(t, refusalOf(t, g, s.tokenBy(t, s.key(1), time.Now(), nil)), 401, "invalid_token")
}

func TestHugeAndBrokenTokensAreRefused(t *testing.T) {
	s := newServer(t, jose.ES256)
	g := newGuard(t, s.config())
	for name, c := range map[string]struct {
		token, code string
		status      int
	}{
		"none":            {"", "", 401},
		"opaque":          {"grat_abc", "invalid_token", 401},
		"too long":        {strings.Repeat("a", jose.MaxToken+1), "invalid_token", 401},
		"longest":         {strings.Repeat("a", jose.MaxToken), "invalid_token", 401},
		"space":           {"a b", "invalid_request", 400},
		"line break":      {"a\r\nb", "invalid_request", 400},
		"comma":           {"a,b", "invalid_request", 400},
		"only padding":    {"==", "invalid_request", 400},
		"beyond ASCII":    {"tökén", "invalid_request", 400},
		"two dots":        {"..", "invalid_token", 401},
		"header is empty": {enc("{}") + ".a.b", "invalid_token", 401},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, refusalOf(t, g, c.token), c.status, c.code) })
	}
}

func TestScopesThatAreNeededAreTold(t *testing.T) {
	s := newServer(t, jose.ES256)
	g := newGuard(t, s.config())
	r := refusalOf(t, g, s.token(t, nil), "orders:read", "orders:delete")
	wantCode(t, r, 403, "insufficient_scope")
	if strings.Join(r.Scope, " ") != "orders:read orders:delete" {
		t.Errorf("scope = %q", r.Scope)
	}
}

func TestAJWTSeenBeforeIsNotVerifiedTwice(t *testing.T) {
	s := newServer(t, jose.RS256)
	g := newGuard(t, s.config())
	good, bad := s.token(t, nil), s.token(t, map[string]any{"aud": "https://other.example"})
	refusalOf(t, g, good)
	refusalOf(t, g, bad)
	first, err := g.Check(t.Context(), good)
	check(t, err)
	second, err := g.Check(t.Context(), good)
	check(t, err)
	if first != second {
		t.Error("a remembered token was read again")
	}
	one, two := refusalOf(t, g, bad), refusalOf(t, g, bad)
	if one != two {
		t.Error("a remembered refusal was found again")
	}
}

func FuzzToken(f *testing.F) {
	s := newServer(f, jose.EdDSA)
	g := newGuard(f, s.config())
	good := s.token(f, nil)
	f.Add(good)
	for _, seed := range []string{"", "a.b.c", "..", enc(`{"alg":"EdDSA"}`) + "." + enc("{}") + ".", strings.Repeat("a", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		got, err := g.Check(t.Context(), token)
		if (err == nil) != (token == good) || (got != nil) != (token == good) {
			t.Errorf("Check(%q) = %v, %v", token, got, err)
		}
	})
}
