package protect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLookUpsOfOneTokenAreJoined(t *testing.T) {
	k := newDesk(t)
	release := make(chan struct{})
	good := k.good()
	k.answers(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(good)
	})
	impatient, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := k.i.look(impatient, "opaque")
		gone <- err
	}()
	until(t, "the request", func() bool { return k.asked.Load() == 1 })
	var group sync.WaitGroup
	var same atomic.Pointer[Token]
	for range 50 {
		group.Go(func() {
			got := k.expect(t, "opaque", nil)
			if !same.CompareAndSwap(nil, got) && same.Load() != got {
				t.Error("another token")
			}
		})
	}
	giveUp() // the first caller: the others get their answer
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	close(release)
	group.Wait()
	if k.asked.Load() != 1 {
		t.Errorf("%d requests", k.asked.Load())
	}
}

func TestACallerWaitsNoLongerThanHeWants(t *testing.T) {
	k := newDesk(t)
	k.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := k.i.look(ctx, "opaque"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestCallersWhoLeaveAtOnceFillNoMemory: whoever sends junk, and does not wait for what becomes of it.
func TestCallersWhoLeaveAtOnceFillNoMemory(t *testing.T) {
	k := newDesk(t, func(c *Config) { c.Timeout = time.Minute })
	k.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	left, leave := context.WithCancel(t.Context())
	leave()
	for n := range 2 * flightsAtATime {
		_, _ = k.i.look(left, fmt.Sprint("junk", n))
	}
	k.i.mu.Lock()
	n := len(k.i.flights)
	k.i.mu.Unlock()
	if n > flightsAtATime {
		t.Errorf("%d requests are kept", n)
	}
	k.expect(t, "opaque", errAway)
}

func TestClosingEndsRequests(t *testing.T) {
	k := newDesk(t)
	k.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	done := make(chan error)
	go func() {
		_, err := k.i.look(context.Background(), "opaque")
		done <- err
	}()
	until(t, "the request", func() bool { return k.asked.Load() == 1 })
	k.i.close()
	if err := <-done; !errors.Is(err, errAway) {
		t.Error(err)
	}
	k.expect(t, "another", errAway)
}

func TestAServerInTroubleIsLeftAlone(t *testing.T) {
	k := newDesk(t)
	k.tells(k.good())
	k.expect(t, "known", nil)
	k.says(http.StatusInternalServerError)
	for n := range 20 {
		k.expect(t, fmt.Sprint("token ", n), errAway)
	}
	if n := k.asked.Load(); n != 1+failuresToOpen {
		t.Errorf("%d requests", n)
	}
	k.expect(t, "known", nil) // within its time
	k.clock.pass(defaultCacheTime)
	k.expect(t, "known", errAway) // and not beyond, however long the outage
	if n := k.asked.Load(); n != 2+failuresToOpen {
		t.Errorf("%d requests: one goes first when the circuit may close", n)
	}
	k.tells(k.good())
	k.expect(t, "known", errAway)
	k.clock.pass(longestOpen)
	k.expect(t, "known", nil)
	k.expect(t, "token 1", nil)
}

func TestAWrongSecretIsLoggedOnceAndNotTriedAgainAtOnce(t *testing.T) {
	k := newDesk(t)
	k.says(http.StatusUnauthorized)
	for n := range 10 {
		k.expect(t, fmt.Sprint("token ", n), errAway)
		k.clock.pass(time.Second / 2)
	}
	if k.asked.Load() != 1 || k.log.count("refuses the client id or secret") != 1 {
		t.Errorf("%d requests, log:\n%s", k.asked.Load(), k.log)
	}
	k.clock.pass(longestOpen)
	k.expect(t, "token", errAway)
	if k.asked.Load() != 2 || k.log.count("refuses the client id or secret") != 1 || strings.Contains(k.log.String(), "s3cret") {
		t.Errorf("%d requests, log:\n%s", k.asked.Load(), k.log)
	}
	k.tells(k.good())
	k.clock.pass(time.Minute)
	k.expect(t, "token", nil)
}

func TestRetryAfterIsObeyed(t *testing.T) {
	for _, test := range []struct {
		value string
		wait  time.Duration
	}{{"7", 7 * time.Second}, {"", time.Second}, {"soon", time.Second}, {"86400", longestObedient}} {
		k := newDesk(t)
		k.answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", test.value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		k.expect(t, "token", errAway)
		k.tells(k.good())
		k.clock.pass(test.wait - time.Millisecond)
		k.expect(t, "token", errAway)
		k.clock.pass(time.Millisecond)
		k.expect(t, "token", nil)
	}
}

func TestATokenMadeToFailDoesNotStopTheOthers(t *testing.T) {
	k := newDesk(t)
	k.says(http.StatusBadRequest)
	for n := range 3 * failuresToOpen {
		k.expect(t, fmt.Sprint("token ", n), errAway)
	}
	k.tells(k.good())
	k.expect(t, "token", nil)
}

func TestHooksAreToldOfRequestsToTheServer(t *testing.T) {
	var mu sync.Mutex
	told := map[string]int{}
	k := newDesk(t, func(c *Config) {
		c.Hooks.OnIntrospect = func(result string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			told[result]++
		}
	})
	k.tells(k.good())
	k.expect(t, "a", nil)
	k.expect(t, "a", nil)
	k.tells(map[string]any{"active": false})
	k.expect(t, "b", errInactive)
	k.says(http.StatusBadGateway)
	k.expect(t, "c", errAway)
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(told) != "map[active:1 inactive:1 unavailable:1]" {
		t.Error(told)
	}
}

func TestAKnownTokenIsLookedUpWithoutAllocation(t *testing.T) {
	k := newDesk(t)
	k.tells(k.good())
	k.expect(t, "opaque", nil)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = k.i.look(ctx, "opaque") }); n != 0 {
		t.Errorf("%f allocations", n)
	}
}

func TestTokensThemselvesAreNotKept(t *testing.T) {
	k := newDesk(t)
	k.tells(k.good())
	k.expect(t, "opaque-token-of-somebody", nil)
	for i := range k.i.active.slots {
		if e := k.i.active.slots[i].Load(); e != nil && strings.Contains(fmt.Sprintf("%+v %s", e.value, e.value.claims), "opaque-token-of-somebody") {
			t.Error("the token is in memory")
		}
	}
}
