package oauth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// TokenRequest is a token request as it was sent (RFC 6749 sections 4.1.3, 4.4.2, 6; RFC 7636 section 4.5; RFC 8628
// section 3.4; RFC 8707 section 2.2). Its client is authenticated already.
type TokenRequest struct {
	GrantType    string
	Code         string
	RedirectURI  string
	CodeVerifier string
	RefreshToken string
	DeviceCode   string
	Scope        string
	Resources    []string
}

// Tokens is a successful answer of the token endpoint (RFC 6749 section 5.1).
type Tokens struct {
	AccessToken  string
	RefreshToken string // empty where the client has no such grant
	Scope        Scope
	Issued       time.Time
	Expires      time.Time // of the access token
}

// grant is what a grant hands to the shared steps: an authorization that the caller has proven to hold, and how far the
// tokens of this request reach within it.
type grant struct {
	authorization *Authorization
	old           store.Stored[Authorization] // what was read; zero for a new authorization
	isNew         bool
	scope         Scope
	audience      []string
	form          accessForm
	rotates       *token  // the refresh token that this request uses up
	successor     string  // the refresh token to answer with, where a used one is shown again
	answer        *Tokens // what was answered before, to be given again; nothing is issued
}

// redeemers holds, for each grant type, what is particular to it: how a caller proves to hold an authorization.
var redeemers = map[GrantType]func(*Provider, context.Context, *Client, *TokenRequest) (*grant, error){
	AuthorizationCode: (*Provider).redeemCode,
	ClientCredentials: (*Provider).redeemCredentials,
	RefreshToken:      (*Provider).redeemRefresh,
	DeviceCode:        (*Provider).redeemDevice,
}

// Token answers a token request of an authenticated client: the steps that every grant shares.
func (p *Provider) Token(ctx context.Context, c *Client, r *TokenRequest) (tokens *Tokens, err error) {
	defer func() { p.usage.failed(err, c.ClientID) }()
	if r.GrantType == "" {
		return nil, refuse(InvalidRequest, "grant_type is missing").By("grant_type is there", "RFC 6749 section 4.1.3")
	}
	redeem, known := redeemers[GrantType(r.GrantType)]
	if !known {
		return nil, refuse(UnsupportedGrantType, "this server offers "+join(GrantTypes)).
			By("grant_type is one that is offered", "RFC 6749 section 5.2").Saying("got " + sentText(r.GrantType))
	}
	if !c.MayUse(GrantType(r.GrantType)) {
		return nil, refuse(UnauthorizedClient, "this grant type is not registered for the client").
			By("a client uses the grants that it is registered for", grantSource).Saying(nearGrant(c, GrantType(r.GrantType)))
	}
	for range redeemAttempts {
		g, err := redeem(p, ctx, c, r)
		if err != nil {
			return nil, err
		}
		if g.answer != nil {
			return g.answer, nil
		}
		tokens, err := p.issueFor(ctx, c, r, g)
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			p.usage.answered(c, r, g, err)
			return tokens, err
		}
		// Someone else used the same code or token in between: prove again, against what is there now.
	}
	return nil, &Error{Code: TemporarilyUnavailable, Description: "too many requests for one authorization at once", RetryAfter: retrySoon}
}

// issueFor mints and keeps the tokens: by the engine for the grants that it knows, directly for the others.
func (p *Provider) issueFor(ctx context.Context, c *Client, r *TokenRequest, g *grant) (*Tokens, error) {
	if grant := GrantType(r.GrantType); grant == AuthorizationCode || grant == ClientCredentials {
		return p.engineToken(ctx, c, r, g)
	}
	tokens, err := p.mint(ctx, c, g)
	if err != nil {
		return nil, err
	}
	return tokens, p.keep(ctx, g)
}

// redeemAttempts bounds how often a request starts again because others change the same authorization.
const redeemAttempts = 64

// keep writes what a grant has come to: a new authorization by Create, any other by Swap, which fails if the code or
// token was used in between.
func (p *Provider) keep(ctx context.Context, g *grant) error {
	a := g.authorization
	if g.isNew && a.UserID == "" && len(a.Access) == 0 {
		return nil // a machine's JWT: it stands for itself, there is nothing to keep
	}
	if g.isNew {
		return p.authorizations.Create(ctx, a)
	}
	_, err := p.authorizations.Swap(ctx, g.old, a)
	return err
}

// reach decides scope, audience and form of one token within its authorization: as asked, never more (RFC 6749 section 6,
// RFC 8707 section 2.2), and never what has been taken from the client since.
func (p *Provider) reach(ctx context.Context, c *Client, g *grant, r *TokenRequest) (err error) {
	x, err := p.registered(ctx)
	if err != nil {
		return err
	}
	allowed := common(g.authorization.Scope, c.scope())
	scope, ok := ParseScope(r.Scope)
	if !ok {
		return malformedScope(r.Scope)
	}
	if !allowed.Contains(scope) {
		return refuse(InvalidScope, "scope is wider than what was granted").
			By("a token reaches no further than what was granted", "RFC 6749 section 6").But(func() string { return nearScope(allowed, scope) })
	}
	audience := common(g.authorization.Audience, c.Audience)
	if len(audience) == 0 && len(g.authorization.Audience) > 0 {
		return refuse(InvalidTarget, "the client may no longer ask for any resource that was granted").
			By("a token is for what the client is registered for", "RFC 8707 section 2.2").
			Saying("granted: " + strings.Join(g.authorization.Audience, " ") + "; registered: " + strings.Join(c.Audience, " "))
	}
	if g.audience, err = x.audience(audience, r.Resources, scope, ""); err != nil {
		return err
	}
	if len(scope) == 0 {
		g.scope = x.meaning(allowed, g.audience)
	} else if g.scope, err = x.named(scope, g.audience); err != nil {
		return err
	}
	g.form, err = p.form(c, x, g.audience)
	return err
}

// common gives what of a is also in b, without a copy in the usual case that all is.
func common[S ~[]string](a, b S) S {
	for i, s := range a {
		if !slices.Contains(b, s) {
			rest := slices.DeleteFunc(slices.Clone(a[i:]), func(s string) bool { return !slices.Contains(b, s) })
			return append(slices.Clone(a[:i]), rest...)
		}
	}
	return a
}
