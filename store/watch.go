package store

import (
	"context"
	"time"
)

// Verb is one of the verbs of a Backend.
type Verb uint8

// The verbs, in the order of Backend.
const (
	VerbGet Verb = iota
	VerbCreate
	VerbSwap
	VerbTake
	VerbList
	VerbAdd
)

// Verbs lists all verbs, each at its own index.
func Verbs() []Verb { return []Verb{VerbGet, VerbCreate, VerbSwap, VerbTake, VerbList, VerbAdd} }

// String gives the word for the verb.
func (v Verb) String() string {
	return [...]string{"get", "create", "swap", "take", "list", "add"}[v]
}

// Operation is a verb that has come to its end.
type Operation struct {
	Verb  Verb
	Kind  Kind
	Began time.Time
	Took  time.Duration
	Err   error // as the backend gave it
}

// Watched is a Backend that tells of every verb of another one. Build it with its two fields.
type Watched struct {
	Backend Backend
	// Done is called in the goroutine of the caller, with its context. It must be quick and safe for concurrent use.
	Done func(context.Context, Operation)
}

func (w *Watched) tell(ctx context.Context, v Verb, kind Kind, began time.Time, err error) {
	w.Done(ctx, Operation{v, kind, began, time.Since(began), err})
}

// Get reads a record; see Backend.
func (w *Watched) Get(ctx context.Context, kind Kind, id string) (Record, error) {
	began := time.Now()
	r, err := w.Backend.Get(ctx, kind, id)
	w.tell(ctx, VerbGet, kind, began, err)
	return r, err
}

// Create writes a record that must not exist; see Backend.
func (w *Watched) Create(ctx context.Context, r Record) (uint64, error) {
	began := time.Now()
	version, err := w.Backend.Create(ctx, r)
	w.tell(ctx, VerbCreate, r.Kind, began, err)
	return version, err
}

// Swap replaces a record that nobody has changed; see Backend.
func (w *Watched) Swap(ctx context.Context, old, next Record) (uint64, error) {
	began := time.Now()
	version, err := w.Backend.Swap(ctx, old, next)
	w.tell(ctx, VerbSwap, next.Kind, began, err)
	return version, err
}

// Take reads a record and deletes it; see Backend.
func (w *Watched) Take(ctx context.Context, kind Kind, id string) (Record, error) {
	began := time.Now()
	r, err := w.Backend.Take(ctx, kind, id)
	w.tell(ctx, VerbTake, kind, began, err)
	return r, err
}

// List gives a page of records; see Backend.
func (w *Watched) List(ctx context.Context, kind Kind, tag, cursor string, limit int) ([]Record, string, error) {
	began := time.Now()
	page, next, err := w.Backend.List(ctx, kind, tag, cursor, limit)
	w.tell(ctx, VerbList, kind, began, err)
	return page, next, err
}

// Add adds to a counter; see Backend.
func (w *Watched) Add(ctx context.Context, kind Kind, id string, n int64, ttl time.Duration) (int64, error) {
	began := time.Now()
	value, err := w.Backend.Add(ctx, kind, id, n, ttl)
	w.tell(ctx, VerbAdd, kind, began, err)
	return value, err
}
