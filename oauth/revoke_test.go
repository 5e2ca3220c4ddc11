package oauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func TestAnyTokenOfAFamilyEndsTheFamily(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		for name, pick := range map[string]func(first, second *oauth.Tokens) string{
			"access":          func(_, second *oauth.Tokens) string { return second.AccessToken },
			"refresh":         func(_, second *oauth.Tokens) string { return second.RefreshToken },
			"earlier access":  func(first, _ *oauth.Tokens) string { return first.AccessToken },
			"earlier refresh": func(first, _ *oauth.Tokens) string { return first.RefreshToken },
		} {
			w := newWorld(t)
			n := w.node()
			r := webApp()
			r.AccessTokenFormat = format
			c := n.register(r)
			first := n.tokens(c, n.signIn(n.user("alice")))
			w.move(time.Minute)
			second, err := n.refresh(c, first.RefreshToken)
			ok(t, err)
			untouched := n.tokens(c, n.signIn(n.user("bob")))
			ok(t, n.Revoke(t.Context(), c, pick(first, second)))
			n.wantActive(c, false, first.AccessToken, second.AccessToken, second.RefreshToken)
			n.wantActive(c, true, untouched.AccessToken, untouched.RefreshToken)
			for _, token := range []string{first.RefreshToken, second.RefreshToken} {
				_, err := n.refresh(c, token)
				wantCode(t, err, oauth.InvalidGrant)
			}
			ok(t, n.Revoke(t.Context(), c, pick(first, second))) // again is no error
			if got := n.events("client:web"); strings.Count(strings.Join(got, ";"), "authorization.revoked") != 1 {
				t.Errorf("%s: audit log: %q", name, got)
			}
		}
	}
}

func TestAMachinesTokensAreRevokedOneByOne(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		first, err := n.machine(c)
		ok(t, err)
		second, err := n.machine(c)
		ok(t, err)
		for range 2 {
			ok(t, n.Revoke(t.Context(), c, first.AccessToken))
		}
		n.wantActive(c, false, first.AccessToken)
		n.wantActive(c, true, second.AccessToken)
	}
}

func TestNobodyRevokesTokensOfAnother(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		tokens := n.tokens(c, n.signIn(n.user("alice")))
		machine, err := n.machine(c)
		ok(t, err)
		for _, other := range []*oauth.Client{n.register(nativeApp()), n.register(resourceServer())} {
			for _, token := range []string{tokens.AccessToken, tokens.RefreshToken, machine.AccessToken} {
				ok(t, n.Revoke(t.Context(), other, token))
			}
		}
		n.wantActive(c, true, tokens.AccessToken, tokens.RefreshToken, machine.AccessToken)
	}
}

func TestRevokingWhatIsNoTokenIsNoError(t *testing.T) {
	w := newWorld(t)
	n := w.node()
	c := n.register(webApp())
	tokens := n.tokens(c, n.signIn(n.user("alice")))
	code := n.authorize(c, n.signIn(n.user("bob")))
	for _, token := range []string{
		"", "garbage", "grat_", "grrt_" + tokens.AccessToken[5:], "grat_" + tokens.RefreshToken[5:], tokens.AccessToken + " ", tokens.RefreshToken[:76], "..", "a.b.c", "\xff", code, "grat_" + code[5:], strings.Repeat("x", 1<<20),
	} {
		ok(t, n.Revoke(t.Context(), c, token))
	}
	n.wantActive(c, true, tokens.AccessToken, tokens.RefreshToken)
	_, err := n.redeem(c, code)
	ok(t, err)
}

// TestARevokedMachineJWTStaysRevokedUntilItsEnd has the store's clock ahead of ours: its expiry of the note must not
// bring the token back.
func TestARevokedMachineJWTStaysRevokedUntilItsEnd(t *testing.T) {
	w, n := newNode(t)
	r := webApp()
	r.AccessTokenFormat = oauth.JWT
	c := n.register(r)
	token, err := n.machine(c)
	ok(t, err)
	ok(t, n.Revoke(t.Context(), c, token.AccessToken))
	w.store.Now = func() time.Time { return w.now().Add(time.Minute) }
	w.move(10*time.Minute - 2*time.Second)
	n.wantActive(c, false, token.AccessToken)
}

func TestAnAuthorizationIsRevokedByItsID(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	u := n.user("alice")
	tokens := n.tokens(c, n.signIn(u))
	for _, tag := range []string{"user:" + u.ID, "client:web"} {
		page, _, err := n.Authorizations(t.Context(), tag, "", 10)
		ok(t, err)
		if len(page) != 1 || page[0].UserID != u.ID || page[0].ClientID != "web" {
			t.Fatalf("under %s: %+v", tag, page)
		}
	}
	page, _, err := n.Authorizations(t.Context(), "client:web", "", 10)
	ok(t, err)
	ok(t, n.RevokeAuthorization(t.Context(), page[0].ID))
	n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
	wantErr(t, n.RevokeAuthorization(t.Context(), page[0].ID), store.ErrNotFound)
	if page, _, _ := n.Authorizations(t.Context(), "client:web", "", 10); len(page) > 0 {
		t.Errorf("still listed: %+v", page)
	}
}
