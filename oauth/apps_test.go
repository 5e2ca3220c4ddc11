package oauth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func (n *node) apps(userID string) []*oauth.App {
	n.w.t.Helper()
	apps, err := n.AppsOf(context.Background(), userID)
	ok(n.w.t, err)
	return apps
}

func TestAUserSeesWhatHeHasAllowed(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	native := nativeApp()
	native.ClientName = "A native app"
	phone := n.register(native)
	tools := n.register(personalApp())
	begin := w.now()
	alice, bob := n.signIn(n.user("alice")), n.signIn(n.user("bob"))
	n.tokens(c, alice, "scope=profile", "resource="+api)
	w.move(time.Minute)
	n.tokens(c, alice, "scope=api:read", "resource="+otherAPI)
	n.tokens(phone, alice, "scope=profile")
	n.personal(tools, alice, "profile")
	apps := n.apps(alice.User.ID)
	if len(apps) != 2 || apps[0].Client.ClientID != "native" || apps[1].Client.ClientID != "web" {
		t.Fatalf("%d apps", len(apps))
	}
	web := apps[1]
	if !web.Scope.Equal(oauth.Scope{"profile", "api:read"}) || len(web.Audience) != 2 || web.Authorizations != 2 || !web.Since.Equal(begin) {
		t.Errorf("seen %+v", web)
	}
	if got := n.apps(bob.User.ID); len(got) > 0 {
		t.Errorf("bob sees %d", len(got))
	}
	w.move(91 * 24 * time.Hour) // what was allowed has ended, the consent is remembered
	if apps = n.apps(alice.User.ID); len(apps) != 2 || apps[1].Authorizations != 0 {
		t.Errorf("later: %d", len(apps))
	}
	w.move(366 * 24 * time.Hour)
	if apps = n.apps(alice.User.ID); len(apps) > 0 {
		t.Errorf("much later: %d", len(apps))
	}
}

func TestAWithdrawnAppIsAskedForAgain(t *testing.T) {
	_, n := newNode(t)
	r := webApp()
	r.PersonalAccessTokens = true
	c := n.register(r)
	other := webApp()
	other.ClientID, other.ClientName = "other", "Other"
	o := n.register(other)
	alice, bob := n.signIn(n.user("alice")), n.signIn(n.user("bob"))
	first, code := n.tokens(c, alice), n.authorize(c, alice)
	_, personal := n.personal(c, alice, "profile")
	ofBob, elsewhere := n.tokens(c, bob), n.tokens(o, alice)
	ok(t, n.WithdrawApp(t.Context(), alice.User.ID, "web"))
	n.wantActive(c, false, first.AccessToken, first.RefreshToken)
	_, err := n.refresh(c, first.RefreshToken)
	wantCode(t, err, oauth.InvalidGrant)
	_, err = n.redeem(c, code)
	wantCode(t, err, oauth.InvalidGrant)
	n.wantActive(c, true, personal, ofBob.AccessToken, ofBob.RefreshToken)
	n.wantActive(o, true, elsewhere.AccessToken)
	if apps := n.apps(alice.User.ID); len(apps) != 1 || apps[0].Client.ClientID != "other" {
		t.Errorf("%d apps are left", len(apps))
	}
	d, err := n.Authorize(t.Context(), ask(c), alice)
	ok(t, err)
	if d.Step != oauth.AskUser {
		t.Fatalf("the next step is %v", d.Step)
	}
	again := n.tokens(c, alice) // allowed anew, in the same millisecond
	n.wantActive(c, true, again.AccessToken, again.RefreshToken)
	once := n.tokens(c, alice) // and remembered
	n.wantActive(c, true, once.AccessToken)
	if got := n.told("client:web", "consent.withdrawn"); got["user"] != alice.User.ID {
		t.Errorf("audit log: %v", got)
	}
	for _, x := range [][2]string{{bob.User.ID, "other"}, {alice.User.ID, "nobody"}, {"", "web"}, {alice.User.ID, ""}, {strings.Repeat("x", 300), "web"}, {alice.User.ID, "a b"}} {
		wantErr(t, n.WithdrawApp(t.Context(), x[0], x[1]), store.ErrNotFound)
	}
}

