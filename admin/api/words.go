package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// fieldWords says what a field is for whose type stands in package oauth.
type fieldWords struct {
	text    string
	example any
}

// registrationFields are those of oauth.Registration.
var registrationFields = map[string]fieldWords{
	"client_id":                         {"The name of the client in the protocol (RFC 7591). It is chosen at random where it is left out, and never changes.", "reports"},
	"client_name":                       {"The name that people are shown (RFC 7591). No two clients have the same.", "Reports"},
	"client_uri":                        {"A page about the client (RFC 7591).", "https://reports.example.com"},
	"token_endpoint_auth_method":        {"How the client authenticates (RFC 7591); “none” makes it public. Left out: client_secret_basic.", "client_secret_basic"},
	"grant_types":                       {"What the client may ask for tokens with (RFC 7591). Left out: authorization_code, which alone needs redirect_uris; refresh_token needs it or the device authorization grant (RFC 8628).", []string{"authorization_code", "refresh_token"}},
	"redirect_uris":                     {"Where logins return to (RFC 7591). Each is matched exactly.", []string{"https://reports.example.com/callback"}},
	"scope":                             {"The scopes that the client may ask for, separated by spaces (RFC 7591).", "reports:read reports:write"},
	"default_scope":                     {"The scopes of a request that names none. Left out: all of scope.", "reports:read"},
	"audience":                          {"The identifiers of the APIs that tokens may be meant for (RFC 8707): absolute URIs. One that no API is registered under may be named as well.", []string{"https://api.example.com"}},
	"default_audience":                  {"The one of audience that a request is for which names no resource and no scope of an API.", "https://api.example.com"},
	"access_token_format":               {"What access tokens look like. Left out: opaque.", "jwt"},
	"access_token_signing_alg":          {"What signs JWT access tokens. Left out: what the server signs with.", "ES256"},
	"access_token_lifetime":             {"How long an access token lives. Left out: as long as the server says.", "10m"},
	"resource_server":                   {"Whether the client is an API that may introspect the tokens meant for its audience.", false},
	"introspection_signed_response_alg": {"What signs the answers to introspection that the client asks for as a JWT (RFC 9701). Left out: RS256.", "ES256"},
	"permissions":                       {"What the client may do in the administration when it acts for itself.", []string{"clients:view"}},
	"personal_access_tokens":            {"Whether users may make tokens for the client by hand.", true},
	"refresh_token_lifetime":            {"How long a refresh token stays good unused. Left out: as long as the server says.", "30d"},
}

// fieldsOfKind are those of other types, by the name of their schema.
var fieldsOfKind = map[string]map[string]fieldWords{"API": apiFields, "APIRegistration": apiFields, "APIScope": {
	"name":        {"What the scope parameter calls it. No two APIs have the same.", "orders:read"},
	"description": {"A sentence for people, which the consent page shows.", "Read your orders."},
}}

var apiFields = map[string]fieldWords{
	"identifier":               {"What `aud` and `resource` call the API (RFC 8707): an absolute URI without a fragment. It never changes.", "https://orders.example.com"},
	"name":                     {"The name that people are shown. Left out: the identifier.", "Orders"},
	"scopes":                   {"What a token may allow at the API.", []any{map[string]any{"name": "orders:read", "description": "Read your orders."}}},
	"access_token_format":      {"What access tokens meant for the API look like. Left out: what the client says.", "jwt"},
	"access_token_signing_alg": {"What signs JWT access tokens meant for the API. Left out: what the client says.", "ES256"},
	"access_token_lifetime":    {"How long an access token meant for the API lives at most. Left out: as long as the client says.", "5m"},
	"client_id":                {"The client as which the API introspects tokens and hears of their end.", "orders"},
}

// The types below stand in the document for types of other packages that look like plain texts.
type (
	durationText   struct{}
	grantText      struct{}
	methodText     struct{}
	formatText     struct{}
	algorithmText  struct{}
	permissionText struct{}
)

// durationFormat marks a duration of ours: OpenAPI leaves formats open, and "duration" is ISO 8601.
const durationFormat = "duration-text"

// Schema describes a duration.
func (durationText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Format: durationFormat, Examples: []any{"10m"},
		Description: "A duration such as 60s, 10m, 12h or 30d. A number of seconds is understood as well.",
	}
}

// Schema describes a grant type.
func (grantText) Schema(huma.Registry) *huma.Schema { return oneOf(oauth.GrantTypes...) }

// Schema describes an authentication method.
func (methodText) Schema(huma.Registry) *huma.Schema { return oneOf(oauth.AuthMethods...) }

// Schema describes a format of access tokens.
func (formatText) Schema(huma.Registry) *huma.Schema { return oneOf(oauth.Opaque, oauth.JWT) }

// Schema describes an algorithm of signatures.
func (algorithmText) Schema(huma.Registry) *huma.Schema { return oneOf(jose.Algorithms...) }

// Schema describes a permission.
func (permissionText) Schema(huma.Registry) *huma.Schema {
	var all []account.Permission
	for _, p := range account.AllPermissions() {
		all = append(all, p.Permission)
	}
	return oneOf(all...)
}

func oneOf[S ~string](words ...S) *huma.Schema {
	values := make([]any, len(words))
	for i, word := range words {
		values[i] = string(word)
	}
	return &huma.Schema{Type: huma.TypeString, Enum: values}
}
