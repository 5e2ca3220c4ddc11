package oauth

import (
	"context"
	"slices"

	"github.com/grantor-dev/grantor/account"
)

// RFC 6749 section 4.4: the client credentials grant.

// redeemCredentials starts an authorization in which the client acts for itself. Only a confidential client can be here
// (RFC 6749 section 4.4: MUST), as registration refuses the grant to others.
func (p *Provider) redeemCredentials(ctx context.Context, c *Client, r *TokenRequest) (*grant, error) {
	if c.IsPublic() {
		return nil, refuse(UnauthorizedClient, "a public client cannot act for itself").
			By("who acts for itself authenticates with a secret", "RFC 6749 section 4.4")
	}
	scope, audience, apis, err := p.ask(ctx, c, r.Scope, r.Resources, c.ownScope)
	if err != nil {
		return nil, err
	}
	form, err := p.form(c, apis, audience)
	if err != nil {
		return nil, err
	}
	now := p.now()
	a := &Authorization{
		ID: newAuthorizationID(), ClientID: c.ClientID, Scope: scope, Audience: audience,
		Created: c.begin(now), Expires: now.Add(form.lifetime),
	}
	return &grant{authorization: a, isNew: true, scope: scope, audience: audience, form: form}, nil
}

// ownScope decides what a client gets that acts for itself: as for any other request, and besides what its own permissions
// are called, or all of them ("admin"), where it names them.
func (c *Client) ownScope(requested string) (Scope, error) {
	scope, ok := ParseScope(requested)
	if !ok || len(c.Permissions) == 0 {
		return c.grantedScope(requested)
	}
	rest := slices.DeleteFunc(slices.Clone(scope), func(token string) bool {
		return token == AdminScope || c.Permissions.Contains(account.Permission(token))
	})
	if len(scope) > 0 && c.scope().Contains(rest) {
		return scope, nil
	}
	return c.grantedScope(requested)
}
