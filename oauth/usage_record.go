package oauth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// usageRecords are the kinds that usage is kept in. Every record ends by itself.
type usageRecords struct {
	tallies        *store.Collection[tallyRecord]
	active         *store.Collection[activeRecord]
	clients        *store.Cache[clientUses] // only for its snapshots: it is not run
	authorizations *store.Collection[authorizationUsed]
}

func newUsageRecords(b store.Backend) usageRecords {
	return usageRecords{
		tallies: &store.Collection[tallyRecord]{
			Backend: b, Kind: store.Kind{Name: "usage_tally", Spread: true},
			ID:      func(r *tallyRecord) string { return r.ID },
			Expires: func(r *tallyRecord) time.Time { return r.Expires },
		},
		active: &store.Collection[activeRecord]{
			Backend: b, Kind: store.Kind{Name: "usage_active"},
			ID:      func(r *activeRecord) string { return r.ID },
			Expires: func(r *activeRecord) time.Time { return r.Expires },
		},
		clients: store.NewCache(&store.Collection[clientUses]{
			Backend: b, Kind: store.Kind{Name: "usage_client"},
			ID:      func(r *clientUses) string { return r.ID },
			Expires: func(r *clientUses) time.Time { return r.Expires },
		}),
		authorizations: &store.Collection[authorizationUsed]{
			Backend: b, Kind: store.Kind{Name: "usage_authorization", Spread: true},
			ID:      func(r *authorizationUsed) string { return r.ID },
			Expires: func(r *authorizationUsed) time.Time { return r.Expires },
		},
	}
}

// span is a length of records with the slots that they count in.
type span struct {
	name         string
	slot, length minute
	kept         time.Duration // after the record's end
}

// The records of counts: an hour of minutes, and a day of hours.
var (
	hourOfMinutes = &span{"hour", 1, 60, 26 * time.Hour}
	dayOfHours    = &span{"day", 60, 24 * 60, 8 * day}
)

// tallyID names a record of counts: all there were, or those of one client.
type tallyID struct {
	span   *span
	start  minute
	client string // "": all
}

func (s *span) recordOf(at minute, client string) tallyID {
	return tallyID{s, at - at%s.length, client}
}

func (s *span) slotOf(at minute) int { return int(at % s.length / s.slot) }

func (id tallyID) String() string {
	return id.span.name + "/" + strconv.FormatInt(int64(id.start), 10) + "/" + id.client
}

func (id tallyID) expires() time.Time { return (id.start + id.span.length).time().Add(id.span.kept) }

// tallyRecord holds the counts of one owner over one span; slots behind the last that has any are absent.
type tallyRecord struct {
	ID      string             `json:"id"`
	Expires time.Time          `json:"expires"`
	Issued  map[string][]int64 `json:"issued,omitempty"`
	Refused map[string][]int64 `json:"refused,omitempty"`
}

func (r *tallyRecord) add(slot int, o outcome, n int64) {
	counts := &r.Issued
	if o.refused {
		counts = &r.Refused
	}
	if *counts == nil {
		*counts = map[string][]int64{}
	}
	slots := (*counts)[o.name]
	for len(slots) <= slot {
		slots = append(slots, 0)
	}
	slots[slot] += n
	(*counts)[o.name] = slots
}

// The records of who is active: ten minutes, for the last hour, and an hour, for a day and a week.
var (
	activeTenMinutes = &span{"minutes", 10, 10, 3 * time.Hour}
	activeHour       = &span{"hour", 60, 60, 8 * day}
)

// activeID names a record of who was active.
type activeID struct {
	span  *span
	start minute
}

func (s *span) activeOf(at minute) activeID { return activeID{s, at - at%s.length} }

// String sorts by time.
func (id activeID) String() string { return fmt.Sprintf("%s/%012d", id.span.name, int64(id.start)) }

func (id activeID) expires() time.Time { return (id.start + id.span.length).time().Add(id.span.kept) }

