package oauth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
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
	order, after, err := listQuery(q).parse(slices.Sorted(maps.Keys(clientColumns)), "-number")
	if err != nil {
		return ClientPage{}, err
	}
	all, err := p.clients.Snapshot(ctx)
	if err != nil {
		return ClientPage{}, fmt.Errorf("list clients: %w", err)
	}
	used, err := p.usage.lastUses(ctx)
	if err != nil {
		return ClientPage{}, err
	}
	if order.column == lastUsedColumn {
		p.usage.addPending(used, all)
	}
	found := p.clientOrders.find(all, order.column, foldName(q.Search), used)
	places, next := listQuery(q).page(found, order, after)
	shown := make([]*Client, len(places))
	for i, at := range places {
		shown[i] = all[at.of]
	}
	if order.column != lastUsedColumn { // the order should tell of the same uses as the rows
		p.usage.addPending(used, shown)
	}
	page := ClientPage{Clients: make([]ClientRow, len(shown)), Total: found.len, Next: next}
	for i, c := range shown {
		page.Clients[i].Client = c
		if last := used.of(clientKey{client: c.ClientID}); last > 0 {
			page.Clients[i].LastUsed = last.time()
		}
	}
	return page, nil
}

// matches reports whether a folded text stands in the name, the redirect URIs or the client_id.
func (c *Client) matches(folded string) bool {
	contains := func(s string) bool { return strings.Contains(strings.ToLower(s), folded) }
	return folded == "" || strings.Contains(foldName(c.ClientName), folded) || contains(c.ClientID) || slices.ContainsFunc(c.RedirectURIs, contains)
}

// clientColumns says by what a client stands where in each column: by a text, or by a number.
var clientColumns = map[string]func(*Client, *lastUses) (string, int64){
	"number":    func(c *Client, _ *lastUses) (string, int64) { return "", c.Number },
	"client_id": func(c *Client, _ *lastUses) (string, int64) { return c.ClientID, 0 },
	"name":      func(c *Client, _ *lastUses) (string, int64) { return foldName(c.Name()), 0 },
	"redirect":  func(c *Client, _ *lastUses) (string, int64) { return firstOf(c.RedirectURIs), 0 },
	"grants":    func(c *Client, _ *lastUses) (string, int64) { return join(c.GrantTypes), 0 },
	"created":   func(c *Client, _ *lastUses) (string, int64) { return "", c.Created.UnixMilli() },
	lastUsedColumn: func(c *Client, used *lastUses) (string, int64) {
		return "", int64(used.of(clientKey{client: c.ClientID}))
	},
	"status": func(c *Client, _ *lastUses) (string, int64) {
		if c.Disabled {
			return "", 1
		}
		return "", 0
	},
}

// lastUsedColumn is the one column whose order changes while no client does.
const lastUsedColumn = "last_used"

// clientOrders keeps the orders of the clients as they were read last, so that a page of the list is not sorted anew.
type clientOrders struct {
	mu  sync.Mutex
	all []*Client          // what the orders are of
	by  map[string][]int32 // places in all, by column, as they are asked for
}

// find gives those of all clients that match a folded text, in the order of a column.
func (o *clientOrders) find(all []*Client, column, folded string, used *lastUses) ordered {
	places := o.order(all, column, used)
	if folded != "" {
		var matching []int32
		for _, i := range places {
			if all[i].matches(folded) {
				matching = append(matching, i)
			}
		}
		places = matching
	}
	return ordered{len(places), func(i int) listPlace { return placeOf(all, int(places[i]), column, used) }}
}

// order gives the places of all clients in the order of a column.
func (o *clientOrders) order(all []*Client, column string, used *lastUses) []int32 {
	if column == lastUsedColumn {
		return sortedBy(all, column, used)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by == nil || !sameSlice(o.all, all) {
		o.all, o.by = all, map[string][]int32{}
	}
	if o.by[column] == nil {
		o.by[column] = sortedBy(all, column, used)
	}
	return o.by[column]
}

func sortedBy(all []*Client, column string, used *lastUses) []int32 {
	places := make([]listPlace, len(all))
	for i := range all {
		places[i] = placeOf(all, i, column, used)
	}
	sorted := make([]int32, len(all)) // places are large to be moved about
	for i := range sorted {
		sorted[i] = int32(i)
	}
	slices.SortFunc(sorted, func(a, b int32) int { return places[a].compare(&places[b]) })
	return sorted
}

func placeOf(all []*Client, i int, column string, used *lastUses) listPlace {
	c := all[i]
	text, rank := clientColumns[column](c, used)
	return listPlace{Text: text, Rank: rank, Number: c.Number, ID: c.ClientID, of: i}
}

// sameSlice reports whether both are one slice, not only equal.
func sameSlice[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
