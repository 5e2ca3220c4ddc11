package account

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// UserQuery says which users to list, and how. The zero UserQuery lists all by user name.
type UserQuery struct {
	Search string // found anywhere in user name, name or e-mail address, whatever the case
	Sort   string // username, name, email, created, updated or status; with "-" before it the other way round
	Cursor string // UserPage.Next of the page before
	Offset int    // how many to leave out, where there is no Cursor
	Limit  int    // at most 500, which is also what 0 means
}

// UserPage is one page of users.
type UserPage struct {
	Users []*User
	Total int    // on all pages
	Next  string // the cursor of the next page, "" after the last
}

// userKeys says by what users can be sorted. Equal ones are sorted by id.
var userKeys = map[string]func(*User) string{
	"username": func(u *User) string { return u.Username },
	"name":     func(u *User) string { return folded(u.Name) },
	"email":    func(u *User) string { return emailKey(u.Email) },
	"created":  func(u *User) string { return sortedTime(u.Created) },
	"updated":  func(u *User) string { return sortedTime(u.Updated) },
	"status": func(u *User) string {
		if u.Blocked {
			return "blocked"
		}
		return "active"
	},
}

func sortedTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000") }

// place is where a user stands in a list: by key, then by id. A cursor is the place of the last user of a page, so that
// no user is shown twice or left out when others come and go.
type place struct {
	Sort string `json:"s"`
	Key  string `json:"k"`
	ID   string `json:"i"`
}

func (p place) compare(other place) int {
	c := cmp.Or(strings.Compare(p.Key, other.Key), strings.Compare(p.ID, other.ID))
	if strings.HasPrefix(p.Sort, "-") {
		return -c
	}
	return c
}

func (p place) cursor() string {
	text, _ := json.Marshal(p) // three strings
	return base64.RawURLEncoding.EncodeToString(text)
}

func placeOf(cursor, sort string) (p place, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(text, &p) != nil {
		return place{}, false
	}
	return p, p.Sort == sort
}

// FindUsers searches, sorts and pages users: those made here at once, those made on other nodes within a second.
// *FieldErrors about sort and cursor.
func (d *Directory) FindUsers(ctx context.Context, q UserQuery) (UserPage, error) {
	q.Sort = cmp.Or(q.Sort, "username")
	key, ok := userKeys[strings.TrimPrefix(q.Sort, "-")]
	if !ok {
		return UserPage{}, fieldError("sort", "Users can be sorted by username, name, email, created, updated and status.")
	}
	users, err := d.everyUser(ctx)
	if err != nil {
		return UserPage{}, err
	}
	if wanted := folded(strings.TrimSpace(q.Search)); wanted != "" {
		users = slices.DeleteFunc(users, func(u *User) bool { return !u.matches(wanted) })
	}
	rows := make([]row, len(users))
	for i, u := range users {
		rows[i] = row{place{q.Sort, key(u), u.ID}, u}
	}
	slices.SortFunc(rows, func(a, b row) int { return a.compare(b.place) })
	begin := min(max(q.Offset, 0), len(rows))
	if q.Cursor != "" {
		last, ok := placeOf(q.Cursor, q.Sort)
		if !ok {
			return UserPage{}, fieldError("cursor", "This cursor does not belong to this list.")
		}
		begin, _ = slices.BinarySearchFunc(rows, last, func(r row, p place) int { return cmp.Or(r.compare(p), -1) })
	}
	return page(rows, begin, pageSize(q.Limit)), nil
}

type row struct {
	place
	user *User
}

func page(rows []row, begin, size int) UserPage {
	end := min(begin+size, len(rows))
	p := UserPage{Total: len(rows)}
	for _, r := range rows[begin:end] {
		p.Users = append(p.Users, r.user)
	}
	if begin < end && end < len(rows) {
		p.Next = rows[end-1].cursor()
	}
	return p
}

func (u *User) matches(wanted string) bool {
	return strings.Contains(u.Username, wanted) || strings.Contains(folded(u.Name), wanted) || strings.Contains(emailKey(u.Email), wanted)
}
