package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// What is kept of a refused request, for admins who ask why (oauth/explain.go). It is taken from the event of the request, so
// one place sees every refusal: of endpoints, pages and the administration.

// done is called behind every answer.
func (s *server) done(r *http.Request, e *web.Event) {
	s.noteRefusal(r, e)
	if s.Done != nil {
		s.Done(r, e)
	}
}

// noteRefusal keeps why a request was refused. It waits for nothing.
func (s *server) noteRefusal(r *http.Request, e *web.Event) {
	if !s.explains(e) || r.Context().Err() != nil { // who has gone has no id to ask about
		return
	}
	x := oauth.Explanation{
		ID: e.RequestID, Method: r.Method, Path: e.Path, Status: e.Status, Error: e.Error, Description: e.Description,
		ClientID: e.Client, Subject: e.Subject, Grant: e.Grant, Address: e.Address,
	}
	if x.ClientID == "" && e.Claimed != "" {
		x.ClientID, x.Claimed = e.Claimed, true
	}
	err := e.Refusal
	if err == nil {
		err = e.Cause
	}
	x.Rule, x.Source = ruleOf(e, err)
	if exceeded := (*limit.ExceededError)(nil); errors.As(err, &exceeded) {
		x.Near = fmt.Sprintf("the limit %s is used up, and lets one through in %v", exceeded.Class, exceeded.RetryAfter.Round(time.Millisecond))
	}
	if err != nil && strings.HasPrefix(err.Error(), panicked) { // it may hold anything
		x.Cause, err = "a fault of the program; the log tells more under this id", nil
	}
	s.Provider.NoteRefusal(x, err)
}

// panicked begins the cause of an answer that a panic was behind (internal/web/panic.go).
const panicked = "panic: "

// explains tells refusals from what is no refusal, says all by itself, or comes from probes and scanners without number.
func (s *server) explains(e *web.Event) bool {
	path, below := strings.CutPrefix(e.Path, s.base)
	switch {
	case e.Error == "" && e.Description == "", e.Status == http.StatusNotFound, e.Error == string(oauth.AuthorizationPending):
		return false
	case below && (path == readyPath || path == healthPath):
		return false
	}
	for _, area := range s.Areas {
		if path == area.Path || strings.HasPrefix(path, area.Path+"/") {
			return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusTooManyRequests ||
				e.Status >= http.StatusInternalServerError
		}
	}
	return true
}

// ruleOf names the rule behind errors that do not tell it themselves.
func ruleOf(e *web.Event, err error) (rule, source string) {
	const forms = "docs/security.md"
	var refused *oauth.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &refused) && refused.Rule != "":
		return "", ""
	case e.Status == http.StatusTooManyRequests:
		return "attempts and requests are limited", "RFC 6585 section 4"
	case errors.Is(err, errNoToken), e.Error == "no-token":
		return "an access token comes in the header Authorization", "RFC 6750 section 2.1"
	case errors.Is(err, errMethod):
		return "the endpoint takes the methods that the header Allow names", "RFC 9110 section 15.5.6"
	case errors.Is(err, oauth.ErrNoInteraction):
		return "a login or consent page is answered once, soon, and in the browser that it was shown in", forms
	case errors.Is(err, errFormToken), e.Error == "form_token", e.Error == "cross_origin":
		return "a form is sent by the page that it stands on, soon, and from this site", forms
	case errors.As(err, &tooLarge):
		return "a body is not larger than its endpoint takes", "RFC 9110 section 15.5.14"
	case e.Error == loginFailed:
		return "username and password are right", forms
	case e.Error == userCodeUnknown:
		return "a user code is one that a device is shown, soon, and is answered once", "RFC 8628 section 3.3"
	case errors.Is(err, limit.ErrBusy), errors.Is(err, account.ErrBusy):
		return "no more is worked on at once than there is room for", "RFC 9110 section 15.6.4"
	case store.IsUnavailable(err), errors.Is(err, context.DeadlineExceeded):
		return "the store answers", "RFC 9110 section 15.6.4"
	case e.Status >= http.StatusInternalServerError:
		return "the server is able to answer", "RFC 9110 section 15.6"
	}
	return "", ""
}

// loginFailed is what the log calls a login with a wrong name or password.
const loginFailed = "login_failed"
