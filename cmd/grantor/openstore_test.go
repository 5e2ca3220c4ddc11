package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
)

func TestEveryKindOfStoreOpensByItsURL(t *testing.T) {
	key := secret(hex.EncodeToString(sampleKey()))
	for name, c := range map[string]*Config{
		"memory": {Store: "memory:"},
		"bolt":   {Store: storeURL("bolt:" + filepath.Join(t.TempDir(), "data", "grantor.db"))},
		"redis":  {Store: storeURL(redistest.Start(t)), MasterKey: key},
	} {
		t.Run(name, func(t *testing.T) {
			b, key, err := openStore(t.Context(), c, func(string) {})
			if err != nil || len(key) != masterKeySize {
				t.Fatal(err)
			}
			if err := b.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := b.Create(t.Context(), store.Record{Kind: store.Kind{Name: "thing"}, ID: "a", Value: []byte("b")}); err != nil {
				t.Error(err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEmbeddedStoreOpensAgainWithItsKey(t *testing.T) {
	c := &Config{Store: storeURL("bolt:" + filepath.Join(t.TempDir(), "grantor.db"))}
	first, key, err := openStore(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := openStore(t.Context(), c, nil); !errors.Is(err, bolt.ErrLocked) || !strings.Contains(err.Error(), "grantor serve") {
		t.Errorf("the store opens twice: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, again, err := openStore(t.Context(), c, nil)
	if err != nil || !bytes.Equal(key, again) {
		t.Fatal("another key", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoStoreIsMadeWithoutAKey(t *testing.T) {
	dir := t.TempDir()
	c := &Config{Store: storeURL("bolt:" + filepath.Join(dir, "grantor.db")), MasterKeyFile: dir} // not a file
	if _, _, err := openStore(t.Context(), c, nil); err == nil {
		t.Error("opened")
	}
	if made, _ := filepath.Glob(filepath.Join(dir, "*")); len(made) != 0 {
		t.Errorf("made %v", made)
	}
}

func TestWrongStoresAreRefusedWithoutTellingThePassword(t *testing.T) {
	for _, url := range []storeURL{"redis://:hunter2@a:b:c", "redis://:hunter2@host:99999", "redis://:hunter2@host/%zz",
		"redis+cluster://:hunter2@a:1,b:x", "etcd://:hunter2@a", "rediss://:hunter2@host/notanumber", "redis://:hunter2@host?nonsense=hunter2"} {
		c := &Config{Store: url, MasterKey: secret(hex.EncodeToString(sampleKey()))}
		ctx, cancel := context.WithCancel(t.Context())
		b, _, err := openStore(ctx, c, nil)
		cancel()
		if err == nil {
			t.Errorf("%s opened", url)
			_ = b.Close() // the test has failed already
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
