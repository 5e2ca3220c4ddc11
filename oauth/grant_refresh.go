package oauth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// RFC 6749 section 6 and RFC 9700 section 4.14: refresh tokens rotate at every use, and a second use is noticed.

// errRefresh is the one answer to every refresh token that is not good. Admins are told the rule and the near miss.
func errRefresh(rule, near string) *Error {
	return refuse(InvalidGrant, "the refresh token is not valid").By(rule, refreshSource).Saying(near)
}

// The rules for a refresh token, and where they stand.
const (
	refreshIsOurs  = "a refresh token is one that this server issued and that still stands"
	refreshIsOnce  = "a refresh token is used once"
	refreshIsOwn   = "a refresh token is used by the client that it was issued to"
	refreshIsFresh = "a refresh token is used before it expires"
	refreshSource  = "RFC 6749 section 6"
)

// redeemRefresh proves that the caller holds the current refresh token and uses it up. The one before it gets the same
// successor again within the grace window, so that parallel requests and lost answers log nobody out. Any other that
// this server once issued is a replay, which ends the authorization: only a thief and its owner can both hold it.
func (p *Provider) redeemRefresh(ctx context.Context, c *Client, r *TokenRequest) (*grant, error) {
	if r.RefreshToken == "" {
		return nil, refuse(InvalidRequest, "refresh_token is missing").By("refresh_token is there", refreshSource)
	}
	t, ok := p.tokens().parse(refreshPrefix, r.RefreshToken)
	if !ok {
		return nil, errRefresh(refreshIsOurs, tokenForm(refreshPrefix, r.RefreshToken))
	}
	old, err := p.authorizations.Load(ctx, t.Authorization)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errRefresh(refreshIsOurs, p.nearGone(t, p.lifetimes.RefreshIdle))
	}
	if err != nil {
		return nil, fmt.Errorf("read authorization: %w", err)
	}
	a := old.Value
	if a.ClientID != c.ClientID {
		return nil, errRefresh(refreshIsOwn, "issued to "+a.ClientID+", shown by "+c.ClientID)
	}
	if a.Refresh == nil {
		return nil, errRefresh(refreshIsOurs, "its authorization has no refresh token")
	}
	if err := p.checkLive(ctx, a, c); errors.Is(err, errEnded) {
		return nil, errRefresh(refreshIsOurs, whyEnded(err)).By(refreshIsOurs, endSource)
	} else if err != nil {
		return nil, err
	}
	g := &grant{authorization: a, old: old}
	switch {
	case a.Refresh.Digest.equal(t.digest):
		return p.rotate(ctx, c, g, t, r)
	case p.inGrace(a, t):
		return p.repeat(ctx, c, g, t, r)
	}
	near := p.nearReuse(a, t)
	if err := p.endAuthorization(ctx, a, "refresh token used twice"); err != nil {
		return nil, err
	}
	return nil, errRefresh(refreshIsOnce, near).By(refreshIsOnce, rotateSource)
}

// rotate uses up the current refresh token; its successor is minted by the issuer.
func (p *Provider) rotate(ctx context.Context, c *Client, g *grant, t token, r *TokenRequest) (*grant, error) {
	if !p.now().Before(g.authorization.Refresh.Expires) {
		return nil, errRefresh(refreshIsFresh, "it expired "+p.since(g.authorization.Refresh.Expires))
	}
	if err := p.reach(ctx, c, g, r); err != nil {
		return nil, err
	}
	g.rotates = &t
	return g, nil
}

// inGrace counts the window in both directions: neither a clock that stepped back nor that of another node, which may be
// behind, makes it longer, and without a window there is none.
func (p *Provider) inGrace(a *Authorization, t token) bool {
	return a.Previous != nil && a.Previous.Digest.equal(t.digest) &&
		p.now().Sub(a.Previous.Used).Abs() < p.lifetimes.RefreshGrace
}

// repeat gives the answer that the use of this token got already. Where this request reaches elsewhere (another scope or
// resource), it gets an access token of its own with the same successor.
func (p *Provider) repeat(ctx context.Context, c *Client, g *grant, t token, r *TokenRequest) (*grant, error) {
	if err := p.reach(ctx, c, g, r); err != nil {
		return nil, err
	}
	first, err := openAnswer(t, g.authorization.Previous.Sealed)
	if err != nil {
		return nil, err
	}
	if first.Scope.Equal(g.scope) && slices.Equal(first.Audience, g.audience) && p.now().Before(first.Expires) {
		first.Issued = p.now()
		g.answer = &first.Tokens
		return g, nil
	}
	g.successor = first.RefreshToken
	return g, nil
}

// sealedAnswer is what is kept of an answer for the grace window.
type sealedAnswer struct {
	Tokens
	Audience []string
}

// used remembers the refresh token that was used up, with its answer readable only to who holds it.
func (g *grant) used(answer *Tokens, now time.Time) error {
	aead, err := answerCipher(*g.rotates)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(sealedAnswer{*answer, g.audience})
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	g.authorization.Previous = &usedRefresh{Digest: g.rotates.digest, Used: now, Sealed: aead.Seal(nil, nil, plain, nil)}
	return nil
}

func openAnswer(t token, sealed []byte) (*sealedAnswer, error) {
	aead, err := answerCipher(t)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("open answer: %w", err)
	}
	var answer sealedAnswer
	if err := json.Unmarshal(plain, &answer); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	return &answer, nil
}

// answerCipher derives the key from the token's 256 random bits. The nonce is chosen at random by the cipher itself.
func answerCipher(t token) (cipher.AEAD, error) {
	key := labelled("answer", refreshPrefix, t.random[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("answer cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}
