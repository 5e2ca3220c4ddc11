package protect

import (
	"context"
	"errors"
	"net/http"
)

// Guard checks access tokens. It is safe for concurrent use.
type Guard struct {
	config       Config
	discovery    *discovery
	introspector *introspector // nil without ClientID
	feed         *feed         // nil where it is not used
}

// New makes a Guard.
func New(ctx context.Context, c Config) (*Guard, error) {
	return nil, errors.New("not yet")
}

// Close stops all that runs in the background, and waits for it.
func (g *Guard) Close() error { return nil }

// Check says whether the token is good here and has the scopes. The error is a *Refusal.
func (g *Guard) Check(ctx context.Context, token string, scope ...string) (*Token, error) {
	return nil, &Refusal{Status: http.StatusServiceUnavailable}
}

// Handler lets requests with a good token pass to next.
func (g *Guard) Handler(next http.Handler) http.Handler { return next }

// Require lets requests pass whose token has every one of the scopes.
func (g *Guard) Require(scope ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return next }
}

// Metadata serves the RFC 9728 document of the API.
func (g *Guard) Metadata() http.Handler { return http.NotFoundHandler() }
