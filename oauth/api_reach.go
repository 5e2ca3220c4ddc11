package oauth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// apiIndex is what requests ask of the APIs. It is made anew after a change only.
type apiIndex struct {
	all          []*API
	issuer       string
	byIdentifier map[string]*API
	owners       map[string]*API // of scopes
}

// registered gives the APIs as they were at most a second ago.
func (p *Provider) registered(ctx context.Context) (*apiIndex, error) {
	all, err := p.apis.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("read APIs: %w", err)
	}
	if known := p.apiIndex.Load(); known != nil && known.isOf(all) {
		return known, nil
	}
	index := newAPIIndex(all, p.issuer)
	p.apiIndex.Store(index)
	return index, nil
}

func (x *apiIndex) isOf(all []*API) bool {
	return len(x.all) == len(all) && (len(all) == 0 || &x.all[0] == &all[0])
}

// newAPIIndex gives a scope to the API that was registered first, should two have been registered with it at the same
// moment. An API that goes by the name of this server, whose issuer was another one when it was registered, has no meaning: it
// would own the tokens of the administration.
func newAPIIndex(all []*API, issuer string) *apiIndex {
	x := &apiIndex{all: all, issuer: issuer, byIdentifier: make(map[string]*API, len(all)), owners: map[string]*API{}}
	for _, a := range slices.SortedFunc(slices.Values(all), (*API).age) {
		if a.Identifier == issuer {
			continue
		}
		x.byIdentifier[a.Identifier] = a
		for _, s := range a.Scopes {
			if x.owners[s.Name] == nil {
				x.owners[s.Name] = a
			}
		}
	}
	return x
}

func (a *API) age(b *API) int {
	if n := a.Created.Compare(b.Created); n != 0 {
		return n
	}
	return strings.Compare(a.ID, b.ID)
}

// ownerOf gives the identifier of the API that a scope belongs to, "" for a scope of none.
func (x *apiIndex) ownerOf(scope string) string {
	if a := x.owners[scope]; a != nil {
		return a.Identifier
	}
	if isOwnScope(scope) {
		return x.issuer
	}
	return ""
}

// means reports whether a scope has a meaning to one of those that a token is for (RFC 9068 section 2.2.3): to its own API,
// or, where it belongs to none, to a resource of which there is no record.
func (x *apiIndex) means(scope string, audience []string) bool {
	if len(audience) == 0 {
		audience = []string{x.issuer}
	}
	if owner := x.ownerOf(scope); owner != "" {
		return slices.Contains(audience, owner)
	}
	return slices.ContainsFunc(audience, func(identifier string) bool { return x.byIdentifier[identifier] == nil })
}

// meaning gives what of a scope has a meaning to the audience.
func (x *apiIndex) meaning(scope Scope, audience []string) Scope {
	if !slices.ContainsFunc(scope, func(token string) bool { return !x.means(token, audience) }) {
		return scope
	}
	return slices.DeleteFunc(slices.Clone(scope), func(token string) bool { return !x.means(token, audience) })
}

// named gives what of the scopes that a request names has a meaning to its audience. One that belongs to another API is
// refused: the request contradicts itself. One of no API is left out.
func (x *apiIndex) named(scope Scope, audience []string) (Scope, error) {
	means := x.meaning(scope, audience)
	for _, token := range scope {
		if owner := x.ownerOf(token); owner != "" && !slices.Contains(means, token) {
			return nil, refuse(InvalidScope, "scope names what belongs to another resource than the request is for").
				By("a scope belongs to an API that the request is for", "RFC 9068 section 3").
				Saying(token + " belongs to " + owner + "; the request is for " + cmp.Or(strings.Join(audience, " "), "this server"))
		}
	}
	if len(means) == 0 && len(scope) > 0 {
		return nil, refuse(InvalidScope, "scope names nothing that has a meaning to the resource").
			By("a scope means something to what the request is for", "RFC 9068 section 3").
			But(func() string {
				return sentList(scope) + " belongs to no API; the request is for " + strings.Join(audience, " ")
			})
	}
	return means, nil
}

// audience gives what a request is for: the resources that it names (RFC 8707); those that its scopes belong to (RFC 9068
// section 3); byDefault; or all that is allowed.
func (x *apiIndex) audience(allowed, resources []string, named Scope, byDefault string) ([]string, error) {
	audience, err := narrowAudience(allowed, resources)
	if err != nil || namesResource(resources) {
		return audience, err
	}
	owners := x.ownersOf(named, allowed)
	switch {
	case len(owners) > 0:
		return owners, nil
	case slices.Contains(allowed, byDefault):
		return []string{byDefault}, nil
	}
	return audience, nil
}

