package oauth

import "context"

// RFC 6749 section 4.4: the client credentials grant.

// redeemCredentials starts an authorization in which the client acts for itself. Only a confidential client can be here
// (RFC 6749 section 4.4: MUST), as registration refuses the grant to others.
func (p *Provider) redeemCredentials(_ context.Context, c *Client, r *TokenRequest) (*grant, error) {
	if c.IsPublic() {
		return nil, refuse(UnauthorizedClient, "a public client cannot act for itself")
	}
	scope, err := c.grantedScope(r.Scope)
	if err != nil {
		return nil, err
	}
	audience, err := narrowAudience(c.Audience, r.Resources)
	if err != nil {
		return nil, err
	}
	now := p.now()
	a := &Authorization{
		ID: newAuthorizationID(), ClientID: c.ClientID, Scope: scope, Audience: audience,
		Created: c.begin(now), Expires: now.Add(p.accessLifetime(c)),
	}
	return &grant{authorization: a, isNew: true, scope: scope, audience: audience}, nil
}
