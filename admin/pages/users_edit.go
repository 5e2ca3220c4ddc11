package pages

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// userForm is what the form about a user says.
type userForm struct {
	username, name, email string
	superAdmin            bool
}

func (s *site) userEdit(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "edit")
	if err != nil {
		return err
	}
	return s.showUserEdit(w, r, v, t, userForm{t.Username, t.Name, t.Email, t.SuperAdmin}, http.StatusOK, nil, nil)
}

func (s *site) userSave(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "edit")
	if err != nil {
		return err
	}
	typed := userForm{v.Form.Get("username"), v.Form.Get("name"), v.Form.Get("email"), v.Form.Has("super_admin")}
	version, err := formVersion(v.Form)
	if err != nil {
		return err
	}
	_, err = s.Directory.UpdateUser(r.Context(), t.ID, version, func(u *account.User) error {
		u.Username, u.Name, u.Email = typed.username, typed.name, typed.email
		if v.Rights.SuperAdmin { // nobody else was asked
			u.SuperAdmin = typed.superAdmin
		}
		return nil
	})
	if errors.Is(err, store.ErrConflict) {
		return s.showUserEdit(w, r, v, t, typed, formOutdated, nil, t.differs(v, typed))
	}
	if faults, ok := fieldFaults(err); ok {
		return s.showUserEdit(w, r, v, t, typed, formRefused, faults, nil)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, v.afterUser(t.ID), "user-saved")
}

// differs compares what is stored now with what was typed.
func (t *target) differs(v *visit, typed userForm) *templates.Outdated {
	var o templates.Outdated
	note(&o, "Username", t.Username, typed.username)
	note(&o, "Name", t.Name, typed.name)
	note(&o, "E-mail", t.Email, typed.email)
	if v.Rights.SuperAdmin {
		note(&o, "Super admin", yesNo(t.SuperAdmin), yesNo(typed.superAdmin))
	}
	return &o
}

func note(o *templates.Outdated, name, stored, typed string) {
	if stored != typed {
		o.Changes = append(o.Changes, templates.Change{Name: name, Old: stored, New: typed})
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (s *site) showUserEdit(w http.ResponseWriter, r *http.Request, v *visit, t *target, f userForm, status int, faults []templates.Fault, outdated *templates.Outdated) error {
	if err := t.reach(v); err != nil {
		return err
	}
	page := templates.AdminUserEdit{
		Admin: s.userFrame(r, v, t, "Edit User"), UserHead: t.head, Version: versionText(t.version), Faults: faults, Outdated: outdated,
		Inputs: userInputs(f.username, f.name, f.email, faults),
	}
	if status == formRefused {
		page.Version = v.Form.Get("version") // what was looked at, not what is there meanwhile
	}
	if v.Rights.SuperAdmin {
		page.AsSuper = superAdminChoice(f.superAdmin)
	}
	s.write(w, r, status, page)
	return nil
}

// formVersion reads the version of a record that a form was filled from. Without one nothing could be compared.
func formVersion(f form) (uint64, error) {
	version, err := strconv.ParseUint(f.Get("version"), 10, 64)
	if err != nil || version == 0 {
		return 0, errForm
	}
	return version, nil
}

func versionText(version uint64) string { return strconv.FormatUint(version, 10) }
