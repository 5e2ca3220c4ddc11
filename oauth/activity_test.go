package oauth_test

import (
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

func TestTokensAreCountedByGrantAndFormat(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	other := webApp()
	other.ClientID, other.ClientName, other.AccessTokenFormat = "jwt", "JWT app", oauth.JWT
	signed := n.register(other)
	tokens := n.tokens(c, n.signIn(n.user("alice")))
	_, err := n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	_, err = n.refresh(c, tokens.RefreshToken) // in grace: nothing is issued
	ok(t, err)
	for range 3 {
		_, err = n.machine(signed)
		ok(t, err)
	}
	if _, err := n.redeem(c, "no code"); err == nil {
		t.Fatal("it was redeemed")
	}
	want := map[oauth.Issued]bool{
		{Grant: oauth.AuthorizationCode, Format: oauth.Opaque, Tokens: 1}: true,
		{Grant: oauth.RefreshToken, Format: oauth.Opaque, Tokens: 1}:      true,
		{Grant: oauth.ClientCredentials, Format: oauth.JWT, Tokens: 3}:    true,
	}
	all := n.Activity().Issued
	if len(all) != 10 {
		t.Errorf("%d sorts", len(all))
	}
	for _, i := range all {
		if i.Tokens != 0 && !want[i] {
			t.Errorf("counted %+v", i)
		}
		delete(want, i)
	}
	if len(want) > 0 {
		t.Errorf("not counted: %v", want)
	}
}
