package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

func decodePart(t *testing.T, part string) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	ok(t, err)
	var m map[string]any
	ok(t, json.Unmarshal(b, &m))
	return m
}

func TestAJWTFollowsRFC9068(t *testing.T) {
	w, n := newNode(t)
	r := webApp()
	r.AccessTokenFormat = oauth.JWT
	c := n.register(r)
	u := n.user("alice")
	login := w.now()
	tokens := n.tokens(c, n.signIn(u), "scope=profile", "resource="+api)
	parts := strings.Split(tokens.AccessToken, ".")
	header, claims := decodePart(t, parts[0]), decodePart(t, parts[1])
	if len(header) != 3 || header["typ"] != "at+jwt" || header["alg"] != "ES256" || header["kid"] == "" {
		t.Errorf("header %v", header)
	}
	want := map[string]any{
		"iss": issuer, "sub": u.ID, "aud": api, "client_id": "web", "scope": "profile", "iat": float64(w.now().Unix()),
		"exp": float64(w.now().Add(10 * time.Minute).Unix()), "auth_time": float64(login.Unix()), "jti": claims["jti"],
		"gen": claims["gen"],
	}
	if fmt.Sprint(claims) != fmt.Sprint(want) || claims["jti"] == "" {
		t.Errorf("claims %v, want %v", claims, want)
	}
	machine, err := n.machine(c)
	ok(t, err)
	claims = decodePart(t, strings.Split(machine.AccessToken, ".")[1])
	if claims["sub"] != "web" || claims["auth_time"] != nil || len(claims["aud"].([]any)) != 2 {
		t.Errorf("claims of a machine %v", claims)
	}
}

// TestWhatIsNotOurAccessTokenIsNotActive signs with our own key what is no access token, and takes signatures apart.
func TestWhatIsNotOurAccessTokenIsNotActive(t *testing.T) {
	w, n := newNode(t)
	r := webApp()
	r.AccessTokenFormat = oauth.JWT
	c := n.register(r)
	machine, err := n.machine(c)
	ok(t, err)
	user := n.tokens(c, n.signIn(n.user("alice")))
	parts := strings.Split(machine.AccessToken, ".")
	good := decodePart(t, parts[1])
	sign := func(typ, name string, value any) string {
		claims := map[string]any{}
		for k, v := range good {
			claims[k] = v
		}
		claims[name] = value
		b, _ := json.Marshal(claims)
		token, err := w.keys.Sign("", typ, b)
		ok(t, err)
		return token
	}
	n.wantActive(c, true, sign("at+jwt", "scope", "profile"))
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))
	other := strings.Split(user.AccessToken, ".")
	n.wantActive(c, false,
		sign("JWT", "scope", "profile"), sign("logout+jwt", "scope", "profile"),
		sign("at+jwt", "iss", "https://evil.example"), sign("at+jwt", "iss", issuer+"/"), sign("at+jwt", "exp", w.now().Unix()), sign("at+jwt", "exp", "x"), sign("at+jwt", "jti", ""),
		sign("at+jwt", "jti", "x"), sign("at+jwt", "jti", "x.y"), sign("at+jwt", "jti", "../../user.x"), sign("at+jwt", "client_id", ""), sign("at+jwt", "client_id", "usr_1"), sign("at+jwt", "client_id", "nobody"),
		none+"."+parts[1]+".", none+"."+parts[1]+"."+parts[2], parts[0]+"."+parts[1]+".", parts[0]+"."+other[1]+"."+parts[2], parts[0]+"."+parts[1]+"."+other[2],
		parts[0]+"."+parts[1]+"."+strings.Repeat("A", 86), machine.AccessToken+"A", machine.AccessToken+".x", " "+machine.AccessToken,
	)
	ok(t, n.Revoke(t.Context(), c, none+"."+parts[1]+"."))
	n.wantActive(c, true, machine.AccessToken)
}
