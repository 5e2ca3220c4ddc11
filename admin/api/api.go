// Package api is the REST API of the administration.
package api

import (
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// Path is where the API stands below the issuer.
const Path = "/admin/api/v1"

// Config is what the API is built from.
type Config struct {
	Provider  *oauth.Provider
	Directory *account.Directory
	Audit     *account.Audit
	Keys      *oauth.Keyring
	Version   string // of the program
}

// New builds the handler of the API.
func New(Config) (http.Handler, error) { return http.NotFoundHandler(), nil }
