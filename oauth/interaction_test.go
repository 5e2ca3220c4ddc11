package oauth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

// asked begins a request that waits for the user's answer.
func (n *node) asked(c *oauth.Client, v oauth.Visitor, changes ...string) *oauth.Interaction {
	n.w.t.Helper()
	d, err := n.Authorize(context.Background(), ask(c, changes...), v)
	ok(n.w.t, err)
	if d.Interaction == nil {
		n.w.t.Fatalf("nothing waits: %s", answer(d, nil))
	}
	return d.Interaction
}

func TestARequestBelongsToOneBrowser(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	i := n.asked(c, v)
	for _, browser := range []string{"", "another", v.Browser + " ", strings.ToUpper(v.Browser)} {
		_, _, err := n.Waiting(t.Context(), i.Handle, browser)
		wantErr(t, err, oauth.ErrNoInteraction)
		stranger := v
		stranger.Browser = browser
		_, err = n.Continue(t.Context(), i.Handle, stranger)
		wantErr(t, err, oauth.ErrNoInteraction)
	}
	for _, handle := range []string{"", i.ID, i.Handle + "A", i.Handle[1:], strings.Repeat("A", 43), strings.Repeat("x", 1<<16), strings.ToLower(i.Handle) + "\x00"} {
		_, _, err := n.Waiting(t.Context(), handle, v.Browser)
		wantErr(t, err, oauth.ErrNoInteraction)
	}
	_, _, err := n.Waiting(t.Context(), i.Handle, v.Browser)
	ok(t, err)
}

func TestARequestExpires(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	i := n.asked(c, v)
	w.store.Now = func() time.Time { return time.Time{} }
	w.move(30*time.Minute - time.Millisecond)
	_, _, err := n.Waiting(t.Context(), i.Handle, v.Browser)
	ok(t, err)
	w.move(time.Millisecond)
	_, _, err = n.Waiting(t.Context(), i.Handle, v.Browser)
	wantErr(t, err, oauth.ErrNoInteraction)
}

func TestARequestIsFinishedOnce(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	i := n.asked(c, v)
	n.allow(i, v)
	_, err := n.Continue(t.Context(), i.Handle, v)
	wantErr(t, err, oauth.ErrNoInteraction)
	wantErr(t, n.Allow(t.Context(), i, v), oauth.ErrNoInteraction)
	_, err = n.Deny(t.Context(), i)
	wantErr(t, err, oauth.ErrNoInteraction)
	wantErr(t, n.LoggedIn(t.Context(), i, v.Session.ID), oauth.ErrNoInteraction)
	denied := n.asked(c, v, "prompt=consent")
	d, err := n.Deny(t.Context(), denied)
	ok(t, err)
	r := d.Response
	if field(r, "error") != "access_denied" || field(r, "state") != "the state" || field(r, "iss") != issuer || field(r, "code") != "" {
		t.Errorf("answered %+v", r)
	}
	_, err = n.Continue(t.Context(), denied.Handle, v)
	wantErr(t, err, oauth.ErrNoInteraction)
}

// TestADeniedRequestLeavesNoConsent lets Allow, of another tab, come after Deny.
func TestADeniedRequestLeavesNoConsent(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	i := n.asked(c, v)
	_, err := n.Deny(t.Context(), i)
	ok(t, err)
	wantErr(t, n.Allow(t.Context(), i, v), oauth.ErrNoInteraction)
	if got := answer(n.Authorize(t.Context(), ask(c), v)); got != "ask" {
		t.Errorf("next time: %s", got)
	}
}

func TestOfManyFinishesOneGetsACode(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	nodes := []*node{n, w.node()}
	for range 10 {
		i := n.asked(c, v, "prompt=consent")
		ok(t, n.Allow(t.Context(), i, v))
		codes, errs := parallel(16, func(k int) (string, error) {
			if k%4 == 3 {
				_, err := nodes[k%2].Deny(context.Background(), i)
				return "", err
			}
			d, err := nodes[k%2].Continue(context.Background(), i.Handle, v)
			if err != nil {
				return "", err
			}
			return field(d.Response, "code"), nil
		})
		if successes(errs) != 1 {
			t.Fatalf("%d finished it: %q %v", successes(errs), codes, errs)
		}
	}
}

