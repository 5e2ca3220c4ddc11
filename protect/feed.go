package protect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// pace says how long the feed waits for what. Only tests change it.
type pace struct {
	silence time.Duration // after which the server counts as away: three heartbeats
	first   time.Duration // before the second attempt to connect; doubles
	longest time.Duration
	refused time.Duration // before the next attempt with a secret that was refused
	missing time.Duration // before looking again whether the metadata name a feed
	tick    time.Duration // between two looks at the clock
}

func usualPace() pace {
	return pace{
		silence: 15 * time.Second, first: 250 * time.Millisecond, longest: 5 * time.Second,
		refused: 30 * time.Second, missing: time.Minute, tick: time.Second,
	}
}

// feed listens to the revocations of the server and keeps what they deny. It goes on behind the last event that it took
// whenever the connection is lost, so nothing is missed; how late it may be, current tells.
type feed struct {
	config    *Config
	discovery *discovery
	keys      *keyring
	secret    string // the header Authorization
	pace      pace
	denied    denied

	heard   atomic.Int64  // when something was heard with everything before it, in ns of Unix time; 0: not yet
	missing atomic.Bool   // the server offers no feed
	begun   chan struct{} // closed when the first connection has caught up or failed
	begin   sync.Once
	refusal once
	state   struct {
		sync.Mutex
		name  string
		cause error // why the last connection ended
	}

	position string        // the id of the last event that was taken
	retry    time.Duration // what the server asked for, 0 where it did not
	stuck    struct {      // at an event that cannot be read
		at    string
		times int
	}
}

func newFeed(c *Config, d *discovery, k *keyring) *feed {
	return &feed{config: c, discovery: d, keys: k, secret: basic(c.ClientID, c.ClientSecret), pace: usualPace(), begun: make(chan struct{})}
}

// wait waits until the first connection has caught up or failed, so that an API that was just started does not take what
// has ended before.
func (f *feed) wait(ctx context.Context) {
	select {
	case <-f.begun:
	case <-ctx.Done():
	}
}

// run listens until the context ends.
func (f *feed) run(ctx context.Context) {
	var listener sync.WaitGroup
	defer listener.Wait()
	listener.Go(func() { f.listen(ctx) })
	tick := time.NewTicker(f.pace.tick)
	defer tick.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.denied.sweep(turn, second(f.config.Now()))
			f.report()
		}
	}
}

// ended tells whether the server has told that the token, or what it stands on, has ended.
func (f *feed) ended(t *Token) bool { return f.denied.has(t.marks, second(f.config.Now())) }

// current tells whether everything is known that ended up to 15 seconds ago. Before the first connection has caught up it
// is not; a connection that is lost for a moment changes nothing. A server that offers no feed has nothing to tell, which
// is enough unless the feed is required.
func (f *feed) current() bool {
	if f.missing.Load() {
		return f.config.Feed != FeedRequired
	}
	heard := f.heard.Load()
	ago := f.config.Now().Sub(time.Unix(0, heard))
	return heard != 0 && -f.pace.silence < ago && ago < f.pace.silence // a clock that was set back proves nothing
}

// report tells hook and log when the feed went away or came back.
func (f *feed) report() {
	f.state.Lock()
	defer f.state.Unlock()
	state := "away"
	if f.current() {
		state = "current"
	}
	if state == f.state.name {
		return
	}
	switch first := f.state.name == ""; {
	case f.missing.Load() && state == "current":
		f.config.Log.Info("the authorization server offers no revocation feed", "issuer", f.config.Issuer)
	case state == "current":
		f.config.Log.Info("the revocation feed is heard", "issuer", f.config.Issuer)
	case first && f.state.cause == nil:
		return // it has only begun to connect
	default:
		f.config.Log.Warn("the revocation feed is away", "issuer", f.config.Issuer, "cause", f.state.cause)
	}
	f.state.name = state
	f.config.Hooks.feed(state)
}

func (f *feed) noteCause(err error) {
	f.state.Lock()
	defer f.state.Unlock()
	f.state.cause = err
}

