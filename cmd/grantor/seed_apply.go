package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// seeded is what came of a seed.
type seeded struct {
	changed int
	secrets map[string]string // client_id -> a secret that was made now and is shown this once
}

// apply brings everything to the declared state. It goes on after a fault of one, to name those of all; a failure
// of the store ends it.
func (s *seed) apply(ctx context.Context, a *app, result *seeded) error {
	ctx = account.WithActor(ctx, account.Actor{Kind: account.ActorSystem, Name: "seed"})
	f := &seedFaults{}
	for _, step := range []func(context.Context, *app, *seeded, *seedFaults) error{s.applyGroups, s.applyUsers, s.applyAPIs, s.applyClients, s.nameClients} {
		if err := step(ctx, a, result, f); err != nil {
			return err
		}
	}
	if err := f.err(); err != nil {
		return fmt.Errorf("the seed could not be applied: %w", err)
	}
	return nil
}

// applyGroups makes all groups before any is put into another.
func (s *seed) applyGroups(ctx context.Context, a *app, result *seeded, f *seedFaults) error {
	faulty := map[string]bool{}
	ensure := func(g seedGroup, n account.NewGroup, err error) error {
		changed := false
		if err == nil {
			_, changed, err = a.directory.EnsureGroup(ctx, n)
		}
		if unexpected(err) {
			return fmt.Errorf("seed group %s: %w", g.Name, err)
		}
		faulty[g.Name] = err != nil
		f.add("group "+g.Name, err)
		result.count(changed)
		return nil
	}
	for _, g := range s.Groups {
		if err := ensure(g, account.NewGroup{Name: g.Name, Description: textOf(g.Description), Permissions: g.Permissions}, nil); err != nil {
			return err
		}
	}
	for _, g := range s.Groups {
		if faulty[g.Name] || g.MemberOf == nil {
			continue
		}
		ids, err := a.groupIDs(ctx, "member_of", g.MemberOf)
		if err := ensure(g, account.NewGroup{Name: g.Name, MemberOf: ids}, err); err != nil {
			return err
		}
	}
	return nil
}

// groupIDs gives the ids of groups, nil for nil. *account.FieldErrors for those that are not there.
func (a *app) groupIDs(ctx context.Context, field string, names []string) ([]string, error) {
	if names == nil {
		return nil, nil
	}
	ids, absent := []string{}, &account.FieldErrors{}
	for _, name := range names {
		g, err := a.directory.GroupByName(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			absent.Fields = append(absent.Fields, account.FieldError{Field: field, Message: "There is no group " + name + "."})
			continue
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, g.ID)
	}
	if len(absent.Fields) > 0 {
		return nil, absent
	}
	return ids, nil
}

func (s *seed) applyUsers(ctx context.Context, a *app, result *seeded, f *seedFaults) error {
	for _, u := range s.Users {
		changed := false
		ids, err := a.groupIDs(ctx, "groups", u.Groups)
		if err == nil {
			_, changed, err = a.directory.EnsureUser(ctx, account.NewUser{
				Username: u.Username, Password: u.Password, Name: textOf(u.Name), Email: textOf(u.Email),
				SuperAdmin: u.SuperAdmin != nil && *u.SuperAdmin, Groups: ids, Permissions: u.Permissions,
			})
		}
		if unexpected(err) {
			return fmt.Errorf("seed user %s: %w", u.Username, err)
		}
		f.add("user "+u.Username, err)
		result.count(changed)
	}
	return nil
}

func (s *seed) applyClients(ctx context.Context, a *app, result *seeded, f *seedFaults) error {
	for _, c := range s.Clients {
		shown, changed, err := a.provider.EnsureClient(ctx, c.Registration, c.ClientSecret)
		if shown != "" { // it is kept already, even where what follows failed
			result.secrets[c.ClientID] = shown
		}
		if err == nil && c.Disabled != nil {
			err = a.ensureState(ctx, c.ClientID, *c.Disabled)
		}
		if unexpected(err) {
			return fmt.Errorf("seed client %s: %w", c.ClientID, err)
		}
		f.add("client "+c.ClientID, err)
		result.count(changed)
	}
	return nil
}

func (a *app) ensureState(ctx context.Context, id string, disabled bool) error {
	c, err := a.provider.Client(ctx, id)
	if err != nil || c.Disabled == disabled {
		return err
	}
	return a.provider.SetClientState(ctx, id, stateOf(disabled))
}

func stateOf(disabled bool) oauth.ClientState {
	if disabled {
		return oauth.Disabled
	}
	return oauth.Enabled
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// unexpected reports whether an error is none of those that the file itself causes.
func unexpected(err error) bool {
	var ofClient *oauth.RegistrationError
	var ofUser *account.FieldErrors
	return err != nil && !errors.As(err, &ofClient) && !errors.As(err, &ofUser) && !errors.Is(err, oauth.ErrNameTaken)
}

func newSeeded() *seeded { return &seeded{secrets: map[string]string{}} }

func (r *seeded) count(changed bool) {
	if changed {
		r.changed++
	}
}
