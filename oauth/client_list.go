package oauth

import (
	"context"
	"time"
)

// ClientQuery asks for a page of the list of clients. Sort is a column, with "-" before it for descending: number, client_id,
// name, redirect, grants, last_used, status, created; empty is -number. Cursor, where set, counts and Offset does not.
type ClientQuery struct {
	Search string // part of a name, a redirect URI or a client_id; case does not matter
	Sort   string
	Cursor string // what the page before gave as Next
	Offset int
	Limit  int // at most 500; 0: 15
}

// ClientRow is a client in the list.
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

// FindClients searches, sorts and pages the clients.
func (p *Provider) FindClients(ctx context.Context, q ClientQuery) (ClientPage, error) {
	return ClientPage{}, nil
}
