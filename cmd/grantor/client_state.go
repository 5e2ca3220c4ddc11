package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) clientState(verb string, state oauth.ClientState) *cobra.Command {
	short := "Let a client work again"
	if state == oauth.Disabled {
		short = "Refuse a client and its tokens until it is enabled again"
	}
	return &cobra.Command{
		Use:   verb + " CLIENT_ID",
		Short: short,
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				if err := r.post(ctx, at("clients", args[0], verb), nil, nil); err != nil {
					return clientError(args[0], err)
				}
				return c.printer(cmd).say(fmt.Sprintf("Client %s is %s.", args[0], state),
					map[string]any{"client_id": args[0], "state": state})
			})
		},
	}
}
