package account_test

import (
	"context"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func start(t *testing.T, d *account.Directory, u *account.User, replaces string) (string, *account.Session) {
	t.Helper()
	cookie, s, err := d.StartSession(context.Background(), u, account.NewSession{Address: "192.0.2.1", UserAgent: "test", Replaces: replaces})
	if err != nil {
		t.Fatal(err)
	}
	return cookie, s
}

func alive(t *testing.T, d *account.Directory, cookie string) {
	t.Helper()
	_, _, err := d.Session(context.Background(), cookie)
	ok(t, err)
}

func dead(t *testing.T, d *account.Directory, cookie string) {
	t.Helper()
	_, _, err := d.Session(context.Background(), cookie)
	wantErr(t, err, store.ErrNotFound)
}

func TestASessionIsOfItsUser(t *testing.T) {
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	cookie, s := start(t, d, u, "")
	if raw, err := base64.RawURLEncoding.DecodeString(cookie); err != nil || len(raw) != 32 {
		t.Errorf("cookie is %q", cookie)
	}
	if s.ID == cookie || !s.Authenticated.Equal(w.Now()) {
		t.Errorf("session is %+v", s)
	}
	same, user, err := w.node().Session(context.Background(), cookie)
	ok(t, err)
	if !reflect.DeepEqual(same, s) || !reflect.DeepEqual(user, u) {
		t.Errorf("session is %+v of %+v", same, user)
	}
}

func TestTheStoreHoldsNoCookie(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	cookie, s := start(t, d, u, "")
	r, err := w.store.Get(ctx, store.Kind{Name: "session", Spread: true}, s.ID)
	ok(t, err)
	if strings.Contains(string(r.Marshal())+r.ID, cookie) {
		t.Error("the cookie is in the store")
	}
	dead(t, d, s.ID)
}

func TestForgedCookiesAreNobody(t *testing.T) {
	w := newWorld()
	b := &watched{Backend: w.store}
	d := w.over(b)
	cookie, _ := start(t, d, create(t, d, account.NewUser{Username: "alice"}), "")
	b.took()
	for _, forged := range []string{
		"", "x", cookie[:42], cookie + "A", cookie + "\n", cookie[:42] + "=", strings.Repeat("A", 1<<20), strings.Repeat("\x00", 43),
		strings.Repeat("\xff", 43), strings.Repeat("+", 43), cookie[:21] + "\n" + cookie[22:], "usr_" + strings.Repeat("0", 39),
	} {
		dead(t, d, forged)
		ok(t, d.EndSession(context.Background(), forged))
	}
	if calls := strings.ReplaceAll(b.took(), "get session\nget session", ""); strings.TrimSpace(calls) != "" {
		t.Errorf("junk reached the store:\n%s", calls)
	}
	dead(t, d, strings.Repeat("A", 43))
	alive(t, d, cookie)
}

func TestASessionCostsOneRead(t *testing.T) {
	w := newWorld()
	b := &watched{Backend: w.store}
	d := w.over(b)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { d.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	cookie, _ := start(t, d, create(t, d, account.NewUser{Username: "alice"}), "")
	poll(t, func() bool {
		b.took()
		alive(t, d, cookie)
		return strings.ReplaceAll(b.took(), "add epoch", "") == "get session"
	})
}

func TestSessionsTimeOut(t *testing.T) {
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	cookie, _ := start(t, d, u, "")
	w.Move(12*time.Hour - time.Millisecond)
	alive(t, d, cookie)
	w.Move(12*time.Hour - time.Millisecond) // since it was last seen
	alive(t, d, cookie)
	w.Move(12 * time.Hour)
	dead(t, d, cookie)

	cookie, _ = start(t, d, u, "")
	for range 14 {
		w.Move(12*time.Hour - time.Minute)
		alive(t, d, cookie)
	}
	w.Move(14*time.Minute - time.Millisecond)
	alive(t, d, cookie)
	w.Move(time.Millisecond)
	dead(t, d, cookie)
}

func TestATimedOutSessionIsDeadWhateverTheStoreKeeps(t *testing.T) {
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	cookie, _ := start(t, d, u, "")
	began := w.Now()
	w.store.Now = func() time.Time { return began }
	w.Move(12 * time.Hour)
	dead(t, d, cookie)
}

func TestSeenIsWrittenOnceAMinute(t *testing.T) {
	w := newWorld()
	away := false
	b := &watched{Backend: w.store, fail: func(verb, kind string) error {
		if away && verb == "swap" {
			return errAway
		}
		return nil
	}}
	d := w.over(b)
	cookie, _ := start(t, d, create(t, d, account.NewUser{Username: "alice"}), "")
	w.Move(time.Minute - time.Millisecond)
	b.took()
	alive(t, d, cookie)
	if strings.Contains(b.took(), "swap") {
		t.Error("written within the minute")
	}
	w.Move(time.Millisecond)
	away = true
	alive(t, d, cookie) // a failed write fails no request
	away = false
	s, _, err := d.Session(context.Background(), cookie)
	ok(t, err)
	if !s.Seen.Equal(w.Now()) {
		t.Errorf("seen %v", s.Seen)
	}
}

func TestLoginRenewsTheSession(t *testing.T) {
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	planted, _ := start(t, d, create(t, d, account.NewUser{Username: "mallory"}), "")
	cookie, _ := start(t, d, u, planted)
	if cookie == planted {
		t.Fatal("the cookie is the same")
	}
	dead(t, d, planted)
	alive(t, d, cookie)
	for _, junk := range []string{"garbage", strings.Repeat("A", 43), strings.Repeat("\x00", 1<<20)} {
		next, _ := start(t, d, u, junk)
		if next == junk {
			t.Error("a cookie was taken over")
		}
		dead(t, d, junk)
	}
}

func TestAPasswordChangeEndsSessions(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	create(t, d, account.NewUser{Username: "alice"})
	u, err := d.Login(ctx, account.Attempt{Username: "alice", Password: goodPassword})
	ok(t, err)
	cookie, _ := start(t, d, u, "")
	ok(t, d.SetPassword(ctx, u.ID, "another good password"))
	dead(t, d, cookie)

	// A login that was checked against the old password, and becomes a session only now.
	w.Move(time.Second)
	late, _ := start(t, d, u, "")
	dead(t, d, late)

	// A login with the new one, in the same millisecond as the change, or by a clock that is behind.
	ok(t, d.SetPassword(ctx, u.ID, "a third good password"))
	for _, behind := range []time.Duration{0, -time.Minute} {
		w.Move(behind)
		u, err = d.Login(ctx, account.Attempt{Username: "alice", Password: "a third good password"})
		ok(t, err)
		fresh, s := start(t, d, u, "")
		alive(t, d, fresh)
		if !u.Stands(s.NotBefore) {
			t.Error("what the session says is dead by Stands")
		}
		if behind != 0 { // a change by the slow clock ends it all the same
			ok(t, d.SetPassword(ctx, u.ID, "a fourth good password"))
			dead(t, d, fresh)
		}
	}
}

func TestEndedSessionsStayEnded(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	cookie, _ := start(t, d, u, "")
	w.Move(time.Hour)
	parallel(8, func(i int) error {
		if i == 4 {
			return d.EndSession(ctx, cookie)
		}
		_, _, err := d.Session(ctx, cookie)
		return err
	})
	dead(t, d, cookie)
	ok(t, d.EndSession(ctx, cookie))
	events, _, err := d.Audit.Events(ctx, account.ActionEvents("session.ended"), "", 10)
	ok(t, err)
	if len(events) != 1 {
		t.Errorf("%d events of the end", len(events))
	}
}

func TestSessionsAreListedAndEndedByTheirOwner(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	alice, bob := create(t, d, account.NewUser{Username: "alice"}), create(t, d, account.NewUser{Username: "bob"})
	one, s := start(t, d, alice, "")
	two, _ := start(t, d, alice, "")
	start(t, d, bob, "")
	list, err := d.SessionsOf(ctx, alice.ID)
	ok(t, err)
	if len(list) != 2 {
		t.Fatalf("%d sessions", len(list))
	}
	wantErr(t, d.EndSessionByID(ctx, bob.ID, s.ID), store.ErrNotFound)
	alive(t, d, one)
	for _, id := range []string{"", "x", "\x00", strings.Repeat("x", 1<<20)} {
		wantErr(t, d.EndSessionByID(ctx, alice.ID, id), store.ErrNotFound)
	}
	ok(t, d.EndSessionByID(ctx, alice.ID, s.ID))
	dead(t, d, one)
	alive(t, d, two)
	w.Move(12 * time.Hour)
	list, err = d.SessionsOf(ctx, alice.ID)
	ok(t, err)
	if len(list) != 0 {
		t.Errorf("%d sessions after the time-out", len(list))
	}
	_, err = d.SessionsOf(ctx, "nobody")
	wantErr(t, err, store.ErrNotFound)
}

func TestABrowserCannotDirtyTheRecord(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	_, s, err := d.StartSession(ctx, u, account.NewSession{UserAgent: "\xff\x00\r\n" + strings.Repeat("ü", 1<<19)})
	ok(t, err)
	if len(s.UserAgent) > 256 || strings.ContainsAny(s.UserAgent, "\x00\r\n") || !utf8.ValidString(s.UserAgent) {
		t.Errorf("stored %q", s.UserAgent)
	}
}
