package oauth_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func TestWithdrawnKeysAreGoneAndReplaced(t *testing.T) {
	for _, state := range []oauth.KeyState{oauth.KeyCurrent, oauth.KeyNext, oauth.KeyRetired} {
		t.Run(string(state), func(t *testing.T) {
			b, clock := newRingStore(t), new(ringClock)
			c := oauth.KeyringConfig{Backend: b, Now: clock.now}
			k, other := loadRing(t, c), loadRing(t, c)
			runRing(t, other)
			byRetired := ringSign(t, k, "")
			ok(t, k.Rotate(t.Context(), ""))
			clock.move(oauth.KeyPublishTime)
			byCurrent := ringSign(t, k, "")
			current, next, retired := idIn(k, jose.ES256, oauth.KeyCurrent), idIn(k, jose.ES256, oauth.KeyNext), idIn(k, jose.ES256, oauth.KeyRetired)
			leaked := map[oauth.KeyState]string{oauth.KeyCurrent: current, oauth.KeyNext: next, oauth.KeyRetired: retired}[state]
			told, err := k.Withdraw(t.Context(), leaked)
			if err != nil || told.ID != leaked || told.State != state || told.Algorithm != jose.ES256 {
				t.Fatalf("%+v, %v", told, err)
			}
			signs := current
			if state == oauth.KeyCurrent {
				signs = next
			}
			if got := idIn(k, jose.ES256, oauth.KeyCurrent); got != signs {
				t.Errorf("%s signs, not %s", got, signs)
			}
			if got := idIn(k, jose.ES256, oauth.KeyNext); got == "" || (got == next) != (state == oauth.KeyRetired) {
				t.Errorf("the next key is %q, and was %q", got, next)
			}
			eventually(t, "the key is gone on the other node", func() bool { _, there := keyState(other, leaked); return !there })
			again := loadRing(t, c)
			for _, node := range []*oauth.Keyring{k, other, again} {
				for token, by := range map[string]string{byRetired: retired, byCurrent: current, ringSign(t, k, ""): signs} {
					if good := by != leaked; ringAccepts(node, token) != good || (published(t, node, token) == nil) != good {
						t.Errorf("what %s signed is good: %v, want %v", by, !good, good)
					}
				}
			}
			if _, err := k.Withdraw(t.Context(), leaked); !errors.Is(err, oauth.ErrNoSuchKey) {
				t.Errorf("withdrawn twice: %v", err)
			}
		})
	}
}

// The next key signs by a rotation only when it is known, whichever keys a withdrawal has left beside it.
func TestRotationAfterAWithdrawalWaitsUntilTheNextKeyIsKnown(t *testing.T) {
	for name, c := range map[string]struct {
		rotate bool
		state  oauth.KeyState
	}{
		"the first next key": {state: oauth.KeyNext},
		"the first key":      {state: oauth.KeyCurrent},
		"a next key":         {rotate: true, state: oauth.KeyNext},
		"a current key":      {rotate: true, state: oauth.KeyCurrent},
		"the only old key":   {rotate: true, state: oauth.KeyRetired},
	} {
		t.Run(name, func(t *testing.T) {
			clock := new(ringClock)
			k := loadRing(t, oauth.KeyringConfig{Backend: newRingStore(t), Now: clock.now})
			if c.rotate {
				ok(t, k.Rotate(t.Context(), ""))
			}
			_, err := k.Withdraw(t.Context(), idIn(k, jose.ES256, c.state))
			ok(t, err)
			clock.move(oauth.KeyPublishTime - 1)
			var early *oauth.TooSoonError
			if err := k.Rotate(t.Context(), ""); !errors.As(err, &early) || early.RetryAfter != 1 {
				t.Fatalf("a moment before it is known: %v", err)
			}
			clock.move(1)
			ok(t, k.Rotate(t.Context(), ""))
			if err := k.Rotate(t.Context(), ""); !errors.As(err, &early) {
				t.Errorf("the one after that need not wait: %v", err)
			}
		})
	}
}

func TestAllKeysOfAnAlgorithmAreWithdrawnAtOnce(t *testing.T) {
	b, clock := newRingStore(t), new(ringClock)
	c := oauth.KeyringConfig{Backend: b, Now: clock.now}
	k := loadRing(t, c)
	ok(t, k.Ensure(t.Context(), jose.EdDSA))
	retired := ringSign(t, k, "")
	ok(t, k.RotateNow(t.Context(), jose.ES256))
	current, other := ringSign(t, k, ""), ringSign(t, k, jose.EdDSA)
	before := k.Status()
	gone, err := k.WithdrawAll(t.Context(), jose.ES256)
	if err != nil || len(gone) != 3 {
		t.Fatalf("%+v, %v", gone, err)
	}
	for _, s := range before {
		if _, there := keyState(k, s.ID); there != (s.Algorithm == jose.EdDSA) {
			t.Errorf("%s is there: %v", s.ID, there)
		}
	}
	if ringAccepts(k, retired) || ringAccepts(k, current) || !ringAccepts(k, other) || !ringAccepts(k, ringSign(t, k, "")) {
		t.Error("the wrong tokens live on")
	}
	ok(t, k.Rotate(t.Context(), jose.ES256)) // the two came together
	if _, err := k.WithdrawAll(t.Context(), jose.RS256); !errors.Is(err, oauth.ErrNoSuchKey) {
		t.Errorf("RS256: %v", err)
	}
	if _, err := k.Withdraw(t.Context(), "secret"); !errors.Is(err, oauth.ErrNoSuchKey) {
		t.Errorf("the shared secret as a key: %v", err)
	}
}

