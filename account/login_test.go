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

func TestUnknownBlockedAndWrongAreTheSame(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	b := &watched{Backend: w.store}
	d := w.over(b)
	create(t, d, account.NewUser{Username: "alice"})
	blocked := create(t, d, account.NewUser{Username: "mallory"})
	ok(t, d.SetBlocked(ctx, blocked.ID, account.Block))
	b.took()
	var calls []string
	for _, a := range []account.Attempt{
		{Username: "alice", Password: "wrong"},
		{Username: "nobody", Password: "wrong"},
		{Username: "nobody", Password: goodPassword},
		{Username: "mallory", Password: goodPassword},
		{Username: "mallory", Password: "wrong"},
		{Username: "not\x00possible", Password: "wrong"},
		{Username: "\xff\xfe", Password: "\xff\x00"},
		{Username: "", Password: ""},
	} {
		a.Address, a.Browser = "192.0.2.1", "browser"
		computed := d.Hasher.Computed()
		_, err := d.Login(ctx, a)
		if err != account.ErrCredentials {
			t.Errorf("%q: %v", a.Username, err)
		}
		calls = append(calls, b.took())
		if n := d.Hasher.Computed() - computed; n != 1 {
			t.Errorf("%q: %d passwords were computed", a.Username, n)
		}
	}
	for i, c := range calls[1:] {
		if c != calls[0] {
			t.Errorf("case %d asks the store for\n%s\nand not for\n%s", i+1, c, calls[0])
		}
	}
}

func TestOverlongCredentialsAreRefusedUnseen(t *testing.T) {
	w := newWorld()
	b := &watched{Backend: w.store}
	d := w.over(b)
	for _, a := range []account.Attempt{
		{Username: strings.Repeat("a", 257)}, {Password: strings.Repeat("a", 1025)},
		{Username: strings.Repeat("\xff", 1<<20), Password: strings.Repeat("\x00", 1<<20)},
	} {
		_, err := d.Login(context.Background(), a)
		wantErr(t, err, account.ErrCredentials)
	}
	if calls := b.took(); calls != "" {
		t.Errorf("the store was asked:\n%s", calls)
	}
}

func TestAPasswordIsHashedAgainAtLogin(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	u := create(t, w.node(), account.NewUser{Username: "alice"})
	w.hasher.Time = 2
	b := &watched{Backend: w.store}
	d := w.over(b)
	b.fail = func(verb, kind string) error {
		if verb+" "+kind == "swap user" {
			return errAway
		}
		return nil
	}
	ok(t, login(d, "alice", goodPassword)) // a failed rehash does not fail the login
	b.fail = nil
	wantErr(t, login(d, "alice", "wrong"), account.ErrCredentials)
	old, err := d.User(ctx, u.ID)
	ok(t, err)
	if old.Password != u.Password {
		t.Fatal("hashed again without a right password")
	}
	ok(t, login(d, "alice", goodPassword))
	now, err := d.User(ctx, u.ID)
	ok(t, err)
	if !strings.HasPrefix(now.Password, "$argon2id$v=19$m=8,t=2,p=1$") {
		t.Errorf("hash is still %s", now.Password)
	}
	if !now.NotBefore.IsZero() {
		t.Error("hashing again ended the sessions")
	}
	ok(t, login(d, "alice", goodPassword))
}

func TestALoginIsRecordedWithoutThePassword(t *testing.T) {
	ctx := account.WithRequest(context.Background(), "req-1", account.Actor{Kind: account.ActorSystem})
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "alice"})
	const secret = "hunter2-hunter2"
	_, err := d.Login(ctx, account.Attempt{Username: "alice", Password: secret, Address: "192.0.2.7"})
	wantErr(t, err, account.ErrCredentials)
	evil := "evil\r\n{\"x\":1}\x1b[31m\u202e" + strings.Repeat("z", 100)
	_, err = d.Login(ctx, account.Attempt{Username: evil, Password: secret})
	wantErr(t, err, account.ErrCredentials)
	_, err = d.Login(ctx, account.Attempt{Username: "alice", Password: goodPassword, Address: "192.0.2.7"})
	ok(t, err)

	events, _, err := d.Audit.Events(ctx, "", "", 10)
	ok(t, err)
	var actions []string
	for _, e := range events {
		actions = append(actions, e.Action)
		if text := fmt.Sprintf("%+v", e); strings.Contains(text, secret) || strings.Contains(text, goodPassword) || strings.ContainsAny(text, "\r\n\x1b\u202e") {
			t.Errorf("an event holds %q", text)
		}
	}
	if want := []string{"user.login", "user.login_failed", "user.login_failed", "user.created"}; !slices.Equal(actions, want) {
		t.Fatalf("events are %q", actions)
	}
	if e := events[0]; e.Actor != (account.Actor{Kind: "user", ID: u.ID, Name: "alice", Address: "192.0.2.7"}) || e.RequestID != "req-1" {
		t.Errorf("login is %+v", e)
	}
	if e := events[2]; e.Actor.Address != "192.0.2.7" || e.Object != "user:"+u.ID || e.Detail["username"] != "alice" {
		t.Errorf("failed login is %+v", e)
	}
}

