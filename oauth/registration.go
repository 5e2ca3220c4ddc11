package oauth

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
)

// Bounds of a registration.
const (
	maxClientName   = 255 // characters
	maxClientID     = 128 // bytes
	maxRedirectURIs = 50
	maxAudience     = 50
	minAccessToken  = 30 * time.Second
	minRefreshToken = time.Minute
	maxRefreshToken = 366 * day

	userIDPrefix = "usr_" // users' ids begin with it; a client's never does (RFC 9700 section 4.15)
)

// MaxAccessToken is the longest that an access token lives, and KeySkew what clocks may differ by on top: so long a key
// that was retired must still verify.
const (
	MaxAccessToken = 24 * time.Hour
	KeySkew        = time.Hour
)

// FieldError says what is wrong with one field of a registration.
type FieldError struct {
	Field   string // the name of RFC 7591, with an index where it is a list: "redirect_uris[1]"
	Message string // how the field's value must be, ready to follow the field's name
}

// RegistrationError lists every fault of a registration.
type RegistrationError struct{ Fields []FieldError }

func (e *RegistrationError) Error() string {
	faults := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		faults[i] = f.Field + " " + f.Message
	}
	return strings.Join(faults, "; ")
}

func (e *RegistrationError) add(field, format string, args ...any) {
	e.Fields = append(e.Fields, FieldError{field, fmt.Sprintf(format, args...)})
}

// orNil gives nil where there is no fault.
func (e *RegistrationError) orNil() error {
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}

// oneFault is a registration error about one field.
func oneFault(field, message string) error { return &RegistrationError{[]FieldError{{field, message}}} }

// AsKept gives the registration as it is kept: with what RFC 7591 section 2 says of absent fields, and what people typed
// tidied.
func (r Registration) AsKept() Registration {
	if r.ClientName = strings.TrimSpace(r.ClientName); r.ClientName == "" {
		r.ClientName = r.ClientID // so that no two clients are shown under one name
	}
	if r.TokenEndpointAuthMethod == "" {
		r.TokenEndpointAuthMethod = ClientSecretBasic
	}
	if r.GrantTypes == nil { // an empty list says that there is none
		r.GrantTypes = []GrantType{AuthorizationCode}
	}
	if r.AccessTokenFormat == "" {
		r.AccessTokenFormat = Opaque
	}
	if tidy, unknown := account.TidyPermissions(r.Permissions); len(unknown) == 0 {
		r.Permissions = tidy
	}
	if scope, ok := ParseScope(r.Scope); ok {
		r.Scope = scope.String()
	}
	if scope, ok := ParseScope(r.DefaultScope); ok {
		r.DefaultScope = scope.String()
	}
	return r
}

// Check lists every fault of a registration, as RegisterClient would: *RegistrationError, nil for none.
func (r Registration) Check() error {
	r = r.AsKept()
	return r.check()
}

// check lists every fault of a registration with its defaults filled in; nil for none.
func (r *Registration) check() error {
	var faults RegistrationError
	r.checkNames(&faults)
	r.checkGrants(&faults)
	r.checkRedirects(&faults)
	r.checkScopes(&faults)
	r.checkTokens(&faults)
	r.checkPermissions(&faults)
	return faults.orNil()
}

func (r *Registration) checkNames(faults *RegistrationError) {
	if !isClientID(r.ClientID) {
		faults.add("client_id", "must be 1 to %d letters, digits or characters of -._~ and must not begin with %s", maxClientID, userIDPrefix)
	}
	if r.ClientID == "-" || r.ClientID == "." || r.ClientID == ".." {
		faults.add("client_id", "must not be -, . or .., which mean something else in an address")
	}
	name := r.ClientName
	if name == r.ClientID {
		name = "" // its faults are told already
	}
	if n := utf8.RuneCountInString(name); n > maxClientName {
		faults.add("client_name", "must not be longer than %d characters", maxClientName)
	}
	if !isReadable(name) {
		faults.add("client_name", "must be text without control characters and characters that hide or turn text")
	}
	if r.ClientURI == "" {
		return
	}
	if u, err := url.Parse(r.ClientURI); err != nil || checkURISpelling(r.ClientURI) != nil || u.User != nil || checkHost(u) != nil ||
		u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())) {
		faults.add("client_uri", "must be an https URL")
	}
}

// isReadable reports whether a text shows all that it holds.
func isReadable(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, misleads) }

// misleads reports whether a character can make a name read as another one: control characters, and those that draw
// nothing or change the direction of what follows.
func misleads(r rune) bool {
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) && !isJoiner(r)
}

