package pages

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// groupAdd puts a user, by name, or a group into a group.
func (s *site) groupAdd(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := pathID(r, "group_id")
	if _, _, err := s.Directory.LoadGroup(r.Context(), id); err != nil {
		return err
	}
	field, member := "group", v.Form.Get("group")
	if v.Form.Has("username") {
		field = "username"
		u, err := s.Directory.UserByName(r.Context(), v.Form.Get("username"))
		if errors.Is(err, store.ErrNotFound) {
			return s.refuseMember(w, r, v, field, "There is no user of this name.")
		}
		if err != nil {
			return err
		}
		member = u.ID
	}
	err := s.Directory.AddMember(r.Context(), id, member)
	var faults *account.FieldErrors
	switch {
	case errors.As(err, &faults):
		return s.refuseMember(w, r, v, field, faults.Fields[0].Message)
	case errors.Is(err, store.ErrNotFound):
		return s.refuseMember(w, r, v, field, "This is gone. Please choose another one.")
	case err != nil:
		return err
	}
	return s.done(w, r, v.afterGroup(id), "group-added")
}

// refuseMember shows the group again, to who may see it.
func (s *site) refuseMember(w http.ResponseWriter, r *http.Request, v *visit, field, fault string) error {
	if !v.may(account.ViewGroups) {
		s.write(w, r, formRefused, templates.AdminMessage{Admin: s.frame(r, v, "groups", "That did not work"), Text: fault})
		return nil
	}
	return s.showGroup(w, r, v, formRefused, []templates.Fault{{Field: field, Message: fault}})
}

func (s *site) groupRemove(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := pathID(r, "group_id")
	if err := s.Directory.RemoveMember(r.Context(), id, pathID(r, "member_id")); err != nil {
		return err
	}
	return s.done(w, r, v.afterGroup(id), "group-removed")
}

// groupDelete asks before a group is deleted, and tells what its members lose.
func (s *site) groupDelete(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.circle(r, v, "delete")
	if err != nil {
		return err
	}
	if err := c.reach(v); err != nil {
		return err
	}
	users, groups, err := s.Directory.Members(r.Context(), c.ID)
	if err != nil {
		return err
	}
	return s.show(w, r, templates.AdminGroupDelete{
		Admin: s.groupFrame(r, v, c, "Delete Group"), GroupHead: c.head, Users: len(users), Groups: len(groups),
		Loses: s.explained(v, c.ranks.grounds(c.Permissions, c.MemberOf)),
	})
}

func (s *site) groupDeleted(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.Directory.DeleteGroup(r.Context(), pathID(r, "group_id")); err != nil {
		return err
	}
	return s.done(w, r, v.afterGroup(""), "group-deleted")
}