func TestALoginThatWasAskedForIsMadeForTheRequest(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	u := n.user("alice")
	old := n.signIn(u)
	n.authorize(c, old)
	w.move(time.Hour)
	for _, want := range []string{"prompt=login", "prompt=select_account", "max_age=0", "max_age=60"} {
		i := n.asked(c, old, want)
		d, err := n.Continue(t.Context(), i.Handle, old)
		if got := answer(d, err); got != "login" {
			t.Errorf("%s: coming back without a login: %s", want, got)
		}
		wantErr(t, n.Allow(t.Context(), i, old), oauth.ErrLoginNeeded)
		fresh := n.signIn(u)
		if want != "max_age=60" { // a login in another tab is recent enough, but was not made for this request
			if got := answer(n.Continue(t.Context(), i.Handle, fresh)); got != "login" {
				t.Errorf("%s: with a login for something else: %s", want, got)
			}
		}
		ok(t, n.LoggedIn(t.Context(), i, fresh.Session.ID))
		if got := answer(n.Continue(t.Context(), i.Handle, old)); got != "login" {
			t.Errorf("%s: with the old session: %s", want, got)
		}
		if got := answer(n.Continue(t.Context(), i.Handle, fresh)); got != "code" {
			t.Errorf("%s: after the login: %s", want, got)
		}
		w.move(time.Hour)
	}
}

func TestNobodyAllowsForAnother(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	alice, bob := n.signIn(n.user("alice")), n.signIn(n.user("bob"))
	bob.Browser = alice.Browser // one after the other before one browser
	i := n.asked(c, alice)
	ok(t, n.Allow(t.Context(), i, alice))
	if got := answer(n.Continue(t.Context(), i.Handle, bob)); got != "ask" {
		t.Errorf("bob, after alice allowed: %s", got)
	}
	wantErr(t, n.Allow(t.Context(), i, oauth.Visitor{Browser: alice.Browser}), oauth.ErrLoginNeeded)
	if got := answer(n.Continue(t.Context(), i.Handle, oauth.Visitor{Browser: alice.Browser})); got != "login" {
		t.Errorf("nobody, after alice allowed: %s", got)
	}
}

func TestTwoTabsDoNotMix(t *testing.T) {
	_, n := newNode(t)
	a := n.register(webApp())
	r := webApp()
	r.ClientID, r.ClientName, r.RedirectURIs = "b", "B", []string{"https://b.example/cb"}
	b := n.register(r)
	v := n.signIn(n.user("alice"))
	first, second := n.asked(a, v, "state=of a"), n.asked(b, v, "state=of b")
	da, db := n.allow(first, v), n.allow(second, v)
	if da.Response.RedirectURI != callback || field(da.Response, "state") != "of a" || db.Response.RedirectURI != "https://b.example/cb" || field(db.Response, "state") != "of b" {
		t.Errorf("answered %+v and %+v", da.Response, db.Response)
	}
	_, err := n.redeem(b, field(da.Response, "code"))
	wantCode(t, err, oauth.InvalidGrant)
	_, err = n.redeem(a, field(da.Response, "code"))
	ok(t, err)
}

func TestAClientThatChangedMeanwhileIsAskedAnew(t *testing.T) {
	for name, change := range map[string]func(*node, oauth.Registration){
		"disabled": func(n *node, _ oauth.Registration) {
			ok(n.w.t, n.SetClientState(context.Background(), "web", oauth.Disabled))
		},
		"deleted":      func(n *node, _ oauth.Registration) { ok(n.w.t, n.DeleteClient(context.Background(), "web")) },
		"tokens ended": func(n *node, _ oauth.Registration) { ok(n.w.t, n.EndClientTokens(context.Background(), "web")) },
		"recreated": func(n *node, r oauth.Registration) {
			ok(n.w.t, n.DeleteClient(context.Background(), "web"))
			n.w.move(time.Second)
			n.register(r)
		},
		"redirect URI gone": func(n *node, r oauth.Registration) { r.RedirectURIs = []string{"https://b.example/"}; n.update(r) },
		"scope gone":        func(n *node, r oauth.Registration) { r.Scope = "profile"; n.update(r) },
		"audience gone":     func(n *node, r oauth.Registration) { r.Audience = []string{api}; n.update(r) },
		"grant gone": func(n *node, r oauth.Registration) {
			r.GrantTypes = []oauth.GrantType{oauth.ClientCredentials}
			n.update(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, n := newNode(t)
			c := n.register(webApp())
			v := n.signIn(n.user("alice"))
			i := n.asked(c, v)
			ok(t, n.Allow(t.Context(), i, v))
			w.move(time.Second)
			change(n, webApp())
			_, err := n.Continue(t.Context(), i.Handle, v)
			wantErr(t, err, oauth.ErrNoInteraction)
		})
	}
}

func TestTheConsentPageIsToldWhatIsNew(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	n.authorize(c, v, "scope=profile")
	i := n.asked(c, v)
	i, _, err := n.Waiting(t.Context(), i.Handle, v.Browser)
	ok(t, err)
	fresh, err := n.NewScope(t.Context(), i, v.User.ID)
	ok(t, err)
	if fresh.String() != "api:read api:write" {
		t.Errorf("new is %q", fresh)
	}
}
