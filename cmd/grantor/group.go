package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) group() *cobra.Command {
	return atServer(group("group", "Make and manage groups",
		c.groupList(), c.groupShow(), c.groupCreate(), c.groupEdit(), c.groupDelete(), c.groupMembers(),
		c.groupMembership(joining), c.groupMembership(leaving)))
}

// findGroup finds a group by name, however it is spelled, or by id.
func findGroup(ctx context.Context, r *remote, name string) (*api.Group, error) {
	var page api.Page[api.Group]
	if err := r.get(ctx, "/groups?"+url.Values{"name": {name}}.Encode(), &page); err != nil && !isRefused(err, codeInvalid) {
		return nil, err
	}
	if name != "" && len(page.Items) == 1 {
		return &page.Items[0], nil
	}
	if !strings.HasPrefix(name, "grp_") {
		return nil, noGroup(name)
	}
	found := &api.Group{}
	if err := r.get(ctx, at("groups", name), found); err != nil {
		return nil, groupError(name, err)
	}
	return found, nil
}

func noGroup(name string) error { return &absentError{"group", name} }

// groupIDs gives the ids of groups that were named.
func groupIDs(ctx context.Context, r *remote, names []string) ([]string, error) {
	var ids []string
	for _, name := range names {
		g, err := findGroup(ctx, r, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, g.ID)
	}
	return ids, nil
}

// groupError says of a failure that concerns one group what to do about it.
func groupError(name string, err error) error {
	switch {
	case isRefused(err, codeNotFound):
		return noGroup(name)
	case isRefused(err, codeConflict, codeStale):
		return fmt.Errorf("group %s was changed by someone else at this moment: look at it and try again", printable(name))
	}
	return groupWording.faults(err)
}

var groupWording = wording{what: "the group", join: asSentence, also: codeTaken, names: map[string]string{
	"name": "NAME", "description": "--description", "permissions": "--permission", "member_of": "--member-of",
}}

func groupRows(g *api.Group) [][]string {
	rows := [][]string{{"name", g.Name}, {"id", g.ID}, {"description", g.Description}}
	rows = append(rows, listRows("permissions", g.Permissions)...)
	rows = append(rows, listRows("member of", g.MemberOfNames)...)
	return append(rows, []string{"created", shownTime(g.Created)}, []string{"updated", shownTime(g.Updated)})
}

func (c *command) printGroup(cmd *cobra.Command, g *api.Group) error {
	return c.printer(cmd).record(groupRows(g), g)
}

func (c *command) groupList() *cobra.Command {
	var search string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all groups",
		Args:  takes(0),
	}
	cmd.Flags().StringVarP(&search, "search", "q", "", "`text` in names or descriptions")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			query := url.Values{}
			if search != "" {
				query.Set("q", search)
			}
			groups, err := all[api.Group](ctx, r, "/groups", query)
			if err != nil {
				return listError(err)
			}
			var rows [][]string
			for _, g := range groups {
				rows = append(rows, []string{g.Name, shortened(g.Description, 30), fmt.Sprint(len(g.Permissions)), strings.Join(g.MemberOfNames, ", ")})
			}
			p := c.printer(cmd)
			if len(groups) == 0 && !p.asJSON {
				return p.say(nothingFound("group", search), nil)
			}
			return p.table([]string{"NAME", "DESCRIPTION", "PERMISSIONS", "MEMBER OF"}, rows, groups)
		})
	}
	return cmd
}

func (c *command) groupShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show GROUP",
		Short: "Show a group",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				g, err := findGroup(ctx, r, args[0])
				if err != nil {
					return err
				}
				return c.printGroup(cmd, g)
			})
		},
	}
}

// groupFlags are the flags that describe a group.
type groupFlags struct {
	description           string
	permissions, memberOf []string
}

func addGroupFlags(cmd *cobra.Command) *groupFlags {
	f := &groupFlags{}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.description, "description", "", "`text` that says what the group is for")
	cmd.Flags().StringArrayVar(&f.permissions, "permission", nil, "`permission` of the members, such as clients:view; repeatable")
	cmd.Flags().StringArrayVar(&f.memberOf, "member-of", nil, "`name` of a group that this one is in: what that one may, this one may; repeatable")
	completeWith(cmd, "permission", permissionNames())
	return f
}

func (c *command) groupCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a group",
		Example: `  grantor group create operators --permission clients:view --permission clients:edit
  grantor group create night --member-of operators`,
		Args: takes(1),
	}
	flags := addGroupFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.work(cmd, creating, func(ctx context.Context, r *remote) error {
			memberOf, err := groupIDs(ctx, r, given(flags.memberOf))
			if err != nil {
				return err
			}
			n := api.GroupSettings{
				Name: args[0], Description: flags.description, Permissions: convert[account.Permission](given(flags.permissions)), MemberOf: memberOf,
			}
			var made api.Group
			if err := r.post(ctx, "/groups", n, &made); err != nil {
				return groupError(args[0], err)
			}
			return c.printGroup(cmd, &made)
		})
	}
	return cmd
}

func (c *command) groupEdit() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "edit GROUP",
		Short: "Change a group",
		Long: "Change a group. What no flag names stays as it is. A repeatable flag replaces the whole list; given once with an empty word it\n" +
			"empties the list.",
		Args: takes(1),
	}
	flags := addGroupFlags(cmd)
	cmd.Flags().StringVar(&name, "name", "", "another `name`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		changed := cmd.Flags().Changed
		if !changed("description") && !changed("permission") && !changed("member-of") && !changed("name") {
			return usagef("name what to change: see `grantor group edit --help`")
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			g, err := findGroup(ctx, r, args[0])
			if err != nil {
				return err
			}
			changes := map[string]any{}
			if changed("name") {
				changes["name"] = name
			}
			if changed("description") {
				changes["description"] = flags.description
			}
			if changed("permission") {
				changes["permissions"] = orEmpty(given(flags.permissions))
			}
			if changed("member-of") {
				ids, err := groupIDs(ctx, r, given(flags.memberOf))
				if err != nil {
					return err
				}
				changes["member_of"] = orEmpty(ids)
			}
			var after api.Group
			if err := r.patch(ctx, at("groups", g.ID), changes, &after); err != nil {
				return groupError(g.Name, err)
			}
			return c.printGroup(cmd, &after)
		})
	}
	return cmd
}
