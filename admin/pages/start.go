package pages

import (
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

func startPages() handlers {
	return handlers{"GET /admin": (*site).start}
}

// start opens the auth clients, which most people come for, or else the first page that the person may see.
func (s *site) start(w http.ResponseWriter, r *http.Request, v *visit) error {
	if v.may(account.ViewClients) {
		s.send(w, r, "/admin/auth-clients")
		return nil
	}
	if items := menu(v.Rights); len(items) > 0 {
		s.send(w, r, items[0].Path)
		return nil
	}
	for _, path := range []string{clientsPath + "/-/new", apisPath + "/-/new", "/admin/users/-/new", "/admin/groups/-/new"} {
		if v.mayUse(http.MethodGet, path) {
			s.send(w, r, path)
			return nil
		}
	}
	return &account.ForbiddenError{} // permissions to change things without one to see them
}

// askPassword shows the question for the password, with the form that waits for it.
func (s *site) askPassword(w http.ResponseWriter, r *http.Request, v *visit, status int, fault string) error {
	page := templates.AdminConfirm{
		Admin: s.frame(r, v, "", "Please confirm that it is you"), Action: r.URL.EscapedPath()[len(s.base):], Fault: fault,
	}
	for name, values := range v.Form {
		if name == "form_token" || isPassword(name) {
			continue
		}
		for _, value := range values {
			page.Fields = append(page.Fields, templates.Field{Name: name, Value: value})
		}
	}
	s.write(w, r, status, page)
	return nil
}
