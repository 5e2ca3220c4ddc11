package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

// installation is a store as a server leaves it, with so many sessions.
func installation(t *testing.T, secret string, sessions int) *copyable {
	t.Helper()
	s := memory.New()
	records := []store.Record{{Kind: kinds()["keyring"], ID: "secret", Value: []byte(secret)}}
	for i := range sessions {
		records = append(records, store.Record{Kind: kinds()["session"], ID: fmt.Sprint(i), Tags: []string{"user:1"}})
	}
	for _, r := range records {
		if _, err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return &copyable{s, secret, s.Close}
}

// torn is a store whose reading ends in the middle.
type torn struct{ store.Walker }

var errTorn = errors.New("the connection is gone")

func (b torn) Records(ctx context.Context, kinds store.Kinds) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		n := 0
		for r, err := range b.Walker.Records(ctx, kinds) {
			if n++; n > 50 {
				yield(store.Record{}, errTorn)
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestACopyThatWasInterruptedIsNotUsedAndCanBeFinished(t *testing.T) {
	from, to := installation(t, "a", 100), &copyable{memory.New(), "to", nil}
	interrupted := &transfer{from: &copyable{torn{from}, "torn", nil}, to: to}
	if _, err := interrupted.run(t.Context()); !errors.Is(err, errTorn) {
		t.Fatalf("error is %v", err)
	}
	if err := store.PutInUse(t.Context(), to); !errors.Is(err, store.ErrUnfinished) {
		t.Fatalf("half a copy is put in use: %v", err)
	}
	onward := &transfer{from: to, to: &copyable{memory.New(), "third", nil}}
	if _, err := onward.run(t.Context()); err == nil {
		t.Error("half a copy is copied")
	}
	onward.force = true
	if _, err := onward.run(t.Context()); err != nil && !strings.Contains(err.Error(), "no server has worked on it") {
		t.Errorf("half a copy is not saved: %v", err)
	}
	done, err := (&transfer{from: from, to: to}).run(t.Context())
	if err != nil || !done.Equal || done.Records != 101 {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := store.PutInUse(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if _, err := (&transfer{from: from, to: to}).run(t.Context()); err == nil {
		t.Error("a store in use is copied over")
	}
}

func TestNothingIsCopiedOverAnotherStore(t *testing.T) {
	a, b := installation(t, "a", 3), installation(t, "b", 3)
	if _, err := (&transfer{from: a, to: b}).run(t.Context()); err == nil {
		t.Error("another installation is replaced")
	}
	c := &copyable{memory.New(), "c", nil}
	if _, err := (&transfer{from: a, to: c}).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := (&transfer{from: b, to: c}).run(t.Context()); err == nil {
		t.Error("a copy of another store is replaced")
	}
	if done, err := (&transfer{from: b, to: c, force: true}).run(t.Context()); err != nil || !done.Equal {
		t.Errorf("with force: %+v, %v", done, err)
	}
	identity, err := oauth.StoreIdentity(t.Context(), c)
	if want, _ := oauth.StoreIdentity(t.Context(), b); err != nil || identity != want {
		t.Errorf("the copy is of %s, %v", identity, err)
	}
	if _, err := (&transfer{from: &copyable{memory.New(), "empty", nil}, to: &copyable{memory.New(), "d", nil}}).run(t.Context()); err == nil {
		t.Error("nothing is copied")
	}
	if _, err := (&transfer{from: a, to: a, force: true}).run(t.Context()); err == nil {
		t.Error("a store is copied into itself")
	}
	if err := store.PutInUse(t.Context(), a); err != nil {
		t.Errorf("and cannot be used any more: %v", err)
	}
}
