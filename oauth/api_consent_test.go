package oauth_test

import (
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// A consent is for a scope at a resource: what was allowed at one is asked for again at another.
func TestWhatWasAllowedAtOneResourceIsNotAllowedAtAnother(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	n.authorize(c, v, "scope=profile", "resource="+api)
	n.authorize(c, v, "scope=api:read", "resource="+otherAPI)
	for _, x := range []struct{ scope, resource, want string }{
		{"profile", api, "code"}, {"api:read", otherAPI, "code"}, {"api:read", api, "ask"}, {"profile", otherAPI, "ask"}, {"profile api:read", otherAPI, "ask"},
	} {
		if got := answer(n.Authorize(t.Context(), ask(c, "scope="+x.scope, "resource="+x.resource), v)); got != x.want {
			t.Errorf("%s at %s: %s, want %s", x.scope, x.resource, got, x.want)
		}
	}
}

// A scope that another API gets means something else there.
func TestAScopeThatMovesToAnotherAPIIsAskedForAgain(t *testing.T) {
	n, c := newShop(t)
	v := n.signIn(n.user("alice"))
	n.authorize(c, v)
	if got := answer(n.Authorize(t.Context(), ask(c), v)); got != "code" {
		t.Fatalf("the same again: %s", got)
	}
	without, with := ordersAPI(), stockAPI()
	moved := without.Scopes[0]
	without.Scopes, with.Scopes = without.Scopes[1:], append(with.Scopes, moved)
	for _, r := range []oauth.APIRegistration{without, with} {
		_, err := n.UpdateAPI(t.Context(), r, 0)
		ok(t, err)
	}
	if got := answer(n.Authorize(t.Context(), ask(c, "scope="+moved.Name), v)); got != "ask" {
		t.Errorf("%s at %s: %s", moved.Name, stock, got)
	}
	if got := answer(n.Authorize(t.Context(), ask(c, "scope=stock:read"), v)); got != "code" {
		t.Errorf("what did not move: %s", got)
	}
}

// What waits for an answer is shown as it is at that moment.
func TestAScopeThatMovedWhileAPersonWasAskedStandsUnderItsAPI(t *testing.T) {
	n, c := newShop(t)
	v := n.signIn(n.user("alice"))
	d, err := n.Authorize(t.Context(), ask(c, "scope=orders:read"), v)
	ok(t, err)
	without, with := ordersAPI(), stockAPI()
	with.Scopes = append(with.Scopes, without.Scopes[0])
	without.Scopes = without.Scopes[1:]
	for _, r := range []oauth.APIRegistration{without, with} {
		_, err := n.UpdateAPI(t.Context(), r, 0)
		ok(t, err)
	}
	asked, err := n.Asked(t.Context(), &d.Interaction.Request)
	ok(t, err)
	if len(asked) != 2 || asked[1].Identifier != stock || asked[1].Name != "Stock" {
		t.Errorf("asked %+v", asked)
	}
}

func TestTheAuditLogTellsWhereAUserAllowedWhat(t *testing.T) {
	n, c := newShop(t)
	n.authorize(c, n.signIn(n.user("alice")), "scope=orders:read")
	page, _, err := account.NewAudit(n.w.store, n.w.now).Events(t.Context(), account.ObjectEvents("client:"+c.ClientID), "", 500)
	ok(t, err)
	for _, e := range page {
		if e.Action == "consent.granted" && e.Detail["scope"] == "orders:read" && e.Detail["audience"] == orders {
			return
		}
	}
	t.Errorf("the audit log has %+v", page)
}
