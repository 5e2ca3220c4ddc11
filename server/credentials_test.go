package server_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

const machineGrant = "grant_type=client_credentials"

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// with sends a token request with an Authorization header, none where it is empty.
func (s *site) with(authorization, body string) *answer {
	s.t.Helper()
	r := s.request(http.MethodPost, "/oauth2/token", body)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return s.send(r)
}

func TestBasicCredentialsAreFormDecoded(t *testing.T) {
	s := usual(t)
	for name, authorization := range map[string]string{
		"form encoding":            basic("odd-secret", url.QueryEscape(reserved)),
		"percent encoding":         basic("odd-secret", url.PathEscape(reserved[:1])+percent(reserved[1:])),
		"id encoded without need":  basic("%6fdd%2Dsecret", url.QueryEscape(reserved)),
		"scheme in other letters":  strings.Replace(basic("odd-secret", url.QueryEscape(reserved)), "Basic", "bAsIc", 1),
		"two blanks":               strings.Replace(basic("odd-secret", url.QueryEscape(reserved)), " ", "  ", 1),
		"every character encoded":  basic(percent("odd-secret"), percent(reserved)),
		"secret of our own making": basic("web", s.secrets["web"]),
	} {
		if a := s.with(authorization, machineGrant); a.Code != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
}

func percent(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		b.WriteString("%" + digits[s[i]>>4:s[i]>>4+1] + digits[s[i]&15:s[i]&15+1])
	}
	return b.String()
}

func TestBodyCredentialsAreTakenAsSent(t *testing.T) {
	s := usual(t)
	s.with("", form(machineGrant, "client_id=post", "client_secret="+s.secrets["post"]).Encode()).wantStatus(http.StatusOK)
}

func TestClientAuthenticationFailsAlike(t *testing.T) {
	s := usual(t)
	web, post := s.secrets["web"], s.secrets["post"]
	body := func(pairs ...string) string { return form(append(pairs, machineGrant)...).Encode() }
	for name, c := range map[string]struct{ authorization, body string }{
		"nothing":                       {"", machineGrant},
		"empty client_id":               {"", body("client_id=")},
		"unknown client":                {basic("nobody", web), machineGrant},
		"unknown client in the body":    {"", body("client_id=nobody", "client_secret="+post)},
		"unknown client without secret": {"", body("client_id=nobody")},
		"wrong secret":                  {basic("web", "wrong"), machineGrant},
		"wrong secret of our form":      {basic("web", post), machineGrant},
		"cut secret":                    {basic("web", web[:len(web)-1]), machineGrant},
		"longer secret":                 {basic("web", web+"a"), machineGrant},
		"secret with a blank":           {basic("web", web+"+"), machineGrant},
		"secret with NUL":               {basic("web", web+"%00"), machineGrant},
		"secret in capitals":            {basic("web", strings.ToUpper(web)), machineGrant},
		"empty secret":                  {basic("web", ""), machineGrant},
		"secret not encoded":            {basic("odd-secret", reserved[:4]+"+"), machineGrant},
		"id with NUL":                   {basic("web%00", web), machineGrant},
		"id with bad UTF-8":             {basic("web%ff", web), machineGrant},
		"id with a newline":             {basic("web%0d%0aSet-Cookie:a=b", web), machineGrant},
		"very long id":                  {basic(strings.Repeat("w", 10_000), web), machineGrant},
		"very long secret":              {basic("web", strings.Repeat("w", 30_000)), machineGrant},
		"basic for one of post":         {basic("post", post), machineGrant},
		"post for one of basic":         {"", body("client_id=web", "client_secret="+web)},
		"none for one of basic":         {"", body("client_id=web")},
		"basic for a public client":     {basic("native", ""), machineGrant},
		"post for a public client":      {"", body("client_id=native", "client_secret=x")},
		"bearer":                        {"Bearer " + web, machineGrant},
		"scheme alone":                  {"Basic", machineGrant},
		"not base64":                    {"Basic !!!!", machineGrant},
		"no colon":                      {"Basic " + base64.StdEncoding.EncodeToString([]byte("web")), machineGrant},
		"bad percent in the id":         {basic("w%zzeb", web), machineGrant},
		"bad percent in the secret":     {basic("web", "%z"), machineGrant},
		"client assertion":              {"", body("client_id=web", "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion=a.b.c")},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.with(c.authorization, c.body)
			a.t = t
			a.wantError(http.StatusUnauthorized, oauth.InvalidClient)
			a.wantHeader("WWW-Authenticate", `Basic realm="grantor", charset="UTF-8"`)
			a.wantNotCached()
			if strings.Contains(a.Body.String(), "access_token") || len(a.Header().Values("Set-Cookie")) > 0 {
				t.Errorf("answer %v %s", a.Header(), a.Body)
			}
		})
	}
}

