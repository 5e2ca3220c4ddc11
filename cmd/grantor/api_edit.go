package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
)

func (c *command) apiEdit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "edit IDENTIFIER",
		Short: "Change what is registered of an API",
		Long: "Change what is registered of an API. What no flag names stays as it is. --scope replaces all scopes: a name without a sentence keeps the\n" +
			"sentence that it has; given once with an empty word it empties the list.",
		Example: `  grantor api edit https://orders.example.com --format jwt --lifetime 5m
  grantor api edit https://orders.example.com --scope orders:read --scope "orders:cancel=Cancel your orders."`,
		Args: takes(1),
	}
	flags := addAPIFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !flags.changed() {
			return usagef("name what to change: see `grantor api edit --help`")
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.editAPI(ctx, cmd, r, args[0], flags) })
	}
	return cmd
}

func (c *command) editAPI(ctx context.Context, cmd *cobra.Command, r *remote, named string, flags *apiFlags) error {
	one, seen, err := readAPI(ctx, r, named)
	if err != nil {
		return err
	}
	next := one.APIRegistration
	flags.apply(&next)
	shown := &shownAPI{}
	if _, err := r.call(ctx, http.MethodPut, atAPI(named), next, &shown.API, condition{"If-Match", seen.etag}); err != nil {
		return apiError(named, apiWording(&next).faults(err))
	}
	return c.printAPI(cmd, shown)
}
