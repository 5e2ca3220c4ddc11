package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/internal/object"
)

// jwtType is the `typ` of an access token (RFC 9068 section 2.1).
const jwtType = "at+jwt"

// mint makes the tokens of a proven grant and notes them in its authorization. Nothing is written yet.
func (p *Provider) mint(ctx context.Context, c *Client, g *grant) (*Tokens, error) {
	a := g.authorization
	now := p.now()
	if g.isNew {
		now = a.Created // its end was counted from then: a clock that moved on would cut a second off expires_in
	}
	answer := &Tokens{Scope: g.scope, Issued: now, Expires: earlier(now.Add(g.form.lifetime), a.Expires)}
	var err error
	if answer.AccessToken, err = p.mintAccess(ctx, c, g, answer); err != nil {
		return nil, err
	}
	switch {
	case g.successor != "":
		answer.RefreshToken = g.successor
	case a.UserID != "" && c.MayUse(RefreshToken):
		var t token
		answer.RefreshToken, t = p.tokens().mint(refreshPrefix, a.ID)
		a.Refresh = &refreshState{Digest: t.digest, Expires: earlier(now.Add(p.refreshLifetime(c)), a.Expires)}
	default:
		a.Refresh = nil
	}
	if g.rotates != nil {
		return answer, g.used(answer, now)
	}
	return answer, nil
}

func (p *Provider) mintAccess(ctx context.Context, c *Client, g *grant, answer *Tokens) (string, error) {
	a := g.authorization
	if g.form.format == JWT {
		if answer.Expires.After(a.JWTUntil) {
			a.JWTUntil = answer.Expires
		}
		return p.signAccess(ctx, c, g, answer)
	}
	s, t := p.tokens().mint(accessPrefix, a.ID)
	a.addAccess(accessState{
		Digest: t.digest, Scope: g.scope, Audience: g.audience, Issued: answer.Issued, Expires: answer.Expires,
	}, answer.Issued)
	return s, nil
}

// accessClaims are the claims of a JWT access token (RFC 9068 section 2.2).
type accessClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
	ID       string   `json:"jti"`
	ClientID string   `json:"client_id"`
	Scope    string   `json:"scope,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`

	Generation string `json:"gen,omitempty"` // what an event of the revocation feed about its user names
}

// encode writes the claims as JSON.
func (c *accessClaims) encode() []byte {
	o := object.Begin(make([]byte, 0, usualClaims))
	o.Text("iss", c.Issuer)
	o.Text("sub", c.Subject)
	o.Audience("aud", c.Audience)
	o.Int("exp", c.Expires)
	o.Int("iat", c.Issued)
	o.Text("jti", c.ID)
	o.Text("client_id", c.ClientID)
	o.TextUnlessEmpty("scope", c.Scope)
	o.IntUnlessZero("auth_time", c.AuthTime)
	o.TextUnlessEmpty("gen", c.Generation)
	return o.End()
}

// usualClaims is as long as most claims, in bytes; longer ones grow.
const usualClaims = 512

// audience is written as a string where it names one, as RFC 7519 section 4.1.3 allows.
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*a = audience{""}
		return json.Unmarshal(b, &(*a)[0])
	}
	return json.Unmarshal(b, (*[]string)(a))
}

func (p *Provider) signAccess(ctx context.Context, c *Client, g *grant, answer *Tokens) (string, error) {
	a := g.authorization
	claims := accessClaims{
		Issuer: p.issuer, Subject: a.subject(), Audience: p.audienceOf(g.audience),
		// Whole seconds, rounded down: a token never lives longer than was announced.
		Expires: answer.Expires.Unix(), Issued: answer.Issued.Unix(),
		ID: newTokenID(a), ClientID: c.ClientID, Scope: g.scope.String(), Generation: p.generation(a),
	}
	if !a.Authenticated.IsZero() {
		claims.AuthTime = a.Authenticated.Unix()
	}
	s, err := p.sign(ctx, g.form.algorithm, jwtType, claims.encode())
	if errors.Is(err, ErrNoSigningKey) {
		return "", &Error{
			Code: TemporarilyUnavailable, Description: "the key for this token is not there yet, try again", RetryAfter: retrySoon, Cause: err,
		}
	}
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	return s, nil
}

// sign makes the key where nobody needed one until now: an API may want JWTs of a client that was registered with an
// algorithm and without a use for it.
func (p *Provider) sign(ctx context.Context, alg jose.Algorithm, typ string, claims []byte) (string, error) {
	signed, err := p.keys.Sign(alg, typ, claims)
	if !errors.Is(err, ErrNoSigningKey) {
		return signed, err
	}
	if err := p.keys.Ensure(ctx, alg); err != nil {
		return "", fmt.Errorf("%w by %s: %w", ErrNoSigningKey, alg, err)
	}
	return p.keys.Sign(alg, typ, claims)
}

// audienceOf never is empty, as RFC 9068 section 2.2 requires `aud`: a token for nobody in particular is for us.
func (p *Provider) audienceOf(named []string) []string {
	if len(named) == 0 {
		return []string{p.issuer}
	}
	return named
}

// newTokenID gives a `jti`: when its authorization began, in milliseconds, and 128 random bits. That of a user's
// token begins with its authorization, which introspection reads; that of a machine's token stands alone, as nothing is
// stored of it.
func newTokenID(a *Authorization) string {
	var id [tokenTimeSize + 16]byte
	binary.BigEndian.PutUint64(id[:], uint64(a.Created.UnixMilli()))
	_, _ = rand.Read(id[tokenTimeSize:]) // never fails (crypto/rand)
	text := base64.RawURLEncoding.EncodeToString(id[:])
	if a.UserID == "" {
		return text
	}
	return a.ID + "." + text
}

// storedTokenID gives an opaque token, of which the digest is kept, an id in the form of newTokenID. It tells as much of the
// token as the digest does: nothing.
func storedTokenID(a *Authorization, d digest) string {
	var id [tokenTimeSize + 16]byte
	binary.BigEndian.PutUint64(id[:], uint64(a.Created.UnixMilli()))
	var input [len("jti") + len(d)]byte
	copy(input[copy(input[:], "jti"):], d[:])
	sum := sha256.Sum256(input[:])
	copy(id[tokenTimeSize:], sum[:])
	var text [64 + (len(id)*8+5)/6]byte
	return string(base64.RawURLEncoding.AppendEncode(append(append(text[:0], a.ID...), '.'), id[:]))
}

const tokenTimeSize = 8

// tokenBegan reads when the authorization began from the `jti` of a machine's token; the zero time for any other.
func tokenBegan(id string) time.Time {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != tokenTimeSize+16 {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b)))
}

// refreshLifetime is how long a refresh token of the client may lie unused.
func (p *Provider) refreshLifetime(c *Client) time.Duration {
	if c.RefreshTokenLifetime != 0 {
		return time.Duration(c.RefreshTokenLifetime)
	}
	return p.lifetimes.RefreshIdle
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
