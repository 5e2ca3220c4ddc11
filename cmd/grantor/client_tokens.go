package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) clientAuthorizations() *cobra.Command {
	return &cobra.Command{
		Use:   "authorizations CLIENT_ID",
		Short: "List what users have allowed a client and still stands",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				live, err := all[api.Authorization](ctx, r, at("clients", args[0], "authorizations"), nil)
				if err != nil {
					return clientError(args[0], err)
				}
				var rows [][]string
				for _, a := range live {
					rows = append(rows, []string{firstOf(a.Username, a.UserID), shortened(a.Scope, 28), shownMinute(a.Created), shownMinute(a.LastUsed), a.ID})
				}
				p := c.printer(cmd)
				if len(live) == 0 && !p.asJSON {
					return p.say(fmt.Sprintf("No user has allowed client %s anything that still stands.", printable(args[0])), nil)
				}
				return p.table([]string{"USER", "SCOPE", "ALLOWED", "LAST USED", "ID"}, rows, live)
			})
		},
	}
}

func (c *command) clientRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke CLIENT_ID",
		Short: "End all tokens that a client got until now",
		Long: "End everything that was issued to a client until now, the tokens that it got for itself among it. The client goes on working:\n" +
			"users are asked again where they must be. `grantor token revoke` ends a part of it.",
		Args: takes(1),
	}
	yes := addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.revokeClient(ctx, cmd, r, args[0], *yes) })
	}
	return cmd
}

func (c *command) revokeClient(ctx context.Context, cmd *cobra.Command, r *remote, id string, given consent) error {
	var live api.LiveTokens
	if err := r.get(ctx, at("clients", id, "tokens"), &live); err != nil {
		return clientError(id, err)
	}
	count := fmt.Sprint(live.Authorizations)
	if live.More {
		count = "more than " + count
	}
	question := fmt.Sprintf("End all tokens of client %s, of which users have allowed %s and it got %d for itself?", printable(id), count, live.Machine)
	if err := c.confirm(ctx, given, question); err != nil {
		return err
	}
	var ended api.Revoked
	if err := r.delete(ctx, at("clients", id, "authorizations"), &ended); err != nil {
		return clientError(id, err)
	}
	return c.printer(cmd).say("All tokens that client "+printable(id)+" got until now are revoked.",
		map[string]any{"revoked": true, "client_id": id, "ended": ended.Ended})
}
