package account_test

import (
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func TestLimitsAreSharedByAnIPv6Network(t *testing.T) {
	_, d := newDirectory(t)
	limit := account.Limit{Kind: store.Kind{Name: "visit", Spread: true}, Most: 1, Window: time.Hour}
	admit := func(address string) bool {
		t.Helper()
		err := d.Admit(t.Context(), limit, address)
		_, refused := throttled(err)
		if err != nil && !refused {
			t.Fatal(err)
		}
		return err == nil
	}
	for _, first := range []string{"203.0.113.9", "203.0.113.10", "2001:db8:1:2:3:4:5:6", "2001:db8:1:3::", "fe80::1%eth0", "::1"} {
		if !admit(first) {
			t.Errorf("%s shares the limit of an address before it", first)
		}
	}
	for _, same := range []string{"203.0.113.9", "::ffff:203.0.113.9", "2001:db8:1:2::", "2001:db8:1:2:ffff::9", "fe80::2%eth1", "::2"} {
		if admit(same) {
			t.Errorf("%s has a limit of its own", same)
		}
	}
}
