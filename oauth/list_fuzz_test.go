package oauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

// walk follows the cursors of a list to its end and gives the ids in the order in which they came.
func walk(t *testing.T, cursor string, page func(cursor string) (ids []string, next string, err error)) []string {
	t.Helper()
	var all []string
	for range 20 {
		ids, next, err := page(cursor)
		var faults *oauth.RegistrationError
		if errors.As(err, &faults) && len(faults.Fields) > 0 {
			return nil
		}
		ok(t, err)
		if all = append(all, ids...); next == "" {
			return all
		}
		cursor = next
	}
	t.Fatal("the list has no end")
	return nil
}

// inOrder tells whether some come in the order of all, each once.
func inOrder(some, all []string) bool {
	for _, one := range some {
		i := slices.Index(all, one)
		if i < 0 {
			return false
		}
		all = all[i+1:]
	}
	return true
}

func placeIn(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// FuzzClientCursor: whatever is taken for a cursor leads through the rest of the list, in its order, each client once.
func FuzzClientCursor(f *testing.F) {
	for _, sort := range []string{"", "-name", "status", "nothing", "--name"} {
		f.Add(sort, "", uint8(2), false)
		f.Add(sort, "", uint8(1), true)
	}
	f.Add("name", placeIn(`{"o":"name","t":"m"}`), uint8(1), false)
	f.Add("-number", placeIn(`{"o":"-number","n":-1}`), uint8(9), false)
	var n *node
	f.Fuzz(func(t *testing.T, sort, cursor string, limit uint8, begin bool) {
		if n == nil {
			n = newFuzzNode(t)
			for _, id := range []string{"delta", "alpha", "charlie", "bravo"} {
				r := webApp()
				r.ClientID, r.ClientName = id, id[1:2]
				n.register(r)
			}
		}
		n.w.t = t
		if begin {
			cursor = ""
		}
		page := func(limit int) func(cursor string) (ids []string, next string, err error) {
			return func(cursor string) (ids []string, next string, err error) {
				p, err := n.FindClients(context.Background(), oauth.ClientQuery{Sort: sort, Cursor: cursor, Limit: limit})
				for _, row := range p.Clients {
					ids = append(ids, row.ClientID)
				}
				return ids, p.Next, err
			}
		}
		all, rest := walk(t, "", page(500)), walk(t, cursor, page(int(max(limit, 1))))
		if !inOrder(rest, all) || cursor == "" && len(rest) != len(all) {
			t.Errorf("by %q from %q: %q of %q", sort, cursor, rest, all)
		}
	})
}

// FuzzAPICursor is FuzzClientCursor for APIs.
func FuzzAPICursor(f *testing.F) {
	for _, sort := range []string{"", "-name", "scopes", "nothing", "-created"} {
		f.Add(sort, "", uint8(1), true)
	}
	f.Add("name", placeIn(`{"o":"name","t":"m"}`), uint8(1), false)
	var n *node
	f.Fuzz(func(t *testing.T, sort, cursor string, limit uint8, begin bool) {
		if n == nil {
			n = newFuzzNode(t)
			for _, name := range []string{"delta", "alpha", "charlie", "bravo"} {
				n.api(oauth.APIRegistration{Identifier: "https://" + name + ".example.com", Name: name[1:2]})
			}
		}
		n.w.t = t
		if begin {
			cursor = ""
		}
		page := func(limit int) func(cursor string) (ids []string, next string, err error) {
			return func(cursor string) (ids []string, next string, err error) {
				p, err := n.FindAPIs(context.Background(), oauth.APIQuery{Sort: sort, Cursor: cursor, Limit: limit})
				for _, a := range p.APIs {
					ids = append(ids, a.Identifier)
				}
				return ids, p.Next, err
			}
		}
		all, rest := walk(t, "", page(500)), walk(t, cursor, page(int(max(limit, 1))))
		if !inOrder(rest, all) || cursor == "" && len(rest) != len(all) {
			t.Errorf("by %q from %q: %q of %q", sort, cursor, rest, all)
		}
	})
}
