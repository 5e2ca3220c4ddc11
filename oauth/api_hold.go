package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// apiHold says that a client is being given APIs, or that they are being deleted. Who does either keeps a hold first and then
// looks for those of the other sort: of two that meet, at least one sees the other, on whatever nodes they are.
type apiHold struct {
	ID      string    `json:"id"`
	Client  string    `json:"client,omitempty"` // who is given the APIs; empty: they are deleted
	APIs    []string  `json:"apis"`             // identifiers
	Expires time.Time `json:"expires"`
}

// What a hold is for is done within apiHoldWork, or not at all. The hold of a node that died stays for apiHoldKept, which is
// longer by more than clocks differ.
const (
	apiHoldWork = 20 * time.Second
	apiHoldKept = time.Minute
)

var apiHoldKind = store.Kind{Name: "api_hold"}

func newAPIHolds(b store.Backend) *store.Collection[apiHold] {
	return &store.Collection[apiHold]{
		Backend: b, Kind: apiHoldKind,
		ID:      func(h *apiHold) string { return h.ID },
		Expires: func(h *apiHold) time.Time { return h.Expires },
	}
}

// heldAPIs is a hold that was kept, with those of the other sort that it met.
type heldAPIs struct {
	met     []*apiHold
	release func()
}

// holdAPIs keeps a hold until it is released. What it is for is done in the context given.
func (p *Provider) holdAPIs(ctx context.Context, clientID string, identifiers ...string) (context.Context, heldAPIs, error) {
	mine := &apiHold{ID: rand.Text(), Client: clientID, APIs: identifiers, Expires: p.now().Add(apiHoldKept)}
	work, cancel := context.WithTimeout(ctx, apiHoldWork)
	held := heldAPIs{release: func() {
		cancel()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = p.apiHolds.Take(ctx, mine.ID) // it expires anyway
	}}
	err := p.apiHolds.Create(work, mine)
	if err == nil {
		err = p.apiHolds.All(work, "", func(other *apiHold) error {
			if (other.Client == "") != (clientID == "") && slices.ContainsFunc(identifiers, other.holds) {
				held.met = append(held.met, other)
			}
			return nil
		})
	}
	if err != nil {
		held.release()
		return nil, heldAPIs{}, fmt.Errorf("hold APIs: %w", err)
	}
	return work, held, nil
}

func (h *apiHold) holds(identifier string) bool { return slices.Contains(h.APIs, identifier) }

// giveAPIs keeps the APIs that a registration gives a client, beyond what it reached before, from being deleted until release
// is called. The client is written in the context given. *RegistrationError for an API that is being deleted.
func (p *Provider) giveAPIs(ctx context.Context, before, after *Registration) (work context.Context, release func(), err error) {
	given, err := p.newlyReached(ctx, before, after)
	if err != nil || len(given) == 0 {
		return ctx, func() {}, err
	}
	work, held, err := p.holdAPIs(ctx, after.ClientID, given...)
	if err != nil {
		return nil, nil, err
	}
	if err := p.checkNotDeleted(work, given, held.met); err != nil {
		held.release()
		return nil, nil, err
	}
	return work, held.release, nil
}

func (p *Provider) checkNotDeleted(ctx context.Context, given []string, deleting []*apiHold) error {
	var faults RegistrationError
	for _, identifier := range given {
		exists, err := p.hasAPI(ctx, identifier)
		if err != nil {
			return err
		}
		if !exists || slices.ContainsFunc(deleting, func(h *apiHold) bool { return h.holds(identifier) }) {
			faults.add("audience", "must not name %s, an API that is being deleted at this moment", identifier)
		}
	}
	return faults.orNil()
}

// newlyReached gives the APIs that only the later one of two registrations reaches, also those that this node has not heard of
// yet.
func (p *Provider) newlyReached(ctx context.Context, before, after *Registration) ([]string, error) {
	x, err := p.registered(ctx)
	if err != nil {
		return nil, err
	}
	var given []string
	for _, identifier := range after.Audience {
		if !after.reaches(identifier) || before.reaches(identifier) {
			continue
		}
		exists := x.byIdentifier[identifier] != nil
		if !exists {
			if exists, err = p.hasAPI(ctx, identifier); err != nil {
				return nil, err
			}
		}
		if exists {
			given = append(given, identifier)
		}
	}
	return given, nil
}

// hasAPI tells whether the store has a record of a resource now.
func (p *Provider) hasAPI(ctx context.Context, identifier string) (bool, error) {
	_, err := p.apis.Load(ctx, APIID(identifier))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read API: %w", err)
	}
	return true, nil
}
