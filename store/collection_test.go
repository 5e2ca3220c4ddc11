package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

type note struct {
	ID      string    `json:"id"`
	Text    string    `json:"text"`
	Author  string    `json:"author"`
	Expires time.Time `json:"expires,omitzero"`
}

func notes(b store.Backend) *store.Collection[note] {
	return &store.Collection[note]{
		Backend: b,
		Kind:    store.Kind{Name: "note"},
		ID:      func(n *note) string { return n.ID },
		Tags:    func(n *note) []string { return []string{n.Author} },
		Expires: func(n *note) time.Time { return n.Expires },
	}
}

func TestCollectionStoresTagsAndExpiryOfTheValue(t *testing.T) {
	b := memory.New()
	c, ctx := notes(b), t.Context()
	end := time.Now().Add(time.Hour)
	if err := c.Create(ctx, &note{ID: "1", Author: "ann", Expires: end}); err != nil {
		t.Fatal(err)
	}
	r, err := b.Get(ctx, c.Kind, "1")
	if err != nil || r.Expires.UnixMilli() != end.UnixMilli() || len(r.Tags) != 1 || r.Tags[0] != "ann" {
		t.Fatalf("%+v, %v", r, err)
	}
	old, err := c.Load(ctx, "1")
	if err != nil {
		t.Fatal(err)
	}
	next, err := c.Swap(ctx, old, &note{ID: "1", Author: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	r, err = b.Get(ctx, c.Kind, "1")
	if err != nil || !r.Expires.IsZero() || r.Tags[0] != "bob" || r.Version != next.Version {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := c.Swap(ctx, old, &note{ID: "1"}); err == nil {
		t.Fatal("a note without an author has an empty tag, and was stored")
	}
	if _, err := c.Swap(ctx, old, &note{ID: "1", Author: "cid"}); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("swap of an old version: %v", err)
	}
	if next, err = c.Swap(ctx, next, &note{ID: "1", Author: "cid"}); err != nil {
		t.Fatalf("swap of what a swap gave: %v", err)
	}
	if _, err := c.Swap(ctx, next, &note{ID: "2", Author: "cid"}); err == nil {
		t.Fatal("a swap changed the id")
	}
}

func TestCollectionWithoutTagsOrExpiry(t *testing.T) {
	c := notes(memory.New())
	c.Tags, c.Expires = nil, nil
	if err := c.Create(t.Context(), &note{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	if list, _, err := c.List(t.Context(), "", "", 10); err != nil || len(list) != 1 {
		t.Fatalf("%d notes, %v", len(list), err)
	}
}

func TestNewFieldIsAbsentInWhatWasStoredBefore(t *testing.T) {
	b := memory.New()
	c := notes(b)
	r := store.Record{Kind: c.Kind, ID: "1", Value: []byte(`{"id":"1","dropped":true}`)}
	if _, err := b.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Get(t.Context(), "1"); err != nil || n.ID != "1" || n.Text != "" {
		t.Fatalf("%+v, %v", n, err)
	}
}

func TestValueThatIsNoJSONIsAFaultAndNotMissing(t *testing.T) {
	b := memory.New()
	c := notes(b)
	if _, err := b.Create(t.Context(), store.Record{Kind: c.Kind, ID: "1", Value: []byte(`{"text":"secret`)}); err != nil {
		t.Fatal(err)
	}
	check := func(verb string, err error) {
		t.Helper()
		if err == nil || errors.Is(err, store.ErrNotFound) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", verb, err)
		}
	}
	_, err := c.Get(t.Context(), "1")
	check("get", err)
	_, _, err = c.List(t.Context(), "", "", 10)
	check("list", err)
	_, err = c.Update(t.Context(), "1", func(*note) error { return nil })
	check("update", err)
}

// contested is a store in which somebody else is always faster.
type contested struct {
	store.Backend
	swaps int
}

func (c *contested) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	c.swaps++
	return 0, store.ErrConflict
}

func TestUpdateGivesUpAfterManyLostRaces(t *testing.T) {
	b := &contested{Backend: memory.New()}
	c := notes(b)
	if err := c.Create(t.Context(), &note{ID: "1", Author: "ann"}); err != nil {
		t.Fatal(err)
	}
	changes := 0
	_, err := c.Update(t.Context(), "1", func(*note) error { changes++; return nil })
	if !errors.Is(err, store.ErrConflict) || b.swaps < 10 || changes != b.swaps {
		t.Fatalf("%v after %d swaps and %d changes", err, b.swaps, changes)
	}
}

func TestUpdateOfWhatIsMissingChangesNothing(t *testing.T) {
	c := notes(memory.New())
	_, err := c.Update(t.Context(), "1", func(*note) error { t.Error("changed"); return nil })
	if !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestAllStopsAtAnError(t *testing.T) {
	c := notes(memory.New())
	for _, id := range []string{"1", "2", "3"} {
		if err := c.Create(t.Context(), &note{ID: id, Author: "ann"}); err != nil {
			t.Fatal(err)
		}
	}
	stop, seen := errors.New("stop"), 0
	err := c.All(t.Context(), "ann", func(*note) error {
		if seen++; seen == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen != 2 {
		t.Fatalf("%v after %d", err, seen)
	}
}

func TestAllReadsEveryPage(t *testing.T) {
	c := notes(memory.New())
	const n = 1203
	for i := range n {
		if err := c.Create(t.Context(), &note{ID: string(rune('a'+i%26)) + time.Duration(i).String(), Author: "ann"}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	if err := c.All(t.Context(), "ann", func(v *note) error { seen[v.ID] = true; return nil }); err != nil || len(seen) != n {
		t.Fatalf("%d of %d, %v", len(seen), n, err)
	}
}

func TestUnavailableErrorKeepsItsCause(t *testing.T) {
	err := error(&store.UnavailableError{Op: "get note", Err: context.Canceled})
	if !store.IsUnavailable(err) || !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if store.IsUnavailable(store.ErrNotFound) || store.IsUnavailable(nil) {
		t.Error("something else is taken for an unavailable store")
	}
}

func TestCollectionKeepsAKindInAFormOfItsOwn(t *testing.T) {
	b := memory.New()
	c, ctx := notes(b), t.Context()
	c.Encode = func(n *note) ([]byte, error) {
		if n.Text == "" {
			return nil, errors.New("there is nothing to write")
		}
		return []byte(n.ID + " " + n.Text), nil
	}
	c.Decode = func(value []byte, n *note) error {
		var found bool
		if n.ID, n.Text, found = strings.Cut(string(value), " "); !found {
			return errors.New("there is nothing to read")
		}
		return nil
	}
	if err := c.Create(ctx, &note{ID: "1", Author: "ann", Text: "a word"}); err != nil {
		t.Fatal(err)
	}
	if r, err := b.Get(ctx, c.Kind, "1"); err != nil || string(r.Value) != "1 a word" {
		t.Fatalf("%q, %v", r.Value, err)
	}
	if n, err := c.Get(ctx, "1"); err != nil || n.Text != "a word" || n.Author != "" {
		t.Fatalf("%+v, %v", n, err)
	}
	if err := c.Create(ctx, &note{ID: "2", Author: "ann"}); err == nil || !strings.Contains(err.Error(), "encode note: there is nothing to write") {
		t.Errorf("a note that cannot be written: %v", err)
	}
	if _, err := b.Create(ctx, store.Record{Kind: c.Kind, ID: "3", Value: []byte("-")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, "3"); err == nil || !strings.Contains(err.Error(), "decode note: there is nothing to read") {
		t.Errorf("a note that cannot be read: %v", err)
	}
}
