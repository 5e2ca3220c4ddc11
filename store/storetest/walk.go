package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
)

var suiteKinds = store.NewKinds([]store.Kind{hot, small})

// opener gives an empty store each time.
type opener func(t *testing.T) store.Walker

// RunWalk tests what copies need of a backend. open gives an empty store each time.
func RunWalk(t *testing.T, open func(t *testing.T) store.Walker) {
	for _, part := range []struct {
		name string
		test func(*testing.T, opener)
	}{
		{"everything is given whole", testWalkWhole},
		{"counters", testWalkCounters},
		{"an unknown kind is refused", testWalkUnknown},
		{"a walk ends when it is told to", testWalkEnds},
		{"copies there and back", testCopies},
		{"a copy is brought up to date", testCopyAgain},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, open) })
	}
}

// fill makes records and counters of every sort, and gives the records by name.
func fill(t *testing.T, w store.Walker, many int) map[string]store.Record {
	t.Helper()
	s := suite{w}
	made := map[string]store.Record{}
	var mu sync.Mutex
	add := func(r store.Record) {
		r = s.create(t, r)
		made[r.Kind.Name+" "+r.ID] = r
	}
	for _, kind := range []store.Kind{hot, small} {
		for _, name := range oddNames("Walk1") {
			add(store.Record{Kind: kind, ID: name, Value: []byte(name + "\x00value"), Tags: []string{name, "all"}})
		}
		add(store.Record{Kind: kind, ID: "ends", Value: []byte("x"), Expires: time.Now().Add(time.Hour)})
		add(store.Record{Kind: kind, ID: "large", Value: []byte(strings.Repeat("l", 1<<20))})
		s.create(t, store.Record{Kind: kind, ID: "ended", Tags: []string{"all"}, Expires: time.Now().Add(-time.Minute)})
		var together sync.WaitGroup
		for i := range many {
			r := store.Record{Kind: kind, ID: fmt.Sprintf("many-%05d", i), Value: []byte("v"), Tags: []string{fmt.Sprintf("t%d", i%7)}}
			together.Go(func() {
				version, err := w.Create(t.Context(), r)
				if err != nil {
					t.Errorf("create: %v", err)
				}
				r.Version = version
				mu.Lock()
				defer mu.Unlock()
				made[r.Kind.Name+" "+r.ID] = r
			})
		}
		together.Wait()
	}
	for i, name := range oddNames("Walk1") {
		ttl := time.Duration(0)
		if i%2 == 0 {
			ttl = time.Hour
		}
		if _, err := w.Add(t.Context(), hot, name, int64(i+1), ttl); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

func recordsOf(t *testing.T, w store.Walker) map[string]store.Record {
	t.Helper()
	found := map[string]store.Record{}
	for r, err := range w.Records(t.Context(), suiteKinds) {
		if err != nil {
			t.Fatal(err)
		}
		found[r.Kind.Name+" "+r.ID] = r
	}
	return found
}

func countersOf(t *testing.T, w store.Walker) map[string]store.Counter {
	t.Helper()
	found := map[string]store.Counter{}
	for c, err := range w.Counters(t.Context(), suiteKinds) {
		if err != nil {
			t.Fatal(err)
		}
		found[c.ID] = c
	}
	return found
}

func testWalkWhole(t *testing.T, open opener) {
	w := open(t)
	if empty, err := store.Empty(t.Context(), w, suiteKinds); err != nil || !empty {
		t.Fatalf("an empty store is empty: %v, %v", empty, err)
	}
	made := fill(t, w, 1300)
	found := recordsOf(t, w)
	for name, want := range made {
		got, ok := found[name]
		if !ok {
			t.Fatalf("%q is not given", name)
		}
		same(t, got, want)
	}
	if len(found) != len(made) {
		t.Fatalf("%d records are given, of %d", len(found), len(made))
	}
	if empty, err := store.Empty(t.Context(), w, suiteKinds); err != nil || empty {
		t.Fatalf("a full store is empty: %v, %v", empty, err)
	}
}

func testWalkCounters(t *testing.T, open opener) {
	w := open(t)
	ctx := t.Context()
	set := func(id string, n int64, ends time.Time) {
		t.Helper()
		if err := w.SetCounter(ctx, store.Counter{Kind: small, ID: id, Value: n, Ends: ends}); err != nil {
			t.Fatal(err)
		}
	}
	is := func(id string, want int64, ends time.Time) {
		t.Helper()
		got, err := w.Counter(ctx, small, id)
		walked, given := countersOf(t, w)[id]
		n, errAdd := w.Add(ctx, small, id, 0, 0)
		if want == 0 {
			if !errors.Is(err, store.ErrNotFound) || given || n != 0 || errAdd != nil {
				t.Fatalf("%s: %+v, %v; given: %t; added: %d, %v; want none", id, got, err, given, n, errAdd)
			}
			return
		}
		if err != nil || !given || got.Value != want || walked.Value != want || n != want || errAdd != nil || got.Kind != small || walked.Kind != small {
			t.Fatalf("%s: %+v, %v; walked %+v; added: %d, %v; want %d", id, got, err, walked, n, errAdd, want)
		}
		for _, c := range []store.Counter{got, walked} {
			if c.Ends.IsZero() != ends.IsZero() || c.Ends.Sub(ends).Abs() > 30*time.Second {
				t.Fatalf("%s ends at %v, want %v", id, c.Ends, ends)
			}
		}
	}
	hour := time.Now().Add(time.Hour)
	is("none", 0, time.Time{})
	set("a", 5, hour)
	is("a", 5, hour)
	set("a", 7, time.Time{})
	is("a", 7, time.Time{})
	set("a", 3, hour.Add(time.Hour))
	is("a", 3, hour.Add(time.Hour))
	if n, err := w.Add(ctx, small, "a", 2, time.Minute); err != nil || n != 5 {
		t.Fatalf("add: %d, %v", n, err)
	}
	is("a", 5, hour.Add(time.Hour)) // the window stays
	set("a", 0, hour)
	is("a", 0, hour)
	set("over", 5, time.Now().Add(-time.Second))
	is("over", 0, hour)
	set("back", -4, hour)
	is("back", -4, hour)
	set("back", 9, time.Now().Add(-time.Second))
	is("back", 0, hour)
	if n, err := w.Add(ctx, small, "back", 1, time.Hour); err != nil || n != 1 {
		t.Fatalf("add to one that was removed: %d, %v", n, err)
	}
}

func testWalkUnknown(t *testing.T, open opener) {
	w := open(t)
	fill(t, w, 0)
	first := func() (errs []error) {
		for _, err := range w.Records(t.Context(), store.NewKinds([]store.Kind{hot})) {
			if err != nil {
				errs = append(errs, err)
			}
		}
		for _, err := range w.Counters(t.Context(), store.NewKinds([]store.Kind{small})) {
			if err != nil {
				errs = append(errs, err)
			}
		}
		return errs
	}()
	if len(first) != 2 || !errors.Is(first[0], store.ErrUnknownKind) || !errors.Is(first[1], store.ErrUnknownKind) {
		t.Fatalf("errors are %v", first)
	}
}

func testWalkEnds(t *testing.T, open opener) {
	w := open(t)
	fill(t, w, 0)
	n := 0
	for range w.Records(t.Context(), suiteKinds) {
		if n++; n == 3 {
			break
		}
	}
	for range w.Counters(t.Context(), suiteKinds) {
		if n++; n == 5 {
			break
		}
	}
	if n != 5 {
		t.Fatalf("%d were given", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range w.Records(ctx, suiteKinds) {
		if err == nil || !errors.Is(err, context.Canceled) {
			t.Fatalf("error is %v", err)
		}
	}
	for _, err := range w.Counters(ctx, suiteKinds) {
		if err == nil || !errors.Is(err, context.Canceled) {
			t.Fatalf("error is %v", err)
		}
	}
}

func copying(from, to store.Walker) *store.Copying {
	return &store.Copying{From: from, To: to, Kinds: suiteKinds, Now: time.Now}
}

// copied copies until both are equal, and gives how much was written.
func copied(t *testing.T, from, to store.Walker) int {
	t.Helper()
	last, changed, err := copying(from, to).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !last.Equal() {
		t.Fatalf("not equal: %+v", last)
	}
	return changed
}

func testCopies(t *testing.T, open opener) {
	first, w, last := open(t), open(t), open(t)
	made := fill(t, first, 300)
	counters := len(countersOf(t, first))
	if n := copied(t, first, w); n != len(made)+counters {
		t.Fatalf("%d were written, of %d records and %d counters", n, len(made), counters)
	}
	if n := copied(t, first, w); n != 0 {
		t.Fatalf("%d were written again", n)
	}
	found := recordsOf(t, w)
	for name, want := range made {
		want.Version = found[name].Version
		same(t, found[name], want)
	}
	s := suite{w}
	for _, kind := range []store.Kind{hot, small} {
		names := oddNames("Walk1")
		s.lists(t, kind, "all", names...)
		for _, name := range names {
			s.lists(t, kind, name, name)
		}
	}
	copied(t, w, last)
	if got, want := slices.Sorted(maps.Keys(recordsOf(t, last))), slices.Sorted(maps.Keys(made)); !slices.Equal(got, want) {
		t.Fatalf("%d records came back, of %d", len(got), len(want))
	}
}

func testCopyAgain(t *testing.T, open opener) {
	from, w := open(t), open(t)
	fill(t, from, 20)
	copied(t, from, w)
	s, ctx := suite{from}, t.Context()
	for _, kind := range []store.Kind{hot, small} {
		s.take(t, kind, "many-00003")
		old, err := from.Get(ctx, kind, "many-00004")
		if err != nil {
			t.Fatal(err)
		}
		s.swap(t, old, store.Record{Kind: kind, ID: old.ID, Value: []byte("new"), Tags: []string{"new"}, Expires: time.Now().Add(time.Hour)})
		s.create(t, store.Record{Kind: kind, ID: "fresh", Tags: []string{"new"}})
		suite{w}.create(t, store.Record{Kind: kind, ID: "extra", Tags: []string{"new"}})
	}
	for _, end := range []error{
		from.SetCounter(ctx, store.Counter{Kind: hot, ID: "Walk1", Value: 77}),
		from.SetCounter(ctx, store.Counter{Kind: hot, ID: "Walk1 "}),
		w.SetCounter(ctx, store.Counter{Kind: hot, ID: "extra", Value: 1}),
	} {
		if end != nil {
			t.Fatal(end)
		}
	}
	differs, err := copying(from, w).Compare(ctx)
	if err != nil || differs.Equal() {
		t.Fatalf("compare: %+v, %v", differs, err)
	}
	want := map[string]store.Difference{hot.Name: {Missing: 1, Other: 2, Extra: 4}, small.Name: {Missing: 1, Other: 1, Extra: 2}}
	if !maps.Equal(differs.Differs, want) {
		t.Fatalf("it differs in %+v, want %+v", differs.Differs, want)
	}
	if n := copied(t, from, w); n != differs.Count() {
		t.Fatalf("%d were written", n)
	}
	for _, kind := range []store.Kind{hot, small} {
		suite{w}.lists(t, kind, "new", "fresh", "many-00004")
		suite{w}.missing(t, kind, "many-00003")
	}
}