func TestALoginThatCannotBeRecordedIsRefused(t *testing.T) {
	w := newWorld()
	create(t, w.node(), account.NewUser{Username: "alice"})
	d := w.over(&watched{Backend: w.store, fail: func(verb, kind string) error {
		if kind == "audit" {
			return errAway
		}
		return nil
	}})
	if err := login(d, "alice", goodPassword); !errors.Is(err, errAway) {
		t.Errorf("right password: %v", err)
	}
	wantErr(t, login(d, "alice", "wrong"), account.ErrCredentials)
}

func throttled(err error) (time.Duration, bool) {
	var t *account.ThrottledError
	if errors.As(err, &t) {
		return t.RetryAfter, true
	}
	return 0, false
}

func TestGuessesOfOneAccountAreSlowed(t *testing.T) {
	for _, name := range []string{"alice", "nobody", "im\x00possible"} {
		w, d := newDirectory(t)
		create(t, d, account.NewUser{Username: "alice"})
		create(t, d, account.NewUser{Username: "bob"})
		for range 5 {
			wantErr(t, login(d, name, "wrong"), account.ErrCredentials)
		}
		for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			wait, refused := throttled(login(d, name, goodPassword))
			if !refused || wait != seconds*time.Second {
				t.Fatalf("%q: wait %v, want %v s", name, wait, int(seconds))
			}
			w.Move(wait - time.Millisecond)
			if _, refused := throttled(login(d, strings.ToUpper(" "+name), goodPassword)); !refused {
				t.Fatalf("%q: let through too early", name)
			}
			w.Move(time.Millisecond)
			wantErr(t, login(d, name, "wrong"), account.ErrCredentials)
		}
		ok(t, login(d, "bob", goodPassword))
	}
}

func TestTheCountEndsAfterItsWindow(t *testing.T) {
	w, d := newDirectory(t)
	create(t, d, account.NewUser{Username: "alice"})
	for range 5 {
		wantErr(t, login(d, "alice", "wrong"), account.ErrCredentials)
	}
	w.Move(15 * time.Minute)
	for range 5 {
		wantErr(t, login(d, "alice", "wrong"), account.ErrCredentials)
	}
	if _, refused := throttled(login(d, "alice", "wrong")); !refused {
		t.Error("the next window does not count")
	}
}

func TestASuccessForgives(t *testing.T) {
	w, d := newDirectory(t)
	create(t, d, account.NewUser{Username: "alice"})
	for range 5 {
		for range 4 {
			wantErr(t, login(d, "alice", "wrong"), account.ErrCredentials)
		}
		ok(t, login(d, "alice", goodPassword))
	}
	w.Move(time.Second)
	ok(t, login(d, "alice", goodPassword))
}

func TestGuessingInParallelGainsNothing(t *testing.T) {
	w := newWorld()
	create(t, w.node(), account.NewUser{Username: "alice"})
	nodes := []*account.Directory{w.node(), w.node()}
	guess := func() int {
		seen := 0
		for i, err := range parallel(64, func(i int) error { return login(nodes[i%2], "alice", "wrong") }) {
			if errors.Is(err, account.ErrCredentials) {
				seen++
			} else if _, refused := throttled(err); !refused {
				t.Errorf("guess %d: %v", i, err)
			}
		}
		return seen
	}
	if n := guess(); n != 5 {
		t.Errorf("%d guesses were tested at once", n)
	}
	for range 5 {
		w.Move(time.Minute)
		if n := guess(); n != 1 {
			t.Errorf("%d guesses were tested a minute later", n)
		}
	}
}

