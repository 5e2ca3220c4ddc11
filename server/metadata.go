package server

import "net/http"

// describe is the metadata of this server (RFC 8414 section 3).
func (s *server) describe(w http.ResponseWriter, r *http.Request) error {
	s.metadata.write(w, r)
	return nil
}
