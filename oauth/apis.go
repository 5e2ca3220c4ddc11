package oauth

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// API gives a registered API, as it was at most a second ago. It is shared and must not be changed. store.ErrNotFound.
func (p *Provider) API(ctx context.Context, id string) (*API, error) {
	if !isAPIID(id) {
		return nil, store.ErrNotFound
	}
	return p.apis.Get(ctx, id)
}

// APIByIdentifier gives the API with an identifier, as API does. store.ErrNotFound.
func (p *Provider) APIByIdentifier(ctx context.Context, identifier string) (*API, error) {
	return p.apis.Get(ctx, APIID(identifier))
}

// LoadAPI gives an API as it is in the store now, with the version that UpdateAPI compares. store.ErrNotFound.
func (p *Provider) LoadAPI(ctx context.Context, id string) (*API, uint64, error) {
	if !isAPIID(id) {
		return nil, 0, store.ErrNotFound
	}
	stored, err := p.apis.Load(ctx, id)
	if err != nil {
		return nil, 0, fmt.Errorf("read API: %w", err)
	}
	return stored.Value, stored.Version, nil
}

// RegisterAPI adds an API. *RegistrationError, ErrAPITaken.
func (p *Provider) RegisterAPI(ctx context.Context, r APIRegistration) (*API, error) {
	r = r.AsKept()
	if err := p.checkAPI(ctx, &r); err != nil {
		return nil, err
	}
	if err := p.ensureAPIKey(ctx, &r); err != nil {
		return nil, err
	}
	now, owner := p.now(), account.ActorFrom(ctx)
	owner.Address = ""
	a := &API{APIRegistration: r, ID: APIID(r.Identifier), Created: now, Updated: now, Owner: owner}
	err := p.apis.Create(ctx, a)
	if errors.Is(err, store.ErrExists) {
		return nil, ErrAPITaken
	}
	if err != nil {
		return nil, fmt.Errorf("register API: %w", err)
	}
	return a, p.audit(ctx, "api.created", apiObject(a.ID), describeFields(a.fields(), (&APIRegistration{}).fields()))
}

// ensureAPIKey makes sure that the tokens of an API can be signed before the first one is asked for.
func (p *Provider) ensureAPIKey(ctx context.Context, r *APIRegistration) error {
	return p.ensureKey(ctx, &Registration{AccessTokenFormat: JWT, AccessTokenSigningAlg: r.AccessTokenSigningAlg})
}

// UpdateAPI replaces the registration of the API with its identifier. version is what LoadAPI gave, 0 for "whatever is
// there". store.ErrNotFound, store.ErrConflict (someone else saved first), *RegistrationError.
func (p *Provider) UpdateAPI(ctx context.Context, r APIRegistration, version uint64) (*API, error) {
	r = r.AsKept()
	old, err := p.apis.Load(ctx, APIID(r.Identifier))
	if err != nil {
		return nil, err
	}
	if err := p.checkAPI(ctx, &r); err != nil {
		return nil, err
	}
	if version != 0 && version != old.Version {
		return nil, store.ErrConflict
	}
	if err := p.ensureAPIKey(ctx, &r); err != nil {
		return nil, err
	}
	next := *old.Value
	next.APIRegistration, next.Updated = r, p.now()
	if _, err := p.apis.Swap(ctx, old, &next); err != nil {
		return nil, err
	}
	return &next, p.audit(ctx, "api.updated", apiObject(next.ID), changedFields(old.Value.fields(), next.fields()))
}

// EnsureAPI brings an API to a declared state: registers it, or updates what differs. changed tells whether anything was
// written. Errors are those of RegisterAPI and UpdateAPI.
func (p *Provider) EnsureAPI(ctx context.Context, r APIRegistration) (changed bool, err error) {
	r = r.AsKept()
	for range ensureAttempts {
		changed, err = p.tryEnsureAPI(ctx, r)
		if !errors.Is(err, ErrAPITaken) && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			break
		}
		// Another node declares the same API: look again at what is there now.
	}
	return changed, err
}

func (p *Provider) tryEnsureAPI(ctx context.Context, r APIRegistration) (changed bool, err error) {
	old, version, err := p.LoadAPI(ctx, APIID(r.Identifier))
	if errors.Is(err, store.ErrNotFound) {
		_, err = p.RegisterAPI(ctx, r)
		return err == nil, err
	}
	if err != nil {
		return false, err
	}
	if reflect.DeepEqual(old.APIRegistration.AsKept(), r) {
		return false, nil
	}
	_, err = p.UpdateAPI(ctx, r, version)
	return err == nil, err
}

// DeleteAPI removes an API that no client has any more: without its record, clients that still name it could go on to ask for
// its tokens, in a form that nobody decided. store.ErrNotFound, *APIInUseError.
func (p *Provider) DeleteAPI(ctx context.Context, id string) error {
	a, _, err := p.LoadAPI(ctx, id)
	if err != nil {
		return err
	}
	ctx, held, err := p.holdAPIs(ctx, "", a.Identifier)
	if err != nil {
		return err
	}
	defer held.release()
	if err := p.checkUnused(ctx, a, held.met); err != nil {
		return err
	}
	if a, err = p.apis.Take(ctx, id); err != nil {
		return err
	}
	return p.audit(ctx, "api.deleted", apiObject(id), map[string]string{"identifier": a.Identifier, "name": a.Name})
}

// checkUnused refuses an API that clients have or are being given. *APIInUseError.
func (p *Provider) checkUnused(ctx context.Context, a *API, giving []*apiHold) error {
	var inUse APIInUseError
	for _, h := range giving {
		inUse.Clients = append(inUse.Clients, h.Client)
	}
	clients, err := p.clients.Fresh(ctx)
	if err != nil {
		return fmt.Errorf("look for clients of an API: %w", err)
	}
	for _, c := range clients {
		if c.reaches(a.Identifier) && !slices.Contains(inUse.Clients, c.ClientID) {
			inUse.Clients = append(inUse.Clients, c.ClientID)
		}
	}
	if len(inUse.Clients) > 0 {
		return &inUse
	}
	return nil
}

// describeFields names the fields that differ from none, changedFields those that were changed, "old -> new".
func describeFields(fields, none []Field) map[string]string {
	detail := map[string]string{}
	for i, f := range fields {
		if f.Value != none[i].Value {
			detail[f.Name] = f.Value
		}
	}
	return detail
}

func changedFields(from, to []Field) map[string]string {
	diff := map[string]string{}
	for i, f := range to {
		if from[i].Value != f.Value {
			diff[f.Name] = from[i].Value + " -> " + f.Value
		}
	}
	return diff
}
