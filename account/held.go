package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/grantor-dev/grantor/store"
)

// RightsOf tells what a user may do, directly and by way of groups. It asks the store itself for the user and every group,
// so that a change counts at the next request on every node. A blocked user may do nothing. ErrNotFound.
func (d *Directory) RightsOf(ctx context.Context, userID string) (Rights, error) {
	s, err := d.load(ctx, userID)
	if err != nil {
		return Rights{}, err
	}
	if s.Value.Blocked {
		return Rights{}, nil
	}
	return d.rightsOf(ctx, &s.Value.User)
}

// rightsOf tells what a user in this form may do, or may do again once unblocked.
func (d *Directory) rightsOf(ctx context.Context, u *User) (Rights, error) {
	steps, err := climb(u.Groups, d.stored(ctx))
	if err != nil {
		return Rights{}, fmt.Errorf("read the rights of user %s: %w", u.ID, err)
	}
	return Rights{SuperAdmin: u.SuperAdmin, Permissions: total(u.Permissions, steps)}, nil
}

// stored looks groups up in the store itself.
func (d *Directory) stored(ctx context.Context) lookup {
	return func(id string) (*Group, error) {
		s, err := d.loadGroup(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return &s.Value.Group, nil
	}
}

// Grounds says where a permission comes from.
type Grounds struct {
	Permission Permission
	Sources    []Source
}

// Source is one way in which a user comes to a permission: directly, or by a shortest way to one group that has it.
type Source struct {
	Groups []*Group // empty: held directly; otherwise the way, the group that the user is in first
}

// Explain tells where each permission of a user comes from, in the order of AllPermissions. What a super admin may do
// besides is not listed; a blocked user has nothing to explain. ErrNotFound.
func (d *Directory) Explain(ctx context.Context, userID string) ([]Grounds, error) {
	s, err := d.load(ctx, userID)
	if err != nil {
		return nil, err
	}
	u := &s.Value.User
	if u.Blocked {
		return nil, nil
	}
	steps, err := climb(u.Groups, d.stored(ctx))
	if err != nil {
		return nil, fmt.Errorf("explain the rights of user %s: %w", userID, err)
	}
	var grounds []Grounds
	for _, p := range total(u.Permissions, steps) {
		grounds = append(grounds, Grounds{Permission: p, Sources: sources(u, steps, p)})
	}
	return grounds, nil
}

func sources(u *User, steps []*step, p Permission) []Source {
	var found []Source
	if u.Permissions.Contains(p) {
		found = append(found, Source{})
	}
	for _, s := range steps {
		if s.group.Permissions.Contains(p) {
			found = append(found, Source{Groups: s.way()})
		}
	}
	return found
}
