package oauth

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// Refusals are explained to admins: for a while it is kept which rule a request has broken, where that rule stands, and by
// how much the request missed it. The caller is told none of this. explain_keep.go bounds and writes what is kept,
// explain_mask.go keeps secrets out of it.

// Explanation is why a request was refused. No field holds a secret.
type Explanation struct {
	ID          string    `json:"id"` // of the request, as in its log event and in X-Request-Id
	Time        time.Time `json:"time"`
	Expires     time.Time `json:"expires"` // when it is forgotten
	Method      string    `json:"method,omitempty"`
	Path        string    `json:"path,omitempty"`
	Status      int       `json:"status"`                // of the answer; below 400 where the refusal went to the client by redirect
	Error       string    `json:"error,omitempty"`       // the error code as answered
	Description string    `json:"description,omitempty"` // as answered
	Rule        string    `json:"rule,omitempty"`        // which was broken, in words
	Source      string    `json:"source,omitempty"`      // where it stands: "RFC 6749 section 4.1.2"
	Near        string    `json:"near,omitempty"`        // what was expected and what came
	Cause       string    `json:"cause,omitempty"`       // as in the log
	ClientID    string    `json:"client_id,omitempty"`
	Claimed     bool      `json:"claimed,omitempty"` // nobody has proven to be that client
	Subject     string    `json:"subject,omitempty"` // user id, or the client itself
	Grant       string    `json:"grant,omitempty"`   // grant_type
	Address     string    `json:"address,omitempty"`

	tags []string // what its record is listed under
}

// The length of a request id: the time in 48 bits of milliseconds and 80 random bits (package internal/web).
const (
	requestIDText = 32
	requestTime   = 12
)

func isRequestID(id string) bool {
	return len(id) == requestIDText && strings.Trim(id, "0123456789abcdef") == ""
}

// requestedAt is the time in a request id.
func requestedAt(id string) time.Time {
	var b [8]byte
	_, _ = hex.Decode(b[2:], []byte(id[:requestTime])) // isRequestID
	ms := int64(0)
	for _, one := range b {
		ms = ms<<8 | int64(one)
	}
	return time.UnixMilli(ms).UTC()
}

// explanationID turns a request id into that of its record and back: the time counts down, as lists show the newest first.
func explanationID(requestID string) string {
	const lastMillisecond = 1<<48 - 1
	return fmt.Sprintf("%012x", lastMillisecond-requestedAt(requestID).UnixMilli()) + requestID[requestTime:]
}

// UnexplainedError says that there is nothing to tell of a request, and why not.
type UnexplainedError struct{ Why string }

func (e *UnexplainedError) Error() string { return e.Why }

// Is makes it a store.ErrNotFound.
func (e *UnexplainedError) Is(target error) bool { return target == store.ErrNotFound }

// Explain tells why the request with an id was refused. *UnexplainedError where nothing is known of it.
func (p *Provider) Explain(ctx context.Context, requestID string) (*Explanation, error) {
	requestID = strings.TrimSpace(requestID)
	if !isRequestID(requestID) {
		return nil, &UnexplainedError{"that is not the id of a request: it has 32 digits from 0 to f, as the header X-Request-Id shows"}
	}
	e, err := p.explain.records.Get(ctx, explanationID(requestID))
	if err == nil && p.now().Before(e.Expires) {
		return e, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("read a refusal: %w", err)
	}
	return nil, p.unexplained(ctx, requestID)
}

func (p *Provider) unexplained(ctx context.Context, requestID string) error {
	at := requestedAt(requestID)
	if p.explain.kept == 0 {
		return &UnexplainedError{"refusals are not explained here: the setting explain_for is 0"}
	}
	if ago := p.now().Sub(at); ago > p.explain.kept {
		return &UnexplainedError{fmt.Sprintf("that request was at %s: refusals are explained for %v", at.Format(time.DateTime+" MST"), Duration(p.explain.kept))}
	}
	lost, err := p.explain.lost.Get(ctx, lostID(at))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read how many refusals were lost: %w", err)
	}
	if err == nil && lost.covers(at) {
		return &UnexplainedError{fmt.Sprintf("nothing is kept of that request: refusals were too many, or the store was away, between %s and %s (%d were left out)",
			lost.From.Format(time.DateTime), lost.To.Format(time.DateTime+" MST"), lost.Count)}
	}
	return &UnexplainedError{"nothing is known of that request: it was not refused, or not by this server"}
}

