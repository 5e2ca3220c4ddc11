package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// applyAPIs makes the APIs, whose scopes clients are given, before the clients. The client of an API may come after it, in
// nameClients.
func (s *seed) applyAPIs(ctx context.Context, a *app, result *seeded, f *seedFaults) error {
	for i := range s.APIs {
		if err := s.letScopesGo(ctx, a, &s.APIs[i]); err != nil {
			return err
		}
	}
	for _, r := range s.APIs {
		if r.ClientID != "" {
			there, err := hasAPIClient(ctx, a, r.ClientID)
			if err == nil && !there && s.declaresClient(r.ClientID) {
				r.ClientID, err = clientUntilThen(ctx, a, r.AsKept().Identifier)
			}
			if err != nil {
				return fmt.Errorf("seed API %s: %w", r.Identifier, err)
			}
		}
		if err := ensureAPI(ctx, a, result, f, r); err != nil {
			return err
		}
	}
	return nil
}

// hasAPIClient reports whether an API can introspect as a client: it is there, and has a secret.
func hasAPIClient(ctx context.Context, a *app, id string) (bool, error) {
	c, _, err := a.provider.LoadClient(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && !c.IsPublic(), err
}

// clientUntilThen gives the client that an API keeps until another one is there: the one that it has, "" where that one is of
// no use to it any more.
func clientUntilThen(ctx context.Context, a *app, identifier string) (string, error) {
	now, _, err := a.provider.LoadAPI(ctx, oauth.APIID(identifier))
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if there, err := hasAPIClient(ctx, a, now.ClientID); err != nil || !there {
		return "", err
	}
	return now.ClientID, nil
}

// letScopesGo takes scopes from an API that another one of the file gets, since a scope belongs to one.
func (s *seed) letScopesGo(ctx context.Context, a *app, next *oauth.APIRegistration) error {
	was, version, err := a.provider.LoadAPI(ctx, oauth.APIID(next.AsKept().Identifier))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("seed API %s: %w", next.Identifier, err)
	}
	r := was.APIRegistration
	if r.Scopes = s.leftScopes(&was.APIRegistration, next); len(r.Scopes) == len(was.Scopes) {
		return nil
	}
	_, err = a.provider.UpdateAPI(ctx, r, version)
	if errors.Is(err, store.ErrConflict) || !unexpected(err) {
		return nil // another node does the same, or what follows tells what is wrong
	}
	return fmt.Errorf("seed API %s: %w", next.Identifier, err)
}

func (s *seed) declaresClient(id string) bool {
	return slices.ContainsFunc(s.Clients, func(c seedClient) bool { return c.ClientID == id })
}

// nameClients gives APIs the clients that were not there yet when they were made.
func (s *seed) nameClients(ctx context.Context, a *app, result *seeded, f *seedFaults) error {
	if f.err() != nil {
		return nil // the client may be what is faulty, and so may the API
	}
	for _, r := range s.APIs {
		if r.ClientID == "" || !s.declaresClient(r.ClientID) {
			continue
		}
		if err := ensureAPI(ctx, a, result, f, r); err != nil {
			return err
		}
	}
	return nil
}

func ensureAPI(ctx context.Context, a *app, result *seeded, f *seedFaults, r oauth.APIRegistration) error {
	changed, err := a.provider.EnsureAPI(ctx, r)
	if unexpected(err) {
		return fmt.Errorf("seed API %s: %w", r.Identifier, err)
	}
	f.add("API "+r.Identifier, err)
	result.count(changed)
	return nil
}
