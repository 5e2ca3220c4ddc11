package oauth

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/grantor-dev/grantor/internal/jose"
)

// RFC 9701: answers to token introspection that are signed, for who must show them to others.

// introspectionType is the `typ` of such an answer, which keeps it from being taken for an access token (section 8.1).
const introspectionType = "token-introspection+jwt"

// introspectionAlg signs for a client that names no other (section 6).
const introspectionAlg = jose.RS256

// introspectionClaims has no `sub` and no `exp` of its own, so that nobody takes it for an access token (section 5).
type introspectionClaims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"` // the client that asked
	Issued   int64  `json:"iat"`
	Answer   any    `json:"token_introspection"`
}

// SignIntrospection gives the answer to an introspection of caller as a JWT. The answer is what JSON is made of.
func (p *Provider) SignIntrospection(ctx context.Context, caller *Client, answer any) (string, error) {
	claims, err := json.Marshal(introspectionClaims{Issuer: p.issuer, Audience: caller.ClientID, Issued: p.now().Unix(), Answer: answer})
	if err != nil {
		return "", fmt.Errorf("encode introspection: %w", err)
	}
	alg := caller.IntrospectionSignedResponseAlg
	if alg == "" {
		alg = introspectionAlg
	}
	signed, err := p.sign(ctx, alg, introspectionType, claims)
	if err != nil {
		return "", fmt.Errorf("sign introspection: %w", err)
	}
	return signed, nil
}
