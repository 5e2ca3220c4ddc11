package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// auditRetention is how long an event is kept.
const auditRetention = 90 * 24 * time.Hour

// Event is one thing that was done: who did what to what, from where, and when. It never holds a secret.
type Event struct {
	ID        string            `json:"id"`
	Time      time.Time         `json:"time"`
	Action    string            `json:"action"` // "user.login_failed"
	Actor     Actor             `json:"actor"`
	Object    string            `json:"object,omitempty"` // "user:usr_0123…"
	Detail    map[string]string `json:"detail,omitempty"`
	RequestID string            `json:"request_id,omitempty"`
}

// Audit is the log of what was done. Events can be added and read, not changed; they end with their retention.
type Audit struct {
	Retention time.Duration // 90 days where NewAudit made it

	now      func() time.Time
	events   store.Collection[Event]
	sequence atomic.Uint32
}

// NewAudit gives the audit log of a store. A nil now is time.Now.
func NewAudit(b store.Backend, now func() time.Time) *Audit {
	if now == nil {
		now = time.Now
	}
	a := &Audit{Retention: auditRetention, now: now}
	a.events = store.Collection[Event]{
		Backend: b,
		Kind:    store.Kind{Name: "audit", Spread: true},
		ID:      func(e *Event) string { return e.ID },
		Tags:    eventTags,
		Expires: func(e *Event) time.Time { return e.Time.Add(a.Retention) },
	}
	return a
}

// Record adds an event. ID, Time, Actor and RequestID are filled in where they are empty, the last two from the context.
func (a *Audit) Record(ctx context.Context, e Event) error {
	if e.Time.IsZero() {
		e.Time = a.now()
	}
	e.Time = moment(e.Time)
	if e.Actor == (Actor{}) {
		e.Actor = ActorFrom(ctx)
	}
	if e.RequestID == "" {
		e.RequestID = RequestIDFrom(ctx)
	}
	e.ID = a.eventID(e.Time)
	e.tidy()
	if err := a.events.Create(ctx, &e); err != nil {
		return fmt.Errorf("record audit event %s: %w", e.Action, err)
	}
	return nil
}

// Events lists the events under a tag ("" or AllEvents for every event), the newest first; see store.Backend.List.
func (a *Audit) Events(ctx context.Context, tag, cursor string, limit int) ([]*Event, string, error) {
	if tag == "" {
		tag = AllEvents
	}
	if len(tag) > store.MaxID || len(cursor) > store.MaxID {
		return nil, "", nil
	}
	events, next, err := a.events.List(ctx, tag, cursor, pageSize(limit))
	if err != nil {
		return nil, "", fmt.Errorf("list audit events: %w", err)
	}
	return events, next, nil
}

// AllEvents is the tag of every event.
const AllEvents = "all"

// ActorEvents is the tag of what an actor did.
func ActorEvents(id string) string { return eventTag("actor:", id) }

// ObjectEvents is the tag of what was done to an object, "user:usr_…".
func ObjectEvents(object string) string { return eventTag("object:", object) }

// ActionEvents is the tag of the events of one action, "user.login".
func ActionEvents(action string) string { return eventTag("action:", action) }

func eventTags(e *Event) []string {
	tags := []string{AllEvents, ActionEvents(e.Action), actionKindTag(actionKind(e.Action))}
	if e.Actor.ID != "" {
		tags = append(tags, ActorEvents(e.Actor.ID))
	}
	if e.Object != "" {
		tags = append(tags, ObjectEvents(e.Object), objectKindTag(objectKind(e.Object)))
	}
	return append(tags, whoTags(e.Actor)...)
}

func eventTag(prefix, what string) string {
	if len(prefix)+len(what) > store.MaxID {
		return prefix + digest(what)
	}
	return prefix + what
}

// eventID sorts the newest event first, since a store lists in one direction only: it counts down from the end of 48
// bits of milliseconds, and within a millisecond from the end of 16 bits.
func (a *Audit) eventID(t time.Time) string {
	sequence := ^uint16(a.sequence.Add(1))
	var tail [8]byte
	_, _ = rand.Read(tail[:]) // never fails
	return fmt.Sprintf("%s%012x%04x%s", eventPrefix, countdown(t.UnixMilli()), sequence, hex.EncodeToString(tail[:]))
}

const (
	eventPrefix     = "evt_"
	lastMillisecond = 1<<48 - 1
)

func countdown(ms int64) uint64 { return lastMillisecond - uint64(ms)&lastMillisecond }

// What an event holds at most of any one text.
const (
	maxEventText  = 256
	maxEventValue = 2048 // of a detail: an old text and a new one
	maxEventKeys  = 32
)

// tidy bounds what may have come from strangers.
func (e *Event) tidy() {
	e.Action = shown(e.Action, maxEventText)
	e.Object = shown(e.Object, maxEventText)
	e.RequestID = shown(e.RequestID, maxEventText)
	e.Actor = Actor{
		Kind: shown(e.Actor.Kind, maxEventText), ID: shown(e.Actor.ID, maxEventText),
		Name: shown(e.Actor.Name, maxEventText), Address: shown(e.Actor.Address, maxEventText),
	}
	detail := make(map[string]string, len(e.Detail))
	for k, v := range e.Detail {
		if len(detail) < maxEventKeys {
			detail[shown(k, maxEventText)] = shown(v, maxEventValue)
		}
	}
	e.Detail = detail
}

// record writes an audit event about a user.
func (d *Directory) record(ctx context.Context, action, userID string, detail ...string) error {
	e := Event{Action: action, Object: "user:" + userID, Detail: map[string]string{}}
	for i := 0; i+1 < len(detail); i += 2 {
		e.Detail[detail[i]] = detail[i+1]
	}
	return d.Audit.Record(ctx, e)
}

func pageSize(limit int) int {
	const most = 500
	if limit <= 0 || limit > most {
		return most
	}
	return limit
}
