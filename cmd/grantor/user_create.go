package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
)

// rightsFlags are what a user is given.
type rightsFlags struct{ groups, permissions []string }

func addRights(cmd *cobra.Command) *rightsFlags {
	f := &rightsFlags{}
	cmd.Flags().StringArrayVar(&f.groups, "group", nil, "`name` of a group that the user is in; repeatable")
	cmd.Flags().StringArrayVar(&f.permissions, "permission", nil, "`permission` in the administration, such as clients:view; repeatable")
	completeWith(cmd, "permission", permissionNames())
	return f
}

func (c *command) userCreate() *cobra.Command {
	var n api.NewUser
	cmd := &cobra.Command{
		Use:   "create USERNAME",
		Short: "Make a user",
		Long:  "Make a user. The password is asked for on the terminal, or read from the standard input where that is a file or a pipe.",
		Example: `  grantor user create alice --name "Alice Liddell" --email alice@example.com --group operators
  grantor user create root --super-admin --generate
  pass show grantor/bob | grantor user create bob`,
		Args: takes(1),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&n.Name, "name", "", "`text` that people see")
	cmd.Flags().StringVar(&n.Email, "email", "", "e-mail `address`")
	cmd.Flags().BoolVar(&n.SuperAdmin, "super-admin", false, "may do everything")
	rights := addRights(cmd)
	from := addGenerate(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n.Username = args[0]
		n.Permissions = convert[account.Permission](given(rights.permissions))
		return c.work(cmd, creating, func(ctx context.Context, r *remote) error {
			return c.createUser(ctx, cmd, r, n, given(rights.groups), *from)
		})
	}
	return cmd
}

func (c *command) createUser(ctx context.Context, cmd *cobra.Command, r *remote, n api.NewUser, groups []string, from source) error {
	// Before a person types a password twice for nothing. Who may not look finds out from the answer to the real request.
	var refused *refusal
	if _, err := findUser(ctx, r, n.Username); err == nil {
		return fmt.Errorf("there is a user %s already: see `grantor user list`", printable(n.Username))
	} else if errors.As(err, &refused) && refused.Status != 403 {
		return err
	}
	var err error
	if n.Groups, err = groupIDs(ctx, r, groups); err != nil {
		return err
	}
	var shown string
	if n.Password, shown, err = c.newPassword(ctx, from); err != nil {
		return err
	}
	var made api.User
	if err := r.post(ctx, "/users", n, &made); err != nil {
		return userError(n.Username, err)
	}
	return c.printUser(cmd, &made, shown)
}
