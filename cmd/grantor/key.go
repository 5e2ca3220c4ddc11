package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) key() *cobra.Command {
	return group("key", "List and rotate signing keys", c.keyList(), c.keyRotate())
}

func (c *command) keyList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the keys that sign, will sign, and still verify",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.manage(cmd, standing, func(_ context.Context, a *app) error { return c.printKeys(cmd, a) })
		},
	}
}

func (c *command) keyRotate() *cobra.Command {
	var algorithm string
	var force bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Let the next keys sign; the old ones still verify until their last token has expired",
		Args:  takes(0),
	}
	cmd.Flags().StringVar(&algorithm, "alg", "", "`algorithm` whose keys are rotated: "+joined(jose.Algorithms)+" (default all that there are)")
	cmd.Flags().BoolVar(&force, "force", false, "rotate at once, for a key that has leaked: an API that keeps the key set refuses new tokens until it reads it again")
	completeWith(cmd, "alg", convert[string](jose.Algorithms))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		alg := jose.Algorithm(algorithm)
		if alg != "" && !slices.Contains(jose.Algorithms, alg) {
			return usagef("--alg %q is unknown: write %s", algorithm, joined(jose.Algorithms))
		}
		rotate := (*oauth.Keyring).Rotate
		if force {
			rotate = (*oauth.Keyring).RotateNow
		}
		return c.manage(cmd, standing, func(ctx context.Context, a *app) error {
			if err := a.rotateKeys(ctx, alg, rotate); err != nil {
				return err
			}
			return c.printKeys(cmd, a)
		})
	}
	return cmd
}

type rotation func(*oauth.Keyring, context.Context, jose.Algorithm) error

func (a *app) rotateKeys(ctx context.Context, alg jose.Algorithm, rotate rotation) error {
	if alg != "" && !slices.ContainsFunc(a.keys.Status(), func(k oauth.KeyStatus) bool { return k.Algorithm == alg }) {
		return fmt.Errorf("there is no %s key, since no client uses one: see `grantor key list`", alg)
	}
	err := rotate(a.keys, ctx, alg)
	if tooSoon := (*oauth.TooSoonError)(nil); errors.As(err, &tooSoon) {
		return fmt.Errorf("%w; if a key has leaked, rotate at once with --force", err)
	}
	if err != nil {
		return err
	}
	which := string(alg)
	if which == "" {
		which = "all"
	}
	return a.audit.Record(ctx, account.Event{Action: "key.rotated", Object: "key:" + which})
}

func (c *command) printKeys(cmd *cobra.Command, a *app) error {
	keys := a.keys.Status()
	var rows [][]string
	for _, k := range keys {
		rows = append(rows, []string{k.ID, string(k.Algorithm), string(k.State), shownTime(k.Created), shownTime(k.Activated),
			shownTime(k.Retired), shownTime(k.RemoveAfter)})
	}
	return c.printer(cmd).table([]string{"ID", "ALGORITHM", "STATE", "CREATED", "SIGNS SINCE", "RETIRED", "VERIFIES UNTIL"}, rows, keys)
}
