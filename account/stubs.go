package account

import (
	"context"
	"errors"
	"time"
)

var errRough = errors.New("not yet")

// LoadUser reads a user from the store itself, with its version. ErrNotFound.
func (d *Directory) LoadUser(ctx context.Context, id string) (*User, uint64, error) {
	s, err := d.load(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	return &s.Value.User, s.Version, nil
}

// UpdateProfile changes what a user may change of himself.
func (d *Directory) UpdateProfile(ctx context.Context, userID, name, email string) (*User, error) {
	return d.UpdateUser(ctx, userID, 0, func(u *User) error { u.Name, u.Email = name, email; return nil })
}

// ChangeOwnPassword changes the password of who is signed in.
func (d *Directory) ChangeOwnPassword(ctx context.Context, s *Session, old, next, address string) error {
	return errRough
}

// Confirm proves the password again.
func (d *Directory) Confirm(ctx context.Context, s *Session, password, address string) error {
	return errRough
}

// EndOtherSessions ends all sessions of a user but one.
func (d *Directory) EndOtherSessions(ctx context.Context, s *Session) error { return errRough }

// Group is a set of users and of groups that share what they may do.
type Group struct {
	ID          string      `json:"id"` // "grp_" and 32 hex digits
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	Permissions Permissions `json:"permissions,omitempty"`
	MemberOf    []string    `json:"member_of,omitempty"` // ids of the groups that this one is in: what they may, its members may
	Created     time.Time   `json:"created"`
	Updated     time.Time   `json:"updated"`
}

// NewGroup is what a group is made from.
type NewGroup struct {
	Name, Description string
	Permissions       []Permission
	MemberOf          []string
}

// CreateGroup makes a group.
func (d *Directory) CreateGroup(ctx context.Context, n NewGroup) (*Group, error) {
	return nil, errRough
}

// Group gives a group, current within a second.
func (d *Directory) Group(ctx context.Context, id string) (*Group, error) { return nil, errRough }

// LoadGroup reads a group from the store itself, with its version.
func (d *Directory) LoadGroup(ctx context.Context, id string) (*Group, uint64, error) {
	return nil, 0, errRough
}

// GroupByName gives the group of a name.
func (d *Directory) GroupByName(ctx context.Context, name string) (*Group, error) {
	return nil, errRough
}

// Groups gives all groups, by name.
func (d *Directory) Groups(ctx context.Context) ([]*Group, error) { return nil, errRough }

// UpdateGroup alters a group.
func (d *Directory) UpdateGroup(ctx context.Context, id string, version uint64, alter func(*Group) error) (*Group, error) {
	return nil, errRough
}

// DeleteGroup removes a group.
func (d *Directory) DeleteGroup(ctx context.Context, id string) error { return errRough }

// EnsureGroup makes sure that a group is as declared.
func (d *Directory) EnsureGroup(ctx context.Context, n NewGroup) (group *Group, changed bool, err error) {
	return nil, false, errRough
}

// AddMember puts a user or a group into a group.
func (d *Directory) AddMember(ctx context.Context, groupID, memberID string) error { return errRough }

// RemoveMember takes a user or a group out of a group.
func (d *Directory) RemoveMember(ctx context.Context, groupID, memberID string) error {
	return errRough
}

// Members gives who is in a group directly.
func (d *Directory) Members(ctx context.Context, groupID string) (users []*User, groups []*Group, err error) {
	return nil, nil, errRough
}

// RightsOf tells what a user may do.
func (d *Directory) RightsOf(ctx context.Context, userID string) (Rights, error) {
	return Rights{}, errRough
}

// Grounds says where a permission comes from.
type Grounds struct {
	Permission Permission
	Sources    []Source
}

// Source is one way in which a user comes to a permission.
type Source struct {
	Groups []*Group // empty: held directly; otherwise the way, the group that the user is in first
}

// Explain tells where each permission of a user comes from.
func (d *Directory) Explain(ctx context.Context, userID string) ([]Grounds, error) {
	return nil, errRough
}

// UserQuery says which users to list and how.
type UserQuery struct {
	Search string
	Sort   string // username (default), name, email, created, updated, status; with "-" before it the other way round
	Cursor string // UserPage.Next of the page before
	Offset int    // how many to leave out, where there is no Cursor
	Limit  int
}

// UserPage is one page of users.
type UserPage struct {
	Users []*User
	Total int    // of all pages
	Next  string // cursor of the next page, "" after the last
}

// FindUsers lists users.
func (d *Directory) FindUsers(ctx context.Context, q UserQuery) (UserPage, error) {
	return UserPage{}, errRough
}

// AuditQuery says which events to list.
type AuditQuery struct {
	Actor    string    // id or name
	Object   string    // "client:ID", or a kind of objects, "client"
	Action   string    // "client.created", or a kind of actions, "client"
	From, To time.Time // From is included, To is not
	Cursor   string
	Limit    int
}

// Find lists events, the newest first.
func (a *Audit) Find(ctx context.Context, q AuditQuery) (events []*Event, next string, err error) {
	return nil, "", errRough
}

// Each visits events, the newest first.
func (a *Audit) Each(ctx context.Context, q AuditQuery, visit func(*Event) error) error {
	return errRough
}
