package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/grantor-dev/grantor/store"
)

// RFC 6749 section 4.1.3 and RFC 7636 section 4.6: redeeming an authorization code.

// errCode is the one answer to every code that is not good, so that it tells nothing about codes of others.
func errCode() *Error { return refuse(InvalidGrant, "the authorization code is not valid") }

// redeemCode proves that the caller holds a code, and marks it as used. First prove, then consume: a code shown by
// another client or with a wrong verifier stays good for its owner. A second use ends the authorization (RFC 6749
// section 4.1.2).
func (p *Provider) redeemCode(ctx context.Context, c *Client, r *TokenRequest) (*grant, error) {
	if r.Code == "" {
		return nil, refuse(InvalidRequest, "code is missing")
	}
	t, ok := p.tokens().parse(codePrefix, r.Code)
	if !ok {
		return nil, errCode()
	}
	old, err := p.authorizations.Load(ctx, t.Authorization)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errCode()
	}
	if err != nil {
		return nil, fmt.Errorf("read authorization: %w", err)
	}
	a := old.Value
	if err := p.proveCode(ctx, c, a, t, r); err != nil {
		return nil, err
	}
	if a.Code.Redeemed {
		if err := p.endAuthorization(ctx, a, "authorization code used twice"); err != nil {
			return nil, err
		}
		return nil, errCode()
	}
	if !p.now().Before(a.Code.Expires) {
		return nil, errCode()
	}
	a.Code.Redeemed = true
	g := &grant{authorization: a, old: old}
	return g, p.reach(ctx, c, g, r)
}

// proveCode checks that the code is this authorization's, and the caller the one whom it was given to.
func (p *Provider) proveCode(ctx context.Context, c *Client, a *Authorization, t token, r *TokenRequest) error {
	if a.Code == nil || !a.Code.Digest.equal(t.digest) || a.ClientID != c.ClientID {
		return errCode()
	}
	if (a.Code.URIGiven || r.RedirectURI != "") && r.RedirectURI != a.Code.RedirectURI {
		return refuse(InvalidGrant, "redirect_uri is not the one of the authorization request")
	}
	if !matchesChallenge(r.CodeVerifier, a.Code.Challenge) {
		return refuse(InvalidGrant, "code_verifier does not match the code_challenge")
	}
	err := p.checkLive(ctx, a, c)
	if errors.Is(err, errEnded) {
		return errCode()
	}
	return err
}

// matchesChallenge compares as RFC 7636 section 4.6 says for S256.
func matchesChallenge(verifier, challenge string) bool {
	if !isPKCEString(verifier) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(computed), []byte(challenge)) == 1
}

// isPKCEString reports whether s is 43 to 128 unreserved characters (RFC 7636 sections 4.1, 4.2).
func isPKCEString(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}
