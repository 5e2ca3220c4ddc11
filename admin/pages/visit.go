package pages

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/store"
)

// visit is a request of somebody who is signed in.
type visit struct {
	User    *account.User
	Session *account.Session
	Rights  account.Rights
	Form    form // of a POST
	browser string
}

// may reports whether the visitor may do something, for pages to show what can be used and nothing else.
func (v *visit) may(p account.Permission) bool { return v.Rights.Has(p) }

// mayUse is may for a route of the table.
func (v *visit) mayUse(method, path string) bool {
	rule, err := access.Find(method, path)
	return err == nil && rule.Need.Check(v.Rights) == nil
}

// guard lets through who meets the rule: it says who the visitor is and what he may do, refuses a form that was not served
// to him, and asks for the password again before what cannot be undone or would outlast a stolen session.
func (s *site) guard(rule access.Rule, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.Provider.Ready() {
			s.writeError(w, r, nil, errStarting)
			return
		}
		v, r, err := s.visit(w, r)
		if err != nil {
			s.writeError(w, r, nil, err)
			return
		}
		if v == nil {
			s.toLogin(w, r)
			return
		}
		if err := s.admit(w, r, v, rule, h); err != nil {
			s.writeError(w, r, v, err)
		}
	}
}

func (s *site) admit(w http.ResponseWriter, r *http.Request, v *visit, rule access.Rule, h handler) error {
	if err := rule.Need.Check(v.Rights); err != nil {
		return s.refused(r, rule, err)
	}
	if r.Method == http.MethodPost {
		var err error
		if v.Form, err = readForm(w, r, rule); err != nil {
			return err
		}
		if !s.Directory.CheckFormToken(v.browser, formPurpose(v.Session), v.Form.Get("form_token")) {
			return errFormToken
		}
		if done, err := s.confirm(w, r, v, rule); done || err != nil {
			return err
		}
	}
	return s.noted(r, rule, h(s, w, r, v))
}

// visit says who sits before the browser, nil for a guest, and has the context name him and what he may do.
func (s *site) visit(w http.ResponseWriter, r *http.Request) (*visit, *http.Request, error) {
	v := &visit{browser: s.cookies.BrowserOf(w, r, s.https)}
	cookie := web.ReadCookie(r, s.cookies.Session, s.https)
	if cookie == "" {
		return nil, r, nil
	}
	ctx := r.Context()
	session, user, err := s.Directory.Session(ctx, cookie)
	if errors.Is(err, store.ErrNotFound) {
		return nil, r, nil
	}
	if err != nil {
		return nil, r, err
	}
	v.Session, v.User = session, user
	v.Rights, err = s.Directory.RightsOf(ctx, user.ID)
	if errors.Is(err, store.ErrNotFound) { // deleted on another node this moment
		return nil, r, nil
	}
	if err != nil {
		return nil, r, err
	}
	event := web.EventFrom(ctx)
	event.Subject, event.Proven = user.ID, true
	if err := s.Limits.Take(limit.Account, user.ID); err != nil {
		return nil, r, err
	}
	ctx = account.WithActor(ctx, account.Actor{Kind: account.ActorUser, ID: user.ID, Name: user.Username, Address: event.Address})
	return v, r.WithContext(account.WithRights(ctx, v.Rights)), nil
}

// toLogin sends a guest to the login page, from where he comes back to the page that he asked for.
func (s *site) toLogin(w http.ResponseWriter, r *http.Request) {
	s.send(w, r, "/login?next="+url.QueryEscape(s.shownAt(r)))
}

// shownAt is the path of a request where there is a page, otherwise the nearest above: a form that was sent cannot be
// looked at.
func (s *site) shownAt(r *http.Request) string {
	path := r.URL.EscapedPath()[len(s.base):]
	template, err := mux.CurrentRoute(r).GetPathTemplate()
	if err != nil {
		return "/admin"
	}
	template = template[len(s.base):]
	for {
		if _, err := access.Find(http.MethodGet, template); err == nil {
			return path
		}
		path, template = path[:strings.LastIndexByte(path, '/')], template[:strings.LastIndexByte(template, '/')]
	}
}

// refused notes in the audit log that somebody asked for what he may not have.
func (s *site) refused(r *http.Request, rule access.Rule, refusal error) error {
	return errors.Join(refusal, s.Directory.RecordRefusal(r.Context(), "page:"+rule.Path, rule.Method, refusal))
}

// noted is refused for what the rules behind a page refuse.
func (s *site) noted(r *http.Request, rule access.Rule, err error) error {
	var forbidden *account.ForbiddenError
	if errors.As(err, &forbidden) {
		return s.refused(r, rule, err)
	}
	return err
}

// formPurpose binds a form to the session that it was served to.
func formPurpose(s *account.Session) string { return "admin " + s.ID }

// confirmFor is how long the password counts as just given.
const confirmFor = 15 * time.Minute

// dangerous are the acts that ask for the password again when it was given too long ago.
var dangerous = []string{
	"POST /admin/auth-clients/-/new",
	"POST /admin/auth-clients/-/delete",
	"POST /admin/auth-clients/-/import",
	"POST /admin/auth-clients/{client_id}/edit", // may send codes elsewhere
	"POST /admin/auth-clients/{client_id}/delete",
	"POST /admin/auth-clients/{client_id}/secrets/new",
	"POST /admin/auth-clients/{client_id}/secrets/rotate",
	"POST /admin/users/-/new",
	"POST /admin/users/{user_id}/edit", // may make a super admin
	"POST /admin/users/{user_id}/password",
	"POST /admin/users/{user_id}/permissions",
	"POST /admin/users/{user_id}/delete",
	"POST /admin/groups/-/new",
	"POST /admin/apis/-/new",
	"POST /admin/apis/{api_id}/edit", // may hand tokens to another client for introspection
	"POST /admin/apis/{api_id}/delete",
	"POST /admin/groups/{group_id}/edit",
	"POST /admin/groups/{group_id}/members/add",
	"POST /admin/groups/{group_id}/delete",
	"POST /admin/keys/rotate",
	"POST /admin/keys/withdraw",
	"POST /account/profile",
	"POST /account/tokens/new",
}

// confirm asks for the password where it was given too long ago. done says that the question was the answer. The form
// that was sent comes along with it, except for passwords, and goes through once the password is right.
func (s *site) confirm(w http.ResponseWriter, r *http.Request, v *visit, rule access.Rule) (done bool, err error) {
	if !slices.Contains(dangerous, rule.Key()) || s.Now().Sub(v.Session.Authenticated) < confirmFor {
		return false, nil
	}
	if !v.Form.Has("confirm_password") {
		return true, s.askPassword(w, r, v, http.StatusOK, "")
	}
	err = s.Directory.Confirm(r.Context(), v.Session, v.Form.Get("confirm_password"), s.limitedAddress(r))
	if errors.Is(err, account.ErrCredentials) {
		return true, s.askPassword(w, r, v, formRefused, "The password is not right.")
	}
	return false, err
}

func (s *site) limitedAddress(r *http.Request) string {
	address := web.Address(r.Context())
	for _, exempt := range s.LimitExempt {
		if exempt.Contains(address.Unmap()) {
			return ""
		}
	}
	if !address.IsValid() {
		return ""
	}
	return address.String()
}
