package oauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/store"
)

// RFC 6749 section 4.1.1: the authorization request.

// ResponseMode says how an authorization response travels.
type ResponseMode string

// The response modes that this server offers.
const (
	QueryMode    ResponseMode = "query"     // RFC 6749 section 4.1.2
	FormPostMode ResponseMode = "form_post" // OAuth 2.0 Form Post Response Mode
)

// What the checks below accept, which is what the metadata announces.
var (
	responseTypes    = []string{"code"}
	responseModes    = []ResponseMode{QueryMode, FormPostMode}
	challengeMethods = []string{"S256"}
	promptValues     = []string{"none", "login", "consent", "select_account"}
)

// Bounds of what a request may send along.
const (
	maxState     = 4096 // bytes
	maxLoginHint = 256  // bytes
)

// Parameters are those of a request as they were sent, with all values of each. One without a value counts as absent
// (RFC 6749 section 3.1).
type Parameters map[string][]string

// one gives the only value of a parameter, "" where it is absent.
func (params Parameters) one(name string) string {
	if len(params[name]) == 0 {
		return ""
	}
	return params[name][0]
}

// AuthorizationRequest is an authorization request that passed every check.
type AuthorizationRequest struct {
	ClientID     string        `json:"client_id"`
	RedirectURI  string        `json:"redirect_uri"`
	URIGiven     bool          `json:"uri_given"`
	ResponseMode ResponseMode  `json:"response_mode"`
	State        rawText       `json:"state,omitempty"`
	Scope        Scope         `json:"scope,omitempty"`
	Audience     []string      `json:"audience,omitempty"`
	Challenge    string        `json:"challenge"`
	Prompt       []string      `json:"prompt,omitempty"`
	MaxAge       time.Duration `json:"max_age,omitempty"` // 0: no bound, unless MaxAgeGiven
	MaxAgeGiven  bool          `json:"max_age_given,omitempty"`
	LoginHint    string        `json:"login_hint,omitempty"`
	Device       string        `json:"device,omitempty"` // the authorization that a device waits for; it has no redirect URI then (device.go)

	params Parameters
	client *Client
}

// rawText keeps the bytes of a text as they are: a record is JSON, which would replace what is not UTF-8.
type rawText string

// MarshalText writes the bytes in base64.
func (t rawText) MarshalText() ([]byte, error) {
	return base64.RawStdEncoding.AppendEncode(nil, []byte(t)), nil
}

// UnmarshalText reads what MarshalText wrote.
func (t *rawText) UnmarshalText(b []byte) error {
	plain, err := base64.RawStdEncoding.DecodeString(string(b))
	*t = rawText(plain)
	return err
}

// PageError is a refusal that is shown to the person and never redirected, as nothing is proven of the redirect URI.
type PageError struct{ Refusal *Error }

func (e *PageError) Error() string { return e.Refusal.Error() }

// Unwrap gives the refusal.
func (e *PageError) Unwrap() error { return e.Refusal }

// Where the rules of this file stand.
const (
	onceRule        = "no parameter is sent twice"
	onceSource      = "RFC 6749 section 3.1"
	requestSource   = "RFC 6749 section 4.1.1"
	redirectSource  = "RFC 6749 section 3.1.2.3"
	challengeSource = "RFC 7636 section 4.4.1"
	promptSource    = "OpenID Connect Core section 3.1.2.1"
	formPostSource  = "OAuth 2.0 Form Post Response Mode section 2"
	plainRule       = "parameters stand for themselves: no request object is taken"
	plainSource     = "RFC 9101 section 5"
)

// unproven are the checks before the redirect URI is proven: their refusals become a page.
var unproven = []func(*Provider, context.Context, *AuthorizationRequest) error{
	(*Provider).checkOnceBeforeRedirect,
	(*Provider).checkClient,
	(*Provider).checkRedirectURI,
}

// proven are the checks after it: their refusals are sent to the client by the redirect URI.
var proven = []func(*Provider, context.Context, *AuthorizationRequest) error{
	(*Provider).checkState,
	(*Provider).checkResponseMode,
	(*Provider).checkOnce,
	(*Provider).checkSpelling,
	(*Provider).checkRequestObject,
	(*Provider).checkResponseType,
	(*Provider).checkGrant,
	(*Provider).checkChallenge,
	(*Provider).checkReach,
	(*Provider).checkPrompt,
	(*Provider).checkMaxAge,
	(*Provider).checkLoginHint,
}

