package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Collection is typed access to the records of one kind. T is stored as JSON: new fields must work when absent. ID says
// under which id a value lies, Tags (may be nil) what it is listed under, Expires (may be nil) when it ends. Encode and
// Decode (nil: JSON) are for a kind whose JSON would cost more than the rest of its use; Decode fills a zero value, and
// reads what older versions wrote as well.
type Collection[T any] struct {
	Backend Backend
	Kind    Kind
	ID      func(*T) string
	Tags    func(*T) []string
	Expires func(*T) time.Time
	Encode  func(*T) ([]byte, error)
	Decode  func([]byte, *T) error
}

// Stored is a value with the record that it was read from.
type Stored[T any] struct {
	Value   *T
	Version uint64
	record  Record
}

// Get reads one value. ErrNotFound.
func (c *Collection[T]) Get(ctx context.Context, id string) (*T, error) {
	s, err := c.Load(ctx, id)
	return s.Value, err
}

// Load reads one value together with its version, for a later Swap.
func (c *Collection[T]) Load(ctx context.Context, id string) (Stored[T], error) {
	r, err := c.Backend.Get(ctx, c.Kind, id)
	if err != nil {
		return Stored[T]{}, err
	}
	return c.decode(r)
}

// Create writes a value that must not exist yet. ErrExists.
func (c *Collection[T]) Create(ctx context.Context, v *T) error {
	r, err := c.encode(v)
	if err != nil {
		return err
	}
	_, err = c.Backend.Create(ctx, r)
	return err
}

// Swap replaces what Load gave by next, if nobody wrote in between. ErrConflict, ErrNotFound.
func (c *Collection[T]) Swap(ctx context.Context, old Stored[T], next *T) (Stored[T], error) {
	r, err := c.encode(next)
	if err != nil {
		return Stored[T]{}, err
	}
	if r.ID != old.record.ID {
		return Stored[T]{}, fmt.Errorf("%s: a swap cannot change the id", c.Kind.Name)
	}
	r.Version, err = c.Backend.Swap(ctx, old.record, r)
	if err != nil {
		return Stored[T]{}, err
	}
	return Stored[T]{Value: next, Version: r.Version, record: r}, nil
}

// updateAttempts bounds Update under contention: with n writers at least one succeeds in each round.
const updateAttempts = 64

// Update reads a value, lets change alter it, and swaps it in; it starts again when someone else was faster. An error of
// change ends it without a write. It returns what was stored. ErrNotFound, ErrConflict after many lost races.
func (c *Collection[T]) Update(ctx context.Context, id string, change func(*T) error) (*T, error) {
	for attempt := range updateAttempts {
		old, err := c.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := change(old.Value); err != nil {
			return nil, err
		}
		stored, err := c.Swap(ctx, old, old.Value)
		if err == nil {
			return stored.Value, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		if err := stepAside(ctx, attempt); err != nil {
			return nil, err
		}
	}
	return nil, ErrConflict
}

// Take reads a value and deletes it; of several takers one gets it. ErrNotFound.
func (c *Collection[T]) Take(ctx context.Context, id string) (*T, error) {
	r, err := c.Backend.Take(ctx, c.Kind, id)
	if err != nil {
		return nil, err
	}
	s, err := c.decode(r)
	return s.Value, err
}

// List returns one page of the values under a tag in the order of their ids; see Backend.List.
func (c *Collection[T]) List(ctx context.Context, tag, cursor string, limit int) ([]*T, string, error) {
	records, next, err := c.Backend.List(ctx, c.Kind, tag, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	values := make([]*T, 0, len(records))
	for _, r := range records {
		s, err := c.decode(r)
		if err != nil {
			return nil, "", err
		}
		values = append(values, s.Value)
	}
	return values, next, nil
}

// All calls visit for every value under a tag until it returns an error, which All returns.
func (c *Collection[T]) All(ctx context.Context, tag string, visit func(*T) error) error {
	const page = 500
	for cursor := ""; ; {
		values, next, err := c.List(ctx, tag, cursor, page)
		if err != nil {
			return err
		}
		for _, v := range values {
			if err := visit(v); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

func (c *Collection[T]) encode(v *T) (Record, error) {
	value, err := c.marshal(v)
	if err != nil {
		return Record{}, fmt.Errorf("encode %s: %w", c.Kind.Name, err)
	}
	r := Record{Kind: c.Kind, ID: c.ID(v), Value: value}
	if c.Tags != nil {
		r.Tags = c.Tags(v)
	}
	if c.Expires != nil {
		r.Expires = c.Expires(v)
	}
	return r, r.Check()
}

func (c *Collection[T]) marshal(v *T) ([]byte, error) {
	if c.Encode != nil {
		return c.Encode(v)
	}
	return json.Marshal(v)
}

func (c *Collection[T]) unmarshal(value []byte, v *T) error {
	if c.Decode != nil {
		return c.Decode(value, v)
	}
	return json.Unmarshal(value, v)
}

func (c *Collection[T]) decode(r Record) (Stored[T], error) {
	v := new(T)
	if err := c.unmarshal(r.Value, v); err != nil {
		return Stored[T]{}, fmt.Errorf("decode %s: %w", c.Kind.Name, err)
	}
	return Stored[T]{Value: v, Version: r.Version, record: r}, nil
}

// stepAside waits a random moment, longer after each lost race: a backend that answers many writers at once does not wake
// them fairly, and the same one could lose every time.
func stepAside(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return nil
	}
	var random [2]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	longest := time.Duration(min(attempt, 16)) * time.Millisecond / 2
	t := time.NewTimer(longest * time.Duration(binary.BigEndian.Uint16(random[:])) >> 16)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return &UnavailableError{Op: "update", Err: ctx.Err()}
	}
}
