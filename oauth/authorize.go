package oauth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/account"
)

// Visitor is who sits before the browser that sent a request. Session and User are nil where nobody is signed in.
type Visitor struct {
	Browser string // the value of the browser's cookie; "" where the request came without cookies
	Address string // for the limit on waiting requests; "" is exempt
	Session *account.Session
	User    *account.User
}

// Step is what comes next in answering an authorization request.
type Step int

// The steps.
const (
	Respond       Step = iota // send Response to the client
	Login                     // show the login page
	AskUser                   // show the consent page
	Reload                    // have the browser ask again by GET: a POST from elsewhere comes without its cookies
	DeviceAllowed             // tell the person that his device goes on
	DeviceDenied              // tell the person that his device was refused
)

// Decision is what the authorization endpoint does next. Interaction is set for Login and AskUser.
type Decision struct {
	Step        Step
	Interaction *Interaction
	Response    *Response
}

func respond(r *Response) *Decision { return &Decision{Step: Respond, Response: r} }

// Response is an authorization response (RFC 6749 section 4.1.2) with the place that it goes to. Where it tells an
// error, Refusal says which.
type Response struct {
	RedirectURI string
	Mode        ResponseMode
	Fields      []Field
	Refusal     *Error
	ClientID    string
}

// Field is one parameter of a response.
type Field struct{ Name, Value string }

// Authorize decides on a new authorization request. *PageError where nothing may be redirected.
func (p *Provider) Authorize(ctx context.Context, params Parameters, v Visitor) (*Decision, error) {
	r, err := p.parseRequest(ctx, params)
	if err != nil {
		return p.refuseRequest(r, err)
	}
	return p.decide(ctx, &Interaction{Request: *r}, v)
}

// Continue decides on a request that has been waiting. ErrNoInteraction.
func (p *Provider) Continue(ctx context.Context, handle string, v Visitor) (*Decision, error) {
	i, _, err := p.Waiting(ctx, handle, v.Browser)
	if err != nil {
		return nil, err
	}
	return p.decide(ctx, i, v)
}

// refuseRequest sends a refusal to the client where the redirect URI is proven.
func (p *Provider) refuseRequest(r *AuthorizationRequest, err error) (*Decision, error) {
	var page *PageError
	if e := refusal(err); e != nil && !errors.As(err, &page) {
		return respond(p.respondError(r, e)), nil
	}
	p.usage.failed(err, "")
	return nil, err
}

// decide finds from stored state what is still missing: login, consent, or nothing.
func (p *Provider) decide(ctx context.Context, i *Interaction, v Visitor) (*Decision, error) {
	if v.Browser == "" {
		return &Decision{Step: Reload}, nil
	}
	r := &i.Request
	if p.needsLogin(i, v) {
		return p.pause(ctx, i, v, Login, refuse(LoginRequired, "the user must sign in").
			By("prompt=none needs a user who is signed in", promptSource).But(func() string { return p.nearLogin(i, v) }))
	}
	allowed, err := p.allowedAt(ctx, i, v.User)
	if err != nil {
		return nil, err
	}
	if allowed.IsZero() {
		return p.pause(ctx, i, v, AskUser, refuse(ConsentRequired, "the user must allow it").
			By("prompt=none needs what was allowed before", promptSource).But(func() string { return nearConsent(r) }))
	}
	if i.ID != "" {
		// Taken before the code is issued: of two tabs that finish one request, one gets a code.
		if err := p.finish(ctx, i); err != nil {
			return nil, err
		}
	}
	if r.Device != "" {
		return &Decision{Step: DeviceAllowed}, p.allowDevice(ctx, r, v, allowed)
	}
	response, err := p.respondCode(ctx, r, v, allowed)
	if err != nil {
		return nil, err
	}
	return respond(response), nil
}

// needsLogin: nobody is signed in, or not recently enough (max_age), or the client wants it anew and the login of this
// session was not made for this request.
func (p *Provider) needsLogin(i *Interaction, v Visitor) bool {
	if v.Session == nil || v.User == nil {
		return true
	}
	if i.Session != "" && i.Session == v.Session.ID {
		return false
	}
	r := &i.Request
	if r.wants("login") || r.wants("select_account") {
		return true
	}
	return r.MaxAgeGiven && (r.MaxAge == 0 || p.now().Sub(v.Session.Authenticated) > r.MaxAge)
}

