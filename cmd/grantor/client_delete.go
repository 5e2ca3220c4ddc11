package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (c *command) clientDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete CLIENT_ID",
		Short: "Delete a client; its tokens end with it",
		Args:  takes(1),
	}
	yes := addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			return c.deleteClient(ctx, cmd, r, args[0], *yes)
		})
	}
	return cmd
}

func (c *command) deleteClient(ctx context.Context, cmd *cobra.Command, r *remote, id string, given consent) error {
	found, err := readClient(ctx, r, id)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete client %s for good, and end all its tokens?", named(id, found.ClientName))
	if err := c.confirm(ctx, given, question); err != nil {
		return err
	}
	if err := r.delete(ctx, at("clients", id), nil); err != nil {
		return clientError(id, err)
	}
	return c.printer(cmd).say(fmt.Sprintf("Client %s is deleted.", id), map[string]any{"client_id": id, "deleted": true})
}

// named gives an id with the name behind it, where there is one.
func named(id, name string) string {
	if name == "" {
		return printable(id)
	}
	return printable(id) + " (" + printable(name) + ")"
}

// addYes gives a command that cannot be undone its flag.
func addYes(cmd *cobra.Command) *consent {
	yes := new(consent)
	cmd.Flags().BoolVarP((*bool)(yes), "yes", "y", false, "do not ask")
	return yes
}