// TestWhatIsInFlightDoesNotSurviveAWithdrawal goes through the authorization endpoint, redeems and refreshes while the user
// withdraws, on two nodes.
func TestWhatIsInFlightDoesNotSurviveAWithdrawal(t *testing.T) {
	w := newWorld(t)
	nodes := []*node{w.node(), w.node()}
	n := nodes[0]
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	for range 40 {
		old, code := n.tokens(c, v), n.authorize(c, v)
		answers, errs := parallel(8, func(i int) (*oauth.Tokens, error) {
			at := nodes[i%2]
			switch i % 4 {
			case 0:
				if i > 0 {
					return nil, nil
				}
				return nil, at.WithdrawApp(context.Background(), v.User.ID, "web")
			case 1:
				return at.refresh(c, old.RefreshToken)
			case 2:
				return at.redeem(c, code)
			}
			d, err := at.Authorize(context.Background(), ask(c), v)
			if err != nil || d.Step != oauth.Respond {
				return nil, err
			}
			return at.redeem(c, field(d.Response, "code"))
		})
		ok(t, errs[0])
		onlyRefusals(t, errs)
		n.wantActive(c, false, old.AccessToken, old.RefreshToken)
		for i, answer := range answers {
			if answer != nil {
				nodes[i%2].wantActive(c, false, answer.AccessToken, answer.RefreshToken)
			}
		}
		if left := n.live("user:"+v.User.ID, 100); len(left) > 0 {
			t.Fatalf("%d are left", len(left))
		}
	}
}

// TestARequestThatReadTheConsentBeforeItWasWithdrawnGivesNothing lets a user withdraw at each step of a request.
func TestARequestThatReadTheConsentBeforeItWasWithdrawnGivesNothing(t *testing.T) {
	for number := range 3 {
		w := newWorld(t)
		b := &watched{Backend: w.store}
		n := w.over(b, w.now)
		c := n.register(webApp())
		v := n.signIn(n.user("alice"))
		n.tokens(c, v)
		b.took()
		withdrawn := false
		b.fail = func(i int, call string) outcome {
			if i == number {
				ok(t, w.node().WithdrawApp(context.Background(), v.User.ID, "web"))
				withdrawn = true
			}
			return works
		}
		d, err := n.Authorize(t.Context(), ask(c), v)
		ok(t, err)
		b.fail = nil
		if !withdrawn {
			t.Fatalf("call %d of %q never came", number, b.took())
		}
		if d.Step != oauth.Respond {
			continue // asked again
		}
		_, err = n.redeem(c, field(d.Response, "code"))
		wantCode(t, err, oauth.InvalidGrant)
		if left := n.live("user:"+v.User.ID, 10); len(left) > 0 {
			t.Errorf("call %d: %d stand", number, len(left))
		}
	}
}

// TestAnAnswerThatIsOlderThanAWithdrawalDoesNotCount: Allow in one tab, then withdraw in another, then the first goes on.
func TestAnAnswerThatIsOlderThanAWithdrawalDoesNotCount(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	d, err := n.Authorize(t.Context(), ask(c), v)
	ok(t, err)
	waiting, _, err := n.Waiting(t.Context(), d.Interaction.Handle, v.Browser)
	ok(t, err)
	ok(t, n.Allow(t.Context(), waiting, v))
	ok(t, n.WithdrawApp(t.Context(), v.User.ID, "web"))
	next, err := n.Continue(t.Context(), d.Interaction.Handle, v)
	ok(t, err)
	if next.Step != oauth.AskUser {
		t.Fatalf("the next step is %v", next.Step)
	}
	next = n.allow(next.Interaction, v)
	tokens, err := n.redeem(c, field(next.Response, "code"))
	ok(t, err)
	n.wantActive(c, true, tokens.AccessToken)
}

