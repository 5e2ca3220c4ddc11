package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MarkKind is the kind of the one record by which a store says that it is a copy. Copies are compared without it.
var MarkKind = Kind{Name: "store_copy"}

const markID = "copy"

// ErrUnfinished means that a store is a copy which was not copied to the end: what was revoked last may be alive in it.
var ErrUnfinished = errors.New("the store is a copy that was not finished")

// Mark is what a copy says of itself until somebody works with it.
type Mark struct {
	Source string    `json:"source"` // identity of the store that it was copied from
	Nonce  string    `json:"nonce"`  // random, of the last copying
	Begun  time.Time `json:"begun"`
	Ended  time.Time `json:"ended,omitzero"` // when it was found equal; zero: it is not
}

// ReadMark reads the mark of a store. ErrNotFound where it is no copy, or is one no more.
func ReadMark(ctx context.Context, b Backend) (Mark, error) {
	r, err := b.Get(ctx, MarkKind, markID)
	if err != nil {
		return Mark{}, err
	}
	var m Mark
	if err := json.Unmarshal(r.Value, &m); err != nil {
		return Mark{}, fmt.Errorf("read the mark of a copy: %w", err)
	}
	return m, nil
}

// WriteMark puts the mark over the one that is there.
func WriteMark(ctx context.Context, b Backend, m Mark) error {
	value, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return put(ctx, b, Record{Kind: MarkKind, ID: markID, Value: value})
}

// RemoveMark takes the mark away, if there is one.
func RemoveMark(ctx context.Context, b Backend) error {
	_, err := b.Take(ctx, MarkKind, markID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// PutInUse makes a finished copy a store like any other, so that nothing is copied over what is done in it from now on.
// ErrUnfinished where it is not finished.
func PutInUse(ctx context.Context, b Backend) error {
	m, err := ReadMark(ctx, b)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if m.Ended.IsZero() {
		return fmt.Errorf("%w: run `grantor copy` once more", ErrUnfinished)
	}
	return RemoveMark(ctx, b)
}
