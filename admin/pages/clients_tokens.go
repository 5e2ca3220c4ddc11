package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// stepSize is how many lines a page of a list has that is read step by step.
const stepSize = 50

// steps leads on through such a list. The cursor is that of the page behind this one.
func steps(r *http.Request, noun string, shown int, next string) templates.Steps {
	step := templates.Steps{Noun: noun, Shown: shown}
	if r.URL.Query().Get("after") != "" {
		step.Newest = "?"
	}
	if next != "" {
		step.Further = "?" + url.Values{"after": {next}}.Encode()
	}
	return step
}

func (s *site) clientAuthorizations(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.clientOf(r)
	if err != nil {
		return err
	}
	lines, next, err := s.authorizationLines(r.Context(), v, c, r.URL.Query().Get("after"), stepSize)
	if err != nil {
		return err
	}
	live, err := s.liveCount(r.Context(), c.ClientID)
	if err != nil {
		return err
	}
	return s.show(w, r, templates.ClientAuthorizations{
		Admin: s.clientFrame(r, v, "Live authorizations", clientLink(c)), ClientHead: s.clientHead(v, c, "authorizations"),
		Lines: lines, Steps: steps(r, "authorizations", len(lines), next), Live: live,
	})
}

// clientAuthorizationRevoke ends one authorization. It must be one of the client whose page it stands on.
func (s *site) clientAuthorizationRevoke(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.clientOf(r)
	if err != nil {
		return err
	}
	a, err := s.Provider.LiveAuthorization(r.Context(), mux.Vars(r)["authorization_id"])
	if errors.Is(err, store.ErrNotFound) || err == nil && a.ClientID != c.ClientID {
		return errNotFound
	}
	if err != nil {
		return err
	}
	if err := s.Provider.RevokeAuthorization(r.Context(), a.ID); err != nil {
		return err
	}
	return s.clientDone(w, r, v, clientPath(c.ClientID), "client-authorization")
}

func (s *site) clientHistory(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.clientOf(r)
	if err != nil {
		return err
	}
	object := "client:" + c.ClientID
	events, next, err := s.Audit.Find(r.Context(), account.AuditQuery{Object: object, Cursor: r.URL.Query().Get("after"), Limit: stepSize})
	if err != nil {
		return err
	}
	return s.show(w, r, templates.ClientHistory{
		Admin: s.clientFrame(r, v, "History", clientLink(c)), ClientHead: s.clientHead(v, c, "history"),
		Events: s.eventLines(r.Context(), v, events), Steps: steps(r, "events", len(events), next),
		All: "/admin/audit?" + url.Values{"object": {c.ClientID}}.Encode(),
	})
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
