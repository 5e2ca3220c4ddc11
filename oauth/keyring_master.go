package oauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

// ErrMasterChanging is answered by a keyring whose master key was changed in part: some of it is sealed under the old key, some
// under the new one.
var ErrMasterChanging = errors.New("the change of the master key of this store was not finished: " +
	"run `grantor masterkey change` again, with the old key configured as before; no server starts until then")

var errNothingSealed = errors.New("the store holds no keys yet: whichever master key the first server starts with is the one")

// MasterChange seals the keyring under another master key. All nodes are stopped meanwhile. One that was interrupted is
// finished by doing it again: what is sealed already is recognised.
type MasterChange struct {
	Backend  store.Backend
	Old, New *jose.Sealer
}

// Check opens everything with one of the two keys and changes nothing. It tells how many records there are, and how many of
// them are to be sealed anew. ErrWrongMaster.
func (m MasterChange) Check(ctx context.Context) (todo, total int, err error) {
	rings, err := m.read(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, r := range rings {
		anew, err := m.seal(r.Value)
		if err != nil {
			return 0, 0, err
		}
		if anew || bool(r.Value.Changing) {
			todo++
		}
	}
	return todo, len(rings), nil
}

// Run seals each record by one Swap and tells how many there are. The shared secret says from the first moment to the last that
// the change is under way, so that no node starts on half of it.
func (m MasterChange) Run(ctx context.Context) (total int, err error) {
	if todo, total, err := m.Check(ctx); err != nil || todo == 0 {
		return total, err
	}
	rings, err := m.read(ctx)
	if err != nil {
		return 0, err
	}
	secret := rings[0]
	if secret, err = m.swap(ctx, secret, true); err != nil {
		return 0, fmt.Errorf("seal 1 of %d records: %w", len(rings), err)
	}
	for i, r := range rings[1:] {
		if _, err := m.swap(ctx, r, false); err != nil {
			return 0, fmt.Errorf("seal %d of %d records: %w", i+2, len(rings), err)
		}
	}
	if _, err := m.swap(ctx, secret, false); err != nil {
		return 0, fmt.Errorf("note that all %d records are sealed: %w", len(rings), err)
	}
	return len(rings), nil
}

func (m MasterChange) rings() *store.Collection[ring] { return newRings(m.Backend) }

// read gives all records of the keyring, the shared secret first. Those of algorithms that this version does not know are sealed
// in the same way.
func (m MasterChange) read(ctx context.Context) ([]store.Stored[ring], error) {
	var ids []string
	err := m.rings().All(ctx, "", func(r *ring) error {
		if r.ID != sharedSecretID {
			ids = append(ids, r.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []store.Stored[ring]
	for _, id := range append([]string{sharedSecretID}, ids...) {
		r, err := m.rings().Load(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, errNothingSealed
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// swap writes a record sealed under the new key, unless it lies there already.
func (m MasterChange) swap(ctx context.Context, old store.Stored[ring], changing changeMark) (store.Stored[ring], error) {
	next := old.Value.clone()
	anew, err := m.seal(next)
	if err != nil {
		return old, err
	}
	if !anew && next.Changing == changing {
		return old, nil
	}
	next.Changing = changing
	stored, err := m.rings().Swap(ctx, old, next)
	if errors.Is(err, store.ErrConflict) {
		return old, errors.New("something else writes to the store: stop all servers, and do it again")
	}
	return stored, err
}

// seal seals what is still under the old key, in place, and tells whether there was any.
func (m MasterChange) seal(r *ring) (anew bool, err error) {
	for _, p := range r.sealed() {
		if _, err := m.New.Open(p.purpose, *p.text); err == nil {
			continue
		}
		plain, err := m.Old.Open(p.purpose, *p.text)
		if err != nil {
			return false, ErrWrongMaster
		}
		if *p.text, err = m.New.Seal(p.purpose, plain); err != nil {
			return false, err
		}
		anew = true
	}
	return anew, nil
}
