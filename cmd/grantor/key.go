package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/internal/jose"
)

func (c *command) key() *cobra.Command {
	return atServer(group("key", "List, rotate and withdraw signing keys", c.keyList(), c.keyRotate(), c.keyWithdraw()))
}

func (c *command) keyList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the keys that sign, will sign, and still verify",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				keys, err := whole[api.Key](ctx, r, "/keys")
				if err != nil {
					return err
				}
				return c.printKeys(cmd, keys)
			})
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
	cmd.Flags().BoolVar(&force, "force", false, "rotate at once: an API that keeps the key set refuses new tokens until it reads it again")
	completeWith(cmd, "alg", convert[string](jose.Algorithms))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		alg, err := algorithmOf(algorithm)
		if err != nil {
			return err
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			var page api.Page[api.Key]
			if err := r.post(ctx, "/keys/rotate", api.KeyRotation{Algorithm: alg, Force: force}, &page); err != nil {
				return keyError(alg, err)
			}
			return c.printKeys(cmd, page.Items)
		})
	}
	return cmd
}

// algorithmOf checks what --alg says; nothing means all.
func algorithmOf(text string) (jose.Algorithm, error) {
	alg := jose.Algorithm(text)
	if alg != "" && !slices.Contains(jose.Algorithms, alg) {
		return "", usagef("--alg %q is unknown: write %s", text, joined(jose.Algorithms))
	}
	return alg, nil
}

func keyError(alg jose.Algorithm, err error) error {
	var r *refusal
	switch {
	case isRefused(err, codeTooSoon) && errors.As(err, &r):
		return fmt.Errorf("the next key was published lately and is not known everywhere yet: it can sign in %s; if a key has leaked, withdraw it: `grantor key withdraw`", r.after)
	case isRefused(err, codeInvalid) && alg != "":
		return fmt.Errorf("there is no %s key, since no client uses one: see `grantor key list`", alg)
	}
	return err
}

func (c *command) printKeys(cmd *cobra.Command, keys []api.Key) error {
	var rows [][]string
	for _, k := range keys {
		rows = append(rows, []string{k.ID, string(k.Algorithm), string(k.State), shownDay(k.Created), shownDay(k.Activated), shownMinute(k.RemoveAfter)})
	}
	return c.printer(cmd).table([]string{"ID", "ALGORITHM", "STATE", "CREATED", "SIGNS SINCE", "VERIFIES UNTIL"}, rows, keys)
}
