package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) userList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all users",
		Args:  takes(0),
	}
	asked := addListing(cmd, "user names, names or e-mail addresses", "username", "name", "email", "created", "updated", "status")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.listUsers(ctx, cmd, r, asked) })
	}
	return cmd
}

func (c *command) listUsers(ctx context.Context, cmd *cobra.Command, r *remote, asked *listing) error {
	users, err := all[api.User](ctx, r, "/users", asked.query())
	if err != nil {
		return listError(err)
	}
	shown := []shownUser{}
	var rows [][]string
	for i := range users {
		s := showUser(&users[i])
		shown = append(shown, s)
		rows = append(rows, []string{s.Username, shortened(s.Name, 20), shortened(s.Email, 26), s.role(), string(s.State)})
	}
	p := c.printer(cmd)
	if len(shown) == 0 && !p.asJSON {
		return p.say(nothingFound("user", asked.search), nil)
	}
	return p.table([]string{"USERNAME", "NAME", "E-MAIL", "ROLE", "STATE"}, rows, shown)
}

func (c *command) userShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show USERNAME",
		Short: "Show a user",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				u, err := findUser(ctx, r, args[0])
				if err != nil {
					return err
				}
				return c.printUser(cmd, u, "")
			})
		},
	}
}
