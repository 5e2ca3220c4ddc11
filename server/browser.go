package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// cookieNames are those of one issuer. The browser cookie tells one browser from another before anybody signs in: forms and
// waiting requests are bound to it. The session cookie is who is signed in.
type cookieNames struct{ browser, session string }

const browserAge = 365 * 24 * time.Hour

// newCookieNames tells the cookies of issuers apart that share a host and differ by path: a __Host- cookie cannot.
func newCookieNames(base string) cookieNames {
	suffix := ""
	if base != "" {
		sum := sha256.Sum256([]byte(base))
		suffix = "_" + hex.EncodeToString(sum[:4])
	}
	return cookieNames{browser: "grantor_browser" + suffix, session: "grantor_session" + suffix}
}

// visitor tells who sits before the browser, and gives a browser that has none its cookie.
func (s *server) visitor(w http.ResponseWriter, r *http.Request) (oauth.Visitor, error) {
	v := oauth.Visitor{Browser: s.browser(w, r), Address: s.limitedAddress(r.Context())}
	cookie := web.ReadCookie(r, s.cookies.session, s.https)
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
	web.EventFrom(r.Context()).Subject = user.ID
	return v, nil
}

func (s *server) browser(w http.ResponseWriter, r *http.Request) string {
	if value := web.ReadCookie(r, s.cookies.browser, s.https); isBrowserValue(value) {
		return value
	}
	if r.Method == http.MethodPost {
		return "" // sent from another site, which cookies do not go along with: the browser may well have one
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	value := base64.RawURLEncoding.EncodeToString(random[:])
	http.SetCookie(w, web.Cookie(s.cookies.browser, value, s.https, browserAge))
	return value
}

func isBrowserValue(value string) bool {
	b, err := base64.RawURLEncoding.DecodeString(value)
	return err == nil && len(b) == 32
}

// signIn starts a session with a new id and ends the one that this browser had (no session fixation).
func (s *server) signIn(w http.ResponseWriter, r *http.Request, user *account.User) (*account.Session, error) {
	cookie, session, err := s.Directory.StartSession(r.Context(), user, account.NewSession{
		Address: web.EventFrom(r.Context()).Address, UserAgent: r.UserAgent(),
		Replaces: web.ReadCookie(r, s.cookies.session, s.https),
	})
	if err != nil {
		return nil, err
	}
	web.EventFrom(r.Context()).Subject = user.ID
	http.SetCookie(w, web.Cookie(s.cookies.session, cookie, s.https, noExpiry))
	return session, nil
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
