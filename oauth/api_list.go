package oauth

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	order, after, err := q.parse()
	if err != nil {
		return APIPage{}, err
	}
	x, err := p.registered(ctx)
	if err != nil {
		return APIPage{}, err
	}
	var places []apiPlace
	for _, a := range x.all {
		if a.matches(foldName(q.Search)) {
			places = append(places, order.place(a))
		}
	}
	slices.SortFunc(places, order.compare)
	page := APIPage{APIs: []*API{}, Total: len(places)}
	if after != nil {
		n, found := slices.BinarySearchFunc(places, *after, order.compare)
		if found {
			n++
		}
		places = places[n:]
	}
	places = places[min(q.Offset, len(places)):]
	limit := min(cmp.Or(q.Limit, clientPage), maxClientPage)
	shown := places[:min(limit, len(places))]
	for _, at := range shown {
		page.APIs = append(page.APIs, at.api)
	}
	if len(shown) < len(places) && len(shown) > 0 {
		page.Next = shown[len(shown)-1].cursor()
	}
	return page, nil
}

// parse lists every fault of a query.
func (q *APIQuery) parse() (order apiOrder, after *apiPlace, err error) {
	var faults RegistrationError
	column, descending := strings.CutPrefix(cmp.Or(q.Sort, "name"), "-")
	order = apiOrder{column, descending}
	if !slices.Contains(apiColumns, column) {
		faults.add("sort", "must be one of %s, with - before it for descending", strings.Join(apiColumns, ", "))
	} else if q.Cursor != "" {
		if after = parseAPICursor(q.Cursor, order); after == nil {
			faults.add("cursor", "must be what the page before gave, under the same sort")
		}
	}
	if q.Offset < 0 {
		faults.add("offset", "must not be negative")
	}
	if q.Limit < 0 {
		faults.add("limit", "must not be negative")
	}
	return order, after, faults.orNil()
}

func (a *API) matches(folded string) bool {
	return folded == "" || strings.Contains(foldName(a.Title()), folded) || strings.Contains(strings.ToLower(a.Identifier), folded) ||
		slices.ContainsFunc(a.Scopes, func(s APIScope) bool { return strings.Contains(strings.ToLower(s.Name), folded) })
}

// apiOrder is a column of the list and its direction.
type apiOrder struct {
	column     string
	descending bool
}

var apiColumns = []string{"created", "identifier", "name", "scopes"}

// apiPlace is where an API stands in an order, also when it has gone since.
type apiPlace struct {
	Order      string `json:"o"`
	Text       string `json:"t,omitempty"`
	Rank       int64  `json:"r,omitempty"`
	Identifier string `json:"i"`

	api *API
}

func (o apiOrder) String() string {
	if o.descending {
		return "-" + o.column
	}
	return o.column
}

func (o apiOrder) place(a *API) apiPlace {
	at := apiPlace{Order: o.String(), Identifier: a.Identifier, api: a}
	switch o.column {
	case "name":
		at.Text = foldName(a.Title())
	case "scopes":
		at.Rank = int64(len(a.Scopes))
	case "created":
		at.Rank = a.Created.UnixMilli()
	}
	return at
}

func (o apiOrder) compare(a, b apiPlace) int {
	if o.descending {
		a, b = b, a
	}
	return cmp.Or(strings.Compare(a.Text, b.Text), cmp.Compare(a.Rank, b.Rank), strings.Compare(a.Identifier, b.Identifier))
}

// cursor names the place to programs, which take it as it is.
func (at apiPlace) cursor() string {
	b, _ := json.Marshal(at) // texts and numbers never fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseAPICursor gives nil for what is no cursor of this order.
func parseAPICursor(cursor string, o apiOrder) *apiPlace {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil
	}
	var at apiPlace
	if json.Unmarshal(b, &at) != nil || at.Order != o.String() {
		return nil
	}
	return &at
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
