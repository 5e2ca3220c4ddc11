package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/internal/jose"
)

func (c *command) keyWithdraw() *cobra.Command {
	var algorithm string
	var all bool
	cmd := &cobra.Command{
		Use:   "withdraw (KID | --all)",
		Short: "Take keys that have leaked out of use at once, and put new ones in their place",
		Long: "Take keys that have leaked out of use at once, and put new ones in their place.\n" +
			"What they signed is refused within a second, here and by APIs that read the revocation feed; refresh tokens stay good\n" +
			"and buy new access tokens. APIs that only keep the key set believe the old keys until they read it again.\n" +
			"Write -- before a KID that begins with a -.",
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().BoolVar(&all, "all", false, "withdraw the current, the next and the retired keys, which lay beside each other")
	cmd.Flags().StringVar(&algorithm, "alg", "", "with --all: only the keys of this `algorithm`, of "+joined(jose.Algorithms))
	completeWith(cmd, "alg", convert[string](jose.Algorithms))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		alg, err := algorithmOf(algorithm)
		if err != nil {
			return err
		}
		which := api.KeyWithdrawal{All: all, Algorithm: alg}
		switch {
		case len(args) > 1 || all == (len(args) == 1):
			return usagef("name one key, or all: write `grantor key withdraw KID` or `grantor key withdraw --all` (see `grantor key list`)")
		case !all && alg != "":
			return usagef("--alg goes with --all: a key has its algorithm")
		case !all:
			which.ID = strings.TrimSpace(args[0])
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			var page api.Page[api.Key]
			if err := r.post(ctx, "/keys/withdraw", which, &page); err != nil {
				return withdrawalError(which, err)
			}
			return c.printKeys(cmd, page.Items)
		})
	}
	return cmd
}

func withdrawalError(which api.KeyWithdrawal, err error) error {
	if isRefused(err, codeInvalid) && which.ID != "" {
		return fmt.Errorf("there is no key %s: it has ended, or was withdrawn already: see `grantor key list`", which.ID)
	}
	return keyError(which.Algorithm, err)
}
