package oauth

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// stripes is over how many maps events are spread, so that requests at once do not wait for each other.
const stripes = 16

// maxStripe bounds each map of a stripe. It is reached only where nothing flushes, or under a flood of authorizations, of
// which only the newest matter.
const maxStripe = 4096

// usage gathers in process what is touched at every request: counts, last uses, who is active. Nothing on the token path
// waits for the store: events go into maps in memory, and RunUsage writes them every few seconds. A process that is killed
// loses what it gathered in the last of them, or, where more clients are busy at once than one flush can write for, what
// still waits its turn.
type usage struct {
	now      func() time.Time
	records  usageRecords
	turn     atomic.Uint32
	stripes  [stripes]stripe
	flushing chan struct{} // holds one token while nobody writes
	made     madeTokens

	mu      sync.Mutex
	pending pending
}

// stripe holds the events of a few seconds.
type stripe struct {
	mu sync.Mutex
	events
	_ [64]byte // the next one lies in another cache line
}

// events is what happened, in the form of maps, since most of it happens again and again.
type events struct {
	counts         map[tally]int64
	clients        map[clientUse]struct{}
	authorizations map[string]authorizationUse
	users          map[userUse]struct{}
}

func newEvents() events {
	return events{map[tally]int64{}, map[clientUse]struct{}{}, map[string]authorizationUse{}, map[userUse]struct{}{}}
}

// minute is a time in minutes since 1970.
type minute int64

func minuteOf(t time.Time) minute { return minute(t.Unix() / 60) }

func (m minute) time() time.Time { return time.Unix(int64(m)*60, 0).UTC() }

// outcome is what a count is of: tokens issued by a grant, or refusals for a reason.
type outcome struct {
	refused bool
	name    string
}

// tally names one count: what came of requests of a client in a minute. client is "" for who is no registered client.
type tally struct {
	at     minute
	client string
	outcome
}

// clientUse is the use of a client, or of one of its secrets, in a minute.
type clientUse struct {
	at             minute
	client, secret string
}

// authorizationUse is the last use of an authorization.
type authorizationUse struct {
	at   minute
	ends time.Time // when nothing of the authorization can be used any more
}

// userUse is the use of anything by a user in a minute.
type userUse struct {
	at   minute
	user string
}

func newUsage(b store.Backend, now func() time.Time) *usage {
	u := &usage{now: now, records: newUsageRecords(b), pending: newPending(), flushing: make(chan struct{}, 1)}
	u.flushing <- struct{}{}
	for i := range u.stripes {
		u.stripes[i].events = newEvents()
	}
	return u
}

// next gives a stripe, locked.
func (u *usage) next() *stripe {
	s := &u.stripes[u.turn.Add(1)%stripes]
	s.mu.Lock()
	return s
}

// makeRoom lets go of any entry where there are too many.
func makeRoom[K comparable, V any](m map[K]V) {
	if len(m) < maxStripe {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}

// put notes what is a fact however often it happens.
func put[K comparable](m map[K]struct{}, k K) {
	if _, known := m[k]; !known {
		makeRoom(m)
		m[k] = struct{}{}
	}
}

func (s *stripe) count(t tally) {
	n, known := s.counts[t]
	if !known {
		makeRoom(s.counts)
	}
	s.counts[t] = n + 1
}

// issued counts an answer of the token endpoint, or a personal access token that was made.
func (u *usage) issued(c *Client, grant GrantType) {
	at := minuteOf(u.now())
	s := u.next()
	defer s.mu.Unlock()
	s.count(tally{at, c.ClientID, outcome{name: string(grant)}})
	put(s.clients, clientUse{at: at, client: c.ClientID})
}

// refused counts a refusal. clientID is that of a registered client, "" where there is none: what strangers make up becomes
// no key.
func (u *usage) refused(reason Code, clientID string) {
	at := minuteOf(u.now())
	s := u.next()
	defer s.mu.Unlock()
	s.count(tally{at, clientID, outcome{refused: true, name: string(reason)}})
}

// clientUsed notes that a client authenticated by one of its secrets.
func (u *usage) clientUsed(clientID, secretID string) {
	at := minuteOf(u.now())
	s := u.next()
	defer s.mu.Unlock()
	put(s.clients, clientUse{at, clientID, secretID})
}

// authorizationUsed notes that a token of an authorization was used. Those of machines are many and short, and nobody
// lists them. A personal access token is used by its user himself, on behalf of the client.
func (u *usage) authorizationUsed(a *Authorization) {
	if a == nil || a.UserID == "" {
		return
	}
	at := minuteOf(u.now())
	s := u.next()
	defer s.mu.Unlock()
	if a.Personal != nil {
		put(s.users, userUse{at, a.UserID})
		put(s.clients, clientUse{at: at, client: a.ClientID})
	}
	if known, ok := s.authorizations[a.ID]; ok && known.at == at {
		return
	}
	makeRoom(s.authorizations)
	s.authorizations[a.ID] = authorizationUse{at, a.Expires}
}

// userActive notes that a user signed in to an application, or used what he had allowed.
func (u *usage) userActive(userID string) {
	at := minuteOf(u.now())
	s := u.next()
	defer s.mu.Unlock()
	put(s.users, userUse{at, userID})
}

// answered notes what came of issuing tokens. Token counts its errors.
func (u *usage) answered(c *Client, r *TokenRequest, g *grant, err error) {
	if err != nil {
		return
	}
	u.made.add(GrantType(r.GrantType), g.form.format)
	u.issued(c, GrantType(r.GrantType))
	u.authorizationUsed(g.authorization)
	if GrantType(r.GrantType) == RefreshToken {
		u.userActive(g.authorization.UserID)
	}
}

// failed counts a refusal, or a failure of ours; nothing where err is nil, or a device is only told to wait.
func (u *usage) failed(err error, clientID string) {
	if err == nil || IsPending(err) {
		return
	}
	reason := ServerError
	switch e := refusal(err); {
	case e != nil:
		reason = e.Code
	case store.IsUnavailable(err), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		reason = TemporarilyUnavailable
	}
	u.refused(reason, clientID)
}

// unknown counts a client authentication that failed. c is nil where there is no such client.
func (u *usage) unknown(c *Client) {
	if c == nil {
		u.refused(InvalidClient, "")
		return
	}
	u.refused(InvalidClient, c.ClientID)
}

// presented gives the id of the secret that authenticated a client.
func (p *Provider) presented(c *Client, secret string) string {
	if len(c.Secrets) == 1 {
		return c.Secrets[0].ID
	}
	var hash string
	if isGeneratedSecret(secret) {
		hash = hashGenerated(secret)
	}
	for i := range c.Secrets {
		kept := &c.Secrets[i]
		if p.usable(kept) && (kept.Hash == hash || hash == "" && p.verified.holds(kept.Hash, secret)) {
			return kept.ID
		}
	}
	return ""
}
