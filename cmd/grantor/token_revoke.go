package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (c *command) tokenRevoke() *cobra.Command {
	var client, user string
	cmd := &cobra.Command{
		Use:   "revoke {TOKEN|- | --client CLIENT_ID | --user USERNAME}",
		Short: "End a token and all that was issued with it, or all of a client or a user",
		Long: "End the authorization that a token belongs to, with all its tokens; or everything that was issued to a client until now; or\n" +
			"everything that a user began until now, sessions in browsers among it. \"-\" reads the token from the standard input.",
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().StringVar(&client, "client", "", "`id` of the client whose tokens all end")
	cmd.Flags().StringVar(&user, "user", "", "`name` of the user whose tokens and sessions all end")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 1 && client == "" && user == "":
			return c.revokeToken(cmd, args[0])
		case len(args) == 0 && client != "" && user == "":
			return c.revokeOfClient(cmd, client)
		case len(args) == 0 && client == "" && user != "":
			return c.revokeOfUser(cmd, user)
		}
		return usagef("name one thing: a token (or - for the standard input), --client CLIENT_ID, or --user USERNAME")
	}
	return cmd
}

func (c *command) revokeToken(cmd *cobra.Command, argument string) error {
	token, err := c.readToken(cmd.Context(), argument)
	if err != nil {
		return err
	}
	return c.manage(cmd, standing, func(ctx context.Context, a *app) error {
		ended, err := a.provider.RevokeToken(ctx, token)
		if err != nil {
			return err
		}
		if ended {
			return c.printer(cmd).say("The token is revoked, and all that was issued with it.", map[string]any{"revoked": true})
		}
		_, why, err := a.provider.Examine(ctx, token)
		if err != nil {
			return err
		}
		return c.printer(cmd).say("There was nothing to revoke: "+why+".", map[string]any{"revoked": false, "reason": why})
	})
}

func (c *command) revokeOfClient(cmd *cobra.Command, id string) error {
	return c.manage(cmd, standing, func(ctx context.Context, a *app) error {
		if err := a.provider.EndClientTokens(ctx, id); err != nil {
			return clientError(id, err)
		}
		return c.printer(cmd).say("All tokens that client "+id+" got until now are revoked.", map[string]any{"revoked": true, "client_id": id})
	})
}

func (c *command) revokeOfUser(cmd *cobra.Command, name string) error {
	return c.manage(cmd, standing, func(ctx context.Context, a *app) error {
		u, err := a.userNamed(ctx, name)
		if err != nil {
			return err
		}
		if err := a.directory.EndAll(ctx, u.ID); err != nil {
			return userError(name, err)
		}
		return c.printer(cmd).say("All tokens and sessions that user "+u.Username+" has begun until now have ended.",
			map[string]any{"revoked": true, "id": u.ID, "username": u.Username})
	})
}
