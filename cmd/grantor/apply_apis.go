package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

var apiType = reflect.TypeFor[oauth.APIRegistration]()

// readAPIs reads the APIs that there are, where the file speaks of any, or of clients, which may have scopes of them.
func (p *plan) readAPIs(ctx context.Context) (err error) {
	if p.declared.kinds["apis"] || p.declared.kinds["clients"] && p.rights.Has(account.ViewAPIs) {
		p.apis, err = all[api.API](ctx, p.remote, "/apis", url.Values{"sort": {"identifier"}})
	}
	return err
}

func (p *plan) planAPIs(ctx context.Context) error {
	for i := range p.declared.APIs {
		if err := p.planAPI(ctx, &p.declared.APIs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) planAPI(ctx context.Context, declared *oauth.APIRegistration) error {
	d := declared.AsKept()
	p.checkScopesOf(&d)
	var was api.API
	seen, err := p.remote.call(ctx, http.MethodGet, atAPI(d.Identifier), nil, &was)
	isNew := isRefused(err, codeNotFound)
	if err != nil && !isNew {
		return err
	}
	c := &change{Action: create, Kind: "api", Name: d.Identifier}
	before := map[string]any{}
	if !isNew {
		c.Action = alter
		if before, err = asFields(was.APIRegistration.AsKept()); err != nil {
			return err
		}
	}
	after, err := asFields(d)
	if err != nil {
		return err
	}
	names := fieldsOf(apiType)
	for _, name := range names { // what is left out is said to be empty
		if _, ok := after[name]; !ok {
			after[name] = nil
		}
	}
	c.Fields = differences(slices.DeleteFunc(names, func(name string) bool { return name == "identifier" }), before, after)
	first := d // what is written before the clients
	later, err := p.comesLater(ctx, &d)
	if err != nil {
		return err
	}
	if later && len(c.Fields) > 0 {
		if first.ClientID, err = p.untilThen(ctx, was.ClientID); err != nil {
			return err
		}
		c.after = func(ctx context.Context) error {
			return p.apiFault(&d, p.remote.patch(ctx, atAPI(d.Identifier), map[string]any{"client_id": d.ClientID}, nil))
		}
	}
	if len(c.Fields) > 0 {
		c.before = p.letGo(&was.APIRegistration, &d, &seen)
	}
	c.write = func(ctx context.Context) error {
		when := condition{"If-Match", seen.etag} // what was compared is what is replaced
		if c.Action == create {
			when = condition{"If-None-Match", "*"}
		}
		_, err := p.remote.call(ctx, http.MethodPut, atAPI(d.Identifier), first, nil, when)
		return p.apiFault(&d, err)
	}
	p.put(c)
	return nil
}

// comesLater tells whether the client of an API is made, or made one with a secret, after the API. It notes a client that
// nobody makes.
func (p *plan) comesLater(ctx context.Context, d *oauth.APIRegistration) (bool, error) {
	if d.ClientID == "" {
		return false, nil
	}
	if !p.rights.Has(account.ViewClients) {
		return p.declared.declaresClient(d.ClientID), nil // the server will say
	}
	place := "api " + printable(d.Identifier)
	var was api.Client
	_, err := p.remote.call(ctx, http.MethodGet, at("clients", d.ClientID), nil, &was)
	switch {
	case err != nil && !isRefused(err, codeNotFound):
		return false, err
	case p.declared.declaresClient(d.ClientID):
		return err != nil || was.TokenEndpointAuthMethod == oauth.NoSecret, nil
	case err != nil, p.prunes("clients") && !was.BuiltIn && was.ClientID != p.me.ClientID:
		p.faults.add(place, errors.New("client_id: there is no client "+printable(d.ClientID)+", and the file makes none"))
	case was.TokenEndpointAuthMethod == oauth.NoSecret:
		p.faults.add(place, errors.New("client_id: client "+printable(d.ClientID)+" is public: introspection needs authentication"))
	}
	return false, nil
}

// untilThen gives the client that an API keeps until another one is there: the one that it has, "" where that one is of no
// use to it any more.
func (p *plan) untilThen(ctx context.Context, id string) (string, error) {
	if id == "" || !p.rights.Has(account.ViewClients) {
		return "", nil
	}
	var c api.Client
	err := p.remote.get(ctx, at("clients", id), &c)
	if isRefused(err, codeNotFound) || err == nil && c.TokenEndpointAuthMethod == oauth.NoSecret {
		return "", nil
	}
	return id, err
}

// declaresAPI gives what the file says of an API, nil where it says nothing.
func (p *plan) declaresAPI(identifier string) *oauth.APIRegistration {
	i := slices.IndexFunc(p.declared.APIs, func(d oauth.APIRegistration) bool { return d.AsKept().Identifier == identifier })
	if i < 0 {
		return nil
	}
	return &p.declared.APIs[i]
}

// keptOwner gives the API of which the file says nothing, which so stays as it is, and which has a scope; "" for none.
func (p *plan) keptOwner(scope string) string {
	for i := range p.apis {
		one := &p.apis[i]
		if hasScope(&one.APIRegistration, scope) && p.declaresAPI(one.Identifier) == nil && !p.prunes("apis") {
			return one.Identifier
		}
	}
	return ""
}

// checkScopesOf notes scopes that belong to another API.
func (p *plan) checkScopesOf(d *oauth.APIRegistration) {
	for _, s := range d.Scopes {
		if other := p.keptOwner(s.Name); other != "" {
			p.faults.add("api "+printable(d.Identifier), fmt.Errorf("scopes: %s belongs to the API %s, of which the file says nothing", printable(s.Name), printable(other)))
		}
	}
}

// checkReach notes scopes of APIs that a client does not have.
func (p *plan) checkReach(place string, d *seedClient) {
	scope, _ := oauth.ParseScope(d.Scope) // checked before
	for _, token := range scope {
		if owner := p.keptOwner(token); owner != "" && !slices.Contains(d.Audience, owner) {
			p.faults.add(place, errNotReached(token, printable(owner)))
		}
	}
}

func errNotReached(scope, api string) error {
	return fmt.Errorf("scope must not name %s: it belongs to the API %s, which audience does not name", scope, api)
}

func hasScope(r *oauth.APIRegistration, name string) bool {
	return slices.ContainsFunc(r.Scopes, func(s oauth.APIScope) bool { return s.Name == name })
}

// letGo takes scopes from an API that another one of the file gets, since a scope belongs to one: nil where there are none.
// next is what the API becomes, nil where it is deleted. It brings the version that was seen up to date.
func (p *plan) letGo(was, next *oauth.APIRegistration, seen *found) func(context.Context) error {
	kept := p.declared.leftScopes(was, next)
	if len(kept) == len(was.Scopes) {
		return nil
	}
	return func(ctx context.Context) error {
		now, err := p.remote.call(ctx, http.MethodPatch, atAPI(was.Identifier), map[string]any{"scopes": kept}, nil, condition{"If-Match", seen.etag})
		if err != nil {
			return p.apiFault(was, err)
		}
		*seen = now
		return nil
	}
}

// leftScopes gives those scopes of an API that no other one of the file gets. next is what the API becomes, nil for nothing.
func (s *seed) leftScopes(was, next *oauth.APIRegistration) []oauth.APIScope {
	kept := []oauth.APIScope{}
	for _, scope := range was.Scopes {
		wanted := slices.ContainsFunc(s.APIs, func(d oauth.APIRegistration) bool {
			return d.AsKept().Identifier != was.Identifier && hasScope(&d, scope.Name)
		})
		if !wanted || next != nil && hasScope(next, scope.Name) {
			kept = append(kept, scope)
		}
	}
	return kept
}

// apiFault names fields as the file does.
func (p *plan) apiFault(d *oauth.APIRegistration, err error) error {
	if isRefused(err, codeInvalid) {
		return err
	}
	return apiError(d.Identifier, err)
}

// pruneAPIs plans the end of APIs that the file does not name, after the clients have let go of them.
func (p *plan) pruneAPIs(ctx context.Context) error {
	if !p.prunes("apis") {
		return nil
	}
	for i := range p.apis {
		one := &p.apis[i]
		if p.declaresAPI(one.Identifier) != nil {
			continue
		}
		if err := p.checkUnused(ctx, one); err != nil {
			return err
		}
		c := p.remove("api", one.Identifier, atAPI(one.Identifier), apiError)
		c.before = p.letGo(&one.APIRegistration, nil, &found{etag: "*"})
	}
	return nil
}

// checkUnused notes clients that will still have an API.
func (p *plan) checkUnused(ctx context.Context, one *api.API) error {
	if !p.rights.Has(account.ViewClients) {
		return nil // the server will say
	}
	clients, err := whole[api.ClientOfAPI](ctx, p.remote, atAPI(one.Identifier, "clients"))
	if isRefused(err, codeNotFound) { // somebody was faster
		return nil
	}
	if err != nil {
		return err
	}
	having := func(id string) {
		p.faults.add("api "+printable(one.Identifier), errors.New("it cannot be deleted: client "+printable(id)+" still has it in its audience"))
	}
	for _, c := range clients {
		i := slices.IndexFunc(p.declared.Clients, func(d seedClient) bool { return d.ClientID == c.ClientID })
		if i < 0 && (!p.prunes("clients") || c.ClientID == p.me.ClientID) {
			having(c.ClientID)
		}
	}
	for i := range p.declared.Clients {
		if slices.Contains(p.declared.Clients[i].Audience, one.Identifier) {
			having(p.declared.Clients[i].ClientID)
		}
	}
	return nil
}