// Ends of a connection that are not just failures.
var (
	errNoFeed    = errors.New("the server offers no revocation feed")
	errRefused   = errors.New("the server refuses the client id or secret of this API at the revocation feed")
	errTurnedOff = errors.New("the server has ended the connection")
	errSilent    = errors.New("the server is silent")
)

// pausedError carries how long the server asked to wait.
type pausedError struct {
	status int
	pause  time.Duration
}

func (e *pausedError) Error() string {
	return fmt.Sprintf("the revocation feed was answered with %d", e.status)
}

// listen connects again and again.
func (f *feed) listen(ctx context.Context) {
	for failed := 0; ctx.Err() == nil; failed++ {
		began := time.Now()
		caughtUp, err := f.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		f.noteCause(err)
		f.missing.Store(errors.Is(err, errNoFeed))
		f.begin.Do(func() { close(f.begun) })
		f.report()
		steady := caughtUp && time.Since(began) >= 4*f.pace.first
		if steady {
			failed = 0
		}
		pause(ctx, f.before(err, steady, failed))
	}
}

// before says how long to wait before the next connection. A server that ended the stream in good order, as one does that
// is replaced, is followed by another at once; one that does so all the time is not.
func (f *feed) before(err error, steady bool, failed int) time.Duration {
	var paused *pausedError
	switch {
	case errors.Is(err, errNoFeed):
		return jitter(f.pace.missing)
	case errors.Is(err, errRefused):
		f.refusal.log(func() {
			f.config.Log.Error(errRefused.Error(), "issuer", f.config.Issuer, "client_id", f.config.ClientID)
		})
		return jitter(f.pace.refused)
	case errors.Is(err, errTurnedOff) && steady:
		return jitter(f.pace.first / 5)
	}
	next := jitter(doubled(max(f.pace.first, f.retry), failed, f.pace.longest))
	if errors.As(err, &paused) {
		next = max(next, min(paused.pause, longestObedient))
	}
	return next
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// connect listens to one connection until it ends. It has no deadline, but a watch that ends it when no event came for
// too long: bytes that make no event do not count.
func (f *feed) connect(ctx context.Context) (caughtUp bool, err error) {
	e, err := f.discovery.endpoints(ctx)
	if err != nil {
		return false, err
	}
	if e.feed == "" {
		return false, errNoFeed
	}
	f.missing.Store(false)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(f.pace.silence, func() { cancel(errSilent) })
	defer watch.Stop()
	body, err := f.open(ctx, e.feed)
	if err != nil {
		return false, causeOf(ctx, err)
	}
	defer func() { _ = body.Close() }() // only read from
	f.refusal.forget()
	s := newStream(body)
	for {
		next, err := s.next()
		f.retry = s.retry
		switch {
		case errors.Is(err, io.EOF):
			return caughtUp, errTurnedOff
		case err != nil:
			return caughtUp, causeOf(ctx, fmt.Errorf("read the revocation feed: %w", err))
		}
		watch.Reset(f.pace.silence)
		if err := f.take(next, &caughtUp); err != nil {
			return caughtUp, err
		}
	}
}

// causeOf prefers why the context ended over what that led to.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// open asks for the stream behind the last event that was taken.
func (f *feed) open(ctx context.Context, endpoint string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("revocation feed: %w", err)
	}
	r.Header.Set("Authorization", f.secret)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Encoding", "identity") // what is compressed is held back
	if f.position != "" {
		r.Header.Set("Last-Event-ID", f.position)
	}
	response, err := f.config.HTTPClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("connect to the revocation feed: %w", err)
	}
	if err := f.accepted(response); err != nil {
		_ = response.Body.Close() // not read
		return nil, err
	}
	return response.Body, nil
}

func (f *feed) accepted(r *http.Response) error {
	switch r.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return errRefused
	default:
		return &pausedError{status: r.StatusCode, pause: retryAfter(r.Header, f.config.Now())}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		return errors.New("the revocation feed is not answered with an event stream")
	}
	return nil
}
