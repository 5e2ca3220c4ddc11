package oauth_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

// totals gives what a node knows of a period: name -> total.
func (n *node) totals(period oauth.Period) map[string]int64 {
	n.w.t.Helper()
	s, err := n.Statistics(context.Background(), period)
	ok(n.w.t, err)
	return totalsOf(s)
}

func (n *node) totalsOf(clientID string, period oauth.Period) map[string]int64 {
	n.w.t.Helper()
	s, err := n.ClientStatistics(context.Background(), clientID, period)
	ok(n.w.t, err)
	return totalsOf(s)
}

func totalsOf(s *oauth.Statistics) map[string]int64 {
	totals := map[string]int64{}
	for _, one := range append(s.Issued, s.Refused...) {
		totals[one.Name] = one.Total
	}
	return totals
}

func wantTotals(t *testing.T, got map[string]int64, want map[string]int64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("totals are %v, want %v", got, want)
	}
	for name, n := range want {
		if got[name] != n {
			t.Fatalf("totals are %v, want %v", got, want)
		}
	}
}

// TestCountsOfNodesAddUp has two nodes count and write at the same time.
func TestCountsOfNodesAddUp(t *testing.T) {
	w, here := newNode(t)
	there := w.node()
	c := here.register(webApp())
	const workers, each = 8, 100
	done := make(chan struct{})
	var writing, counting sync.WaitGroup
	for _, n := range []*node{here, there} {
		writing.Go(func() {
			for {
				if err := n.FlushUsage(context.Background()); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
		for range workers {
			counting.Go(func() {
				for range each {
					if _, err := n.machine(c); err != nil {
						t.Error(err)
					}
					if _, err := n.Token(context.Background(), c, &oauth.TokenRequest{GrantType: "password"}); err == nil {
						t.Error("an unknown grant was answered")
					}
				}
			})
		}
	}
	counting.Wait()
	close(done)
	writing.Wait()
	ok(t, here.FlushUsage(t.Context()))
	ok(t, there.FlushUsage(t.Context()))
	want := map[string]int64{"client_credentials": 2 * workers * each, "unsupported_grant_type": 2 * workers * each}
	for _, n := range []*node{here, there, w.node()} {
		for _, period := range []oauth.Period{oauth.Hour, oauth.Day, oauth.Week} {
			wantTotals(t, n.totals(period), want)
			wantTotals(t, n.totalsOf("web", period), want)
		}
	}
}

func TestRefusalsAreCountedByReason(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	c := n.register(webApp())
	wantCode(t, n.authenticate(oauth.ClientSecretBasic, "web", chosen), oauth.InvalidClient)
	wantCode(t, n.authenticate(oauth.ClientSecretBasic, "made-up-by-a-stranger", chosen), oauth.InvalidClient)
	_, err := n.redeem(c, "grac_garbage")
	wantCode(t, err, oauth.InvalidGrant)
	_, err = n.Authorize(t.Context(), ask(c, "response_type=token"), oauth.Visitor{Browser: "b"})
	ok(t, err)
	_, err = n.Authorize(t.Context(), ask(c, "redirect_uri=https://evil.example/"), oauth.Visitor{Browser: "b"})
	wantCode(t, err, oauth.InvalidRequest)
	ok(t, n.FlushUsage(t.Context()))
	wantTotals(t, n.totals(oauth.Hour), map[string]int64{
		"invalid_client": 2, "invalid_grant": 1, "unsupported_response_type": 1, "invalid_request": 1,
	})
	wantTotals(t, n.totalsOf("web", oauth.Hour), map[string]int64{
		"invalid_client": 1, "invalid_grant": 1, "unsupported_response_type": 1,
	})
	if strings.Contains(b.kept.String(), "made-up") {
		t.Error("what a stranger made up is in the store")
	}
}

func TestAFailureOfTheStoreIsCountedAsSuch(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	c := n.register(webApp())
	b.fail = func(_ int, call string) outcome {
		if call == "create authorization" {
			return failsBefore
		}
		return works
	}
	if _, err := n.machine(c); err == nil {
		t.Fatal("issued without a store")
	}
	wantTotals(t, n.totals(oauth.Hour), map[string]int64{"temporarily_unavailable": 1})
}

// TestWhatCouldNotBeWrittenIsWrittenLater: certain failures lose nothing. Where nobody knows, a count may be too low, and is
// never too high.
func TestWhatCouldNotBeWrittenIsWrittenLater(t *testing.T) {
	for _, test := range []struct {
		verb        string
		outcome     outcome
		least, most int64 // of two records, one may not have been tried after the other failed, and loses nothing
	}{
		{"get", failsBefore, 2, 2}, {"create", failsBefore, 1, 2}, {"create", failsAfter, 2, 2},
	} {
		w := newWorld(t)
		b := &watched{Backend: w.store}
		n := w.over(b, w.now)
		c := n.register(webApp())
		_, err := n.machine(c)
		ok(t, err)
		b.fail = func(_ int, call string) outcome {
			if strings.HasPrefix(call, test.verb+" usage_tally") {
				return test.outcome
			}
			return works
		}
		if err := n.FlushUsage(t.Context()); err == nil {
			t.Fatalf("%s: no error", test.verb)
		}
		b.fail = nil
		_, err = n.machine(c)
		ok(t, err)
		ok(t, n.FlushUsage(t.Context()))
		ok(t, n.FlushUsage(t.Context()))
		if got := w.node().totals(oauth.Hour)["client_credentials"]; got < test.least || got > test.most {
			t.Errorf("%s, %v: counted %d, want %d to %d", test.verb, test.outcome, got, test.least, test.most)
		}
	}
}

func TestAnIdleNodeWritesNothing(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	c := n.register(webApp())
	_, err := n.machine(c)
	ok(t, err)
	ok(t, n.FlushUsage(t.Context()))
	for range 3 {
		b.took()
		w.move(time.Minute)
		ok(t, n.FlushUsage(t.Context()))
		if calls := b.took(); len(calls) > 0 {
			t.Fatalf("it asked the store for %v", calls)
		}
	}
}

func TestRunUsageWritesAtTheEnd(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { n.RunUsage(ctx) })
	_, err := n.machine(c)
	ok(t, err)
	cancel()
	running.Wait()
	wantTotals(t, w.node().totals(oauth.Hour), map[string]int64{"client_credentials": 1})
}

// wantUsed checks when a key was last used as all nodes see it; the zero time for never.
func wantUsed(t *testing.T, nodes []*node, key string, want time.Time) {
	t.Helper()
	for i, n := range nodes {
		used, err := n.LastUsed(t.Context(), key, oauth.ClientKey("nobody"), "garbage")
		ok(t, err)
		if !used[key].Equal(want) || len(used) > 1 {
			t.Errorf("node %d: %s was last used at %v, want %v", i, key, used, want)
		}
	}
}

func TestLastUseOfClientsAndSecrets(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n, other := w.over(b, w.now), w.node()
	nodes := []*node{n, other}
	_, first, err := n.RegisterClient(t.Context(), webApp(), "")
	ok(t, err)
	firstID := n.client("web").Secrets[0].ID
	wantUsed(t, nodes, oauth.ClientKey("web"), time.Time{})
	ok(t, n.authenticate(oauth.ClientSecretBasic, "web", first))
	wantUsed(t, nodes[:1], oauth.ClientKey("web"), w.now()) // before it is written
	ok(t, n.FlushUsage(t.Context()))
	began := w.now()
	wantUsed(t, nodes, oauth.ClientKey("web"), began)
	wantUsed(t, nodes, oauth.SecretKey("web", firstID), began)

	w.move(59 * time.Second)
	ok(t, n.authenticate(oauth.ClientSecretBasic, "web", first))
	b.took()
	ok(t, n.FlushUsage(t.Context()))
	if calls := b.took(); len(calls) > 0 {
		t.Errorf("within the same minute it asked the store for %v", calls)
	}
	w.move(time.Second)
	second, secret, err := n.AddSecret(t.Context(), "web", oauth.NewClientSecret{Name: "second"})
	ok(t, err)
	ok(t, n.authenticate(oauth.ClientSecretBasic, "web", secret))
	wantCode(t, n.authenticate(oauth.ClientSecretBasic, "web", "grcs_garbage"), oauth.InvalidClient)
	ok(t, n.FlushUsage(t.Context()))
	wantUsed(t, nodes, oauth.ClientKey("web"), began.Add(time.Minute))
	wantUsed(t, nodes, oauth.SecretKey("web", firstID), began)
	wantUsed(t, nodes, oauth.SecretKey("web", second.ID), began.Add(time.Minute))

	w.move(399 * 24 * time.Hour)
	wantUsed(t, nodes, oauth.ClientKey("web"), began.Add(time.Minute))
	w.move(2 * 24 * time.Hour)
	wantUsed(t, []*node{w.node()}, oauth.ClientKey("web"), time.Time{})
}

func TestLastUseOfAuthorizations(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n, other := w.over(b, w.now), w.node()
	nodes := []*node{n, other}
	c := n.register(webApp())
	v := n.signIn(n.user("ann"))
	tokens := n.tokens(c, v)
	page, _, err := n.Authorizations(t.Context(), "client:web", "", 10)
	ok(t, err)
	key := oauth.AuthorizationKey(page[0].ID)
	began := w.now()
	ok(t, n.FlushUsage(t.Context()))
	wantUsed(t, nodes, key, began)
	writes := func() (n int) {
		for _, call := range b.took() {
			if strings.HasSuffix(call, " usage_authorization") && !strings.HasPrefix(call, "get") {
				n++
			}
		}
		return n
	}
	b.took()
	for range 9 {
		w.move(time.Minute)
		n.wantActive(c, true, tokens.AccessToken)
		ok(t, n.FlushUsage(t.Context()))
	}
	if n := writes(); n != 1 {
		t.Errorf("%d writes in nine minutes", n)
	}
	wantUsed(t, nodes, key, began.Add(5*time.Minute))
	_, _, err = n.Examine(t.Context(), tokens.AccessToken)
	ok(t, err)
	w.move(5 * time.Minute)
	ok(t, n.FlushUsage(t.Context()))
	wantUsed(t, nodes, key, began.Add(5*time.Minute)) // an admin who looks at it does not use it
	_, err = n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	ok(t, n.FlushUsage(t.Context()))
	wantUsed(t, nodes, key, began.Add(14*time.Minute))
}

func TestUsageOfAMachineIsNotKeptPerAuthorization(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	c := n.register(webApp())
	tokens, err := n.machine(c)
	ok(t, err)
	n.wantActive(c, true, tokens.AccessToken)
	ok(t, n.FlushUsage(t.Context()))
	if strings.Contains(b.kept.String(), "usage_authorization") {
		t.Error("it is kept")
	}
}
