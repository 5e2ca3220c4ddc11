package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// explaining gives a node that explains refusals, over a backend.
func (w *world) explaining(b store.Backend, kept time.Duration) *oauth.Provider {
	return oauth.New(oauth.Config{Issuer: issuer, Backend: b, Keys: w.keys, Now: w.now, ExplainFor: kept})
}

// requestID gives the id of the nth request of this moment, as package internal/web makes it.
func (w *world) requestID(n int) string { return fmt.Sprintf("%012x%020x", w.now().UnixMilli(), n) }

func (w *world) refuse(p *oauth.Provider, n int, address string) string {
	id := w.requestID(n)
	p.NoteRefusal(oauth.Explanation{ID: id, Address: address}, &oauth.Error{Code: oauth.InvalidRequest, Rule: "a rule", Source: "a source"})
	return id
}

func unexplained(t *testing.T, p *oauth.Provider, id, why string) {
	t.Helper()
	_, err := p.Explain(context.Background(), id)
	var told *oauth.UnexplainedError
	if !errors.As(err, &told) || !errors.Is(err, store.ErrNotFound) || !strings.Contains(told.Why, why) {
		t.Errorf("told %v, want %q", err, why)
	}
}

func countRefusals(t *testing.T, p *oauth.Provider) (n int) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := p.Refusals(context.Background(), "", cursor, 500)
		ok(t, err)
		n += len(page)
		if cursor = next; cursor == "" {
			return n
		}
	}
}

func TestEveryNodeExplainsAndForgetsAfterAWhile(t *testing.T) {
	w := newWorld(t)
	one, other := w.explaining(w.store, time.Hour), w.explaining(w.store, time.Hour)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { one.RunRefusals(ctx) })
	id := w.refuse(one, 1, "192.0.2.1")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if e, err := other.Explain(ctx, id); err == nil {
			if e.Rule != "a rule" || e.Source != "a source" || e.ID != id {
				t.Errorf("%+v", e)
			}
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	last := w.refuse(one, 2, "192.0.2.1") // the end flushes
	stop()
	running.Wait()
	if _, err := other.Explain(context.Background(), last); err != nil {
		t.Error(err)
	}
	unexplained(t, other, w.requestID(3), "it was not refused, or not by this server")
	unexplained(t, other, "grat_something", "not the id of a request")
	w.move(time.Hour)
	unexplained(t, other, last, "nothing is known")
	w.move(time.Second)
	unexplained(t, other, last, "refusals are explained for 1h")
}

func TestNothingIsKeptWhereRefusalsAreNotExplained(t *testing.T) {
	w := newWorld(t)
	p := w.explaining(w.store, 0)
	id := w.refuse(p, 1, "192.0.2.1")
	p.FlushRefusals(context.Background())
	unexplained(t, p, id, "explain_for is 0")
	if n := countRefusals(t, p); n != 0 {
		t.Errorf("%d are kept", n)
	}
}

