package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

// APIScope is one thing that a token may allow at an API.
type APIScope struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"` // a sentence for people, which the consent page shows
}

// APIRegistration is what whoever registers an API decides: a resource server (RFC 6749 section 1.1) that tokens are meant
// for.
type APIRegistration struct {
	Identifier            string            `json:"identifier"` // what `aud` and `resource` say: an absolute URI without a fragment; it never changes
	Name                  string            `json:"name,omitempty"`
	Scopes                []APIScope        `json:"scopes,omitempty"`                   // a scope belongs to one API
	AccessTokenFormat     AccessTokenFormat `json:"access_token_format,omitempty"`      // empty: the client's
	AccessTokenSigningAlg jose.Algorithm    `json:"access_token_signing_alg,omitempty"` // empty: the client's
	AccessTokenLifetime   Duration          `json:"access_token_lifetime,omitempty"`    // the longest that its tokens live; 0: the client's
	ClientID              string            `json:"client_id,omitempty"`                // the client as which the API introspects tokens and hears of their end
}

// API is a resource server registered here.
type API struct {
	APIRegistration
	ID      string        `json:"id"`
	Created time.Time     `json:"created"`
	Updated time.Time     `json:"updated"`
	Owner   account.Actor `json:"owner,omitzero"` // who registered it, without address
}

// ErrAPITaken reports that another API has the identifier.
var ErrAPITaken = errors.New("another API has this identifier")

// APIInUseError reports that an API cannot be deleted: clients still have it.
type APIInUseError struct{ Clients []string } // their ids

func (e *APIInUseError) Error() string {
	return "clients still have this API: " + strings.Join(e.Clients, ", ")
}

var apiKind = store.Kind{Name: "api"}

func newAPIs(b store.Backend) *store.Cache[API] {
	return store.NewCache(&store.Collection[API]{
		Backend: b, Kind: apiKind,
		ID: func(a *API) string { return a.ID },
	})
}

const apiPrefix = "api_"

// APIID gives the id under which the API with an identifier is kept, and found at the REST API.
func APIID(identifier string) string {
	sum := sha256.Sum256([]byte(identifier))
	return apiPrefix + hex.EncodeToString(sum[:16])
}

// isAPIID keeps from the store what cannot be the id of an API.
func isAPIID(id string) bool {
	digits, found := strings.CutPrefix(id, apiPrefix)
	b, err := hex.DecodeString(digits)
	return found && err == nil && len(b) == 16 && digits == strings.ToLower(digits)
}

// Title is what people are shown.
func (r *APIRegistration) Title() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Identifier
}

// scope names all its scopes.
func (r *APIRegistration) scope() Scope {
	scope := make(Scope, len(r.Scopes))
	for i, s := range r.Scopes {
		scope[i] = s.Name
	}
	return scope
}

func apiObject(id string) string { return "api:" + id }

// fields gives an API as people read it, for the audit log.
func (r *APIRegistration) fields() []Field {
	return []Field{
		{"identifier", r.Identifier}, {"name", r.Name}, {"scopes", r.scope().String()}, {"scope_sentences", r.sentences()},
		{"access_token_format", string(r.AccessTokenFormat)}, {"access_token_signing_alg", string(r.AccessTokenSigningAlg)},
		{"access_token_lifetime", fmt.Sprint(r.AccessTokenLifetime)}, {"client_id", r.ClientID},
	}
}

func (r *APIRegistration) sentences() string {
	var all []string
	for _, s := range r.Scopes {
		if s.Description != "" {
			all = append(all, s.Name+": "+s.Description)
		}
	}
	return strings.Join(all, " | ")
}
