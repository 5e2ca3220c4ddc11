package web

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// Event is what the log will say about a request. There is one per request; handlers fill it from the goroutine that serves
// the request. No field may hold a secret.
type Event struct {
	RequestID   string // answered as X-Request-Id
	Address     string // of the caller, "" when unknown
	Path        string // replaced by a handler whose path carries a secret
	Route       string // what the path is an instance of, one of a few; "" where there is nothing at this path
	Trace       string // id of the trace that the request is part of, "" without one
	Client      string // client id
	Subject     string // user id, or the client itself
	Grant       string // grant_type
	Error       string // error code as answered
	Description string // as answered
	Cause       error  // never answered
	Refusal     error  // what was answered, for who explains it; not logged
	Claimed     string // client id that the request names and has not proven; not logged
	Status      int    // set when the answer is complete
	FromProxy   bool   // the peer is a trusted proxy; not logged
	Proven      bool   // who sends it has been proven: a secret, a session, a token that was given to him

	Took time.Duration // set when the answer is complete

	address netip.Addr
	stack   string
}

type eventKey struct{}

// eventContext is the context of a request, which holds its event.
type eventContext struct {
	context.Context
	event *Event
}

// Value is part of context.Context.
func (c *eventContext) Value(key any) any {
	if key == (eventKey{}) {
		return c.event
	}
	return c.Context.Value(key)
}

// EventFrom returns the event of the request; where there is none, one that nobody reads.
func EventFrom(ctx context.Context) *Event {
	if event, found := ctx.Value(eventKey{}).(*Event); found {
		return event
	}
	return &Event{}
}

// Route has the event of each request name the route that it took, for those who count: paths are without number, and
// strangers choose them.
func Route(route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		EventFrom(r.Context()).Route = route
		next.ServeHTTP(w, r)
	})
}
