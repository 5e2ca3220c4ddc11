package account_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
)

// journal records eight events, a minute apart, and gives the time of the first.
func journal(t *testing.T) (*world, *account.Audit, time.Time) {
	t.Helper()
	w := newWorld()
	a := account.NewAudit(w.store, w.Now)
	alice := account.Actor{Kind: account.ActorUser, ID: "usr_" + strings.Repeat("a", 32), Name: "alice"}
	root := account.Actor{Kind: account.ActorCLI, Name: "Root@Host"}
	app := account.Actor{Kind: account.ActorClient, ID: "app-1", Name: "Billing <b>"}
	for i, e := range []account.Event{
		{Action: "client.created", Actor: alice, Object: "client:one"},
		{Action: "client.updated", Actor: root, Object: "client:one"},
		{Action: "client.created", Actor: app, Object: "client:two"},
		{Action: "user.created", Actor: alice, Object: "user:one"},
		{Action: "user.login", Actor: alice},
		{Action: "client.deleted", Actor: root, Object: "client:one"},
		{Action: "clients", Actor: root, Object: "clients:x"},
		{Action: "key.rotated", Actor: app, Object: "key:ES256"},
	} {
		e.Detail = map[string]string{"n": fmt.Sprint(i)}
		ok(t, a.Record(context.Background(), e))
		w.Move(time.Minute)
	}
	return w, a, w.Now().Add(-8 * time.Minute)
}

func numbers(events []*account.Event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.Detail["n"])
	}
	return b.String()
}

