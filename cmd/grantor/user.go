package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func (c *command) user() *cobra.Command {
	return group("user", "Make and manage users",
		c.userCreate(), c.userList(), c.userSetPassword(), c.userBlocking(account.Block), c.userBlocking(account.Unblock))
}

// shownUser is a user as it is printed.
type shownUser struct {
	ID         string    `json:"id"`
	Username   string    `json:"username"`
	Password   string    `json:"password,omitempty"` // only if it was just made
	Name       string    `json:"name"`
	Email      string    `json:"email"`
	State      userState `json:"state"`
	SuperAdmin bool      `json:"super_admin"`
	Created    time.Time `json:"created"`
	Updated    time.Time `json:"updated"`
}

type userState string

const (
	userActive  userState = "active"
	userBlocked userState = "blocked"
)

func showUser(u *account.User) shownUser {
	state := userActive
	if u.Blocked {
		state = userBlocked
	}
	return shownUser{
		ID: u.ID, Username: u.Username, Name: u.Name, Email: u.Email, State: state, SuperAdmin: u.SuperAdmin,
		Created: u.Created, Updated: u.Updated,
	}
}

// role is the word for what a user may do here.
func (s shownUser) role() string {
	if s.SuperAdmin {
		return "super admin"
	}
	return "user"
}

// printUser shows a user, with the password that was just made.
func (c *command) printUser(cmd *cobra.Command, u *account.User, password string) error {
	s := showUser(u)
	s.Password = password
	rows := [][]string{{"username", s.Username}}
	if password != "" {
		rows = append(rows, []string{"password", password})
	}
	rows = append(rows, [][]string{{"id", s.ID}, {"name", s.Name}, {"email", s.Email}, {"role", s.role()},
		{"state", string(s.State)}, {"created", shownTime(s.Created)}}...)
	p := c.printer(cmd)
	if err := p.record(rows, s); err != nil {
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

// userNamed finds a user by name or by id.
func (a *app) userNamed(ctx context.Context, name string) (*account.User, error) {
	u, err := a.directory.UserByName(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		u, err = a.directory.User(ctx, name)
	}
	return u, userError(name, err)
}

// userError says of a failure that concerns one user what to do about it.
func userError(name string, err error) error {
	var faults *account.FieldErrors
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("no user %s: see `grantor user list`", printable(name))
	case errors.Is(err, account.ErrLastSuperAdmin):
		return fmt.Errorf("%s is the last active super admin: make another one first with `grantor user create NAME --super-admin`", printable(name))
	case errors.As(err, &faults):
		return userFaults(faults)
	}
	return err
}

// userFaults lists the faults of a user one a line, by what a person wrote.
func userFaults(faults *account.FieldErrors) error {
	written := map[string]string{"username": "USERNAME", "name": "--name", "email": "--email", "password": "password"}
	var b strings.Builder
	b.WriteString("the user has faults:")
	for _, f := range faults.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", written[f.Field], f.Message)
	}
	return errors.New(b.String())
}

// everyUser visits all users, page by page.
func (a *app) everyUser(ctx context.Context, visit func(*account.User) error) error {
	for cursor := ""; ; {
		page, next, err := a.directory.Users(ctx, cursor, pageSize)
		if err != nil {
			return err
		}
		for _, u := range page {
			if err := visit(u); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}
