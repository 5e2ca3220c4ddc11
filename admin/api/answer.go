package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// Every status code of a refusal is chosen in this file.

// kind is a kind of problem, told apart by its code.
type kind struct {
	code   string
	status int
	title  string
	text   string // a sentence, where a request has nothing of its own to say
}

// The kinds of problems, as the reference lists them.
var (
	malformed      = kind{"malformed-request", http.StatusBadRequest, "The request is malformed", "The request could not be read."}
	noToken        = kind{"no-token", http.StatusUnauthorized, "An access token is needed", "Send an access token of this server as “Authorization: Bearer TOKEN”."}
	invalidToken   = kind{"invalid-token", http.StatusUnauthorized, "The access token is not good", "It is unknown, expired, revoked, or not meant for this server."}
	tooNarrow      = kind{"insufficient-scope", http.StatusForbidden, "The access token does not reach far enough", ""}
	forbidden      = kind{"forbidden", http.StatusForbidden, "You may not do this", ""}
	notFound       = kind{"not-found", http.StatusNotFound, "There is no such thing", "There is nothing at this address, or it is gone."}
	wrongMethod    = kind{"method-not-allowed", http.StatusMethodNotAllowed, "This cannot be done here", "The header Allow lists what can."}
	taken          = kind{"taken", http.StatusConflict, "Somebody else has it", "Another one goes by the same name."}
	inUse          = kind{"in-use", http.StatusConflict, "Something still uses it", "Take it from what uses it first."}
	builtIn        = kind{"built-in", http.StatusConflict, "This is part of the server", "It is needed by the server itself and cannot be changed in this way."}
	lastSuperAdmin = kind{"last-super-admin", http.StatusConflict, "The last super admin stays", "Somebody must be able to manage this server. Make another user a super admin first."}
	conflict       = kind{"conflict", http.StatusConflict, "Somebody else changed it", "It was changed at the same moment. Look at it again."}
	tooSoon        = kind{"too-soon", http.StatusConflict, "It is too soon", "The next key is not known everywhere yet. If a key has leaked, rotate with force."}
	stale          = kind{"stale", http.StatusPreconditionFailed, "It was changed meanwhile", "It is not what If-Match or If-None-Match names. Look at it again."}
	tooLarge       = kind{"too-large", http.StatusRequestEntityTooLarge, "The request is too large", "A body may have a megabyte."}
	mediaType      = kind{"unsupported-media-type", http.StatusUnsupportedMediaType, "The body is of the wrong type", ""}
	invalid        = kind{"invalid-fields", http.StatusUnprocessableEntity, "Some fields are wrong", "The request was understood, but some of its fields cannot be accepted."}
	noBackup       = kind{"no-backup", http.StatusConflict, "The store is in no file", "Only a server on an embedded store sends backups of it. One on Redis is backed up by `grantor backup --store`."}
	backingUp      = kind{"backing-up", http.StatusConflict, "A backup is under way", "One backup is sent at a time. Try again once it has ended."}
	throttled      = kind{"throttled", http.StatusTooManyRequests, "There were too many attempts", "Try again later."}
	failed         = kind{"server-error", http.StatusInternalServerError, "Something went wrong here", "The server failed to answer. Its log tells more, under the id of this request."}
	unavailable    = kind{"unavailable", http.StatusServiceUnavailable, "The server cannot answer at the moment", "Try again shortly."}
)

func kinds() []kind {
	return []kind{malformed, noToken, invalidToken, tooNarrow, forbidden, notFound, wrongMethod, taken, inUse, builtIn, lastSuperAdmin, conflict,
		tooSoon, noBackup, backingUp, stale, tooLarge, mediaType, invalid, throttled, failed, unavailable}
}

func (k kind) problem() *Problem {
	return &Problem{Type: k.code, Title: k.title, Status: k.status, Detail: k.text, header: http.Header{}}
}

// saying is problem with words of its own.
func (k kind) saying(detail string) *Problem {
	p := k.problem()
	p.Detail = detail
	return p
}

// faulty is problem with what is wrong with fields.
func (k kind) faulty(faults ...Fault) *Problem {
	p := k.problem()
	p.Errors = faults
	if len(faults) > maxFaults {
		p.Errors = faults[:maxFaults]
		p.Detail += " These are the first of its faults."
	}
	return p
}

// maxFaults is how many faults are told at once: more than anybody mends before the next try.
const maxFaults = 100

// challenging is problem with a challenge (RFC 6750 section 3).
func (k kind) challenging(parameters string) *Problem {
	p := k.problem()
	p.header.Set("WWW-Authenticate", `Bearer realm="grantor"`+parameters)
	return p
}

func (k kind) retried(after time.Duration) *Problem {
	p := k.problem()
	p.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	return p
}

var (
	errStarting       = errors.New("the server is starting")
	errNoOperation    = errors.New("nothing at this path")
	errMethod         = errors.New("method not allowed")
	errNoToken        = errors.New("no access token was sent")
	errInvalidToken   = errors.New("the access token is not good")
	errAuthorizations = errors.New("the header Authorization was sent more than once")
	errStale          = errors.New("a precondition does not hold")
)

// scopeError says which scope a token lacks.
type scopeError struct {
	need    string
	refusal error
}

func (e *scopeError) Error() string { return "the access token lacks the scope " + e.need }

// Unwrap gives what is missing, for who explains the refusal.
func (e *scopeError) Unwrap() error { return e.refusal }

