package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/store"
)

// NewGroup is what a group is made from. MemberOf are ids of groups.
type NewGroup struct {
	Name, Description string
	Permissions       []Permission
	MemberOf          []string
}

// CreateGroup makes a group. *FieldErrors, a name that is taken (which errors.Is ErrTaken) among them; *ForbiddenError.
func (d *Directory) CreateGroup(ctx context.Context, n NewGroup) (*Group, error) {
	g, err := d.createGroup(ctx, n)
	return g, asFieldError(err)
}

func (d *Directory) createGroup(ctx context.Context, n NewGroup) (*Group, error) {
	c := &circle{Group: Group{ID: newGroupID(), Name: n.Name, Description: n.Description, Permissions: n.Permissions, MemberOf: n.MemberOf}}
	if err := d.checkGroup(ctx, &Group{ID: c.ID}, &c.Group); err != nil {
		return nil, err
	}
	if err := d.mayTurnGroup(ctx, nil, &c.Group); err != nil {
		return nil, err
	}
	c.Created = d.now()
	c.Updated = c.Created
	if err := d.insertGroup(ctx, c); err != nil {
		return nil, err
	}
	return &c.Group, d.recordGroup(ctx, "group.created", &Group{ID: c.ID}, &c.Group)
}

// insertGroup reserves the name, writes the group, and confirms. nameError where the name is taken.
func (d *Directory) insertGroup(ctx context.Context, c *circle) error {
	if err := d.reserveGroupName(ctx, &c.Group); err != nil {
		return err
	}
	if err := d.groups.Create(ctx, c); err != nil {
		return fmt.Errorf("write a new group: %w", err)
	}
	err := d.confirmGroupName(ctx, &c.Group)
	var lost *nameError
	if errors.As(err, &lost) {
		// May fail: the group is found by its id only, and grants nobody anything.
		_, _ = d.groups.Take(ctx, c.ID)
	}
	return err
}

// UpdateGroup alters a group: name, description, permissions and what it is a member of. It alters the version that
// LoadGroup gave, or whatever is there where version is 0; then it may call alter several times. ErrNotFound,
// store.ErrConflict where someone saved first, *FieldErrors (a group within itself is a fault of member_of),
// *ForbiddenError.
func (d *Directory) UpdateGroup(ctx context.Context, id string, version uint64, alter func(*Group) error) (*Group, error) {
	reserved := &Group{}
	before, after, err := d.changeGroup(ctx, id, version, func(c *circle) error {
		was := c.Group
		if err := d.alterGroup(ctx, &c.Group, alter); err != nil {
			return err
		}
		d.releaseGroupName(ctx, reserved, &was)
		reserved = &Group{}
		if groupKey(c.Name) == groupKey(was.Name) {
			return nil
		}
		if err := d.reserveGroupName(ctx, &c.Group); err != nil {
			return err
		}
		copied := c.Group
		reserved = &copied
		return nil
	})
	if err != nil {
		d.abandonGroupName(ctx, reserved, err)
		return nil, asFieldError(err)
	}
	if err := d.settleGroupName(ctx, before, after); err != nil {
		return nil, asFieldError(err)
	}
	return after, d.recordGroup(ctx, "group.updated", before, after)
}

// alterGroup applies a change and checks the result as a new group is checked.
func (d *Directory) alterGroup(ctx context.Context, g *Group, alter func(*Group) error) error {
	was := *g
	g.Permissions, g.MemberOf = slices.Clone(g.Permissions), slices.Clone(g.MemberOf) // alter may change them in place
	if err := alter(g); err != nil {
		return err
	}
	if g.ID != was.ID || !g.Created.Equal(was.Created) {
		return fmt.Errorf("change group %s: id and created cannot be changed", was.ID)
	}
	if err := d.checkGroup(ctx, &was, g); err != nil {
		return err
	}
	return d.mayTurnGroup(ctx, &was, g)
}

