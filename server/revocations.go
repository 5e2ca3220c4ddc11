package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// Times of a stream.
const (
	feedHeartbeat = 5 * time.Second  // a reader that hears nothing for three of them looks elsewhere
	feedCheck     = time.Second      // how often it is checked that the reader still may read
	feedWrite     = 10 * time.Second // a reader that takes longer than this is cut: it goes on where it was
)

// revocations is the revocation feed: server-sent events, until the reader goes or may no longer read.
func (s *server) revocations(w http.ResponseWriter, r *http.Request) error {
	sub, err := s.subscribe(r)
	if err != nil {
		return err
	}
	defer sub.Close()
	event := web.EventFrom(r.Context())
	event.Client, event.Proven = sub.ClientID(), true
	if err := s.Limits.Take(limit.Feed, sub.ClientID()); err != nil {
		return err
	}
	st := &stream{w: w, control: http.NewResponseController(w)}
	// The bounds of a connection are for answers that end.
	if err := st.control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("open a stream: %w", err)
	}
	st.head()
	if r.Method == http.MethodHead {
		return nil
	}
	event.Cause = st.run(r.Context(), sub)
	return nil
}

// subscribe is worked on in the lane; the stream then waits for nobody.
func (s *server) subscribe(r *http.Request) (*oauth.Subscription, error) {
	cred, err := s.readerCredentials(r)
	if err != nil {
		return nil, err
	}
	web.EventFrom(r.Context()).Claimed = cred.ClientID
	if err := s.TokenLane.Enter(r.Context()); err != nil {
		return nil, err
	}
	defer s.TokenLane.Leave()
	return s.Provider.Revocations(r.Context(), cred, r.Header.Get("Last-Event-ID"))
}

// readerCredentials reads client_secret_basic: a GET has no body for anything else.
func (s *server) readerCredentials(r *http.Request) (oauth.Credentials, error) {
	headers := r.Header.Values("Authorization")
	switch len(headers) {
	case 0:
		return oauth.Credentials{}, noCredentials("no Authorization header came")
	case 1:
		cred, err := basicCredentials(headers[0], nil)
		cred.Address = s.limitedAddress(r.Context())
		return cred, err
	}
	return oauth.Credentials{}, severalHeaders(len(headers))
}

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	caught  bool // the reader has been told that it is up to date
}

func (st *stream) head() {
	h := st.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx hands on each event as it comes
	web.NoStore(h)
}

// feedRetry has a reader whose stream has ended come back at once, on whatever node.
const feedRetry = "retry: 1000\n\n"

// run tells the reader all that comes until there is a reason to end, which it gives; nil where the reader has gone or this
// node stops.
func (st *stream) run(ctx context.Context, sub *oauth.Subscription) error {
	check, beat := time.NewTicker(feedCheck), time.NewTicker(feedHeartbeat)
	defer check.Stop()
	defer beat.Stop()
	due := false
	if st.write(bytes.NewBufferString(feedRetry)) != nil {
		return nil // the reader has gone
	}
	for {
		n, err := sub.Next()
		if errors.Is(err, oauth.ErrFeedEnds) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := st.tell(n, due); err != nil {
			return nil // the reader has gone, or is too slow
		}
		due = due && !n.MayPromise()
		if n.More {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.Changed:
		case <-beat.C:
			due = true
		case <-check.C:
			if err := sub.Check(ctx); err != nil && !store.IsUnavailable(err) {
				return err
			}
		}
	}
}

// tell writes what is new, and a heartbeat if one is due and may be given.
func (st *stream) tell(n oauth.News, due bool) error {
	var b bytes.Buffer
	if n.Reset {
		st.caught = false
		writeEvent(&b, "", "reset", empty)
	}
	for _, e := range n.Events {
		writeEvent(&b, e.ID, e.Name, e.Data)
	}
	if !st.caught && !n.More {
		st.caught = true
		writeEvent(&b, n.Position, "ready", empty)
	}
	if due && n.MayPromise() {
		writeEvent(&b, n.Position, "heartbeat", empty)
	}
	if b.Len() == 0 {
		return nil
	}
	return st.write(&b)
}

var empty = []byte("{}")

func writeEvent(b *bytes.Buffer, id, name string, data []byte) {
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	b.WriteString("event: " + name + "\ndata: ")
	b.Write(data) // JSON as encoding/json writes it: one line
	b.WriteString("\n\n")
}

func (st *stream) write(b *bytes.Buffer) error {
	if err := st.control.SetWriteDeadline(time.Now().Add(feedWrite)); err != nil {
		return err
	}
	if _, err := st.w.Write(b.Bytes()); err != nil {
		return err
	}
	return st.control.Flush()
}
