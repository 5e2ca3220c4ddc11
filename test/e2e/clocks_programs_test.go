package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// What programs and operators do at nodes whose clocks differ.

func (n *nodes) clients(t *testing.T) {
	one, two := n.app(n.one, "jwt"), n.app(n.two, "jwt")
	tokens, machine := n.two.Browser(t).Tokens(two, n.name), two.Machine(t).Access()
	n.wantAlive(t, true, tokens.Access(), machine)
	n.rest(t, n.one, http.MethodPost, "/clients/"+one.ID+"/disable", "")
	eventually(t, withinASecond, "a disabled client is out", func() bool {
		return two.Token(t, "grant_type", "client_credentials").Status == http.StatusUnauthorized && n.dead(t, tokens.Access(), machine)
	})
	n.rest(t, n.two, http.MethodPost, "/clients/"+one.ID+"/enable", "")
	eventually(t, withinASecond, "an enabled client is back", func() bool {
		answer := one.Token(t, "grant_type", "client_credentials")
		return answer.Status == http.StatusOK && !slices.Contains(verdicts(n.seen(t, answer.Access())), false)
	})
	n.rest(t, n.one, http.MethodPatch, "/clients/"+one.ID, `{"scope": "profile"}`)
	eventually(t, withinASecond, "a scope is gone", func() bool {
		return two.Token(t, "grant_type", "client_credentials", "scope", "api:read").Fault() == "invalid_scope"
	})
	fresh := *two
	fresh.Secret = n.rest(t, n.one, http.MethodPost, "/clients/"+one.ID+"/secrets/rotate", "{}").Text("client_secret")
	n.one.Keep(fresh.Secret)
	eventually(t, withinASecond, "the old secret is refused, and the new one taken", func() bool {
		return two.Token(t, "grant_type", "client_credentials").Status == http.StatusUnauthorized &&
			fresh.Token(t, "grant_type", "client_credentials").Status == http.StatusOK
	})
	n.rest(t, n.one, http.MethodDelete, "/clients/"+one.ID, "")
	eventually(t, withinASecond, "a deleted client is unknown", func() bool {
		return fresh.Token(t, "grant_type", "client_credentials").Status == http.StatusUnauthorized
	})
}

func verdicts(m map[string]bool) (all []bool) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

