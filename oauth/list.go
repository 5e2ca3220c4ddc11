package oauth

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// The sizes of a page of a list.
const (
	listPage    = 15
	maxListPage = 500
)

// listQuery is what ClientQuery and APIQuery are.
type listQuery struct {
	Search string
	Sort   string
	Cursor string
	Offset int
	Limit  int
}

// parse lists every fault of a query. Empty, Sort is byDefault.
func (q listQuery) parse(columns []string, byDefault string) (order listOrder, after *listPlace, err error) {
	var faults RegistrationError
	order.column, order.descending = strings.CutPrefix(cmp.Or(q.Sort, byDefault), "-")
	if !slices.Contains(columns, order.column) {
		faults.add("sort", "must be one of %s, with - before it for descending", strings.Join(columns, ", "))
	} else if q.Cursor != "" {
		if after = parseListCursor(q.Cursor, order); after == nil {
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

// page gives the places that are shown, and the cursor of the next page, "" after the last.
func (q listQuery) page(places []listPlace, order listOrder, after *listPlace) (shown []*listPlace, next string) {
	sorted := make([]*listPlace, len(places)) // they are large to be moved about
	for i := range places {
		sorted[i] = &places[i]
	}
	slices.SortFunc(sorted, order.compare)
	if after != nil {
		n, found := slices.BinarySearchFunc(sorted, after, order.compare)
		if found {
			n++
		}
		sorted = sorted[n:]
	}
	sorted = sorted[min(q.Offset, len(sorted)):]
	shown = sorted[:min(cmp.Or(q.Limit, listPage), maxListPage, len(sorted))]
	if len(shown) < len(sorted) && len(shown) > 0 {
		next = shown[len(shown)-1].cursor(order)
	}
	return shown, next
}

// listOrder is a column of a list and its direction.
type listOrder struct {
	column     string
	descending bool
}

func (o listOrder) String() string {
	if o.descending {
		return "-" + o.column
	}
	return o.column
}

// listPlace is where something stands in an order, also when it has gone since: by the text or the rank that it has in the
// column, and among equal ones by its number and its id, so that it is on one page.
type listPlace struct {
	Order  string `json:"o"`
	Text   string `json:"t,omitempty"`
	Rank   int64  `json:"r,omitempty"`
	Number int64  `json:"n,omitempty"`
	ID     string `json:"i"`

	of int // which one it is
}

func (o listOrder) compare(a, b *listPlace) int {
	if o.descending {
		a, b = b, a
	}
	return cmp.Or(strings.Compare(a.Text, b.Text), cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Number, b.Number),
		strings.Compare(a.ID, b.ID))
}

// cursor names the place to programs, which take it as it is.
func (at listPlace) cursor(o listOrder) string {
	at.Order = o.String()
	b, _ := json.Marshal(at) // texts and numbers never fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseListCursor gives nil for what is no cursor of this order.
func parseListCursor(cursor string, o listOrder) *listPlace {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil
	}
	var at listPlace
	if json.Unmarshal(b, &at) != nil || at.Order != o.String() {
		return nil
	}
	return &at
}