// isJoiner reports whether r only shapes its neighbours, as many scripts need it.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// isClientID keeps to characters that need no quoting in a header, a form or a log line.
func isClientID(s string) bool {
	if s == "" || len(s) > maxClientID || strings.HasPrefix(s, userIDPrefix) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && strings.IndexByte("-._~", c) < 0 {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (r *Registration) checkGrants(faults *RegistrationError) {
	if !slices.Contains(AuthMethods, r.TokenEndpointAuthMethod) {
		faults.add("token_endpoint_auth_method", "must be one of %s", join(AuthMethods))
	}
	for i, grant := range r.GrantTypes {
		if !slices.Contains(GrantTypes, grant) {
			faults.add(fmt.Sprintf("grant_types[%d]", i), "must be one of %s", join(GrantTypes))
		}
		if slices.Contains(r.GrantTypes[:i], grant) {
			faults.add(fmt.Sprintf("grant_types[%d]", i), "must not be repeated")
		}
	}
	if len(r.GrantTypes) == 0 && !r.PersonalAccessTokens && !r.ResourceServer {
		faults.add("grant_types", "must name at least one grant, unless personal_access_tokens or resource_server is true")
	}
	public := r.TokenEndpointAuthMethod == NoSecret
	if public && slices.Contains(r.GrantTypes, ClientCredentials) {
		faults.add("grant_types", "must not contain client_credentials for a public client (RFC 6749 section 4.4)")
	}
	if public && r.ResourceServer {
		faults.add("resource_server", "must be false for a public client: introspection needs authentication")
	}
	if slices.Contains(r.GrantTypes, RefreshToken) && !slices.Contains(r.GrantTypes, AuthorizationCode) && !slices.Contains(r.GrantTypes, DeviceCode) {
		faults.add("grant_types", "must contain authorization_code or %s where it contains refresh_token", DeviceCode)
	}
}

func (r *Registration) checkRedirects(faults *RegistrationError) {
	if slices.Contains(r.GrantTypes, AuthorizationCode) && len(r.RedirectURIs) == 0 {
		faults.add("redirect_uris", "must name at least one URI for the authorization_code grant")
	}
	if len(r.RedirectURIs) > maxRedirectURIs {
		faults.add("redirect_uris", "must not name more than %d URIs", maxRedirectURIs)
		return
	}
	for i, uri := range r.RedirectURIs {
		field := fmt.Sprintf("redirect_uris[%d]", i)
		if err := CheckRedirectURI(uri); err != nil {
			faults.add(field, "%v", err)
		}
		if slices.Contains(r.RedirectURIs[:i], uri) {
			faults.add(field, "must not be repeated")
		}
	}
}

func (r *Registration) checkScopes(faults *RegistrationError) {
	all, ok := ParseScope(r.Scope)
	if !ok {
		faults.add("scope", "must be at most %d scopes separated by spaces, of printable ASCII without quotes and backslashes", maxScopeTokens)
	}
	if byDefault, ok := ParseScope(r.DefaultScope); !ok || !all.Contains(byDefault) {
		faults.add("default_scope", "must be part of scope")
	}
	if len(r.Audience) > maxAudience {
		faults.add("audience", "must not name more than %d URIs", maxAudience)
		return
	}
	for i, resource := range r.Audience {
		if !isResource(resource) {
			faults.add(fmt.Sprintf("audience[%d]", i), "must be an absolute URI without a fragment (RFC 8707 section 2)")
		}
	}
	if r.DefaultAudience != "" && !slices.Contains(r.Audience, r.DefaultAudience) {
		faults.add("default_audience", "must be one of audience")
	}
	if r.ResourceServer && len(r.Audience) == 0 {
		faults.add("audience", "must name the resource server, so that it can see the tokens meant for it")
	}
}

func (r *Registration) checkTokens(faults *RegistrationError) {
	if r.AccessTokenFormat != Opaque && r.AccessTokenFormat != JWT {
		faults.add("access_token_format", "must be opaque or jwt")
	}
	if alg := r.AccessTokenSigningAlg; alg != "" && !slices.Contains(jose.Algorithms, alg) {
		faults.add("access_token_signing_alg", "must be one of %s", join(jose.Algorithms))
	}
	if alg := r.IntrospectionSignedResponseAlg; alg != "" && !slices.Contains(jose.Algorithms, alg) {
		faults.add("introspection_signed_response_alg", "must be one of %s", join(jose.Algorithms))
	}
	if d := time.Duration(r.AccessTokenLifetime); d != 0 && (d < minAccessToken || d > MaxAccessToken) {
		faults.add("access_token_lifetime", "must be between %v and %v", Duration(minAccessToken), Duration(MaxAccessToken))
	}
	if d := time.Duration(r.RefreshTokenLifetime); d != 0 && (d < minRefreshToken || d > maxRefreshToken) {
		faults.add("refresh_token_lifetime", "must be between %v and %v", Duration(minRefreshToken), Duration(maxRefreshToken))
	}
}

func (r *Registration) checkPermissions(faults *RegistrationError) {
	for i, permission := range r.Permissions {
		if !account.IsPermission(permission) {
			faults.add(fmt.Sprintf("permissions[%d]", i), "must be a permission such as %s", account.ViewClients)
		}
	}
	if len(r.Permissions) > 0 && r.TokenEndpointAuthMethod == NoSecret {
		faults.add("permissions", "must be empty for a public client: it cannot act for itself")
	}
}

func join[S ~string](list []S) string {
	text := make([]string, len(list))
	for i, s := range list {
		text[i] = string(s)
	}
	return strings.Join(text, ", ")
}
