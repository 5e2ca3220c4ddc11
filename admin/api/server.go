package api

import (
	"context"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func (s *service) serverOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/audit", id: "list-events", tag: auditTag,
		summary: "Read the audit log", text: "Lists what was done, the newest first. A page may hold fewer than limit and still have a next one.",
	}, s.listEvents)
	register(s, operation{
		method: http.MethodGet, path: "/keys", id: "list-keys", tag: keysTag,
		summary: "List the signing keys", text: "Lists the keys that will sign, sign, and still verify. Their private halves are never shown.",
	}, s.listKeys)
	register(s, operation{
		method: http.MethodPost, path: "/keys/rotate", id: "rotate-keys", tag: keysTag,
		summary: "Rotate the signing keys", text: "Lets the next keys sign. The old ones still verify until their last token has expired.",
		optionalBody: "Without a body the keys of all algorithms rotate, unless it is too soon.", example: map[string]any{"algorithm": "ES256"},
		problems: []kind{tooSoon},
	}, s.rotateKeys)
	register(s, operation{
		method: http.MethodPost, path: "/keys/withdraw", id: "withdraw-keys", tag: keysTag,
		summary: "Withdraw signing keys that have leaked",
		text: "Takes one key, or all keys of an algorithm, out of use at once: nothing that they signed verifies here any more, and they are published no " +
			"longer. New ones take their place. Authorizations live on: refresh tokens buy new access tokens.",
		example: map[string]any{"id": "4R1HtpU1fy0wmS1mbbRz8hGkD3Xk4s1wsJ8mR2Z1v3U"},
	}, s.withdrawKeys)
	register(s, operation{
		method: http.MethodGet, path: "/statistics", id: "read-statistics", tag: statisticsTag,
		summary: "See what was issued and refused", text: "Counts tokens issued and requests refused, over the last hour by minutes, day or week by hours.",
	}, s.readStatistics)
	register(s, operation{
		method: http.MethodGet, path: "/statistics/clients/{client_id}", id: "read-client-statistics", tag: statisticsTag,
		summary: "See what was issued to one auth client and refused", text: "Counts what concerns one client.",
	}, s.readClientStatistics)
}

type (
	listEventsIn struct {
		Actor  string    `query:"actor" maxLength:"255" doc:"Only what this actor did, by id or name."`
		Object string    `query:"object" maxLength:"255" doc:"Only what was done to this object, “client:ID”, or to this kind of objects, “client”."`
		Action string    `query:"action" maxLength:"255" doc:"Only this action, “client.created”, or this kind of actions, “client”."`
		From   time.Time `query:"from" doc:"Only what was done at this time or later."`
		To     time.Time `query:"to" doc:"Only what was done before this time."`
		Cursor string    `query:"cursor" maxLength:"512" doc:"next_cursor of the page before, with the same question."`
		Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to show at most."`
	}
	rotateKeysIn   struct{ body[KeyRotation] }
	withdrawKeysIn struct{ body[KeyWithdrawal] }
	statisticsIn   struct {
		Period string `query:"period" enum:"hour,day,week" default:"day" doc:"How far back to look."`
	}
	clientStatisticsIn struct {
		ClientID string `path:"client_id" doc:"The client_id."`
		Period   string `query:"period" enum:"hour,day,week" default:"day" doc:"How far back to look."`
	}
)

func (s *service) listEvents(ctx context.Context, in *listEventsIn) (*many[Event], error) {
	events, next, err := s.Audit.Find(ctx, account.AuditQuery{
		Actor: in.Actor, Object: in.Object, Action: in.Action, From: in.From, To: in.To, Cursor: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return listed(ctx, s, pageOf(events, next, func(e *account.Event) Event {
		return Event{
			ID: e.ID, Time: e.Time, Action: e.Action, Actor: Actor(e.Actor), Object: e.Object, Detail: e.Detail, RequestID: e.RequestID,
		}
	})), nil
}

func (s *service) readStatistics(ctx context.Context, in *statisticsIn) (*plain[Statistics], error) {
	found, err := s.Provider.Statistics(ctx, oauth.Period(in.Period))
	if err != nil {
		return nil, err
	}
	return &plain[Statistics]{showStatistics(found)}, nil
}

func (s *service) readClientStatistics(ctx context.Context, in *clientStatisticsIn) (*plain[Statistics], error) {
	if _, err := s.Provider.Client(ctx, in.ClientID); err != nil {
		return nil, err
	}
	found, err := s.Provider.ClientStatistics(ctx, in.ClientID, oauth.Period(in.Period))
	if err != nil {
		return nil, err
	}
	return &plain[Statistics]{showStatistics(found)}, nil
}

func showStatistics(found *oauth.Statistics) Statistics {
	return Statistics{
		Period: found.Period, From: found.From, To: found.To, Step: oauth.Duration(found.Step), Issued: showSeries(found.Issued),
		Refused: showSeries(found.Refused), ActiveClients: found.ActiveClients, ActiveUsers: found.ActiveUsers,
	}
}

func showSeries(series []oauth.Series) []Series {
	all := []Series{}
	for _, one := range series {
		one.Counts = orNone(one.Counts)
		all = append(all, Series(one))
	}
	return all
}
