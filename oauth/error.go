package oauth

import (
	"errors"
	"time"
)

// Code is an error code of the OAuth registry. Which HTTP status it becomes is decided in server/errors.go.
type Code string

// The error codes that this server answers.
const (
	InvalidRequest          Code = "invalid_request"           // RFC 6749 sections 4.1.2.1, 5.2
	InvalidClient           Code = "invalid_client"            // RFC 6749 section 5.2
	InvalidGrant            Code = "invalid_grant"             // RFC 6749 section 5.2
	UnauthorizedClient      Code = "unauthorized_client"       // RFC 6749 sections 4.1.2.1, 5.2
	UnsupportedGrantType    Code = "unsupported_grant_type"    // RFC 6749 section 5.2
	UnsupportedResponseType Code = "unsupported_response_type" // RFC 6749 section 4.1.2.1
	InvalidScope            Code = "invalid_scope"             // RFC 6749 sections 4.1.2.1, 5.2
	InvalidTarget           Code = "invalid_target"            // RFC 8707 section 2
	AccessDenied            Code = "access_denied"             // RFC 6749 section 4.1.2.1
	ServerError             Code = "server_error"              // RFC 6749 section 4.1.2.1
	TemporarilyUnavailable  Code = "temporarily_unavailable"   // RFC 6749 section 4.1.2.1
	InvalidToken            Code = "invalid_token"             // RFC 6750 section 3.1
	InsufficientScope       Code = "insufficient_scope"        // RFC 6750 section 3.1
	AuthorizationPending    Code = "authorization_pending"     // RFC 8628 section 3.5
	SlowDown                Code = "slow_down"                 // RFC 8628 section 3.5
	ExpiredToken            Code = "expired_token"             // RFC 8628 section 3.5
	LoginRequired           Code = "login_required"            // OpenID Connect Core section 3.1.2.6
	ConsentRequired         Code = "consent_required"          // OpenID Connect Core section 3.1.2.6
	RequestNotSupported     Code = "request_not_supported"     // OpenID Connect Core section 3.1.2.6
	RequestURINotSupported  Code = "request_uri_not_supported" // OpenID Connect Core section 3.1.2.6
)

// Error is what a client may read. Cause is for the log, what follows it for admins (explain.go); neither is ever sent.
type Error struct {
	Code        Code
	Description string        // a sentence of printable ASCII without quotes or backslashes (RFC 6749 section 5.2)
	RetryAfter  time.Duration // set where trying again later helps
	Cause       error

	Rule   string        // the rule that was broken: "a code is redeemed once"
	Source string        // where it stands: "RFC 6749 section 4.1.2"
	Near   func() string // what was expected and what came; nil: nothing to tell
}

func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Description
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

func refuse(code Code, description string) *Error {
	return &Error{Code: code, Description: description}
}

// because adds to a refusal what only the log may tell.
func (e *Error) because(cause error) *Error {
	other := *e
	other.Cause = cause
	return &other
}

// By adds to a refusal the rule that was broken, and where that stands.
func (e *Error) By(rule, source string) *Error {
	other := *e
	other.Rule, other.Source = rule, source
	return &other
}

// But adds to a refusal the near miss. tell is called behind the answer, in another goroutine, and only for a refusal that is
// kept: so it costs the caller nothing, and tells him nothing by the time that it takes. It must not hold on to a secret, and
// gives what callers sent by sentText and sentURI only.
func (e *Error) But(tell func() string) *Error {
	other := *e
	other.Near = tell
	return &other
}

// Saying is But where nothing has to be found out.
func (e *Error) Saying(near string) *Error { return e.But(func() string { return near }) }

// IsPending reports whether a device is only told to ask again later (RFC 8628 section 3.5), which is no fault of anybody.
func IsPending(err error) bool {
	e := refusal(err)
	return e != nil && e.Code == AuthorizationPending
}

// refusal gives the *Error in err, or nil where err is a failure of the server.
func refusal(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
