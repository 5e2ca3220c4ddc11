package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) userView(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "")
	if err != nil {
		return err
	}
	page := templates.AdminUser{
		Admin: s.userFrame(r, v, t, t.Username), UserHead: t.head, Name: t.Name, Email: t.Email, Created: t.Created, Updated: t.Updated,
		Groups: s.groupMentions(v, t.ranks.named(t.Groups)),
	}
	if page.Effective, err = s.effective(r.Context(), v, t); err != nil {
		return err
	}
	page.SessionList, err = s.sessionList(r.Context(), v, t.ID)
	if err != nil {
		return err
	}
	page.SessionsPath, page.MayEnd = page.Path+"/sessions", t.head.CanEdit
	return s.show(w, r, page)
}

// effective tells what a user may do in the end. A blocked user may do nothing: then it tells what will count again.
func (s *site) effective(ctx context.Context, v *visit, t *target) (templates.Effective, error) {
	grounds := t.ranks.grounds(t.Permissions, t.Groups)
	if !t.Blocked {
		var err error
		if grounds, err = s.Directory.Explain(ctx, t.ID); err != nil {
			return templates.Effective{}, err
		}
	}
	return templates.Effective{Everything: t.SuperAdmin, Suspended: t.Blocked, Grounds: s.explained(v, grounds)}, nil
}

// sessionList is where a user is signed in, the one used last first.
func (s *site) sessionList(ctx context.Context, v *visit, userID string) (templates.SessionList, error) {
	sessions, err := s.Directory.SessionsOf(ctx, userID)
	if err != nil {
		return templates.SessionList{}, err
	}
	slices.SortFunc(sessions, func(a, b *account.Session) int {
		if c := b.Seen.Compare(a.Seen); c != 0 {
			return c
		}
		return b.Created.Compare(a.Created)
	})
	var list templates.SessionList
	for _, session := range sessions {
		list.Sessions = append(list.Sessions, templates.SessionLine{
			ID: session.ID, Browser: browserInWords(session.UserAgent), Agent: session.UserAgent, Address: session.Address,
			Created: session.Created, Seen: session.Seen, Here: session.ID == v.Session.ID,
		})
	}
	return list, nil
}

// historySize is how many events a page of a history has.
const historySize = 30

// history gives a page of what was done to an object, "user:usr_…".
func (s *site) history(r *http.Request, v *visit, object string) ([]templates.EventLine, templates.Steps, error) {
	cursor := r.URL.Query().Get("cursor")
	events, next, err := s.Audit.Find(r.Context(), account.AuditQuery{Object: object, Cursor: cursor, Limit: historySize})
	if err != nil {
		return nil, templates.Steps{}, err
	}
	steps := templates.Steps{Noun: "events", Shown: len(events)}
	if cursor != "" {
		steps.Newest = "?"
	}
	if next != "" {
		steps.Further = "?" + url.Values{"cursor": {next}}.Encode()
	}
	return s.eventLines(r.Context(), v, events), steps, nil
}

func (s *site) userHistory(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "history")
	if err != nil {
		return err
	}
	page := templates.AdminUserHistory{Admin: s.userFrame(r, v, t, "History"), UserHead: t.head}
	if page.Events, page.Steps, err = s.history(r, v, "user:"+t.ID); err != nil {
		return err
	}
	return s.show(w, r, page)
}