// ownersOf gives those of the allowed that scopes belong to, and beside them, where one of the scopes belongs to no API, the
// resources without a record, to which it may mean something. It gives nothing where no scope belongs to any.
func (x *apiIndex) ownersOf(scope Scope, allowed []string) []string {
	owned, stray := map[string]bool{}, false
	for _, token := range scope {
		if owner := x.ownerOf(token); owner == "" {
			stray = true
		} else if slices.Contains(allowed, owner) {
			owned[owner] = true
		}
	}
	if len(owned) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(allowed), func(identifier string) bool {
		hasNoRecord := x.byIdentifier[identifier] == nil && identifier != x.issuer
		return !owned[identifier] && !(stray && hasNoRecord)
	})
}

func namesResource(resources []string) bool {
	return slices.ContainsFunc(resources, func(s string) bool { return s != "" })
}

// ask decides scope and audience of a request that begins an authorization.
func (p *Provider) ask(ctx context.Context, c *Client, requested string, resources []string,
	granted func(string) (Scope, error),
) (Scope, []string, *apiIndex, error) {
	scope, err := granted(requested)
	if err != nil {
		return nil, nil, nil, err
	}
	x, err := p.registered(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	var named Scope
	if strings.TrimSpace(requested) != "" {
		named = scope
	}
	audience, err := x.audience(c.Audience, resources, named, c.DefaultAudience)
	if err != nil {
		return nil, nil, nil, err
	}
	if named == nil {
		return x.meaning(scope, audience), audience, x, nil
	}
	scope, err = x.named(named, audience)
	return scope, audience, x, err
}

// accessForm is what the access token of a request looks like, and how long it lives.
type accessForm struct {
	format    AccessTokenFormat
	algorithm jose.Algorithm // "" for an opaque token
	lifetime  time.Duration
}

// form decides as the APIs say that the token is for, and as the client says where they do not.
func (p *Provider) form(c *Client, x *apiIndex, audience []string) (accessForm, error) {
	var format AccessTokenFormat
	var alg jose.Algorithm
	lifetime := time.Duration(c.AccessTokenLifetime)
	sameFormat, sameAlg := true, true
	for _, identifier := range audience {
		a := x.byIdentifier[identifier]
		if a == nil {
			continue
		}
		sameFormat = agree(&format, a.AccessTokenFormat) && sameFormat
		sameAlg = agree(&alg, a.AccessTokenSigningAlg) && sameAlg
		if d := time.Duration(a.AccessTokenLifetime); d != 0 && (lifetime == 0 || d < lifetime) {
			lifetime = d
		}
	}
	_ = agree(&format, c.AccessTokenFormat) // counts where no API says
	if !sameFormat || format == JWT && !sameAlg {
		what := "access_token_format"
		if sameFormat {
			what = "access_token_signing_alg"
		}
		return accessForm{}, refuse(InvalidTarget, "the resources take tokens of different forms: name one of them").
			By("one token has one form", "docs/decisions/0008-apis.md").
			Saying(what + " is not the same at all of " + strings.Join(audience, " "))
	}
	f := accessForm{format: format, lifetime: lifetime}
	if f.lifetime == 0 {
		f.lifetime = p.lifetimes.AccessToken
	}
	if format == JWT {
		_ = agree(&alg, c.AccessTokenSigningAlg)
		_ = agree(&alg, p.algorithm)
		f.algorithm = alg
	}
	return f, nil
}

// longestLifetime is the longest that an access token of a client may live.
func (p *Provider) longestLifetime(ctx context.Context, c *Client) (time.Duration, error) {
	x, err := p.registered(ctx)
	if err != nil {
		return 0, err
	}
	longest, _ := p.form(c, x, nil) // one audience never disagrees with itself
	for _, identifier := range c.Audience {
		f, _ := p.form(c, x, []string{identifier})
		longest.lifetime = max(longest.lifetime, f.lifetime)
	}
	return longest.lifetime, nil
}

// agree sets what is not set yet, and reports whether it is not set to something else.
func agree[T ~string](is *T, wanted T) bool {
	if *is == "" {
		*is = wanted
	}
	return wanted == "" || *is == wanted
}
