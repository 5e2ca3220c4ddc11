package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// keyedNode has a keyring of its own, as every process.
func (w *world) keyedNode(b store.Backend) (*node, *oauth.Keyring) {
	w.t.Helper()
	w.keys = loadRing(w.t, oauth.KeyringConfig{Backend: b, Now: w.now})
	return w.over(b, w.now), w.keys
}

// keysTold gives what the events `keys` tell that a reader has not taken yet.
func keysTold(t *testing.T, r *reader) (told []oauth.KeysChanged) {
	t.Helper()
	for {
		news, err := r.Next()
		ok(t, err)
		for _, e := range news.Events {
			if e.Name != oauth.KeysEvent {
				t.Errorf("told %s %s", e.Name, e.Data)
			}
			var changed oauth.KeysChanged
			ok(t, json.Unmarshal(e.Data, &changed))
			told = append(told, changed)
		}
		if !news.More {
			return told
		}
	}
}

// awaitKeys waits until a reader was told of these keys, and of no others.
func awaitKeys(t *testing.T, r *reader, ids ...string) {
	t.Helper()
	var got []string
	eventually(t, "the keys are told", func() bool {
		for _, changed := range keysTold(t, r) {
			if left := time.Unix(changed.Until, 0).Sub(r.n.w.now()); left < oauth.MaxAccessToken || left > oauth.MaxAccessToken+time.Minute {
				t.Errorf("it matters for %v", left)
			}
			got = append(got, changed.Withdrawn...)
		}
		return len(got) >= len(ids)
	})
	slices.Sort(got)
	if slices.Sort(ids); !slices.Equal(got, ids) {
		t.Errorf("told %q, want %q", got, ids)
	}
}

// TestWithdrawnKeysAreToldToEveryReaderOnEveryNode, whatever API it serves.
func TestWithdrawnKeysAreToldToEveryReaderOnEveryNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, keys := w.keyedNode(w.store)
	two, other := w.keyedNode(w.store)
	one.run()
	two.run()
	runRing(t, other)
	apis, foreign := one.guard("api", api), one.guard("foreign", "https://foreign.example.com")
	readers := []*reader{one.reads(apis, ""), one.reads(foreign, ""), two.reads(apis, ""), two.reads(foreign, "")}
	leaked := idIn(keys, jose.ES256, oauth.KeyCurrent)
	_, err := keys.Withdraw(t.Context(), leaked)
	ok(t, err)
	for _, r := range readers {
		awaitKeys(t, r, leaked)
	}
	ok(t, other.RotateNow(t.Context(), "")) // no key ends by this
	gone, err := other.WithdrawAll(t.Context(), jose.ES256)
	ok(t, err)
	if len(gone) != 3 {
		t.Fatalf("withdrawn: %+v", gone)
	}
	for _, r := range readers {
		awaitKeys(t, r, gone[0].ID, gone[1].ID, gone[2].ID)
	}
	late := two.reads(apis, "")
	awaitKeys(t, late, leaked, gone[0].ID, gone[1].ID, gone[2].ID)
	w.move(oauth.MaxAccessToken + 10*time.Minute)
	if told := keysTold(t, two.reads(foreign, "")); len(told) > 0 {
		t.Errorf("what no token can hold any more is told: %+v", told)
	}
}

// TestKeysThatComeWhileAllAreWithdrawnAreToldAsWell, and none of them twice.
func TestKeysThatComeWhileAllAreWithdrawnAreToldAsWell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, other := w.keyedNode(w.store)
	n.run()
	sees := n.reads(n.guard("api", api), "")
	_, keys := w.keyedNode(&hooked{Backend: w.store, hooks: map[string]func(){"swap keyring": func() {
		ok(t, other.RotateNow(context.Background(), ""))
	}}})
	gone, err := keys.WithdrawAll(t.Context(), jose.ES256)
	ok(t, err)
	if len(gone) != 3 {
		t.Fatalf("withdrawn: %+v", gone)
	}
	awaitKeys(t, sees, gone[0].ID, gone[1].ID, gone[2].ID)
	time.Sleep(600 * time.Millisecond) // two looks at the list
	awaitKeys(t, sees)
}