func TestWithdrawalNeedsLoadedKeysAndAStore(t *testing.T) {
	b := newRingStore(t)
	if _, err := openRing(t, oauth.KeyringConfig{Backend: b}).Withdraw(t.Context(), "x"); !errors.Is(err, oauth.ErrKeysNotLoaded) {
		t.Error(err)
	}
	k := loadRing(t, oauth.KeyringConfig{Backend: b})
	b.down.Store(true)
	if _, err := k.Withdraw(t.Context(), idIn(k, jose.ES256, oauth.KeyCurrent)); !store.IsUnavailable(err) {
		t.Error(err)
	}
	if _, err := k.WithdrawAll(t.Context(), jose.ES256); !store.IsUnavailable(err) {
		t.Error(err)
	}
}

// While others rotate at the same moment, a withdrawn key does not come back, and each is withdrawn once.
func TestWithdrawnKeysDoNotComeBackByRotations(t *testing.T) {
	for range 20 {
		b, clock := newRingStore(t), new(ringClock)
		nodes := make([]*oauth.Keyring, 8)
		for i := range nodes {
			nodes[i] = loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now})
		}
		leaked := []string{idIn(nodes[0], jose.ES256, oauth.KeyCurrent), idIn(nodes[0], jose.ES256, oauth.KeyNext)}
		var won [2]int
		var mu sync.Mutex
		var group sync.WaitGroup
		for i, k := range nodes {
			group.Go(func() {
				if i >= 4 {
					if err := k.RotateNow(context.Background(), ""); err != nil {
						t.Error(err)
					}
					return
				}
				_, err := k.Withdraw(context.Background(), leaked[i%2])
				if err == nil {
					mu.Lock()
					won[i%2]++
					mu.Unlock()
				} else if !errors.Is(err, oauth.ErrNoSuchKey) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if won != [2]int{1, 1} {
			t.Fatalf("withdrawn %v times", won)
		}
		last := loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now})
		if slices.ContainsFunc(last.Status(), func(s oauth.KeyStatus) bool { return slices.Contains(leaked, s.ID) }) {
			t.Fatalf("a withdrawn key is back: %+v", last.Status())
		}
		if idIn(last, jose.ES256, oauth.KeyCurrent) == "" || idIn(last, jose.ES256, oauth.KeyNext) == "" {
			t.Fatalf("%+v", last.Status())
		}
	}
}

// A rotation that is overtaken by something else than a rotation happens all the same.
func TestRotationHappensBesideAWithdrawal(t *testing.T) {
	b := newRingStore(t)
	k := loadRing(t, oauth.KeyringConfig{Backend: b})
	ok(t, k.Rotate(t.Context(), ""))
	next, retired := idIn(k, jose.ES256, oauth.KeyNext), idIn(k, jose.ES256, oauth.KeyRetired)
	late := &beforeSwap{Backend: b, act: func() {
		if _, err := k.Withdraw(context.Background(), retired); err != nil {
			t.Error(err)
		}
	}}
	slow := loadRing(t, oauth.KeyringConfig{Backend: late})
	ok(t, slow.RotateNow(t.Context(), ""))
	if got := idIn(slow, jose.ES256, oauth.KeyCurrent); got != next {
		t.Errorf("%s signs, not %s", got, next)
	}
	if _, there := keyState(slow, retired); there {
		t.Error("a withdrawn key is back")
	}
}

// beforeSwap is a store in which something happens just before the first Swap.
type beforeSwap struct {
	store.Backend
	once sync.Once
	act  func()
}

func (s *beforeSwap) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	s.once.Do(s.act)
	return s.Backend.Swap(ctx, old, next)
}

// A look that began before a withdrawal must not bring back what it took away, and neither does a store that is emptied.
func TestNothingThatIsOldBringsAWithdrawnKeyBack(t *testing.T) {
	slow := &slowList{Backend: newRingStore(t), read: make(chan struct{}), release: make(chan struct{}), next: make(chan struct{})}
	k := loadRing(t, oauth.KeyringConfig{Backend: slow})
	leaked := idIn(k, jose.ES256, oauth.KeyCurrent)
	token := ringSign(t, k, "")
	other := loadRing(t, oauth.KeyringConfig{Backend: slow.Backend})
	slow.armed.Store(true)
	runRing(t, k)
	<-slow.read
	_, err := other.Withdraw(t.Context(), leaked)
	ok(t, err)
	ok(t, k.RotateNow(t.Context(), "")) // reads what the withdrawal left, in the second look
	close(slow.release)
	<-slow.next // the slow look is over
	if ringAccepts(k, token) {
		t.Error("an old look brought a withdrawn key back")
	}
	slow.next <- struct{}{}
	for _, id := range []string{"secret", "ES256"} {
		_, err := slow.Take(t.Context(), store.Kind{Name: "keyring"}, id)
		ok(t, err)
	}
	looks := slow.looks.Load()
	eventually(t, "looks at the empty store", func() bool { return slow.looks.Load() > looks+2 })
	if ringAccepts(k, token) || !k.Ready() {
		t.Error("an emptied store brought a withdrawn key back")
	}
}
