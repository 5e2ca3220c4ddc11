package account

import (
	"context"
	"fmt"
)

// The guards below keep rights from growing by themselves. Whoever acts must hold all that the target of the act holds,
// before it and after it: so nobody gives what he does not hold, by whatever way, and nobody acts on someone mightier.
// One may lower oneself, for one holds what oneself holds. The last active super admin is kept elsewhere (superAdmins).
//
// They look at the record that is then swapped. That groups change between the look and the swap gives nobody more: it
// comes to the same as if they had changed right after it, and whoever changed them was asked as well.

// mayTurn tells whether who acts under the context may turn one user into another; nil: none. *ForbiddenError.
func (d *Directory) mayTurn(ctx context.Context, before, after *User) error {
	mine := RightsFrom(ctx)
	if mine.SuperAdmin {
		return nil
	}
	for _, u := range []*User{before, after} {
		if u == nil {
			continue
		}
		theirs, err := d.rightsOf(ctx, u)
		if err != nil {
			return err
		}
		if err := mine.CheckCovers(theirs); err != nil {
			return err
		}
	}
	return nil
}

// mayEnd tells whether who acts under the context may end what a user has begun: one's own always. *ForbiddenError.
func (d *Directory) mayEnd(ctx context.Context, u *User) error {
	if a := ActorFrom(ctx); a.Kind == ActorUser && a.ID == u.ID {
		return nil
	}
	return d.mayTurn(ctx, u, nil)
}

// mayTurnGroup tells whether who acts under the context may turn one group into another; nil: none. *ForbiddenError.
func (d *Directory) mayTurnGroup(ctx context.Context, before, after *Group) error {
	mine := RightsFrom(ctx)
	if mine.SuperAdmin {
		return nil
	}
	for _, g := range []*Group{before, after} {
		if g == nil {
			continue
		}
		steps, err := climb(g.MemberOf, d.stored(ctx))
		if err != nil {
			return fmt.Errorf("read the rights of group %s: %w", g.ID, err)
		}
		if err := mine.CheckCovers(Rights{Permissions: total(g.Permissions, steps)}); err != nil {
			return err
		}
	}
	if before == nil {
		return nil // nobody is in it yet
	}
	return d.mayLowerMembers(ctx, mine, before, after)
}

// mayLowerMembers refuses a change of a group that takes a permission from a member who is mightier than who acts. It
// asks what this node knows of users, which is current within a second: what it guards grows nobody's rights.
func (d *Directory) mayLowerMembers(ctx context.Context, mine Rights, before, after *Group) error {
	users, err := d.everyUser(ctx)
	if err != nil {
		return err
	}
	groups, err := d.everyGroup(ctx)
	if err != nil {
		return err
	}
	known := lookupIn(groups)
	was, will := known.instead(before.ID, before), known.instead(before.ID, after)
	for _, u := range users {
		if u.SuperAdmin || len(u.Groups) == 0 {
			continue // a super admin loses nothing by it
		}
		old, err := climb(u.Groups, was)
		if err != nil {
			return err
		}
		next, err := climb(u.Groups, will)
		if err != nil {
			return err
		}
		held := total(u.Permissions, old)
		if total(u.Permissions, next).Contains(held...) {
			continue
		}
		if err := mine.CheckCovers(Rights{Permissions: held}); err != nil {
			return err
		}
	}
	return nil
}
