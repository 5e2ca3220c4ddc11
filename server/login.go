package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// loginPurpose binds the form to the request that it is for.
func loginPurpose(handle string) string { return "login " + handle }

// showLogin shows the login page, for a waiting request or for its own sake.
func (s *server) showLogin(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	page := templates.Login{Interaction: query.Get("interaction"), Next: localPath(query.Get("next"))}
	if page.Interaction == "" && v.User != nil {
		redirect(w, r, s.base+orHome(page.Next))
		return nil
	}
	return s.writeLogin(w, r, v, http.StatusOK, page)
}

// writeLogin completes the page with what the waiting request tells, and shows it.
func (s *server) writeLogin(w http.ResponseWriter, r *http.Request, v oauth.Visitor, status int, page templates.Login) error {
	page.Frame = s.frame("")
	page.FormToken = s.Directory.FormToken(v.Browser, loginPurpose(page.Interaction))
	if page.Interaction == "" {
		s.writePage(w, r, status, page)
		return nil
	}
	i, c, err := s.Provider.Waiting(r.Context(), page.Interaction, v.Browser)
	if err != nil {
		return err
	}
	page.ClientName = c.Name()
	if page.Username == "" {
		page.Username = i.Request.LoginHint
	}
	s.writePage(w, r, status, page, web.FormTargets(i.Request.RedirectURI)...)
	return nil
}

// login checks name and password. Whatever is wrong, the page says the same.
func (s *server) login(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	f, err := s.readPageForm(w, r, v, func(f form) string { return loginPurpose(f.get("interaction")) })
	if err != nil {
		return err
	}
	page := templates.Login{Interaction: f.get("interaction"), Next: localPath(f.get("next")), Username: shown(f.get("username"))}
	user, err := s.Directory.Login(r.Context(), account.Attempt{
		Username: f.get("username"), Password: f.get("password"),
		Address: s.limitedAddress(r.Context()), Browser: v.Browser,
	})
	if err != nil {
		return s.refuseLogin(w, r, v, page, err)
	}
	ctx := actAs(r.Context(), account.ActorUser, user.ID, user.Username)
	r = r.WithContext(ctx)
	session, err := s.signIn(w, r, user)
	if err != nil {
		return err
	}
	if page.Interaction == "" {
		redirect(w, r, s.base+orHome(page.Next))
		return nil
	}
	if err := s.noteLogin(ctx, v, page.Interaction, session); err != nil {
		return err
	}
	redirect(w, r, s.interactionURL(authorizePath, page.Interaction))
	return nil
}

func (s *server) noteLogin(ctx context.Context, v oauth.Visitor, handle string, session *account.Session) error {
	i, _, err := s.Provider.Waiting(ctx, handle, v.Browser)
	if err != nil {
		return err
	}
	return s.Provider.LoggedIn(ctx, i, session.ID)
}

// refuseLogin shows the page again with what went wrong.
func (s *server) refuseLogin(w http.ResponseWriter, r *http.Request, v oauth.Visitor, page templates.Login, err error) error {
	var throttled *account.ThrottledError
	switch {
	case errors.Is(err, account.ErrCredentials):
		page.Error = "The username or the password is not right."
		web.EventFrom(r.Context()).Error = loginFailed
		return s.writeLogin(w, r, v, formRefused, page)
	case errors.As(err, &throttled):
		page.Error = "There were too many attempts to sign in."
		page.RetryAfter = throttled.RetryAfter
		a := answerTo(err)
		a.note(web.EventFrom(r.Context()), err)
		a.head(w)
		return s.writeLogin(w, r, v, a.status, page)
	}
	return err
}

// localPath gives a path of the admin or account pages or of the page for devices, which may have a code with it, and "" for
// anything else: a login never leads elsewhere.
func localPath(next string) string {
	if isDevicePath(next) {
		return next
	}
	if len(next) > 512 || strings.ContainsFunc(next, unusualInPath) || strings.Contains(next, "//") || strings.Contains(next, "/.") {
		return ""
	}
	for _, area := range []string{"/admin", "/account"} {
		if next == area || strings.HasPrefix(next, area+"/") {
			return next
		}
	}
	return ""
}

// isDevicePath reports whether a path is that of the page for devices, alone or with a code as the page spells it.
func isDevicePath(next string) bool {
	code, linked := strings.CutPrefix(next, devicePath+"?"+userCodeField+"=")
	return next == devicePath || linked && code != "" && oauth.UserCode(code) == code
}

// unusualInPath keeps to characters that every parser of URLs reads alike.
func unusualInPath(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("/-_.~", c)
}

func orHome(next string) string {
	if next == "" {
		return homePath
	}
	return next
}

// shown keeps a typed name within what the page should repeat.
func shown(username string) string {
	if len(username) > 256 {
		return ""
	}
	return username
}
