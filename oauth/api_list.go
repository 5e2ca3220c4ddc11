package oauth

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// APIQuery asks for a page of the list of APIs. Sort is a column, with "-" before it for descending: name, identifier,
// scopes (how many), created; empty is name. Where Cursor is set, Offset counts from it.
type APIQuery struct {
	Search string // part of a name, an identifier or a scope; case does not matter
	Sort   string
	Cursor string // what the page before gave as Next, under the same Sort
	Offset int
	Limit  int // at most 500; 0: 15
}

// APIPage is a page of the list. The APIs are shared and must not be changed.
type APIPage struct {
	APIs  []*API
	Total int    // how many match the search, on all pages
	Next  string // the cursor of the next page, "" after the last
}

// FindAPIs searches, sorts and pages the APIs, as they were at most a second ago. Every order is total.
// *RegistrationError for a query that makes no sense.
func (p *Provider) FindAPIs(ctx context.Context, q APIQuery) (APIPage, error) {
	order, after, err := listQuery(q).parse(slices.Sorted(maps.Keys(apiColumns)), "name")
	if err != nil {
		return APIPage{}, err
	}
	x, err := p.registered(ctx)
	if err != nil {
		return APIPage{}, err
	}
	column, search := apiColumns[order.column], foldName(q.Search)
	var places []listPlace
	for i, a := range x.all {
		if a.matches(search) {
			text, rank := column(a)
			places = append(places, listPlace{Text: text, Rank: rank, ID: a.Identifier, of: i})
		}
	}
	found := inOrder(places)
	shown, next := listQuery(q).page(found, order, after)
	page := APIPage{APIs: make([]*API, 0, len(shown)), Total: found.len, Next: next}
	for _, at := range shown {
		page.APIs = append(page.APIs, x.all[at.of])
	}
	return page, nil
}

func (a *API) matches(folded string) bool {
	return folded == "" || strings.Contains(foldName(a.Title()), folded) || strings.Contains(strings.ToLower(a.Identifier), folded) ||
		slices.ContainsFunc(a.Scopes, func(s APIScope) bool { return strings.Contains(strings.ToLower(s.Name), folded) })
}

// apiColumns says by what an API stands where in each column: by a text, or by a number.
var apiColumns = map[string]func(*API) (string, int64){
	"created":    func(a *API) (string, int64) { return "", a.Created.UnixMilli() },
	"identifier": func(*API) (string, int64) { return "", 0 }, // which decides among equal ones
	"name":       func(a *API) (string, int64) { return foldName(a.Title()), 0 },
	"scopes":     func(a *API) (string, int64) { return "", int64(len(a.Scopes)) },
}

// APIs gives all APIs by name. They are shared and must not be changed.
func (p *Provider) APIs(ctx context.Context) ([]*API, error) {
	x, err := p.registered(ctx)
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(slices.Values(x.all), func(a, b *API) int {
		return cmp.Or(strings.Compare(foldName(a.Title()), foldName(b.Title())), strings.Compare(a.Identifier, b.Identifier))
	}), nil
}

// ClientsOfAPI gives the clients that have an API, by name. They are shared and must not be changed. store.ErrNotFound.
func (p *Provider) ClientsOfAPI(ctx context.Context, id string) ([]*Client, error) {
	a, err := p.API(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := p.clients.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	var having []*Client
	for _, c := range all {
		if c.reaches(a.Identifier) {
			having = append(having, c)
		}
	}
	slices.SortStableFunc(having, byName)
	return having, nil
}

// reaches reports whether anybody can get a token of the client for an API. A client that has no grant only says by its
// audience which API it serves.
func (r *Registration) reaches(identifier string) bool {
	return slices.Contains(r.Audience, identifier) && (len(r.GrantTypes) > 0 || r.PersonalAccessTokens)
}
