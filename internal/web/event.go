package web

import (
	"context"
	"net/netip"
)

// Event is what the log will say about a request. There is one per request; handlers fill it from the goroutine that serves
// the request. No field may hold a secret.
type Event struct {
	RequestID   string // answered as X-Request-Id
	Address     string // of the caller, "" when unknown
	Path        string // replaced by a handler whose path carries a secret
	Client      string // client id
	Subject     string // user id, or the client itself
	Grant       string // grant_type
	Error       string // error code as answered
	Description string // as answered
	Cause       error  // never answered
	Refusal     error  // what was answered, for who explains it; not logged
	Claimed     string // client id that the request names and has not proven; not logged
	Status      int    // set when the answer is complete

	address netip.Addr
	stack   string
}

type eventKey struct{}

// EventFrom returns the event of the request; where there is none, one that nobody reads.
func EventFrom(ctx context.Context) *Event {
	if event, found := ctx.Value(eventKey{}).(*Event); found {
		return event
	}
	return &Event{}
}
