package pages

import (
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) userPassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showUserPassword(w, r, v, http.StatusOK, nil)
}

func (s *site) userSetPassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "password")
	if err != nil {
		return err
	}
	password, made := chosenPassword(v.Form)
	err = s.Directory.SetPassword(r.Context(), t.ID, password)
	if faults, ok := fieldFaults(err); ok {
		return s.showUserPassword(w, r, v, formRefused, retype(v.Form, faults))
	}
	if err != nil {
		return err
	}
	if !made {
		return s.done(w, r, v.afterUser(t.ID), "user-password")
	}
	return s.show(w, r, templates.AdminUserSecret{
		Admin: s.userFrame(r, v, t, "The password was set"), Path: s.base + v.afterUser(t.ID), Username: t.Username, Password: password, Ended: true,
	})
}

func (s *site) showUserPassword(w http.ResponseWriter, r *http.Request, v *visit, status int, faults []templates.Fault) error {
	t, err := s.target(r, v, "password")
	if err != nil {
		return err
	}
	if err := t.reach(v); err != nil {
		return err
	}
	page := templates.AdminUserPassword{Admin: s.userFrame(r, v, t, "Set password"), UserHead: t.head, Faults: faults}
	page.Credential, page.Password = passwordFields(v.Form, faults)
	s.write(w, r, status, page)
	return nil
}

func (s *site) userBlock(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.setBlocked(w, r, v, account.Block, "user-blocked")
}

func (s *site) userUnblock(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.setBlocked(w, r, v, account.Unblock, "user-unblocked")
}

func (s *site) setBlocked(w http.ResponseWriter, r *http.Request, v *visit, blocking account.Blocking, notice string) error {
	id := pathID(r, "user_id")
	if err := s.Directory.SetBlocked(r.Context(), id, blocking); err != nil {
		return err
	}
	return s.done(w, r, v.afterUser(id), notice)
}

// userDelete asks before a user is deleted, and tells what ends.
func (s *site) userDelete(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "delete")
	if err != nil {
		return err
	}
	if err := t.reach(v); err != nil {
		return err
	}
	page := templates.AdminUserDelete{Admin: s.userFrame(r, v, t, "Delete User"), UserHead: t.head}
	sessions, err := s.Directory.SessionsOf(r.Context(), t.ID)
	if err != nil {
		return err
	}
	list, err := s.appList(r.Context(), t.ID, "")
	if err != nil {
		return err
	}
	page.Ends = templates.Ends{Sessions: len(sessions), Apps: len(list.Apps), Tokens: len(list.Tokens)}
	return s.show(w, r, page)
}

func (s *site) userDeleted(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.Directory.DeleteUser(r.Context(), pathID(r, "user_id")); err != nil {
		return err
	}
	return s.done(w, r, v.afterUser(""), "user-deleted")
}

func (s *site) userEndSessions(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := pathID(r, "user_id")
	if err := s.Directory.EndAll(r.Context(), id); err != nil {
		return err
	}
	return s.done(w, r, v.afterUser(id), "user-ended")
}

func (s *site) userEndSession(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "")
	if err != nil {
		return err
	}
	// Ending one session is asked here whether it may be: account.EndSessionByID serves one's own, too.
	if err := t.reach(v); err != nil {
		return err
	}
	if err := s.Directory.EndSessionByID(r.Context(), t.ID, pathID(r, "session_id")); err != nil {
		return err
	}
	return s.done(w, r, v.afterUser(t.ID), "user-signed-out")
}
