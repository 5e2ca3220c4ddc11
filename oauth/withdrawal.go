package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/store"
)

var withdrawalKind = store.Kind{Name: "withdrawal"}

// withdrawal notes for a while that a user took back what a client was allowed. A request that read the consent a moment
// before may create its authorization a moment after all others were ended: what was allowed until At has ended as well.
// Every node holds the few there are, so that no request asks the store for them.
type withdrawal struct {
	ID       string    `json:"id"` // that of the consent
	UserID   string    `json:"user_id"`
	ClientID string    `json:"client_id"`
	At       time.Time `json:"at"`
	Expires  time.Time `json:"expires"`
}

// withdrawalKept is longer than any request, or its login and consent pages, may take.
const withdrawalKept = time.Hour

func newWithdrawals(b store.Backend) *store.Cache[withdrawal] {
	return store.NewCache(&store.Collection[withdrawal]{
		Backend: b, Kind: withdrawalKind,
		ID:      func(w *withdrawal) string { return w.ID },
		Expires: func(w *withdrawal) time.Time { return w.Expires },
	})
}

// noteWithdrawal ends what was allowed until now. kept is the consent that is withdrawn, nil where there is none.
func (p *Provider) noteWithdrawal(ctx context.Context, userID, clientID string, kept *Consent) error {
	now := p.now()
	next := &withdrawal{
		ID: consentID(userID, clientID), UserID: userID, ClientID: clientID,
		At: now.Add(endSettles), Expires: now.Add(p.lifetimes.Interaction + withdrawalKept),
	}
	if kept != nil {
		next.At = later(next.At, kept.Updated)
	}
	for range redeemAttempts {
		err := p.tryNoteWithdrawal(ctx, next)
		if !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return store.ErrConflict
}

func (p *Provider) tryNoteWithdrawal(ctx context.Context, next *withdrawal) error {
	old, err := p.withdrawals.Load(ctx, next.ID)
	if errors.Is(err, store.ErrNotFound) {
		return p.withdrawals.Create(ctx, next)
	}
	if err != nil {
		return err
	}
	next.At = later(next.At, old.Value.At)
	_, err = p.withdrawals.Swap(ctx, old, next)
	return err
}

// withdrawn gives the time until which all that the user allowed the client has ended; the zero time where nothing has.
func (p *Provider) withdrawn(ctx context.Context, userID, clientID string) (time.Time, error) {
	all, err := p.withdrawals.Snapshot(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read withdrawals: %w", err)
	}
	if len(all) == 0 {
		return time.Time{}, nil
	}
	at, found := slices.BinarySearchFunc(all, consentID(userID, clientID), func(w *withdrawal, id string) int {
		return strings.Compare(w.ID, id)
	})
	if !found {
		return time.Time{}, nil
	}
	return all[at].At, nil
}

// unlessWithdrawn gives the time of a consent, the zero time where the user has taken it back since.
func (p *Provider) unlessWithdrawn(ctx context.Context, userID, clientID string, allowed time.Time) (time.Time, error) {
	last, err := p.withdrawn(ctx, userID, clientID)
	if err != nil || !allowed.After(last) {
		return time.Time{}, err
	}
	return allowed, nil
}

// allowing gives the time of a consent that is given now: after the last that was withdrawn, by whatever clock.
func (p *Provider) allowing(ctx context.Context, userID, clientID string) (time.Time, error) {
	last, err := p.withdrawn(ctx, userID, clientID)
	return later(p.now(), last.Add(time.Millisecond)), err
}

// sweepEvery is how often a node looks for what outlived a withdrawal. Notes are in memory, and there is work once for each: it
// is soon, as APIs hear only then of what came about meanwhile.
const sweepEvery = time.Second

// sweepWithdrawn ends what other requests brought about by a consent while it was withdrawn, until ctx ends.
func (p *Provider) sweepWithdrawn(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	swept := map[string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_ = p.sweep(ctx, swept) // tried again at the next tick
	}
}

// sweep deletes the authorizations that only the note of a withdrawal keeps from being used: they must not outlive it. A
// node that had not heard of it may have created one, and redeemed its code, after all others were ended. swept says up to
// when that was done for each note.
func (p *Provider) sweep(ctx context.Context, swept map[string]time.Time) error {
	all, err := p.withdrawals.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("read withdrawals: %w", err)
	}
	for _, w := range all {
		if !swept[w.ID].Before(w.At) || p.now().Before(w.At.Add(endSettles)) {
			continue
		}
		err := p.endThose(ctx, userTag(w.UserID), "withdrawn by its user", func(a *Authorization) (bool, error) {
			return a.allowedTo(w.UserID, w.ClientID) && !a.Allowed.IsZero() && !a.Allowed.After(w.At), nil
		})
		if err != nil {
			return fmt.Errorf("end what was withdrawn: %w", err)
		}
		swept[w.ID] = w.At
	}
	if len(swept) > 2*len(all) { // most notes have ended
		clear(swept)
	}
	return nil
}
