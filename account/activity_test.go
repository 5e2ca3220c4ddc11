package account_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

func TestFailedLoginsAreCountedByReason(t *testing.T) {
	w := newWorld()
	d := w.node()
	for _, name := range []string{"alice", "bob"} {
		if _, err := d.CreateUser(t.Context(), account.NewUser{Username: name, Password: goodPassword, SuperAdmin: name == "alice"}); err != nil {
			t.Fatal(err)
		}
	}
	try := func(name, password string) {
		_, _ = d.Login(t.Context(), account.Attempt{Username: name, Password: password})
	}
	try("alice", goodPassword)
	for range 7 {
		try("alice", "wrong")
	}
	try("nobody", "wrong")
	try("bob", strings.Repeat("x", 5000))
	got := map[string]int64{}
	for _, f := range d.Activity().Failures {
		got[f.Reason] = f.Logins
	}
	want := map[string]int64{
		"wrong password": 5, "throttled": 2, "unknown user": 1, "too long": 1, "blocked": 0, "busy": 0, "unusable password hash": 0,
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted %v", got)
	}
}
