package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) clientCreate() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Register a client, and print its secret once",
		Example: `  grantor client create --client-id shop --name "The shop" --redirect-uri https://shop.example.com/callback --scope "profile orders"
  grantor client create --client-id nightly --grant-type client_credentials --scope reports:write
  grantor client create --client-id app --public --redirect-uri http://127.0.0.1/callback --scope profile
  grantor client create --client-id tv --public --grant-type device_code --grant-type refresh_token --scope profile
  grantor client create --client-id deploy --grant-type client_credentials --permission clients:view --permission clients:edit`,
		Args: takes(0),
	}
	cmd.Flags().StringVar(&id, "client-id", "", "`id` that the client sends (default a random one)")
	flags := addClientFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r := oauth.Registration{ClientID: id}
		if err := flags.apply(&r); err != nil {
			return err
		}
		return c.work(cmd, creating, func(ctx context.Context, at *remote) error {
			var made api.CreatedClient
			if err := at.post(ctx, "/clients", r, &made); err != nil {
				return clientError(id, clientWording(&r).faults(err))
			}
			if err := c.printClient(cmd, &made.Client, made.ClientSecret); err != nil {
				return err
			}
			return c.hintAtAPIs(ctx, at, r.Audience)
		})
	}
	return cmd
}

// hintAtAPIs tells of what a client was given that no API is registered under: a misspelt identifier looks like that.
func (c *command) hintAtAPIs(ctx context.Context, r *remote, audience []string) error {
	if len(audience) == 0 {
		return nil
	}
	if knows, err := may(ctx, r, account.ViewAPIs); err != nil || !knows {
		return err
	}
	for _, identifier := range audience {
		if identifier == r.issuer {
			continue // the server itself
		}
		err := r.get(ctx, atAPI(identifier), nil)
		if isRefused(err, codeNotFound) {
			fmt.Fprintf(c.err, "No API is registered under %s. Tokens can be meant for it all the same; `grantor api create %[1]s` registers it.\n", printable(identifier))
		} else if err != nil {
			return err
		}
	}
	return nil
}
