package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
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
		return c.manage(cmd, standing, func(ctx context.Context, a *app) error {
			return c.editClient(ctx, cmd, a, args[0], flags)
		})
	}
	return cmd
}

func (c *command) editClient(ctx context.Context, cmd *cobra.Command, a *app, id string, flags *clientFlags) error {
	found, version, err := a.provider.LoadClient(ctx, id)
	if err != nil {
		return clientError(id, err)
	}
	r := found.Registration
	if err := flags.apply(&r); err != nil {
		return err
	}
	changed, err := a.provider.UpdateClient(ctx, r, version)
	if err != nil {
		return clientError(id, registrationFaults(&r, err))
	}
	if err := c.printClient(cmd, changed, ""); err != nil {
		return err
	}
	if !changed.IsPublic() && len(changed.Secrets) == 0 {
		fmt.Fprintf(c.err, "\nThe client has no secret yet: make one with `grantor client rotate-secret %s`.\n", id)
	}
	return nil
}
