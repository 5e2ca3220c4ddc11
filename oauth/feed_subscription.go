package oauth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
)

// Bounds of what is open at once on one node.
const (
	maxFeedStreams       = 10_000
	maxFeedStreamsClient = 100
)

// FeedEvent is an event with its place in the feed.
type FeedEvent struct {
	ID   string
	Name string // EndedEvent, KeysEvent, or what a node of a later version has told
	Data []byte // JSON, of Ended or KeysChanged
}

// News is what a subscriber is told next.
type News struct {
	Reset    bool            // where it was is not known: what follows is all that still matters
	Events   []FeedEvent     // in order
	More     bool            // there is more at once
	Position string          // behind these events, and behind those that do not concern it
	Silent   time.Duration   // how long this node has not heard from the store
	Changed  <-chan struct{} // closed when there may be more
}

const feedSource = "docs/revocation-feed.md"

// Subscription is one reader of the feed. It is used by one goroutine, and closed by it.
type Subscription struct {
	provider    *Provider
	credentials Credentials
	clientID    string
	audience    []string // what the reader serves
	tag         string   // stands for audience in ids: who serves something else now begins anew
	at          uint64   // the number of the last event that was told, or passed over
	branch      int
	reset       bool
}

// ErrFeedEnds says that a stream is over: this node stops, or has not heard from the store for too long. The reader goes
// on at another one.
var ErrFeedEnds = errors.New("the revocation feed ends here")

// Revocations opens the feed for the client whose credentials these are: the events about tokens that are meant for what
// it serves. lastID is the id of the last event that it knows, "" for none. *Error with InvalidClient for who does not
// authenticate with a secret, or serves nothing; *account.ThrottledError where the client has too many open, an *Error
// with TemporarilyUnavailable where this node has, or does not follow the feed.
func (p *Provider) Revocations(ctx context.Context, cred Credentials, lastID string) (*Subscription, error) {
	s := &Subscription{provider: p, credentials: cred}
	c, err := p.Authenticate(ctx, cred)
	if err != nil {
		return nil, err
	}
	if err := s.serves(ctx, c); err != nil {
		return nil, err
	}
	if p.feed.silent() > feedBlind {
		return nil, &Error{Code: TemporarilyUnavailable, Description: "the revocation feed is not there at the moment", RetryAfter: retrySoon}
	}
	if err := p.feed.admit(s.clientID); err != nil {
		return nil, err
	}
	p.feed.resume(s, lastID)
	return s, nil
}

// Check proves once more who reads, and what it serves: a stream outlives no secret and no API. Errors are those of
// Revocations.
func (s *Subscription) Check(ctx context.Context) error {
	c, proven, err := s.provider.prove(ctx, s.credentials)
	if err != nil {
		return err
	}
	if !proven {
		return refuse(InvalidClient, "client authentication failed")
	}
	return s.serves(ctx, c)
}

// serves finds what the reader may be told.
func (s *Subscription) serves(ctx context.Context, c *Client) error {
	if c.IsPublic() {
		return refuse(InvalidClient, "the revocation feed needs a client that authenticates with a secret").
			By("who reads the feed authenticates with a secret", feedSource).Saying("the client is public: its token_endpoint_auth_method is none")
	}
	audience, err := s.provider.ServedBy(ctx, c)
	if err != nil {
		return fmt.Errorf("read what a client serves: %w", err)
	}
	if len(audience) == 0 {
		return refuse(InvalidClient, "the client is not the resource server of any API").
			By("who reads the feed serves an API", feedSource).Saying("no API names the client, and it is no resource server with an audience")
	}
	slices.Sort(audience)
	tag := audienceTag(audience)
	s.clientID, s.audience, s.reset = c.ClientID, audience, s.reset || s.tag != "" && s.tag != tag
	s.tag = tag
	return nil
}

