package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
)

func (c *command) userList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List all users",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.manage(cmd, standing, func(ctx context.Context, a *app) error { return c.listUsers(ctx, cmd, a) })
		},
	}
}

func (c *command) listUsers(ctx context.Context, cmd *cobra.Command, a *app) error {
	all := []shownUser{}
	var rows [][]string
	err := a.everyUser(ctx, func(u *account.User) error {
		s := showUser(u)
		all = append(all, s)
		rows = append(rows, []string{s.Username, s.Name, s.Email, s.role(), string(s.State), shownTime(s.Created), s.ID})
		return nil
	})
	if err != nil {
		return err
	}
	p := c.printer(cmd)
	if len(all) == 0 && !p.asJSON {
		return p.say("There is no user yet: make one with `grantor user create`.", nil)
	}
	return p.table([]string{"USERNAME", "NAME", "E-MAIL", "ROLE", "STATE", "CREATED", "ID"}, rows, all)
}