// activeRecord holds sketches of the clients and users that were active in a span.
type activeRecord struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
	Clients []byte    `json:"clients,omitempty"`
	Users   []byte    `json:"users,omitempty"`
}

// clientBuckets is over how many records the last uses of all clients are spread, so that they are read and written together.
const clientBuckets = 64

// clientUsesKept is how long the last use of a client is remembered, maxSecretUses of how many secrets of one.
const (
	clientUsesKept = 400 * day
	maxSecretUses  = 32
)

func clientBucket(clientID string) string {
	return strconv.Itoa(int(hashID(clientID) % clientBuckets))
}

// clientUses holds the last uses of a part of all clients.
type clientUses struct {
	ID      string                 `json:"id"`
	Expires time.Time              `json:"expires"`
	Clients map[string]*clientLast `json:"clients"`
}

// clientLast says when a client and its secrets were last used.
type clientLast struct {
	Used    minute            `json:"used"`
	Secrets map[string]minute `json:"secrets,omitempty"`
}

// note reports whether the use is news.
func (r *clientUses) note(use clientUse) (news bool) {
	if r.Clients == nil {
		r.Clients = map[string]*clientLast{}
	}
	c := r.Clients[use.client]
	if c == nil {
		c = &clientLast{}
		r.Clients[use.client] = c
	}
	news = use.at > c.Used
	c.Used = max(c.Used, use.at)
	if use.secret == "" {
		return news
	}
	news = news || use.at > c.Secrets[use.secret]
	if c.Secrets == nil {
		c.Secrets = map[string]minute{}
	}
	c.Secrets[use.secret] = max(c.Secrets[use.secret], use.at)
	if len(c.Secrets) > maxSecretUses {
		oldest := use.secret
		for id, at := range c.Secrets {
			if at < c.Secrets[oldest] {
				oldest = id
			}
		}
		delete(c.Secrets, oldest)
	}
	return news
}

// forget lets go of clients that were not used for long, among them those that are deleted.
func (r *clientUses) forget(before minute) {
	for id, c := range r.Clients {
		if c.Used < before {
			delete(r.Clients, id)
		}
	}
}

// authorizationUsed says when an authorization was last used.
type authorizationUsed struct {
	ID      string    `json:"id"`
	Used    minute    `json:"used"`
	Expires time.Time `json:"expires"`
}

// errUnknownOutcome says that a write may have happened.
var errUnknownOutcome = errors.New("it is not known whether it was written")

// errNothingNew ends a merge that would change nothing.
var errNothingNew = errors.New("nothing new")

// mergeAttempts bounds how often a merge starts again because other nodes write the same record.
const mergeAttempts = 64

// mergeInto has merge change a record, or fill in an empty one, and writes it if nobody wrote in between. errNothingNew of
// merge leaves the record as it is. errUnknownOutcome where the store failed while it wrote.
func mergeInto[T any](ctx context.Context, c *store.Collection[T], id string, merge func(*T) error) error {
	for range mergeAttempts {
		old, err := c.Load(ctx, id)
		missing := errors.Is(err, store.ErrNotFound)
		if missing {
			old.Value = new(T)
		} else if err != nil {
			return fmt.Errorf("read %s: %w", c.Kind.Name, err)
		}
		if err := merge(old.Value); errors.Is(err, errNothingNew) {
			return nil
		} else if err != nil {
			return err
		}
		if missing {
			err = c.Create(ctx, old.Value)
		} else {
			_, err = c.Swap(ctx, old, old.Value)
		}
		switch {
		case err == nil:
			return nil
		case store.IsUnavailable(err):
			return fmt.Errorf("write %s: %w: %w", c.Kind.Name, errUnknownOutcome, err)
		case !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("write %s: %w", c.Kind.Name, err)
		}
	}
	return fmt.Errorf("write %s: %w", c.Kind.Name, store.ErrConflict)
}
