package server

import (
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func logoutPurpose(v oauth.Visitor) string { return "logout " + v.Session.ID }

// showLogout asks before it signs out: a link from elsewhere must not do it.
func (s *server) showLogout(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	if v.User == nil {
		s.writeSignedOut(w, r)
		return nil
	}
	s.writePage(w, r, http.StatusOK, templates.Logout{
		Frame: s.frame(v.User.Username), UserName: v.User.Username,
		FormToken: s.Directory.FormToken(v.Browser, logoutPurpose(v)),
	})
	return nil
}

// logout ends the session here and on the server.
func (s *server) logout(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	if v.User == nil {
		s.writeSignedOut(w, r)
		return nil
	}
	if _, err := s.readPageForm(w, r, v, func(form) string { return logoutPurpose(v) }); err != nil {
		return err
	}
	ctx := actAs(r.Context(), account.ActorUser, v.User.ID, v.User.Username)
	if err := s.Directory.EndSession(ctx, web.ReadCookie(r, s.cookies.Session, s.https)); err != nil {
		return err
	}
	http.SetCookie(w, web.Cookie(s.cookies.Session, "", s.https, -time.Second))
	s.writeSignedOut(w, r)
	return nil
}

func (s *server) writeSignedOut(w http.ResponseWriter, r *http.Request) {
	s.writePage(w, r, http.StatusOK, templates.Message{
		Frame: s.frame(""), Title: "You are signed out", Text: "You can close this page.", Status: http.StatusOK,
		Action: &templates.Link{Path: loginPath, Text: "Sign in again"},
	})
}
