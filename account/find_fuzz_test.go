package account_test

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store/memory"
)

// FuzzUserCursor: whatever is taken for a cursor leads through the rest of the list, in its order, each user once.
func FuzzUserCursor(f *testing.F) {
	for _, sort := range []string{"", "-name", "status", "nothing", "--name"} {
		f.Add(sort, "", 2, true)
		f.Add(sort, "e30", 0, false)
	}
	f.Add("name", base64.RawURLEncoding.EncodeToString([]byte(`{"s":"name","k":"b"}`)), 1, false)
	f.Add("-name", base64.RawURLEncoding.EncodeToString([]byte(`{"S":"-name","k":"\udfff"}`)), -1, false)
	var d *account.Directory
	f.Fuzz(func(t *testing.T, sort, cursor string, limit int, begin bool) {
		if d == nil {
			w := newWorld()
			w.store = memory.New()
			d = w.node()
			for _, name := range []string{"dora", "anna", "carl", "bert"} {
				w.Move(time.Second)
				create(t, d, account.NewUser{Username: name, Name: name[1:2]})
			}
		}
		if begin {
			cursor = ""
		}
		follow := func(cursor string, limit int) (ids []string) {
			for range 20 {
				p, err := d.FindUsers(context.Background(), account.UserQuery{Sort: sort, Cursor: cursor, Limit: limit})
				var faults *account.FieldErrors
				if errors.As(err, &faults) {
					return nil
				}
				ok(t, err)
				for _, u := range p.Users {
					ids = append(ids, u.Username)
				}
				if cursor = p.Next; cursor == "" {
					return ids
				}
			}
			t.Fatal("the list has no end")
			return nil
		}
		all, rest := follow("", 500), follow(cursor, limit)
		if begins := len(all) - len(rest); begins < 0 || !slices.Equal(rest, all[begins:]) || cursor == "" && begins != 0 {
			t.Errorf("by %q from %q: %q of %q", sort, cursor, rest, all)
		}
	})
}
