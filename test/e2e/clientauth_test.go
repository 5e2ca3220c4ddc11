package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Client authentication.

func TestNearMissesOfASecretAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "post", "machine", "jwt"} {
		app := s.App(id)
		right := app.Secret
		for name, secret := range map[string]string{
			"empty": "", "cut": right[:len(right)-1], "longer": right + "x", "head cut": right[1:], "case": strings.ToUpper(right), "blank": right + " ",
			"leading blank": " " + right, "NUL": right + "\x00", "NUL and more": right + "\x00x", "line feed": right + "\n", "twice": right + right,
			"long": strings.Repeat(right, 40), "72 bytes and more": strings.Repeat("a", 72) + "b", "the id": id, "null": "null", "its hash": "sha256:x",
		} {
			app.Secret = secret
			answer := app.Token(t, "grant_type", "client_credentials")
			refused := answer.Status == http.StatusUnauthorized && answer.Fault() == "invalid_client" ||
				answer.Status == http.StatusBadRequest && answer.Fault() == "invalid_request"
			if !refused || answer.Access() != "" {
				t.Errorf("%s, %s: %s", id, name, answer)
			}
		}
		app.Secret = right
		app.Machine(t)
	}
}

func TestAClientAuthenticatesInItsOneWay(t *testing.T) {
	t.Parallel()
	s := shared(t)
	const path = authtest.TokenPath
	web, post := s.App("web"), s.App("post")

	twice, err := web.Request(path, authtest.Form("grant_type", "client_credentials", "client_id", "web", "client_secret", web.Secret))
	if err != nil {
		t.Fatal(err)
	}
	s.Do(t, twice).Wants(t, http.StatusBadRequest, "invalid_request")

	web.Method = authtest.Post
	web.Token(t, "grant_type", "client_credentials").Wants(t, http.StatusUnauthorized, "invalid_client")
	post.Method = authtest.Basic
	post.Token(t, "grant_type", "client_credentials").Wants(t, http.StatusUnauthorized, "invalid_client")

	spa := s.App("spa")
	spa.Method, spa.Secret = authtest.Post, "guess-a-secret"
	spa.Token(t, "grant_type", "refresh_token", "refresh_token", "x").Wants(t, http.StatusUnauthorized, "invalid_client")

	web = s.App("web")
	for _, named := range []string{"other", "WEB", "spa", "web "} {
		answer := web.Token(t, "grant_type", "client_credentials", "client_id", named)
		if answer.Status != http.StatusBadRequest && answer.Status != http.StatusUnauthorized || answer.Access() != "" {
			t.Errorf("client_id %q in the body: %s", named, answer)
		}
	}
	web.Token(t, "grant_type", "client_credentials", "client_id", "web").Wants(t, http.StatusOK, "")
}

func TestASecretInTheQueryIsRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "post"} {
		app := s.App(id)
		query := authtest.Form("client_id", id, "client_secret", app.Secret).Encode()
		request := authtest.NewRequest(t, http.MethodPost, s.URL(authtest.TokenPath)+"?"+query, authtest.Form("grant_type", "client_credentials"))
		if answer := s.Do(t, request); answer.Status < 400 || answer.Status >= 500 || answer.Access() != "" {
			t.Errorf("%s: %s", id, answer)
		}
	}
}

func TestAnUnknownClientAndAWrongSecretLookTheSame(t *testing.T) {
	t.Parallel()
	// At the cost of production, or there would be nothing to measure.
	s := authtest.Start(t, authtest.Options{Slow: true})
	ask := func(id string, secret string) (*authtest.Answer, time.Duration) {
		app := s.App(id)
		app.Secret = secret
		began := time.Now()
		answer := app.Token(t, "grant_type", "client_credentials")
		return answer, time.Since(began)
	}
	for name, secret := range map[string]string{"chosen": "a-wrong-secret", "generated": s.App("web").Secret} {
		wantAlike(t, name, func(int) (known, unknown time.Duration) {
			a, d := ask("machine", secret)
			b, e := ask("nobody", secret)
			if a.Status != http.StatusUnauthorized || a.Status != b.Status || a.Body != b.Body || a.Header.Get("WWW-Authenticate") != b.Header.Get("WWW-Authenticate") {
				t.Fatalf("%s: %s and %s", name, a, b)
			}
			return d, e
		})
	}
}