// changeGroup alters a group, and begins again when someone else was faster and no version was asked for.
func (d *Directory) changeGroup(ctx context.Context, id string, version uint64, alter func(*circle) error) (before, after *Group, err error) {
	for range raceAttempts {
		old, err := d.loadGroup(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if version != 0 && old.Version != version {
			break
		}
		next := *old.Value
		if err := alter(&next); err != nil {
			return nil, nil, err
		}
		next.Updated = d.now()
		_, err = d.groups.Swap(ctx, old, &next)
		if err == nil {
			return &old.Value.Group, &next.Group, nil
		}
		if !lostStep(err) {
			return nil, nil, fmt.Errorf("write group %s: %w", id, err)
		}
	}
	return nil, nil, fmt.Errorf("change group %s: %w", id, store.ErrConflict)
}

// DeleteGroup removes a group. What it granted ends at once on every node, and its name is free. ErrNotFound,
// *ForbiddenError.
func (d *Directory) DeleteGroup(ctx context.Context, id string) error {
	before, _, err := d.changeGroup(ctx, id, 0, func(c *circle) error {
		c.Deleted = true
		return d.mayTurnGroup(ctx, &c.Group, nil)
	})
	if err != nil {
		return err
	}
	d.releaseGroupName(ctx, before, &Group{})
	if _, err := d.groups.Take(ctx, id); err != nil && !lostStep(err) {
		return fmt.Errorf("delete group %s: %w", id, err)
	}
	return d.recordGroup(ctx, "group.deleted", before, before)
}

// EnsureGroup makes sure that a group declared by the operator exists as declared: it is made where it does not. An empty
// description and nil lists leave alone what is there. changed tells whether anything was written. *FieldErrors.
func (d *Directory) EnsureGroup(ctx context.Context, n NewGroup) (group *Group, changed bool, err error) {
	err = awaitName(ctx, func() error {
		group, changed, err = d.ensureGroup(ctx, n)
		return err
	})
	return group, changed, asFieldError(err)
}

func (d *Directory) ensureGroup(ctx context.Context, n NewGroup) (*Group, bool, error) {
	g, err := d.GroupByName(ctx, n.Name)
	if errors.Is(err, store.ErrNotFound) {
		g, err := d.createGroup(ctx, n)
		if errors.Is(err, store.ErrTaken) {
			return nil, false, &nameError{"group", store.ErrPending} // by another node that ensures the same; the next try finds it
		}
		return g, err == nil, err
	}
	if err != nil {
		return nil, false, err
	}
	same := (n.Description == "" || tidyText(n.Description) == g.Description) &&
		(n.Permissions == nil || g.Permissions.are(n.Permissions)) &&
		(n.MemberOf == nil || slices.Equal(sortedIDs(n.MemberOf), g.MemberOf))
	if same {
		return g, false, nil
	}
	g, err = d.UpdateGroup(ctx, g.ID, 0, func(g *Group) error {
		if n.Description != "" {
			g.Description = n.Description
		}
		if n.Permissions != nil {
			g.Permissions = n.Permissions
		}
		if n.MemberOf != nil {
			g.MemberOf = n.MemberOf
		}
		return nil
	})
	return g, err == nil, err
}

func (d *Directory) recordGroup(ctx context.Context, action string, before, after *Group) error {
	changed := changes{"group": after.Name}
	changed.note("name", before.Name, after.Name)
	changed.note("description", before.Description, after.Description)
	changed.note("permissions", listed(before.Permissions), listed(after.Permissions))
	changed.note("member_of", d.groupNamesOf(ctx, before.MemberOf), d.groupNamesOf(ctx, after.MemberOf))
	if err := d.Audit.Record(ctx, Event{Action: action, Object: "group:" + after.ID, Detail: changed}); err != nil {
		return err
	}
	return d.recordMemberships(ctx, "group:"+after.ID, map[string]string{"group": after.Name}, before.MemberOf, after.MemberOf)
}

// changes is the detail of an event that tells what was changed: field -> "old -> new".
type changes map[string]string

func (c changes) note(field, before, after string) {
	if before != after {
		c[field] = before + " -> " + after
	}
}

func listed(permissions []Permission) string {
	words := make([]string, len(permissions))
	for i, p := range permissions {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}

// groupNamesOf says groups in words for the audit log, by id where a name cannot be had.
func (d *Directory) groupNamesOf(ctx context.Context, ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id
		if g, err := d.Group(ctx, id); err == nil {
			names[i] = g.Name
		}
	}
	return strings.Join(names, ", ")
}
