package protect

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
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
	d := w.discovery(t, &c)
	w.f = newFeed(&c, d, newKeyring(&c, d))
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
	w.clock.pass(clockError + time.Millisecond)
	if w.f.ended(token) {
		t.Error("it is still there")
	}
	until(t, "the memory is free", func() bool { return w.f.denied.tokens.size() == 0 })
}

// TestAClockThatIsSetRightBringsNoTokenBack: by a clock that is ahead, the event and its token are over. Then it is corrected,
// and the token would be good again.
func TestAClockThatIsSetRightBringsNoTokenBack(t *testing.T) {
	const ahead = 50 * time.Minute
	told, set := time.Now().Add(time.Minute), make(chan struct{})
	about := func(id string) string {
		return ended(id, fmt.Sprintf(`{"type":"token","jti":%q,"until":%d}`, id, told.Unix()))
	}
	w := newLine(t, func(c *connection) {
		c.send(about("before") + ready)
		<-set
		c.send(about("ahead") + heartbeat("1"))
		c.hold()
	})
	w.current(t)
	w.clock.pass(ahead)
	until(t, "the feed is away", func() bool { return !w.f.current() })
	for turn := range keyShards {
		w.f.denied.sweep(turn, second(w.clock.Now()))
	}
	close(set)
	w.current(t)
	w.clock.pass(-ahead)
	for _, id := range []string{"before", "ahead"} {
		token, _ := w.f.discovery.parseToken([]byte(fmt.Sprintf(`{"jti":%q}`, id)))
		if !w.f.ended(token) {
			t.Errorf("the token that was ended %s is good again", id)
		}
	}
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
