package browser

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

const lanterns = "/admin/auth-clients?q=" + listedWord

// TestTheListOfAuthClients walks the rows of the table of what is promised, as far as the list keeps them.
func TestTheListOfAuthClients(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		b := enter(t, s, admin(t), "/admin/auth-clients")
		for _, row := range []struct {
			name string
			show func(t *testing.T, b *tab)
			both bool // scripts help with it
		}{
			{"row 01 place and breadcrumb", listPlace, false},
			{"row 02 columns and order", listColumns, false},
			{"row 03 running number", listNumbers, false},
			{"row 04 sort", listSorts, false},
			{"row 04 pages", listPages, false},
			{"row 04 page sizes", listSizes, false},
			{"row 05 search", listSearch, false},
			{"row 06 No Data Available", listEmpty, false},
			{"row 07 menu of a row", listMenu, true},
			{"row 20 built in", listBuiltIn, false},
			{"row 21 bulk acts", listBulk, true},
		} {
			if s == withScripts && !row.both {
				continue
			}
			if !t.Run(row.name, func(t *testing.T) {
				in := *b
				in.t = t
				row.show(t, &in)
			}) {
				b.take("") // told once
			}
		}
	})
}

func listPlace(t *testing.T, b *tab) {
	b.visit("/admin")
	b.at("/admin/auth-clients")
	if got := b.trail(); got != "Home / Admin / Auth Clients" {
		t.Errorf("the breadcrumb reads %q", got)
	}
	if got := ask[string](b, `document.title`); got != "Auth Clients · Grantor" {
		t.Errorf("the title is %q", got)
	}
	b.visit("/")
	b.press("Administration")
	b.at("/admin/auth-clients")
}

func listColumns(t *testing.T, b *tab) {
	b.visit(lanterns)
	heads := ask[[]string](b, `[...document.querySelectorAll("thead th")].map(e => e.innerText.trim())`)
	for _, wanted := range []string{"#", "Client ID", "Name", "Redirect", "Grants", "Last used", "Status"} {
		if !slices.Contains(heads, wanted) {
			t.Errorf("there is no column %q among %q", wanted, heads)
		}
	}
	if ids := listedIDs(b); ids[0] != fmt.Sprintf("%s-%d", listedWord, listed) || !slices.IsSortedFunc(ids, func(x, y string) int { return strings.Compare(y, x) }) {
		t.Errorf("the list does not begin with the newest: %q", ids)
	}
	if got := b.column("Redirect")[0]; !strings.HasPrefix(got, "https://lamp-") || !strings.HasSuffix(got, "+2 more") {
		t.Errorf("three redirects read %q", got)
	}
}

// listedIDs are the client ids of the page, without the words of their buttons.
func listedIDs(b *tab) []string {
	b.t.Helper()
	return ask[[]string](b, `[...document.querySelectorAll("td[data-label='Client ID'] code")].map(e => e.textContent)`)
}

func listNumbers(t *testing.T, b *tab) {
	numbers := func() []string {
		b.visit("/admin/auth-clients?sort=number&q=" + listedWord)
		return b.column("#")
	}
	before := numbers()
	id, _ := b.registers(filledClient{template: "Single-page or native app", name: named("Numbered"), redirects: []string{"http://127.0.0.1/"}})
	b.visit("/admin/auth-clients?q=" + id)
	first := b.column("#")
	b.visit("/admin/auth-clients/" + id + "/delete")
	b.press("Delete Auth Client")
	id, _ = b.registers(filledClient{template: "Single-page or native app", name: named("Numbered"), redirects: []string{"http://127.0.0.1/"}})
	b.visit("/admin/auth-clients?q=" + id)
	if second := b.column("#"); len(first) != 1 || len(second) != 1 || first[0] == second[0] {
		t.Errorf("the numbers of two clients are %q and %q", first, second)
	}
	if after := numbers(); !slices.Equal(before, after) {
		t.Errorf("numbers change from %q to %q", before, after)
	}
}

func listSorts(t *testing.T, b *tab) {
	for _, column := range []string{"#", "Client ID", "Name", "Redirect", "Grants", "Last used", "Status"} {
		b.visit("/admin/auth-clients?per_page=30&q=" + listedWord)
		var orders [2][]string
		for i := range orders {
			b.press(column)
			orders[i] = listedIDs(b)
			sorted := ask[[]string](b, `[...document.querySelectorAll("th[aria-sort]")].filter(e => e.getAttribute("aria-sort") !== "none").map(e => e.innerText.trim() + " " + e.getAttribute("aria-sort"))`)
			if len(sorted) != 1 || !strings.HasPrefix(sorted[0], column+" ") {
				t.Errorf("sorted by %s, the headers say %q", column, sorted)
			}
			if values := b.column(column); column == "Name" || column == "Redirect" {
				slices.Reverse(values)
				if ask[bool](b, `!!document.querySelector("th[aria-sort=ascending]")`) {
					slices.Reverse(values)
				}
				if !slices.IsSorted(values) {
					t.Errorf("%s is not sorted: %q", column, values)
				}
			}
		}
		slices.Reverse(orders[1])
		if len(orders[0]) != listed || !slices.Equal(orders[0], orders[1]) {
			t.Errorf("%s: one direction is not the other turned round", column)
		}
	}
}

