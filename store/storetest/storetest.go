// Package storetest is the one suite that every store.Backend passes. It runs against real backends, so it uses ids that
// nobody used before and never assumes an empty store.
package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// The kinds of the suite: hot holds spread records, small holds administrative ones.
var (
	hot   = store.Kind{Name: "suite_hot", Spread: true}
	small = store.Kind{Name: "suite_small"}
)

// Run tests a backend. open is called once for each part and closes what it opened in t.Cleanup; what it gives may be the
// same store each time. The clock of the backend must be the real one.
func Run(t *testing.T, open func(t *testing.T) store.Backend) {
	for _, part := range []struct {
		name string
		test func(*testing.T, suite)
	}{
		{"records", testRecords},
		{"races", testRaces},
		{"expiry", testExpiry},
		{"lists", testLists},
		{"counters", testCounters},
		{"names", testNames},
		{"values", testValues},
		{"contexts", testContexts},
		{"collection", testCollection},
		{"cache", testCache},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, suite{open(t)}) })
	}
}

// suite is the backend under test with the checks that its parts share.
type suite struct{ store.Backend }

// each runs a test for both sorts of kind.
func (s suite) each(t *testing.T, name string, test func(t *testing.T, kind store.Kind)) {
	for _, kind := range []store.Kind{hot, small} {
		t.Run(name+"/"+kind.Name, func(t *testing.T) { test(t, kind) })
	}
}

// fresh gives a name that no other test uses.
func fresh(prefix string) string { return prefix + "-" + rand.Text() }

func (s suite) create(t *testing.T, r store.Record) store.Record {
	t.Helper()
	version, err := s.Create(t.Context(), r)
	if err != nil {
		t.Fatalf("create %s %q: %v", r.Kind.Name, r.ID, err)
	}
	if version == 0 {
		t.Fatalf("create %s %q: version 0", r.Kind.Name, r.ID)
	}
	r.Version = version
	return r
}

func (s suite) swap(t *testing.T, old, next store.Record) store.Record {
	t.Helper()
	version, err := s.Swap(t.Context(), old, next)
	if err != nil {
		t.Fatalf("swap %s %q: %v", old.Kind.Name, old.ID, err)
	}
	if version == 0 || version == old.Version {
		t.Fatalf("swap %s %q: version %d follows %d", old.Kind.Name, old.ID, version, old.Version)
	}
	next.Version = version
	return next
}

func (s suite) take(t *testing.T, kind store.Kind, id string) store.Record {
	t.Helper()
	r, err := s.Take(t.Context(), kind, id)
	if err != nil {
		t.Fatalf("take %s %q: %v", kind.Name, id, err)
	}
	return r
}

func (s suite) missing(t *testing.T, kind store.Kind, id string) {
	t.Helper()
	if r, err := s.Get(t.Context(), kind, id); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("get %s %q gave version %d, %v; want ErrNotFound", kind.Name, id, r.Version, err)
	}
}

func (s suite) stored(t *testing.T, want store.Record) {
	t.Helper()
	got, err := s.Get(t.Context(), want.Kind, want.ID)
	if err != nil {
		t.Fatalf("get %s %q: %v", want.Kind.Name, want.ID, err)
	}
	same(t, got, want)
}

// same compares two records; of values it tells only the size.
func same(t *testing.T, got, want store.Record) {
	t.Helper()
	if string(got.Value) != string(want.Value) {
		t.Fatalf("%s %q has another value, of %d bytes; want %d bytes", want.Kind.Name, want.ID, len(got.Value), len(want.Value))
	}
	expires := want.Expires.Equal(got.Expires)
	if !want.Expires.IsZero() {
		expires = want.Expires.UnixMilli() == got.Expires.UnixMilli()
	}
	if got.Kind != want.Kind || got.ID != want.ID || got.Version != want.Version || !expires ||
		fmt.Sprintf("%q", got.Tags) != fmt.Sprintf("%q", want.Tags) {
		got.Value, want.Value = nil, nil
		t.Fatalf("record is %+v, want %+v", got, want)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

// eventually tries until holds returns true.
func eventually(t *testing.T, what string, within time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
