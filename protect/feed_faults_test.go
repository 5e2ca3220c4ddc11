package protect

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestUntilItHasCaughtUpTheFeedIsAway(t *testing.T) {
	caughtUp := make(chan struct{})
	w := newLine(t, func(c *connection) {
		c.send(tokenEnded("1", "a") + heartbeat("2"))
		<-caughtUp
		c.send(ready)
		c.hold()
	})
	token, _ := w.f.discovery.parseToken([]byte(`{"jti":"a"}`))
	w.denies(t, token)
	if w.f.current() {
		t.Error("it is current before it has caught up")
	}
	close(caughtUp)
	w.current(t)
	if state := <-w.states; state != "current" {
		t.Error(state)
	}
}

func TestFifteenSecondsWithoutANewsMakeItAwayAndAHeartbeatBringsItBack(t *testing.T) {
	beat := make(chan struct{})
	w := newLine(t, func(c *connection) {
		c.send(ready)
		<-beat
		c.send(heartbeat("1"))
		c.hold()
	})
	w.current(t)
	<-w.states
	w.clock.pass(15*time.Second - time.Millisecond)
	if !w.f.current() {
		t.Error("it is away too early")
	}
	w.clock.pass(time.Millisecond)
	if w.f.current() {
		t.Error("it is current without news")
	}
	if state := <-w.states; state != "away" || w.log.count("feed is away") != 1 {
		t.Errorf("%s, log:\n%s", state, w.log)
	}
	close(beat)
	w.current(t)
	if state := <-w.states; state != "current" {
		t.Error(state)
	}
}

func TestAClockThatWasSetBackProvesNothing(t *testing.T) {
	w := newLine(t, func(c *connection) { c.send(ready); c.hold() })
	w.current(t)
	w.clock.pass(-14 * time.Second)
	if !w.f.current() {
		t.Error("it is away because of a few seconds")
	}
	w.clock.pass(-time.Second)
	if w.f.current() {
		t.Error("it is current until the clock comes round")
	}
}

func TestAConnectionThatIsLostForAMomentIsNoOutage(t *testing.T) {
	w := newLine(t, func(c *connection) { c.send(ready); c.cut() }, func(c *connection) { c.send(heartbeat("1")); c.hold() })
	w.connected(t, 2)
	if !w.f.current() {
		t.Error("it is away at once")
	}
	w.clock.pass(15 * time.Second)
	if w.f.current() {
		t.Error("a heartbeat counts before it has caught up")
	}
}

