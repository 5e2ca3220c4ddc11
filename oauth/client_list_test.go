package oauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

// find gives the client_ids of a page, joined.
func (n *node) find(q oauth.ClientQuery) (string, oauth.ClientPage) {
	n.w.t.Helper()
	page, err := n.FindClients(context.Background(), q)
	ok(n.w.t, err)
	ids := []string{}
	for _, row := range page.Clients {
		ids = append(ids, row.ClientID)
	}
	return strings.Join(ids, " "), page
}

// listed registers a few clients which differ in every column.
func listed(t *testing.T) (*world, *node) {
	w, n := newNode(t)
	for _, one := range []struct {
		id, name, redirect string
		grants             []oauth.GrantType
	}{
		{"delta", "Zebra", "https://b.example.com/", []oauth.GrantType{oauth.AuthorizationCode, oauth.ClientCredentials}},
		{"alpha", "apple", "https://a.example.com/Path", []oauth.GrantType{oauth.AuthorizationCode, oauth.ClientCredentials}},
		{"charlie", "", "", []oauth.GrantType{oauth.ClientCredentials}},
		{"bravo", "Ärger", "https://b.example.com/", []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken, oauth.ClientCredentials}},
	} {
		r := oauth.Registration{ClientID: one.id, ClientName: one.name, GrantTypes: one.grants}
		if one.redirect != "" {
			r.RedirectURIs = []string{one.redirect}
		}
		n.register(r)
		w.move(time.Hour)
	}
	for _, id := range []string{"bravo", "delta"} {
		_, err := n.machine(n.client(id))
		ok(t, err)
		w.move(time.Minute)
	}
	ok(t, n.SetClientState(t.Context(), "alpha", oauth.Disabled))
	return w, n
}

func TestClientsAreSortedByEveryColumn(t *testing.T) {
	_, n := listed(t)
	for column, want := range map[string]string{
		"number":    "delta alpha charlie bravo",
		"created":   "delta alpha charlie bravo",
		"client_id": "alpha bravo charlie delta",
		"name":      "alpha charlie delta bravo",
		"redirect":  "charlie alpha delta bravo",
		"grants":    "delta alpha bravo charlie",
		"last_used": "alpha charlie bravo delta",
		"status":    "delta charlie bravo alpha",
	} {
		if got, _ := n.find(oauth.ClientQuery{Sort: column}); got != want {
			t.Errorf("by %s: %s, want %s", column, got, want)
		}
		backwards := strings.Fields(want)
		slices.Reverse(backwards)
		if got, _ := n.find(oauth.ClientQuery{Sort: "-" + column}); got != strings.Join(backwards, " ") {
			t.Errorf("by -%s: %s, want %s", column, got, backwards)
		}
	}
	if got, _ := n.find(oauth.ClientQuery{}); got != "bravo charlie alpha delta" {
		t.Errorf("by default: %s", got)
	}
}

func TestSearchFindsNameRedirectAndIDButNoSecret(t *testing.T) {
	_, n := listed(t)
	_, secret, err := n.RegisterClient(t.Context(), oauth.Registration{ClientID: "echo", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}}, "")
	ok(t, err)
	for search, want := range map[string]string{
		"":                      "delta alpha charlie bravo echo",
		"  ":                    "delta alpha charlie bravo echo",
		"zEBr":                  "delta",
		"ärg":                   "bravo",
		"ÄRG":                   "bravo",
		"B.EXAMPLE":             "delta bravo",
		"/path":                 "alpha",
		"ALPHA":                 "alpha",
		"ha":                    "alpha charlie",
		"%":                     "",
		"client_credentials":    "",
		secret:                  "",
		secret[5:20]:            "",
		"sha256":                "",
		"a\x00\xff" + "garbage": "",
	} {
		got, page := n.find(oauth.ClientQuery{Search: search, Sort: "number"})
		if got != want || page.Total != len(strings.Fields(want)) {
			t.Errorf("search %q: %s (%d), want %s", search, got, page.Total, want)
		}
	}
}

func TestRowsTellTheLastUse(t *testing.T) {
	w, n := listed(t)
	for _, sort := range []string{"number", "last_used"} {
		used := 0
		_, page := n.find(oauth.ClientQuery{Sort: sort})
		for _, row := range page.Clients {
			if !row.LastUsed.IsZero() {
				used++
			}
		}
		if used != 2 {
			t.Errorf("by %s, %d clients were used before it is written, want 2", sort, used)
		}
	}
	ok(t, n.FlushUsage(t.Context()))
	for _, node := range []*node{n, w.node()} {
		_, page := node.find(oauth.ClientQuery{Sort: "-last_used"})
		if want := w.now().Add(-time.Minute); !page.Clients[0].LastUsed.Equal(want) || !page.Clients[1].LastUsed.Equal(want.Add(-time.Minute)) ||
			!page.Clients[2].LastUsed.IsZero() {
			t.Errorf("last used %v, %v, %v", page.Clients[0].LastUsed, page.Clients[1].LastUsed, page.Clients[2].LastUsed)
		}
	}
}

