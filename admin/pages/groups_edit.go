package pages

import (
	"errors"
	"net/http"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// groupForm is what the form about a group says.
type groupForm struct {
	name, description string
	permissions       account.Permissions
	memberOf          []string
}

func readGroupForm(f form) groupForm {
	return groupForm{f.Get("name"), f.Get("description"), asPermissions(f.All("permissions")), f.All("member_of")}
}

func (s *site) groupNew(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showGroupNew(w, r, v, http.StatusOK, nil)
}

func (s *site) groupCreate(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := readGroupForm(v.Form)
	g, err := s.Directory.CreateGroup(r.Context(), account.NewGroup{
		Name: f.name, Description: f.description, Permissions: f.permissions, MemberOf: f.memberOf,
	})
	if faults, ok := fieldFaults(err); ok {
		return s.showGroupNew(w, r, v, formRefused, faults)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, v.afterGroup(g.ID), "group-created")
}

func (s *site) showGroupNew(w http.ResponseWriter, r *http.Request, v *visit, status int, faults []templates.Fault) error {
	ranks, err := s.ranks(r.Context())
	if err != nil {
		return err
	}
	page := templates.AdminGroupForm{
		Admin: s.frame(r, v, "groups", "Create Group", templates.Link{Path: groupsPath, Text: "Groups"}),
		Path:  s.base + groupsPath + "/-/new", Back: s.base + v.afterGroup(""), Faults: faults, Submit: "Create Group",
	}
	fillGroupForm(&page, v, ranks, nil, readGroupForm(v.Form))
	s.write(w, r, status, page)
	return nil
}

func (s *site) groupEdit(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.circle(r, v, "edit")
	if err != nil {
		return err
	}
	f := groupForm{c.Name, c.Description, c.Permissions, c.MemberOf}
	return s.showGroupEdit(w, r, v, c, f, http.StatusOK, nil, nil)
}

func (s *site) groupSave(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.circle(r, v, "edit")
	if err != nil {
		return err
	}
	version, err := formVersion(v.Form)
	if err != nil {
		return err
	}
	f := readGroupForm(v.Form)
	_, err = s.Directory.UpdateGroup(r.Context(), c.ID, version, func(g *account.Group) error {
		g.Name, g.Description, g.Permissions, g.MemberOf = f.name, f.description, f.permissions, f.memberOf
		return nil
	})
	if errors.Is(err, store.ErrConflict) {
		return s.showGroupEdit(w, r, v, c, f, formOutdated, nil, c.differs(f))
	}
	if faults, ok := fieldFaults(err); ok {
		return s.showGroupEdit(w, r, v, c, f, formRefused, faults, nil)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, v.afterGroup(c.ID), "group-saved")
}

// differs compares what is stored now with what was typed.
func (c *circle) differs(f groupForm) *templates.Outdated {
	var o templates.Outdated
	note(&o, "Name", c.Name, f.name)
	note(&o, "Description", c.Description, f.description)
	note(&o, "Permissions", titlesOf(c.Permissions), titlesOf(f.permissions))
	note(&o, "Within", namesOf(c.ranks.named(c.MemberOf)), namesOf(c.ranks.named(f.memberOf)))
	return &o
}

func (s *site) showGroupEdit(w http.ResponseWriter, r *http.Request, v *visit, c *circle, f groupForm, status int, faults []templates.Fault, outdated *templates.Outdated) error {
	if err := c.reach(v); err != nil {
		return err
	}
	page := templates.AdminGroupForm{
		Admin: s.groupFrame(r, v, c, "Edit Group"), Path: c.head.Path + "/edit", Back: s.base + v.afterGroup(c.ID), Version: versionText(c.version),
		Faults: faults, Outdated: outdated, Submit: "Save",
	}
	if status == formRefused {
		page.Version = v.Form.Get("version") // what was looked at, not what is there meanwhile
	}
	fillGroupForm(&page, v, c.ranks, c.Group, f)
	s.write(w, r, status, page)
	return nil
}

// fillGroupForm offers what may be chosen. of is nil for a new group; otherwise it cannot become a member of itself, or of
// a group within it.
func fillGroupForm(page *templates.AdminGroupForm, v *visit, ranks ranks, of *account.Group, f groupForm) {
	page.Inputs = []templates.Input{
		{ID: "name", Label: "Name", Value: f.name, Required: true, MaxLength: 255, Autocomplete: "off", Fault: faultOf(page.Faults, "name")},
		{
			ID: "description", Label: "Description", Type: "textarea", Rows: 3, Value: f.description, Optional: true, MaxLength: 1000,
			Hint: "What the group is for.", Fault: faultOf(page.Faults, "description"),
		},
	}
	page.Permissions = permissionChoices(v, f.permissions, ranks.rights(nil, f.memberOf).Permissions, faultOf(page.Faults, "permissions"))
	page.MemberOf = templates.Choices{
		ID: "member_of", Legend: "Member of", Hint: "What these groups may do, members of this group may do as well.", Fault: faultOf(page.Faults, "member_of"),
	}
	below := map[string]bool{}
	if of != nil {
		below = ranks.below(of.ID)
	}
	for _, g := range ranks.inOrder {
		if !below[g.ID] {
			page.MemberOf.Items = append(page.MemberOf.Items, groupChoice(v, ranks, g, "member_of", slices.Contains(f.memberOf, g.ID)))
		}
	}
}
