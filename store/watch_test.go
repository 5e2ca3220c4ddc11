package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

func TestWatchedTellsOfEveryVerb(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "the caller's")
	var told []store.Operation
	kind := store.Kind{Name: "thing"}
	b := &store.Watched{Backend: memory.New(), Done: func(ctx context.Context, o store.Operation) {
		if ctx.Value(key{}) == nil || o.Kind != kind || o.Took < 0 || time.Since(o.Began) > time.Minute {
			t.Errorf("told %+v", o)
		}
		told = append(told, o)
	}}
	r := store.Record{Kind: kind, ID: "one"}
	var err error
	if r.Version, err = b.Create(ctx, r); err != nil {
		t.Fatal(err)
	}
	_, _ = b.Get(ctx, kind, "one")
	_, _ = b.Swap(ctx, r, r)
	_, _, _ = b.List(ctx, kind, "", "", 1)
	_, _ = b.Add(ctx, kind, "one", 1, 0)
	_, _ = b.Take(ctx, kind, "one")
	_, _ = b.Get(ctx, kind, "one")
	var verbs []store.Verb
	for _, o := range told {
		verbs = append(verbs, o.Verb)
	}
	want := []store.Verb{store.VerbCreate, store.VerbGet, store.VerbSwap, store.VerbList, store.VerbAdd, store.VerbTake, store.VerbGet}
	if !slices.Equal(verbs, want) {
		t.Errorf("told of %v", verbs)
	}
	if last := told[len(told)-1]; !errors.Is(last.Err, store.ErrNotFound) || told[0].Err != nil {
		t.Errorf("errors %v, %v", told[0].Err, last.Err)
	}
}
