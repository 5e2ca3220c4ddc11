package oauth

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Forward-auth: whether a gateway should let a request through to the API behind it (RFC 6750 sections 3.1 and 5.2).

// Admit decides for the API with an identifier whether to serve the bearer of a token: it must be an access token of ours
// that is good at this moment, meant for that API, with all of the scope. An *Error otherwise: InvalidToken,
// InsufficientScope, or InvalidRequest where the question is wrong; its Cause says what the bearer is not told.
func (p *Provider) Admit(ctx context.Context, presented, audience string, scope Scope) (*Introspection, error) {
	seen, err := p.judge(ctx, presented, audience, scope)
	if err != nil {
		return nil, err
	}
	p.usage.authorizationUsed(seen.authorization)
	seen.authorization = nil // it is nobody else's business
	return seen, nil
}

// judge is Admit for who only wants to know.
func (p *Provider) judge(ctx context.Context, presented, audience string, scope Scope) (*Introspection, error) {
	if err := p.checkGuarded(audience); err != nil {
		return nil, err
	}
	seen, err := p.examine(ctx, presented)
	if errors.Is(err, ErrNotActive) {
		return nil, errTokenRefused.because(err)
	}
	if err != nil {
		return nil, err
	}
	return seen, admit(seen, audience, scope)
}

var errTokenRefused = refuse(InvalidToken, "the access token is expired, revoked, malformed, or not meant for this API")

const (
	guardRule   = "the gateway names the API that it guards"
	guardSource = "docs/gateways.md"
)

// checkGuarded refuses what can be no API behind a gateway. Tokens for this server itself are for the administration,
// too: whoever took them as its own could use them here.
func (p *Provider) checkGuarded(audience string) error {
	switch {
	case audience == "":
		return refuse(InvalidRequest, "audience is missing: it names the API that is guarded").By(guardRule, guardSource)
	case !isResource(audience):
		return refuse(InvalidRequest, "audience must be an absolute URI without a fragment").By(guardRule, guardSource).
			But(func() string { return "got " + sentURI(audience) })
	case audience == p.issuer:
		return refuse(InvalidRequest, "audience must be that of an API, not this server itself").By(guardRule, guardSource)
	}
	return nil
}

// admit holds a token that is active against what an API needs.
func admit(seen *Introspection, audience string, scope Scope) error {
	if seen.Use != AccessTokenUse {
		return errTokenRefused.because(notActive("it is a refresh token, where an access token is needed", usageSource))
	}
	if !slices.Contains(seen.Audience, audience) {
		return errTokenRefused.because(notActive("it is meant for "+strings.Join(seen.Audience, " and ")+", not for "+audience, audienceSource))
	}
	if !seen.Scope.Contains(scope) {
		return refuse(InsufficientScope, "the access token has not the scope that is needed").
			because(notActive("it lacks "+seen.Scope.lacks(scope).String(), scopeSource))
	}
	return nil
}

// Where the rules stand by which an API refuses a token that is active.
const (
	audienceSource = "RFC 6750 section 5.2"
	scopeSource    = "RFC 6750 section 3.1"
)

// lacks names what of other is not in s.
func (s Scope) lacks(other Scope) Scope {
	return slices.DeleteFunc(slices.Clone(other), func(token string) bool { return slices.Contains(s, token) })
}
