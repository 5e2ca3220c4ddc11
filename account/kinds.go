package account

import "github.com/grantor-dev/grantor/store"

// Kinds are the kinds of records and counters that this package keeps, for whoever copies a store as a whole.
func Kinds() []store.Kind {
	return []store.Kind{
		loginFailures, loginGates, loginForgiven, loginAddress.Kind, uses, refusalsNoted.Kind, ownChanges.Kind,
		{Name: "user"},
		{Name: "user_name"},
		{Name: "user_email"},
		{Name: "group"},
		{Name: "group_name"},
		{Name: "session", Spread: true},
		{Name: "known_browser", Spread: true},
		{Name: "setup"},
		{Name: "super_admin"},
		{Name: "audit", Spread: true},
	}
}
