package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
)

func usernames(users []*account.User) string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Username
	}
	return strings.Join(names, " ")
}

// crowd makes users whose every key differs in order.
func crowd(t *testing.T) (*world, *account.Directory) {
	t.Helper()
	w, d := newDirectory(t)
	for _, n := range []account.NewUser{
		{Username: "dora", Name: "zoë", Email: "1@example.com"},
		{Username: "anna", Name: "Straße"},
		{Username: "carl", Name: "Anton", Email: "Carl@Example.com"},
		{Username: "bert", Name: "anton"},
	} {
		w.Move(time.Second)
		create(t, d, n)
	}
	bert, err := d.UserByName(context.Background(), "bert")
	ok(t, err)
	ok(t, d.SetBlocked(context.Background(), bert.ID, account.Block))
	return w, d
}

func TestUsersAreSorted(t *testing.T) {
	_, d := crowd(t)
	for sort, want := range map[string]string{
		"":         "anna bert carl dora",
		"username": "anna bert carl dora",
		"name":     "carl bert anna dora",
		"email":    "anna bert dora carl",
		"created":  "dora anna carl bert",
		"status":   "dora anna carl bert",
	} {
		p, err := d.FindUsers(context.Background(), account.UserQuery{Sort: sort})
		ok(t, err)
		if got := usernames(p.Users); got != want || p.Total != 4 || p.Next != "" {
			t.Errorf("by %q: %s, %d, %q", sort, got, p.Total, p.Next)
		}
		if sort == "" {
			continue
		}
		p, err = d.FindUsers(context.Background(), account.UserQuery{Sort: "-" + sort})
		ok(t, err)
		names := strings.Fields(want)
		slices.Reverse(names)
		if got := usernames(p.Users); got != strings.Join(names, " ") {
			t.Errorf("by -%s: %s", sort, got)
		}
	}
}

func TestUsersAreSearched(t *testing.T) {
	_, d := crowd(t)
	for search, want := range map[string]string{
		"": "anna bert carl dora", " ANTON ": "bert carl", "strasse": "anna", "ZOE\u0308": "dora", "@example": "carl dora", "ar": "carl", "argon2id": "",
		"<script>": "", "\xff": "", strings.Repeat("x", 1<<16): "",
	} {
		p, err := d.FindUsers(context.Background(), account.UserQuery{Search: search})
		ok(t, err)
		if got := usernames(p.Users); got != want {
			t.Errorf("%.20q: found %s", search, got)
		}
	}
}

func TestUsersArePagedByOffsetAndByCursor(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	for i := range 6 {
		create(t, d, account.NewUser{Username: fmt.Sprint("u", i), Name: "same"})
	}
	for _, sort := range []string{"name", "-name", "status", "-created", "username"} {
		all, err := d.FindUsers(ctx, account.UserQuery{Sort: sort})
		ok(t, err)
		for size := 1; size <= 7; size++ {
			q := account.UserQuery{Sort: sort, Limit: size}
			var byCursor, byOffset []*account.User
			for pages := 0; ; pages++ {
				p, err := d.FindUsers(ctx, q)
				ok(t, err)
				if len(p.Users) == 0 || pages > 6 {
					t.Fatalf("by %s, %d a page: an empty page", sort, size)
				}
				byCursor = append(byCursor, p.Users...)
				if q.Cursor = p.Next; q.Cursor == "" {
					break
				}
			}
			for offset := 0; offset < 6; offset += size {
				p, err := d.FindUsers(ctx, account.UserQuery{Sort: sort, Limit: size, Offset: offset})
				ok(t, err)
				byOffset = append(byOffset, p.Users...)
			}
			if want := usernames(all.Users); usernames(byCursor) != want || usernames(byOffset) != want {
				t.Errorf("by %s, %d a page: %s, %s, want %s", sort, size, usernames(byCursor), usernames(byOffset), want)
			}
		}
	}
	for _, offset := range []int{-1, 6, 1 << 40} {
		p, err := d.FindUsers(ctx, account.UserQuery{Offset: offset, Limit: -1})
		ok(t, err)
		if len(p.Users) != 6 && offset < 0 || len(p.Users) != 0 && offset > 0 || p.Next != "" {
			t.Errorf("at %d: %+v", offset, p)
		}
	}
}

func TestACursorSurvivesThatUsersComeAndGo(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	for _, name := range []string{"b", "d", "f", "h"} {
		create(t, d, account.NewUser{Username: name})
	}
	p, err := d.FindUsers(ctx, account.UserQuery{Limit: 2})
	ok(t, err)
	create(t, d, account.NewUser{Username: "a"})
	ok(t, d.DeleteUser(ctx, p.Users[1].ID))
	create(t, d, account.NewUser{Username: "e"})
	p, err = d.FindUsers(ctx, account.UserQuery{Limit: 2, Cursor: p.Next})
	ok(t, err)
	if got := usernames(p.Users); got != "e f" {
		t.Errorf("the next page is %s", got)
	}
	for _, bad := range []account.UserQuery{{Cursor: "x"}, {Cursor: "e30"}, {Cursor: p.Next, Sort: "name"}, {Cursor: strings.Repeat("A", 1<<16)}} {
		_, err := d.FindUsers(ctx, bad)
		wantField(t, err, "cursor")
	}
	for _, bad := range []string{"password", "-", "--name", "\xff"} {
		_, err := d.FindUsers(ctx, account.UserQuery{Sort: bad})
		wantField(t, err, "sort")
	}
}

func BenchmarkFindAmongTenThousandUsers(b *testing.B) {
	ctx := context.Background()
	d := newWorld().node()
	for i := range 10_000 {
		n := account.NewUser{Username: fmt.Sprint("user", i), Name: fmt.Sprint("Jörg Müller ", i), Email: fmt.Sprint(i, "@example.com"), Password: goodPassword}
		if _, err := d.CreateUser(ctx, n); err != nil {
			b.Fatal(err)
		}
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { d.Run(run); close(done) }()
	defer func() { stop(); <-done }()
	for name, q := range map[string]account.UserQuery{
		"list": {Limit: 15}, "sort by name": {Sort: "name", Limit: 15}, "search": {Search: "müller 77", Limit: 15}, "page": {Offset: 9_990, Limit: 15},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := d.FindUsers(ctx, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