func TestEventsAreFilteredByWhatBelongsTogether(t *testing.T) {
	ctx := context.Background()
	_, a, began := journal(t)
	alice := "usr_" + strings.Repeat("a", 32)
	minute := func(n int) time.Time { return began.Add(time.Duration(n) * time.Minute) }
	for want, queries := range map[string][]account.AuditQuery{
		"76543210": {{}, {From: began}, {To: minute(8)}, {From: time.Unix(0, 0), To: minute(8)}, {To: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"5210":     {{Action: "client"}, {Object: "client"}, {Object: "client", Action: "client"}},
		"510":      {{Object: "client:one"}, {Object: "client:one", Action: "client"}},
		"20":       {{Action: "client.created"}, {Action: "client.created", Object: "client"}},
		"430":      {{Actor: alice}, {Actor: "alice"}, {Actor: " ALICE "}},
		"651":      {{Actor: "root@host"}},
		"72":       {{Actor: "app-1"}, {Actor: "billing <B>"}},
		"0":        {{Actor: "alice", Object: "client"}, {Actor: alice, Action: "client.created"}, {To: minute(1)}, {Object: "client:one", Actor: "alice"}},
		"6":        {{Action: "clients"}, {Object: "clients:x"}, {Object: "clients"}},
		"432":      {{From: minute(2), To: minute(5)}, {From: minute(2), To: minute(4).Add(time.Millisecond)}, {From: minute(1).Add(time.Millisecond), To: minute(4).Add(time.Nanosecond)}},
		"52":       {{From: minute(2), To: minute(6), Object: "client"}},
		"": {{Actor: "nobody"}, {Object: "client:"}, {Object: ":"}, {Action: "."}, {Actor: "\xff"}, {From: minute(8)}, {To: began}, {From: minute(5), To: minute(5)},
			{Actor: strings.Repeat("x", 1<<16)}, {Object: strings.Repeat("x", 1<<16)}, {To: time.Unix(-1, 0)}},
	} {
		for _, q := range queries {
			for _, q.Limit = range []int{0, 1, 2, 3, 8} {
				got, pages := "", 0
				for q.Cursor = ""; pages < 20; pages++ {
					events, next, err := a.Find(ctx, q)
					ok(t, err)
					got += numbers(events)
					if q.Cursor = next; next == "" {
						break
					}
				}
				if got != want {
					t.Errorf("%.100v: found %s, want %s", q, got, want)
				}
				if len(q.Cursor) > 0 {
					t.Errorf("%.100v has no end", q)
				}
			}
			q.Limit, q.Cursor = 0, ""
			var each []*account.Event
			ok(t, a.Each(ctx, q, func(e *account.Event) error { each = append(each, e); return nil }))
			if numbers(each) != want {
				t.Errorf("%.100v: visited %s, want %s", q, numbers(each), want)
			}
		}
	}
	if events, next, err := a.Find(ctx, account.AuditQuery{Cursor: strings.Repeat("x", 1<<16)}); err != nil || len(events) > 0 || next != "" {
		t.Errorf("behind junk: %v, %q, %v", events, next, err)
	}
	enough := errors.New("enough")
	seen := 0
	wantErr(t, a.Each(ctx, account.AuditQuery{}, func(*account.Event) error { seen++; return enough }), enough)
	if seen != 1 {
		t.Errorf("visited %d after the error", seen)
	}
}

func TestASearchForWhatIsRareIsBounded(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	b := &watched{Backend: w.store}
	a := account.NewAudit(b, w.Now)
	const many = 5200
	ok(t, a.Record(ctx, account.Event{Action: "client.created", Object: "client:rare"}))
	for range many {
		ok(t, a.Record(ctx, account.Event{Action: "client.updated", Object: "client:busy"}))
	}
	q := account.AuditQuery{Object: "client", Action: "client.created", Limit: 10}
	b.took()
	events, next, err := a.Find(ctx, q) // the action is the narrower one
	ok(t, err)
	if calls := strings.Count(b.took(), "list"); len(events) != 1 || next != "" || calls != 1 {
		t.Errorf("%d events, next %q, %d calls", len(events), next, calls)
	}
	q = account.AuditQuery{Object: "client:busy", Actor: "nobody", Limit: 10}
	found, rounds := 0, 0
	for {
		b.took()
		events, next, err := a.Find(ctx, q)
		ok(t, err)
		if calls := strings.Count(b.took(), "list"); calls > 10 {
			t.Fatalf("%d pages in one call", calls)
		}
		found += len(events)
		rounds++
		if q.Cursor = next; next == "" {
			break
		}
	}
	if found != 0 || rounds < 2 {
		t.Errorf("%d found in %d rounds", found, rounds)
	}
}

func TestChangesAreRecordedFromOldToNew(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	staff := createGroup(t, d, account.NewGroup{Name: "Staff"})
	u := create(t, d, account.NewUser{Username: "alice", Name: "A", Permissions: holding(account.ViewUsers)})
	_, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error {
		u.Username, u.Name, u.Email, u.SuperAdmin, u.Groups = "alina", "", "a@example.com", true, []string{staff.ID}
		u.Permissions = holding(account.ViewKeys, account.ViewUsers)
		return nil
	})
	ok(t, err)
	_, err = d.UpdateGroup(ctx, staff.ID, 0, func(g *account.Group) error {
		g.Name, g.Description, g.Permissions = strings.Repeat("界", 255), "all", holding(account.ViewUsers)
		return nil
	})
	ok(t, err)
	ok(t, d.DeleteGroup(ctx, staff.ID))
	find := func(q account.AuditQuery) *account.Event {
		t.Helper()
		events, _, err := d.Audit.Find(ctx, q)
		ok(t, err)
		if len(events) != 1 {
			t.Fatalf("%d events of %+v", len(events), q)
		}
		return events[0]
	}
	check := func(e *account.Event, want map[string]string) {
		t.Helper()
		var got, wanted []string
		for k, v := range e.Detail {
			got = append(got, k+": "+v)
		}
		for k, v := range want {
			wanted = append(wanted, k+": "+v)
		}
		slices.Sort(got)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("%s says %q", e.Action, got)
		}
	}
	check(find(account.AuditQuery{Action: "user.created"}), map[string]string{"username": "alice", "name": " -> A", "permissions": " -> users:view"})
	check(find(account.AuditQuery{Action: "user.updated"}), map[string]string{
		"username": "alice -> alina", "name": "A -> ", "email": " -> a@example.com", "super_admin": "false -> true", "groups": " -> Staff",
		"permissions": "users:view -> users:view, keys:view",
	})
	long := strings.Repeat("界", 255)
	check(find(account.AuditQuery{Action: "group.updated"}), map[string]string{
		"group": long, "name": "Staff -> " + long, "description": " -> all", "permissions": " -> users:view",
	})
	check(find(account.AuditQuery{Action: "group.member_added", Object: "group"}), map[string]string{"member": "user:" + u.ID, "username": "alina"})
	check(find(account.AuditQuery{Action: "group.deleted"}), map[string]string{"group": long})
}
