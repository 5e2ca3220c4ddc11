package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// RFC 7009: token revocation.

var revokedKind = store.Kind{Name: "revoked", Spread: true}

// revokedToken notes that a machine's JWT was revoked, until it would have expired.
type revokedToken struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

func newRevokedTokens(b store.Backend) *store.Collection[revokedToken] {
	return &store.Collection[revokedToken]{
		Backend: b, Kind: revokedKind,
		ID:      func(r *revokedToken) string { return r.ID },
		Expires: func(r *revokedToken) time.Time { return r.Expires },
	}
}

// Revoke ends the authorization that a token belongs to, with all its tokens, if the token is the caller's. A token that
// is unknown, over, or somebody else's changes nothing and is no error (RFC 7009 section 2.2).
func (p *Provider) Revoke(ctx context.Context, caller *Client, presented string) error {
	if strings.Count(presented, ".") == 2 {
		return p.revokeJWT(ctx, caller, presented)
	}
	for _, prefix := range []string{accessPrefix, refreshPrefix} {
		if t, ok := p.tokens().parse(prefix, presented); ok {
			return p.revokeAuthorization(ctx, caller, t.Authorization)
		}
	}
	return nil
}

// revokeAuthorization takes any generation of token: who holds a used one of a family may end the family.
func (p *Provider) revokeAuthorization(ctx context.Context, caller *Client, id string) error {
	a, err := p.authorizations.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read authorization: %w", err)
	}
	if a.ClientID != caller.ClientID {
		return nil
	}
	return p.endAuthorization(ctx, a, "revoked by the client")
}

func (p *Provider) revokeJWT(ctx context.Context, caller *Client, presented string) error {
	claims, err := p.verifyAccess(presented)
	if errors.Is(err, errNotActive) {
		return nil
	}
	if err != nil {
		return err
	}
	if claims.ClientID != caller.ClientID {
		return nil
	}
	if id, _, ofUser := strings.Cut(claims.ID, "."); ofUser {
		return p.revokeAuthorization(ctx, caller, id)
	}
	err = p.revoked.Create(ctx, &revokedToken{ID: claims.ID, Expires: time.Unix(claims.Expires, 0)})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("note revoked token: %w", err)
	}
	return nil
}

// RevokeAuthorization ends an authorization by its id, as an admin or its user may. store.ErrNotFound.
func (p *Provider) RevokeAuthorization(ctx context.Context, id string) error {
	a, err := p.authorizations.Get(ctx, id)
	if err != nil {
		return err
	}
	return p.endAuthorization(ctx, a, "revoked by hand")
}
