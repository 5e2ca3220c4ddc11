package oauth

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"sort"
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

// ordered is all that a query found, in the ascending order of a column: how many there are, and what stands where.
type ordered struct {
	len int
	at  func(i int) listPlace
}

// inOrder sorts places and gives them as what was found.
func inOrder(places []listPlace) ordered {
	slices.SortFunc(places, func(a, b listPlace) int { return a.compare(&b) })
	return ordered{len(places), func(i int) listPlace { return places[i] }}
}

// page gives the places that are shown, and the cursor of the next page, "" after the last. It looks at no more than them and
// those on the way to where the page begins.
func (q listQuery) page(found ordered, order listOrder, after *listPlace) (shown []listPlace, next string) {
	at := found.at
	if order.descending {
		at = func(i int) listPlace { return found.at(found.len - 1 - i) }
	}
	from := 0
	if after != nil {
		from = sort.Search(found.len, func(i int) bool {
			p := at(i)
			return order.compare(&p, after) > 0
		})
	}
	from = min(from+min(q.Offset, found.len), found.len)
	to := min(from+min(cmp.Or(q.Limit, listPage), maxListPage), found.len)
	for i := from; i < to; i++ {
		shown = append(shown, at(i))
	}
	if to < found.len && len(shown) > 0 {
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
		return b.compare(a)
	}
	return a.compare(b)
}

func (at *listPlace) compare(other *listPlace) int {
	return cmp.Or(strings.Compare(at.Text, other.Text), cmp.Compare(at.Rank, other.Rank), cmp.Compare(at.Number, other.Number),
		strings.Compare(at.ID, other.ID))
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
