package oauth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	used, err := p.usage.allLastUses(ctx)
	if err != nil {
		return ClientPage{}, err
	}
	found := matching(all, q.Search)
	places, column := make([]listPlace, len(found)), clientColumns[order.column]
	for i, c := range found {
		text, rank := column(c, used)
		places[i] = listPlace{Text: text, Rank: rank, Number: c.Number, ID: c.ClientID, of: i}
	}
	shown, next := listQuery(q).page(places, order, after)
	page := ClientPage{Clients: make([]ClientRow, 0, len(shown)), Total: len(found), Next: next}
	for _, at := range shown {
		row := ClientRow{Client: found[at.of]}
		if last := used.of(clientKey{client: at.ID}); last > 0 {
			row.LastUsed = last.time()
		}
		page.Clients = append(page.Clients, row)
	}
	return page, nil
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

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
