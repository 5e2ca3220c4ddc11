package oauth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

const stranger = "192.0.2.7"

func throttled(err error) bool {
	var e *account.ThrottledError
	return errors.As(err, &e) && e.RetryAfter > 0
}

func TestWrongSecretsOfOneAddressAreBounded(t *testing.T) {
	w, n := newNode(t)
	r := webApp()
	_, _, err := n.RegisterClient(t.Context(), r, "chosen by a person")
	ok(t, err)
	try := func(id, secret, address string) error {
		_, err := n.Authenticate(t.Context(), oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: id, Secret: secret, Address: address})
		return err
	}
	for range 5 { // a right one is no guess, before and after it is remembered
		ok(t, try("web", "chosen by a person", stranger))
	}
	for i := range 300 {
		id := []string{"web", "nobody"}[i%2]
		wantCode(t, try(id, "guess", stranger), oauth.InvalidClient)
	}
	before := n.hasher.Computed()
	for _, secret := range []string{"", strings.Repeat("x", 1025)} { // nothing is hashed, so nothing is counted
		wantCode(t, try("nobody", secret, stranger), oauth.InvalidClient)
	}
	if err := try("nobody", "guess", stranger); !throttled(err) {
		t.Errorf("guess 301: %v", err)
	}
	if n.hasher.Computed() != before {
		t.Error("a refused guess was hashed")
	}
	ok(t, try("web", "chosen by a person", stranger)) // remembered: nobody behind this address is locked out by a neighbour
	wantCode(t, try("web", "guess", "192.0.2.8"), oauth.InvalidClient)
	wantCode(t, try("web", "guess", ""), oauth.InvalidClient)
	wantCode(t, try("web", oauth.GenerateSecret(), stranger), oauth.InvalidClient) // costs nothing and cannot be guessed
	w.move(5 * time.Minute)
	wantCode(t, try("web", "guess", stranger), oauth.InvalidClient)
}

func TestRequestsOfOneAddressThatWaitAreBounded(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	guest := oauth.Visitor{Browser: "b", Address: stranger}
	for range 1000 {
		_, err := n.Authorize(t.Context(), ask(c), guest)
		ok(t, err)
	}
	if _, err := n.Authorize(t.Context(), ask(c), guest); !throttled(err) {
		t.Errorf("request 1001: %v", err)
	}
	_, err := n.Authorize(t.Context(), ask(c), oauth.Visitor{Browser: "b"})
	ok(t, err)
	w.move(10 * time.Minute)
	_, err = n.Authorize(t.Context(), ask(c), guest)
	ok(t, err)
}

func TestARequestWithoutCookiesIsAskedForAgain(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	for _, change := range []string{"prompt=login", "prompt=none"} {
		d, err := n.Authorize(t.Context(), ask(c, change), oauth.Visitor{})
		ok(t, err)
		if d.Step != oauth.Reload || d.Interaction != nil || d.Response != nil {
			t.Errorf("%s: %+v", change, d)
		}
	}
}

func TestAClientThatWasPublicForAWhileDoesNotGetItsOldSecretsBack(t *testing.T) {
	_, n := newNode(t)
	r := webApp()
	r.GrantTypes = r.GrantTypes[:2]
	_, secret, err := n.RegisterClient(t.Context(), r, "")
	ok(t, err)
	r.TokenEndpointAuthMethod = oauth.NoSecret
	n.update(r)
	r.TokenEndpointAuthMethod = oauth.ClientSecretBasic
	n.update(r)
	_, err = n.Authenticate(t.Context(), oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: "web", Secret: secret})
	wantCode(t, err, oauth.InvalidClient)
}
