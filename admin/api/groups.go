package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

var groupExample = map[string]any{"name": "Operators", "description": "They run the service.", "permissions": []string{"clients:view", "tokens:view"}}

func (s *service) groupOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/groups", id: "list-groups", tag: groupsTag, summary: "List groups", text: "Lists all groups, by name.",
	}, s.listGroups)
	register(s, operation{
		method: http.MethodPost, path: "/groups", id: "create-group", tag: groupsTag, status: http.StatusCreated,
		summary: "Make a group", text: "Makes a group.", also: giving, example: groupExample, problems: []kind{taken},
	}, s.createGroup)
	register(s, operation{
		method: http.MethodGet, path: "/groups/{group_id}", id: "read-group", tag: groupsTag, summary: "Read a group", text: "Shows one group.",
	}, s.readGroup)
	register(s, operation{
		method: http.MethodPut, path: "/groups/{group_id}", id: "replace-group", tag: groupsTag,
		summary: "Replace the settings of a group", text: "Replaces everything that may be written. Read-only fields may be sent back as they are.",
		also: giving, example: groupExample, problems: []kind{taken, conflict},
	}, s.replaceGroup)
	register(s, operation{
		method: http.MethodPatch, path: "/groups/{group_id}", id: "update-group", tag: groupsTag,
		summary: "Change a group", text: "Changes the fields that are named, as JSON Merge Patch says (RFC 7396): null empties a field, a list replaces the whole list.",
		also: giving, example: map[string]any{"description": "They run the service at night."}, problems: []kind{taken, conflict},
	}, s.updateGroup)
	register(s, operation{
		method: http.MethodDelete, path: "/groups/{group_id}", id: "delete-group", tag: groupsTag,
		summary: "Delete a group", text: "Deletes a group. Its members lose what they held by it alone.", also: giving,
	}, s.deleteGroup)
	register(s, operation{
		method: http.MethodGet, path: "/groups/{group_id}/members", id: "list-members", tag: groupsTag,
		summary: "List the members of a group", text: "Lists the users and groups that are in a group directly.",
	}, s.listMembers)
	register(s, operation{
		method: http.MethodPut, path: "/groups/{group_id}/members/{member_id}", id: "add-member", tag: groupsTag, status: http.StatusNoContent,
		summary: "Put somebody into a group", text: "Puts a user or a group into a group. Who is in it already stays in it.", also: giving,
		problems: []kind{invalid, conflict},
	}, s.addMember)
	register(s, operation{
		method: http.MethodDelete, path: "/groups/{group_id}/members/{member_id}", id: "remove-member", tag: groupsTag,
		summary: "Take somebody out of a group", text: "Takes a user or a group out of a group. Who is not in it stays out.", also: giving,
		problems: []kind{conflict},
	}, s.removeMember)
}

type (
	listGroupsIn struct {
		Q      string `query:"q" maxLength:"255" doc:"Finds groups by a part of their name or description, whatever the case."`
		Name   string `query:"name" maxLength:"255" doc:"Finds the one group of this name, whatever the case."`
		Cursor string `query:"cursor" maxLength:"2048" doc:"next_cursor of the page before, with the same q."`
		Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to show at most."`
	}
	createGroupIn struct{ body[GroupSettings] }
	groupIn       struct {
		GroupID string `path:"group_id" doc:"The id of the group."`
	}
	readGroupIn struct {
		GroupID     string `path:"group_id" doc:"The id of the group."`
		IfNoneMatch string `header:"If-None-Match" doc:"The ETag of what the reader has: 304 where it is that still."`
	}
	writeGroupIn struct {
		GroupID string `path:"group_id" doc:"The id of the group."`
		IfMatch string `header:"If-Match" doc:"The ETag of what is to be changed: 412 where it is another by now."`
		body[GroupSettings]
	}
	deleteGroupIn struct {
		GroupID string `path:"group_id" doc:"The id of the group."`
		IfMatch string `header:"If-Match" doc:"The ETag of what is to be deleted: 412 where it is another by now."`
	}
	memberIn struct {
		GroupID  string `path:"group_id" doc:"The id of the group."`
		MemberID string `path:"member_id" doc:"The id of the user or group that is, or will be, a member."`
	}
)

func showGroup(g *account.Group, names map[string]string) Group {
	memberOf, called := namedGroups(g.MemberOf, names)
	return Group{
		ID: g.ID, Name: g.Name, Description: g.Description, Permissions: orNone(g.Permissions), MemberOf: memberOf, MemberOfNames: called,
		Created: g.Created, Updated: g.Updated,
	}
}

func settingsOfGroup(g *Group) *GroupSettings {
	return &GroupSettings{Name: g.Name, Description: g.Description, Permissions: g.Permissions, MemberOf: g.MemberOf}
}

// groupPlace is where a group stands in the list: by name, then by id. It is the cursor behind which the list goes on.
func groupPlace(g *account.Group) string { return strings.ToLower(g.Name) + "\x00" + g.ID }

func (s *service) listGroups(ctx context.Context, in *listGroupsIn) (*many[Group], error) {
	all, err := s.Directory.Groups(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, g := range all {
		names[g.ID] = g.Name
	}
	found, err := s.foundGroups(ctx, in, slices.Clone(all))
	if err != nil {
		return nil, err
	}
	total, next := len(found), ""
	if in.Cursor != "" {
		after, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		if err != nil {
			return nil, parameterFault("cursor", "This cursor does not belong to this list.")
		}
		found = slices.DeleteFunc(found, func(g *account.Group) bool { return groupPlace(g) <= string(after) })
	}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(groupPlace(found[in.Limit-1])))
	}
	return listed(ctx, s, pageOf(found, next, func(g *account.Group) Group { return showGroup(g, names) }).counted(total)), nil
}

