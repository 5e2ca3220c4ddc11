package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

// Bounds of an API.
const (
	maxIdentifier    = 512 // bytes
	maxAPIName       = 255 // characters
	maxScopeSentence = 300 // characters
)

// AsKept gives the registration as it is kept, with what people typed tidied.
func (r APIRegistration) AsKept() APIRegistration {
	r.Identifier, r.Name = strings.TrimSpace(r.Identifier), strings.TrimSpace(r.Name)
	scopes := make([]APIScope, 0, len(r.Scopes))
	for _, s := range r.Scopes {
		scopes = append(scopes, APIScope{Name: s.Name, Description: strings.TrimSpace(s.Description)})
	}
	if r.Scopes = scopes; len(scopes) == 0 {
		r.Scopes = nil
	}
	return r
}

// Check lists every fault that can be seen without looking at other records: *RegistrationError, nil for none.
func (r APIRegistration) Check() error {
	r = r.AsKept()
	return r.faults().orNil()
}

func (r *APIRegistration) faults() *RegistrationError {
	faults := &RegistrationError{}
	r.checkNames(faults)
	r.checkScopes(faults)
	r.checkTokens(faults)
	return faults
}

func (r *APIRegistration) checkNames(faults *RegistrationError) {
	if len(r.Identifier) > maxIdentifier || r.Identifier == "" || !isResource(r.Identifier) {
		faults.add("identifier", "must be an absolute URI without a fragment (RFC 8707 section 2) of at most %d bytes", maxIdentifier)
	}
	if utf8.RuneCountInString(r.Name) > maxAPIName {
		faults.add("name", "must not be longer than %d characters", maxAPIName)
	}
	if !isReadable(r.Name) {
		faults.add("name", "must be text without control characters and characters that hide or turn text")
	}
	if r.ClientID != "" && !isClientID(r.ClientID) {
		faults.add("client_id", "must be the client_id of a registered client")
	}
}

func (r *APIRegistration) checkScopes(faults *RegistrationError) {
	if len(r.Scopes) > maxScopeTokens {
		faults.add("scopes", "must not name more than %d scopes", maxScopeTokens)
		return
	}
	for i, s := range r.Scopes {
		field := fmt.Sprintf("scopes[%d].", i)
		switch {
		case s.Name == "" || !isScopeToken(s.Name) || len(s.Name) > maxIdentifier:
			faults.add(field+"name", "must be printable ASCII without blanks, quotes and backslashes (RFC 6749 section 3.3)")
		case slices.ContainsFunc(r.Scopes[:i], func(other APIScope) bool { return other.Name == s.Name }):
			faults.add(field+"name", "must not be repeated")
		case isOwnScope(s.Name):
			faults.add(field+"name", "must not be %s, which belongs to the administration of this server", s.Name)
		}
		if utf8.RuneCountInString(s.Description) > maxScopeSentence || !isReadable(s.Description) {
			faults.add(field+"description", "must be a sentence of at most %d characters, without control characters and characters that hide or turn text", maxScopeSentence)
		}
	}
}

func (r *APIRegistration) checkTokens(faults *RegistrationError) {
	if r.AccessTokenFormat != "" && r.AccessTokenFormat != Opaque && r.AccessTokenFormat != JWT {
		faults.add("access_token_format", "must be opaque or jwt, or absent for that of the client")
	}
	if alg := r.AccessTokenSigningAlg; alg != "" && !slices.Contains(jose.Algorithms, alg) {
		faults.add("access_token_signing_alg", "must be one of %s", join(jose.Algorithms))
	}
	if d := time.Duration(r.AccessTokenLifetime); d != 0 && (d < minAccessToken || d > MaxAccessToken) {
		faults.add("access_token_lifetime", "must be between %v and %v", Duration(minAccessToken), Duration(MaxAccessToken))
	}
}

// isOwnScope reports whether a scope is one of the administration of this server.
func isOwnScope(token string) bool {
	return token == AdminScope || account.IsPermission(account.Permission(token))
}

// checkAPI lists every fault of a tidied registration, those among it that concern other records.
func (p *Provider) checkAPI(ctx context.Context, r *APIRegistration) error {
	faults := r.faults()
	if r.Identifier == p.issuer {
		faults.add("identifier", "must not be that of this server itself")
	}
	if err := p.checkScopesFree(ctx, r, faults); err != nil {
		return err
	}
	if err := p.checkAPIClient(ctx, r, faults); err != nil {
		return err
	}
	return faults.orNil()
}

// checkScopesFree reads the store itself: that a scope belongs to one API must not rest on what was so a second ago.
func (p *Provider) checkScopesFree(ctx context.Context, r *APIRegistration, faults *RegistrationError) error {
	all, err := p.apis.Fresh(ctx)
	if err != nil {
		return fmt.Errorf("read APIs: %w", err)
	}
	for _, other := range all {
		for i, s := range r.Scopes {
			if other.Identifier != r.Identifier && other.has(s.Name) {
				faults.add(fmt.Sprintf("scopes[%d].name", i), "must not be %s, which belongs to the API %s", s.Name, other.Identifier)
			}
		}
	}
	return nil
}

func (p *Provider) checkAPIClient(ctx context.Context, r *APIRegistration, faults *RegistrationError) error {
	if r.ClientID == "" || !isClientID(r.ClientID) {
		return nil
	}
	c, _, err := p.LoadClient(ctx, r.ClientID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		faults.add("client_id", "must be the client_id of a registered client")
	case err != nil:
		return err
	case c.IsPublic():
		faults.add("client_id", "must be that of a client with a secret: introspection needs authentication")
	}
	return nil
}

// checkClientAPIs refuses scopes of APIs that the client does not have: no token could carry them. *RegistrationError.
func (p *Provider) checkClientAPIs(ctx context.Context, r *Registration) error {
	x, err := p.registered(ctx)
	if err != nil {
		return err
	}
	scope, _ := ParseScope(r.Scope) // checked before
	var faults RegistrationError
	for _, token := range scope {
		if a := x.owners[token]; a != nil && !slices.Contains(r.Audience, a.Identifier) {
			faults.add("scope", "must not name %s: it belongs to the API %s, which audience does not name", token, a.Identifier)
		}
	}
	return faults.orNil()
}

// guardServed refuses to register a client that an API names already by somebody who may not say which client an API has: it
// would see all the tokens of that API. *account.ForbiddenError.
func (p *Provider) guardServed(ctx context.Context, clientID string) error {
	x, err := p.registered(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(x.all, func(a *API) bool { return a.ClientID == clientID }) {
		return account.RightsFrom(ctx).Check(account.EditAPIs)
	}
	return nil
}

func (r *APIRegistration) has(scope string) bool {
	return slices.ContainsFunc(r.Scopes, func(s APIScope) bool { return s.Name == scope })
}
