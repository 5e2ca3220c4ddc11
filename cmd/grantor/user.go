package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) user() *cobra.Command {
	return atServer(group("user", "Make and manage users",
		c.userList(), c.userShow(), c.userCreate(), c.userEdit(), c.userPassword(),
		c.userBlocking(account.Block), c.userBlocking(account.Unblock), c.userDelete(),
		c.userPermissions(), c.userSessions(), c.userEndSessions()))
}

// shownUser is a user as it is printed.
type shownUser struct {
	api.User
	Password string    `json:"password,omitempty"` // only if it was just made
	State    userState `json:"state"`
}

type userState string

const (
	userActive  userState = "active"
	userBlocked userState = "blocked"
)

func showUser(u *api.User) shownUser {
	state := userActive
	if u.Blocked {
		state = userBlocked
	}
	return shownUser{User: *u, State: state}
}

// role is the word for what a user may do here.
func (s shownUser) role() string {
	switch {
	case s.SuperAdmin:
		return "super admin"
	case len(s.Permissions)+len(s.Groups) > 0:
		return "staff"
	}
	return "user"
}

func (s shownUser) rows() [][]string {
	rows := [][]string{{"username", s.Username}}
	if s.Password != "" {
		rows = append(rows, []string{"password", s.Password})
	}
	rows = append(rows, [][]string{{"id", s.ID}, {"name", s.Name}, {"email", s.Email}, {"role", s.role()}, {"state", string(s.State)}}...)
	rows = append(rows, listRows("groups", s.GroupNames)...)
	rows = append(rows, listRows("permissions", s.Permissions)...)
	return append(rows, []string{"created", shownTime(s.Created)}, []string{"updated", shownTime(s.Updated)})
}

// printUser shows a user, with the password that was just made.
func (c *command) printUser(cmd *cobra.Command, u *api.User, password string) error {
	s := showUser(u)
	s.Password = password
	p := c.printer(cmd)
	if err := p.record(s.rows(), s); err != nil {
		return err
	}
	if password == "" {
		return nil
	}
	return p.say("\nKeep the password now: it cannot be shown again.", nil)
}

// newPassword reads a password, or makes one to be shown once.
func (c *command) newPassword(ctx context.Context, s source) (password, shown string, err error) {
	if s == generated {
		password = rand.Text()
		return password, password, nil
	}
	password, err = c.readPassword(ctx)
	return password, "", err
}

// source is where a password comes from.
type source bool

const (
	entered   source = false
	generated source = true
)

func addGenerate(cmd *cobra.Command) *source {
	s := new(source)
	cmd.Flags().BoolVar((*bool)(s), "generate", bool(entered), "make a password and show it once, instead of reading one")
	return s
}

// findUser finds a user by name, however it is spelled, or by id.
func findUser(ctx context.Context, r *remote, name string) (*api.User, error) {
	var page api.Page[api.User]
	if err := r.get(ctx, "/users?"+url.Values{"username": {name}}.Encode(), &page); err != nil && !isRefused(err, codeInvalid) {
		return nil, err
	}
	if name != "" && len(page.Items) == 1 {
		return &page.Items[0], nil
	}
	if !strings.HasPrefix(name, "usr_") {
		return nil, noUser(name)
	}
	found := &api.User{}
	if err := r.get(ctx, at("users", name), found); err != nil {
		return nil, userError(name, err)
	}
	return found, nil
}

func noUser(name string) error { return &absentError{"user", name} }

// absentError is a user or group that is not there.
type absentError struct{ kind, name string }

// Error says where to look.
func (e *absentError) Error() string {
	return fmt.Sprintf("no %s %s: see `grantor %[1]s list`", e.kind, printable(e.name))
}

// orAbsent makes nothing of what is not there.
func orAbsent[T any](found *T, err error) (*T, error) {
	var absent *absentError
	if errors.As(err, &absent) {
		return nil, nil
	}
	return found, err
}

// userError says of a failure that concerns one user what to do about it.
func userError(name string, err error) error {
	switch {
	case isRefused(err, codeNotFound):
		return noUser(name)
	case isRefused(err, codeLastSuperAdmin):
		return fmt.Errorf("%s is the last active super admin: make another one first with `grantor user create NAME --super-admin`", printable(name))
	case isRefused(err, codeConflict, codeStale):
		return fmt.Errorf("user %s was changed by someone else at this moment: look at it and try again", printable(name))
	}
	return userWording.faults(err)
}

// userWording names faults of a user by what a person wrote.
var userWording = wording{what: "the user", join: asSentence, also: codeTaken, names: map[string]string{
	"username": "USERNAME", "name": "--name", "email": "--email", "password": "password", "groups": "--group", "permissions": "--permission",
	"super_admin": "--super-admin",
}}
