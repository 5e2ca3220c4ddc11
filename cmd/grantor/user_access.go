package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) userPermissions() *cobra.Command {
	return &cobra.Command{
		Use:   "permissions USERNAME",
		Short: "Show what a user may do, and where it comes from",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				u, err := findUser(ctx, r, args[0])
				if err != nil {
					return err
				}
				var may api.EffectivePermissions
				if err := r.get(ctx, at("users", u.ID, "permissions"), &may); err != nil {
					return userError(u.Username, err)
				}
				return c.printPermissions(cmd, u.Username, &may)
			})
		},
	}
}

func (c *command) printPermissions(cmd *cobra.Command, username string, may *api.EffectivePermissions) error {
	p := c.printer(cmd)
	if p.asJSON {
		return p.json(may)
	}
	switch {
	case may.Blocked:
		fmt.Fprintf(c.out, "%s is blocked, and so may do nothing.\n", printable(username))
	case may.SuperAdmin:
		fmt.Fprintf(c.out, "%s is a super admin, and so may do everything.\n", printable(username))
	case len(may.Permissions) == 0:
		fmt.Fprintf(c.out, "%s has no permission in the administration.\n", printable(username))
	}
	if len(may.Permissions) == 0 {
		return nil
	}
	var rows [][]string
	for _, g := range may.Permissions {
		rows = append(rows, []string{string(g.Permission), g.Title, sourcesInWords(g.Sources)})
	}
	return p.table([]string{"PERMISSION", "IN WORDS", "FROM"}, rows, nil)
}

func sourcesInWords(sources []api.Source) string {
	var words []string
	for _, s := range sources {
		way := "the user"
		var names []string
		for _, g := range s.Groups {
			names = append(names, g.Name)
		}
		if len(names) > 0 {
			way = strings.Join(names, " in ")
		}
		words = append(words, way)
	}
	return strings.Join(words, "; ")
}

func (c *command) userSessions() *cobra.Command {
	return &cobra.Command{
		Use:   "sessions USERNAME",
		Short: "List the browsers that a user is signed in on",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				u, err := findUser(ctx, r, args[0])
				if err != nil {
					return err
				}
				sessions, err := whole[api.Session](ctx, r, at("users", u.ID, "sessions"))
				if err != nil {
					return userError(u.Username, err)
				}
				var rows [][]string
				for _, s := range sessions {
					rows = append(rows, []string{shownMinute(s.Created), shownMinute(s.Seen), s.Address, shortened(s.UserAgent, 30)})
				}
				p := c.printer(cmd)
				if len(sessions) == 0 && !p.asJSON {
					return p.say(fmt.Sprintf("%s is not signed in anywhere.", printable(u.Username)), nil)
				}
				return p.table([]string{"SINCE", "LAST SEEN", "ADDRESS", "BROWSER"}, rows, sessions)
			})
		},
	}
}

func (c *command) userEndSessions() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "end-sessions USERNAME",
		Short: "Sign a user out of all browsers",
		Long:  "Sign a user out of all browsers. What the user has allowed to applications stays: `grantor token revoke --user` ends that.",
		Args:  takes(1),
	}
	yes := addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			u, err := findUser(ctx, r, args[0])
			if err != nil {
				return err
			}
			if err := c.confirm(ctx, *yes, fmt.Sprintf("Sign %s out of all browsers?", named(u.Username, u.Name))); err != nil {
				return err
			}
			if err := r.delete(ctx, at("users", u.ID, "sessions"), nil); err != nil {
				return userError(u.Username, err)
			}
			return c.printer(cmd).say(fmt.Sprintf("%s is signed out of all browsers.", printable(u.Username)),
				map[string]any{"id": u.ID, "username": u.Username, "sessions_ended": true})
		})
	}
	return cmd
}
