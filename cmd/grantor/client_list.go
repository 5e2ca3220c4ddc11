package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) clientList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List all clients",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.manage(cmd, standing, func(ctx context.Context, a *app) error { return c.listClients(ctx, cmd, a) })
		},
	}
}

func (c *command) listClients(ctx context.Context, cmd *cobra.Command, a *app) error {
	all := []shownClient{}
	var rows [][]string
	err := a.everyClient(ctx, func(client *oauth.Client) error {
		s := showClient(client)
		all = append(all, s)
		rows = append(rows, []string{s.ClientID, s.ClientName, string(s.TokenEndpointAuthMethod), joined(s.GrantTypes),
			string(s.AccessTokenFormat), string(s.State)})
		return nil
	})
	if err != nil {
		return err
	}
	p := c.printer(cmd)
	if len(all) == 0 && !p.asJSON {
		return p.say("There is no client yet: make one with `grantor client create`.", nil)
	}
	return p.table([]string{"CLIENT ID", "NAME", "AUTHENTICATION", "GRANTS", "TOKENS", "STATE"}, rows, all)
}
