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

// maxMemberships bounds how many groups a user or a group is in directly: each is read at every request.
const maxMemberships = 100

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
	if fault == "" && !slices.Equal(ids, was.MemberOf) {
		if fault, err = d.checkCycle(ctx, g.ID, ids); err != nil {
			return err
		}
	}
	g.MemberOf = ids
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

// checkCycle tells in words whether groups contain the one that is to be put into them.
func (d *Directory) checkCycle(ctx context.Context, id string, memberOf []string) (fault string, err error) {
	steps, err := climb(memberOf, d.stored(ctx))
	if err != nil {
		return "", fmt.Errorf("read what group %s is in: %w", id, err)
	}
	for _, s := range steps {
		if s.group.ID != id {
			continue
		}
		if s.below == nil {
			return "A group cannot be a member of itself.", nil
		}
		return fmt.Sprintf("The group %s is itself in this group, directly or by way of others. Groups cannot contain each other.",
			s.way()[0].Name), nil
	}
	return "", nil
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
