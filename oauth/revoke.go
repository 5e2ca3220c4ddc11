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

// revokedToken notes that a machine's JWT was revoked, until it has expired by every clock.
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
	_, err := p.revoke(ctx, presented, revoker{clientID: caller.ClientID, reason: "revoked by the client"})
	return err
}

// RevokeToken ends the authorization that a token belongs to, whosever it is, as an admin may who holds the token. It
// reports whether there was anything to end.
func (p *Provider) RevokeToken(ctx context.Context, presented string) (ended bool, err error) {
	return p.revoke(ctx, presented, revoker{reason: "revoked by hand"})
}

// revoker is who revokes: the client that may end its own, or, where that is empty, someone who may end all.
type revoker struct{ clientID, reason string }

func (r revoker) mayEnd(clientID string) bool { return r.clientID == "" || r.clientID == clientID }

func (p *Provider) revoke(ctx context.Context, presented string, r revoker) (ended bool, err error) {
	if strings.Count(presented, ".") == 2 {
		return p.revokeJWT(ctx, presented, r)
	}
	for _, prefix := range []string{accessPrefix, refreshPrefix, personalPrefix} {
		if t, ok := p.tokens().parse(prefix, presented); ok {
			return p.revokeAuthorization(ctx, t.Authorization, r)
		}
	}
	return false, nil
}

// revokeAuthorization takes any generation of token: who holds a used one of a family may end the family.
func (p *Provider) revokeAuthorization(ctx context.Context, id string, r revoker) (ended bool, err error) {
	a, err := p.authorizations.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		// Whoever ended it may have been told that the outcome is unknown, as no replica of the store had it. A write says
		// whether they have it now.
		if _, err := p.authorizations.Take(ctx, id); err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, fmt.Errorf("end what has ended: %w", err)
		}
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read authorization: %w", err)
	}
	if !r.mayEnd(a.ClientID) {
		return false, nil
	}
	return true, p.endAuthorization(ctx, a, r.reason)
}

func (p *Provider) revokeJWT(ctx context.Context, presented string, r revoker) (ended bool, err error) {
	claims, err := p.verifyAccess(presented)
	if errors.Is(err, ErrNotActive) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !r.mayEnd(claims.ClientID) {
		return false, nil
	}
	if id, _, ofUser := strings.Cut(claims.ID, "."); ofUser {
		return p.revokeAuthorization(ctx, id, r)
	}
	if err := p.feed.tell(ctx, p.tokenEnds(claims)...); err != nil {
		return false, err
	}
	// Kept for longer than the token lives: a store whose clock is ahead must not bring the token back.
	err = p.revoked.Create(ctx, &revokedToken{ID: claims.ID, Expires: time.Unix(claims.Expires, 0).Add(KeySkew)})
	if errors.Is(err, store.ErrExists) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("note revoked token: %w", err)
	}
	return true, nil
}

// RevokeAuthorization ends an authorization by its id, as an admin or its user may. store.ErrNotFound.
func (p *Provider) RevokeAuthorization(ctx context.Context, id string) error {
	if !isAuthorizationID(id) {
		return store.ErrNotFound
	}
	a, err := p.authorizations.Get(ctx, id)
	if err != nil {
		return err
	}
	return p.endAuthorization(ctx, a, "revoked by hand")
}
