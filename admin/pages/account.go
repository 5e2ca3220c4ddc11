package pages

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// These pages are for every user, and about the user alone: whatever they do, they do for the user of the session, never
// for one that a request names.
func accountPages() handlers {
	return handlers{
		"GET /account":                                   (*site).accountStart,
		"GET /account/profile":                           (*site).accountProfile,
		"POST /account/profile":                          (*site).accountSaveProfile,
		"GET /account/password":                          (*site).accountPassword,
		"POST /account/password":                         (*site).accountSetPassword,
		"GET /account/sessions":                          (*site).accountSessions,
		"POST /account/sessions/end":                     (*site).accountEndOthers,
		"POST /account/sessions/{session_id}/end":        (*site).accountEndSession,
		"GET /account/apps":                              (*site).accountApps,
		"POST /account/apps/{client_id}/revoke":          (*site).accountWithdraw,
		"GET /account/tokens":                            (*site).accountTokens,
		"GET /account/tokens/new":                        (*site).accountTokenNew,
		"POST /account/tokens/new":                       (*site).accountTokenCreate,
		"POST /account/tokens/{authorization_id}/revoke": (*site).accountRevokeToken,
	}
}

// accountNotices are what these pages tell after an act.
var accountNotices = map[string]string{
	"profile-saved":    "Your profile was saved.",
	"password-changed": "Your password was changed. You were signed out everywhere else, and applications and personal access tokens lost their access.",
	"session-ended":    "You were signed out there.",
	"sessions-ended":   "You were signed out everywhere else.",
	"app-withdrawn":    "What you had allowed was withdrawn.",
	"token-revoked":    "The token was revoked. It is no longer good.",
}

func (s *site) accountStart(w http.ResponseWriter, r *http.Request, _ *visit) error {
	s.send(w, r, "/account/profile")
	return nil
}

func (s *site) accountProfile(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showProfile(w, r, v, v.User.Name, v.User.Email, http.StatusOK, nil)
}

func (s *site) accountSaveProfile(w http.ResponseWriter, r *http.Request, v *visit) error {
	name, email := v.Form.Get("name"), v.Form.Get("email")
	_, err := s.Directory.UpdateProfile(r.Context(), v.User.ID, name, email)
	if faults, ok := fieldFaults(err); ok {
		return s.showProfile(w, r, v, name, email, formRefused, faults)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/account/profile", "profile-saved")
}

func (s *site) showProfile(w http.ResponseWriter, r *http.Request, v *visit, name, email string, status int, faults []templates.Fault) error {
	ranks, err := s.ranks(r.Context())
	if err != nil {
		return err
	}
	grounds, err := s.Directory.Explain(r.Context(), v.User.ID)
	if err != nil {
		return err
	}
	s.write(w, r, status, templates.AccountProfile{
		Admin: s.frame(r, v, "profile", "Profile"), Username: v.User.Username, Created: v.User.Created, Faults: faults,
		Groups:    s.groupMentions(v, ranks.named(v.User.Groups)),
		Effective: templates.Effective{Everything: v.User.SuperAdmin, Grounds: s.explained(v, grounds)},
		Inputs: []templates.Input{
			{
				ID: "name", Label: "Name", Value: name, Optional: true, MaxLength: 200, Autocomplete: "name", Fault: faultOf(faults, "name"),
				Hint: "How applications address you, where you allow them to know it.",
			},
			{ID: "email", Label: "E-mail", Type: "email", Value: email, Optional: true, MaxLength: 254, Autocomplete: "email", Fault: faultOf(faults, "email")},
		},
	})
	return nil
}

func (s *site) accountPassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showPassword(w, r, v, http.StatusOK, nil)
}

func (s *site) accountSetPassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	err := s.Directory.ChangeOwnPassword(r.Context(), v.Session, v.Form.Get("old_password"), v.Form.Get("password"), s.limitedAddress(r))
	switch faults, ok := fieldFaults(err); {
	case ok:
		return s.showPassword(w, r, v, formRefused, faults)
	case errors.Is(err, account.ErrCredentials):
		return s.showPassword(w, r, v, formRefused, []templates.Fault{{Field: "old_password", Message: "This is not your password."}})
	case errors.Is(err, store.ErrNotFound): // the session ended while the password was proved
		s.toLogin(w, r)
		return nil
	case err != nil:
		return err
	}
	return s.done(w, r, "/account/password", "password-changed")
}

func (s *site) showPassword(w http.ResponseWriter, r *http.Request, v *visit, status int, faults []templates.Fault) error {
	hint := "At least 8 characters."
	if v.User.SuperAdmin {
		hint = "At least 15 characters, because you are a super admin."
	}
	s.write(w, r, status, templates.AccountPassword{
		Admin: s.frame(r, v, "password", "Password"), Username: v.User.Username, Faults: faults,
		Inputs: []templates.Input{
			{
				ID: "old_password", Label: "Old password", Type: "password", Autocomplete: "current-password", Required: true,
				Fault: faultOf(faults, "old_password"),
			},
			{
				ID: "password", Label: "New password", Type: "password", Autocomplete: "new-password", Required: true, Hint: hint,
				Fault: faultOf(faults, "password"),
			},
		},
	})
	return nil
}

func (s *site) accountSessions(w http.ResponseWriter, r *http.Request, v *visit) error {
	list, err := s.sessionList(r.Context(), v, v.User.ID)
	if err != nil {
		return err
	}
	list.SessionsPath, list.MayEnd = s.base+"/account/sessions", true
	return s.show(w, r, templates.AccountSessions{Admin: s.frame(r, v, "sessions", "Sessions"), SessionList: list})
}

func (s *site) accountEndOthers(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.Directory.EndOtherSessions(r.Context(), v.Session); err != nil {
		return err
	}
	return s.done(w, r, "/account/sessions", "sessions-ended")
}

func (s *site) accountEndSession(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.Directory.EndSessionByID(r.Context(), v.User.ID, pathID(r, "session_id")); err != nil {
		return err
	}
	return s.done(w, r, "/account/sessions", "session-ended")
}

func (s *site) accountApps(w http.ResponseWriter, r *http.Request, v *visit) error {
	page := templates.AccountApps{Admin: s.frame(r, v, "apps", "Connected apps")}
	var err error
	if page.AppList, err = s.appList(r.Context(), v.User.ID, ""); err != nil {
		return err
	}
	page.AppsPath, page.MayRevoke = s.base+"/account/apps", true
	return s.show(w, r, page)
}

func (s *site) accountWithdraw(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.Provider.WithdrawApp(r.Context(), v.User.ID, pathID(r, "client_id")); err != nil {
		return err
	}
	return s.done(w, r, "/account/apps", "app-withdrawn")
}