// audienceTag is short: it tells apart what one reader served one after the other.
func audienceTag(audience []string) string {
	h := sha256.New()
	for _, a := range audience {
		fmt.Fprintf(h, "%d:%s", len(a), a)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:6])
}

// ClientID tells who reads.
func (s *Subscription) ClientID() string { return s.clientID }

// Close gives up the place of the stream.
func (s *Subscription) Close() {
	f := s.provider.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	if f.streams[s.clientID]--; f.streams[s.clientID] == 0 {
		delete(f.streams, s.clientID)
	}
}

func (f *feed) admit(clientID string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return &Error{Code: TemporarilyUnavailable, Description: "the server is stopping", RetryAfter: retrySoon}
	case f.streams[clientID] >= maxFeedStreamsClient:
		return &account.ThrottledError{RetryAfter: time.Minute}
	case f.open >= maxFeedStreams:
		return &Error{Code: TemporarilyUnavailable, Description: "too many read the revocation feed", RetryAfter: retrySoon}
	}
	f.open++
	f.streams[clientID]++
	return nil
}

// EndSubscriptions ends all streams of this node, for good: it stops.
func (p *Provider) EndSubscriptions() {
	p.feed.mu.Lock()
	defer p.feed.mu.Unlock()
	p.feed.closed = true
	p.feed.wake()
}

// resume goes on behind lastID where that is known.
func (f *feed) resume(s *Subscription, lastID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.branch = f.branch
	if lastID == "" {
		return
	}
	s.at, s.reset = f.find(lastID, s.tag)
}

// find gives the number that an id stands for.
func (f *feed) find(id, tag string) (at uint64, unknown bool) {
	record, number, _ := cutLast(id, "-")
	nonce, ofTag, _ := strings.Cut(record, ".")
	at, err := strconv.ParseUint(number, 10, 64)
	if err != nil || ofTag != tag {
		return 0, true
	}
	i := sort.Search(len(f.recent), func(i int) bool { return f.recent[i].last >= at })
	if i == len(f.recent) || f.recent[i].first > at || f.recent[i].nonce != nonce {
		return 0, true
	}
	return at, false
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func (e *feedEntry) position() string { return e.nonce + "-" + strconv.FormatUint(e.number, 10) }

func (s *Subscription) id(nonce string, number uint64) string {
	return nonce + "." + s.tag + "-" + strconv.FormatUint(number, 10)
}

// newsAtOnce bounds what is handed over at once.
const newsAtOnce = 500

// Next gives what the subscriber has not been told yet, without waiting. ErrFeedEnds.
func (s *Subscription) Next() (News, error) {
	f := s.provider.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	silent := f.clock() - f.heard
	if f.closed || silent > feedAway {
		return News{}, ErrFeedEnds
	}
	if s.branch != f.branch {
		s.branch, s.reset = f.branch, true
	}
	n := News{Reset: s.reset, Silent: silent, Changed: f.news}
	if s.reset {
		s.at, s.reset = 0, false
	}
	from := sort.Search(len(f.told), func(i int) bool { return f.told[i].number > s.at })
	for _, e := range f.told[from:] {
		if len(n.Events) == newsAtOnce {
			n.More = true
			break
		}
		s.at, n.Position = e.number, s.id(e.nonce, e.number)
		if e.concerns(s.audience) && f.matters(e) {
			n.Events = append(n.Events, FeedEvent{n.Position, cmp.Or(e.Name, EndedEvent), e.Data})
		}
	}
	if !n.More {
		s.at, n.Position = f.end.last, s.id(f.end.nonce, f.end.last)
	}
	return n, nil
}

func (e *feedEntry) concerns(served []string) bool {
	if e.Name != "" && len(e.Audience) == 0 {
		return true
	}
	return slices.ContainsFunc(e.Audience, func(a string) bool { return slices.Contains(served, a) })
}

// MayPromise reports whether a heartbeat may be sent: it says that nothing was missed until now.
func (n *News) MayPromise() bool { return n.Silent <= feedBlind && !n.More }