// counted waits for the words of the pager.
func (b *tab) counted(text string) {
	b.t.Helper()
	b.await("the pager counts "+text, complete+` && document.querySelector(".pager-count")?.innerText === %s`, text)
}

func listPages(t *testing.T, b *tab) {
	b.visit(lanterns)
	b.counted("1 - 15 of 30 Auth Clients")
	b.press("Next ›")
	b.counted("16 - 30 of 30 Auth Clients")
	if pages := ask[[]string](b, `[...document.querySelectorAll(".pager-steps [aria-label^='Page ']")].map(e => e.innerText)`); !slices.Equal(pages, []string{"1", "2"}) {
		t.Errorf("two full pages are numbered %q", pages) // an exact multiple adds no empty page
	}
	if got := b.offers("Next ›", "Last »"); len(got) > 0 {
		t.Errorf("the last page leads on by %q", got)
	}
	b.press("« First")
	b.counted("1 - 15 of 30 Auth Clients")
	b.press("Last »")
	b.counted("16 - 30 of 30 Auth Clients")
	b.press("‹ Previous")
	b.press("2")
	b.counted("16 - 30 of 30 Auth Clients")
	b.visit(lanterns + "&page=3")
	b.counted("16 - 30 of 30 Auth Clients")
	if n := len(listedIDs(b)); n != 15 {
		t.Errorf("behind the last page stand %d rows", n)
	}
}

func listSizes(t *testing.T, b *tab) {
	b.visit(lanterns + "&sort=name")
	for _, size := range []string{"30", "50"} {
		b.pressAt(".per-page [aria-label='" + size + " per page']")
		b.counted("1 - 30 of 30 Auth Clients")
		if address := ask[string](b, `location.search`); !strings.Contains(address, "per_page="+size) || !strings.Contains(address, "sort=name") || !strings.Contains(address, "q="+listedWord) {
			t.Errorf("the address does not keep the state: %s", address)
		}
	}
	for _, senseless := range []string{"per_page=-1", "per_page=1000", "page=0", "page=x", "sort=secrets", "page=99999999999999999999"} {
		b.visit(lanterns + "&" + senseless)
		b.sees("of 30 Auth Clients")
	}
}

func (b *tab) search(text string) {
	b.t.Helper()
	ask[bool](b, `(q.select(), true)`)
	b.typed(text)
	b.press("Search")
}

func listSearch(t *testing.T, b *tab) {
	id, secret := b.registers(filledClient{template: "Web application", name: named("Sought Façade"), redirects: []string{"https://sought-redirect.example.test/callback"}})
	b.visit("/admin/auth-clients")
	for _, text := range []string{"SOUGHT FAÇADE", "sought-redirect.EXAMPLE", id[3:]} {
		b.search(text)
		if !slices.Contains(listedIDs(b), id) {
			t.Errorf("%q does not find it", text)
		}
	}
	for _, text := range []string{secret, secret[5:20], secret[:9]} {
		b.search(text)
		if slices.Contains(listedIDs(b), id) {
			t.Errorf("a part of the secret finds it")
		}
	}
	b.visit(lanterns + "&sort=name&per_page=30")
	b.search(listedWord + "-1")
	b.counted("1 - 10 of 10 Auth Clients")
	if address := ask[string](b, `location.search`); !strings.Contains(address, "sort=name") || !strings.Contains(address, "per_page=30") {
		t.Errorf("the search loses the state: %s", address)
	}
	b.press("Show all")
	b.seesNot("of 10 Auth Clients")
}

func listEmpty(_ *testing.T, b *tab) {
	b.visit("/admin/auth-clients?q=" + "%3Cscript%3Enothing-is-called-so")
	b.sees("No Data Available")
	b.sees("<script>nothing-is-called-so")
	b.pressAt(".empty a")
	b.seesNot("No Data Available")
}

