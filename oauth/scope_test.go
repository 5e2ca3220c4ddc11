package oauth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

func TestScopesAreReadStrictly(t *testing.T) {
	for text, want := range map[string]oauth.Scope{
		"": nil, " ": nil, "a": {"a"}, "a b": {"a", "b"}, " a  b ": {"a", "b"}, "a a b a": {"a", "b"}, "b a": {"b", "a"}, "A a": {"A", "a"},
		"api:read https://x/y !#[]~": {"api:read", "https://x/y", "!#[]~"},
		strings.Repeat("a", 4096):    {strings.Repeat("a", 4096)},
	} {
		got, fine := oauth.ParseScope(text)
		if !fine || !slices.Equal(got, want) {
			t.Errorf("%.40q is %q, %v", text, got, fine)
		}
	}
	for _, text := range []string{
		`"`, `a"b`, `a\b`, "a\tb", "a\nb", "a\x00", "\x1f", "\x7f", "ä", "a\u00a0b", "\xff", "a,\x01",
		strings.Repeat("a", 4097), strings.Join(numbered("s%d", 101), " "),
	} {
		if got, fine := oauth.ParseScope(text); fine {
			t.Errorf("%.40q is read as %q", text, got)
		}
	}
}

func TestScopesAreSets(t *testing.T) {
	ab := oauth.Scope{"a", "b"}
	for _, c := range []struct {
		other    oauth.Scope
		contains bool
		equal    bool
	}{
		{nil, true, false}, {oauth.Scope{"a"}, true, false}, {oauth.Scope{"b", "a"}, true, true}, {oauth.Scope{"a", "b", "c"}, false, false},
		{oauth.Scope{"c"}, false, false}, {oauth.Scope{"A"}, false, false}, {oauth.Scope{""}, false, false},
	} {
		if ab.Contains(c.other) != c.contains || ab.Equal(c.other) != c.equal {
			t.Errorf("%q in %q: %v, equal %v", c.other, ab, ab.Contains(c.other), ab.Equal(c.other))
		}
	}
	if got := ab.Union(oauth.Scope{"c", "a"}); got.String() != "a b c" || ab.String() != "a b" {
		t.Errorf("union is %q", got)
	}
}

func TestScopesSayWhatTheyAllow(t *testing.T) {
	for token, want := range map[string]string{
		"profile": "See your name and your username.", "api:read": "Read your api data.", "api:write": "Change your api data.", "read": "", "x:y": "", "": "", ":": "",
	} {
		if got := oauth.ScopeSentence(token); got != want {
			t.Errorf("%q says %q", token, got)
		}
	}
}

// scopeOf asks for a token of the client itself.
func (n *node) scopeOf(c *oauth.Client, scope string, resources ...string) (*oauth.Tokens, error) {
	return n.Token(n.w.t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: scope, Resources: resources})
}

func TestARequestWithoutScopeGetsTheDefault(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	tokens, err := n.scopeOf(c, "")
	ok(t, err)
	if tokens.Scope.String() != webScope {
		t.Errorf("got %q", tokens.Scope)
	}
	r := webApp()
	r.DefaultScope = "profile"
	c = n.update(r)
	if tokens, err = n.scopeOf(c, " "); err != nil || tokens.Scope.String() != "profile" {
		t.Errorf("got %q, %v", tokens.Scope, err)
	}
	tokens, err = n.scopeOf(c, "api:write api:read api:write")
	if err != nil || tokens.Scope.String() != "api:write api:read" {
		t.Errorf("got %q, %v", tokens.Scope, err)
	}
	for _, wider := range []string{"admin", "profile admin", "PROFILE", `"`, "profile\n", strings.Repeat("a ", 3000)} {
		_, err := n.scopeOf(c, wider)
		wantCode(t, err, oauth.InvalidScope)
	}
}

func TestResourcesNarrowTheAudience(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	for _, x := range []struct{ resources, want []string }{
		{nil, []string{api, otherAPI}}, {[]string{""}, []string{api, otherAPI}}, {[]string{api}, []string{api}}, {[]string{otherAPI, api}, []string{otherAPI, api}}, {[]string{api, api, ""}, []string{api}},
	} {
		tokens, err := n.scopeOf(c, "", x.resources...)
		ok(t, err)
		if got := n.look(c, tokens.AccessToken).Audience; !slices.Equal(got, x.want) {
			t.Errorf("%q: audience %q", x.resources, got)
		}
	}
	for _, bad := range [][]string{
		{"https://evil.example"}, {api, "https://evil.example"}, {api + "/"}, {strings.ToUpper(api)}, {api + "#x"}, {api + "#"}, {"api.example.com"}, {"/api"}, {"https://user@api.example.com"}, {api + " "}, {"\x00"},
		numbered("https://api.example.com/%d", 21), slices.Repeat([]string{api}, 21),
	} {
		_, err := n.scopeOf(c, "", bad...)
		wantCode(t, err, oauth.InvalidTarget)
	}
}

func TestATokenForNobodyInParticularIsForUs(t *testing.T) {
	_, n := newNode(t)
	c := n.register(named("a", ""))
	tokens, err := n.machine(c)
	ok(t, err)
	if got := n.look(c, tokens.AccessToken).Audience; !slices.Equal(got, []string{issuer}) {
		t.Errorf("audience %q", got)
	}
}

// TestAnAudienceThatWasTakenAwayDoesNotBecomeOurs: what was permitted for one API only must not end as a token for this server.
func TestAnAudienceThatWasTakenAwayDoesNotBecomeOurs(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	code := n.authorize(c, v, "resource="+api)
	tokens := n.tokens(c, v, "resource="+api)
	r := webApp()
	r.Audience = []string{otherAPI}
	c = n.update(r)
	_, err := n.redeem(c, code)
	wantCode(t, err, oauth.InvalidTarget)
	_, err = n.refresh(c, tokens.RefreshToken)
	wantCode(t, err, oauth.InvalidTarget)
}
