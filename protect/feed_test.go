package protect

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// line is a feed on a stage. Each connection runs the next of its scripts, the last one again and again.
type line struct {
	*stage
	f       *feed
	states  chan string
	mu      sync.Mutex
	asked   []*http.Request
	scripts []script
	stop    context.CancelFunc
	ended   chan struct{}
}

type script func(*connection)

// connection is what a script writes to.
type connection struct {
	http.ResponseWriter
	*http.Request
	open atomic.Bool
}

// send writes and flushes, under the headers of a feed.
func (c *connection) send(text string) {
	if c.open.CompareAndSwap(false, true) {
		c.ResponseWriter.Header().Set("Content-Type", "text/event-stream")
	}
	_, _ = c.ResponseWriter.Write([]byte(text))
	c.Flush()
}

func (c *connection) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// hold keeps the connection open until the reader leaves.
func (c *connection) hold() { <-c.Context().Done() }

// cut ends it as a broken line does, not as a server.
func (c *connection) cut() { panic(http.ErrAbortHandler) }

func ended(id, data string) string {
	return fmt.Sprintf("id: %s\nevent: ended\ndata: %s\n\n", id, data)
}

const (
	ready   = "event: ready\ndata: {}\n\n"
	reset   = "event: reset\ndata: {}\n\n"
	forever = `"until":4000000000}`
)

func heartbeat(id string) string { return "id: " + id + "\nevent: heartbeat\ndata: {}\n\n" }

func tokenEnded(id, jti string) string {
	return ended(id, `{"type":"token","jti":"`+jti+`",`+forever)
}

func quickPace() pace {
	return pace{
		silence: 15 * time.Second, first: 4 * time.Millisecond, longest: 20 * time.Millisecond,
		refused: 30 * time.Millisecond, missing: 10 * time.Millisecond, tick: 2 * time.Millisecond,
	}
}

func newLine(t *testing.T, scripts ...script) *line {
	t.Helper()
	return newLineWith(t, func(*feed) {}, scripts...)
}

func newLineWith(t *testing.T, change func(*feed), scripts ...script) *line {
	t.Helper()
	w := &line{stage: newStage(t), scripts: scripts, states: make(chan string, 100), ended: make(chan struct{})}
	w.feed = w.play
	c := w.config()
	c.Hooks.OnFeed = func(state string) { w.states <- state }
	c = c.complete()
	w.f = newFeed(&c, w.discovery(t, &c))
	w.f.pace = quickPace()
	change(w.f)
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	t.Cleanup(func() {
		cancel()
		<-w.ended
		c.HTTPClient.CloseIdleConnections()
		noneLeft(t)
	})
	go func() {
		defer close(w.ended)
		w.f.run(ctx)
	}()
	return w
}

func (w *line) play(response http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	turn := min(len(w.asked), len(w.scripts)-1)
	w.asked = append(w.asked, r)
	w.mu.Unlock()
	w.scripts[turn](&connection{ResponseWriter: response, Request: r})
}

// positions are the Last-Event-ID of all connections so far.
func (w *line) positions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, r := range w.asked {
		list = append(list, r.Header.Get("Last-Event-ID"))
	}
	return list
}

func (w *line) connected(t *testing.T, times int) {
	t.Helper()
	until(t, fmt.Sprint(times, " connections"), func() bool { return len(w.positions()) >= times })
}

func (w *line) current(t *testing.T) {
	t.Helper()
	until(t, "the feed is current", w.f.current)
}

// denies waits for what the feed may just have told.
func (w *line) denies(t *testing.T, token *Token) {
	t.Helper()
	until(t, "the token is denied", func() bool { return w.f.ended(token) })
}

// token has a jti of Grantor.
func (w *line) token(t *testing.T, authorization string, began int64, members string) *Token {
	t.Helper()
	token, err := w.f.discovery.parseToken([]byte(fmt.Sprintf(`{"jti":%q,"client_id":"app","sub":"usr_1"%s}`, jti(authorization, began), members)))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func jti(authorization string, began int64) string {
	id := base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(began)), make([]byte, 16)...)) //nolint:gosec // positive
	if authorization == "" {
		return id
	}
	return authorization + "." + id
}

func TestTheFeedIsAskedAsAnEventStreamWithTheSecretOfTheAPI(t *testing.T) {
	w := newLine(t, func(c *connection) { c.send(ready); c.hold() })
	w.current(t)
	r := w.asked[0]
	id, secret, _ := r.BasicAuth()
	if r.Method != http.MethodGet || r.Header.Get("Accept") != "text/event-stream" || id != "orders" || secret != "s3cret" ||
		r.Header.Get("Last-Event-ID") != "" || r.URL.RawQuery != "" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
}

