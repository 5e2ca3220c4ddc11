package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store/memory"
)

// newFuzzNode gives a node that all inputs of one worker share: its store is not closed with the first.
func newFuzzNode(t *testing.T) *node {
	w := newWorld(t)
	w.store = memory.New()
	w.store.Now = w.now
	return w.node()
}

// FuzzTokens presents anything as each sort of token: only what was issued is worth something, and only as what it is.
func FuzzTokens(f *testing.F) {
	for _, s := range []string{"", "grat_", "grrt_" + strings.Repeat("A", 72), "grac_" + strings.Repeat("_", 72), "a.b.c", "..", "grat_\n" + strings.Repeat("A", 71), "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(s)
	}
	var n *node
	var c *oauth.Client
	var tokens *oauth.Tokens
	f.Fuzz(func(t *testing.T, s string) {
		if n == nil {
			n = newFuzzNode(t)
			c = n.register(webApp())
			tokens = n.tokens(c, n.signIn(n.user("alice")))
		}
		n.w.t = t
		if s == tokens.AccessToken || s == tokens.RefreshToken {
			return
		}
		n.wantActive(c, false, s)
		ok(t, n.Revoke(context.Background(), c, s))
		_, err := n.refresh(c, s)
		if got := refusedWith(err); got != oauth.InvalidGrant && (s != "" || got != oauth.InvalidRequest) {
			t.Errorf("refreshed with %q: %v", s, err)
		}
		if _, err = n.redeem(c, s); refusedWith(err) == "" {
			t.Errorf("redeemed %q: %v", s, err)
		}
		n.wantActive(c, true, tokens.AccessToken, tokens.RefreshToken)
	})
}

