package server

import (
	"net/http"

	"github.com/grantor-dev/grantor/templates"
)

// home is where a person lands who came for no application.
func (s *server) home(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	page := templates.Home{Frame: s.frame("")}
	if v.User != nil {
		page.Frame = s.frame(v.User.Username)
		page.User = templates.Person{Name: v.User.Name, Username: v.User.Username}
	}
	s.writePage(w, r, http.StatusOK, page)
	return nil
}
