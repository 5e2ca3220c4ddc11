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

// errCode is the one answer to every code that is not good, so that it tells nothing about codes of others. Admins are told
// the rule and the near miss.
func errCode(rule, near string) *Error {
	return refuse(InvalidGrant, "the authorization code is not valid").By(rule, codeSource).Saying(near)
}

// The rules for a code, and where they stand.
const (
	codeIsOurs    = "a code is one that this server issued and that still stands"
	codeIsOnce    = "a code is redeemed once"
	codeIsOwn     = "a code is redeemed by the client that it was issued to"
	codeIsFresh   = "a code is redeemed soon"
	codeSource    = "RFC 6749 section 4.1.2"
	codeURISource = "RFC 6749 section 4.1.3"
	pkceSource    = "RFC 7636 section 4.6"
)

// redeemCode proves that the caller holds a code, and marks it as used. First prove, then consume: a code shown by
// another client or with a wrong verifier stays good for its owner. A second use ends the authorization (RFC 6749
// section 4.1.2).
func (p *Provider) redeemCode(ctx context.Context, c *Client, r *TokenRequest) (*grant, error) {
	if r.Code == "" {
		return nil, refuse(InvalidRequest, "code is missing").By("code is there", codeURISource)
	}
	t, ok := p.tokens().parse(codePrefix, r.Code)
	if !ok {
		return nil, errCode(codeIsOurs, tokenForm(codePrefix, r.Code))
	}
	old, err := p.authorizations.Load(ctx, t.Authorization)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errCode(codeIsOurs, p.nearGone(t, p.lifetimes.Code))
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
		return nil, errCode(codeIsOnce, "it was redeemed before; what it had issued has ended with this second use")
	}
	if !p.now().Before(a.Code.Expires) {
		return nil, errCode(codeIsFresh, fmt.Sprintf("it expired %s; a code lives %v", p.since(a.Code.Expires), p.lifetimes.Code))
	}
	a.Code.Redeemed = true
	g := &grant{authorization: a, old: old}
	return g, p.reach(ctx, c, g, r)
}

// proveCode checks that the code is this authorization's, and the caller the one whom it was given to.
func (p *Provider) proveCode(ctx context.Context, c *Client, a *Authorization, t token, r *TokenRequest) error {
	if a.Code == nil || !a.Code.Digest.equal(t.digest) {
		return errCode(codeIsOurs, "its authorization has no such code")
	}
	if a.ClientID != c.ClientID {
		return errCode(codeIsOwn, "issued to "+a.ClientID+", shown by "+c.ClientID)
	}
	if (a.Code.URIGiven || r.RedirectURI != "") && r.RedirectURI != a.Code.RedirectURI {
		expected, got := a.Code.RedirectURI, r.RedirectURI
		return refuse(InvalidGrant, "redirect_uri is not the one of the authorization request").
			By("redirect_uri is that of the authorization request", codeURISource).
			But(func() string { return nearSameURI(expected, got) })
	}
	if !matchesChallenge(r.CodeVerifier, a.Code.Challenge) {
		return refuse(InvalidGrant, "code_verifier does not match the code_challenge").
			By("code_verifier matches the code_challenge", pkceSource).Saying(nearVerifier(r.CodeVerifier))
	}
	err := p.checkLive(ctx, a, c)
	if errors.Is(err, errEnded) {
		return errCode(codeIsOurs, whyEnded(err)).By(codeIsOurs, endSource)
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
