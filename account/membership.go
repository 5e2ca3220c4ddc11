package account

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/store"
)

// Bounds of groups: each that a user is in, directly or by way of others, is read at every request in the administration.
const (
	maxMemberships = 100 // directly
	maxReach       = 200 // in all; changes that race may go a little beyond it
)

// errAlready ends a change that would change nothing.
var errAlready = errors.New("it is so already")

// AddMember puts a user or a group into a group. It is no error where the member is in it. ErrNotFound where one of them
// is gone, *FieldErrors for a group that would be within itself, *ForbiddenError.
func (d *Directory) AddMember(ctx context.Context, groupID, memberID string) error {
	return d.changeMembership(ctx, groupID, memberID, func(ids []string) ([]string, error) {
		if slices.Contains(ids, groupID) {
			return nil, errAlready
		}
		return append(ids, groupID), nil
	})
}

// RemoveMember takes a user or a group out of a group. It is no error where the member is not in it. ErrNotFound,
// *ForbiddenError.
func (d *Directory) RemoveMember(ctx context.Context, groupID, memberID string) error {
	return d.changeMembership(ctx, groupID, memberID, func(ids []string) ([]string, error) {
		at := slices.Index(ids, groupID)
		if at < 0 {
			return nil, errAlready
		}
		return slices.Delete(ids, at, at+1), nil
	})
}

func (d *Directory) changeMembership(ctx context.Context, groupID, memberID string, alter func([]string) ([]string, error)) error {
	if _, err := d.loadGroup(ctx, groupID); err != nil {
		return err
	}
	var err error
	if isGroupID(memberID) {
		_, err = d.UpdateGroup(ctx, memberID, 0, func(g *Group) (err error) {
			g.MemberOf, err = alter(g.MemberOf)
			return err
		})
	} else {
		_, err = d.UpdateUser(ctx, memberID, 0, func(u *User) (err error) {
			u.Groups, err = alter(u.Groups)
			return err
		})
	}
	if errors.Is(err, errAlready) {
		return nil
	}
	return err
}

// checkGroup checks and tidies what was filled in for a group. *FieldErrors.
func (d *Directory) checkGroup(ctx context.Context, was, g *Group) error {
	var faults FieldErrors
	faults.add("name", g.setName(g.Name))
	faults.add("description", g.setDescription(g.Description))
	set, fault := checkPermissions(was.Permissions, g.Permissions)
	g.Permissions = set
	faults.add("permissions", fault)
	ids, fault, err := d.checkMemberships(ctx, was.MemberOf, g.MemberOf)
	if err != nil {
		return err
	}
	g.MemberOf = ids
	if fault == "" && !slices.Equal(ids, was.MemberOf) {
		if fault, err = d.checkRise(ctx, was, g); err != nil {
			return err
		}
	}
	faults.add("member_of", fault)
	return faults.orNil()
}

// checkHeld checks and tidies what was filled in of a user's groups and permissions.
func (d *Directory) checkHeld(ctx context.Context, was, u *User, faults *FieldErrors) error {
	ids, fault, err := d.checkMemberships(ctx, was.Groups, u.Groups)
	if err != nil {
		return err
	}
	u.Groups = ids
	if fault == "" && joins(was.Groups, ids) {
		steps, err := climb(ids, d.stored(ctx))
		if err != nil {
			return fmt.Errorf("read what user %s is in: %w", u.ID, err)
		}
		fault = reachFault(steps)
	}
	faults.add("groups", fault)
	set, fault := checkPermissions(was.Permissions, u.Permissions)
	u.Permissions = set
	faults.add("permissions", fault)
	return nil
}

// checkPermissions tidies a set. One that nobody knows is a fault, unless it was there before: then it is dropped.
func checkPermissions(was, will []Permission) (set Permissions, fault string) {
	set, unknown := TidyPermissions(will)
	for _, p := range unknown {
		if !slices.Contains(was, p) {
			return set, fmt.Sprintf("There is no permission %q.", shown(string(p), 64))
		}
	}
	return set, ""
}