// Refusals lists the explanations of what was refused to a client, or in its name, the newest first; to anybody where clientID
// is "". The cursor is that of the page before.
func (p *Provider) Refusals(ctx context.Context, clientID, cursor string, limit int) ([]*Explanation, string, error) {
	tag := allRefusals
	if clientID != "" {
		tag = clientTag(clientID)
	}
	if len(tag) > store.MaxID || len(cursor) > store.MaxID {
		return nil, "", nil
	}
	page, next, err := p.explain.records.List(ctx, tag, cursor, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list refusals: %w", err)
	}
	standing := page[:0]
	for _, e := range page {
		if p.now().Before(e.Expires) {
			standing = append(standing, e)
		}
	}
	return standing, next, nil
}

// allRefusals is the tag of every explanation.
const allRefusals = "all"

// name finds out who is named, and under what people will look for it. What nobody is registered under has no page, and may be
// anything: a secret, where a program mixed up the two.
func (p *Provider) name(ctx context.Context, e *Explanation) {
	e.tags = []string{allRefusals}
	if e.ClientID == "" {
		return
	}
	if _, err := p.Client(ctx, e.ClientID); err == nil {
		e.tags = append(e.tags, clientTag(e.ClientID))
		return
	}
	if !e.Claimed {
		return // it was there a moment ago
	}
	if sent := []rune(e.ClientID); e.Error == string(InvalidClient) || !isClientID(e.ClientID) {
		e.ClientID = fmt.Sprintf("%s… (%d characters)", string(sent[:min(4, len(sent)/2)]), len(sent))
		return
	}
	e.ClientID = withoutRandom(e.ClientID, nil)
}

// explained fills in what an error tells.
func (e *Explanation) explained(err error) {
	var inactive *inactiveError
	var forbidden *account.ForbiddenError
	var slow *account.ThrottledError
	if refused := refusal(err); refused != nil {
		e.Rule, e.Source, err = cmp.Or(e.Rule, refused.Rule), cmp.Or(e.Source, refused.Source), refused.Cause
		if refused.Near != nil {
			e.Near = refused.Near()
		}
		e.Source = cmp.Or(e.Source, codeSources[refused.Code])
	}
	switch {
	case errors.As(err, &inactive):
		e.Rule, e.Source, e.Near = cmp.Or(e.Rule, "an access token is active, and meant for who is asked"), inactive.rule.Source, cmp.Or(e.Near, inactive.rule.Why)
	case errors.As(err, &forbidden):
		e.Rule, e.Source, e.Near = "who acts holds the permission", "docs/admin.md", lackedPermissions(forbidden)
	case errors.As(err, &slow):
		e.Rule, e.Source, e.Near = "attempts are limited", "RFC 6585 section 4", fmt.Sprintf("the next attempt counts in %v", slow.RetryAfter.Round(time.Second))
	case err != nil && e.Cause == "":
		e.Cause = err.Error()
	}
}

func lackedPermissions(e *account.ForbiddenError) string {
	if len(e.Missing) == 0 || e.SuperAdmin {
		return e.Error()
	}
	return "missing: " + join(e.Missing)
}

// codeSources say where error codes are described, for refusals that name no rule of their own.
var codeSources = map[Code]string{
	InvalidRequest: "RFC 6749 sections 4.1.2.1 and 5.2", InvalidClient: "RFC 6749 section 5.2", InvalidGrant: "RFC 6749 section 5.2",
	UnauthorizedClient: "RFC 6749 sections 4.1.2.1 and 5.2", UnsupportedGrantType: "RFC 6749 section 5.2",
	UnsupportedResponseType: "RFC 6749 section 4.1.2.1", InvalidScope: "RFC 6749 section 3.3", InvalidTarget: "RFC 8707 section 2",
	AccessDenied: "RFC 6749 section 4.1.2.1", ServerError: "RFC 6749 section 4.1.2.1", TemporarilyUnavailable: "RFC 6749 section 4.1.2.1",
	InvalidToken: "RFC 6750 section 3.1", InsufficientScope: "RFC 6750 section 3.1",
	LoginRequired: "OpenID Connect Core section 3.1.2.6", ConsentRequired: "OpenID Connect Core section 3.1.2.6",
	RequestNotSupported: "OpenID Connect Core section 3.1.2.6", RequestURINotSupported: "OpenID Connect Core section 3.1.2.6",
}
