package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
)

func (c *command) userBlocking(b account.Blocking) *cobra.Command {
	short, state, result := "Let a blocked user in again", userActive, "may sign in again."
	if b == account.Block {
		short, state, result = "Keep a user out; sessions and tokens end", userBlocked, "is blocked; sessions and tokens have ended."
	}
	return &cobra.Command{
		Use:   string(b) + " USERNAME",
		Short: short,
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				u, err := findUser(ctx, r, args[0])
				if err != nil {
					return err
				}
				if err := r.post(ctx, at("users", u.ID, string(b)), nil, nil); err != nil {
					return userError(u.Username, err)
				}
				return c.printer(cmd).say(fmt.Sprintf("User %s %s", printable(u.Username), result),
					map[string]any{"id": u.ID, "username": u.Username, "state": state})
			})
		},
	}
}
