package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (c *command) clientDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete CLIENT_ID",
		Short: "Delete a client; its tokens end with it",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.manage(cmd, standing, func(ctx context.Context, a *app) error {
				return c.deleteClient(ctx, cmd, a, args[0], consent(yes))
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (c *command) deleteClient(ctx context.Context, cmd *cobra.Command, a *app, id string, given consent) error {
	found, err := a.provider.Client(ctx, id)
	if err != nil {
		return clientError(id, err)
	}
	question := fmt.Sprintf("Delete client %s (%s) for good, and end all its tokens?", id, printable(found.Name()))
	if err := c.confirm(ctx, given, question); err != nil {
		return err
	}
	if err := a.provider.DeleteClient(ctx, id); err != nil {
		return clientError(id, err)
	}
	return c.printer(cmd).say(fmt.Sprintf("Client %s is deleted.", id), map[string]any{"client_id": id, "deleted": true})
}
