package server

import (
	"net/http"

	"github.com/grantor-dev/grantor/oauth"
)

// jwks gives the public keys that tokens are signed with: current, next and retired (RFC 7517 section 5).
func (s *server) jwks(w http.ResponseWriter, r *http.Request) error {
	if !s.Keys.Ready() {
		return &oauth.Error{Code: oauth.TemporarilyUnavailable, Description: "the keys are not loaded yet", RetryAfter: storeRetry}
	}
	body, etag := s.Keys.JWKS()
	document{body: body, etag: etag}.write(w, r)
	return nil
}
