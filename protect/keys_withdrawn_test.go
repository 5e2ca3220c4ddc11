package protect

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// keysEvent is what the feed tells of keys that were withdrawn.
func keysEvent(until time.Time, kids ...string) event {
	return event{name: "keys", data: []byte(fmt.Sprintf(`{"withdrawn":%s,"until":%d}`, quoted(kids), until.Unix()))}
}

func quoted(list []string) string {
	text := "["
	for i, s := range list {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf("%q", s)
	}
	return text + "]"
}

// told has the feed of a guard take an event.
func told(t *testing.T, g *Guard, e event) {
	t.Helper()
	caughtUp := true
	check(t, newFeed(&g.config, g.discovery, g.keys).take(e, &caughtUp))
}

// requested keeps what the key set was asked for with.
type requested struct {
	http.RoundTripper
	mu   sync.Mutex
	with []string // Cache-Control of each request
}

func (r *requested) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Path == "/jwks" {
		r.mu.Lock()
		r.with = append(r.with, request.Header.Get("Cache-Control"))
		r.mu.Unlock()
	}
	return r.RoundTripper.RoundTrip(request)
}

func (r *requested) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.with[len(r.with)-1]
}

// long is a token that outlives the test.
func (s *server) long(t *testing.T, k *signer, id string) string {
	t.Helper()
	return s.tokenBy(t, k, time.Now(), map[string]any{"exp": time.Now().Add(72 * time.Hour).Unix(), "jti": id})
}

func TestAWithdrawnKeyIsRefusedAtOnceAlsoWhileTheServerIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		gone, stays := s.key(0), s.key(1)
		seen, other, unseen := s.long(t, gone, "a.1"), s.long(t, stays, "a.2"), s.long(t, gone, "a.3")
		wantCode(t, refusalOf(t, g, seen), 0, "ok")
		wantCode(t, refusalOf(t, g, other), 0, "ok")
		s.down.Store(true)
		told(t, g, keysEvent(time.Now().Add(24*time.Hour), gone.ID))
		fresh := newSigner(t, jose.EdDSA)
		next := s.long(t, fresh, "a.4")
		for range 2 {
			for _, token := range []string{seen, unseen} {
				wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
			}
			wantCode(t, refusalOf(t, g, other), 0, "ok")
			// It may be signed with the key that took the place of the other.
			wantCode(t, refusalOf(t, g, next), 503, "temporarily_unavailable")
			time.Sleep(time.Hour)
		}
		s.withdraw(gone)
		s.publish(fresh)
		s.down.Store(false)
		time.Sleep(retryLatest + time.Second)
		wantCode(t, refusalOf(t, g, next), 0, "ok")
		wantCode(t, refusalOf(t, g, other), 0, "ok")
		wantCode(t, refusalOf(t, g, seen), 401, "invalid_token")
		wantCode(t, refusalOf(t, g, s.long(t, newSigner(t, jose.EdDSA), "a.5")), 401, "invalid_token")
	})
}

func TestWhatTookThePlaceOfAWithdrawnKeyIsKnownWithinASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		asked := &requested{RoundTripper: c.HTTPClient.Transport}
		c.HTTPClient.Transport = asked
		g := newGuard(t, c)
		gone, fresh := s.key(0), newSigner(t, jose.EdDSA)
		told(t, g, keysEvent(time.Now().Add(24*time.Hour), gone.ID))
		s.withdraw(gone)
		s.publish(fresh)
		time.Sleep(keysTold)
		synctest.Wait()
		if n := s.keyReads.Load(); n != 2 || asked.last() != "no-cache" {
			t.Errorf("keys were read %d times, the last time with %q", n, asked.last())
		}
		wantCode(t, refusalOf(t, g, s.long(t, fresh, "a.1")), 0, "ok")
		if n := s.keyReads.Load(); n != 2 {
			t.Errorf("a request had to read the keys: %d times", n)
		}
		time.Sleep(keysUsually + time.Second)
		if asked.last() != "" {
			t.Errorf("later they are read with %q", asked.last())
		}
	})
}

// Strangers can use up the readings that unknown keys bring about. What is told counts all the same, also while keys are read.
func TestWhileTheKeysAreOutdatedAnUnknownOneMayBeGood(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		wantCode(t, refusalOf(t, g, s.long(t, newSigner(t, jose.EdDSA), "a.1")), 401, "invalid_token")
		hold := s.hangs()
		told(t, g, event{name: "keys", data: []byte("{}")})
		time.Sleep(keysTold) // it is being read
		told(t, g, event{name: "keys", data: []byte("{}")})
		close(hold)
		s.keys.Lock()
		s.keys.hold = nil
		s.keys.Unlock()
		synctest.Wait() // what was read may be older than the second change
		fresh := newSigner(t, jose.EdDSA)
		s.publish(fresh)
		wantCode(t, refusalOf(t, g, s.long(t, fresh, "a.2")), 503, "temporarily_unavailable")
		time.Sleep(3 * keysTold)
		wantCode(t, refusalOf(t, g, s.long(t, fresh, "a.3")), 0, "ok")
		wantCode(t, refusalOf(t, g, s.long(t, newSigner(t, jose.EdDSA), "a.4")), 401, "invalid_token")
	})
}

