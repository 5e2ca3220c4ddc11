package oauth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func TestAnOperatorEndsWhatATokenStandsFor(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	visitor := n.signIn(n.user("alice"))
	first := n.tokens(c, visitor)
	second, err := n.refresh(c, first.RefreshToken)
	ok(t, err)
	if ended, err := n.RevokeToken(t.Context(), first.RefreshToken); !ended || err != nil {
		t.Errorf("a used refresh token ends nothing: %v %v", ended, err)
	}
	n.wantActive(c, false, second.AccessToken, second.RefreshToken)
	for _, over := range []string{first.RefreshToken, second.AccessToken, "", "grat_x", "a.b.c"} {
		if ended, err := n.RevokeToken(t.Context(), over); ended || err != nil {
			t.Errorf("%q: %v %v", over, ended, err)
		}
	}
}

func TestAnOperatorEndsTheJWTOfAMachineOnce(t *testing.T) {
	_, n := newNode(t)
	r := resourceServer()
	r.AccessTokenFormat, r.AccessTokenSigningAlg = oauth.JWT, jose.ES256
	c := n.register(r)
	tokens, err := n.machine(c)
	ok(t, err)
	for _, want := range []bool{true, false} {
		if ended, err := n.RevokeToken(t.Context(), tokens.AccessToken); ended != want || err != nil {
			t.Errorf("%v %v, want %v", ended, err, want)
		}
	}
	n.wantActive(c, false, tokens.AccessToken)
}

func TestAClientIsSavedUnderTheVersionThatWasRead(t *testing.T) {
	_, n := newNode(t)
	id := n.register(webApp()).ClientID
	c, version, err := n.LoadClient(t.Context(), id)
	ok(t, err)
	r := c.Registration
	r.ClientName = "First"
	_, err = n.UpdateClient(t.Context(), r, version)
	ok(t, err)
	r.ClientName = "Second"
	_, err = n.UpdateClient(t.Context(), r, version)
	wantErr(t, err, store.ErrConflict)
	for _, unknown := range []string{"nobody", "", "usr_x", "a b"} {
		_, _, err = n.LoadClient(t.Context(), unknown)
		wantErr(t, err, store.ErrNotFound)
	}
}

func TestATokenLivesItsWholeLifetimeHoweverSlowTheServer(t *testing.T) {
	w, _ := newNode(t)
	n := w.over(w.store, func() time.Time { // every look at the clock takes a moment
		w.move(time.Millisecond)
		return w.now()
	})
	r := resourceServer()
	r.AccessTokenLifetime = oauth.Duration(10 * time.Minute)
	tokens, err := n.machine(n.register(r))
	ok(t, err)
	if lifetime := tokens.Expires.Sub(tokens.Issued); lifetime != 10*time.Minute {
		t.Errorf("it lives %v", lifetime)
	}
}

func TestARegistrationIsCheckedWithoutAStore(t *testing.T) {
	good := webApp()
	good.ClientID = "demo"
	ok(t, good.Check())
	var faults *oauth.RegistrationError
	if err := (oauth.Registration{ClientID: "a b"}).Check(); !errors.As(err, &faults) || len(faults.Fields) != 2 {
		t.Errorf("faults: %v", err)
	}
}
