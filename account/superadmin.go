package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/grantor-dev/grantor/store"
)

// superAdmins is the one record that says who counts as an active super admin. Everyone in it is one: a user enters it
// after having been written as an active super admin, and leaves it before ceasing to be one. It is never emptied by a
// leaving, so one always remains, whoever races and wherever a node dies. It may name too few, never too many; recount
// finds those that it misses.
//
// Entering reads the record, then writes the user, then the record; leaving reads the user, then writes the record, then
// the user. Every write compares versions, so of an entering and a leaving that overlap one fails and starts again.
type superAdmins struct {
	IDs []string `json:"ids"`
}

const superAdminsID = "active"

func superAdminCollection(b store.Backend) store.Collection[superAdmins] {
	return store.Collection[superAdmins]{
		Backend: b,
		Kind:    store.Kind{Name: "super_admin"},
		ID:      func(*superAdmins) string { return superAdminsID },
	}
}

// enter counts a user among the active super admins, if it is one.
func (d *Directory) enter(ctx context.Context, id string) error {
	for range raceAttempts {
		err := d.tryEnter(ctx, id)
		if err == nil || !lostStep(err) {
			return err
		}
	}
	return fmt.Errorf("count super admin %s: %w", id, store.ErrConflict)
}

func (d *Directory) tryEnter(ctx context.Context, id string) error {
	list, err := d.admins.Load(ctx, superAdminsID)
	none := errors.Is(err, store.ErrNotFound)
	if err != nil && !none {
		return fmt.Errorf("read super admins: %w", err)
	}
	if !none && slices.Contains(list.Value.IDs, id) {
		return nil
	}
	user, err := d.load(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !user.Value.rules() {
		return nil
	}
	// Written unchanged: it makes a leaving that is under way begin again.
	if _, err := d.users.Swap(ctx, user, user.Value); err != nil {
		return err
	}
	if none {
		return d.admins.Create(ctx, &superAdmins{IDs: []string{id}})
	}
	_, err = d.admins.Swap(ctx, list, &superAdmins{IDs: append(slices.Clone(list.Value.IDs), id)})
	return err
}

// leave removes a user from the active super admins, before it is written as none. ErrLastSuperAdmin.
func (d *Directory) leave(ctx context.Context, id string) error {
	recounted := false
	for range raceAttempts {
		list, err := d.admins.Load(ctx, superAdminsID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read super admins: %w", err)
		}
		var others []string
		if err == nil {
			others = slices.DeleteFunc(slices.Clone(list.Value.IDs), func(other string) bool { return other == id })
		}
		if len(others) == 0 {
			if recounted {
				return ErrLastSuperAdmin
			}
			if err := d.recount(ctx); err != nil {
				return err
			}
			recounted = true
			continue
		}
		// Written even if id was not in it: it makes an entering that is under way begin again.
		_, err = d.admins.Swap(ctx, list, &superAdmins{IDs: others})
		if err == nil || !lostStep(err) {
			return err
		}
	}
	return fmt.Errorf("uncount super admin %s: %w", id, store.ErrConflict)
}

// recount enters every active super admin that a node failed to enter before it died.
func (d *Directory) recount(ctx context.Context) error {
	return d.users.All(ctx, "", func(p *person) error {
		if !p.rules() {
			return nil
		}
		return d.enter(ctx, p.ID)
	})
}

// raceAttempts bounds what is begun again after someone else was faster.
const raceAttempts = 64

func lostStep(err error) bool {
	return errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrNotFound)
}
