package server

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

const setupPurpose = "setup"

// showSetup shows the form for the first user to who holds the set-up link.
func (s *server) showSetup(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	token := r.URL.Query().Get("token")
	if err := s.Directory.CheckSetup(r.Context(), token); err != nil {
		return setupError(err)
	}
	s.writeSetup(w, r, v, http.StatusOK, templates.Setup{Token: token})
	return nil
}

func (s *server) writeSetup(w http.ResponseWriter, r *http.Request, v oauth.Visitor, status int, page templates.Setup) {
	page.Frame = s.frame("")
	page.FormToken = s.Directory.FormToken(v.Browser, setupPurpose)
	page.MinPassword = account.MinAdminPassword
	s.writePage(w, r, status, page)
}

// setup makes the first super admin and signs him in.
func (s *server) setup(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	f, err := s.readPageForm(w, r, v, func(form) string { return setupPurpose })
	if err != nil {
		return err
	}
	user, err := s.Directory.CompleteSetup(r.Context(), f.get("token"), account.NewUser{
		Username: f.get("username"), Name: f.get("name"), Email: f.get("email"), Password: f.get("password"),
	})
	var faults *account.FieldErrors
	if errors.As(err, &faults) {
		page := templates.Setup{Token: f.get("token"), Username: f.get("username"), Name: f.get("name"), Email: f.get("email")}
		for _, fault := range faults.Fields {
			page.Faults = append(page.Faults, templates.Fault{Field: fault.Field, Message: sentence(fault.Message)})
		}
		s.writeSetup(w, r, v, formRefused, page)
		return nil
	}
	if err != nil {
		return setupError(err)
	}
	r = r.WithContext(actAs(r.Context(), account.ActorUser, user.ID, user.Username))
	if _, err := s.signIn(w, r, user); err != nil {
		return err
	}
	redirect(w, r, s.base+homePath)
	return nil
}

const (
	setupRule   = "a set-up link works once, and while there is no user"
	setupSource = "docs/security.md"
)

// setupError makes a page of a link that does not work (any more).
func setupError(err error) error {
	switch {
	case errors.Is(err, account.ErrSetupDone):
		return invalidRequest("This server is set up already. Please sign in.").By(setupRule, setupSource).Saying("there are users already")
	case errors.Is(err, account.ErrSetupLink):
		return invalidRequest("This set-up link does not work any more. The server prints a new one when it starts.").By(setupRule, setupSource)
	}
	return err
}