func (e *scopeError) challenge() *Problem {
	p := tooNarrow.challenging(`, error="insufficient_scope", scope="` + e.need + `"`)
	p.Detail = sentence(e.refusal.Error()) + " The token must have the scope “" + e.need + "” or “admin”, and its user or client the permission."
	if e.need == oauth.AdminScope {
		p.Detail = "This needs some permission in the administration, and a token with the scope “admin” or one equal to a permission."
	}
	return p
}

// retrySoon is what a caller is told to wait while the store is away.
const retrySoon = 2 * time.Second

// problemOf gives what of an error may be seen.
func problemOf(err error) *Problem {
	var problem *Problem
	var scope *scopeError
	var refusal *account.ForbiddenError
	var slow *account.ThrottledError
	var early *oauth.TooSoonError
	var exceeded *limit.ExceededError
	var large *http.MaxBytesError
	var unexplained *oauth.UnexplainedError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &unexplained):
		return notFound.saying(sentence(unexplained.Why))
	case errors.As(err, &scope):
		return scope.challenge()
	case errors.As(err, &refusal):
		return forbidden.saying(refusalText(refusal))
	case errors.Is(err, errNoToken):
		return noToken.challenging("")
	case errors.Is(err, errInvalidToken):
		return invalidToken.challenging(`, error="invalid_token"`)
	case errors.Is(err, errAuthorizations):
		p := malformed.challenging(`, error="invalid_request"`)
		p.Detail = "The header Authorization must be sent once."
		return p
	case errors.Is(err, errMethod):
		return wrongMethod.problem()
	case errors.Is(err, errNoOperation), errors.Is(err, store.ErrNotFound):
		return notFound.problem()
	case errors.Is(err, oauth.ErrNameTaken):
		return taken.faulty(Fault{Pointer: "/client_name", Detail: "Another auth client has this name."})
	case errors.Is(err, oauth.ErrClientIDTaken):
		return taken.faulty(Fault{Pointer: "/client_id", Detail: "Another auth client has this client_id."})
	case errors.Is(err, oauth.ErrAPITaken):
		return taken.faulty(Fault{Pointer: "/identifier", Detail: "Another API has this identifier."})
	case errors.Is(err, account.ErrTaken):
		return taken.faulty(faultsOf(err)...)
	case errors.Is(err, account.ErrBuiltIn):
		return builtIn.problem()
	case errors.Is(err, account.ErrLastSuperAdmin):
		return lastSuperAdmin.problem()
	case errors.Is(err, errStale):
		return stale.problem()
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrExists):
		return conflict.problem()
	case errors.As(err, &early):
		return tooSoon.retried(early.RetryAfter)
	case errors.As(err, &large):
		return tooLarge.problem()
	case errors.As(err, &slow):
		return throttled.retried(slow.RetryAfter)
	case errors.As(err, &exceeded):
		p := throttled.retried(exceeded.RetryAfter)
		p.Detail = "There were too many requests. Try again later."
		return p
	case errors.Is(err, oauth.ErrNothingSelected):
		return invalid.faulty(Fault{Pointer: "", Detail: "Name a token, a client, a user or a time."})
	}
	if faults := faultsOf(err); len(faults) > 0 {
		return invalid.faulty(faults...)
	}
	return outage(err)
}

func outage(err error) *Problem {
	var refused *oauth.Error
	away := errors.Is(err, errStarting) || errors.Is(err, account.ErrBusy) || errors.Is(err, limit.ErrBusy) || errors.Is(err, oauth.ErrNoSigningKey) || store.IsUnavailable(err) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &refused) && refused.Code == oauth.TemporarilyUnavailable
	if away {
		return unavailable.retried(retrySoon)
	}
	return failed.problem()
}

// faultsOf gives what the rules say of each field, by pointers into the body.
func faultsOf(err error) (faults []Fault) {
	var registration *oauth.RegistrationError
	var fields *account.FieldErrors
	switch {
	case errors.As(err, &registration):
		for _, f := range registration.Fields {
			faults = append(faults, Fault{Pointer: pointerTo(f.Field), Detail: sentence("It " + f.Message)})
		}
	case errors.As(err, &fields):
		for _, f := range fields.Fields {
			faults = append(faults, Fault{Pointer: pointerTo(f.Field), Detail: sentence(f.Message)})
		}
	}
	return faults
}

// pointerTo makes "/scopes/1/name" of "scopes[1].name" (RFC 6901).
func pointerTo(field string) string { return "/" + inPointers.Replace(field) }

var inPointers = strings.NewReplacer("[", "/", "]", "", ".", "/")

func parameterFault(name, detail string) *Problem {
	return invalid.faulty(Fault{Parameter: name, Detail: detail})
}

func refusalText(e *account.ForbiddenError) string {
	if !e.SuperAdmin && len(e.Missing) == 0 {
		return "There is no permission for anything in the administration."
	}
	return sentence(e.Error())
}

// sentence makes a whole sentence of the words of an error.
func sentence(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; 'a' <= c && c <= 'z' {
		s = string(c-'a'+'A') + s[1:]
	}
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "!") {
		s += "."
	}
	return s
}

// named completes a problem, and tells the log what is answered, and why.
func (s *service) named(ctx context.Context, err error) *Problem {
	p := *problemOf(err)
	event := web.EventFrom(ctx)
	event.Error, event.Description, event.Cause = p.Type, p.Title, err
	p.Type = s.address + "/docs#" + p.Type
	if id := event.RequestID; id != "" {
		p.Instance = "urn:request:" + id
	}
	return &p
}

// fail answers where no operation has the word.
func (s *service) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.named(r.Context(), err)
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may be gone
}