// wantAlike compares what two things take at the shortest, taking turns with both. Other work on the machine only ever adds
// to a time, and nothing takes less than its own work: a difference that more rounds take away was none, and one that is
// there stays however many there are.
func wantAlike(t *testing.T, name string, round func(i int) (a, b time.Duration)) {
	t.Helper()
	const fewest, most = 9, 45
	x, y := time.Hour, time.Hour
	for i := range most {
		a, b := round(i)
		x, y = min(x, a), min(y, b)
		difference, ratio := (x - y).Abs(), float64(max(x, y))/float64(min(x, y))
		if i+1 >= fewest && (ratio <= 1.9 || difference <= 15*time.Millisecond) {
			t.Logf("%s: %v and %v after %d rounds", name, x, y, i+1)
			return
		}
	}
	t.Errorf("%s: %v and %v can be told apart", name, x, y)
}

func TestMalformedAuthorizationHeadersAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	encode := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, header := range []string{
		"Basic", "Basic ", "Basic !!!", "Basic d2Vi", encode(""), encode(":"), encode("web:"), encode(":" + web.Secret), encode("web"),
		encode("web%ZZ:" + web.Secret), encode("web:%"), encode("web\x00:" + web.Secret), encode("\xff\xfe:\xff"), "Bearer " + web.Secret,
		"Digest username=web", "basic", "Negotiate x", encode("web:wrong:" + web.Secret), encode(web.Secret + ":web"),
		"Basic " + strings.Repeat("A", 8000), encode("web:" + strings.Repeat("x", 5000)), "Basic\t" + encode("web:" + web.Secret)[6:],
	} {
		request := authtest.NewRequest(t, http.MethodPost, s.URL(authtest.TokenPath), authtest.Form("grant_type", "client_credentials"))
		request.Header.Set("Authorization", header)
		answer := s.Do(t, request)
		if answer.Status != http.StatusUnauthorized && answer.Status != http.StatusBadRequest || answer.Access() != "" {
			t.Errorf("%s: %s", cut(header), answer)
		}
		if answer.Status == http.StatusUnauthorized && !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: no challenge", cut(header))
		}
	}
	two := authtest.NewRequest(t, http.MethodPost, s.URL(authtest.TokenPath), authtest.Form("grant_type", "client_credentials"))
	two.Header["Authorization"] = []string{encode("other:x"), encode("web:" + web.Secret)}
	s.Do(t, two).Wants(t, http.StatusBadRequest, "invalid_request")
	odd := authtest.NewRequest(t, http.MethodPost, s.URL(authtest.TokenPath), authtest.Form("grant_type", "client_credentials"))
	odd.Header.Set("Authorization", "bAsIc "+encode("web:" + web.Secret)[6:])
	s.Do(t, odd).Wants(t, http.StatusOK, "") // the scheme has no case (RFC 9110 section 11.1)
}

func TestClientAssertionsAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	canary := listen(t)
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","jku":"` + canary.url + `"}`))
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"web","sub":"web","aud":"` + s.Issuer + `","exp":9999999999,"jti":"1"}`))
	for _, assertion := range []string{"", "garbage", "a.b.c", header + "." + claims + ".", header + "." + claims + ".AAAA", "..", strings.Repeat("A", 20000)} {
		for _, kind := range []string{"urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "x"} {
			form := authtest.Form("grant_type", "client_credentials", "client_id", "web", "client_assertion_type", kind, "client_assertion", assertion)
			answer := s.Do(t, authtest.NewRequest(t, http.MethodPost, s.URL(authtest.TokenPath), form))
			if answer.Status != http.StatusUnauthorized || answer.Fault() != "invalid_client" {
				t.Errorf("%s: %s", cut(assertion), answer)
			}
		}
	}
	if len(canary.arrived) > 0 {
		t.Error("the server fetched what an assertion named")
	}
}

func TestAPublicClientCannotActForItself(t *testing.T) {
	t.Parallel()
	s := shared(t)
	s.App("spa").Token(t, "grant_type", "client_credentials").Wants(t, http.StatusBadRequest, "unauthorized_client")
	confidential := s.App("machine")
	confidential.Method = authtest.Public
	confidential.Token(t, "grant_type", "client_credentials").Wants(t, http.StatusUnauthorized, "invalid_client")
	none := authtest.NewRequest(t, http.MethodPost, s.URL(authtest.TokenPath), authtest.Form("grant_type", "client_credentials"))
	s.Do(t, none).Wants(t, http.StatusUnauthorized, "invalid_client")
}
