package oauth

import (
	"context"
	"slices"
)

// AskedAPI is what a request asks for at one API, in words. Name and Identifier are empty for what belongs to none.
type AskedAPI struct {
	Name       string
	Identifier string
	Scopes     []AskedScope
}

// AskedScope is a scope with what it allows, "" where only its name is known.
type AskedScope struct{ Name, Sentence string }

// ownAPIName is what people are shown of the built-in API, the administration.
const ownAPIName = "Administration of this server"

// Asked says in words what a request asks for: first what belongs to no API, then each API in the order of the request, those
// without a scope among them.
func (p *Provider) Asked(ctx context.Context, r *AuthorizationRequest) ([]AskedAPI, error) {
	x, err := p.registered(ctx)
	if err != nil {
		return nil, err
	}
	asked := []AskedAPI{{}}
	for _, identifier := range r.Audience {
		if a := x.byIdentifier[identifier]; a != nil {
			asked = append(asked, AskedAPI{Name: a.Title(), Identifier: identifier})
		} else if identifier == p.issuer {
			asked = append(asked, AskedAPI{Name: ownAPIName, Identifier: identifier})
		}
	}
	for _, token := range r.Scope {
		owner := x.ownerOf(token)
		at := slices.IndexFunc(asked, func(a AskedAPI) bool { return a.Identifier == owner })
		if at < 0 { // a scope of this server, in a request that is for nobody in particular, or one that moved since the request came
			name := ownAPIName
			if a := x.byIdentifier[owner]; a != nil {
				name = a.Title()
			}
			asked, at = append(asked, AskedAPI{Name: name, Identifier: owner}), len(asked)
		}
		asked[at].Scopes = append(asked[at].Scopes, AskedScope{Name: token, Sentence: x.sentence(token)})
	}
	if len(asked[0].Scopes) == 0 {
		return asked[1:], nil
	}
	return asked, nil
}

// sentence says in words what a scope allows, "" where only its name is known. What its API says comes first.
func (x *apiIndex) sentence(token string) string {
	if a := x.owners[token]; a != nil {
		for _, s := range a.Scopes {
			if s.Name == token && s.Description != "" {
				return s.Description
			}
		}
	}
	return ScopeSentence(token)
}
