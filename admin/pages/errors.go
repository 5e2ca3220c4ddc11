package pages

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// Every status code of a refused page is chosen in this file.

// formRefused is the status of a form that is shown again with its faults.
const formRefused = http.StatusUnprocessableEntity

// formOutdated is the status of a form that is shown again because somebody else saved first.
const formOutdated = http.StatusConflict

var (
	errNotFound  = errors.New("nothing at this path")
	errMethod    = errors.New("method not allowed")
	errForm      = errors.New("the form is malformed")
	errFormToken = errors.New("the form token does not match")
	errStarting  = errors.New("the server is starting")
	errFilter    = errors.New("a date of the filter is malformed")
)

// answer is what of an error a person is told.
type answer struct {
	status      int
	code        string // for the log
	title, text string
	retryAfter  time.Duration
}

// storeRetry is what a caller is told to wait while the store is away.
const storeRetry = 2 * time.Second

func answerTo(err error) answer {
	var forbidden *account.ForbiddenError
	var throttled *account.ThrottledError
	var exceeded *limit.ExceededError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &forbidden):
		return answer{http.StatusForbidden, "forbidden", "You may not do this", forbiddenText(forbidden), 0}
	case errors.Is(err, errNotFound), errors.Is(err, store.ErrNotFound):
		return answer{http.StatusNotFound, "not_found", "Page not found", "There is nothing at this address, or it is gone.", 0}
	case errors.Is(err, errMethod):
		return answer{http.StatusMethodNotAllowed, "method_not_allowed", "That did not work", "This page cannot be used in this way.", 0}
	case errors.Is(err, errForm):
		return answer{http.StatusBadRequest, "invalid_form", "That did not work", "The form could not be read. Please open the page again.", 0}
	case errors.Is(err, errFilter):
		return answer{http.StatusBadRequest, "invalid_filter", "That did not work", "A date is written as year, month and day: 2026-11-22.", 0}
	case errors.Is(err, errFormToken):
		return answer{http.StatusForbidden, "form_token", "Please try again",
			"This form was open too long, or was not sent from this site. Please open the page again.", 0}
	case errors.As(err, &tooLarge):
		return answer{http.StatusRequestEntityTooLarge, "too_large", "That did not work", "The form is too large.", 0}
	case errors.Is(err, account.ErrBuiltIn):
		return answer{http.StatusConflict, "built_in", "This is part of the server", "It is needed by the server itself and cannot be changed in this way.", 0}
	case errors.Is(err, account.ErrLastSuperAdmin):
		return answer{http.StatusConflict, "last_super_admin", "The last super admin stays",
			"Somebody must be able to manage this server. Make another user a super admin first.", 0}
	case errors.Is(err, store.ErrConflict):
		return answer{http.StatusConflict, "conflict", "Somebody else was faster", "This was changed at the same moment. Please look at it again.", 0}
	case errors.As(err, &throttled):
		return answer{http.StatusTooManyRequests, "throttled", "Please wait", "There were too many attempts. Please try again later.", throttled.RetryAfter}
	case errors.As(err, &exceeded):
		return answer{http.StatusTooManyRequests, "throttled", "Please wait", "There were too many requests. Please try again later.", exceeded.RetryAfter}
	case errors.Is(err, account.ErrBusy), errors.Is(err, limit.ErrBusy), errors.Is(err, errStarting):
		return answer{http.StatusServiceUnavailable, "busy", "Please try again", "The server is busy at the moment. Please try again.", time.Second}
	case store.IsUnavailable(err), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, oauth.ErrNoSigningKey):
		return answer{http.StatusServiceUnavailable, "unavailable", "Please try again", "The server cannot answer at the moment. Please try again.", storeRetry}
	}
	return answer{http.StatusInternalServerError, "server_error", "Something went wrong", "The server failed to answer.", 0}
}

func forbiddenText(e *account.ForbiddenError) string {
	switch {
	case e.SuperAdmin:
		return "Only a super admin may do this."
	case len(e.Missing) == 0:
		return "You have no permission in the administration. Ask one of its admins for it."
	}
	text := "You would need the permission "
	for i, p := range e.Missing {
		if i > 0 {
			text += ", "
		}
		text += "“" + p.Title() + "”"
	}
	return text + "."
}

// writeError answers a person; v is nil where nobody is known to be signed in. Nothing of the request is repeated.
func (s *site) writeError(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	a := answerTo(err)
	event := web.EventFrom(r.Context())
	event.Error, event.Description, event.Cause = a.code, a.text, err
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(a.retryAfter.Seconds()))))
	}
	if v == nil {
		s.write(w, r, a.status, templates.Message{
			Frame: templates.Frame{Base: s.base, Host: s.host}, Title: a.title, Text: a.text, Status: a.status, RequestID: event.RequestID,
		})
		return
	}
	s.write(w, r, a.status, templates.AdminMessage{
		Admin: s.frame(r, v, "", a.title), Text: a.text, RequestID: event.RequestID,
	})
}

// fieldFaults gives what the rules say of each field of a form; ok is false where err is something else. The fields of
// lists are numbered: "redirect_uris[1]".
func fieldFaults(err error) (faults []templates.Fault, ok bool) {
	var registration *oauth.RegistrationError
	var fields *account.FieldErrors
	switch {
	case errors.As(err, &registration):
		for _, f := range registration.Fields {
			faults = append(faults, templates.Fault{Field: f.Field, Message: f.Message})
		}
	case errors.As(err, &fields):
		for _, f := range fields.Fields {
			faults = append(faults, templates.Fault{Field: f.Field, Message: f.Message})
		}
	case errors.Is(err, oauth.ErrNameTaken):
		faults = []templates.Fault{{Field: "client_name", Message: "Another auth client has this name."}}
	case errors.Is(err, oauth.ErrAPITaken):
		faults = []templates.Fault{{Field: "identifier", Message: "Another API has this identifier."}}
	case errors.Is(err, oauth.ErrClientIDTaken):
		faults = []templates.Fault{{Field: "client_id", Message: "Another auth client has this client ID."}}
	}
	return faults, len(faults) > 0
}