// A cache on the way, or a node that has not heard, answers with what was.
func TestAnOldKeySetDoesNotBringAWithdrawnKeyBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		gone := s.key(0)
		token := s.long(t, gone, "a.1")
		told(t, g, keysEvent(time.Now().Add(24*time.Hour), gone.ID))
		for range 4 {
			wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
			time.Sleep(13 * time.Hour) // it is remembered for as long as it is published
		}
		wantCode(t, refusalOf(t, g, s.long(t, newSigner(t, jose.EdDSA), "a.2")), 503, "temporarily_unavailable")
		wantCode(t, refusalOf(t, g, s.long(t, s.key(1), "a.3")), 0, "ok")
		s.withdraw(gone)
		time.Sleep(retryLatest + time.Second)
		reads := s.keyReads.Load()
		time.Sleep(2 * time.Minute)
		if n := s.keyReads.Load(); n != reads {
			t.Errorf("keys were read %d times after the right ones", n-reads)
		}
		if g.keys.withdrawn(gone.ID) {
			t.Error("it is remembered for ever")
		}
		wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
	})
}

func TestAWithdrawnKeyIsRememberedForLongerThanClocksDiffer(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		gone := s.key(0)
		s.withdraw(gone)
		told(t, g, keysEvent(time.Now().Add(time.Minute), gone.ID))
		time.Sleep(clockError)
		if !g.keys.withdrawn(gone.ID) {
			t.Error("it is forgotten before clocks are set right")
		}
		time.Sleep(time.Minute + 2*keysUsually)
		if g.keys.withdrawn(gone.ID) {
			t.Error("it is remembered for ever")
		}
	})
}

func TestAFloodOfKeyEventsIsNoFloodOfReadings(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		const lasts = time.Minute
		for i := range 6000 {
			told(t, g, keysEvent(time.Now().Add(time.Hour), fmt.Sprint("kid", i)))
			told(t, g, event{name: "keys", data: []byte("{}")})
			time.Sleep(lasts / 6000)
		}
		time.Sleep(keysAsked)
		synctest.Wait()
		if n := s.keyReads.Load() - 1; n < int64(lasts/keysAsked) || n > int64(lasts/keysAsked)+4 {
			t.Errorf("keys were read %d times in %v", n, lasts)
		}
		if g.keys.outdated() {
			t.Error("the last of them were not followed by a reading")
		}
		time.Sleep(keysCalm + time.Second)
		read := s.keyReads.Load()
		for i, soon := range []time.Duration{keysTold, 2 * keysTold} {
			told(t, g, event{name: "keys", data: []byte("{}")})
			time.Sleep(soon)
			synctest.Wait()
			if n := s.keyReads.Load() - read; n != int64(i)+1 {
				t.Errorf("after a minute without events keys were read %d times for %d", n, i+1)
			}
		}
	})
}

func TestAnEventThatIsToldAgainCostsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		gone := s.key(0)
		s.withdraw(gone)
		for i := range 10 {
			told(t, g, keysEvent(time.Now().Add(24*time.Hour), gone.ID))
			time.Sleep(keysAsked)
			if n := s.keyReads.Load(); n != 2 {
				t.Fatalf("told %d times: keys were read %d times", i+1, n)
			}
		}
	})
}

func TestAnEventThatNamesNoKeyHasTheKeysRead(t *testing.T) {
	for _, data := range []string{`{}`, `{"withdrawn":[]}`, `{"withdrawn":null,"until":1,"more":{}}`} {
		inBubble(t, func(t *testing.T, s *server, c Config) {
			g := newGuard(t, c)
			gone := s.key(0)
			token := s.long(t, gone, "a.1")
			s.withdraw(gone)
			told(t, g, event{name: "keys", data: []byte(data)})
			time.Sleep(keysTold)
			synctest.Wait()
			wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
		})
	}
}

// It may have been damaged on the way: it is asked for again, as every event is, and the keys are read at once.
func TestAKeyEventThatCannotBeReadHasTheKeysRead(t *testing.T) {
	for _, data := range []string{`{"withdrawn":["x"]}`, `{"withdrawn":[""],"until":4000000000}`, `{"withdrawn":7}`, `{"withdrawn`, ``} {
		inBubble(t, func(t *testing.T, s *server, c Config) {
			g := newGuard(t, c)
			gone := s.key(0)
			token := s.long(t, gone, "a.1")
			s.withdraw(gone)
			f, caughtUp := newFeed(&g.config, g.discovery, g.keys), true
			for range attemptsToRead - 1 {
				if f.take(event{id: "1", name: "keys", data: []byte(data)}, &caughtUp) == nil || f.current() || f.position != "" {
					t.Errorf("%q is taken", data)
				}
			}
			check(t, f.take(event{id: "1", name: "keys", data: []byte(data)}, &caughtUp)) // and passed over
			time.Sleep(keysTold)
			synctest.Wait()
			wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
		})
	}
}

func TestAKeyThatWasWithdrawnBeforeTheKeysAreReadIsNotTaken(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		s.down.Store(true)
		g := newGuard(t, c)
		gone := s.key(0)
		told(t, g, keysEvent(time.Now().Add(24*time.Hour), gone.ID))
		wantCode(t, refusalOf(t, g, s.long(t, gone, "a.1")), 503, "temporarily_unavailable")
		s.down.Store(false)
		time.Sleep(retryLatest + time.Second)
		wantCode(t, refusalOf(t, g, s.long(t, gone, "a.1")), 401, "invalid_token")
		wantCode(t, refusalOf(t, g, s.long(t, s.key(1), "a.2")), 0, "ok")
	})
}

func TestKeyEventsComeByTheFeed(t *testing.T) {
	w := newLine(t, func(c *connection) {
		c.send("id: 1\nevent: keys\ndata: {\"withdrawn\":[\"one\",\"two\"],\"until\":4000000000}\n\n")
		c.send(ready)
		c.hold()
	})
	w.current(t)
	if !w.f.keys.withdrawn("one") || !w.f.keys.withdrawn("two") || w.f.keys.withdrawn("three") || w.f.position != "1" {
		t.Errorf("withdrawn: %v, position %q", w.f.keys.gone, w.f.position)
	}
}