func (n *nodes) revocations(t *testing.T) {
	for _, format := range []string{"opaque", "jwt"} {
		one, two := n.app(n.one, format), n.app(n.two, format)
		tokens, machine := n.one.Browser(t).Tokens(one, n.name), two.Machine(t).Access()
		n.wantAlive(t, true, tokens.Access(), machine)
		one.Revoke(t, tokens.Refresh()).Wants(t, http.StatusOK, "")
		one.Revoke(t, machine).Wants(t, http.StatusOK, "")
		eventually(t, withinASecond, "what was revoked has ended", func() bool { return n.dead(t, tokens.Access(), machine) })
		two.Refresh(t, tokens.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
	}
}

// ends has one node end all tokens of a client while the other issues some.
func (n *nodes) ends(t *testing.T) {
	for _, format := range []string{"opaque", "jwt"} {
		app := n.app(n.two, format)
		var before, after []string
		ended, stop := make(chan struct{}), make(chan struct{})
		var issuing sync.WaitGroup
		issuing.Go(func() {
			for {
				answer, err := app.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
				if err != nil || answer.Access() == "" {
					t.Errorf("no token: %v: %v", answer, err)
					return
				}
				select {
				case <-stop:
					return
				case <-ended:
					after = append(after, answer.Access())
				default:
					before = append(before, answer.Access())
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
		time.Sleep(300 * time.Millisecond)
		n.rest(t, n.one, http.MethodPost, "/tokens/revoke", `{"client_id": "`+app.ID+`"}`)
		close(ended)
		eventually(t, withinASecond, "what begins after the end lives", func() bool {
			for _, at := range n.each() {
				token := app.On(at).Machine(t).Access()
				if slices.Contains(verdicts(n.seen(t, token)), false) {
					return false
				}
			}
			return true
		})
		close(stop)
		issuing.Wait()
		if len(before) == 0 {
			t.Fatal("nothing was issued before the end")
		}
		eventually(t, withinASecond, "what began before the end is dead", func() bool { return n.dead(t, before...) })
		eventually(t, withinASecond, "of what began at that moment all think the same", func() bool {
			return !slices.ContainsFunc(after, func(token string) bool {
				all := verdicts(n.seen(t, token))
				return slices.Contains(all, true) && slices.Contains(all, false)
			})
		})
	}
}

// keys rotate at one node; the other verifies at once what the new one signed, and signs with it within a second. A JWT of the
// node that is ahead is taken at once.
func (n *nodes) keys(t *testing.T) {
	one, two := n.app(n.one, "jwt"), n.app(n.two, "jwt")
	old := two.Machine(t).Access()
	n.rest(t, n.one, http.MethodPost, "/keys/rotate", `{"algorithm": "ES256", "force": true}`)
	fresh := one.Machine(t).Access()
	if signedBy(t, fresh) == signedBy(t, old) {
		t.Error("the key was not rotated")
	}
	n.wantAlive(t, true, old, fresh)
	verifyOn(t, n.two, fresh)
	eventually(t, withinASecond, "the other node signs with the new key", func() bool {
		return signedBy(t, two.Machine(t).Access()) == signedBy(t, fresh)
	})
	n.wantAlive(t, true, old, fresh, two.Machine(t).Access())
	n.rest(t, n.one, http.MethodPost, "/keys/withdraw", `{"id": "`+signedBy(t, fresh)+`"}`)
	for _, at := range n.each() { // APIs hear of it when they read the key set again
		eventually(t, withinASecond, "what a withdrawn key signed has ended", func() bool { return !n.api(at).Active(t, fresh) })
	}
	next := two.Machine(t).Access()
	for _, at := range n.each() {
		if signedBy(t, next) == signedBy(t, fresh) || !n.api(at).Active(t, next) || !n.api(at).Active(t, old) {
			t.Error("a token is refused that another key signed")
		}
	}
}

// limits of a client are those of both nodes together: 40 at once and 5 a second.
func (n *nodes) limits(t *testing.T) {
	const rate, burst = 5.0, 40
	app := n.app(n.one, "opaque")
	given, began := 0, time.Now()
	take := func(at *authtest.Server) (wait int, served bool) {
		answer := app.On(at).Post(t, authtest.RevokePath, authtest.Form("token", "x"))
		switch answer.Status {
		case http.StatusOK:
			given++
			return 0, true
		case http.StatusTooManyRequests:
			wait, err := strconv.Atoi(answer.Header.Get("Retry-After"))
			must(t, err)
			return wait, false
		}
		t.Fatalf("%s", answer)
		return 0, false
	}
	heard := func() bool {
		for i, served := 0, true; served; i++ {
			if _, served = take(n.one); i%2 == 0 {
				take(n.two) // gives half of what it has
			}
		}
		// What is asked of the other node from now on is less than what comes back: by itself it would serve all of it for ever.
		for range 12 {
			time.Sleep(250 * time.Millisecond)
			take(n.one)
			if _, served := take(n.two); !served {
				return true
			}
		}
		return false
	}
	// What a node does not get told within half a second, as on a busy machine, is told no more: it is tried again from then on.
	for deadline := began.Add(time.Minute); !heard(); given, began = 0, time.Now() {
		if began.After(deadline) {
			t.Fatal("the other node does not hear that nothing is left")
		}
	}
	if own := float64(given) - burst - rate*time.Since(began).Seconds(); own > burst {
		t.Errorf("%.0f were given beyond what both have together", own)
	}
	for _, at := range n.each() { // nobody is locked out, and nobody is told so
		const longest = 20 // seconds in which all comes back that both have given, which each may hear of only now
		eventually(t, longest*time.Second, "who waits is served", func() bool {
			wait, served := take(at)
			if wait > longest {
				t.Fatalf("Retry-After is %d", wait)
			}
			return served
		})
	}
}

func (n *nodes) audit(t *testing.T) {
	id := n.name + "-opaque"
	var done [2][]string // ids of requests at each node, in their order
	for i := range 8 {
		answer := n.rest(t, n.each()[i%2], http.MethodPost, "/clients/"+id+"/"+[]string{"disable", "enable"}[i%2], "")
		done[i%2] = append(done[i%2], answer.Header.Get("X-Request-Id"))
	}
	type event struct {
		Time      time.Time
		RequestID string `json:"request_id"`
	}
	page := func(at *authtest.Server, cursor string, limit int) (events []event, next string) {
		var p struct {
			Items []event
			Next  string `json:"next_cursor"`
		}
		answer := n.rest(t, at, http.MethodGet, "/audit?action=client&object=client:"+id+"&limit="+strconv.Itoa(limit)+"&cursor="+cursor, "")
		must(t, json.Unmarshal([]byte(answer.Body), &p))
		return p.Items, p.Next
	}
	var lists [2]string
	for i, at := range n.each() {
		all, _ := page(at, "", 100)
		var some []event
		for cursor := ""; ; {
			events, next := page(at, cursor, 3)
			some = append(some, events...)
			if cursor = next; cursor == "" {
				break
			}
		}
		if !slices.Equal(all, some) {
			t.Errorf("in pages the log is another: %v, %v", all, some)
		}
		if !slices.IsSortedFunc(all, func(a, b event) int { return b.Time.Compare(a.Time) }) {
			t.Errorf("it is not in the order of its times: %v", all)
		}
		var ids []string
		for _, e := range slices.Backward(all) {
			ids = append(ids, e.RequestID)
		}
		lists[i] = strings.Join(ids, " ")
		for _, of := range done { // what one node did stands in the order in which it did it
			if found := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !slices.Contains(of, id) }); !slices.Equal(found, of) {
				t.Errorf("a node did %v, the log has %v", of, found)
			}
		}
	}
	if lists[0] != lists[1] {
		t.Errorf("the nodes show different logs:\n%s\n%s", lists[0], lists[1])
	}
}

func (n *nodes) statistics(t *testing.T) {
	app := n.app(n.one, "opaque")
	const each = 5
	for range each {
		for _, at := range n.each() {
			app.On(at).Machine(t)
		}
	}
	counted := func(at *authtest.Server) (total int64) {
		var s struct{ Issued []struct{ Total int64 } }
		must(t, json.Unmarshal([]byte(n.rest(t, at, http.MethodGet, "/statistics/clients/"+app.ID+"?period=hour", "").Body), &s))
		for _, series := range s.Issued {
			total += series.Total
		}
		return total
	}
	for _, at := range n.each() {
		eventually(t, 15*time.Second, "both nodes are counted", func() bool { return counted(at) == 2*each })
	}
}
