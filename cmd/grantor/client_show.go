package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (c *command) clientShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show CLIENT_ID",
		Short: "Show what is registered of a client",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				found, err := readClient(ctx, r, args[0])
				if err != nil {
					return err
				}
				return c.printClient(cmd, found, "")
			})
		},
	}
}
