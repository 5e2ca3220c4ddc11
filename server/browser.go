package server

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// visitor tells who sits before the browser, and gives a browser that has none its cookie.
func (s *server) visitor(w http.ResponseWriter, r *http.Request) (oauth.Visitor, error) {
	v := oauth.Visitor{Browser: s.cookies.BrowserOf(w, r, s.https), Address: s.limitedAddress(r.Context())}
	cookie := web.ReadCookie(r, s.cookies.Session, s.https)
	if cookie == "" {
		return v, nil
	}
	session, user, err := s.Directory.Session(r.Context(), cookie)
	if errors.Is(err, store.ErrNotFound) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.Session, v.User = session, user
	s.prove(r, user)
	return v, s.Limits.Take(limit.Account, user.ID)
}

// signIn starts a session with a new id and ends the one that this browser had (no session fixation).
func (s *server) signIn(w http.ResponseWriter, r *http.Request, user *account.User) (*account.Session, error) {
	cookie, session, err := s.Directory.StartSession(r.Context(), user, account.NewSession{
		Address: web.EventFrom(r.Context()).Address, UserAgent: r.UserAgent(),
		Replaces: web.ReadCookie(r, s.cookies.Session, s.https),
	})
	if err != nil {
		return nil, err
	}
	s.prove(r, user)
	http.SetCookie(w, web.Cookie(s.cookies.Session, cookie, s.https, noExpiry))
	return session, nil
}

// prove notes who sits before the browser.
func (s *server) prove(r *http.Request, user *account.User) {
	event := web.EventFrom(r.Context())
	event.Subject, event.Proven = user.ID, true
}

// readPageForm reads a form of ours and proves that it was served to this browser for this purpose.
func (s *server) readPageForm(w http.ResponseWriter, r *http.Request, v oauth.Visitor, purpose func(form) string) (form, error) {
	f, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	if !s.Directory.CheckFormToken(v.Browser, purpose(f), f.get("form_token")) {
		return f, errFormToken
	}
	return f, nil
}
