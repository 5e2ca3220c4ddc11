package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

// badges is what has unique names in these tests: one record for each owner, with its name as text.
type badges struct {
	*store.Collection[note]
	claims *store.Claims
	clock  *atomic.Int64
}

func newBadges(b store.Backend) *badges {
	s := &badges{Collection: notes(b), clock: new(atomic.Int64)}
	s.clock.Store(time.Now().UnixNano())
	s.claims = store.NewClaims(b, store.Kind{Name: "badge_name"}, func() time.Time { return time.Unix(0, s.clock.Load()) })
	return s
}

func (s *badges) move(d time.Duration) { s.clock.Add(int64(d)) }

func (s *badges) holds(name string) func(string) (bool, error) {
	return func(owner string) (bool, error) {
		n, err := s.Get(context.Background(), owner)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return err == nil && n.Text == name, err
	}
}

func (s *badges) reserve(name, owner string) error {
	return s.claims.Reserve(context.Background(), name, owner, s.holds(name))
}

// wear gives an owner a name as all users of claims do.
func (s *badges) wear(name, owner string) error {
	if err := s.reserve(name, owner); err != nil {
		return err
	}
	if err := s.write(name, owner); err != nil {
		return err
	}
	err := s.claims.Confirm(context.Background(), name, owner)
	if errors.Is(err, store.ErrPending) {
		return errors.Join(err, s.write("", owner))
	}
	return err
}

func (s *badges) write(name, owner string) error {
	err := s.Create(context.Background(), &note{ID: owner, Author: "x", Text: name})
	if !errors.Is(err, store.ErrExists) {
		return err
	}
	_, err = s.Update(context.Background(), owner, func(n *note) error { n.Text = name; return nil })
	return err
}

// wearers counts who has a name.
func (s *badges) wearers(t *testing.T, name string) (n int) {
	t.Helper()
	if err := s.All(t.Context(), "", func(b *note) error {
		if b.Text == name {
			n++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func wants(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestANameHasOneOwner(t *testing.T) {
	s := newBadges(memory.New())
	wants(t, s.wear("ann", "1"), nil)
	wants(t, s.wear("ann", "1"), nil)
	wants(t, s.reserve("ann", "2"), store.ErrTaken)
	wants(t, s.claims.Confirm(t.Context(), "ann", "2"), store.ErrPending)
	wants(t, s.claims.Release(t.Context(), "ann", "2", s.holds("ann")), nil)
	if owner, err := s.claims.Owner(t.Context(), "ann"); owner != "1" || err != nil {
		t.Errorf("owner %q, %v", owner, err)
	}
	_, err := s.claims.Owner(t.Context(), "bob")
	wants(t, err, store.ErrNotFound)
	wants(t, s.claims.Confirm(t.Context(), "bob", "2"), store.ErrPending)
}

func TestANameThatWasGivenUpIsFreeAtOnce(t *testing.T) {
	s := newBadges(memory.New())
	wants(t, s.wear("ann", "1"), nil)
	wants(t, s.write("", "1"), nil)
	wants(t, s.claims.Release(t.Context(), "ann", "1", s.holds("ann")), nil)
	_, err := s.claims.Owner(t.Context(), "ann")
	wants(t, err, store.ErrNotFound)
	wants(t, s.wear("ann", "2"), nil)
	wants(t, s.claims.Release(t.Context(), "ann", "1", s.holds("ann")), nil)
	wants(t, s.reserve("ann", "3"), store.ErrTaken)
}

func TestANameThatItsOwnerTookBackIsNotGivenUp(t *testing.T) {
	s := newBadges(memory.New())
	wants(t, s.wear("ann", "1"), nil)
	wants(t, s.write("", "1"), nil)   // one change takes the name away
	wants(t, s.wear("ann", "1"), nil) // another gives it back, before the first gives it up
	wants(t, s.claims.Release(t.Context(), "ann", "1", s.holds("ann")), nil)
	wants(t, s.reserve("ann", "2"), store.ErrTaken)
}

// The owner died before it was written, or moved on and could not say so.
func TestAClaimWithoutItsOwnerIsTakenOver(t *testing.T) {
	s := newBadges(memory.New())
	wants(t, s.reserve("ann", "dead"), nil)
	s.move(5*time.Second - 1)
	wants(t, s.reserve("ann", "2"), store.ErrPending)
	s.move(1)
	wants(t, s.wear("ann", "2"), nil)
	wants(t, s.claims.Confirm(t.Context(), "ann", "dead"), store.ErrPending)
	wants(t, s.write("bob", "2"), nil) // without a release
	wants(t, s.wear("ann", "3"), nil)
	// A clock that is behind does not make a claim last for ever.
	wants(t, s.reserve("eve", "dead"), nil)
	s.move(-time.Hour)
	wants(t, s.wear("eve", "4"), nil)
}

// Someone looks at an owner that has moved on, and takes its name over after that owner has come back to it.
func TestWhoComesBackToANameIsNotOverlooked(t *testing.T) {
	s := newBadges(memory.New())
	wants(t, s.wear("ann", "1"), nil)
	wants(t, s.write("", "1"), nil)
	looked := false
	err := s.claims.Reserve(t.Context(), "ann", "2", func(owner string) (bool, error) {
		held, err := s.holds("ann")(owner)
		if !looked {
			looked = true
			wants(t, s.wear("ann", "1"), nil)
		}
		return held, err
	})
	wants(t, err, store.ErrTaken)
}

func TestOneOfManyGetsTheName(t *testing.T) {
	b := memory.New()
	for round := range 50 {
		s, name := newBadges(b), fmt.Sprint("name ", round)
		var group sync.WaitGroup
		var won atomic.Int64
		for i := range 8 {
			group.Go(func() {
				err := s.wear(name, fmt.Sprint(round, "-", i))
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, store.ErrTaken) && !errors.Is(err, store.ErrPending) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := s.wearers(t, name); n != 1 || won.Load() != 1 {
			t.Fatalf("%d have the name, %d were told so", n, won.Load())
		}
	}
}

func TestAClaimThatIsAlwaysOvertakenGivesUp(t *testing.T) {
	b := &contested{Backend: memory.New()}
	s := newBadges(b)
	wants(t, s.reserve("ann", "1"), nil)
	s.move(time.Minute)
	wants(t, s.reserve("ann", "2"), store.ErrPending)
	wants(t, s.claims.Confirm(t.Context(), "ann", "1"), store.ErrPending)
	wants(t, s.claims.Release(t.Context(), "ann", "1", s.holds("ann")), nil)
	if b.swaps > 200 {
		t.Errorf("%d tries", b.swaps)
	}
}

func TestAStoreThatIsAwayIsNoTakenName(t *testing.T) {
	s := newBadges(memory.New())
	wants(t, s.reserve("ann", "1"), nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{
		"reserve": s.claims.Reserve(gone, "ann", "2", s.holds("ann")),
		"confirm": s.claims.Confirm(gone, "ann", "1"),
		"release": s.claims.Release(gone, "ann", "1", s.holds("ann")),
	} {
		if !store.IsUnavailable(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
