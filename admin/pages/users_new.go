package pages

import (
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) userNew(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showUserNew(w, r, v, http.StatusOK, nil)
}

func (s *site) userCreate(w http.ResponseWriter, r *http.Request, v *visit) error {
	password, made := chosenPassword(v.Form)
	u, err := s.Directory.CreateUser(r.Context(), account.NewUser{
		Username: v.Form.Get("username"), Name: v.Form.Get("name"), Email: v.Form.Get("email"), Password: password,
		SuperAdmin: v.Form.Has("super_admin"), Groups: v.Form.All("groups"),
	})
	if faults, ok := fieldFaults(err); ok {
		return s.showUserNew(w, r, v, formRefused, retype(v.Form, faults))
	}
	if err != nil {
		return err
	}
	if !made {
		return s.done(w, r, v.afterUser(u.ID), "user-created")
	}
	return s.show(w, r, templates.AdminUserSecret{
		Admin: s.frame(r, v, "users", "The user was created", templates.Link{Path: usersPath, Text: "Users"}),
		Path:  s.base + v.afterUser(u.ID), Username: u.Username, Password: password,
	})
}

func (s *site) showUserNew(w http.ResponseWriter, r *http.Request, v *visit, status int, faults []templates.Fault) error {
	ranks, err := s.ranks(r.Context())
	if err != nil {
		return err
	}
	page := templates.AdminUserNew{
		Admin:  s.frame(r, v, "users", "Create User", templates.Link{Path: usersPath, Text: "Users"}),
		Faults: faults, Inputs: userInputs(v.Form.Get("username"), v.Form.Get("name"), v.Form.Get("email"), faults),
		Groups: groupChoices(v, ranks, v.Form.All("groups"), faultOf(faults, "groups")),
	}
	page.Credential, page.Password = passwordFields(v.Form, faults)
	if v.Rights.SuperAdmin {
		page.SuperAdmin = superAdminChoice(v.Form.Has("super_admin"))
	}
	s.write(w, r, status, page)
	return nil
}

func userInputs(username, name, email string, faults []templates.Fault) []templates.Input {
	return []templates.Input{
		{
			ID: "username", Label: "Username", Value: username, Required: true, MaxLength: 64, Autocomplete: "off", Code: true,
			Hint: "What the user signs in with. Capitals make no difference.", Fault: faultOf(faults, "username"),
		},
		{ID: "name", Label: "Name", Value: name, Optional: true, MaxLength: 200, Autocomplete: "off", Fault: faultOf(faults, "name")},
		{
			ID: "email", Label: "E-mail", Type: "email", Value: email, Optional: true, MaxLength: 254, Autocomplete: "off",
			Fault: faultOf(faults, "email"),
		},
	}
}

func superAdminChoice(checked bool) *templates.Choice {
	return &templates.Choice{
		ID: "super_admin", Name: "super_admin", Value: "yes", Label: "Super admin", Checked: checked,
		Hint: "May do everything in the administration, and make others super admins. The password must then have at least 15 characters.",
	}
}

// passwordFields let a password be typed or made. The names are such that only the password itself counts as one: it is
// left out where the form is kept while the visitor proves who he is.
func passwordFields(f form, faults []templates.Fault) (templates.Choices, templates.Input) {
	typed := f.Get("credential") == "typed"
	choices := templates.Choices{ID: "credential", Legend: "Password", Items: []templates.Choice{
		{
			ID: "credential-generated", Name: "credential", Value: "generated", Label: "Make a strong one", Radio: true, Checked: !typed,
			Hint: "It is shown once, on the next page.",
		},
		{ID: "credential-typed", Name: "credential", Value: "typed", Label: "Use the one typed below", Radio: true, Checked: typed},
	}}
	return choices, templates.Input{
		ID: "password", Label: "Password, if you choose it yourself", Type: "password", Autocomplete: "new-password", Fault: faultOf(faults, "password"),
		Hint: "At least 8 characters; 15 for a super admin.",
	}
}

// chosenPassword gives the password that a form asks for. made says that it was made here and has to be shown.
func chosenPassword(f form) (password string, made bool) {
	if f.Get("credential") == "typed" {
		return f.Get("password"), false
	}
	return strongPassword(), true
}

// strongPassword makes a password of 125 bits that can be read out: lower-case letters and digits in groups of five.
func strongPassword() string {
	text := strings.ToLower(rand.Text())
	var groups []string
	for part := range slices.Chunk([]byte(text)[:25], 5) {
		groups = append(groups, string(part))
	}
	return strings.Join(groups, "-")
}

// retype says why a password has to be typed again where it was not kept while the visitor proved who he is.
func retype(f form, faults []templates.Fault) []templates.Fault {
	if f.Has("confirm_password") && f.Get("credential") == "typed" && !f.Has("password") {
		for i := range faults {
			if faults[i].Field == "password" {
				faults[i].Message = "Please type the new password once more. It was not kept while you gave your own."
			}
		}
	}
	return faults
}

// groupChoices offers the groups. One that gives what the visitor does not hold cannot be chosen, and says why.
func groupChoices(v *visit, ranks ranks, chosen []string, fault string) templates.Choices {
	choices := templates.Choices{ID: "groups", Legend: "Groups", Hint: "Members of a group may do what the group may.", Fault: fault}
	for _, g := range ranks.inOrder {
		choices.Items = append(choices.Items, groupChoice(v, ranks, g, "groups", slices.Contains(chosen, g.ID)))
	}
	return choices
}

func groupChoice(v *visit, ranks ranks, g *account.Group, name string, checked bool) templates.Choice {
	c := templates.Choice{ID: name + "-" + g.ID, Name: name, Value: g.ID, Label: g.Name, Hint: g.Description, Checked: checked}
	var forbidden *account.ForbiddenError
	if errors.As(v.Rights.CheckCovers(ranks.ofGroup(g)), &forbidden) {
		c.Disabled = true
		c.Hint = strings.TrimSpace(c.Hint + " It gives what you do not hold: " + quoted(forbidden.Missing) + ".")
	}
	return c
}

// faultOf gives what is wrong with a field, "" where nothing is.
func faultOf(faults []templates.Fault, field string) string {
	for _, f := range faults {
		if f.Field == field {
			return f.Message
		}
	}
	return ""
}
