package oauth

import (
	"context"
	"slices"
)

// ServedBy gives the identifiers of the APIs that a client is the resource server of: those whose records name it, and,
// where it is registered as a resource server, those of its audience whose records name nobody.
func (p *Provider) ServedBy(ctx context.Context, c *Client) ([]string, error) {
	x, err := p.registered(ctx)
	if err != nil {
		return nil, err
	}
	var served []string
	for _, a := range x.all {
		if a.ClientID == c.ClientID && x.byIdentifier[a.Identifier] == a {
			served = append(served, a.Identifier)
		}
	}
	if !c.ResourceServer {
		return served, nil
	}
	for _, identifier := range c.Audience {
		if a := x.byIdentifier[identifier]; a == nil || a.ClientID == "" {
			served = append(served, identifier)
		}
	}
	return served, nil
}

// Serves reports whether a client is the resource server of one of those that a token is for.
func (p *Provider) Serves(ctx context.Context, c *Client, audience []string) (bool, error) {
	x, err := p.registered(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(audience, func(identifier string) bool {
		if a := x.byIdentifier[identifier]; a != nil && a.ClientID != "" {
			return a.ClientID == c.ClientID
		}
		return c.ResourceServer && slices.Contains(c.Audience, identifier)
	}), nil
}
