package oauth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

// costs repeats act until it asks the store for no more than want: the caches of clients and users fill first.
func costs(t *testing.T, b *watched, want []string, act func()) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		b.took()
		act()
		if got = b.took(); slices.Equal(got, want) {
			return
		}
	}
	t.Errorf("the store was asked for %q, want %q", got, want)
}

// TestTheTokenPathAsksTheStoreForLittle counts the verbs of each request.
func TestTheTokenPathAsksTheStoreForLittle(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	n.run()
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		r := webApp()
		r.ClientID, r.ClientName, r.AccessTokenFormat = string(format), string(format), format
		_, secret, err := n.RegisterClient(t.Context(), r, "")
		ok(t, err)
		c := n.client(string(format))
		v := n.signIn(n.user("user-" + string(format)))
		costs(t, b, nil, func() { ok(t, n.authenticate(oauth.ClientSecretBasic, c.ClientID, secret)) })

		var machine, tokens *oauth.Tokens
		one := map[oauth.AccessTokenFormat][]string{oauth.Opaque: {"create authorization"}}
		costs(t, b, one[format], func() { machine, err = n.machine(c); ok(t, err) })
		read := map[oauth.AccessTokenFormat][]string{oauth.Opaque: {"get authorization"}, oauth.JWT: {"get revoked"}}
		costs(t, b, read[format], func() { n.wantActive(c, true, machine.AccessToken) })

		costs(t, b, []string{"get consent", "create authorization"}, func() { n.authorize(c, v) })
		var code string
		b.took()
		costs(t, b, []string{"get consent", "create authorization", "get authorization", "swap authorization"}, func() {
			code = n.authorize(c, v)
			tokens, err = n.redeem(c, code)
			ok(t, err)
		})
		costs(t, b, []string{"get authorization"}, func() { n.wantActive(c, true, tokens.AccessToken) })
		costs(t, b, []string{"get authorization", "swap authorization"}, func() { tokens, err = n.refresh(c, tokens.RefreshToken); ok(t, err) })
		costs(t, b, nil, func() { n.wantActive(c, false, "grat_garbage", "", tokens.AccessToken+"x", "a.b.c") })
		costs(t, b, nil, func() { _, err := n.refresh(c, "grrt_garbage"); wantCode(t, err, oauth.InvalidGrant) })
	}
}

func TestTokensOfAMachineStandAlone(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	first, err := n.machine(c)
	ok(t, err)
	second, err := n.machine(c)
	ok(t, err)
	if first.AccessToken == second.AccessToken || first.RefreshToken != "" {
		t.Errorf("got %+v and %+v", first, second)
	}
	page, _, err := n.Authorizations(t.Context(), "client:web", "", 10)
	ok(t, err)
	if len(page) > 0 {
		t.Errorf("a machine's token is indexed: %+v", page)
	}
}

// TestParametersOfOtherGrantsAreIgnored: RFC 6749 section 3.2 has unrecognised parameters ignored.
func TestParametersOfOtherGrantsAreIgnored(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	for _, uri := range []string{callback, "https://elsewhere.example/", "garbage"} {
		_, err := n.Token(t.Context(), c, &oauth.TokenRequest{
			GrantType: "client_credentials", RedirectURI: uri, Code: "garbage", CodeVerifier: "x", RefreshToken: "y",
		})
		ok(t, err)
	}
}