func TestASilentConnectionIsLeft(t *testing.T) {
	quick := func(f *feed) { f.pace.silence = 50 * time.Millisecond }
	for name, first := range map[string]script{
		"no headers":       func(c *connection) { c.hold() },
		"headers only":     func(c *connection) { c.send(""); c.hold() },
		"silent when read": func(c *connection) { c.send(ready); c.hold() },
		"bytes but no event": func(c *connection) {
			for c.Context().Err() == nil {
				c.send(":")
				time.Sleep(time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLineWith(t, quick, first, func(c *connection) { c.send(ready + tokenEnded("1", "a")); c.hold() })
			w.connected(t, 2)
			token, _ := w.f.discovery.parseToken([]byte(`{"jti":"a"}`))
			w.denies(t, token)
		})
	}
}

func TestASlowStreamIsRead(t *testing.T) {
	w := newLine(t, func(c *connection) {
		for _, b := range []byte(tokenEnded("1", "a") + strings.ReplaceAll(ready, "\n", "\r\n")) {
			c.send(string(b))
			time.Sleep(time.Millisecond / 2)
		}
		c.hold()
	})
	w.current(t)
	if token, _ := w.f.discovery.parseToken([]byte(`{"jti":"a"}`)); !w.f.ended(token) {
		t.Error("the event was not taken")
	}
}

func TestAReaderThatIsTooFarBehindKeepsWhatItHas(t *testing.T) {
	w := newLine(t,
		func(c *connection) { c.send(ready + tokenEnded("old-1", "a")) },
		func(c *connection) { c.send(reset + tokenEnded("new-1", "b") + ready); c.hold() })
	for _, id := range []string{"b", "a"} {
		token, _ := w.f.discovery.parseToken([]byte(`{"jti":"` + id + `"}`))
		w.denies(t, token)
	}
	w.current(t)
}

func TestAnEventThatCannotBeReadIsAskedForAgainAndThenPassedOver(t *testing.T) {
	for name, data := range map[string]string{
		"broken":         `{"type":"token","jti":"x"`,
		"unknown type":   `{"type":"planet",` + forever,
		"no type":        `{` + forever,
		"no jti":         `{"type":"token",` + forever,
		"no until":       `{"type":"token","jti":"x"}`,
		"until in words": `{"type":"token","jti":"x","until":"soon"}`,
		"subject alone":  `{"type":"subject","sub":"x",` + forever,
		"too long":       `{"type":"token","jti":"` + strings.Repeat("x", maxStreamLine) + `",` + forever,
	} {
		t.Run(name, func(t *testing.T) {
			w := newLine(t, func(c *connection) {
				if c.Request.Header.Get("Last-Event-ID") == "" {
					c.send(tokenEnded("1", "a") + ready)
				}
				c.send(ended("2", data) + tokenEnded("3", "b") + ready)
				c.hold()
			})
			token, _ := w.f.discovery.parseToken([]byte(`{"jti":"b"}`))
			w.denies(t, token)
			w.current(t)
			if got := w.positions(); !slices.Equal(got, []string{"", "1", "1"}) {
				t.Errorf("connected behind %q", got)
			}
			if n := w.log.count("level=ERROR"); n != 1 {
				t.Errorf("%d errors in the log:\n%s", n, w.log)
			}
		})
	}
}

func TestAnEventThatWasDamagedOnItsWayIsTakenTheSecondTime(t *testing.T) {
	w := newLine(t,
		func(c *connection) { c.send(ready + ended("1", `{"type":"tok`+"\x00")); c.hold() },
		func(c *connection) { c.send(tokenEnded("1", "a") + ready); c.hold() })
	token, _ := w.f.discovery.parseToken([]byte(`{"jti":"a"}`))
	w.denies(t, token)
	w.current(t)
	if w.log.count("level=ERROR") != 0 {
		t.Error(w.log)
	}
}

func TestEventsOfTheFutureAreNoFault(t *testing.T) {
	w := newLine(t, func(c *connection) {
		c.send("id: 1\nevent: began\ndata: {\"x\":1}\n\n" + ": comment\n\n" + ended("2", `{"type":"token","jti":"a","more":{"x":[1]},`+forever) + ready)
		c.hold()
	})
	w.current(t)
	if token, _ := w.f.discovery.parseToken([]byte(`{"jti":"a"}`)); !w.f.ended(token) || len(w.positions()) != 1 {
		t.Error("the stream was not read")
	}
}

func TestGarbageIsNotBelieved(t *testing.T) {
	page := func(kind string, status int, body string) script {
		return func(c *connection) {
			c.ResponseWriter.Header().Set("Content-Type", kind)
			c.WriteHeader(status)
			_, _ = c.ResponseWriter.Write([]byte(body))
		}
	}
	w := newLine(t,
		page("text/html", 200, ready),
		page("application/json", 200, ready),
		page("text/event-stream", 204, ""),
		page("text/event-stream", 302, ready),
		page("text/event-stream", 404, ready),
		page("text/event-stream", 500, ready),
		page("text/event-stream", 200, strings.Repeat("\x00garbage\r", 5000)),
		func(c *connection) { c.hold() },
	)
	w.connected(t, 8)
	if w.f.current() || w.f.denied.len(0) != 0 {
		t.Error("something of it was taken")
	}
}

func TestASecretThatIsRefusedIsLoggedOnceAndTriedSeldom(t *testing.T) {
	w := newLine(t, func(c *connection) { c.WriteHeader(http.StatusUnauthorized) })
	began := time.Now()
	w.connected(t, 4)
	if took := time.Since(began); took < 3*quickPace().refused/2 {
		t.Errorf("four attempts in %s", took)
	}
	if w.log.count("level=ERROR") != 1 || strings.Contains(w.log.String(), "s3cret") {
		t.Error(w.log)
	}
	if w.f.current() {
		t.Error("it is current")
	}
}

func TestRetryAfterIsObeyedByTheFeed(t *testing.T) {
	f := &feed{pace: usualPace()}
	for _, test := range []struct {
		err    error
		failed int
		least  time.Duration
		most   time.Duration
	}{
		{&pausedError{503, 7 * time.Second}, 0, 7 * time.Second, 7 * time.Second},
		{&pausedError{429, time.Hour}, 0, longestObedient, longestObedient},
		{&pausedError{500, 0}, 0, 125 * time.Millisecond, 250 * time.Millisecond},
		{errSilent, 3, time.Second, 2 * time.Second},
		{errSilent, 300, 2500 * time.Millisecond, 5 * time.Second},
		{errTurnedOff, 300, 2500 * time.Millisecond, 5 * time.Second},
	} {
		if got := f.before(test.err, false, test.failed); got < test.least || got > test.most {
			t.Errorf("%v, %d: %s", test.err, test.failed, got)
		}
	}
	if got := f.before(errTurnedOff, true, 0); got > 50*time.Millisecond {
		t.Errorf("after a clean end: %s", got)
	}
	f.retry = time.Second
	if got := f.before(errSilent, false, 0); got < time.Second/2 || got > time.Second {
		t.Errorf("the server asked for a second: %s", got)
	}
}

func TestAServerWithoutAFeed(t *testing.T) {
	for name, use := range map[string]FeedUse{"auto": FeedAuto, "required": FeedRequired} {
		t.Run(name, func(t *testing.T) {
			w := newLineWith(t, func(f *feed) { f.config.Feed = use; f.discovery.known.Load().feed = "" }, func(*connection) {})
			until(t, "it is known that there is none", w.f.missing.Load)
			if w.f.current() != (use == FeedAuto) || w.f.ended(w.token(t, "x", 1, "")) || len(w.positions()) != 0 {
				t.Errorf("current %t", w.f.current())
			}
		})
	}
}

func TestTheFeedIsFoundWhenTheServerGetsOne(t *testing.T) {
	w := newLineWith(t, func(f *feed) { f.discovery.known.Load().feed = "" }, func(c *connection) { c.send(ready + tokenEnded("1", "a")); c.hold() })
	w.current(t)
	if err := w.f.discovery.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, _ := w.f.discovery.parseToken([]byte(`{"jti":"a"}`))
	w.denies(t, token)
}

func TestTheSecretOfTheAPIGoesToNoOtherPlace(t *testing.T) {
	w := newLine(t, func(c *connection) {
		http.Redirect(c.ResponseWriter, c.Request, "/introspect", http.StatusTemporaryRedirect)
	})
	w.introspectNever(t)
	w.connected(t, 3)
}

func (w *line) introspectNever(t *testing.T) {
	w.stage.mu.Lock()
	defer w.stage.mu.Unlock()
	w.introspect = func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }
}

