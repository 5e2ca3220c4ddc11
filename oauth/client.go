package oauth

import (
	"slices"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
)

// GrantType is a value of grant_type.
type GrantType string

// The grant types that this server offers.
const (
	AuthorizationCode GrantType = "authorization_code"                           // RFC 6749 section 4.1
	ClientCredentials GrantType = "client_credentials"                           // RFC 6749 section 4.4
	RefreshToken      GrantType = "refresh_token"                                // RFC 6749 section 6
	DeviceCode        GrantType = "urn:ietf:params:oauth:grant-type:device_code" // RFC 8628 section 3.4
)

// GrantTypes lists what this server offers, in the order of its metadata.
var GrantTypes = []GrantType{AuthorizationCode, ClientCredentials, RefreshToken, DeviceCode}

// AuthMethod is a value of token_endpoint_auth_method (RFC 7591 section 2).
type AuthMethod string

// The ways in which a client may authenticate.
const (
	ClientSecretBasic AuthMethod = "client_secret_basic"
	ClientSecretPost  AuthMethod = "client_secret_post"
	NoSecret          AuthMethod = "none"
)

// AuthMethods lists what this server offers, in the order of its metadata.
var AuthMethods = []AuthMethod{ClientSecretBasic, ClientSecretPost, NoSecret}

// AccessTokenFormat says what an access token looks like.
type AccessTokenFormat string

// The formats of access tokens.
const (
	Opaque AccessTokenFormat = "opaque"
	JWT    AccessTokenFormat = "jwt" // RFC 9068
)

// Registration is what whoever registers a client decides. Its names are those of RFC 7591 section 2, and ours.
type Registration struct {
	ClientID                string            `json:"client_id,omitempty"`
	ClientName              string            `json:"client_name,omitempty"`
	ClientURI               string            `json:"client_uri,omitempty"`
	TokenEndpointAuthMethod AuthMethod        `json:"token_endpoint_auth_method,omitempty"`
	GrantTypes              []GrantType       `json:"grant_types,omitzero"` // absent: authorization_code; empty: none
	RedirectURIs            []string          `json:"redirect_uris,omitempty"`
	Scope                   string            `json:"scope,omitempty"`
	DefaultScope            string            `json:"default_scope,omitempty"`    // what a request without scope gets; empty: all of Scope
	Audience                []string          `json:"audience,omitempty"`         // APIs, and other resources, that tokens may be meant for: absolute URIs
	DefaultAudience         string            `json:"default_audience,omitempty"` // one of Audience: what a request is for that names no resource and no scope of an API
	AccessTokenFormat       AccessTokenFormat `json:"access_token_format,omitempty"`
	AccessTokenSigningAlg   jose.Algorithm    `json:"access_token_signing_alg,omitempty"` // empty: the server's
	AccessTokenLifetime     Duration          `json:"access_token_lifetime,omitempty"`    // 0: the server's
	ResourceServer          bool              `json:"resource_server,omitempty"`          // may introspect tokens meant for its audience

	Permissions          account.Permissions `json:"permissions,omitempty"`            // what it may do in the administration, acting for itself
	PersonalAccessTokens bool                `json:"personal_access_tokens,omitempty"` // users may make tokens for it by hand
	RefreshTokenLifetime Duration            `json:"refresh_token_lifetime,omitempty"` // unused for so long a refresh token ends; 0: the server's

	IntrospectionSignedResponseAlg jose.Algorithm `json:"introspection_signed_response_alg,omitempty"` // RFC 9701 section 6; empty: RS256
}

// AdminScope is the scope that reaches all that the user, or the client itself, may do in the administration.
const AdminScope = "admin"

// CommandLineClient is the client_id of the command line, which the server itself registers.
const CommandLineClient = "grantor-cli"

// Client is an application registered here.
type Client struct {
	Registration
	Number    int64          `json:"number"` // how many were registered when this one was; never given twice; 0: built in
	Secrets   []ClientSecret `json:"secrets,omitempty"`
	Disabled  bool           `json:"disabled,omitempty"`
	NotBefore time.Time      `json:"not_before,omitzero"` // what began at or before it has ended
	Created   time.Time      `json:"created"`
	Updated   time.Time      `json:"updated"`
	Owner     account.Actor  `json:"owner,omitzero"`     // who registered it, without address
	BuiltIn   bool           `json:"built_in,omitempty"` // the server's own: it cannot be changed by hand

	FormerAudience []FormerAudience `json:"former_audience,omitempty"` // while tokens for it may live
}

// ClientSecret is what is kept of a secret. Hash is SHA-256 of a secret that this server made, argon2id of any other.
type ClientSecret struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
	Prefix  string    `json:"prefix,omitempty"` // its first characters, to recognise it by; "" for a chosen one
	Hash    string    `json:"hash"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

// IsPublic reports whether the client has no secret to authenticate with (RFC 6749 section 2.1).
func (c *Client) IsPublic() bool { return c.TokenEndpointAuthMethod == NoSecret }

// MayUse reports whether the grant is registered for the client.
func (c *Client) MayUse(grant GrantType) bool { return slices.Contains(c.GrantTypes, grant) }

// Name is what people are shown.
func (c *Client) Name() string {
	if c.ClientName != "" {
		return c.ClientName
	}
	return c.ClientID
}

// active reports whether what began at the given time is still good as far as the client is concerned.
func (c *Client) active(began time.Time) bool { return !c.Disabled && began.After(c.NotBefore) }

// begin gives the time at which something of the client begins: now, but after NotBefore, which may come from a node whose
// clock is ahead.
func (c *Client) begin(now time.Time) time.Time { return later(now, c.NotBefore.Add(time.Millisecond)) }

// scope gives what the client may ask for at all.
func (c *Client) scope() Scope {
	scope, _ := ParseScope(c.Registration.Scope) // checked when registered
	return scope
}

// grantedScope decides what a request for scope gets: what it names, if the client may have all of it (RFC 6749 section
// 3.3), or the default where it names nothing.
func (c *Client) grantedScope(requested string) (Scope, error) {
	scope, ok := ParseScope(requested)
	if !ok {
		return nil, malformedScope(requested)
	}
	if len(scope) == 0 {
		return c.defaultScope(), nil
	}
	if !c.scope().Contains(scope) {
		return nil, refuse(InvalidScope, "scope names what this client may not have").
			By("a client asks for scopes that it is registered for", "RFC 6749 section 3.3").But(func() string { return nearScope(c.scope(), scope) })
	}
	return scope, nil
}

func (c *Client) defaultScope() Scope {
	if c.DefaultScope == "" {
		return c.scope()
	}
	scope, _ := ParseScope(c.DefaultScope)
	return scope
}
