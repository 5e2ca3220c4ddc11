package oauth

import "github.com/grantor-dev/grantor/internal/jose"

// Metadata is the description of this server (RFC 8414 section 2).
type Metadata struct {
	Issuer                            string           `json:"issuer"`
	AuthorizationEndpoint             string           `json:"authorization_endpoint"`
	TokenEndpoint                     string           `json:"token_endpoint"`
	JWKSURI                           string           `json:"jwks_uri"`
	RevocationEndpoint                string           `json:"revocation_endpoint"`
	IntrospectionEndpoint             string           `json:"introspection_endpoint"`
	DeviceAuthorizationEndpoint       string           `json:"device_authorization_endpoint"` // RFC 8628 section 4
	RevocationFeedEndpoint            string           `json:"revocation_feed_endpoint"`      // ours: docs/revocation-feed.md
	ResponseTypesSupported            []string         `json:"response_types_supported"`
	ResponseModesSupported            []ResponseMode   `json:"response_modes_supported"`
	GrantTypesSupported               []GrantType      `json:"grant_types_supported"`
	CodeChallengeMethodsSupported     []string         `json:"code_challenge_methods_supported"`
	TokenEndpointAuthMethods          []AuthMethod     `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpointAuthMethods     []AuthMethod     `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionEndpointAuthMethods  []AuthMethod     `json:"introspection_endpoint_auth_methods_supported"`
	PromptValuesSupported             []string         `json:"prompt_values_supported"`
	AccessTokenSigningAlgs            []jose.Algorithm `json:"access_token_signing_alg_values_supported"`
	IntrospectionSigningAlgs          []jose.Algorithm `json:"introspection_signing_alg_values_supported"`     // RFC 9701 section 7
	AuthorizationResponseIssParameter bool             `json:"authorization_response_iss_parameter_supported"` // RFC 9207 section 3
}

// Endpoints are the paths below the issuer, as the server has mounted them.
type Endpoints struct {
	Authorize, Token, JWKS, Revoke, Introspect, Device, Revocations string
}

// Metadata describes what is really on: the lists are those that requests are checked against.
func (p *Provider) Metadata(at Endpoints) *Metadata {
	withSecret := AuthMethods[:2]
	return &Metadata{
		Issuer:                            p.issuer,
		AuthorizationEndpoint:             p.issuer + at.Authorize,
		TokenEndpoint:                     p.issuer + at.Token,
		JWKSURI:                           p.issuer + at.JWKS,
		RevocationEndpoint:                p.issuer + at.Revoke,
		IntrospectionEndpoint:             p.issuer + at.Introspect,
		DeviceAuthorizationEndpoint:       p.issuer + at.Device,
		RevocationFeedEndpoint:            p.issuer + at.Revocations,
		ResponseTypesSupported:            responseTypes,
		ResponseModesSupported:            responseModes,
		GrantTypesSupported:               GrantTypes,
		CodeChallengeMethodsSupported:     challengeMethods,
		TokenEndpointAuthMethods:          AuthMethods,
		RevocationEndpointAuthMethods:     AuthMethods,
		IntrospectionEndpointAuthMethods:  withSecret,
		PromptValuesSupported:             promptValues,
		AccessTokenSigningAlgs:            jose.Algorithms,
		IntrospectionSigningAlgs:          jose.Algorithms,
		AuthorizationResponseIssParameter: true,
	}
}