func TestWhatTheFeedTellsHasEnded(t *testing.T) {
	const began = 1_780_000_000_123
	w := newLine(t, func(c *connection) {
		c.send(ended("1", `{"type":"token","jti":"`+jti("", began)+`",`+forever))
		c.send(ended("2", `{"type":"authorization","authorization":"auth2",`+forever))
		c.send(ended("3", `{"type":"client","client_id":"gone",`+forever))
		c.send(ended("4", fmt.Sprintf(`{"type":"client","client_id":"cut","before":%d,`, began)+forever))
		c.send(ended("5", `{"type":"client","client_id":"back",`+forever))
		c.send(ended("6", `{"type":"client","client_id":"back","before":0,`+forever))
		c.send(ended("7", `{"type":"subject","sub":"usr_7","gen":"gen7","before":1780000000,`+forever))
		c.send(ended("8", `{"type":"session","authorization":"auth8","sub":"usr_8",`+forever))
		c.send(ready)
		c.hold()
	})
	w.current(t)
	for _, test := range []struct {
		name          string
		authorization string
		began         int64
		members       string
		want          bool
	}{
		{"the token", "", began, "", true},
		{"another token", "", began + 1, "", false},
		{"a token with the same end in its name", "auth1", began, "", false},
		{"the authorization", "auth2", began, "", true},
		{"another authorization", "auth22", began, "", false},
		{"the client", "x", began, `,"client_id":"gone"`, true},
		{"began at the cut-off", "x", began, `,"client_id":"cut"`, true},
		{"began later", "x", began + 1, `,"client_id":"cut"`, false},
		{"a client that is back", "x", began, `,"client_id":"back"`, false},
		{"the generation", "x", began, `,"gen":"gen7","sub":"usr_7"`, true},
		{"a later generation", "x", began, `,"gen":"gen8","sub":"usr_7"`, false},
		{"no generation, began in that second", "x", 1_780_000_000_999, `,"sub":"usr_7"`, true},
		{"no generation, began later", "x", 1_780_000_001_000, `,"sub":"usr_7"`, false},
		{"a session, which is not asked for", "auth8", began, "", false},
	} {
		if got := w.f.ended(w.token(t, test.authorization, test.began, test.members)); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
	foreign, _ := w.f.discovery.parseToken([]byte(`{"jti":"some.thing","client_id":"gone"}`))
	if !w.f.ended(foreign) {
		t.Error("a token of another form is not found by its client")
	}
}

func TestTokensMayEndWithTheirSession(t *testing.T) {
	w := newLineWith(t, func(f *feed) { f.config.EndWithSession = true }, func(c *connection) {
		c.send(ended("8", `{"type":"session","authorization":"auth8","sub":"usr_8",`+forever) + ready)
		c.hold()
	})
	w.current(t)
	if !w.f.ended(w.token(t, "auth8", 1, "")) || w.f.ended(w.token(t, "auth9", 1, "")) {
		t.Error("the session is not what counts")
	}
}

func TestADenialLastsAsLongAsTheTokenCouldAndIsForgottenThen(t *testing.T) {
	end := time.Now().Add(time.Minute).Unix()
	w := newLine(t, func(c *connection) {
		c.send(ended("1", fmt.Sprintf(`{"type":"token","jti":"%s","until":%d}`, jti("", 1), end)) + ready)
		c.hold()
	})
	w.current(t)
	token := w.token(t, "", 1, "")
	w.clock.pass(time.Unix(end, 0).Add(defaultSkew).Sub(w.clock.Now()) - time.Millisecond) // the token is taken that long
	if !w.f.ended(token) {
		t.Error("it was forgotten too early")
	}
	w.clock.pass(time.Millisecond)
	if w.f.ended(token) {
		t.Error("it is still there")
	}
	until(t, "the memory is free", func() bool { return w.f.denied.tokens.size() == 0 })
}

func TestTheFeedGoesOnBehindTheLastEvent(t *testing.T) {
	w := newLine(t,
		func(c *connection) { c.send(tokenEnded("k-1", "a") + ready + tokenEnded("k-2", "b")); c.cut() },
		func(c *connection) {
			c.send(tokenEnded("k-3", "c") + "id: k-4\nevent: ended\ndata: {\"type\":")
			c.cut()
		},
		func(c *connection) { c.send("id: k-4\nevent: en"); c.cut() },
		func(c *connection) { c.send(ready + heartbeat("k-9")) },
		func(c *connection) { c.send(tokenEnded("k-10", "d") + ready); c.hold() },
	)
	w.connected(t, 5)
	if got := w.positions(); !slices.Equal(got, []string{"", "k-2", "k-3", "k-3", "k-9"}) {
		t.Errorf("went on behind %q", got)
	}
	for _, id := range []string{"a", "b", "c", "d"} {
		token, _ := w.f.discovery.parseToken([]byte(`{"jti":"` + id + `"}`))
		w.denies(t, token)
	}
}

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
	} {
		f.Add(data)
	}
	c := Config{Issuer: "https://auth.example.com", Audience: stageAudience, Now: time.Now, EndWithSession: true}.complete()
	f.Fuzz(func(t *testing.T, data string) {
		reader := newFeed(&c, newDiscovery(&c))
		caughtUp := true
		err := reader.take(event{id: "1", name: "ended", data: []byte(data)}, &caughtUp)
		if taken := reader.position == "1"; taken != (err == nil) || taken != reader.current() {
			t.Errorf("%v, position %q", err, reader.position)
		}
	})
}
