package pages

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) userPermissions(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "permissions")
	if err != nil {
		return err
	}
	return s.showUserPermissions(w, r, v, t, t.Groups, t.Permissions, http.StatusOK, nil, nil)
}

func (s *site) userPermit(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "permissions")
	if err != nil {
		return err
	}
	version, err := formVersion(v.Form)
	if err != nil {
		return err
	}
	groups, permissions := v.Form.All("groups"), asPermissions(v.Form.All("permissions"))
	_, err = s.Directory.UpdateUser(r.Context(), t.ID, version, func(u *account.User) error {
		u.Groups, u.Permissions = groups, permissions
		return nil
	})
	if errors.Is(err, store.ErrConflict) {
		var o templates.Outdated
		note(&o, "Groups", namesOf(t.ranks.named(t.Groups)), namesOf(t.ranks.named(groups)))
		note(&o, "Permissions", titlesOf(t.Permissions), titlesOf(permissions))
		return s.showUserPermissions(w, r, v, t, groups, permissions, formOutdated, nil, &o)
	}
	if faults, ok := fieldFaults(err); ok {
		return s.showUserPermissions(w, r, v, t, groups, permissions, formRefused, faults, nil)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, v.afterUser(t.ID), "user-permitted")
}

func (s *site) showUserPermissions(w http.ResponseWriter, r *http.Request, v *visit, t *target, groups []string, permissions account.Permissions,
	status int, faults []templates.Fault, outdated *templates.Outdated) error {
	if err := t.reach(v); err != nil {
		return err
	}
	page := templates.AdminUserPermissions{
		Admin: s.userFrame(r, v, t, "Groups and permissions"), UserHead: t.head, Version: versionText(t.version), Faults: faults, Outdated: outdated,
		Groups:      groupChoices(v, t.ranks, groups, faultOf(faults, "groups")),
		Permissions: permissionChoices(v, permissions, t.ranks.rights(nil, t.Groups).Permissions, faultOf(faults, "permissions")),
	}
	if status == formRefused {
		page.Version = v.Form.Get("version")
	}
	var err error
	if page.Effective, err = s.effective(r.Context(), v, t); err != nil {
		return err
	}
	s.write(w, r, status, page)
	return nil
}

// permissionAreas are the parts in which permissions are shown, by what stands before the colon of their names.
var permissionAreas = []struct{ prefix, legend string }{
	{"clients", "Auth Clients"}, {"apis", "APIs"}, {"users", "Users"}, {"groups", "Groups"}, {"tokens", "Tokens"}, {"keys", "Keys"}, {"audit", "Audit log"},
	{"refusals", "Refusals"}, {"store", "Store"},
}

// permissionChoices offers the permissions. What the visitor does not hold cannot be chosen, and says why; what comes by
// way of a group already is marked.
func permissionChoices(v *visit, chosen, byGroup account.Permissions, fault string) []templates.Choices {
	var sets []templates.Choices
	for _, area := range permissionAreas {
		set := templates.Choices{ID: "permissions-" + area.prefix, Legend: area.legend}
		if len(sets) == 0 {
			set.ID, set.Fault = "permissions", fault
		}
		for _, words := range account.AllPermissions() {
			if strings.HasPrefix(string(words.Permission), area.prefix+":") {
				set.Items = append(set.Items, permissionChoice(v, words, chosen, byGroup))
			}
		}
		sets = append(sets, set)
	}
	return sets
}

func permissionChoice(v *visit, words account.PermissionWords, chosen, byGroup account.Permissions) templates.Choice {
	c := templates.Choice{
		ID: "permission-" + strings.ReplaceAll(string(words.Permission), ":", "-"), Name: "permissions", Value: string(words.Permission),
		Label: words.Title, Hint: words.Sentence, Checked: chosen.Contains(words.Permission),
	}
	if byGroup.Contains(words.Permission) {
		c.Mark = "by a group"
	}
	if !v.may(words.Permission) {
		c.Disabled = true
		c.Hint += " You do not hold this permission, so you cannot give it."
	}
	return c
}

func asPermissions(names []string) account.Permissions {
	permissions := make(account.Permissions, len(names))
	for i, name := range names {
		permissions[i] = account.Permission(name)
	}
	return permissions
}

func namesOf(groups []*account.Group) string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	return strings.Join(names, ", ")
}

func titlesOf(permissions account.Permissions) string {
	set, _ := account.TidyPermissions(slices.Clone(permissions))
	titles := make([]string, len(set))
	for i, p := range set {
		titles[i] = p.Title()
	}
	return strings.Join(titles, ", ")
}
