package oauth_test

import (
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// An API may turn the tokens of a client into JWTs long after the client was registered with an algorithm for them.
func TestTheAlgorithmOfAClientSignsWhereTheAPIWantsJWTs(t *testing.T) {
	_, n := newNode(t)
	r := shopApp()
	r.AccessTokenFormat, r.AccessTokenSigningAlg = oauth.Opaque, jose.EdDSA
	c := n.register(r)
	a := ordersAPI()
	a.AccessTokenFormat = oauth.JWT
	n.api(a)
	n.api(stockAPI())
	_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Resources: []string{orders}})
	ok(t, err)
}

// A list of tokens that says more of one than it can do would be believed.
func TestAPersonalAccessTokenIsListedWithWhatItReaches(t *testing.T) {
	_, n := newNode(t)
	n.api(ordersAPI())
	n.api(stockAPI())
	r := shopApp()
	r.PersonalAccessTokens = true
	c := n.register(r)
	v := n.signIn(n.user("alice"))
	made, text, err := n.CreatePersonalToken(t.Context(), v.Session, oauth.NewPersonalToken{ClientID: c.ClientID, Name: "a", Scope: "orders:read profile", Lifetime: aMonth})
	ok(t, err)
	if seen := n.look(c, text); made.Scope.String() != seen.Scope.String() {
		t.Errorf("it reaches %q, and its user is told %q", seen.Scope, made.Scope)
	}
	_, _, err = n.CreatePersonalToken(t.Context(), v.Session, oauth.NewPersonalToken{ClientID: c.ClientID, Name: "b", Scope: "profile", Lifetime: aMonth})
	if err == nil {
		t.Error("a token that reaches nothing was made")
	}
}

// A client that is given an audience is for others from then on: what it got before is worth nothing in the administration.
func TestAClientThatIsGivenAnAudienceReachesTheAdministrationNoMore(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := adminApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		v := n.administrator("clerk", account.ViewClients)
		tokens := n.tokens(c, v)
		_, personal := n.personal(c, v, "admin")
		n.access(tokens.AccessToken)
		n.access(personal)
		r.Audience = []string{api}
		c = n.update(r)
		refreshed, err := n.refresh(c, tokens.RefreshToken)
		ok(t, err)
		for _, token := range []string{tokens.AccessToken, refreshed.AccessToken, personal} {
			n.wantNoAccess(token, "may no longer ask")
		}
		r.Audience = []string{api, issuer}
		n.update(r)
		for _, token := range []string{tokens.AccessToken, refreshed.AccessToken, personal} {
			n.access(token)
		}
	}
}
