package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/grantor-dev/grantor/store"
)

var clientNameKind = store.Kind{Name: "client_name"}

// foldName makes one of what people take for the same name.
func foldName(name string) string {
	visible := strings.Map(func(r rune) rune {
		if isJoiner(r) {
			return -1
		}
		return r
	}, name)
	return strings.ToLower(strings.TrimSpace(visible))
}

// claimName reserves a name for a client before the client has it. ErrNameTaken.
func (p *Provider) claimName(ctx context.Context, name, clientID string) error {
	if name == "" {
		return nil
	}
	folded := foldName(name)
	return asNameTaken("claim name of client", p.clientNames.Reserve(ctx, folded, clientID, p.clientGoesBy(ctx, folded)))
}

func (p *Provider) clientGoesBy(ctx context.Context, folded string) func(id string) (bool, error) {
	return func(id string) (bool, error) {
		owner, err := p.clients.Collection.Get(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return err == nil && foldName(owner.ClientName) == folded, err
	}
}

// confirmName makes a claim last, once its client has the name. ErrNameTaken where another client took it over.
func (p *Provider) confirmName(ctx context.Context, name, clientID string) error {
	if name == "" {
		return nil
	}
	return asNameTaken("confirm name of client", p.clientNames.Confirm(ctx, foldName(name), clientID))
}

// releaseName gives a name up. It only tidies up: a name that no client has can be taken over.
func (p *Provider) releaseName(ctx context.Context, name, clientID string) {
	folded := foldName(name)
	_ = p.clientNames.Release(ctx, folded, clientID, p.clientGoesBy(ctx, folded))
}

func asNameTaken(what string, err error) error {
	if errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrPending) {
		return ErrNameTaken
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
