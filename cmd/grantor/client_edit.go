package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) clientEdit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "edit CLIENT_ID",
		Short: "Change what is registered of a client",
		Long: "Change what is registered of a client. What no flag names stays as it is. A repeatable flag replaces the whole list;\n" +
			"given once with an empty word it empties the list.",
		Example: `  grantor client edit shop --redirect-uri https://shop.example.com/callback --redirect-uri https://shop.example.com/return
  grantor client edit shop --format jwt --lifetime 5m`,
		Args: takes(1),
	}
	flags := addClientFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !flags.changed() {
			return usagef("name what to change: see `grantor client edit --help`")
		}
		given := oauth.Registration{ClientID: args[0]}
		if err := flags.apply(&given); err != nil {
			return err
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			return c.editClient(ctx, cmd, r, &given, flags)
		})
	}
	return cmd
}

func (c *command) editClient(ctx context.Context, cmd *cobra.Command, r *remote, given *oauth.Registration, flags *clientFlags) error {
	changes, err := flags.changes(given)
	if err != nil {
		return err
	}
	var changed api.Client
	if err := r.patch(ctx, at("clients", given.ClientID), changes, &changed); err != nil {
		return clientError(given.ClientID, clientWording(given).faults(err))
	}
	if err := c.printClient(cmd, &changed, ""); err != nil {
		return err
	}
	if err := c.hintAtAPIs(ctx, r, given.Audience); err != nil {
		return err
	}
	if changed.TokenEndpointAuthMethod != oauth.NoSecret && len(changed.Secrets) == 0 {
		fmt.Fprintf(c.err, "\nThe client has no secret yet: make one with `grantor client secret add %s`.\n", printable(given.ClientID))
	}
	return nil
}
