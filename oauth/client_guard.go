package oauth

import (
	"context"
	"slices"

	"github.com/grantor-dev/grantor/account"
)

// Powers is what a client may be used for beyond itself: its permissions, and those that its scope lets it use in the name
// of a user. The scope "admin" reaches everything.
func (r *Registration) Powers() account.Rights {
	scope, _ := ParseScope(r.Scope)
	reach := reachOf(scope)
	all, _ := account.TidyPermissions(slices.Concat(reach.Permissions, r.Permissions))
	return account.Rights{SuperAdmin: reach.SuperAdmin, Permissions: all}
}

// reachOf says how far a scope reaches into the administration.
func reachOf(scope Scope) account.Rights {
	var reach account.Rights
	for _, token := range scope {
		if token == AdminScope {
			reach.SuperAdmin = true
		} else if account.IsPermission(account.Permission(token)) {
			reach.Permissions = append(reach.Permissions, account.Permission(token))
		}
	}
	return reach
}

// guardPowers refuses an act on a client by somebody who may do less than the client: whoever holds its secret, or an
// address that its codes are sent to, may do what it may. *account.ForbiddenError.
func guardPowers(ctx context.Context, registrations ...*Registration) error {
	rights := account.RightsFrom(ctx)
	for _, r := range registrations {
		if err := rights.CheckCovers(r.Powers()); err != nil {
			return err
		}
	}
	return nil
}

// guard refuses to change one of the server's own clients, and what guardPowers refuses. account.ErrBuiltIn,
// *account.ForbiddenError.
func (c *Client) guard(ctx context.Context) error {
	if c.BuiltIn {
		return account.ErrBuiltIn
	}
	return guardPowers(ctx, &c.Registration)
}