func (r *AuthorizationRequest) wants(prompt string) bool { return slices.Contains(r.Prompt, prompt) }

// allowedAt tells when the user allowed this request, or all of it before; the zero time where he must be asked. A client
// whose redirect URI any program of a device could claim is asked for every time (RFC 8252 section 8.6), and so is a device.
func (p *Provider) allowedAt(ctx context.Context, i *Interaction, user *account.User) (time.Time, error) {
	r := &i.Request
	if i.Allowed == user.ID {
		return p.unlessWithdrawn(ctx, user.ID, r.ClientID, i.AllowedAt)
	}
	if r.Device != "" || r.wants("consent") || r.client.IsPublic() && !verifiesApp(r.RedirectURI) {
		return time.Time{}, nil
	}
	kept, err := p.consented(ctx, user.ID, r.client)
	if err != nil {
		return time.Time{}, err
	}
	x, err := p.registered(ctx)
	if err != nil || !kept.covers(r, x) {
		return time.Time{}, err
	}
	return p.unlessWithdrawn(ctx, user.ID, r.ClientID, kept.Updated)
}

// NewScope gives what of a request the user has not allowed before, for the consent page to point out.
func (p *Provider) NewScope(ctx context.Context, i *Interaction, userID string) (Scope, error) {
	kept, err := p.consented(ctx, userID, i.Request.client)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(i.Request.Scope), func(token string) bool {
		return slices.Contains(kept.Scope, token)
	}), nil
}

// pause shows a page, or tells the client that one would be needed where it wants none (prompt=none).
func (p *Provider) pause(ctx context.Context, i *Interaction, v Visitor, step Step, otherwise *Error) (*Decision, error) {
	if i.Request.wants("none") {
		return respond(p.respondError(&i.Request, otherwise)), nil
	}
	if i.ID == "" {
		waiting, err := p.wait(ctx, &i.Request, v)
		if err != nil {
			return nil, err
		}
		i = waiting
	}
	return &Decision{Step: step, Interaction: i}, nil
}

// respondCode issues a code for what the user allowed.
func (p *Provider) respondCode(ctx context.Context, r *AuthorizationRequest, v Visitor, allowed time.Time) (*Response, error) {
	now := p.now()
	a := &Authorization{
		ID: newAuthorizationID(), ClientID: r.ClientID, UserID: v.User.ID, Scope: r.Scope, Audience: r.Audience,
		SessionID: v.Session.ID, Authenticated: v.Session.Authenticated.Truncate(time.Second),
		UserNotBefore: v.Session.NotBefore, Created: r.client.begin(now), Expires: now.Add(p.lifetimes.RefreshAbsolute), Allowed: allowed,
		Code: &codeState{
			Expires: now.Add(p.lifetimes.Code), RedirectURI: r.RedirectURI, URIGiven: r.URIGiven, Challenge: r.Challenge,
		},
	}
	code, err := p.engineCode(ctx, r.client, a)
	if err != nil {
		return nil, err
	}
	p.usage.userActive(v.User.ID)
	return p.response(r, Field{"code", code}), nil
}

func (p *Provider) respondError(r *AuthorizationRequest, e *Error) *Response {
	fields := []Field{{"error", string(e.Code)}}
	if e.Description != "" {
		fields = append(fields, Field{"error_description", e.Description})
	}
	response := p.response(r, fields...)
	response.Refusal = e
	p.usage.refused(e.Code, r.ClientID)
	return response
}

// response adds what every response carries: state as it came, and iss (RFC 9207 section 2).
func (p *Provider) response(r *AuthorizationRequest, fields ...Field) *Response {
	if r.State != "" {
		fields = append(fields, Field{"state", string(r.State)})
	}
	fields = append(fields, Field{"iss", p.issuer})
	return &Response{RedirectURI: r.RedirectURI, Mode: r.ResponseMode, Fields: fields, ClientID: r.ClientID}
}
