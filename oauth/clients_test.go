package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func named(id, name string) oauth.Registration {
	return oauth.Registration{ClientID: id, ClientName: name, GrantTypes: []oauth.GrantType{oauth.ClientCredentials}}
}

func TestClientNamesAreUnique(t *testing.T) {
	_, n := newNode(t)
	n.register(named("a", "My App"))
	for _, same := range []string{"My App", "my app", "  MY APP  "} {
		_, _, err := n.RegisterClient(t.Context(), named("b", same), "")
		wantErr(t, err, oauth.ErrNameTaken)
	}
	_, _, err := n.RegisterClient(t.Context(), named("a", "Other"), "")
	wantErr(t, err, oauth.ErrClientIDTaken)
	n.register(named("b", "Other"))
	_, err = n.UpdateClient(t.Context(), named("b", "my app"), 0)
	wantErr(t, err, oauth.ErrNameTaken)
	n.update(named("a", "MY APP")) // its own name, spelled anew
	n.register(named("c", ""))
	n.register(named("d", "")) // no name is no claim
}

func TestANameIsFreeOnceItsClientIsGoneOrRenamed(t *testing.T) {
	_, n := newNode(t)
	n.register(named("a", "one"))
	n.update(named("a", "two"))
	n.register(named("b", "one"))
	_, err := n.UpdateClient(t.Context(), named("a", "one"), 0)
	wantErr(t, err, oauth.ErrNameTaken)
	ok(t, n.DeleteClient(t.Context(), "a"))
	n.register(named("c", "two"))
	_, _, err = n.RegisterClient(t.Context(), named("d", "two"), "")
	wantErr(t, err, oauth.ErrNameTaken)
}

// owners gives the ids of the clients that have a name.
func (n *node) owners(name string) (ids []string) {
	n.w.t.Helper()
	for cursor := ""; ; {
		page, next, err := n.Clients(context.Background(), cursor, 100)
		ok(n.w.t, err)
		for _, c := range page {
			if strings.EqualFold(c.ClientName, name) {
				ids = append(ids, c.ClientID)
			}
		}
		if cursor = next; next == "" {
			return ids
		}
	}
}

func TestOneOfManyClientsGetsTheName(t *testing.T) {
	w := newWorld(t)
	nodes := []*node{w.node(), w.node()}
	for round := range 20 {
		name := fmt.Sprint("app ", round)
		_, errs := parallel(8, func(i int) (*oauth.Client, error) {
			c, _, err := nodes[i%2].RegisterClient(context.Background(), named(fmt.Sprintf("c%d-%d", round, i), name), "")
			return c, err
		})
		owners := nodes[0].owners(name)
		if successes(errs) != 1 || len(owners) != 1 {
			t.Fatalf("%d succeed, %q have the name: %v", successes(errs), owners, errs)
		}
	}
}

func TestOneOfManyClientsIsRenamedToTheName(t *testing.T) {
	w := newWorld(t)
	nodes := []*node{w.node(), w.node()}
	for i := range 8 {
		nodes[0].register(named(fmt.Sprint("c", i), fmt.Sprint("old ", i)))
	}
	_, errs := parallel(8, func(i int) (*oauth.Client, error) {
		return nodes[i%2].UpdateClient(context.Background(), named(fmt.Sprint("c", i), "new"), 0)
	})
	if owners := nodes[0].owners("new"); successes(errs) != 1 || len(owners) != 1 {
		t.Fatalf("%d succeed, %q have the name: %v", successes(errs), owners, errs)
	}
}

// TestASlowRegistrationDoesNotShareItsName lets another registration of the name run between the claim and the client.
func TestASlowRegistrationDoesNotShareItsName(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Minute} {
		w := newWorld(t)
		b := &watched{Backend: w.store}
		var inner error
		b.fail = func(_ int, call string) outcome {
			if call == "create client" {
				w.move(pause)
				_, _, inner = w.node().RegisterClient(context.Background(), named("fast", "one"), "")
			}
			return works
		}
		_, _, err := w.over(b, w.now).RegisterClient(t.Context(), named("slow", "one"), "")
		if owners := w.node().owners("one"); len(owners) != 1 || (err == nil) == (inner == nil) {
			t.Errorf("pause %v: %q have the name; slow: %v, fast: %v", pause, owners, err, inner)
		}
	}
}

// TestADeletedClientTakesNobodysName registers the name anew while its old owner is being deleted.
func TestADeletedClientTakesNobodysName(t *testing.T) {
	w := newWorld(t)
	w.node().register(named("old", "one"))
	b := &watched{Backend: w.store}
	done := false
	b.fail = func(_ int, call string) outcome {
		if strings.HasSuffix(call, "client_name") && !done {
			done = true
			w.node().register(named("new", "one"))
		}
		return works
	}
	ok(t, w.over(b, w.now).DeleteClient(t.Context(), "old"))
	w.move(time.Hour)
	if !done {
		w.node().register(named("new", "one"))
	}
	_, _, err := w.node().RegisterClient(t.Context(), named("third", "one"), "")
	wantErr(t, err, oauth.ErrNameTaken)
}

