package account

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Permission is one thing that somebody may do in the administration, "clients:view".
type Permission string

// The permissions.
const (
	ViewClients   Permission = "clients:view"
	CreateClients Permission = "clients:create"
	EditClients   Permission = "clients:edit"
	DeleteClients Permission = "clients:delete"
	ViewAPIs      Permission = "apis:view"
	CreateAPIs    Permission = "apis:create"
	EditAPIs      Permission = "apis:edit"
	DeleteAPIs    Permission = "apis:delete"
	ViewUsers     Permission = "users:view"
	CreateUsers   Permission = "users:create"
	EditUsers     Permission = "users:edit"
	DeleteUsers   Permission = "users:delete"
	ViewGroups    Permission = "groups:view"
	CreateGroups  Permission = "groups:create"
	EditGroups    Permission = "groups:edit"
	DeleteGroups  Permission = "groups:delete"
	ViewTokens    Permission = "tokens:view"
	DeleteTokens  Permission = "tokens:delete"
	ViewKeys      Permission = "keys:view"
	EditKeys      Permission = "keys:edit"
	ViewAudit     Permission = "audit:view"
	ViewRefusals  Permission = "refusals:view"
	BackUpStore   Permission = "store:backup"
)

// PermissionWords says a permission in words.
type PermissionWords struct {
	Permission Permission
	Title      string // "View Auth Clients"
	Sentence   string
}

// permissions lists all there are, in the order in which people are shown them.
var permissions = []PermissionWords{
	{ViewClients, "View Auth Clients", "See the list of auth clients and the settings of each, but never a secret."},
	{CreateClients, "Create Auth Clients", "Register new auth clients."},
	{EditClients, "Edit Auth Clients", "Change settings and secrets of auth clients, disable and enable them."},
	{DeleteClients, "Delete Auth Clients", "Delete auth clients, and with them all their tokens."},
	{ViewAPIs, "View APIs", "See the APIs that tokens are meant for, and their scopes."},
	{CreateAPIs, "Create APIs", "Register new APIs."},
	{EditAPIs, "Edit APIs", "Change APIs: their scopes, the form of their tokens, and who may introspect these."},
	{DeleteAPIs, "Delete APIs", "Delete APIs that no auth client has any more."},
	{ViewUsers, "View Users", "See users, their sessions and what they may do."},
	{CreateUsers, "Create Users", "Make new users."},
	{EditUsers, "Edit Users", "Change, block and unblock users, set their passwords, groups and permissions, and sign them out."},
	{DeleteUsers, "Delete Users", "Delete users, and with them all they have allowed."},
	{ViewGroups, "View Groups", "See groups, their members and their permissions."},
	{CreateGroups, "Create Groups", "Make new groups."},
	{EditGroups, "Edit Groups", "Change groups, their members and their permissions."},
	{DeleteGroups, "Delete Groups", "Delete groups."},
	{ViewTokens, "View Tokens", "See which applications act for whom, and how many tokens are issued and refused."},
	{DeleteTokens, "Revoke Tokens", "Revoke what applications were allowed, with all tokens of it."},
	{ViewKeys, "View Keys", "See the keys that sign tokens, but never their private half."},
	{EditKeys, "Rotate Keys", "Put a new signing key in place."},
	{ViewAudit, "View the Audit Log", "See who did what, when and from where."},
	{ViewRefusals, "View Refusals", "See why requests were refused: whose, from where, what was expected and what came, but never a secret."},
	{BackUpStore, "Back Up the Store", "Read all that the server keeps, in one file: people, clients, sessions and the hashes of passwords and tokens."},
}

// AllPermissions lists every permission in words, in the order in which people are shown them.
func AllPermissions() []PermissionWords { return slices.Clone(permissions) }

// IsPermission reports whether there is such a permission.
func IsPermission(p Permission) bool {
	return slices.ContainsFunc(permissions, func(w PermissionWords) bool { return w.Permission == p })
}

// Title says the permission in words, or by its name where nobody knows it.
func (p Permission) Title() string {
	for _, w := range permissions {
		if w.Permission == p {
			return w.Title
		}
	}
	return string(p)
}

// Permissions is a set, sorted as AllPermissions is and without repetitions once TidyPermissions made it.
type Permissions []Permission

// TidyPermissions gives a set in its order, each permission once. What is no permission is given back in unknown.
func TidyPermissions(given []Permission) (set Permissions, unknown []Permission) {
	for _, w := range permissions {
		if slices.Contains(given, w.Permission) {
			set = append(set, w.Permission)
		}
	}
	for _, p := range given {
		if !IsPermission(p) && !slices.Contains(unknown, p) {
			unknown = append(unknown, p)
		}
	}
	return set, unknown
}

// Contains reports whether all of other are in the set.
func (s Permissions) Contains(other ...Permission) bool { return len(s.missing(other)) == 0 }

func (s Permissions) missing(other []Permission) []Permission {
	var missing []Permission
	for _, p := range other {
		if !slices.Contains(s, p) {
			missing = append(missing, p)
		}
	}
	return missing
}

// are reports whether the set is what was given, in whatever order. What is no permission is never in it.
func (s Permissions) are(given []Permission) bool {
	set, unknown := TidyPermissions(given)
	return len(unknown) == 0 && slices.Equal(s, set)
}

// ForbiddenError says what somebody would have to hold for an act.
type ForbiddenError struct {
	Missing    []Permission
	SuperAdmin bool // only a super admin may
}

// Error names what is missing in words for people.
func (e *ForbiddenError) Error() string {
	if e.SuperAdmin {
		return "only a super admin may do this"
	}
	titles := make([]string, len(e.Missing))
	for i, p := range e.Missing {
		titles[i] = p.Title()
	}
	return fmt.Sprintf("this needs the permission %s", strings.Join(titles, ", "))
}

// ErrBuiltIn reports an act that would break a client or group that the server itself needs.
var ErrBuiltIn = errors.New("this belongs to the server itself and cannot be changed in this way")
