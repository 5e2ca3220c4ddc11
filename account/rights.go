package account

import "context"

// Rights is what somebody may do. The zero Rights allow nothing.
type Rights struct {
	SuperAdmin  bool // passes every check
	Permissions Permissions
}

// Check gives nil where all of needed are held, otherwise *ForbiddenError.
func (r Rights) Check(needed ...Permission) error {
	if r.SuperAdmin {
		return nil
	}
	if missing := r.Permissions.missing(needed); len(missing) > 0 {
		return &ForbiddenError{Missing: missing}
	}
	return nil
}

// Has reports whether a permission is held.
func (r Rights) Has(p Permission) bool { return r.Check(p) == nil }

// Any reports whether there is anything that the holder may do in the administration.
func (r Rights) Any() bool { return r.SuperAdmin || len(r.Permissions) > 0 }

// CheckCovers gives nil where r allows all that other allows: who acts on somebody, or gives something away, must hold as
// much himself. *ForbiddenError.
func (r Rights) CheckCovers(other Rights) error {
	if other.SuperAdmin && !r.SuperAdmin {
		return &ForbiddenError{SuperAdmin: true}
	}
	return r.Check(other.Permissions...)
}

// Within gives what both allow.
func (r Rights) Within(other Rights) Rights {
	if r.SuperAdmin {
		return other
	}
	if other.SuperAdmin {
		return r
	}
	var both Permissions
	for _, p := range r.Permissions {
		if other.Has(p) {
			both = append(both, p)
		}
	}
	return Rights{Permissions: both}
}

type rightsKey struct{}

// WithRights says what whoever acts under the context may do.
func WithRights(ctx context.Context, r Rights) context.Context {
	return context.WithValue(ctx, rightsKey{}, r)
}

// RightsFrom tells what whoever acts under the context may do: what WithRights said; otherwise everything for the system
// and the command line on a store, and nothing for anybody else.
func RightsFrom(ctx context.Context) Rights {
	if r, ok := ctx.Value(rightsKey{}).(Rights); ok {
		return r
	}
	switch ActorFrom(ctx).Kind {
	case ActorSystem, ActorCLI:
		return Rights{SuperAdmin: true}
	}
	return Rights{}
}