func (s *service) foundGroups(ctx context.Context, in *listGroupsIn, all []*account.Group) ([]*account.Group, error) {
	if in.Name != "" {
		g, err := s.Directory.GroupByName(ctx, in.Name)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return []*account.Group{g}, err
	}
	wanted := strings.ToLower(strings.TrimSpace(in.Q))
	found := slices.DeleteFunc(all, func(g *account.Group) bool {
		return !strings.Contains(strings.ToLower(g.Name), wanted) && !strings.Contains(strings.ToLower(g.Description), wanted)
	})
	slices.SortFunc(found, func(a, b *account.Group) int { return strings.Compare(groupPlace(a), groupPlace(b)) })
	return found, nil
}

func (s *service) createGroup(ctx context.Context, in *createGroupIn) (*made[Group], error) {
	n, err := in.value()
	if err != nil {
		return nil, err
	}
	g, err := s.Directory.CreateGroup(ctx, account.NewGroup{
		Name: n.Name, Description: n.Description, Permissions: n.Permissions, MemberOf: n.MemberOf,
	})
	if err != nil {
		return nil, err
	}
	answer, err := s.readGroup(ctx, &readGroupIn{GroupID: g.ID})
	if err != nil {
		return nil, err
	}
	return &made[Group]{Status: http.StatusCreated, Location: s.base + Path + "/groups/" + g.ID, ETag: answer.ETag, Body: answer.Body}, nil
}

func (s *service) readGroup(ctx context.Context, in *readGroupIn) (*one[Group], error) {
	g, version, err := s.loadGroup(ctx, in.GroupID)
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" && isFresh(in.IfNoneMatch, etag(version)) {
		return notModified[Group](etag(version)), nil
	}
	return shown(g, version), nil
}

func (s *service) loadGroup(ctx context.Context, id string) (*Group, uint64, error) {
	g, version, err := s.Directory.LoadGroup(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	names, err := s.groupNames(ctx)
	if err != nil {
		return nil, 0, err
	}
	answer := showGroup(g, names)
	return &answer, version, nil
}

func (s *service) replaceGroup(ctx context.Context, in *writeGroupIn) (*one[Group], error) {
	return s.changeGroup(ctx, in, func(now *Group) (*GroupSettings, error) { return in.replacement(*now) })
}

func (s *service) updateGroup(ctx context.Context, in *writeGroupIn) (*one[Group], error) {
	return s.changeGroup(ctx, in, func(now *Group) (*GroupSettings, error) { return in.patched(settingsOfGroup(now), *now) })
}

// changeGroup works on one version, and begins again where somebody was faster, unless the caller wanted that version.
func (s *service) changeGroup(ctx context.Context, in *writeGroupIn, settings func(now *Group) (*GroupSettings, error)) (*one[Group], error) {
	for attempt := range attempts {
		now, version, err := s.loadGroup(ctx, in.GroupID)
		if err != nil {
			return nil, err
		}
		expecting, err := expected(in.IfMatch, version)
		if err != nil {
			return nil, err
		}
		next, err := settings(now)
		if err != nil {
			return nil, err
		}
		if sameSettings(settingsOfGroup(now), next) {
			return shown(now, version), nil
		}
		_, err = s.Directory.UpdateGroup(ctx, in.GroupID, version, func(g *account.Group) error {
			g.Name, g.Description, g.Permissions, g.MemberOf = next.Name, next.Description, next.Permissions, next.MemberOf
			return nil
		})
		if errors.Is(err, store.ErrConflict) && expecting == 0 && attempt < attempts-1 {
			continue
		}
		if err != nil {
			return nil, asStale(err, expecting)
		}
		break
	}
	return s.readGroup(ctx, &readGroupIn{GroupID: in.GroupID})
}

func (s *service) deleteGroup(ctx context.Context, in *deleteGroupIn) (*nothing, error) {
	if in.IfMatch != "" {
		_, version, err := s.Directory.LoadGroup(ctx, in.GroupID)
		if err != nil {
			return nil, err
		}
		if _, err := expected(in.IfMatch, version); err != nil {
			return nil, err
		}
	}
	return &nothing{}, s.Directory.DeleteGroup(ctx, in.GroupID)
}

func (s *service) listMembers(ctx context.Context, in *groupIn) (*plain[Members], error) {
	users, groups, err := s.Directory.Members(ctx, in.GroupID)
	if err != nil {
		return nil, err
	}
	answer := Members{Users: []Reference{}, Groups: []Reference{}}
	for _, u := range users {
		answer.Users = append(answer.Users, Reference{u.ID, u.Username})
	}
	for _, g := range groups {
		answer.Groups = append(answer.Groups, Reference{g.ID, g.Name})
	}
	return &plain[Members]{answer}, nil
}

func (s *service) addMember(ctx context.Context, in *memberIn) (*nothing, error) {
	return &nothing{}, s.Directory.AddMember(ctx, in.GroupID, in.MemberID)
}

func (s *service) removeMember(ctx context.Context, in *memberIn) (*nothing, error) {
	return &nothing{}, s.Directory.RemoveMember(ctx, in.GroupID, in.MemberID)
}
