package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// The revocation feed tells resource servers what has ended, so that they can refuse a token which they would still take
// for good: a JWT, or what introspection said a moment ago. It is a list of records in the store that every node follows
// (feed_follow.go) and to which whoever ends something appends first (feed_append.go); feed_events.go says what is
// told, feed_subscription.go to whom.

// How the feed stays true. An event is on its way on every node within feedPoll; a node that has not heard from the store
// for feedBlind promises nothing any more (no heartbeat), and after feedAway ends its streams, so that readers look for
// another node.
const (
	feedPoll  = 250 * time.Millisecond
	feedBlind = 2 * time.Second
	feedAway  = 5 * time.Second
)

// How long what is told is kept.
const (
	feedKept      = 2 * time.Hour    // a record stays so long behind the last end of what it tells of: longer than clocks differ by
	feedKeepAlive = 30 * time.Minute // the newest record is never much older than this while a node runs: the list has an end to go on from
	feedPositions = 15 * time.Minute // a reader that was away for no longer goes on where it was
	feedMargin    = 2 * time.Minute  // readers may take a token for good for so long after its end
)

// EndedType says what an event of the feed is about.
type EndedType string

// What can end.
const (
	EndedToken         EndedType = "token"
	EndedAuthorization EndedType = "authorization"
	EndedClient        EndedType = "client"
	EndedSubject       EndedType = "subject"
	EndedSession       EndedType = "session"
)

// Ended is an event of the feed, as readers are told it. docs/revocation-feed.md says how tokens are compared with it.
type Ended struct {
	Type          EndedType `json:"type"`
	ID            string    `json:"jti,omitempty"`
	Authorization string    `json:"authorization,omitempty"`
	ClientID      string    `json:"client_id,omitempty"`
	Subject       string    `json:"sub,omitempty"`
	Generation    string    `json:"gen,omitempty"`
	Before        int64     `json:"before,omitempty"` // client: Unix time in ms of the last that ended; subject: of the end, in s
	Until         int64     `json:"until"`            // Unix time in s: no token that it is about lives longer
}

// feedEvent is an event as it is kept. Name and Data are as readers get them, so that a node passes on what a newer one wrote.
type feedEvent struct {
	Name     string          `json:"name,omitempty"` // "": EndedEvent
	Audience []string        `json:"audience"`       // only who serves one of them is told; everybody of what has a name and none
	Until    int64           `json:"until"`
	Data     json.RawMessage `json:"data"`
}

// feedRecord is a batch of events. The number of an event is First and its place in the batch; a record of none takes a
// number, too. Records are made by Create under the number behind the last one, so that of several writers one gets it and
// no event ever appears behind a position that a reader has passed. Each names the one before it: a node notices when the
// store was set back (a restored backup, a failover that lost writes) and the same numbers were given once more.
type feedRecord struct {
	First   uint64      `json:"first"`
	Nonce   string      `json:"nonce"`           // random
	After   string      `json:"after,omitempty"` // the nonce of the record before it
	Made    time.Time   `json:"made"`
	Expires time.Time   `json:"expires"`
	Events  []feedEvent `json:"events,omitempty"`
}

// last is the number of its last event.
func (r *feedRecord) last() uint64 { return r.First + uint64(max(len(r.Events), 1)) - 1 }

func feedID(n uint64) string { return fmt.Sprintf("%020d", n) }

func newFeedRecords(b store.Backend) *store.Collection[feedRecord] {
	return &store.Collection[feedRecord]{
		Backend: b, Kind: store.Kind{Name: "revocation_feed"},
		ID:      func(r *feedRecord) string { return feedID(r.First) },
		Expires: func(r *feedRecord) time.Time { return r.Expires },
	}
}

// feed is what a node knows of the feed.
type feed struct {
	records *store.Collection[feedRecord]
	now     func() time.Time
	ready   func() bool   // the keys are loaded: this is our store
	began   time.Time     // of the process, for a clock that never steps
	turn    chan struct{} // holds one thing: who has it reads or writes the list in the store

	mu      sync.Mutex    // over what follows
	waiting []*telling    // what is to be appended
	end     feedMark      // the last record that is known; zero: none yet
	heard   time.Duration // when the store last answered a look at the list, by clock; 0: not yet
	told    []*feedEntry  // what still matters, by number
	recent  []feedMark    // the records of late, by number
	cleaned time.Time
	branch  int           // raised when the store was set back
	news    chan struct{} // closed, and made anew, at each change
	streams map[string]int
	open    int
	closed  bool

	withdrawn map[string]int64 // keys that are told to be withdrawn, until when that matters
}

// feedEntry is an event in memory.
type feedEntry struct {
	feedEvent
	number uint64
	nonce  string // of its record
}

// feedMark is a record in memory.
type feedMark struct {
	first, last uint64
	nonce       string
	made        time.Time
}

func (r *feedRecord) mark() feedMark { return feedMark{r.First, r.last(), r.Nonce, r.Made} }

func newFeed(b store.Backend, now func() time.Time, ready func() bool) *feed {
	return &feed{
		records: newFeedRecords(b), now: now, ready: ready, began: time.Now(), turn: make(chan struct{}, 1),
		news: make(chan struct{}), streams: map[string]int{}, withdrawn: map[string]int64{},
	}
}

// clock is monotonic, and never 0.
func (f *feed) clock() time.Duration { return time.Since(f.began) + 1 }

// silent is how long the node has not heard from the store.
func (f *feed) silent() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.heard == 0 {
		return time.Hour
	}
	return f.clock() - f.heard
}

// take waits for the turn to read or write the list.
func (f *feed) take(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &store.UnavailableError{Op: "wait for the revocation feed", Err: ctx.Err()}
	}
}

func (f *feed) give() { <-f.turn }

// within calls with a context that ends after so long.
func within(ctx context.Context, longest time.Duration, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return call(ctx)
}

// wake tells everybody who waits that something changed. The caller holds the lock.
func (f *feed) wake() {
	close(f.news)
	f.news = make(chan struct{})
}
