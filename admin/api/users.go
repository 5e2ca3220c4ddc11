package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

const giving = "Nobody can give what he does not hold, or change somebody who may do more than he."

var userExample = map[string]any{"username": "alice", "name": "Alice Example", "email": "alice@example.com", "permissions": []string{"clients:view"}}

func (s *service) userOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/users", id: "list-users", tag: usersTag,
		summary: "List users", text: "Lists all users, by user name unless sort says otherwise.",
	}, s.listUsers)
	withPassword := map[string]any{"password": "correct horse battery staple"}
	for field, value := range userExample {
		withPassword[field] = value
	}
	register(s, operation{
		method: http.MethodPost, path: "/users", id: "create-user", tag: usersTag, status: http.StatusCreated,
		summary: "Make a user", text: "Makes a user who can sign in with the password at once.", also: giving, example: withPassword, problems: []kind{taken},
	}, s.createUser)
	register(s, operation{
		method: http.MethodGet, path: "/users/{user_id}", id: "read-user", tag: usersTag, summary: "Read a user", text: "Shows one user.",
	}, s.readUser)
	register(s, operation{
		method: http.MethodPut, path: "/users/{user_id}", id: "replace-user", tag: usersTag,
		summary: "Replace the settings of a user", text: "Replaces everything that may be written. Read-only fields may be sent back as they are.",
		also: giving, example: userExample, problems: []kind{taken, lastSuperAdmin, conflict},
	}, s.replaceUser)
	register(s, operation{
		method: http.MethodPatch, path: "/users/{user_id}", id: "update-user", tag: usersTag,
		summary: "Change a user", text: "Changes the fields that are named, as JSON Merge Patch says (RFC 7396): null empties a field, a list replaces the whole list.",
		also: giving, example: map[string]any{"email": "alice@example.org", "super_admin": false}, problems: []kind{taken, lastSuperAdmin, conflict},
	}, s.updateUser)
	register(s, operation{
		method: http.MethodDelete, path: "/users/{user_id}", id: "delete-user", tag: usersTag,
		summary: "Delete a user", text: "Deletes a user, whose sessions and tokens end at once. This cannot be undone.", also: giving, problems: []kind{lastSuperAdmin},
	}, s.deleteUser)
}

type (
	listUsersIn struct {
		Q        string `query:"q" maxLength:"255" doc:"Finds users by a part of their user name, name or e-mail address, whatever the case."`
		Username string `query:"username" maxLength:"255" doc:"Finds the one user of this user name, however it is spelled."`
		Sort     string `query:"sort" enum:"username,-username,name,-name,email,-email,created,-created,updated,-updated,status,-status" doc:"The field to sort by, with “-” before it the other way round. Left out: username."`
		Cursor   string `query:"cursor" maxLength:"2048" doc:"next_cursor of the page before, with the same q and sort."`
		Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to show at most."`
	}
	createUserIn struct{ body[NewUser] }
	userIn       struct {
		UserID string `path:"user_id" doc:"The id of the user."`
	}
	readUserIn struct {
		UserID      string `path:"user_id" doc:"The id of the user."`
		IfNoneMatch string `header:"If-None-Match" doc:"The ETag of what the reader has: 304 where it is that still."`
	}
	writeUserIn struct {
		UserID  string `path:"user_id" doc:"The id of the user."`
		IfMatch string `header:"If-Match" doc:"The ETag of what is to be changed: 412 where it is another by now."`
		body[UserSettings]
	}
	deleteUserIn struct {
		UserID  string `path:"user_id" doc:"The id of the user."`
		IfMatch string `header:"If-Match" doc:"The ETag of what is to be deleted: 412 where it is another by now."`
	}
)

