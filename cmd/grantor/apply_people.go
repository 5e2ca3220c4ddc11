package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
)

// readGroups reads the groups that there are, where the file speaks of any.
func (p *plan) readGroups(ctx context.Context) (err error) {
	p.groupIDs = map[string]string{}
	named := p.declared.kinds["groups"] || slices.ContainsFunc(p.declared.Users, func(u seedUser) bool { return len(u.Groups) > 0 })
	if !named {
		return nil
	}
	if p.groups, err = all[api.Group](ctx, p.remote, "/groups", nil); err != nil {
		return err
	}
	for _, g := range p.groups {
		p.groupIDs[groupKey(g.Name)] = g.ID
	}
	return nil
}

// group finds a group by its name, however it is spelled; nil where there is none.
func (p *plan) group(ctx context.Context, name string) (*api.Group, error) {
	id, ok := p.groupIDs[groupKey(name)]
	if !ok { // the server knows more spellings of a name
		found, err := orAbsent(findGroup(ctx, p.remote, name))
		if found == nil {
			return nil, err
		}
		id = found.ID
		p.groupIDs[groupKey(name)] = id
	}
	i := slices.IndexFunc(p.groups, func(g api.Group) bool { return g.ID == id })
	if i < 0 {
		return nil, nil
	}
	return &p.groups[i], nil
}

// declares tells whether the file makes sure that there is a group.
func (p *plan) declares(name string) bool {
	return slices.ContainsFunc(p.declared.Groups, func(g seedGroup) bool { return groupKey(g.Name) == groupKey(name) })
}

// groupNames gives the names of groups as they will be, and notes those that nobody makes.
func (p *plan) groupNames(ctx context.Context, place, field string, names []string) ([]string, error) {
	called := []string{}
	for _, name := range names {
		g, err := p.group(ctx, name)
		switch {
		case err != nil:
			return nil, err
		case g != nil && p.prunes("groups") && !p.declares(g.Name):
			p.faults.add(place, fmt.Errorf("%s: the group %s is not declared, so --prune deletes it", field, printable(name)))
		case g != nil:
			called = append(called, g.Name)
		case p.declares(name):
			called = append(called, strings.TrimSpace(name))
		default:
			p.faults.add(place, fmt.Errorf("%s: there is no group %s, and the file declares none", field, printable(name)))
		}
	}
	return called, nil
}

// idsOf gives the ids of groups that are all there by now.
func (p *plan) idsOf(names []any) []string {
	ids := []string{}
	for _, name := range names {
		ids = append(ids, p.groupIDs[groupKey(fmt.Sprint(name))])
	}
	return ids
}

func (p *plan) planGroups(ctx context.Context) error {
	above := map[string][]string{}
	for _, g := range p.groups {
		for _, name := range g.MemberOfNames {
			above[groupKey(g.Name)] = append(above[groupKey(g.Name)], groupKey(name))
		}
	}
	for i := range p.declared.Groups {
		d := &p.declared.Groups[i]
		if err := p.planGroup(ctx, d); err != nil {
			return err
		}
		if d.MemberOf != nil {
			above[groupKey(d.Name)] = nil
			for _, name := range d.MemberOf {
				above[groupKey(d.Name)] = append(above[groupKey(d.Name)], groupKey(name))
			}
		}
	}
	p.faults.add("groups", circle(above))
	return nil
}

func (p *plan) planGroup(ctx context.Context, d *seedGroup) error {
	place := "group " + printable(d.Name)
	was, err := p.group(ctx, d.Name)
	if err != nil {
		return err
	}
	after := map[string]any{}
	if d.Description != nil {
		after["description"] = strings.TrimSpace(*d.Description)
	}
	if d.Permissions != nil {
		after["permissions"] = asAny(d.Permissions)
		p.faults.add(place, p.rights.Check(d.Permissions...))
	}
	if d.MemberOf != nil {
		names, err := p.groupNames(ctx, place, "member_of", d.MemberOf)
		if err != nil {
			return err
		}
		after["member_of"] = asAny(names)
	}
	before := map[string]any{}
	c := &change{Action: create, Kind: "group", Name: strings.TrimSpace(d.Name)}
	if was != nil {
		c.Action, c.Name = alter, was.Name
		before = map[string]any{"description": was.Description, "permissions": asAny(was.Permissions), "member_of": asAny(was.MemberOfNames)}
	}
	c.Fields = differences([]string{"description", "permissions", "member_of"}, before, after)
	c.write = func(ctx context.Context) error { return p.writeGroup(ctx, c, was, after) }
	if slices.ContainsFunc(c.Fields, func(f *fieldChange) bool { return f.Field == "member_of" }) {
		c.after = func(ctx context.Context) error { return p.joinGroups(ctx, c, after) }
	}
	p.put(c)
	return nil
}