func TestACrashWhileRegisteringBlocksNothing(t *testing.T) {
	for number := range 8 {
		for _, how := range []outcome{failsBefore, failsAfter} {
			w := newWorld(t)
			w.node().register(named("other", "other"))
			b := &watched{Backend: w.store, fail: func(i int, _ string) outcome {
				if i >= number {
					if i == number {
						return how
					}
					return failsBefore
				}
				return works
			}}
			_, _, err := w.over(b, w.now).RegisterClient(t.Context(), named("a", "one"), "")
			if len(b.took()) <= number {
				ok(t, err)
				continue
			}
			if !store.IsUnavailable(err) {
				t.Fatalf("call %d, %v: %v", number, how, err)
			}
			w.move(10 * time.Second)
			_, _, err = w.node().RegisterClient(t.Context(), named("b", "one"), "")
			if err != nil && !errors.Is(err, oauth.ErrNameTaken) {
				t.Fatalf("call %d: %v", number, err)
			}
			if owners := w.node().owners("one"); len(owners) != 1 {
				t.Errorf("call %d, %v: %q have the name", number, how, owners)
			}
			_, _, err = w.node().EnsureClient(t.Context(), named("a", "another"), "")
			ok(t, err)
		}
	}
}

func TestEnsureClientIsIdempotent(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	for _, secret := range []string{"", chosen, oauth.GenerateSecret()} {
		r := webApp()
		r.ClientID, r.ClientName = fmt.Sprintf("c%d", len(secret)), fmt.Sprint("name ", len(secret))
		shown, changed, err := n.EnsureClient(t.Context(), r, secret)
		ok(t, err)
		if !changed || (shown == "") != (secret != "") {
			t.Fatalf("first time: changed %v, shown %d characters", changed, len(shown))
		}
		w.move(time.Hour)
		b.took()
		for range 3 {
			shown, changed, err = w.over(b, w.now).EnsureClient(t.Context(), r, secret)
			if err != nil || changed || shown != "" {
				t.Fatalf("again: changed %v, shown %d characters, %v", changed, len(shown), err)
			}
		}
		if calls := b.took(); strings.Count(strings.Join(calls, " "), "get ") != len(calls) {
			t.Errorf("something was written: %q", calls)
		}
	}
}

func TestEnsureClientUpdatesWhatDiffers(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	_, _, err := n.EnsureClient(t.Context(), webApp(), chosen)
	ok(t, err)
	r := webApp()
	r.Scope = "profile"
	_, changed, err := n.EnsureClient(t.Context(), r, "")
	ok(t, err)
	if c := n.client("web"); !changed || c.Registration.Scope != "profile" || len(c.Secrets) != 1 {
		t.Errorf("changed %v: %+v", changed, c)
	}
	_, changed, err = n.EnsureClient(t.Context(), r, "another secret")
	ok(t, err)
	if !changed {
		t.Error("the secret was not replaced")
	}
	_, err = n.Authenticate(t.Context(), oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: "web", Secret: chosen})
	wantCode(t, err, oauth.InvalidClient)
	_, err = n.Authenticate(t.Context(), oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: "web", Secret: "another secret"})
	ok(t, err)
	if got := n.events("client:web"); len(got) != 3 {
		t.Errorf("audit log: %q", got)
	}
	if strings.Contains(b.kept.String(), chosen) {
		t.Error("the secret stands in the store")
	}
}

func TestNodesThatEnsureOneClientTogetherAgree(t *testing.T) {
	for range 10 {
		w := newWorld(t)
		shown, errs := parallel(4, func(int) (string, error) {
			shown, _, err := w.node().EnsureClient(context.Background(), webApp(), "")
			return shown, err
		})
		if successes(errs) != 4 {
			t.Fatalf("errors: %v", errs)
		}
		secrets := slices.DeleteFunc(shown, func(s string) bool { return s == "" })
		if len(secrets) != 1 {
			t.Fatalf("%d secrets were shown", len(secrets))
		}
		_, err := w.node().Authenticate(t.Context(), oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: "web", Secret: secrets[0]})
		ok(t, err)
	}
}

// TestANodeThatIsSlowerToAClientTakesItAsItIs lets another node declare the client at each step of the first.
func TestANodeThatIsSlowerToAClientTakesItAsItIs(t *testing.T) {
	for number := range 6 {
		w := newWorld(t)
		b := &watched{Backend: w.store}
		b.fail = func(i int, _ string) outcome {
			if i == number {
				_, _, err := w.node().EnsureClient(context.Background(), webApp(), chosen)
				ok(t, err)
			}
			return works
		}
		_, _, err := w.over(b, w.now).EnsureClient(t.Context(), webApp(), chosen)
		if err != nil {
			t.Errorf("call %d: %v", number, err)
		}
		if owners := w.node().owners("Web app"); len(owners) != 1 {
			t.Errorf("call %d: %q have the name", number, owners)
		}
	}
}

func TestAnUpdateOfAnOlderVersionIsAConflict(t *testing.T) {
	_, n := newNode(t)
	n.register(webApp())
	_, err := n.UpdateClient(t.Context(), webApp(), 1<<60)
	wantErr(t, err, store.ErrConflict)
}
