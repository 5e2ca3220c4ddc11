// RFC 9068 section 4, RFC 8725: JWT access tokens.

package protect

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

const (
	// rejectedTime is how long it is remembered that a JWT is not good. It need not be long: this only keeps a caller
	// who tries the same one again and again from costing a signature check each time.
	rejectedTime = 10 * time.Second
	// futureIssue is how far beyond Skew a JWT may say it was issued in the future.
	futureIssue = time.Minute
)

// verified is a JWT that was found good, with the key that it was signed with.
type verified struct {
	token *Token
	key   *jose.Key
}

// rejected is a JWT that was found bad with these keys of the server.
type rejected struct {
	refusal *Refusal
	keys    *keys
}

// isJWT reports whether a token is to be verified here: three parts, of which the first is a JOSE header. Anything else is
// opaque, and only the server knows what it is.
func isJWT(token string) bool {
	head, rest, _ := strings.Cut(token, ".")
	if strings.Count(rest, ".") != 1 || len(token) > jose.MaxToken {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	var header map[string]json.RawMessage
	return json.Unmarshal(raw, &header) == nil && header["alg"] != nil
}

// verify checks everything about a JWT that stays true. What it finds is remembered.
func (g *Guard) verify(ctx context.Context, token string, d *digest) (*Token, *Refusal) {
	set, err := g.keys.current(ctx)
	if err != nil {
		return nil, unavailable()
	}
	v, fault := g.verifyWith(set, token)
	if errors.Is(fault, errUnknownKey) && g.keys.refresh(ctx, set) {
		if set, err = g.keys.current(ctx); err != nil {
			return nil, unavailable()
		}
		v, fault = g.verifyWith(set, token)
	}
	now := g.config.Now()
	var early *notYet
	switch {
	case fault == nil:
		g.good.put(d, v, v.token.Expires.Add(g.config.Skew).UnixMilli(), now.UnixMilli())
		return v.token, nil
	case errors.Is(fault, errUnknownKey) && (g.keys.failing.Load() || g.keys.outdated()):
		return nil, unavailable() // it may be signed with a key that could not be read
	case errors.Is(fault, errUnknownKey), errors.As(fault, &early):
		return nil, invalidToken(fault.Error()) // will not be true for long
	}
	refusal := invalidToken(fault.Error())
	g.bad.put(d, rejected{refusal, set}, now.Add(rejectedTime).UnixMilli(), now.UnixMilli())
	return nil, refusal
}

var (
	errUnknownKey   = errors.New("signed with a key that the authorization server does not have")
	errWithdrawnKey = errors.New("signed with a key that the authorization server has withdrawn")
)

// verifyWith gives errors in fixed words, which may be told.
func (g *Guard) verifyWith(set *keys, token string) (verified, error) {
	var v verified
	var missing error
	claims, err := jose.Verify(token, "at+jwt", func(kid string) (*jose.Key, bool) {
		v.key = set.byID[kid]
		switch {
		case v.key != nil:
			return v.key, true
		case g.keys.withdrawn(kid):
			missing = errWithdrawnKey
		default:
			missing = errUnknownKey
		}
		return nil, false
	})
	switch {
	case missing != nil:
		return verified{}, missing
	case err != nil:
		return verified{}, errors.New(strings.TrimPrefix(err.Error(), jose.ErrInvalid.Error()+": "))
	}
	if v.token, err = g.discovery.parseToken(claims); err != nil {
		return verified{}, err
	}
	return v, g.config.checkClaims(v.token)
}

// notYet says that a token will be good later.
type notYet struct{ why string }

func (n *notYet) Error() string { return n.why }

// checkClaims holds RFC 9068 section 4. The claims that every such token has (section 2.2) must be there: what handlers read
// from a Token is never empty because a claim was missing.
func (c *Config) checkClaims(t *Token) error {
	now := c.Now()
	switch {
	case t.issuer != c.Issuer:
		return errors.New("of another issuer")
	case !slices.Contains(t.Audience, c.Audience):
		return errors.New("meant for another audience")
	case t.Subject == "" || t.ClientID == "" || t.ID == "" || t.IssuedAt.IsZero() || t.Expires.IsZero():
		return errors.New("without one of the claims exp, iat, sub, client_id and jti")
	case t.bound:
		return errors.New("bound to a key, which cannot be proven here")
	case !now.Before(t.Expires.Add(c.Skew)):
		return errors.New("expired")
	case now.Add(c.Skew).Before(t.notBefore):
		return &notYet{"not good yet"}
	case now.Add(c.Skew + futureIssue).Before(t.IssuedAt):
		return &notYet{"issued in the future"}
	}
	return nil
}