// parseRequest checks a request. *PageError, or *Error with the request as far as it can carry the refusal.
func (p *Provider) parseRequest(ctx context.Context, params Parameters) (*AuthorizationRequest, error) {
	r := &AuthorizationRequest{ResponseMode: QueryMode, params: params}
	for _, check := range unproven {
		if err := check(p, ctx, r); err != nil {
			if e := refusal(err); e != nil {
				return nil, &PageError{e}
			}
			return nil, err
		}
	}
	for _, check := range proven {
		if err := check(p, ctx, r); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (p *Provider) checkOnceBeforeRedirect(_ context.Context, r *AuthorizationRequest) error {
	for _, name := range []string{"client_id", "redirect_uri"} {
		if len(r.params[name]) > 1 {
			return refuse(InvalidRequest, "the request names "+name+" more than once").
				By(onceRule, onceSource).Saying(fmt.Sprintf("%s was sent %d times", name, len(r.params[name])))
		}
	}
	return nil
}

func (p *Provider) checkClient(ctx context.Context, r *AuthorizationRequest) error {
	r.ClientID = r.params.one("client_id")
	if r.ClientID == "" {
		return refuse(InvalidRequest, "the request does not say which application sent it").By("client_id is there", requestSource)
	}
	c, err := p.Client(ctx, r.ClientID)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.Disabled {
		return refuse(InvalidRequest, "the application is not known here").By("client_id is that of a registered client", requestSource).
			But(func() string { return nearClient(c, r.ClientID) })
	}
	if err != nil {
		return fmt.Errorf("read client: %w", err)
	}
	r.client = c
	return nil
}

// checkRedirectURI proves where answers may go. A request without one is fine where exactly one is registered (RFC 6749
// section 3.1.2.3).
func (p *Provider) checkRedirectURI(_ context.Context, r *AuthorizationRequest) error {
	given := r.params.one("redirect_uri")
	switch {
	case given == "" && len(r.client.RedirectURIs) == 1:
		r.RedirectURI = r.client.RedirectURIs[0]
	case given == "":
		n := len(r.client.RedirectURIs)
		return refuse(InvalidRequest, "the request does not say where to return to").By("redirect_uri is there, unless exactly one is registered", redirectSource).
			Saying(fmt.Sprintf("%d are registered, none came", n))
	case !r.client.AllowsRedirect(given):
		return refuse(InvalidRequest, "the address to return to is not registered for this application").
			By("redirect_uri equals a registered one, byte for byte", redirectSource+", RFC 9700 section 2.1").
			But(func() string { return r.client.nearRedirect(given) })
	default:
		r.RedirectURI, r.URIGiven = given, true
	}
	return nil
}

// From here on the redirect URI is proven.

func (p *Provider) checkState(_ context.Context, r *AuthorizationRequest) error {
	if len(r.params["state"]) > 1 {
		return refuse(InvalidRequest, "state is given more than once").
			By(onceRule, onceSource).Saying(fmt.Sprintf("state was sent %d times", len(r.params["state"])))
	}
	if len(r.params.one("state")) > maxState {
		return refuse(InvalidRequest, "state is too long").
			By(fmt.Sprintf("state has at most %d bytes", maxState), "docs/rfc.md").Saying(fmt.Sprintf("it has %d", len(r.params.one("state"))))
	}
	r.State = rawText(r.params.one("state"))
	return nil
}

func (p *Provider) checkResponseMode(_ context.Context, r *AuthorizationRequest) error {
	modes := r.params["response_mode"]
	if len(modes) == 0 || len(modes) == 1 && modes[0] == "" {
		return nil
	}
	if len(modes) > 1 || !slices.Contains(responseModes, ResponseMode(modes[0])) {
		return refuse(InvalidRequest, "response_mode must be query or form_post").
			By("response_mode is one that is offered", "OAuth 2.0 Multiple Response Types section 2.1").
			But(func() string { return "query and form_post are, got " + sentList(modes) })
	}
	if ResponseMode(modes[0]) == FormPostMode && !isWeb(r.RedirectURI) {
		return refuse(InvalidRequest, "response_mode form_post needs an http or https redirect_uri").
			By("a form is posted to an http or https redirect_uri", formPostSource).But(func() string { return "got " + sentURI(r.RedirectURI, r.RedirectURI) })
	}
	if ResponseMode(modes[0]) == FormPostMode && !IsText(string(r.State)) {
		return refuse(InvalidRequest, "a form cannot carry a state with control characters or bytes that are not UTF-8").
			By("a form carries a state that is text", formPostSource).Saying("state is not, and response_mode is form_post")
	}
	r.ResponseMode = ResponseMode(modes[0])
	return nil
}

// checkOnce refuses repeated parameters (RFC 6749 section 3.1); only resource may repeat (RFC 8707 section 2).
func (p *Provider) checkOnce(_ context.Context, r *AuthorizationRequest) error {
	for name, values := range r.params {
		if len(values) > 1 && name != "resource" {
			return refuse(InvalidRequest, "a parameter is given more than once").By(onceRule, onceSource).
				But(func() string { return fmt.Sprintf("%s was sent %d times", sentText(name), len(values)) })
		}
	}
	return nil
}

// checkSpelling refuses what no parameter may hold. state is the client's own affair and comes back as it is.
func (p *Provider) checkSpelling(_ context.Context, r *AuthorizationRequest) error {
	for name, values := range r.params {
		if name == "state" {
			continue
		}
		for _, value := range values {
			if !IsText(value) {
				return refuse(InvalidRequest, "a parameter holds control characters or is not UTF-8").
					By("parameters are UTF-8 without control characters", "RFC 6749 appendix A").But(func() string { return "it is " + sentText(name) })
			}
		}
	}
	return nil
}

// IsText reports whether s is valid UTF-8 without control characters.
func IsText(s string) bool {
	for i := range len(s) { // no byte of a longer character looks like one of these
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

func (p *Provider) checkRequestObject(_ context.Context, r *AuthorizationRequest) error {
	if r.params.one("request") != "" {
		return refuse(RequestNotSupported, "request objects are not offered").
			By(plainRule, plainSource).Saying("a request came")
	}
	if r.params.one("request_uri") != "" {
		return refuse(RequestURINotSupported, "request_uri is not offered").
			By(plainRule, plainSource).Saying("a request_uri came")
	}
	return nil
}

func (p *Provider) checkResponseType(_ context.Context, r *AuthorizationRequest) error {
	given := r.params.one("response_type")
	if given == "" {
		return refuse(InvalidRequest, "response_type is missing").By("response_type is there", requestSource)
	}
	if !slices.Contains(responseTypes, given) {
		return refuse(UnsupportedResponseType, "response_type must be code").By("response_type is one that is offered", "RFC 6749 section 3.1.1").
			But(func() string { return "code is, got " + sentText(given) })
	}
	return nil
}

func (p *Provider) checkGrant(_ context.Context, r *AuthorizationRequest) error {
	if !r.client.MayUse(AuthorizationCode) {
		return refuse(UnauthorizedClient, "the authorization code grant is not registered for this client").
			By("a client uses the grants that it is registered for", grantSource).Saying(nearGrant(r.client, AuthorizationCode))
	}
	return nil
}

// checkChallenge requires PKCE with S256 of every client (RFC 7636 section 4.4.1, RFC 9700 section 2.1.1).
func (p *Provider) checkChallenge(_ context.Context, r *AuthorizationRequest) error {
	r.Challenge = r.params.one("code_challenge")
	if r.Challenge == "" {
		return refuse(InvalidRequest, "code_challenge is missing: PKCE with S256 is required").
			By("every client uses PKCE", challengeSource+", RFC 9700 section 2.1.1").Saying("no code_challenge came")
	}
	if !slices.Contains(challengeMethods, r.params.one("code_challenge_method")) {
		method := r.params.one("code_challenge_method")
		return refuse(InvalidRequest, "code_challenge_method must be S256").By("code_challenge_method is S256", challengeSource).
			But(func() string { return "S256 is offered, got " + sentText(method) + "; none means plain" })
	}
	if !isS256Challenge(r.Challenge) {
		return refuse(InvalidRequest, "code_challenge must be 43 characters of base64url without padding").
			By("code_challenge is a SHA-256 in base64url", "RFC 7636 section 4.2").Saying(nearChallenge(r.Challenge))
	}
	return nil
}

// isS256Challenge reports whether s can be the base64url form of a SHA-256 (RFC 7636 section 4.2).
func isS256Challenge(s string) bool {
	if len(s) != 43 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// checkReach decides scope and resources, which depend on each other.
func (p *Provider) checkReach(ctx context.Context, r *AuthorizationRequest) (err error) {
	r.Scope, r.Audience, _, err = p.ask(ctx, r.client, r.params.one("scope"), r.params["resource"], r.client.grantedScope)
	return err
}

func (p *Provider) checkPrompt(_ context.Context, r *AuthorizationRequest) error {
	r.Prompt = strings.Fields(r.params.one("prompt"))
	for _, value := range r.Prompt {
		if !slices.Contains(promptValues, value) {
			return refuse(InvalidRequest, "prompt must be none, login, consent or select_account").By("prompt is one that is offered", promptSource).
				But(func() string { return "none, login, consent and select_account are, got " + sentText(value) })
		}
	}
	if len(r.Prompt) > 1 && slices.Contains(r.Prompt, "none") {
		return refuse(InvalidRequest, "prompt=none stands alone").By("prompt=none stands alone", promptSource).Saying("got " + strings.Join(r.Prompt, " "))
	}
	return nil
}

func (p *Provider) checkMaxAge(_ context.Context, r *AuthorizationRequest) error {
	given := r.params.one("max_age")
	if given == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(given, 10, 31)
	if err != nil {
		return refuse(InvalidRequest, "max_age must be a number of seconds").By("max_age is a number of seconds", promptSource).
			But(func() string { return "got " + sentText(given) })
	}
	r.MaxAge, r.MaxAgeGiven = time.Duration(seconds)*time.Second, true
	return nil
}

func (p *Provider) checkLoginHint(_ context.Context, r *AuthorizationRequest) error {
	if hint := r.params.one("login_hint"); len(hint) <= maxLoginHint {
		r.LoginHint = hint
	}
	return nil
}