// groupNames gives the names of all groups by their ids.
func (s *service) groupNames(ctx context.Context) (map[string]string, error) {
	groups, err := s.Directory.Groups(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, g := range groups {
		names[g.ID] = g.Name
	}
	return names, nil
}

// namedGroups leaves out ids of groups that are gone, which count for nothing, and names the others.
func namedGroups(ids []string, names map[string]string) (left, called []string) {
	left, called = []string{}, []string{}
	for _, id := range ids {
		if name, ok := names[id]; ok {
			left, called = append(left, id), append(called, name)
		}
	}
	return left, called
}

func showUser(u *account.User, names map[string]string) User {
	groups, called := namedGroups(u.Groups, names)
	return User{
		ID: u.ID, Username: u.Username, Name: u.Name, Email: u.Email, Blocked: u.Blocked, SuperAdmin: u.SuperAdmin,
		Groups: groups, GroupNames: called, Permissions: orNone(u.Permissions), Created: u.Created, Updated: u.Updated,
	}
}

func settingsOfUser(u *User) *UserSettings {
	return &UserSettings{
		Username: u.Username, Name: u.Name, Email: u.Email, SuperAdmin: u.SuperAdmin, Groups: u.Groups, Permissions: u.Permissions,
	}
}

func (s *service) listUsers(ctx context.Context, in *listUsersIn) (*many[User], error) {
	names, err := s.groupNames(ctx)
	if err != nil {
		return nil, err
	}
	show := func(u *account.User) User { return showUser(u, names) }
	if in.Username != "" {
		found, err := s.userNamed(ctx, in.Username)
		return listed(ctx, s, pageOf(found, "", show).counted(len(found))), err
	}
	page, err := s.Directory.FindUsers(ctx, account.UserQuery{Search: in.Q, Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return listed(ctx, s, pageOf(page.Users, page.Next, show).counted(page.Total)), nil
}

// userNamed gives the one user of a name, or none.
func (s *service) userNamed(ctx context.Context, username string) ([]*account.User, error) {
	u, err := s.Directory.UserByName(ctx, username)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []*account.User{u}, err
}

func (s *service) createUser(ctx context.Context, in *createUserIn) (*made[User], error) {
	n, err := in.value()
	if err != nil {
		return nil, err
	}
	u, err := s.Directory.CreateUser(ctx, account.NewUser{
		Username: n.Username, Name: n.Name, Email: n.Email, Password: n.Password, SuperAdmin: n.SuperAdmin, Groups: n.Groups, Permissions: n.Permissions,
	})
	if err != nil {
		return nil, err
	}
	answer, err := s.readUser(ctx, &readUserIn{UserID: u.ID})
	if err != nil {
		return nil, err
	}
	return &made[User]{Status: http.StatusCreated, Location: s.base + Path + "/users/" + u.ID, ETag: answer.ETag, Body: answer.Body}, nil
}

func (s *service) readUser(ctx context.Context, in *readUserIn) (*one[User], error) {
	u, version, err := s.loadUser(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" && isFresh(in.IfNoneMatch, etag(version)) {
		return notModified[User](etag(version)), nil
	}
	return shown(u, version), nil
}

func (s *service) loadUser(ctx context.Context, id string) (*User, uint64, error) {
	u, version, err := s.Directory.LoadUser(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	names, err := s.groupNames(ctx)
	if err != nil {
		return nil, 0, err
	}
	answer := showUser(u, names)
	return &answer, version, nil
}

func (s *service) replaceUser(ctx context.Context, in *writeUserIn) (*one[User], error) {
	return s.changeUser(ctx, in, func(now *User) (*UserSettings, error) { return in.replacement(*now) })
}

func (s *service) updateUser(ctx context.Context, in *writeUserIn) (*one[User], error) {
	return s.changeUser(ctx, in, func(now *User) (*UserSettings, error) { return in.patched(settingsOfUser(now), *now) })
}

// changeUser works on one version, and begins again where somebody was faster, unless the caller wanted that version.
func (s *service) changeUser(ctx context.Context, in *writeUserIn, settings func(now *User) (*UserSettings, error)) (*one[User], error) {
	for attempt := range attempts {
		now, version, err := s.loadUser(ctx, in.UserID)
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
		if sameSettings(settingsOfUser(now), next) {
			return shown(now, version), nil
		}
		_, err = s.Directory.UpdateUser(ctx, in.UserID, version, func(u *account.User) error {
			u.Username, u.Name, u.Email, u.SuperAdmin = next.Username, next.Name, next.Email, next.SuperAdmin
			u.Groups, u.Permissions = next.Groups, next.Permissions
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
	return s.readUser(ctx, &readUserIn{UserID: in.UserID})
}

func (s *service) deleteUser(ctx context.Context, in *deleteUserIn) (*nothing, error) {
	if in.IfMatch != "" {
		_, version, err := s.Directory.LoadUser(ctx, in.UserID)
		if err != nil {
			return nil, err
		}
		if _, err := expected(in.IfMatch, version); err != nil {
			return nil, err
		}
	}
	return &nothing{}, s.Directory.DeleteUser(ctx, in.UserID)
}
