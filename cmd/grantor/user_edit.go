package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) userEdit() *cobra.Command {
	var username, name, email string
	var superAdmin bool
	cmd := &cobra.Command{
		Use:   "edit USERNAME",
		Short: "Change a user",
		Long: "Change a user. What no flag names stays as it is. A repeatable flag replaces the whole list; given once with an empty word it\n" +
			"empties the list.",
		Example: `  grantor user edit alice --email alice@example.org --group operators --group support
  grantor user edit bob --super-admin=false --permission ''`,
		Args: takes(1),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&username, "username", "", "another `name` to sign in with")
	cmd.Flags().StringVar(&name, "name", "", "`text` that people see")
	cmd.Flags().StringVar(&email, "email", "", "e-mail `address`")
	cmd.Flags().BoolVar(&superAdmin, "super-admin", false, "may do everything; --super-admin=false takes it back")
	rights := addRights(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		changes := map[string]any{}
		for _, one := range []struct {
			flag, field string
			value       any
		}{
			{"username", "username", username}, {"name", "name", name}, {"email", "email", email}, {"super-admin", "super_admin", superAdmin},
			{"permission", "permissions", orEmpty(given(rights.permissions))},
		} {
			if cmd.Flags().Changed(one.flag) {
				changes[one.field] = one.value
			}
		}
		if len(changes) == 0 && !cmd.Flags().Changed("group") {
			return usagef("name what to change: see `grantor user edit --help`")
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			if cmd.Flags().Changed("group") {
				ids, err := groupIDs(ctx, r, given(rights.groups))
				if err != nil {
					return err
				}
				changes["groups"] = orEmpty(ids)
			}
			u, err := findUser(ctx, r, args[0])
			if err != nil {
				return err
			}
			var changed api.User
			if err := r.patch(ctx, at("users", u.ID), changes, &changed); err != nil {
				return userError(u.Username, err)
			}
			return c.printUser(cmd, &changed, "")
		})
	}
	return cmd
}

// orEmpty makes nothing an empty list, as JSON shows it.
func orEmpty[S any](list []S) []S {
	if list == nil {
		return []S{}
	}
	return list
}

func (c *command) userDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete USERNAME",
		Short: "Delete a user; sessions and tokens end",
		Args:  takes(1),
	}
	yes := addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			u, err := findUser(ctx, r, args[0])
			if err != nil {
				return err
			}
			question := fmt.Sprintf("Delete user %s for good, and end all sessions and tokens?", named(u.Username, u.Name))
			if err := c.confirm(ctx, *yes, question); err != nil {
				return err
			}
			if err := r.delete(ctx, at("users", u.ID), nil); err != nil {
				return userError(u.Username, err)
			}
			return c.printer(cmd).say(fmt.Sprintf("User %s is deleted.", printable(u.Username)),
				map[string]any{"id": u.ID, "username": u.Username, "deleted": true})
		})
	}
	return cmd
}