func TestAWithdrawalReachesADisabledClient(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	tokens := n.tokens(c, v)
	ok(t, n.SetClientState(t.Context(), "web", oauth.Disabled))
	if apps := n.apps(v.User.ID); len(apps) != 1 || apps[0].Authorizations != 0 {
		t.Errorf("%d apps", len(apps))
	}
	ok(t, n.WithdrawApp(t.Context(), v.User.ID, "web"))
	ok(t, n.SetClientState(t.Context(), "web", oauth.Enabled))
	n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
}

// TestAWithdrawalThatFailsHalfwayIsNotReportedAsDone, and can be done again.
func TestAWithdrawalThatFailsHalfwayIsNotReportedAsDone(t *testing.T) {
	for number := range 8 {
		w := newWorld(t)
		b := &watched{Backend: w.store}
		n := w.over(b, w.now)
		c := n.register(webApp())
		v := n.signIn(n.user("alice"))
		tokens := n.tokens(c, v)
		b.took()
		b.fail = func(i int, _ string) outcome {
			if i >= number {
				return failsBefore
			}
			return works
		}
		err := n.WithdrawApp(t.Context(), v.User.ID, "web")
		b.fail = nil
		if err == nil {
			n.wantActive(c, false, tokens.AccessToken)
			continue
		}
		if !store.IsUnavailable(err) {
			t.Errorf("call %d: %v", number, err)
		}
		if err := n.WithdrawApp(t.Context(), v.User.ID, "web"); err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("call %d, again: %v", number, err)
		}
		n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
		if apps := n.apps(v.User.ID); len(apps) > 0 {
			t.Errorf("call %d: %d apps are left", number, len(apps))
		}
	}
}

// TestWithdrawingWhatWasNeverAllowedLeavesNothingBehind: every node holds the notes, and reads them at every token.
func TestWithdrawingWhatWasNeverAllowedLeavesNothingBehind(t *testing.T) {
	w, n := newNode(t)
	n.register(webApp())
	v := n.signIn(n.user("alice"))
	for _, client := range []string{"web", "nobody", "somebody"} {
		wantErr(t, n.WithdrawApp(t.Context(), v.User.ID, client), store.ErrNotFound)
	}
	notes, _, err := w.store.List(t.Context(), store.Kind{Name: "withdrawal"}, "", "", 10)
	ok(t, err)
	if len(notes) > 0 {
		t.Errorf("%d notes", len(notes))
	}
}

// TestWhatASlowNodeIssuesDoesNotOutliveTheNoteOfAWithdrawal: the user withdraws while a node that has not heard of it keeps a
// new authorization, and its code is redeemed there at once.
func TestWhatASlowNodeIssuesDoesNotOutliveTheNoteOfAWithdrawal(t *testing.T) {
	for range 50 {
		w := newWorld(t)
		b := &watched{Backend: w.store}
		slow := w.over(b, w.now)
		slow.run()
		c := slow.register(webApp())
		v := slow.signIn(slow.user("alice"))
		again := slow.tokens(c, v)
		costs(t, b, []string{"get authorization"}, func() { slow.wantActive(c, true, again.AccessToken) }) // it follows now
		other := w.node()
		b.took()
		b.fail = func(_ int, call string) outcome {
			if call == "create authorization" {
				ok(t, other.WithdrawApp(context.Background(), v.User.ID, "web"))
			}
			return works
		}
		d, err := slow.Authorize(t.Context(), ask(c), v)
		ok(t, err)
		b.fail = nil
		tokens, err := slow.redeem(c, field(d.Response, "code"))
		if refusedWith(err) == oauth.InvalidGrant {
			continue // it has heard of it in time
		}
		ok(t, err)
		other.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
		fresh := other.tokens(c, v) // allowed anew
		w.move(time.Minute)
		ok(t, other.Sweep(t.Context()))
		w.move(3 * time.Hour)
		other.wantActive(c, false, tokens.RefreshToken)
		other.wantActive(c, true, fresh.RefreshToken)
		return
	}
	t.Error("the node has always heard of it in time")
}
