package templates

import (
	"net/url"
	"strings"
	"testing"
)

func listing(t *testing.T, query string) Listing {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return ReadListing(values, "Auth Clients", []string{"-number", "name"}, "status")
}

func TestListingTakesNonsenseForNothing(t *testing.T) {
	usual := listing(t, "")
	if usual.Sort != "-number" || usual.Page != 1 || usual.PerPage != 15 || usual.Offset() != 0 || usual.Narrowed() {
		t.Errorf("a list is not sorted and paged as usual: %+v", usual)
	}
	for _, query := range []string{
		"page=0", "page=-1", "page=x", "per_page=0", "per_page=16", "per_page=1000000", "sort=secret", "sort=--name", "sort=", "q=+", "status=", "other=1",
	} {
		if got := listing(t, query); got.query() != usual.query() || got.Sort != usual.Sort {
			t.Errorf("%s: %q", query, got.query())
		}
	}
	if far := listing(t, "page=9223372036854775807&per_page=50"); far.Offset() < 0 {
		t.Errorf("the offset overflowed: %d", far.Offset())
	}
}

func TestListingHasNoEmptyLastPage(t *testing.T) {
	for _, c := range []struct{ total, pages, from, to int }{
		{0, 1, 0, 0}, {1, 1, 1, 1}, {14, 1, 1, 14}, {15, 1, 1, 15}, {16, 2, 16, 16}, {30, 2, 16, 30}, {31, 3, 31, 31}, {120, 8, 106, 120},
	} {
		l := listing(t, "page=999")
		held := l.Found(c.total)
		if l.Pages() != c.pages || l.Page != c.pages || l.From() != c.from || l.To() != c.to {
			t.Errorf("%d: %d pages, at %d, %d - %d", c.total, l.Pages(), l.Page, l.From(), l.To())
		}
		if held != (c.total == 0) {
			t.Errorf("%d: page 999 holds something: %t", c.total, held)
		}
		if l.Next().Path != "" || l.Last().Path != "" {
			t.Errorf("%d: there is a page after the last one", c.total)
		}
	}
	l := listing(t, "page=2")
	if !l.Found(16) || l.Previous().Path != "?" || l.First().Path != "?" {
		t.Errorf("the first page is not reached from the second: %q", l.Previous().Path)
	}
}

func TestLinksOfAListKeepItsState(t *testing.T) {
	l := listing(t, "q=a%26b&sort=name&per_page=30&page=3&status=off")
	l.Found(200)
	if got, want := l.Next().Path, "?page=4&per_page=30&q=a%26b&sort=name&status=off"; got != want {
		t.Errorf("next: %s", got)
	}
	if got := l.Column("name", "Name"); got.Direction != "ascending" || got.Path != "?per_page=30&q=a%26b&sort=-name&status=off" {
		t.Errorf("turn the direction: %+v", got)
	}
	if got := l.Column("number", "#"); got.Direction != "none" || got.Path != "?per_page=30&q=a%26b&sort=number&status=off" {
		t.Errorf("another column: %+v", got)
	}
	if got := l.Everything(); got != "?per_page=30&sort=name" {
		t.Errorf("show all: %s", got)
	}
	sizes := l.Sizes()
	if sizes[0].Path != "?q=a%26b&sort=name&status=off" || !sizes[1].Current || sizes[1].Path != "" {
		t.Errorf("sizes: %+v", sizes)
	}
	l.Sort = "-name"
	if got := l.Column("name", "Name"); got.Direction != "descending" || !strings.Contains(got.Path, "sort=name") {
		t.Errorf("turn it back: %+v", got)
	}
}

func TestPagerShowsTheEndsAndWhatIsNear(t *testing.T) {
	for page, want := range map[string]string{
		"1": "[1] 2 3 … 20", "3": "1 2 [3] 4 5 … 20", "4": "1 2 3 [4] 5 6 … 20", "10": "1 … 8 9 [10] 11 12 … 20", "20": "1 … 18 19 [20]",
	} {
		l := listing(t, "page="+page)
		l.Found(300)
		var got []string
		for _, step := range l.Numbers() {
			switch {
			case step.Text == "":
				got = append(got, "…")
			case step.Current:
				got = append(got, "["+step.Text+"]")
			case step.Path != "":
				got = append(got, step.Text)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("page %s: %v", page, got)
		}
	}
}
