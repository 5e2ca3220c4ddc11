package oauth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// where gives the slots of the only series of what was issued that hold anything.
func where(t *testing.T, n *node, period oauth.Period) (s *oauth.Statistics, slots map[int]int64) {
	t.Helper()
	s, err := n.Statistics(t.Context(), period)
	ok(t, err)
	slots = map[int]int64{}
	for _, one := range s.Issued {
		for i, count := range one.Counts {
			if count > 0 {
				slots[i] += count
			}
		}
	}
	return s, slots
}

func TestStatisticsLieInTheSlotOfTheirTime(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	w.move(23*time.Minute + 17*time.Second) // 12:23:17
	issue := func() {
		t.Helper()
		_, err := n.machine(c)
		ok(t, err)
	}
	issue()
	for _, test := range []struct {
		period oauth.Period
		slots  int
		step   time.Duration
		to     time.Time
	}{
		{oauth.Hour, 60, time.Minute, time.Date(2026, 3, 1, 12, 24, 0, 0, time.UTC)},
		{oauth.Day, 24, time.Hour, time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)},
		{oauth.Week, 168, time.Hour, time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)},
	} {
		for _, written := range []string{"not written", "written"} {
			s, slots := where(t, n, test.period)
			if len(s.Issued) != 1 || len(s.Issued[0].Counts) != test.slots || slots[test.slots-1] != 1 || s.Step != test.step || !s.To.Equal(test.to) ||
				!s.From.Equal(test.to.Add(-test.step*time.Duration(test.slots))) {
				t.Errorf("%s, %s: %+v", test.period, written, s)
			}
			ok(t, n.FlushUsage(t.Context()))
		}
	}
	w.move(time.Minute) // 12:24:17
	issue()
	w.move(40 * time.Minute) // 13:04:17, over the end of a record of minutes
	issue()
	ok(t, n.FlushUsage(t.Context()))
	if _, slots := where(t, n, oauth.Hour); slots[59] != 1 || slots[19] != 1 || slots[18] != 1 || len(slots) != 3 {
		t.Errorf("the hour is %v", slots)
	}
	if _, slots := where(t, n, oauth.Day); slots[23] != 1 || slots[22] != 2 || len(slots) != 2 {
		t.Errorf("the day is %v", slots)
	}
	w.move(19 * time.Minute) // 13:23:17: the first is in the first minute of the hour no more
	if _, slots := where(t, n, oauth.Hour); slots[0] != 1 || slots[40] != 1 || len(slots) != 2 {
		t.Errorf("the hour is %v", slots)
	}
	w.move(23 * time.Hour) // 12:23:17 of the next day
	if _, slots := where(t, n, oauth.Day); slots[0] != 1 || len(slots) != 1 {
		t.Errorf("the day is %v", slots)
	}
	if _, slots := where(t, n, oauth.Week); slots[143] != 2 || slots[144] != 1 || len(slots) != 2 {
		t.Errorf("the week is %v", slots)
	}
	w.move(6*24*time.Hour - time.Minute) // 12:22:17, a week after the beginning
	if _, slots := where(t, n, oauth.Week); slots[0] != 1 || len(slots) != 1 {
		t.Errorf("the week is %v", slots)
	}
	w.move(2 * 24 * time.Hour)
	if s, slots := where(t, w.node(), oauth.Week); len(slots) != 0 || len(s.Issued) != 0 || s.ActiveClients != 0 {
		t.Errorf("after all is over: %+v", s)
	}
}

func TestStatisticsTellGrantsApart(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	tokens := n.tokens(c, n.signIn(n.user("ann")))
	for range 3 {
		var err error
		tokens, err = n.refresh(c, tokens.RefreshToken)
		ok(t, err)
	}
	_, err := n.machine(c)
	ok(t, err)
	ok(t, n.FlushUsage(t.Context()))
	s, err := w.node().Statistics(t.Context(), oauth.Day)
	ok(t, err)
	var names []string
	for _, one := range s.Issued {
		names = append(names, one.Name)
	}
	if !slices.Equal(names, []string{"refresh_token", "authorization_code", "client_credentials"}) || s.Issued[0].Total != 3 {
		t.Errorf("issued %+v", s.Issued)
	}
}

func TestActiveClientsAndUsersAreCountedOnceOverNodes(t *testing.T) {
	w, here := newNode(t)
	there := w.node()
	nodes := []*node{here, there}
	for i, name := range []string{"one", "two", "three"} {
		r := webApp()
		r.ClientID, r.ClientName = name, name
		c := here.register(r)
		u := here.user("user-" + name)
		for _, n := range nodes[:1+i%2] {
			n.tokens(c, n.signIn(u))
			_, err := n.machine(c)
			ok(t, err)
		}
	}
	want := func(n *node, period oauth.Period, clients, users int64) {
		t.Helper()
		s, err := n.Statistics(t.Context(), period)
		ok(t, err)
		if s.ActiveClients != clients || s.ActiveUsers != users {
			t.Errorf("%s: %d clients and %d users, want %d and %d", period, s.ActiveClients, s.ActiveUsers, clients, users)
		}
	}
	want(here, oauth.Hour, 3, 3) // what here alone saw, not written yet
	for range 2 {
		for _, n := range nodes {
			ok(t, n.FlushUsage(t.Context()))
		}
		for _, n := range append(nodes, w.node()) {
			for _, period := range []oauth.Period{oauth.Hour, oauth.Day, oauth.Week} {
				want(n, period, 3, 3)
			}
		}
	}
	w.move(75 * time.Minute)
	want(here, oauth.Hour, 0, 0)
	want(here, oauth.Day, 3, 3)
	w.move(25 * time.Hour)
	want(here, oauth.Day, 0, 0)
	want(here, oauth.Week, 3, 3)
	w.move(6 * 24 * time.Hour)
	want(here, oauth.Week, 0, 0)
}

func TestStatisticsReadLittle(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	for _, period := range []oauth.Period{oauth.Hour, oauth.Day, oauth.Week} {
		b.took()
		_, err := n.Statistics(t.Context(), period)
		ok(t, err)
		if calls := b.took(); len(calls) > 8 {
			t.Errorf("%s: %d reads: %s", period, len(calls), strings.Join(calls, ", "))
		}
	}
}

func TestStatisticsOfNothingSaySo(t *testing.T) {
	_, n := newNode(t)
	var faults *oauth.RegistrationError
	if _, err := n.Statistics(t.Context(), "year"); !errors.As(err, &faults) || faults.Fields[0].Field != "period" {
		t.Errorf("an unknown period: %v", err)
	}
	for _, id := range []string{"", "a/b", "usr_1"} {
		if _, err := n.ClientStatistics(t.Context(), id, oauth.Day); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("client %q: %v", id, err)
		}
	}
	s, err := n.ClientStatistics(t.Context(), "nobody", oauth.Day)
	ok(t, err)
	if s.Issued == nil || s.Refused == nil || len(s.Issued)+len(s.Refused) > 0 {
		t.Errorf("statistics of nobody: %+v", s)
	}
}
