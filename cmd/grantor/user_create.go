package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func (c *command) userCreate() *cobra.Command {
	var n account.NewUser
	cmd := &cobra.Command{
		Use:   "create USERNAME",
		Short: "Make a user",
		Long:  "Make a user. The password is asked for on the terminal, or read from the standard input where that is a file or a pipe.",
		Example: `  grantor user create alice --name "Alice Liddell" --email alice@example.com
  grantor user create root --super-admin --generate
  pass show grantor/bob | grantor user create bob`,
		Args: takes(1),
	}
	cmd.Flags().StringVar(&n.Name, "name", "", "`text` that people see")
	cmd.Flags().StringVar(&n.Email, "email", "", "e-mail `address`")
	cmd.Flags().BoolVar(&n.SuperAdmin, "super-admin", false, "may do everything")
	from := addGenerate(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n.Username = args[0]
		return c.manage(cmd, creating, func(ctx context.Context, a *app) error { return c.createUser(ctx, cmd, a, n, *from) })
	}
	return cmd
}

func (c *command) createUser(ctx context.Context, cmd *cobra.Command, a *app, n account.NewUser, from source) error {
	// Before a person types a password twice for nothing.
	if _, err := a.directory.UserByName(ctx, n.Username); err == nil {
		return fmt.Errorf("there is a user %s already: see `grantor user list`", printable(n.Username))
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var shown string
	var err error
	if n.Password, shown, err = c.newPassword(ctx, from); err != nil {
		return err
	}
	made, err := a.directory.CreateUser(ctx, n)
	if err != nil {
		return userError(n.Username, err)
	}
	return c.printUser(cmd, made, shown)
}
