package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) groupDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete GROUP",
		Short: "Delete a group; its members lose what they held by it",
		Args:  takes(1),
	}
	yes := addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			g, err := findGroup(ctx, r, args[0])
			if err != nil {
				return err
			}
			question := fmt.Sprintf("Delete group %s for good? Its members lose what they hold by it alone.", printable(g.Name))
			if err := c.confirm(ctx, *yes, question); err != nil {
				return err
			}
			if err := r.delete(ctx, at("groups", g.ID), nil); err != nil {
				return groupError(g.Name, err)
			}
			return c.printer(cmd).say(fmt.Sprintf("Group %s is deleted.", printable(g.Name)), map[string]any{"id": g.ID, "name": g.Name, "deleted": true})
		})
	}
	return cmd
}

func (c *command) groupMembers() *cobra.Command {
	return &cobra.Command{
		Use:   "members GROUP",
		Short: "List who is in a group",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				g, err := findGroup(ctx, r, args[0])
				if err != nil {
					return err
				}
				var members api.Members
				if err := r.get(ctx, at("groups", g.ID, "members"), &members); err != nil {
					return groupError(g.Name, err)
				}
				var rows [][]string
				for _, u := range members.Users {
					rows = append(rows, []string{"user", u.Name, u.ID})
				}
				for _, g := range members.Groups {
					rows = append(rows, []string{"group", g.Name, g.ID})
				}
				p := c.printer(cmd)
				if len(rows) == 0 && !p.asJSON {
					return p.say(fmt.Sprintf("Nobody is in group %s.", printable(g.Name)), nil)
				}
				return p.table([]string{"KIND", "NAME", "ID"}, rows, members)
			})
		},
	}
}

// membership is how somebody's place in a group changes.
type membership struct{ verb, short, method, result string }

var (
	joining = membership{"add", "Put users, or other groups, into a group", http.MethodPut, "is in"}
	leaving = membership{"remove", "Take users, or other groups, out of a group", http.MethodDelete, "is not in"}
)

func (c *command) groupMembership(m membership) *cobra.Command {
	var groups []string
	cmd := &cobra.Command{
		Use:     m.verb + " GROUP [USERNAME...]",
		Short:   m.short,
		Example: "  grantor group " + m.verb + " operators alice bob\n  grantor group " + m.verb + " operators --group night",
		Args:    cobra.ArbitraryArgs,
	}
	cmd.Flags().StringArrayVar(&groups, "group", nil, "`name` of a group as the member; repeatable")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 || len(args) == 1 && len(groups) == 0 {
			return usagef("something is missing: write `grantor group %s GROUP USERNAME` (see `grantor group %[1]s --help`)", m.verb)
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			g, err := findGroup(ctx, r, args[0])
			if err != nil {
				return err
			}
			members, err := findMembers(ctx, r, args[1:], groups)
			if err != nil {
				return err
			}
			for _, member := range members { // all are known before the first is written
				if _, err := r.call(ctx, m.method, at("groups", g.ID, "members", member.ID), nil, nil); err != nil {
					return fmt.Errorf("%s: %w", printable(member.Name), groupError(g.Name, err))
				}
			}
			p := c.printer(cmd)
			if p.asJSON {
				return p.json(map[string]any{"group": api.Reference{ID: g.ID, Name: g.Name}, "members": members})
			}
			for _, member := range members {
				if err := p.say(fmt.Sprintf("%s %s group %s.", printable(member.Name), m.result, printable(g.Name)), nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}

func findMembers(ctx context.Context, r *remote, users, groups []string) ([]api.Reference, error) {
	var members []api.Reference
	for _, name := range users {
		u, err := findUser(ctx, r, name)
		if err != nil {
			return nil, err
		}
		members = append(members, api.Reference{ID: u.ID, Name: u.Username})
	}
	for _, name := range groups {
		g, err := findGroup(ctx, r, name)
		if err != nil {
			return nil, err
		}
		members = append(members, api.Reference{ID: g.ID, Name: g.Name})
	}
	return members, nil
}
