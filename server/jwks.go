package server

import "net/http"

// jwks gives the public keys that tokens are signed with: current, next and retired (RFC 7517 section 5).
func (s *server) jwks(w http.ResponseWriter, r *http.Request) error {
	body, etag := s.Keys.JWKS()
	document{body: body, etag: etag}.write(w, r)
	return nil
}
