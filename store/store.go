// Package store keeps records and knows nothing about what they mean.
//
// A Backend offers six atomic verbs, each of which touches one record; Collection gives typed access over them. Whatever
// may be used once is consumed by Take or Swap, never by a read followed by a delete. The expiry of a record is hygiene:
// it bounds what a store holds. A rule that depends on a time compares the time itself.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a Backend answers besides success. Anything else (see Unavailable) means that nothing is known: the verb may or
// may not have happened, and the caller must neither report success nor "not found".
var (
	ErrNotFound = errors.New("record not found")
	ErrExists   = errors.New("record exists already")
	ErrConflict = errors.New("record was changed by someone else")
	ErrTooLarge = errors.New("record is too large")
)

// Limits that every backend enforces before it writes, so that a record which fits one fits all.
const (
	MaxID    = 256     // bytes of an id or a tag
	MaxValue = 4 << 20 // bytes of a value
	MaxTags  = 16
)

// UnavailableError reports that a backend could not answer: it is away, stalled, full, read-only, or the caller's
// context ended. The outcome of a write is unknown.
type UnavailableError struct {
	Op  string // the verb and what it was about, without ids of secrets
	Err error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("store unavailable: %s: %v", e.Op, e.Err)
}

// Unwrap gives the cause, so that errors.Is(err, context.Canceled) works.
func (e *UnavailableError) Unwrap() error { return e.Err }

// IsUnavailable reports whether err says that the store could not answer.
func IsUnavailable(err error) bool {
	var u *UnavailableError
	return errors.As(err, &u)
}

// Kind names a sort of record. Spread kinds are hot and short-lived: a cluster spreads them by id, and their index is
// written beside the record, not with it (so an index entry may outlive its record; List checks). Other kinds are small
// and administrative: record and index live together and change together.
type Kind struct {
	Name   string // lower-case letters and '_'
	Spread bool
}

// Record is one stored thing. Version changes with every write and is chosen by the backend; Swap compares it.
type Record struct {
	Kind    Kind
	ID      string    // at most MaxID bytes, not empty
	Version uint64    // set by the backend, never 0 in a stored record
	Value   []byte    // at most MaxValue bytes
	Tags    []string  // List finds the record under each of them; at most MaxTags
	Expires time.Time // millisecond precision; the zero time means never
}

// Backend stores records. All verbs are atomic, safe for concurrent use, and durable (as far as the backend is
// configured to be) before they return nil. Every verb honours its context and fails with an UnavailableError when the
// backend cannot answer. An expired record is not found.
type Backend interface {
	// Get reads a record. ErrNotFound.
	Get(ctx context.Context, kind Kind, id string) (Record, error)
	// Create writes a record that must not exist, and returns its version. ErrExists, ErrTooLarge.
	Create(ctx context.Context, r Record) (version uint64, err error)
	// Swap replaces old, which must still have the version that was read, by next (of the same kind and id), and returns
	// the new version. Tags and expiry are replaced as well. ErrNotFound, ErrConflict, ErrTooLarge.
	Swap(ctx context.Context, old, next Record) (version uint64, err error)
	// Take reads a record and deletes it in one step: of several takers one gets it. ErrNotFound.
	Take(ctx context.Context, kind Kind, id string) (Record, error)
	// List returns up to limit records in ascending byte order of their ids, beginning behind cursor (an id, "" for the
	// start), and the cursor of the next page, "" after the last. With an empty tag it lists every record of a kind that
	// is not Spread; a Spread kind is listed by tag only. A page may be shorter than limit without being the last.
	List(ctx context.Context, kind Kind, tag, cursor string, limit int) (page []Record, next string, err error)
	// Add adds n to a counter and returns its new value. A counter begins at 0 and ends ttl after it began (a fixed
	// window); ttl 0 means never. Adding 0 reads it and creates nothing. Counters and records do not share names.
	Add(ctx context.Context, kind Kind, id string, n int64, ttl time.Duration) (int64, error)
}

// Check reports why a record cannot be written by any backend, nil if it can.
func (r Record) Check() error {
	switch {
	case r.Kind.Name == "":
		return errors.New("record without a kind")
	case r.ID == "" || len(r.ID) > MaxID:
		return fmt.Errorf("%s: id of %d bytes: %w", r.Kind.Name, len(r.ID), ErrTooLarge)
	case len(r.Value) > MaxValue:
		return fmt.Errorf("%s: value of %d bytes: %w", r.Kind.Name, len(r.Value), ErrTooLarge)
	case len(r.Tags) > MaxTags:
		return fmt.Errorf("%s: %d tags: %w", r.Kind.Name, len(r.Tags), ErrTooLarge)
	}
	for _, tag := range r.Tags {
		if tag == "" || len(tag) > MaxID {
			return fmt.Errorf("%s: tag of %d bytes: %w", r.Kind.Name, len(tag), ErrTooLarge)
		}
	}
	return nil
}

// Expired reports whether the record has ended at now.
func (r Record) Expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}
