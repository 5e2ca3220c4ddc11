package server

import (
	"context"
	"net/http"

	"github.com/grantor-dev/grantor/account"
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
		if page.Links, err = s.links(r.Context(), v.User); err != nil {
			return err
		}
	}
	s.writePage(w, r, http.StatusOK, page)
	return nil
}

// links lead to what there is for a user besides applications.
func (s *server) links(ctx context.Context, u *account.User) ([]templates.Link, error) {
	if len(s.Areas) == 0 {
		return nil, nil
	}
	rights, err := s.Directory.RightsOf(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	links := []templates.Link{{Path: "/account", Text: "My account", Hint: "Your profile, password, sessions and connected apps."}}
	if rights.Any() {
		links = append(links, templates.Link{Path: "/admin", Text: "Administration", Hint: "Auth clients, users, keys and what was done."})
	}
	return links, nil
}
