package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

// RFC 7662: token introspection.

// Introspection is what is told of a token. Everything but Active is zero where Active is false.
type Introspection struct {
	Active        bool
	Scope         Scope
	ClientID      string
	Subject       string
	Audience      []string
	Issued        time.Time
	Expires       time.Time
	ID            string    // jti, of an access token
	Generation    string    // gen, of a user's access token
	Use           string    // "access_token" or "refresh_token"
	Authenticated time.Time // auth_time, of a user's token

	authorization *Authorization // inside of this package; nil for a machine's JWT
}

// The uses of a token, told so that no refresh token is mistaken for an access token.
const (
	AccessTokenUse  = "access_token"
	RefreshTokenUse = "refresh_token"
)

// Introspect tells an authenticated client what a token is worth. A client sees its own tokens; a resource server also
// the access tokens meant for its audience. Any other token, and anything that is none, is not active: the answer does
// not tell why (RFC 7662 section 2.2).
func (p *Provider) Introspect(ctx context.Context, caller *Client, presented string) (*Introspection, error) {
	if caller.IsPublic() {
		return nil, refuse(InvalidClient, "introspection needs a client that authenticates with a secret").
			By("who introspects authenticates with a secret", "RFC 7662 section 2.1").Saying("the client is public: its token_endpoint_auth_method is none")
	}
	seen, err := p.examine(ctx, presented)
	if errors.Is(err, ErrNotActive) {
		return &Introspection{}, nil
	}
	if err != nil {
		return nil, err
	}
	if may, err := p.maySee(ctx, caller, seen); err != nil || !may {
		return &Introspection{}, err
	}
	p.usage.authorizationUsed(seen.authorization)
	seen.authorization = nil // it is nobody else's business
	return seen, nil
}

// maySee says whom a token concerns. A resource server is told of no refresh token, not even of its own: what it is shown
// should be an access token.
func (p *Provider) maySee(ctx context.Context, caller *Client, seen *Introspection) (bool, error) {
	if seen.Use == RefreshTokenUse {
		if seen.ClientID != caller.ClientID {
			return false, nil
		}
		served, err := p.ServedBy(ctx, caller)
		return len(served) == 0, err
	}
	if seen.ClientID == caller.ClientID {
		return true, nil
	}
	return p.Serves(ctx, caller, seen.Audience)
}

// ErrNotActive says that a token is worth nothing; what wraps it says why, for the log and for admins.
var ErrNotActive = errors.New("the token is not active")

// Rule says why a token is refused, and where it is written that it must be.
type Rule struct {
	Why    string // "it has expired"
	Source string // "RFC 7662 section 4"
}

// inactiveError is a rule that makes a token worth nothing.
type inactiveError struct{ rule Rule }

func (e *inactiveError) Error() string { return ErrNotActive.Error() + ": " + e.rule.Why }

// Is makes every rule an ErrNotActive.
func (e *inactiveError) Is(target error) bool { return target == ErrNotActive }

func notActive(why, source string) error { return &inactiveError{Rule{why, source}} }

// Where the rules stand that make a token worth nothing.
const (
	unknownSource = "RFC 7662 section 2.2"
	checkSource   = "RFC 7662 section 4"
	rotateSource  = "RFC 9700 section 4.14.2"
	grantSource   = "RFC 7591 section 2"
	jwtSource     = "RFC 9068 section 4"
	usageSource   = "RFC 9700 section 2.3"
	endSource     = "docs/architecture.md, What ends what"
)

// Examine tells an admin what a token is worth. why says, where it is worth nothing, which rule says so.
func (p *Provider) Examine(ctx context.Context, presented string) (seen *Introspection, why string, err error) {
	seen, err = p.examine(ctx, presented)
	var inactive *inactiveError
	if errors.As(err, &inactive) {
		return &Introspection{}, inactive.rule.Why, nil
	}
	return seen, "", err
}

// examine is one read of the store: the record that the token names.
func (p *Provider) examine(ctx context.Context, presented string) (*Introspection, error) {
	switch {
	case strings.HasPrefix(presented, accessPrefix):
		return p.examineOpaque(ctx, presented)
	case strings.HasPrefix(presented, personalPrefix):
		return p.examinePersonal(ctx, presented)
	case strings.HasPrefix(presented, refreshPrefix):
		return p.examineRefresh(ctx, presented)
	case strings.Count(presented, ".") == 2:
		return p.examineJWT(ctx, presented)
	}
	return nil, notActive("it is not an access token or refresh token of this server", unknownSource)
}