func TestAStrangerCannotKeepTheOwnerOut(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	create(t, d, account.NewUser{Username: "alice"})
	create(t, d, account.NewUser{Username: "mallory"})
	in := func(name, password, browser string) error {
		_, err := d.Login(ctx, account.Attempt{Username: name, Password: password, Browser: browser})
		return err
	}
	ok(t, in("alice", goodPassword, "alices"))
	ok(t, in("mallory", goodPassword, "mallorys"))
	for range 20 {
		_ = in("alice", "wrong", "mallorys")
		_ = in("alice", "wrong", "")
	}
	for _, browser := range []string{"", "mallorys", "fresh"} {
		if _, refused := throttled(in("alice", goodPassword, browser)); !refused {
			t.Errorf("browser %q has a count of its own", browser)
		}
	}
	ok(t, in("Alice", goodPassword, "alices"))
	if _, refused := throttled(in("alice", goodPassword, "fresh")); !refused {
		t.Error("the owner's login forgave the stranger")
	}
	for range 5 { // the known browser is slowed too
		wantErr(t, in("alice", "wrong", "alices"), account.ErrCredentials)
	}
	if _, refused := throttled(in("alice", "wrong", "alices")); !refused {
		t.Error("a known browser may guess for ever")
	}
	w.Move(90 * 24 * time.Hour)
	for range 5 {
		wantErr(t, in("alice", "wrong", ""), account.ErrCredentials)
	}
	if _, refused := throttled(in("alice", goodPassword, "alices")); !refused {
		t.Error("a browser is known for ever")
	}
}

func TestGuessesFromOneAddressAreSlowed(t *testing.T) {
	ctx := context.Background()
	w, d := newDirectory(t)
	create(t, d, account.NewUser{Username: "alice"})
	from := func(address, name, password string) error {
		_, err := d.Login(ctx, account.Attempt{Username: name, Password: password, Address: address})
		return err
	}
	for i := range 50 {
		ok(t, from("2001:db8::1", "alice", goodPassword)) // a success is not counted
		wantErr(t, from(fmt.Sprintf("2001:db8::%x", i+1), fmt.Sprint("user", i), "wrong"), account.ErrCredentials)
	}
	w.Move(time.Minute)
	wait, refused := throttled(from("2001:db8::ffff:1", "alice", goodPassword))
	if !refused || wait != 14*time.Minute {
		t.Fatalf("wait %v", wait)
	}
	ok(t, from("2001:db8:0:1::1", "alice", goodPassword))
	ok(t, from("192.0.2.1", "alice", goodPassword))
	ok(t, from("", "alice", goodPassword))
	w.Move(wait)
	ok(t, from("2001:db8::1", "alice", goodPassword))
}

func TestExemptAddressesAreNotCountedTogether(t *testing.T) {
	_, d := newDirectory(t)
	for i := range 200 {
		wantErr(t, login(d, fmt.Sprint("user", i), "wrong"), account.ErrCredentials)
	}
}

func TestAMappedAddressIsTheSameAddress(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	for i := range 50 {
		_, err := d.Login(ctx, account.Attempt{Username: fmt.Sprint("user", i), Address: "::ffff:192.0.2.1"})
		wantErr(t, err, account.ErrCredentials)
	}
	if _, refused := throttled(func() error {
		_, err := d.Login(ctx, account.Attempt{Username: "alice", Address: "192.0.2.1"})
		return err
	}()); !refused {
		t.Error("counted apart")
	}
}

func TestABusyServerCountsNoFailure(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	w.hasher.Queue = 1
	d := w.node()
	create(t, d, account.NewUser{Username: "alice"})
	release := d.Hasher.Occupy()
	waiting := make(chan error)
	go func() { waiting <- d.Hasher.VerifyNothing(ctx) }()
	poll(t, func() bool { return d.Hasher.Waiting() == 1 })
	in := func() error {
		_, err := d.Login(ctx, account.Attempt{Username: "alice", Password: goodPassword, Address: "192.0.2.1"})
		return err
	}
	for range 100 {
		wantErr(t, in(), account.ErrBusy)
	}
	release()
	ok(t, <-waiting)
	ok(t, in())
}

func TestThrottlingIsRecordedOncePerWait(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	for range 30 {
		_ = login(d, "alice", "wrong")
	}
	events, _, err := d.Audit.Events(ctx, account.ActionEvents("user.login_throttled"), "", 100)
	ok(t, err)
	if len(events) != 1 {
		t.Errorf("%d events", len(events))
	}
}

func TestWhatWasTypedForAnUnknownNameIsNotKept(t *testing.T) {
	_, d := newDirectory(t)
	typed := "my-secret-password"
	for range 12 {
		_, _ = d.Login(context.Background(), account.Attempt{Username: typed, Password: "x", Address: "192.0.2.1"})
	}
	failed, throttled := 0, 0
	ok(t, d.Audit.Each(context.Background(), account.AuditQuery{}, func(e *account.Event) error {
		if strings.Contains(fmt.Sprint(*e), typed) {
			t.Errorf("%+v", e)
		}
		switch e.Action {
		case "user.login_failed":
			failed++
		case "user.login_throttled":
			throttled++
		}
		return nil
	}))
	if failed == 0 || throttled == 0 {
		t.Errorf("%d failed, %d throttled", failed, throttled)
	}
}
