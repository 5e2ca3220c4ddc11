package account_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func TestEventsAreListedNewestFirst(t *testing.T) {
	ctx := account.WithRequest(context.Background(), "req-9", account.Actor{Kind: account.ActorUser, ID: "usr_1"})
	w := newWorld()
	a := account.NewAudit(w.store, w.Now)
	for i := range 10 {
		ok(t, a.Record(ctx, account.Event{Action: fmt.Sprint("test.", i%2), Object: fmt.Sprint("thing:", i%5), Detail: map[string]string{"n": fmt.Sprint(i)}}))
		if i%3 == 0 {
			w.Move(time.Second)
		}
	}
	for tag, want := range map[string]string{
		"": "9876543210", account.AllEvents: "9876543210", account.ActionEvents("test.1"): "97531", account.ObjectEvents("thing:3"): "83",
		account.ActorEvents("usr_1"): "9876543210", account.ActorEvents("usr_2"): "", strings.Repeat("x", 1000): "",
	} {
		got := ""
		for cursor, pages := "", 0; pages < 10; pages++ {
			events, next, err := a.Events(ctx, tag, cursor, 3)
			ok(t, err)
			for _, e := range events {
				got += e.Detail["n"]
				if e.Actor.ID != "usr_1" || e.RequestID != "req-9" || e.Time.Location() != time.UTC {
					t.Errorf("event is %+v", e)
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
		if got != want {
			t.Errorf("under %.20q: %s, want %s", tag, got, want)
		}
	}
}

func TestEventsEndWithTheirRetention(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	a := account.NewAudit(w.store, w.Now)
	ok(t, a.Record(ctx, account.Event{Action: "test"}))
	for after, want := range map[time.Duration]int{90*24*time.Hour - time.Millisecond: 1, 90 * 24 * time.Hour: 0} {
		then := w.Now().Add(after)
		w.store.Now = func() time.Time { return then }
		events, _, err := a.Events(ctx, "", "", 10)
		ok(t, err)
		if len(events) != want {
			t.Errorf("%v later: %d events", after, len(events))
		}
	}
}

func TestEventsTakeAnyText(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	a := account.NewAudit(w.store, w.Now)
	dirt := "\xff\x00\r\n\u202e\u200b" + strings.Repeat("ü", 1<<16)
	e := account.Event{Action: dirt, Object: dirt, RequestID: dirt, Actor: account.Actor{Kind: dirt, ID: dirt, Name: dirt, Address: dirt}, Detail: map[string]string{dirt: dirt}}
	for i := range 100 {
		e.Detail[fmt.Sprint(i)] = "x"
	}
	ok(t, a.Record(ctx, e))
	events, _, err := a.Events(ctx, "", "", 10)
	ok(t, err)
	if len(events) != 1 || len(events[0].Detail) > 32 {
		t.Fatalf("events are %+v", events)
	}
	if text := fmt.Sprintf("%+v", events[0]); strings.ContainsAny(text, "\x00\r\n\u202e\u200b") || !utf8.ValidString(text) || len(text) > 10_000 {
		t.Errorf("stored %.200q", text)
	}
}

func TestAnEventThatCannotBeWrittenIsAnError(t *testing.T) {
	w := newWorld()
	u := create(t, w.node(), account.NewUser{Username: "alice"})
	d := w.over(&watched{Backend: w.store, fail: func(verb, kind string) error {
		if kind == "audit" {
			return errAway
		}
		return nil
	}})
	ctx := context.Background()
	for act, err := range map[string]error{
		"block": d.SetBlocked(ctx, u.ID, account.Block), "password": d.SetPassword(ctx, u.ID, goodPassword), "delete": d.DeleteUser(ctx, u.ID),
	} {
		if !store.IsUnavailable(err) {
			t.Errorf("%s: %v", act, err)
		}
	}
}

func TestTheActorIsTheSystemWhereNobodyIsNamed(t *testing.T) {
	ctx := context.Background()
	if a := account.ActorFrom(ctx); a != (account.Actor{Kind: account.ActorSystem}) {
		t.Errorf("actor is %+v", a)
	}
	if id := account.RequestIDFrom(ctx); id != "" {
		t.Errorf("request id is %q", id)
	}
}

func TestActsAreRecordedUnderTheirActor(t *testing.T) {
	admin := account.Actor{Kind: account.ActorCLI, Name: "root@host"}
	ctx := account.WithActor(context.Background(), admin)
	w, d := newDirectory(t)
	u, err := d.CreateUser(ctx, account.NewUser{Username: "alice", Password: goodPassword})
	ok(t, err)
	ok(t, d.SetPassword(ctx, u.ID, "another good password"))
	ok(t, d.SetBlocked(ctx, u.ID, account.Block))
	ok(t, d.SetBlocked(ctx, u.ID, account.Unblock))
	_, err = d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Name, u.SuperAdmin = "Alice", true; return nil })
	ok(t, err)
	create(t, w.node(), account.NewUser{Username: "other", SuperAdmin: true})
	ok(t, d.DeleteUser(ctx, u.ID))
	events, _, err := d.Audit.Events(ctx, account.ObjectEvents("user:"+u.ID), "", 10)
	ok(t, err)
	var actions []string
	for _, e := range events {
		actions = append(actions, e.Action)
		if e.Actor != admin {
			t.Errorf("%s by %+v", e.Action, e.Actor)
		}
		if e.Action == "user.updated" && (e.Detail["name"] != " -> Alice" || e.Detail["super_admin"] != "false -> true") {
			t.Errorf("detail is %q", e.Detail)
		}
	}
	want := "user.deleted user.updated user.unblocked user.blocked user.password_changed user.created"
	if got := strings.Join(actions, " "); got != want {
		t.Errorf("recorded %s", got)
	}
}
