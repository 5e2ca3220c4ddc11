package server

import (
	"net/http"

	"github.com/grantor-dev/grantor/internal/object"
	"github.com/grantor-dev/grantor/oauth"
)

// revoke is the revocation endpoint (RFC 7009). token_type_hint is not needed: a token tells what it is.
func (s *server) revoke(w http.ResponseWriter, r *http.Request, c *oauth.Client, f form) error {
	token := f.get("token")
	if token == "" {
		return invalidRequest("token is missing").By("token is there", "RFC 7009 section 2.1").Saying("none came")
	}
	if err := s.Provider.Revoke(r.Context(), c, token); err != nil {
		return err
	}
	// Some client libraries want a JSON body even of an answer that says nothing.
	s.writeObject(w, http.StatusOK, func(*object.Writer) {})
	return nil
}