// writeGroup writes a group without what it newly is a member of, which may not be there yet.
func (p *plan) writeGroup(ctx context.Context, c *change, was *api.Group, after map[string]any) error {
	settings := map[string]any{}
	for _, f := range c.Fields {
		settings[f.Field] = f.New
	}
	if was == nil {
		delete(settings, "member_of")
		settings["name"] = c.Name
		var made api.Group
		if err := p.remote.post(ctx, "/groups", settings, &made); err != nil {
			return groupError(c.Name, err)
		}
		p.groupIDs[groupKey(c.Name)] = made.ID
		return nil
	}
	if _, changes := settings["member_of"]; changes { // what it leaves it leaves now, or the two could be a circle for a moment
		kept := []any{}
		for _, name := range asAny(was.MemberOfNames) {
			if slices.Contains(after["member_of"].([]any), name) {
				kept = append(kept, name)
			}
		}
		settings["member_of"] = p.idsOf(kept)
	}
	return groupError(c.Name, p.remote.patch(ctx, at("groups", was.ID), settings, nil))
}

func (p *plan) joinGroups(ctx context.Context, c *change, after map[string]any) error {
	settings := map[string]any{"member_of": p.idsOf(after["member_of"].([]any))}
	return groupError(c.Name, p.remote.patch(ctx, at("groups", p.groupIDs[groupKey(c.Name)]), settings, nil))
}

func (p *plan) planUsers(ctx context.Context) error {
	for i := range p.declared.Users {
		if err := p.planUser(ctx, &p.declared.Users[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) planUser(ctx context.Context, d *seedUser) error {
	place := "user " + printable(d.Username)
	was, err := p.user(ctx, d.Username)
	if err != nil {
		return err
	}
	after := map[string]any{}
	for name, value := range map[string]*string{"name": d.Name, "email": d.Email} {
		if value != nil {
			after[name] = strings.TrimSpace(*value)
		}
	}
	if d.SuperAdmin != nil {
		after["super_admin"] = *d.SuperAdmin
	}
	if d.Permissions != nil {
		after["permissions"] = asAny(d.Permissions)
	}
	if d.Groups != nil {
		names, err := p.groupNames(ctx, place, "groups", d.Groups)
		if err != nil {
			return err
		}
		after["groups"] = asAny(names)
	}
	before := map[string]any{}
	c := &change{Action: create, Kind: "user", Name: d.Username}
	if was != nil {
		c.Action, c.Name = alter, was.Username
		before = map[string]any{
			"name": was.Name, "email": was.Email, "super_admin": was.SuperAdmin, "permissions": asAny(was.Permissions), "groups": asAny(was.GroupNames),
		}
	} else if d.Password == "" {
		p.faults.add(place, errors.New("password is missing, which a new user needs"))
	}
	c.Fields = differences([]string{"name", "email", "super_admin", "groups", "permissions"}, before, after)
	if len(c.Fields) > 0 || was == nil {
		p.faults.add(place, p.rights.CheckCovers(account.Rights{SuperAdmin: d.SuperAdmin != nil && *d.SuperAdmin, Permissions: d.Permissions}))
	}
	c.write = func(ctx context.Context) error { return p.writeUser(ctx, c, was, d) }
	p.put(c)
	return nil
}

// user finds a user by name; nil where there is none.
func (p *plan) user(ctx context.Context, name string) (*api.User, error) {
	return orAbsent(findUser(ctx, p.remote, name))
}

func (p *plan) writeUser(ctx context.Context, c *change, was *api.User, d *seedUser) error {
	settings := map[string]any{}
	for _, f := range c.Fields {
		settings[f.Field] = f.New
		if f.Field == "groups" {
			settings["groups"] = p.idsOf(f.New.([]any))
		}
	}
	if was != nil {
		return userError(c.Name, p.remote.patch(ctx, at("users", was.ID), settings, nil))
	}
	settings["username"], settings["password"] = d.Username, d.Password
	return userError(c.Name, p.remote.post(ctx, "/users", settings, nil))
}
