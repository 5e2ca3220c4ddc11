package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// giving is a way in which a client comes to have an API.
type giving struct {
	before *oauth.Registration // nil: there is no client yet
	after  oauth.Registration
}

func givings(clientID, identifier string) map[string]giving {
	with := oauth.Registration{ClientID: clientID, GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, Audience: []string{stock, identifier}}
	without, serving := with, with
	without.Audience = []string{stock}
	serving.GrantTypes, serving.ResourceServer = []oauth.GrantType{}, true
	return map[string]giving{"new": {nil, with}, "changed": {&without, with}, "granted": {&serving, with}}
}

func (g giving) by(n *node) error {
	if g.before == nil {
		_, _, err := n.RegisterClient(context.Background(), g.after, "")
		return err
	}
	_, err := n.UpdateClient(context.Background(), g.after, 0)
	return err
}

// TestAnAPIIsNotDeletedWhileItIsGivenToAClient: at one node an API is deleted, at another a client is given it, the one in the
// midst of the other, behind each verb that the other asks of the store.
func TestAnAPIIsNotDeletedWhileItIsGivenToAClient(t *testing.T) {
	t.Parallel()
	for name, b := range feedStores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way := range givings("", "") {
				for _, givesSlowly := range []bool{true, false} {
					for at := 0; meets(t, b, way, givesSlowly, at); at++ {
						continue
					}
				}
			}
		})
	}
}

// meets does the quick one behind one verb of the slow one, and reports whether the slow one asks for so many.
func meets(t *testing.T, b store.Backend, way string, givesSlowly bool, at int) (met bool) {
	t.Helper()
	w, newNode := worldOver(t, b)
	quick := newNode()
	name := fmt.Sprintf("%s-%t-%d", way, givesSlowly, at)
	a := quick.api(oauth.APIRegistration{Identifier: "https://" + name + ".example"})
	g := givings(name, a.Identifier)[way]
	if g.before != nil {
		quick.register(*g.before)
	}
	var given, removed error
	give := func(n *node) { given = g.by(n) }
	remove := func(n *node) { removed = n.DeleteAPI(context.Background(), a.ID) }
	asked, looked, gone, apart := 0, false, false, false
	slow := w.over(&store.Watched{Backend: b, Done: func(_ context.Context, o store.Operation) {
		looked = looked || o.Kind.Name == "api" && o.Verb == store.VerbList
		gone = gone || o.Kind.Name == "api" && o.Verb == store.VerbTake
		if asked++; asked != at+1 {
			return
		}
		if met = true; givesSlowly {
			apart = !looked // it is deleted before anybody looks for it
			remove(quick)
		} else {
			apart = gone
			give(quick)
		}
	}}, time.Now)
	if givesSlowly {
		give(slow)
	} else {
		remove(slow)
	}
	if met && !apart {
		wantOneOf(t, quick, a, name, given, removed)
	}
	return met
}

// wantOneOf: the client has the API, or the API is gone, or nothing was done.
func wantOneOf(t *testing.T, n *node, a *oauth.API, clientID string, given, removed error) {
	t.Helper()
	var refused *oauth.RegistrationError
	var inUse *oauth.APIInUseError
	if given != nil && !errors.As(given, &refused) || removed != nil && !errors.As(removed, &inUse) {
		t.Errorf("%s: %v, %v", clientID, given, removed)
	}
	_, _, err := n.LoadAPI(t.Context(), a.ID)
	if exists := err == nil; exists != (removed != nil) {
		t.Errorf("%s: deleted: %v; %v", clientID, removed, err)
	}
	c, _, err := n.LoadClient(t.Context(), clientID)
	has := err == nil && slices.Contains(c.Audience, a.Identifier) && len(c.GrantTypes) > 0
	if has != (given == nil) {
		t.Errorf("%s: given: %v; %v", clientID, given, err)
	}
	if given == nil && removed == nil {
		t.Errorf("%s: a client has an API that was deleted", clientID)
	}
}

// TestAHoldThatANodeLeftBehindEnds: a node that dies between two writes keeps nobody from an API for longer than a minute.
func TestAHoldThatANodeLeftBehindEnds(t *testing.T) {
	w := newWorld(t)
	dying := func(dead ...string) *node {
		return w.over(&watched{Backend: w.store, fail: func(_ int, call string) outcome {
			if slices.Contains(dead, call) {
				return failsBefore
			}
			return works
		}}, w.now)
	}
	n := w.node()
	a := n.api(ordersAPI())
	with := oauth.Registration{ClientID: "web", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, Audience: []string{orders}}
	without := with
	without.Audience = nil
	dying("take api_hold").register(with)
	n.update(without)
	w.move(59 * time.Second)
	var inUse *oauth.APIInUseError
	if err := n.DeleteAPI(t.Context(), a.ID); !errors.As(err, &inUse) || !slices.Equal(inUse.Clients, []string{"web"}) {
		t.Errorf("given a moment ago: %v", err)
	}
	w.move(time.Second)
	if err := dying("take api", "take api_hold").DeleteAPI(t.Context(), a.ID); !store.IsUnavailable(err) {
		t.Fatalf("deleted by a node that dies: %v", err)
	}
	w.move(59 * time.Second)
	_, err := n.UpdateClient(t.Context(), with, 0)
	wantField(t, err, "audience")
	w.move(time.Second)
	n.update(with)
	n.update(without)
	ok(t, n.DeleteAPI(t.Context(), a.ID)) // no hold is left of what went well
}
