package pages

import (
	"context"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// clientReach is what a client may ask for, by APIs, and what it serves as an API itself.
type clientReach struct {
	apis     []templates.ClientAPI
	scope    []string // of none of these
	audience []string // of which there is no record
	serves   []string
}

// reachOf parts the scopes and the audience of a client by the APIs that they belong to.
func (s *site) reachOf(ctx context.Context, v *visit, c *oauth.Client) (reach clientReach, err error) {
	if reach.serves, err = s.Provider.ServedBy(ctx, c); err != nil {
		return reach, err
	}
	known, err := s.Provider.APIs(ctx)
	if err != nil {
		return reach, err
	}
	reach.scope, reach.audience = scopeOf(c.Scope), slices.Clone(c.Audience)
	for _, a := range append(slices.Clip(known), ownAPI(s.Provider.Issuer())) {
		if !slices.Contains(c.Audience, a.Identifier) {
			continue
		}
		line := templates.ClientAPI{Name: a.Title(), Identifier: a.Identifier, Default: c.DefaultAudience == a.Identifier}
		if a.ID != ownID && v.may(account.ViewAPIs) {
			line.Path = apiPath(a.ID)
		}
		at := scopesAt(a, reach.scope)
		for _, scope := range a.Scopes {
			if slices.Contains(at, scope.Name) {
				line.Scopes = append(line.Scopes, templates.ScopeLine{Name: scope.Name, Sentence: sentenceOf(scope)})
			}
		}
		reach.apis = append(reach.apis, line)
		reach.scope = slices.DeleteFunc(reach.scope, func(token string) bool { return slices.Contains(at, token) })
		reach.audience = slices.DeleteFunc(reach.audience, func(identifier string) bool { return identifier == a.Identifier })
	}
	return reach, nil
}
