package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Walker is a Backend that can be read as a whole and filled with what another one holds: for copies. Records are written
// by the verbs of Backend, which keep the index; counters are written as they are.
type Walker interface {
	Backend
	// Records gives every record that has not expired, in no order. One that is written meanwhile may be given or not, and
	// may be given twice. A record of a kind that is not among kinds is an error: ErrUnknownKind.
	Records(ctx context.Context, kinds Kinds) iter.Seq2[Record, error]
	// Counters gives every counter that has not ended and is not 0, under the same terms.
	Counters(ctx context.Context, kinds Kinds) iter.Seq2[Counter, error]
	// Counter reads a counter together with its end. ErrNotFound.
	Counter(ctx context.Context, kind Kind, id string) (Counter, error)
	// SetCounter writes a counter over what is there. One that is 0 or has ended is removed.
	SetCounter(ctx context.Context, c Counter) error
}

// Counter is what Add counts. Backends that know only how long it still lasts give its end as near as they can.
type Counter struct {
	Kind  Kind
	ID    string
	Value int64
	Ends  time.Time // the zero time means never
}

// Ended reports whether the window of the counter is over at now.
func (c Counter) Ended(now time.Time) bool { return !c.Ends.IsZero() && !now.Before(c.Ends) }

// ErrUnknownKind means that a store holds what this program does not keep, as that of a newer version may.
var ErrUnknownKind = errors.New("a kind of record that this version does not know")

// Kinds holds every kind that a program keeps, by name. Not every backend remembers whether a kind is Spread.
type Kinds map[string]Kind

// NewKinds makes a table of kinds, with those of this package.
func NewKinds(lists ...[]Kind) Kinds {
	all := Kinds{epochs.Name: epochs, MarkKind.Name: MarkKind}
	for _, list := range lists {
		for _, k := range list {
			all[k.Name] = k
		}
	}
	return all
}

// Find gives the kind of a name, or ErrUnknownKind.
func (k Kinds) Find(name string) (Kind, error) {
	kind, known := k[name]
	if !known {
		return Kind{}, fmt.Errorf("%q: %w", name, ErrUnknownKind)
	}
	return kind, nil
}