// FuzzUserCode: what is read is a code, is read again as itself, and holds the letters that were typed.
func FuzzUserCode(f *testing.F) {
	for _, s := range []string{"WDJB-MJHT", "wdjb mjht", "", "WDJB-MJHTB", "WDJA-MJHT", "\u2011WDJBMJHT", "WDJB\x00MJHT", "\xffWDJBMJHT", "ＷDJBMJHT", "wdjbmjhſ"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`)
	others := regexp.MustCompile(`[^A-Za-z0-9]`)
	f.Fuzz(func(t *testing.T, typed string) {
		code := oauth.UserCode(typed)
		if code == "" {
			return
		}
		if !form.MatchString(code) || oauth.UserCode(code) != code || !strings.EqualFold(others.ReplaceAllString(typed, ""), strings.ReplaceAll(code, "-", "")) {
			t.Errorf("%q is read as %q", typed, code)
		}
	})
}

func FuzzScope(f *testing.F) {
	for _, s := range []string{"", "a b", " a  a ", `"`, `\`, "\x7f", "ä", strings.Repeat("a ", 101), strings.Repeat("a", 4097), "a\u00a0b"} {
		f.Add(s)
	}
	grammar := regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`)
	f.Fuzz(func(t *testing.T, s string) {
		scope, fine := oauth.ParseScope(s)
		if !fine {
			return
		}
		seen := map[string]bool{}
		for _, token := range scope {
			if !grammar.MatchString(token) || seen[token] || !strings.Contains(s, token) {
				t.Fatalf("%q gives %q", s, scope)
			}
			seen[token] = true
		}
		again, fine := oauth.ParseScope(scope.String())
		if !fine || again.String() != scope.String() || !again.Equal(scope) || len(scope) > 100 {
			t.Fatalf("%q gives %q, then %q", s, scope, again)
		}
	})
}

// sameTarget is an oracle that compares in another way than AllowsRedirect: by a pattern for loopback URIs.
var loopbackURI = regexp.MustCompile(`^http://(localhost|127\.[0-9.]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)$`)

func sameTarget(registered, uri string) bool {
	if registered == uri {
		return true
	}
	a, b := loopbackURI.FindStringSubmatch(registered), loopbackURI.FindStringSubmatch(uri)
	if a == nil || b == nil || a[1] != b[1] || a[3] != b[3] {
		return false
	}
	port, err := strconv.Atoi(b[2])
	return b[2] == "" || err == nil && port <= 65535
}

func FuzzRedirect(f *testing.F) {
	for _, registered := range []string{callback, loopback, "http://127.0.0.1", "http://localhost/cb?a=1", "http://[::1]:80/cb", "com.example.app:/cb", "https://localhost/cb"} {
		for _, uri := range []string{registered, strings.Replace(registered, "/cb", ":80/cb", 1), strings.Replace(registered, "9999", "80@evil.example", 1), registered + ".evil.example", registered + ":8080", "http://127.0.0.1:65536/callback"} {
			f.Add(registered, uri)
		}
	}
	for _, uri := range refusedURIs {
		f.Add(callback, uri)
		f.Add(uri, loopback)
	}
	f.Fuzz(func(t *testing.T, registered, uri string) {
		if oauth.CheckRedirectURI(registered) != nil {
			return
		}
		u, err := url.Parse(registered)
		if err != nil || u.User != nil || u.Fragment != "" || strings.ContainsAny(registered, " \\#*\"<>\r\n\t\x00") || u.Scheme == "http" && !loopbackURI.MatchString(registered) {
			t.Fatalf("%q can be registered", registered)
		}
		if u.Scheme != "https" && u.Scheme != "http" && !strings.Contains(u.Scheme, ".") {
			t.Fatalf("%q can be registered", registered)
		}
		c := &oauth.Client{Registration: oauth.Registration{RedirectURIs: []string{registered}}}
		if !c.AllowsRedirect(registered) || oauth.RedirectHost(registered) == "" {
			t.Fatalf("%q is not itself", registered)
		}
		allowed := c.AllowsRedirect(uri)
		if allowed != sameTarget(registered, uri) && len(uri) <= 2048 {
			t.Fatalf("%q for %q: %v", uri, registered, allowed)
		}
		if !allowed {
			return
		}
		if v, err := url.Parse(uri); err != nil || v.Hostname() != u.Hostname() || v.Scheme != u.Scheme || v.Path != u.Path || v.RawQuery != u.RawQuery {
			t.Fatalf("%q is allowed for %q", uri, registered)
		}
	})
}

func FuzzRegistration(f *testing.F) {
	good, _ := json.Marshal(webApp())
	f.Add(good)
	for _, s := range []string{
		"{}", "null", "[]", `{"redirect_uris":null}`, `{"access_token_lifetime":"1h"}`, `{"access_token_lifetime":"-1h"}`, `{"scope":"\u0000"}`, `{"client_name":"\ud800"}`,
		`{"grant_types":["authorization_code"],"redirect_uris":["https://a.example/"],"redirect_uris":["http://evil.example/"]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r oauth.Registration
		if json.Unmarshal(b, &r) != nil {
			return
		}
		w := newWorld(t)
		n := w.node()
		c, secret, err := n.RegisterClient(t.Context(), r, "")
		var faults *oauth.RegistrationError
		if errors.As(err, &faults) {
			if len(faults.Fields) == 0 {
				t.Fatal("refused for nothing")
			}
			return
		}
		ok(t, err)
		for _, uri := range c.RedirectURIs {
			ok(t, oauth.CheckRedirectURI(uri))
		}
		if c.IsPublic() != (secret == "") || c.IsPublic() && (c.MayUse(oauth.ClientCredentials) || c.ResourceServer) {
			t.Fatalf("registered %+v", c)
		}
		_, changed, err := n.EnsureClient(t.Context(), c.Registration, "")
		if err != nil || changed {
			t.Fatalf("declared again: changed %v, %v", changed, err)
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	f.Add("client_id=web&redirect_uri=" + callback + "&response_type=code&code_challenge_method=S256&code_challenge=" + challengeOf(verifier))
	for _, s := range []string{
		"", "client_id=web", "client_id=web&client_id=web", "client_id=web&state=a&state=b", "client_id=web&response_type=code&code_challenge=x&prompt=none", "client_id=web&redirect_uri=//evil", "client_id=web&max_age=0&x=%00&y=%ff",
		"client_id=native&redirect_uri=http://127.0.0.1:1/callback&response_mode=form_post", "client_id=web&request_uri=http://evil&resource=a&resource=b",
	} {
		f.Add(s)
	}
	description := regexp.MustCompile(`^[\x20\x21\x23-\x5B\x5D-\x7E]+$`)
	var n *node
	var v oauth.Visitor
	f.Fuzz(func(t *testing.T, query string) {
		if n == nil {
			n = newFuzzNode(t)
			n.register(webApp())
			n.register(nativeApp())
			v = n.signIn(n.user("alice"))
			n.authorize(n.client("web"), v)
		}
		n.w.t = t
		params, _ := url.ParseQuery(query)
		d, err := n.Authorize(context.Background(), oauth.Parameters(params), v)
		var page *oauth.PageError
		if errors.As(err, &page) {
			if !description.MatchString(page.Refusal.Description) {
				t.Fatalf("description %q", page.Refusal.Description)
			}
			return
		}
		ok(t, err)
		c := n.client(params.Get("client_id"))
		if d.Step != oauth.Respond {
			return
		}
		if !c.AllowsRedirect(d.Response.RedirectURI) || field(d.Response, "iss") != issuer {
			t.Fatalf("%q: answered %+v", query, d.Response)
		}
		if d.Response.Refusal != nil && !description.MatchString(d.Response.Refusal.Description) {
			t.Fatalf("description %q", d.Response.Refusal.Description)
		}
		if code := field(d.Response, "code"); code != "" && (params.Get("code_challenge_method") != "S256" || len(params.Get("code_challenge")) != 43 || params.Get("response_type") != "code") {
			t.Fatalf("%q: got a code", query)
		}
	})
}
