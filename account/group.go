package account

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/grantor-dev/grantor/store"
)

// Group is a set of users and of other groups: what it may, its members may. A Group that a Directory returns is shared:
// it must not be changed.
type Group struct {
	ID          string      `json:"id"` // "grp_" and 32 hex digits, never the id of a user
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	Permissions Permissions `json:"permissions,omitempty"`
	MemberOf    []string    `json:"member_of,omitempty"` // ids of the groups that this one is in; one that is gone counts for nothing
	Created     time.Time   `json:"created"`
	Updated     time.Time   `json:"updated"`
}

// circle is a group as stored. Deleted marks one that is gone: it is written before the record is taken away, so that
// whoever is about to write the group loses, and so that what was checked is what is deleted.
type circle struct {
	Group
	Deleted bool `json:"deleted,omitempty"`
}

func groupCollection(b store.Backend) *store.Collection[circle] {
	return &store.Collection[circle]{
		Backend: b,
		Kind:    store.Kind{Name: "group"},
		ID:      func(c *circle) string { return c.ID },
	}
}

const groupPrefix = "grp_"

func newGroupID() string {
	id := uuid.Must(uuid.NewV7()) // as in newUserID
	return groupPrefix + hex.EncodeToString(id[:])
}

// isGroupID spares the store a look-up of junk.
func isGroupID(id string) bool { return isID(id, groupPrefix) }

// Group gives a group, current within a second. ErrNotFound.
func (d *Directory) Group(ctx context.Context, id string) (*Group, error) {
	if !isGroupID(id) {
		return nil, store.ErrNotFound
	}
	c, err := d.groups.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read group %s: %w", id, err)
	}
	if c.Deleted {
		return nil, store.ErrNotFound
	}
	return &c.Group, nil
}

// LoadGroup reads a group from the store itself, with its version. ErrNotFound.
func (d *Directory) LoadGroup(ctx context.Context, id string) (*Group, uint64, error) {
	s, err := d.loadGroup(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	return &s.Value.Group, s.Version, nil
}

// loadGroup reads a group from the store itself, to be swapped. ErrNotFound.
func (d *Directory) loadGroup(ctx context.Context, id string) (store.Stored[circle], error) {
	if !isGroupID(id) {
		return store.Stored[circle]{}, store.ErrNotFound
	}
	s, err := d.groups.Load(ctx, id)
	if err != nil {
		return s, fmt.Errorf("read group %s: %w", id, err)
	}
	if s.Value.Deleted {
		return store.Stored[circle]{}, store.ErrNotFound
	}
	return s, nil
}

// GroupByName gives the group of a name, however it is spelled, from the store itself. ErrNotFound.
func (d *Directory) GroupByName(ctx context.Context, name string) (*Group, error) {
	key := groupKey(name)
	if key == "" || len(name) > maxGroupNameBytes {
		return nil, store.ErrNotFound
	}
	id, err := d.groupNames.Owner(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("look a group name up: %w", err)
	}
	g, _, err := d.LoadGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	if groupKey(g.Name) != key {
		return nil, store.ErrNotFound
	}
	return g, nil
}

// Groups gives all groups by name: those made here at once, those made on other nodes within a second.
func (d *Directory) Groups(ctx context.Context) ([]*Group, error) {
	groups, err := d.everyGroup(ctx)
	if err != nil {
		return nil, err
	}
	sortGroups(groups)
	return groups, nil
}

// Members gives who is in a group directly, by name. ErrNotFound.
func (d *Directory) Members(ctx context.Context, groupID string) (users []*User, groups []*Group, err error) {
	if _, err := d.Group(ctx, groupID); err != nil {
		return nil, nil, err
	}
	allUsers, err := d.everyUser(ctx)
	if err != nil {
		return nil, nil, err
	}
	allGroups, err := d.everyGroup(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, u := range allUsers {
		if slices.Contains(u.Groups, groupID) {
			users = append(users, u)
		}
	}
	for _, g := range allGroups {
		if slices.Contains(g.MemberOf, groupID) {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(users, func(a, b *User) int { return strings.Compare(a.Username, b.Username) })
	sortGroups(groups)
	return users, groups, nil
}

func sortGroups(groups []*Group) {
	slices.SortFunc(groups, func(a, b *Group) int {
		return cmp.Or(strings.Compare(folded(a.Name), folded(b.Name)), strings.Compare(a.ID, b.ID))
	})
}

// everyUser gives all users, the oldest first, in a slice of the caller's own.
func (d *Directory) everyUser(ctx context.Context) ([]*User, error) {
	all, err := d.users.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("read all users: %w", err)
	}
	users := make([]*User, 0, len(all))
	for _, p := range all {
		if !p.Deleted {
			users = append(users, &p.User)
		}
	}
	return users, nil
}

// everyGroup gives all groups, the oldest first, in a slice of the caller's own.
func (d *Directory) everyGroup(ctx context.Context) ([]*Group, error) {
	all, err := d.groups.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("read all groups: %w", err)
	}
	groups := make([]*Group, 0, len(all))
	for _, c := range all {
		if !c.Deleted {
			groups = append(groups, &c.Group)
		}
	}
	return groups, nil
}

// lookupIn looks groups up among those given.
func lookupIn(groups []*Group) lookup {
	byID := make(map[string]*Group, len(groups))
	for _, g := range groups {
		byID[g.ID] = g
	}
	return func(id string) (*Group, error) { return byID[id], nil }
}
