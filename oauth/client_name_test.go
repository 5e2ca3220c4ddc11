package oauth_test

import (
	"context"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// A client leaves a name, without being able to say so, and comes back to it while another takes it over.
func TestAClientThatComesBackToItsNameSharesItWithNobody(t *testing.T) {
	w := newWorld(t)
	w.node().register(named("old", "one"))
	swaps := 0
	silent := &watched{Backend: w.store, fail: func(_ int, call string) outcome {
		if call == "swap client_name" {
			swaps++
		}
		if swaps == 2 { // the first confirms the new name, the second gives the old one up
			return failsBefore
		}
		return works
	}}
	_, _ = w.over(silent, w.now).UpdateClient(t.Context(), named("old", "two"), 0)
	if left := w.node().owners("two"); len(left) != 1 {
		t.Fatal("the client did not leave its name")
	}
	done := false
	b := &watched{Backend: w.store, fail: func(_ int, call string) outcome {
		if call == "swap client_name" && !done {
			done = true
			w.node().update(named("old", "one"))
		}
		return works
	}}
	_, _, err := w.over(b, w.now).RegisterClient(t.Context(), named("new", "one"), "")
	if owners := w.node().owners("one"); !done || len(owners) != 1 {
		t.Errorf("%q have the name (%v)", owners, err)
	}
	wantErr(t, err, oauth.ErrNameTaken)
}

// overtakenNames is a store in which somebody else is always faster with the name of a client.
type overtakenNames struct {
	store.Backend
	tries int
	stop  context.CancelFunc
}

func (o *overtakenNames) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	if next.Kind.Name != "client_name" {
		return o.Backend.Swap(ctx, old, next)
	}
	if o.tries++; o.tries == 1000 {
		o.stop()
	}
	return 0, store.ErrConflict
}

func TestANameThatIsAlwaysLostIsRefused(t *testing.T) {
	w := newWorld(t)
	w.node().register(named("old", "one"))
	ok(t, w.node().DeleteClient(t.Context(), "old"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, _, err := w.over(&overtakenNames{Backend: w.store, stop: stop}, w.now).RegisterClient(ctx, named("new", "one"), "")
	wantErr(t, err, oauth.ErrNameTaken)
}

// TestASuccessorKeepsTheNameOfADeletedClient registers a client anew before the node that deleted it has given its name up.
func TestASuccessorKeepsTheNameOfADeletedClient(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n, other := w.over(b, w.now), w.node()
	n.register(webApp())
	b.fail = func(_ int, call string) outcome {
		if call == "get client_name" {
			other.register(webApp())
		}
		return works
	}
	ok(t, n.DeleteClient(t.Context(), "web"))
	b.fail = nil
	thief := webApp()
	thief.ClientID = "thief"
	_, _, err := n.RegisterClient(t.Context(), thief, "")
	wantErr(t, err, oauth.ErrNameTaken)
}