func (p *Provider) examineOpaque(ctx context.Context, presented string) (*Introspection, error) {
	t, ok := p.tokens().parse(accessPrefix, presented)
	if !ok {
		return nil, notActive("its check does not match: it is mistyped, cut off, or not of this server", checkSource)
	}
	a, _, err := p.liveAuthorization(ctx, t.Authorization)
	if err != nil {
		return nil, err
	}
	s, ok := a.access(t.digest, p.now())
	if !ok {
		return nil, notActive("it has expired", checkSource)
	}
	seen := p.seen(a, AccessTokenUse)
	seen.Scope, seen.Audience, seen.Issued, seen.Expires = s.Scope, p.audienceOf(s.Audience), s.Issued, s.Expires
	seen.ID, seen.Generation = storedTokenID(a, s.Digest), p.generation(a)
	return seen, nil
}

func (p *Provider) examineRefresh(ctx context.Context, presented string) (*Introspection, error) {
	t, ok := p.tokens().parse(refreshPrefix, presented)
	if !ok {
		return nil, notActive("its check does not match: it is mistyped, cut off, or not of this server", checkSource)
	}
	a, c, err := p.liveAuthorization(ctx, t.Authorization)
	if err != nil {
		return nil, err
	}
	if !c.MayUse(RefreshToken) {
		return nil, notActive("its client has no refresh_token grant any more", grantSource)
	}
	if a.Refresh == nil || !a.Refresh.Digest.equal(t.digest) {
		return nil, notActive("it was used already", rotateSource)
	}
	if !p.now().Before(a.Refresh.Expires) {
		return nil, notActive("it has expired", checkSource)
	}
	seen := p.seen(a, RefreshTokenUse)
	seen.Scope, seen.Expires = a.Scope, a.Refresh.Expires
	return seen, nil
}

func (p *Provider) seen(a *Authorization, use string) *Introspection {
	return &Introspection{Active: true, ClientID: a.ClientID, Subject: a.subject(), Use: use, Authenticated: a.Authenticated, authorization: a}
}

// liveAuthorization reads an authorization and its client, and checks that it still stands.
func (p *Provider) liveAuthorization(ctx context.Context, id string) (*Authorization, *Client, error) {
	a, err := p.authorizations.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, notActive("its authorization was revoked, or has expired", checkSource)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read authorization: %w", err)
	}
	c, err := p.stillLive(ctx, a)
	return a, c, err
}

func (p *Provider) stillLive(ctx context.Context, a *Authorization) (*Client, error) {
	c, err := p.Client(ctx, a.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notActive("its client was deleted", endSource)
	}
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	if err := p.checkLive(ctx, a, c); errors.Is(err, errEnded) {
		return nil, notActive(whyEnded(err), endSource)
	} else if err != nil {
		return nil, err
	}
	return c, nil
}

// examineJWT reads a JWT access token of ours. That of a user stands as long as its authorization; that of a machine as
// long as its client and as it was not revoked itself.
func (p *Provider) examineJWT(ctx context.Context, presented string) (*Introspection, error) {
	claims, err := p.verifyAccess(presented)
	if err != nil {
		return nil, err
	}
	seen := &Introspection{
		Active: true, ClientID: claims.ClientID, Subject: claims.Subject, Use: AccessTokenUse, ID: claims.ID, Generation: claims.Generation,
		Audience: claims.Audience, Issued: time.Unix(claims.Issued, 0), Expires: time.Unix(claims.Expires, 0),
	}
	seen.Scope, _ = ParseScope(claims.Scope) // signed by us
	if claims.AuthTime != 0 {
		seen.Authenticated = time.Unix(claims.AuthTime, 0)
	}
	if id, _, ofUser := strings.Cut(claims.ID, "."); ofUser {
		seen.authorization, _, err = p.liveAuthorization(ctx, id)
		return seen, err
	}
	if _, err := p.revoked.Get(ctx, claims.ID); err == nil {
		return nil, notActive("it was revoked", checkSource)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("read revoked token: %w", err)
	}
	_, err = p.stillLive(ctx, &Authorization{ClientID: claims.ClientID, Created: tokenBegan(claims.ID), Expires: seen.Expires})
	return seen, err
}

// verifyAccess checks signature, type, issuer and expiry of a JWT access token.
func (p *Provider) verifyAccess(presented string) (*accessClaims, error) {
	payload, err := p.keys.Verify(presented, jwtType)
	if errors.Is(err, jose.ErrInvalid) {
		return nil, notActive("it is not a JWT access token signed by this server", jwtSource)
	}
	if err != nil {
		return nil, fmt.Errorf("verify access token: %w", err)
	}
	var claims accessClaims
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Issuer != p.issuer || claims.ID == "" {
		return nil, notActive("its claims are not those of this server", jwtSource)
	}
	if !p.now().Before(time.Unix(claims.Expires, 0)) {
		return nil, notActive("it has expired", checkSource)
	}
	return &claims, nil
}
