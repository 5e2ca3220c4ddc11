package templates

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// PageSizes are how many lines a page of a list may have; the first one is what it has unless somebody asks.
var PageSizes = []int{15, 30, 50}

// Listing is the state of a list. All of it lives in the URL; header, search and pager are links that change it.
type Listing struct {
	Noun    string     // what is counted: "Auth Clients"
	Search  string     // q
	Sort    string     // sort: a column, with "-" before it for the other direction
	Page    int        // page, from 1
	PerPage int        // per_page
	Total   int        // how many were found
	Filters url.Values // what else narrows the list, kept in every link
	first   string     // how the list is sorted unless somebody asks
}

// ReadListing reads the state of a list from the query of its URL. The columns are what it may be sorted by; it is sorted
// by the first of them, in the direction that its sign says, unless the query asks for another. What makes no sense is
// as if it were not there. The filters name what else the query may hold.
func ReadListing(query url.Values, noun string, columns []string, filters ...string) Listing {
	l := Listing{Noun: noun, Search: strings.TrimSpace(query.Get("q")), Page: 1, PerPage: PageSizes[0], Filters: url.Values{}}
	if len(columns) > 0 {
		l.first = columns[0]
		l.Sort = l.first
	}
	asked := query.Get("sort")
	if slices.ContainsFunc(columns, func(c string) bool { return strings.TrimPrefix(c, "-") == strings.TrimPrefix(asked, "-") }) {
		l.Sort = asked
	}
	if n, err := strconv.Atoi(query.Get("per_page")); err == nil && slices.Contains(PageSizes, n) {
		l.PerPage = n
	}
	if n, err := strconv.Atoi(query.Get("page")); err == nil && n > 1 {
		l.Page = min(n, 1_000_000) // nobody has that many, and offsets stay far from overflowing
	}
	for _, name := range filters {
		if value := strings.TrimSpace(query.Get(name)); value != "" {
			l.Filters.Set(name, value)
		}
	}
	return l
}

// Offset is how many lines stand before this page.
func (l Listing) Offset() int { return (max(l.Page, 1) - 1) * l.PerPage }

// Found notes how many there are in all. It reports false when the page lies behind the last one; then Page is the last
// one, to be read instead.
func (l *Listing) Found(total int) bool {
	l.Total = total
	if l.Page <= l.Pages() {
		return true
	}
	l.Page = l.Pages()
	return total == 0
}

// Pages is how many pages the list has, at least one.
func (l Listing) Pages() int {
	if l.PerPage < 1 {
		return 1
	}
	return max(1, (l.Total+l.PerPage-1)/l.PerPage)
}

// From and To are the numbers of the first and the last line of the page.
func (l Listing) From() int { return min(l.Offset()+1, l.Total) }

// To is the number of the last line of the page.
func (l Listing) To() int { return min(l.Offset()+l.PerPage, l.Total) }

// Narrowed reports whether the list shows less than there is because somebody asked for less.
func (l Listing) Narrowed() bool { return l.Search != "" || len(l.Filters) > 0 }

// Kept is a value that a search must not lose: a hidden field of its form.
type Kept struct{ Name, Value string }

// Kept lists what the search form carries besides the search.
func (l Listing) Kept() []Kept {
	var kept []Kept
	if l.Sort != l.first {
		kept = append(kept, Kept{"sort", l.Sort})
	}
	if l.PerPage != PageSizes[0] && l.PerPage > 0 {
		kept = append(kept, Kept{"per_page", strconv.Itoa(l.PerPage)})
	}
	return kept
}

// query is the state as a link from the page to itself, "?q=x&page=2"; what is usual is left out.
func (l Listing) query() string {
	values := url.Values{}
	for name, filter := range l.Filters {
		values[name] = filter
	}
	if l.Search != "" {
		values.Set("q", l.Search)
	}
	for _, k := range l.Kept() {
		values.Set(k.Name, k.Value)
	}
	if l.Page > 1 {
		values.Set("page", strconv.Itoa(l.Page))
	}
	return "?" + values.Encode()
}

// Step is a link of the pager; where Current is set it is this page, and without a Path it leads nowhere.
type Step struct {
	Path, Text, Label string
	Current           bool
}

// at is a link to another page of the list.
func (l Listing) at(page int, text, label string) Step {
	s := Step{Text: text, Label: label, Current: page == l.Page}
	if page >= 1 && page <= l.Pages() && !s.Current {
		l.Page = page
		s.Path = l.query()
	}
	return s
}

// First leads to the first page.
func (l Listing) First() Step { return l.edge(1, "« First", "First page") }

// Last leads to the last page.
func (l Listing) Last() Step { return l.edge(l.Pages(), "Last »", "Last page") }

// Previous leads to the page before.
func (l Listing) Previous() Step { return l.edge(max(l.Page, 1)-1, "‹ Previous", "Previous page") }

// Next leads to the page after.
func (l Listing) Next() Step { return l.edge(max(l.Page, 1)+1, "Next ›", "Next page") }

// edge is a step that is never marked as this page: the numbers are.
func (l Listing) edge(page int, text, label string) Step {
	s := l.at(page, text, label)
	s.Current = false
	return s
}

// Numbers are the pages around this one; a step without text stands for those left out.
func (l Listing) Numbers() []Step {
	const around = 2
	last := l.Pages()
	var steps []Step
	before := 0
	for n := 1; n <= last; n++ {
		if n != 1 && n != last && (n < l.Page-around || n > l.Page+around) {
			continue
		}
		if n > before+1 {
			steps = append(steps, Step{})
		}
		steps = append(steps, l.at(n, strconv.Itoa(n), "Page "+strconv.Itoa(n)))
		before = n
	}
	return steps
}

// Sizes lead to the same list with more or fewer lines on a page.
func (l Listing) Sizes() []Step {
	steps := make([]Step, len(PageSizes))
	for i, size := range PageSizes {
		steps[i] = Step{Text: strconv.Itoa(size), Label: strconv.Itoa(size) + " per page", Current: size == l.PerPage}
		if size != l.PerPage {
			other := l
			other.PerPage, other.Page = size, 1
			steps[i].Path = other.query()
		}
	}
	return steps
}

// Everything leads to the list without search and filters.
func (l Listing) Everything() string {
	l.Search, l.Filters, l.Page = "", nil, 1
	return l.query()
}

// Column is a header that sorts, shown by {{template "sortable" (.Listing.Column "name" "Name")}}.
type Column struct {
	Text      string
	Path      string
	Direction string // as aria-sort has it: ascending, descending, none
	Class     string // of the cells, may be empty: "num"
}

// Column makes a header that sorts by a column, or turns the direction where the list is sorted by it already.
func (l Listing) Column(key, text string, class ...string) Column {
	c := Column{Text: text, Direction: "none", Class: strings.Join(class, " ")}
	switch l.Sort {
	case key:
		c.Direction = "ascending"
		l.Sort = "-" + key
	case "-" + key:
		c.Direction = "descending"
		l.Sort = key
	default:
		l.Sort = key
	}
	l.Page = 1
	c.Path = l.query()
	return c
}

// Steps leads through a list that is read page after page and not counted, shown by {{template "steps" .}}.
type Steps struct {
	Noun    string
	Shown   int    // how many stand on this page
	Newest  string // back to the beginning, "" on the first page
	Further string // to what comes next, "" at the end
}
