package oauth

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The sizes of a page of the list.
const (
	clientPage    = 15
	maxClientPage = 500
)

// ClientQuery asks for a page of the list of clients. Sort is a column, with "-" before it for descending: number, client_id,
// name, redirect, grants, last_used, status, created; empty is -number. Where Cursor is set, Offset counts from it.
type ClientQuery struct {
	Search string // part of a name, a redirect URI or a client_id; case does not matter
	Sort   string
	Cursor string // what the page before gave as Next, under the same Sort
	Offset int
	Limit  int // at most 500; 0: 15
}

// ClientRow is a client in the list. It is shared and must not be changed.
type ClientRow struct {
	*Client
	LastUsed time.Time // zero: never, or not for long
}

// ClientPage is a page of the list.
type ClientPage struct {
	Clients []ClientRow
	Total   int    // how many match the search, on all pages
	Next    string // the cursor of the next page, "" after the last
}

// FindClients searches, sorts and pages the clients, as they were at most a second ago. Clients that are equal in a column
// are ordered by their numbers, so that every client is on one page. *RegistrationError for a query that makes no sense.
func (p *Provider) FindClients(ctx context.Context, q ClientQuery) (ClientPage, error) {
	order, after, err := q.parse()
	if err != nil {
		return ClientPage{}, err
	}
	all, err := p.clients.Snapshot(ctx)
	if err != nil {
		return ClientPage{}, fmt.Errorf("list clients: %w", err)
	}
	used, err := p.usage.allLastUses(ctx)
	if err != nil {
		return ClientPage{}, err
	}
	places := order.sort(matching(all, q.Search), used)
	page := ClientPage{Clients: []ClientRow{}, Total: len(places)}
	if after != nil {
		n, found := slices.BinarySearchFunc(places, after, order.compare)
		if found {
			n++
		}
		places = places[n:]
	}
	places = places[min(q.Offset, len(places)):]
	shown := places[:min(q.limit(), len(places))]
	for _, at := range shown {
		row := ClientRow{Client: at.client}
		if last := used.of(clientKey{client: at.client.ClientID}); last > 0 {
			row.LastUsed = last.time()
		}
		page.Clients = append(page.Clients, row)
	}
	if len(shown) < len(places) && len(shown) > 0 {
		page.Next = shown[len(shown)-1].cursor(order)
	}
	return page, nil
}

func (q *ClientQuery) limit() int {
	if q.Limit == 0 {
		return clientPage
	}
	return min(q.Limit, maxClientPage)
}

// parse lists every fault of a query.
func (q *ClientQuery) parse() (order clientOrder, after *clientPlace, err error) {
	var faults RegistrationError
	order, known := parseClientOrder(q.Sort)
	if !known {
		faults.add("sort", "must be one of %s, with - before it for descending", strings.Join(clientColumnNames(), ", "))
	}
	if q.Cursor != "" && known {
		if after = parseClientCursor(q.Cursor, order); after == nil {
			faults.add("cursor", "must be what the page before gave, under the same sort")
		}
	}
	if q.Offset < 0 {
		faults.add("offset", "must not be negative")
	}
	if q.Limit < 0 {
		faults.add("limit", "must not be negative")
	}
	if len(faults.Fields) > 0 {
		return order, nil, &faults
	}
	return order, after, nil
}

// matching gives the clients in whose name, redirect URIs or client_id the text stands.
func matching(all []*Client, search string) []*Client {
	text := foldName(search)
	if text == "" {
		return all
	}
	contains := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	var found []*Client
	for _, c := range all {
		if strings.Contains(foldName(c.ClientName), text) || contains(c.ClientID) || slices.ContainsFunc(c.RedirectURIs, contains) {
			found = append(found, c)
		}
	}
	return found
}

// clientOrder is a column of the list and its direction.
type clientOrder struct {
	column     string
	descending bool
}

// clientColumns says by what a client stands where in each column: by a text, or by a number.
var clientColumns = map[string]func(*Client, *lastUses) (string, int64){
	"number":    func(c *Client, _ *lastUses) (string, int64) { return "", c.Number },
	"client_id": func(c *Client, _ *lastUses) (string, int64) { return c.ClientID, 0 },
	"name":      func(c *Client, _ *lastUses) (string, int64) { return foldName(c.Name()), 0 },
	"redirect":  func(c *Client, _ *lastUses) (string, int64) { return firstOf(c.RedirectURIs), 0 },
	"grants":    func(c *Client, _ *lastUses) (string, int64) { return join(c.GrantTypes), 0 },
	"created":   func(c *Client, _ *lastUses) (string, int64) { return "", c.Created.UnixMilli() },
	"last_used": func(c *Client, used *lastUses) (string, int64) {
		return "", int64(used.of(clientKey{client: c.ClientID}))
	},
	"status": func(c *Client, _ *lastUses) (string, int64) {
		if c.Disabled {
			return "", 1
		}
		return "", 0
	},
}

func clientColumnNames() []string {
	names := make([]string, 0, len(clientColumns))
	for name := range clientColumns {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func parseClientOrder(sort string) (clientOrder, bool) {
	if sort == "" {
		return clientOrder{"number", true}, true
	}
	column, descending := strings.CutPrefix(sort, "-")
	_, known := clientColumns[column]
	return clientOrder{column, descending}, known
}

func (o clientOrder) String() string {
	if o.descending {
		return "-" + o.column
	}
	return o.column
}

// clientPlace is where a client stands in an order, also when it has gone since.
type clientPlace struct {
	Order  string `json:"o"`
	Text   string `json:"t,omitempty"`
	Rank   int64  `json:"r,omitempty"`
	Number int64  `json:"n"`
	ID     string `json:"i"`

	client *Client
}

func (o clientOrder) sort(clients []*Client, used *lastUses) []*clientPlace {
	place := clientColumns[o.column]
	all, sorted := make([]clientPlace, len(clients)), make([]*clientPlace, len(clients))
	for i, c := range clients {
		text, rank := place(c, used)
		all[i] = clientPlace{Text: text, Rank: rank, Number: c.Number, ID: c.ClientID, client: c}
		sorted[i] = &all[i]
	}
	slices.SortFunc(sorted, o.compare)
	return sorted
}

func (o clientOrder) compare(a, b *clientPlace) int {
	if o.descending {
		a, b = b, a
	}
	return cmp.Or(strings.Compare(a.Text, b.Text), cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Number, b.Number),
		strings.Compare(a.ID, b.ID))
}

// cursor names the place to programs, which take it as it is.
func (at clientPlace) cursor(o clientOrder) string {
	at.Order = o.String()
	b, _ := json.Marshal(at) // texts and numbers never fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseClientCursor gives nil for what is no cursor of this order.
func parseClientCursor(cursor string, o clientOrder) *clientPlace {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil
	}
	var at clientPlace
	if json.Unmarshal(b, &at) != nil || at.Order != o.String() {
		return nil
	}
	return &at
}
