package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// A running server tells its operator when the signing keys in the store can no longer be read.
func TestDamagedKeysAreWarnedOf(t *testing.T) {
	warned := make(chan string, 1)
	a, err := openApp(t.Context(), &Config{Store: "memory:", Issuer: "http://localhost:1"}, func(w string) { warned <- w })
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, err := a.store.Get(t.Context(), store.Kind{Name: "keyring"}, "ES256")
	if err != nil {
		t.Fatal(err)
	}
	torn := old
	torn.Value = old.Value[:len(old.Value)/2]
	if _, err := a.store.Swap(t.Context(), old, torn); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go a.keys.Run(ctx)
	select {
	case w := <-warned:
		if !strings.Contains(w, "signing keys in the store are missing or damaged") {
			t.Errorf("warned %q", w)
		}
	case <-ctx.Done():
		t.Error("no warning")
	}
}
