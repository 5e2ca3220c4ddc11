package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// Access is what the bearer of an access token may do in the administration.
type Access struct {
	Actor    account.Actor // without address
	Rights   account.Rights
	ClientID string
	UserID   string // "" where the client acts for itself
	Scope    Scope
}

// AdminAccess says what the bearer of an access token of ours may do in the administration: what its user may, or the
// client where it acts for itself, as far as the scope reaches. A token that is meant for another server than this one does
// not count: that server could use it here. ErrNotActive, with the reason.
func (p *Provider) AdminAccess(ctx context.Context, presented string) (*Access, error) {
	seen, err := p.examine(ctx, presented)
	if err != nil {
		return nil, err
	}
	if seen.Use != AccessTokenUse {
		return nil, notActive("it is a refresh token, where an access token is needed", usageSource)
	}
	if !slices.Contains(seen.Audience, p.issuer) {
		return nil, notActive("it is meant for another server: its audience does not name "+p.issuer, usageSource)
	}
	c, err := p.clientNow(ctx, seen)
	if err != nil {
		return nil, err
	}
	if len(c.Audience) > 0 && !slices.Contains(c.Audience, p.issuer) {
		return nil, notActive("its client may no longer ask for tokens for this server: its audience does not name "+p.issuer, usageSource)
	}
	access := &Access{ClientID: c.ClientID, Scope: seen.Scope}
	if seen.Subject == c.ClientID {
		access.Actor = account.Actor{Kind: account.ActorClient, ID: c.ClientID, Name: c.Name()}
		access.Rights = account.Rights{Permissions: c.Permissions}.Within(reachOf(seen.Scope))
	} else if err := p.accessOfUser(ctx, access, seen.Subject, c); err != nil {
		return nil, err
	}
	p.usage.authorizationUsed(seen.authorization)
	return access, nil
}

// clientNow reads the client of a token from the store itself, like the rights of a user: what it lost on another node
// counts at its next request here.
func (p *Provider) clientNow(ctx context.Context, seen *Introspection) (*Client, error) {
	c, _, err := p.LoadClient(ctx, seen.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notActive("its client was deleted", endSource)
	}
	if err != nil {
		return nil, err
	}
	began := tokenBegan(seen.ID)
	if seen.authorization != nil {
		began = seen.authorization.Created
	}
	if !c.active(began) {
		return nil, notActive("its client is disabled, or has ended what was issued before", endSource)
	}
	return c, nil
}

// accessOfUser keeps to what the client may ask for today, which may be less than when the token was issued.
func (p *Provider) accessOfUser(ctx context.Context, access *Access, userID string, c *Client) error {
	user, err := p.directory.User(ctx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return notActive("its user was deleted", endSource)
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	rights, err := p.directory.RightsOf(ctx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return notActive("its user was deleted", endSource)
	}
	if err != nil {
		return fmt.Errorf("find what a user may do: %w", err)
	}
	access.UserID = userID
	access.Actor = account.Actor{Kind: account.ActorUser, ID: userID, Name: user.Username}
	access.Scope = common(access.Scope, c.scope())
	access.Rights = rights.Within(reachOf(access.Scope))
	return nil
}