func TestAFloodOfRefusalsIsBounded(t *testing.T) {
	w := newWorld(t)
	p := w.explaining(w.store, 24*time.Hour)
	began, n := w.now(), 0
	flood := func(times int) {
		for range times {
			n++
			w.refuse(p, n, fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
		}
		p.FlushRefusals(context.Background())
	}
	flood(20_000)
	if kept := countRefusals(t, p); kept != 500 {
		t.Errorf("%d are kept of a flood at once, want 500", kept)
	}
	unexplained(t, p, w.requestID(20_000), "(19500 were left out)")
	for w.now().Sub(began) < 2*time.Second {
		w.move(20 * time.Millisecond)
		flood(20)
	}
	if kept := countRefusals(t, p); kept < 595 || kept > 601 {
		t.Errorf("%d are kept after two seconds, want 600", kept)
	}
	for range 300 {
		w.move(10 * time.Second)
		flood(600)
	}
	if kept := countRefusals(t, p); kept > 10_000+2000 {
		t.Errorf("%d are kept in an hour, which would fill the store in a day", kept)
	}
}

func TestOneAddressLeavesRoomForOthers(t *testing.T) {
	w := newWorld(t)
	p := w.explaining(w.store, 24*time.Hour)
	for n := range 1000 {
		w.refuse(p, n, fmt.Sprintf("2001:db8::%x", n)) // one subscriber
	}
	other := w.refuse(p, 2000, "192.0.2.7")
	p.FlushRefusals(context.Background())
	if kept := countRefusals(t, p); kept != 101 {
		t.Errorf("%d are kept, want 100 of one address and 1 of another", kept)
	}
	if _, err := p.Explain(context.Background(), other); err != nil {
		t.Error(err)
	}
	w.move(10 * time.Second)
	later := w.refuse(p, 3000, "2001:db8::1")
	p.FlushRefusals(context.Background())
	if _, err := p.Explain(context.Background(), later); err != nil {
		t.Error(err)
	}
}

func TestAStoreThatIsAwayHoldsNobodyUpAndIsTold(t *testing.T) {
	w := newWorld(t)
	var away atomic.Bool
	b := &watched{Backend: w.store, fail: func(int, string) outcome {
		if away.Load() {
			return failsBefore
		}
		return works
	}}
	p := w.explaining(b, time.Hour)
	away.Store(true)
	id := w.refuse(p, 1, "192.0.2.1")
	p.FlushRefusals(context.Background())
	away.Store(false)
	p.FlushRefusals(context.Background())
	unexplained(t, p, id, "(1 were left out)")
	p.FlushRefusals(context.Background())
	unexplained(t, p, id, "(1 were left out)") // counted once
}

func TestANearMissThatFailsCostsNoMoreThanItself(t *testing.T) {
	w := newWorld(t)
	p := w.explaining(w.store, time.Hour)
	refused := (&oauth.Error{Code: oauth.InvalidRequest}).By("a rule", "a source").But(func() string { panic("a fault") })
	p.NoteRefusal(oauth.Explanation{ID: w.requestID(1)}, refused)
	p.FlushRefusals(context.Background())
	if e, err := p.Explain(context.Background(), w.requestID(1)); err != nil || e.Rule != "a rule" || e.Near != "" {
		t.Errorf("%+v, %v", e, err)
	}
}

// Nothing of a refusal is written, or read, before its answer: one that is kept costs a caller no more than one that is not.
func TestRefusalsAreNotedWithoutTheStore(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	p := w.explaining(b, time.Hour)
	parallel(8, func(i int) (string, error) {
		for n := range 200 {
			w.refuse(p, 1000*i+n, fmt.Sprintf("192.0.2.%d", i))
		}
		return "", nil
	})
	if calls := b.took(); len(calls) != 0 {
		t.Errorf("noting calls %v", calls)
	}
}

func TestWhatStrangersSendCannotForgeAnExplanation(t *testing.T) {
	w := newWorld(t)
	p := w.explaining(w.store, time.Hour)
	evil := "a\r\nrule  forged\x1b[2J\u202etxt\x00" + strings.Repeat("x ", 100_000)
	refused := (&oauth.Error{Code: oauth.InvalidRequest}).By(evil, evil).Saying(evil)
	p.NoteRefusal(oauth.Explanation{ID: w.requestID(1), Path: evil, Method: evil, ClientID: evil, Claimed: true, Subject: evil, Grant: evil, Error: evil, Description: evil}, refused)
	p.FlushRefusals(context.Background())
	e, err := p.Explain(context.Background(), w.requestID(1))
	ok(t, err)
	if text := fmt.Sprintf("%+v", *e); len(text) > 6000 || strings.ContainsAny(text, "\r\n\x1b\x00\u202e") {
		t.Errorf("%d bytes: %.300q", len(text), text)
	}
}