func TestTheFirstConnectionIsWaitedFor(t *testing.T) {
	told := make(chan struct{})
	w := newLine(t, func(c *connection) { <-told; c.send(ready); c.hold() })
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	w.f.wait(short)
	if w.f.current() {
		t.Error("it is current without a connection")
	}
	close(told)
	w.f.wait(t.Context())
	if !w.f.current() {
		t.Error("the wait ended too early")
	}
}

func TestAFailureEndsTheWaitForTheFirstConnection(t *testing.T) {
	away := newLine(t, func(c *connection) { c.WriteHeader(http.StatusBadGateway) })
	away.f.wait(t.Context())
}

func TestStoppingEndsTheConnection(t *testing.T) {
	gone := make(chan struct{})
	w := newLine(t, func(c *connection) {
		c.send(ready)
		c.hold()
		close(gone)
	})
	w.current(t)
	w.stop()
	<-w.ended
	<-gone
}

func TestTokensAreCheckedWhileTheFeedTells(t *testing.T) {
	w := newLine(t, func(c *connection) {
		for n := range 3000 {
			c.send(tokenEnded(fmt.Sprint(n), fmt.Sprint("t", n)))
		}
		c.send(ready)
		c.hold()
	})
	last, _ := w.f.discovery.parseToken([]byte(`{"jti":"t2999"}`))
	other := w.token(t, "x", 1, "")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for !w.f.ended(last) {
				if w.f.ended(other) {
					t.Error("a good token is denied")
					return
				}
				w.f.current()
			}
		})
	}
	group.Wait()
}

func FuzzFeedEvent(f *testing.F) {
	for _, data := range []string{
		`{"type":"token","jti":"a","until":1790000000}`, `{"type":"client","client_id":"a","before":-1,"until":99999999999999}`,
		`{"type":"subject","sub":"a","gen":"b","before":1790000000,"until":1790000000}`, `{"type":"session","authorization":"a","until":0}`, `[]`, `null`,
		`{"withdrawn":["a","b"],"until":1790000000}`, `{"withdrawn":["a"]}`, `{"withdrawn":[],"until":99999999999999}`,
	} {
		f.Add(data)
	}
	c := Config{Issuer: "https://auth.example.com", Audience: stageAudience, Now: time.Now, EndWithSession: true}.complete()
	f.Fuzz(func(t *testing.T, data string) {
		for _, name := range []string{"ended", "keys"} {
			d := newDiscovery(&c)
			reader := newFeed(&c, d, newKeyring(&c, d))
			caughtUp := true
			err := reader.take(event{id: "1", name: name, data: []byte(data)}, &caughtUp)
			if taken := reader.position == "1"; taken != (err == nil) || taken != reader.current() {
				t.Errorf("%s: %v, position %q", name, err, reader.position)
			}
		}
	})
}