// checkMemberships sorts the ids of groups. One that there is no group of is a fault, unless it was there before: then
// the group was deleted, and the id is dropped.
func (d *Directory) checkMemberships(ctx context.Context, was, will []string) (ids []string, fault string, err error) {
	if slices.Equal(was, will) {
		return will, "", nil
	}
	for _, id := range sortedIDs(will) {
		_, err := d.loadGroup(ctx, id)
		switch {
		case err == nil:
			ids = append(ids, id)
		case !errors.Is(err, store.ErrNotFound):
			return nil, "", err
		case !slices.Contains(was, id):
			fault = "One of these groups does not exist any more."
		}
		if len(ids) > maxMemberships {
			return nil, fmt.Sprintf("These are too many: at most %d groups can be chosen.", maxMemberships), nil
		}
	}
	return ids, fault, nil
}

// checkRise tells in words why a group cannot be in the groups that it is to be in: they contain it, or somebody would be
// in too many.
func (d *Directory) checkRise(ctx context.Context, was, g *Group) (fault string, err error) {
	steps, err := climb(g.MemberOf, d.stored(ctx))
	if err != nil {
		return "", fmt.Errorf("read what group %s is in: %w", g.ID, err)
	}
	for _, s := range steps {
		if s.group.ID != g.ID {
			continue
		}
		if s.below == nil {
			return "A group cannot be a member of itself.", nil
		}
		return fmt.Sprintf("The group %s is itself in this group, directly or by way of others. Groups cannot contain each other.",
			s.way()[0].Name), nil
	}
	if fault := reachFault(steps); fault != "" || !joins(was.MemberOf, g.MemberOf) {
		return fault, nil
	}
	return d.checkReachBelow(ctx, g)
}

// checkReachBelow tells in words whether a member of a group would be in too many, as far as this node knows.
func (d *Directory) checkReachBelow(ctx context.Context, g *Group) (fault string, err error) {
	groups, err := d.everyGroup(ctx)
	if err != nil {
		return "", err
	}
	users, err := d.everyUser(ctx)
	if err != nil {
		return "", err
	}
	members := make([][]string, 0, len(groups)+len(users))
	for _, other := range groups {
		members = append(members, other.MemberOf)
	}
	for _, u := range users {
		members = append(members, u.Groups)
	}
	will := lookupIn(groups).instead(g.ID, g)
	for _, ids := range members {
		steps, err := climb(ids, will)
		if err != nil {
			return "", err
		}
		through := slices.ContainsFunc(steps, func(s *step) bool { return s.group.ID == g.ID })
		if fault := reachFault(steps); through && fault != "" {
			return fault, nil
		}
	}
	return "", nil
}

func reachFault(steps []*step) (fault string) {
	if len(steps) > maxReach {
		return fmt.Sprintf("These are too many: nobody can be in more than %d groups, directly and by way of others.", maxReach)
	}
	return ""
}

// joins tells whether there is a group among will that was not there before.
func joins(was, will []string) bool {
	return slices.ContainsFunc(will, func(id string) bool { return !slices.Contains(was, id) })
}

// sortedIDs gives each id once.
func sortedIDs(ids []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}

// recordMemberships notes in the history of groups that a member came or went. member is an object of events, and about
// says in words who it is.
func (d *Directory) recordMemberships(ctx context.Context, member string, about map[string]string, before, after []string) error {
	note := func(action string, ids, others []string) error {
		for _, id := range ids {
			if slices.Contains(others, id) {
				continue
			}
			e := Event{Action: action, Object: "group:" + id, Detail: maps.Clone(about)}
			e.Detail["member"] = member
			if err := d.Audit.Record(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
	if err := note("group.member_added", after, before); err != nil {
		return err
	}
	return note("group.member_removed", before, after)
}

// isID tells whether an id has the form of those with a prefix: no user's id is a group's.
func isID(id, prefix string) bool {
	digits, ok := strings.CutPrefix(id, prefix)
	return ok && len(digits) == 32 && strings.Trim(digits, "0123456789abcdef") == ""
}
