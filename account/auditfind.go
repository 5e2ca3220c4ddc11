package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// AuditQuery says which events to list. What is empty restricts nothing.
type AuditQuery struct {
	Actor    string    // id or name of who did it
	Object   string    // "client:ID", or a kind of objects, "client"
	Action   string    // "client.created", or a kind of actions, "client"
	From, To time.Time // From is within, To is not
	Cursor   string
	Limit    int // at most 500, which is also what 0 means
}

// auditPages bounds how many pages one Find reads, so that a search for what is rare costs little each time. 500 events
// are a page.
const auditPages = 10

// Find lists the events that a query asks for, the newest first, and the cursor behind which to go on: "" where there are
// no more. Where few events match it may give fewer than Limit, or none, together with a cursor.
func (a *Audit) Find(ctx context.Context, q AuditQuery) (events []*Event, next string, err error) {
	tag, cursor := q.narrowest(), q.begin()
	if len(tag) > store.MaxID || len(cursor) > store.MaxID {
		return nil, "", nil
	}
	limit := pageSize(q.Limit)
	size := limit // it suffices where the tag alone decides
	for range auditPages {
		page, after, err := a.events.List(ctx, tag, cursor, size)
		if err != nil {
			return nil, "", fmt.Errorf("list audit events: %w", err)
		}
		for i, e := range page {
			if e.Time.Before(q.From) {
				return events, "", nil
			}
			if !q.matches(e) {
				continue
			}
			events = append(events, e)
			if len(events) == limit {
				if i == len(page)-1 {
					return events, after, nil
				}
				return events, e.ID, nil
			}
		}
		if cursor = after; cursor == "" {
			break
		}
		size = pageSize(0)
	}
	return events, cursor, nil
}

// Each visits every event that a query asks for, the newest first, until visit returns an error, which Each returns.
func (a *Audit) Each(ctx context.Context, q AuditQuery, visit func(*Event) error) error {
	q.Limit = 0
	for {
		events, next, err := a.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := visit(e); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		q.Cursor = next
	}
}

// narrowest is the tag of the fewest events among which all that are asked for are.
func (q AuditQuery) narrowest() string {
	switch {
	case strings.Contains(q.Object, ":"):
		return ObjectEvents(q.Object)
	case isUserID(q.Actor):
		return ActorEvents(q.Actor)
	case q.Actor != "":
		return whoTag(q.Actor)
	case strings.Contains(q.Action, "."):
		return ActionEvents(q.Action)
	case q.Object != "":
		return objectKindTag(q.Object)
	case q.Action != "":
		return actionKindTag(q.Action)
	}
	return AllEvents
}

func (q AuditQuery) matches(e *Event) bool {
	return (q.Object == "" || q.Object == e.Object || q.Object == objectKind(e.Object)) &&
		(q.Action == "" || q.Action == e.Action || q.Action == actionKind(e.Action)) &&
		(q.Actor == "" || q.Actor == e.Actor.ID || slices.Contains(whoTags(e.Actor), whoTag(q.Actor)))
}

// begin is the cursor to begin behind. Ids count down in milliseconds; so the id without its end stands before all of its
// millisecond and behind all of the next.
func (q AuditQuery) begin() string {
	if q.To.IsZero() {
		return q.Cursor
	}
	last := q.To.Add(-1).UnixMilli()
	return max(q.Cursor, fmt.Sprintf("%s%012x", eventPrefix, countdown(min(max(last, 0), lastMillisecond))))
}

func objectKind(object string) string { kind, _, _ := strings.Cut(object, ":"); return kind }

func actionKind(action string) string { kind, _, _ := strings.Cut(action, "."); return kind }

func objectKindTag(kind string) string { return eventTag("objectkind:", kind) }

func actionKindTag(kind string) string { return eventTag("actionkind:", kind) }

// whoTag is the tag of what somebody did, by name or by id, whatever the case.
func whoTag(nameOrID string) string { return eventTag("who:", folded(strings.TrimSpace(nameOrID))) }

// whoTags are the tags of both, where there is one. A user's id is told from a name by its form and needs none.
func whoTags(a Actor) []string {
	var tags []string
	for _, s := range []string{a.ID, a.Name} {
		if strings.TrimSpace(s) != "" && !isUserID(s) {
			tags = append(tags, whoTag(s))
		}
	}
	return slices.Compact(tags)
}
