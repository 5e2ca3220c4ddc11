package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func ringSealer(t *testing.T, fill byte) *jose.Sealer {
	t.Helper()
	s, err := jose.NewSealer(ringMaster(fill))
	ok(t, err)
	return s
}

// crashing is a store whose power fails after some swaps.
type crashing struct {
	store.Backend
	left atomic.Int64
}

var errCrash = errors.New("the power fails")

func (c *crashing) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	if c.left.Add(-1) < 0 {
		return 0, errCrash
	}
	return c.Backend.Swap(ctx, old, next)
}

// changedWorld is a store with keys of two algorithms in all states, and what was signed by them.
type changedWorld struct {
	store    *ringStore
	old, new *jose.Sealer
	tokens   []string
	status   string
	secret   [32]byte
}

func newChangedWorld(t *testing.T) *changedWorld {
	w := &changedWorld{store: newRingStore(t), old: ringSealer(t, 1), new: ringSealer(t, 2)}
	k := loadRing(t, oauth.KeyringConfig{Backend: w.store, Sealer: w.old})
	ok(t, k.Ensure(t.Context(), jose.EdDSA))
	for range 2 {
		w.tokens = append(w.tokens, ringSign(t, k, ""), ringSign(t, k, jose.EdDSA))
		ok(t, k.RotateNow(t.Context(), ""))
	}
	w.tokens = append(w.tokens, ringSign(t, k, ""), ringSign(t, k, jose.EdDSA))
	w.status, w.secret = fmt.Sprint(k.Status()), k.Secret("form")
	return w
}

func (w *changedWorld) load(t *testing.T, s *jose.Sealer) (*oauth.Keyring, error) {
	k := openRing(t, oauth.KeyringConfig{Backend: w.store, Sealer: s})
	return k, k.Load(t.Context())
}

func (w *changedWorld) change(b store.Backend) oauth.MasterChange {
	return oauth.MasterChange{Backend: b, Old: w.old, New: w.new}
}

// wantsChanged finds everything as it was, under the new master key alone.
func (w *changedWorld) wantsChanged(t *testing.T) {
	t.Helper()
	k, err := w.load(t, w.new)
	ok(t, err)
	for _, token := range w.tokens {
		if !ringAccepts(k, token) || published(t, k, token) != nil {
			t.Error("a token became invalid")
		}
	}
	if fmt.Sprint(k.Status()) != w.status || k.Secret("form") != w.secret {
		t.Error("keys or secret are others")
	}
	if _, err := w.load(t, w.old); !errors.Is(err, oauth.ErrWrongMaster) {
		t.Errorf("with the old key: %v", err)
	}
	w.opensNothing(t)
}

// opensNothing tries the old key on each record by itself.
func (w *changedWorld) opensNothing(t *testing.T) {
	t.Helper()
	todo, total, err := oauth.MasterChange{Backend: w.store, Old: w.new, New: w.old}.Check(t.Context())
	if err != nil || todo != 3 || total != 3 {
		t.Errorf("%d of %d records are not sealed under the old key, %v", todo, total, err)
	}
}

func TestMasterKeyIsChangedInPlace(t *testing.T) {
	w := newChangedWorld(t)
	if todo, total, err := w.change(w.store).Check(t.Context()); todo != 3 || total != 3 || err != nil {
		t.Fatalf("%d of %d, %v", todo, total, err)
	}
	if total, err := w.change(w.store).Run(t.Context()); total != 3 || err != nil {
		t.Fatal(total, err)
	}
	w.wantsChanged(t)
	before := allRecords(t, w.store)
	if todo, total, err := w.change(w.store).Check(t.Context()); todo != 0 || total != 3 || err != nil {
		t.Errorf("%d of %d, %v", todo, total, err)
	}
	_, err := w.change(w.store).Run(t.Context())
	ok(t, err)
	if allRecords(t, w.store) != before {
		t.Error("what was done is done again")
	}
}

// After each single write the power fails. No server starts on that, with whichever key, and doing it again finishes it.
func TestChangeOfTheMasterKeyIsFinishedAfterACrash(t *testing.T) {
	for writes := range int64(4) {
		w := newChangedWorld(t)
		b := &crashing{Backend: w.store}
		b.left.Store(writes)
		if _, err := w.change(b).Run(t.Context()); !errors.Is(err, errCrash) {
			t.Fatalf("after %d writes: %v", writes, err)
		}
		_, withOld := w.load(t, w.old)
		_, withNew := w.load(t, w.new)
		if writes == 0 {
			if withOld != nil || !errors.Is(withNew, oauth.ErrWrongMaster) {
				t.Errorf("before the first write: %v, %v", withOld, withNew)
			}
		} else if !errors.Is(withOld, oauth.ErrMasterChanging) || !errors.Is(withNew, oauth.ErrMasterChanging) {
			t.Errorf("after %d writes: %v, %v", writes, withOld, withNew)
		}
		_, err := w.change(w.store).Run(t.Context())
		ok(t, err)
		w.wantsChanged(t)
	}
}

func TestMasterKeyIsChangedOnlyWhereItIsKnown(t *testing.T) {
	w := newChangedWorld(t)
	before := allRecords(t, w.store)
	wrong := oauth.MasterChange{Backend: w.store, Old: ringSealer(t, 3), New: w.new}
	if _, err := wrong.Run(t.Context()); !errors.Is(err, oauth.ErrWrongMaster) {
		t.Error(err)
	}
	// A third key does not take over what another change has begun.
	if allRecords(t, w.store) != before {
		t.Error("the store was changed")
	}
	b := &crashing{Backend: w.store}
	b.left.Store(2)
	_, err := w.change(b).Run(t.Context())
	if !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	before = allRecords(t, w.store)
	if _, err := (oauth.MasterChange{Backend: w.store, Old: w.old, New: ringSealer(t, 3)}).Run(t.Context()); !errors.Is(err, oauth.ErrWrongMaster) {
		t.Error(err)
	}
	if allRecords(t, w.store) != before {
		t.Error("the store was changed")
	}
	if _, err := w.change(newRingStore(t)).Run(t.Context()); err == nil {
		t.Error("an empty store has a master key")
	}
}

// A node that was not stopped goes on with what it has, and writes nothing that the others could not open.
func TestNodeWithTheOldMasterKeyWritesNothing(t *testing.T) {
	w := newChangedWorld(t)
	clock, warnings := new(ringClock), new(ringWarnings)
	left := loadRing(t, oauth.KeyringConfig{Backend: w.store, Sealer: w.old, Warn: warnings.warn, Now: clock.now})
	current := idIn(left, jose.ES256, oauth.KeyCurrent)
	_, err := w.change(w.store).Run(t.Context())
	ok(t, err)
	before := allRecords(t, w.store)
	runRing(t, left)
	warnings.next(t, "cannot be opened; those in memory are used")
	for what, err := range map[string]error{
		"rotate": left.RotateNow(t.Context(), ""), "ensure": left.Ensure(t.Context(), jose.RS256),
		"withdraw": second(left.Withdraw(t.Context(), current)), "withdraw all": second(left.WithdrawAll(t.Context(), jose.ES256)),
	} {
		if !errors.Is(err, jose.ErrSealed) && !errors.Is(err, oauth.ErrWrongMaster) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if allRecords(t, w.store) != before {
		t.Error("the store was changed")
	}
	if !left.Ready() || !ringAccepts(left, ringSign(t, left, "")) {
		t.Error("the running node was unseated")
	}
	w.wantsChanged(t)
}

func second[T any](_ T, err error) error { return err }