func TestUnknownClientAndWrongSecretReadTheSame(t *testing.T) {
	s := usual(t)
	unknown, wrong := s.with(basic("nobody", "a wrong secret"), machineGrant), s.with(basic("web", "a wrong secret"), machineGrant)
	if unknown.Body.String() != wrong.Body.String() || unknown.Code != wrong.Code {
		t.Errorf("%d %s for an unknown client, %d %s for a wrong secret", unknown.Code, unknown.Body, wrong.Code, wrong.Body)
	}
}

func TestOneMethodOfAuthenticationAtATime(t *testing.T) {
	s := usual(t)
	good := basic("web", s.secrets["web"])
	for name, c := range map[string]struct {
		headers []string
		body    []string
	}{
		"basic and post":            {[]string{good}, []string{"client_id=web", "client_secret=" + s.secrets["web"]}},
		"basic and a secret alone":  {[]string{good}, []string{"client_secret=" + s.secrets["web"]}},
		"basic and another id":      {[]string{good}, []string{"client_id=post"}},
		"two Authorization headers": {[]string{good, good}, nil},
	} {
		r := s.request("POST", "/oauth2/token", form(append(c.body, machineGrant)...).Encode())
		r.Header["Authorization"] = c.headers
		if a := s.send(r); a.Code != http.StatusBadRequest || a.json("error") != string(oauth.InvalidRequest) {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
	s.with(good, form("client_id=web", machineGrant).Encode()).wantStatus(http.StatusOK) // says the same twice
	s.with(good, form("client_secret=", machineGrant).Encode()).wantStatus(http.StatusOK)
}

func TestSecretsInTheURLAreRefused(t *testing.T) {
	s := usual(t)
	for _, query := range []string{
		"client_id=post&client_secret=" + url.QueryEscape(s.secrets["post"]), "grant_type=client_credentials", "code=x", "code_verifier=x",
		"refresh_token=x", "token=x", "password=x", "client_assertion=x", "client%5Fsecret=x", "x=%zz", "a;b=c",
	} {
		for _, path := range []string{"/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"} {
			r := s.request("POST", path+"?"+query, form(machineGrant, "token=x").Encode())
			r.SetBasicAuth("web", s.secrets["web"])
			if a := s.send(r); a.Code != http.StatusBadRequest || a.json("error") != string(oauth.InvalidRequest) {
				t.Errorf("%s?%s: %d %s", path, query, a.Code, a.Body)
			}
		}
	}
	if strings.Contains(s.log.String(), s.secrets["post"]) {
		t.Error("the secret stands in the log")
	}
}

func TestPublicClientNamesItself(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	code := b.code("native")
	anonymous := s.with("", form("grant_type=authorization_code", "code="+code, "code_verifier="+verifier, "redirect_uri="+loopback).Encode())
	anonymous.wantError(http.StatusUnauthorized, oauth.InvalidClient)
	s.redeem("native", code).wantStatus(http.StatusOK)
}

func TestConfidentialClientMustAuthenticateForCodeAndRefresh(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	code := b.code("web")
	s.with("", form("grant_type=authorization_code", "client_id=web", "code="+code, "code_verifier="+verifier, "redirect_uri="+callback).Encode()).
		wantError(http.StatusUnauthorized, oauth.InvalidClient)
	a := s.redeem("web", code)
	a.wantStatus(http.StatusOK)
	refresh := a.json("refresh_token")
	s.with("", form("grant_type=refresh_token", "client_id=web", "refresh_token="+refresh).Encode()).
		wantError(http.StatusUnauthorized, oauth.InvalidClient)
	s.call("post", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+refresh).wantError(http.StatusBadRequest, oauth.InvalidGrant)
	s.move(time.Minute)
	s.call("web", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+refresh).wantStatus(http.StatusOK)
}