// TestAnOlderNodeTellsNobodyOfKeys: it knows no names, and would call the event `ended`, which its readers could not read.
func TestAnOlderNodeTellsNobodyOfKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, keys := w.keyedNode(w.store)
	n.run()
	sees := n.reads(n.guard("api", api), "")
	_, err := keys.Withdraw(t.Context(), idIn(keys, jose.ES256, oauth.KeyCurrent))
	ok(t, err)
	eventually(t, "it is told", func() bool { return len(keysTold(t, sees)) == 1 })
	records, _, err := w.store.List(t.Context(), store.Kind{Name: "revocation_feed"}, "", "", 100)
	ok(t, err)
	found := 0
	for _, r := range records {
		var kept struct { // as it was before events had names
			Events []struct {
				Audience []string     `json:"audience"`
				Data     *oauth.Ended `json:"data"`
			} `json:"events"`
		}
		ok(t, json.Unmarshal(r.Value, &kept))
		for _, e := range kept.Events {
			if found++; len(e.Audience) != 0 || e.Data == nil || e.Data.Type != "" {
				t.Errorf("kept as %+v", e)
			}
		}
	}
	if found != 1 {
		t.Errorf("%d events are kept", found)
	}
}

// TestNoKeyIsWithdrawnThatWasNotTold: whoever withdraws it knows that he has to do it again.
func TestNoKeyIsWithdrawnThatWasNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n, keys := w.keyedNode(b)
	n.run()
	n.reads(n.guard("api", api), "")
	b.mu.Lock()
	b.fail = func(_ int, call string) outcome {
		if call == "create revocation_feed" {
			return failsBefore
		}
		return works
	}
	b.mu.Unlock()
	leaked := idIn(keys, jose.ES256, oauth.KeyCurrent)
	for name, withdraw := range map[string]func() error{
		"one": func() error { _, err := keys.Withdraw(t.Context(), leaked); return err },
		"all": func() error { _, err := keys.WithdrawAll(t.Context(), jose.ES256); return err },
	} {
		if err := withdraw(); !store.IsUnavailable(err) {
			t.Errorf("%s: %v", name, err)
		}
		if got := idIn(keys, jose.ES256, oauth.KeyCurrent); got != leaked {
			t.Errorf("%s: %s signs now", name, got)
		}
	}
}

// TestAWithdrawalThatWasToldIsFinished: the node that told it failed before it did it; a failover loses what was done.
func TestAWithdrawalThatWasToldIsFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failing := &watched{Backend: w.store}
	failing.fail = func(_ int, call string) outcome {
		if call == "swap keyring" {
			return failsBefore
		}
		return works
	}
	_, broken := w.keyedNode(failing)
	n, keys := w.keyedNode(w.store)
	runRing(t, keys)
	n.run()
	sees := n.reads(n.guard("api", api), "")
	leaked := idIn(keys, jose.ES256, oauth.KeyCurrent)
	ring := store.Kind{Name: "keyring"}
	before, err := w.store.Get(t.Context(), ring, string(jose.ES256))
	ok(t, err)
	if _, err := broken.Withdraw(t.Context(), leaked); !store.IsUnavailable(err) {
		t.Fatalf("withdrawn: %v", err)
	}
	awaitKeys(t, sees, leaked)
	isGone := func() bool { _, there := keyState(keys, leaked); return !there }
	eventually(t, "the key is gone", isGone)
	awaitKeys(t, sees, leaked) // for as long as a token may live that was signed until now
	if got := w.audited("key.withdrawn", "key:"+leaked); got != 1 {
		t.Errorf("%d audit events", got)
	}

	w.move(time.Hour)
	time.Sleep(time.Second) // the node has looked
	now, err := w.store.Get(t.Context(), ring, string(jose.ES256))
	ok(t, err)
	_, err = w.store.Swap(t.Context(), now, before)
	ok(t, err)
	eventually(t, "the key is back", func() bool { return !isGone() })
	eventually(t, "the key is gone again", isGone)
	if _, err := keys.Withdraw(t.Context(), leaked); !errors.Is(err, oauth.ErrNoSuchKey) {
		t.Errorf("withdrawn once more: %v", err)
	}
}

// audited counts the events of the audit log.
func (w *world) audited(action, object string) (n int) {
	w.t.Helper()
	events, _, err := account.NewAudit(w.store, w.now).Events(context.Background(), "", "", 100)
	ok(w.t, err)
	for _, e := range events {
		if e.Action == action && e.Object == object {
			n++
		}
	}
	return n
}