func TestPagesHoldEveryClientOnce(t *testing.T) {
	_, n := newNode(t)
	for _, sort := range []string{"", "name", "-last_used"} {
		if ids, page := n.find(oauth.ClientQuery{Sort: sort}); ids != "" || page.Total != 0 || page.Next != "" {
			t.Errorf("of no clients: %q, %+v", ids, page)
		}
	}
	const all = 30
	for i := range all {
		n.register(oauth.Registration{ClientID: fmt.Sprintf("c%02d", i), GrantTypes: []oauth.GrantType{oauth.ClientCredentials}})
	}
	for _, sort := range []string{"", "number", "-status", "grants", "client_id"} { // most are equal in some of them
		for _, size := range []int{1, 7, 15, 29, 30, 31} {
			seen := map[string]bool{}
			var byOffset []string
			for offset := 0; offset < all; offset += size {
				ids, page := n.find(oauth.ClientQuery{Sort: sort, Offset: offset, Limit: size})
				byOffset = append(byOffset, strings.Fields(ids)...)
				if page.Total != all || (page.Next == "") != (offset+size >= all) {
					t.Fatalf("offset %d, limit %d: total %d, next %q", offset, size, page.Total, page.Next)
				}
			}
			var byCursor []string
			for cursor := ""; ; {
				ids, page := n.find(oauth.ClientQuery{Sort: sort, Cursor: cursor, Limit: size})
				byCursor = append(byCursor, strings.Fields(ids)...)
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			for _, id := range byOffset {
				seen[id] = true
			}
			if len(byOffset) != all || len(seen) != all || !slices.Equal(byOffset, byCursor) {
				t.Errorf("sort %q, pages of %d: %v and %v", sort, size, byOffset, byCursor)
			}
		}
	}
	if ids, page := n.find(oauth.ClientQuery{Offset: all}); ids != "" || page.Total != all || page.Next != "" || page.Clients == nil {
		t.Errorf("behind the end: %q, %+v", ids, page)
	}
	if _, page := n.find(oauth.ClientQuery{}); len(page.Clients) != 15 {
		t.Errorf("%d on a page by default", len(page.Clients))
	}
}

func TestACursorOutlivesItsClient(t *testing.T) {
	_, n := listed(t)
	for sort, want := range map[string][2]string{
		"number": {"delta alpha", "charlie bravo"}, "-name": {"bravo delta", "charlie alpha"}, "-last_used": {"delta bravo", "charlie alpha"},
	} {
		first, page := n.find(oauth.ClientQuery{Sort: sort, Limit: 2})
		second, _ := n.find(oauth.ClientQuery{Sort: sort, Cursor: page.Next, Limit: 2})
		if first != want[0] || second != want[1] {
			t.Fatalf("%s: %s, then %s", sort, first, second)
		}
	}
	_, page := n.find(oauth.ClientQuery{Sort: "number", Limit: 2})
	ok(t, n.DeleteClient(t.Context(), "alpha"))
	if rest, _ := n.find(oauth.ClientQuery{Sort: "number", Cursor: page.Next}); rest != "charlie bravo" {
		t.Errorf("behind a client that is gone: %s", rest)
	}
}

// An order is kept until the clients change, also where their number does not.
func TestOrdersFollowTheClients(t *testing.T) {
	_, n := listed(t)
	n.run()
	for _, step := range []struct {
		id, name, want string
	}{
		{"", "", "alpha charlie delta bravo"}, {"delta", "aardvark", "delta alpha charlie bravo"}, {"alpha", "zoo", "delta charlie alpha bravo"},
	} {
		if step.id != "" {
			r := n.client(step.id).Registration
			r.ClientName = step.name
			n.update(r)
		}
		for range 2 {
			if got, _ := n.find(oauth.ClientQuery{Sort: "name"}); got != step.want {
				t.Errorf("with %s called %q: %s, want %s", step.id, step.name, got, step.want)
			}
		}
	}
}

func TestSenselessQueriesAreRefused(t *testing.T) {
	_, n := listed(t)
	_, page := n.find(oauth.ClientQuery{Sort: "number", Limit: 1})
	for _, test := range []struct {
		field string
		query oauth.ClientQuery
	}{
		{"sort", oauth.ClientQuery{Sort: "secret"}}, {"sort", oauth.ClientQuery{Sort: "--number"}}, {"sort", oauth.ClientQuery{Sort: "-"}},
		{"cursor", oauth.ClientQuery{Cursor: "garbage!"}}, {"cursor", oauth.ClientQuery{Cursor: base64.RawURLEncoding.EncodeToString([]byte("{}"))}},
		{"cursor", oauth.ClientQuery{Cursor: page.Next, Sort: "-number"}},
		{"offset", oauth.ClientQuery{Offset: -1}}, {"limit", oauth.ClientQuery{Limit: -1}},
	} {
		var faults *oauth.RegistrationError
		_, err := n.FindClients(t.Context(), test.query)
		if !errors.As(err, &faults) || len(faults.Fields) != 1 || faults.Fields[0].Field != test.field {
			t.Errorf("%+v: %v", test.query, err)
		}
	}
}

func TestOwnChangesShowInTheListAtOnce(t *testing.T) {
	_, n := listed(t)
	n.run()
	r := n.client("alpha").Registration
	for i := range 20 {
		r.ClientName = fmt.Sprintf("name %d", i)
		n.update(r)
		if got, _ := n.find(oauth.ClientQuery{Search: r.ClientName + " "}); got != "alpha" {
			t.Fatalf("round %d: %q", i, got)
		}
	}
	ok(t, n.DeleteClient(t.Context(), "alpha"))
	if got, page := n.find(oauth.ClientQuery{Search: "alpha"}); got != "" || page.Total != 0 {
		t.Errorf("a deleted client is listed: %s", got)
	}
}