func listMenu(t *testing.T, b *tab) {
	name := named("Menu")
	id, _ := b.registers(filledClient{template: "Single-page or native app", name: name, redirects: []string{"http://127.0.0.1/"}})
	b.visit("/admin/auth-clients?q=" + id)
	b.menu(name)
	b.press("Edit Auth Client")
	b.at("/admin/auth-clients/" + id + "/edit")
	b.press("Cancel")
	b.visit("/admin/auth-clients?q=" + id)
	b.menu(name)
	b.pressAt(".menu-items button")
	b.notice("The auth client was disabled.")
	if got := b.column("Status"); !slices.Equal(got, []string{"Disabled"}) { // and the search is kept
		t.Errorf("the status is %q", got)
	}
	b.menu(name)
	b.pressAt(".menu-items button")
	b.notice("The auth client was enabled.")
	b.menu(name)
	b.pressAt(".menu-items a[href$=revoke]")
	b.sees("No live tokens end with it.")
	b.press("Cancel")
}

func listBuiltIn(t *testing.T, b *tab) {
	b.visit("/admin/auth-clients?q=grantor-cli")
	b.sees("Built in")
	if got := b.offers("Edit Auth Client", "Disable", "Delete Auth Client"); !slices.Equal(got, []string{"Disable"}) { // of the selected
		t.Errorf("the server's own client offers %q", got)
	}
	b.press("Grantor command line")
	b.sees("This auth client belongs to the server itself")
	if got := b.offers("Edit Auth Client", "Disable", "Delete Auth Client"); len(got) > 0 {
		t.Errorf("its page offers %q", got)
	}
	for _, path := range []string{"/edit", "/delete"} {
		b.visit("/admin/auth-clients/grantor-cli" + path)
		b.told("status of 4")
	}
	b.visit("/admin/auth-clients/no-such-client")
	b.answers(http.StatusNotFound)
}

func listBulk(t *testing.T, b *tab) {
	name := named("Bulk")
	for _, each := range []string{"one", "two"} {
		b.registers(filledClient{template: "Machine to machine", name: name + " " + each})
	}
	list := "/admin/auth-clients?q=" + strings.ReplaceAll(name, " ", "+")
	b.visit(list)
	b.press("Disable")
	b.answers(http.StatusUnprocessableEntity)
	b.sees("No auth client is selected.")
	pick := func() {
		for _, box := range []string{"one", "two"} {
			b.clickAt(b.reach(`[...document.querySelectorAll("td.check label")].find(e => e.textContent === "Select " + %s).control`, name+" "+box))
		}
	}
	pick()
	b.press("Disable")
	b.notice("The auth clients were disabled.")
	if got := b.column("Status"); !slices.Equal(got, []string{"Disabled", "Disabled"}) {
		t.Errorf("disabled, they are %q", got)
	}
	pick()
	b.press("Delete")
	b.sees("Are you sure you want to delete these auth clients?")
	b.sees(name + " one")
	b.press("Delete Auth Clients")
	b.notice("The auth clients were deleted.")
	b.sees("No Data Available")
}

// Row 11: who may only look sees nothing else, and the server says no where he asks all the same.
func TestRow11PermissionsHideControls(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		viewer, _ := clerk(t, account.ViewClients)
		b := enter(t, s, viewer, "/admin/auth-clients")
		refused := []string{"+ Auth Client", "Import", "Edit Auth Client", "Delete Auth Client", "Disable", "Enable", "Delete", "Revoke tokens", "Dashboard", "Users", "Groups", "Audit log", "Keys", "Add", "Rotate", "Live authorizations", "History"}
		b.visit(lanterns + "&sort=name")
		if got := b.offers(refused...); len(got) > 0 {
			t.Errorf("the list offers %q", got)
		}
		if ask[bool](b, `!!document.querySelector("main input[type=checkbox], main details.menu")`) {
			t.Error("the list has boxes and menus")
		}
		b.press("Lamp 00")
		if got := b.offers(refused...); len(got) > 0 {
			t.Errorf("a client offers %q", got)
		}
		for _, path := range []string{"/-/new", "/-/import", "/lantern-01/edit", "/lantern-01/delete", "/lantern-01/revoke", "/lantern-01/authorizations", "/lantern-01/history"} {
			b.visit("/admin/auth-clients" + path)
			b.answers(http.StatusForbidden)
		}
		b.visit("/admin/users")
		b.answers(http.StatusForbidden)
		b.lookIn("admin-forbidden", "light")

		nobody, _ := clerk(t)
		other := enter(t, s, nobody, "/account/profile")
		if got := other.offers("Admin"); len(got) > 0 {
			t.Error("somebody without permissions is led to the administration")
		}
		other.visit("/admin/auth-clients")
		other.answers(http.StatusForbidden)
	})
}
