package server

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/object"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// Every status code of a refusal is chosen in this file.

// formRefused is the status of a form that is shown again with its faults. 401 would need a challenge that browsers act upon (RFC 9110
// section 15.5.2), so it is the status of a form whose content is not accepted.
const formRefused = http.StatusUnprocessableEntity

// answer is what of an error may be seen.
type answer struct {
	status      int
	code        string
	description string
	title       string // of the page
	retryAfter  time.Duration
}

// storeRetry is what a caller is told to wait while the store is away.
const storeRetry = 2 * time.Second

// statusOf gives the status of an OAuth error at an endpoint for programs (RFC 6749 section 5.2).
func statusOf(code oauth.Code) int {
	switch code {
	case oauth.InvalidClient, oauth.InvalidToken:
		return http.StatusUnauthorized
	case oauth.InsufficientScope:
		return http.StatusForbidden
	case oauth.ServerError:
		return http.StatusInternalServerError
	case oauth.TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

func answerTo(err error) answer {
	var refused *oauth.Error
	var throttled *account.ThrottledError
	var exceeded *limit.ExceededError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &refused):
		return answer{statusOf(refused.Code), string(refused.Code), refused.Description, "That did not work", refused.RetryAfter}
	case errors.Is(err, errNoToken): // RFC 6750 section 3.1: no error code
		return answer{http.StatusUnauthorized, "", "an access token is needed", "That did not work", 0}
	case errors.Is(err, errMethod):
		return answer{http.StatusMethodNotAllowed, "invalid_request", "this method is not allowed here", "That did not work", 0}
	case errors.Is(err, errNotFound):
		return answer{http.StatusNotFound, "not_found", "there is nothing at this address", "Page not found", 0}
	case errors.Is(err, oauth.ErrNoInteraction):
		return answer{http.StatusBadRequest, "invalid_request",
			"This page is no longer in use. Please go back to the application or device and start again.", "Please start again", 0}
	case errors.Is(err, errFormToken):
		return answer{http.StatusForbidden, "invalid_request",
			"This form was open too long, or was not sent from this site. Please open the page again.", "Please try again", 0}
	case errors.As(err, &tooLarge):
		return answer{http.StatusRequestEntityTooLarge, "invalid_request", "the request is too large", "That did not work", 0}
	case errors.As(err, &throttled):
		return answer{http.StatusTooManyRequests, "temporarily_unavailable", "too many attempts, try again later",
			"Please wait", throttled.RetryAfter}
	case errors.As(err, &exceeded):
		return answer{http.StatusTooManyRequests, "temporarily_unavailable", "too many requests, try again later",
			"Please wait", exceeded.RetryAfter}
	case errors.Is(err, account.ErrBusy), errors.Is(err, limit.ErrBusy):
		return answer{http.StatusServiceUnavailable, "temporarily_unavailable", "the server is busy, try again", "Please try again", time.Second}
	case store.IsUnavailable(err), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return answer{http.StatusServiceUnavailable, "temporarily_unavailable", "the server cannot answer at the moment, try again",
			"Please try again", storeRetry}
	}
	return answer{http.StatusInternalServerError, "server_error", "the server failed to answer", "Something went wrong", 0}
}

// note tells the log what is answered, and why.
func (a answer) note(event *web.Event, err error) {
	event.Error, event.Description, event.Refusal = a.code, a.description, err
	if cause := causeOf(err); cause != nil {
		event.Cause = cause
	}
}

// causeOf gives what the log should tell beyond code and description.
func causeOf(err error) error {
	var refused *oauth.Error
	if errors.As(err, &refused) {
		return refused.Cause
	}
	return err
}

func (a answer) head(w http.ResponseWriter) {
	if a.retryAfter > 0 {
		seconds := int(math.Ceil(a.retryAfter.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
}

// writeError answers a program as RFC 6749 section 5.2 says.
func (s *server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	a := answerTo(err)
	a.note(web.EventFrom(r.Context()), err)
	a.head(w)
	if a.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="grantor", charset="UTF-8"`)
	}
	s.writeErrorBody(w, a)
}

// writeBearerError answers a gateway, and by way of it a caller, as RFC 6750 section 3 says. need is the scope that would do.
func (s *server) writeBearerError(w http.ResponseWriter, r *http.Request, err error, need oauth.Scope) {
	a := answerTo(err)
	a.note(web.EventFrom(r.Context()), err)
	a.head(w)
	h := w.Header()
	h.Set(authSubject, "")
	h.Set(authClient, "")
	h.Set(authScope, "")
	if a.status < http.StatusInternalServerError {
		h.Set("WWW-Authenticate", a.challenge(need))
	}
	s.writeErrorBody(w, a)
}

// challenge holds no text of the request but the scope, whose characters need no quoting (RFC 6749 section 3.3).
func (a answer) challenge(need oauth.Scope) string {
	challenge := `Bearer realm="grantor"`
	if a.code != "" {
		challenge += `, error="` + a.code + `", error_description="` + a.description + `"`
	}
	if a.code == string(oauth.InsufficientScope) {
		challenge += `, scope="` + need.String() + `"`
	}
	return challenge
}

func (s *server) writeErrorBody(w http.ResponseWriter, a answer) {
	s.writeObject(w, a.status, func(o *object.Writer) {
		o.TextUnlessEmpty("error", a.code)
		o.TextUnlessEmpty("error_description", a.description)
	})
}

// writePageError answers a person. Nothing of the request is repeated on the page.
func (s *server) writePageError(w http.ResponseWriter, r *http.Request, err error) {
	a := answerTo(err)
	event := web.EventFrom(r.Context())
	a.note(event, err)
	a.head(w)
	s.writePage(w, r, a.status, templates.Message{
		Frame: s.frame(""), Title: a.title, Text: sentence(a.description), Status: a.status, RequestID: event.RequestID,
	})
}

// sentence makes a whole sentence of an error description.
func sentence(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; 'a' <= c && c <= 'z' {
		s = string(c-'a'+'A') + s[1:]
	}
	if s[len(s)-1] != '.' {
		s += "."
	}
	return s
}

var (
	errNotFound  = errors.New("nothing at this path")
	errFormToken = errors.New("the form token does not match")
	errNoToken   = errors.New("no bearer token")
)

func (s *server) notFound(http.ResponseWriter, *http.Request) error { return errNotFound }
