package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func sampleKey() []byte {
	key := make([]byte, masterKeySize)
	for i := range key {
		key[i] = byte(255 - i) // has + and / in base64
	}
	return key
}

func TestMasterKeyIsReadInEveryUsualNotation(t *testing.T) {
	key := sampleKey()
	for _, text := range []string{
		hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)), base64.StdEncoding.EncodeToString(key),
		base64.RawStdEncoding.EncodeToString(key), base64.URLEncoding.EncodeToString(key),
		base64.RawURLEncoding.EncodeToString(key), " " + base64.StdEncoding.EncodeToString(key) + "\r\n",
	} {
		if got, err := parseMasterKey(text); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWrongMasterKeysAreRefusedWithoutRepeatingThem(t *testing.T) {
	key := sampleKey()
	for _, text := range []string{
		"", "hunter2", string(key), hex.EncodeToString(key[:31]), hex.EncodeToString(append(sampleKey(), 1)),
		base64.StdEncoding.EncodeToString(key[:31]), base64.StdEncoding.EncodeToString(append(sampleKey(), 1)),
		strings.Repeat("0", 64), strings.Repeat("A", 43), strings.Repeat("g", 64), base64.StdEncoding.EncodeToString(key) + "!",
	} {
		_, err := parseMasterKey(text)
		if err == nil || (text != "" && strings.Contains(err.Error(), text)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMasterKeyIsMadeBesideTheStore(t *testing.T) {
	store := filepath.Join(t.TempDir(), "data", "grantor.db")
	c := &Config{Store: storeURL("bolt:" + store)}
	first, err := masterKey(c)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{filepath.Dir(store): 0o700, store + ".key": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := os.WriteFile(store, []byte("records"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := masterKey(c); err != nil || !bytes.Equal(again, first) {
		t.Errorf("another key at the second start: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(store), ".master-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAStoreWhoseKeyIsLostGetsNoNewOne(t *testing.T) {
	store := filepath.Join(t.TempDir(), "grantor.db")
	if err := os.WriteFile(store, []byte("records"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Config{Store: storeURL("bolt:" + store)}
	if _, err := masterKey(c); err == nil || !strings.Contains(err.Error(), "has lost its master key") {
		t.Error(err)
	}
	if _, err := os.Stat(store + ".key"); err == nil {
		t.Error("a key was made")
	}
	c.MasterKey = secret(hex.EncodeToString(sampleKey()))
	if _, err := masterKey(c); err != nil {
		t.Error(err)
	}
}

func TestMasterKeyFileOpenToOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	text := []byte(hex.EncodeToString(sampleKey()))
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o644: false} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := masterKey(&Config{Store: "redis://x", MasterKeyFile: path})
		if (err == nil) != good {
			t.Errorf("%o: %v", mode, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedMasterKeyFilesAreRefusedAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for _, text := range []string{"", "hunter2", strings.Repeat("x", 5000)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := masterKey(&Config{Store: "redis://x", MasterKeyFile: path})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
		if kept, _ := os.ReadFile(path); string(kept) != text {
			t.Errorf("%q was overwritten", text)
		}
	}
	if _, err := masterKey(&Config{Store: "redis://x", MasterKeyFile: t.TempDir()}); err == nil {
		t.Error("a directory is a key")
	}
}

func TestProcessesThatStartTogetherShareOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "key")
	keys := make([][]byte, 8)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() {
			var err error
			if keys[i], err = masterKey(&Config{Store: "redis://x", MasterKeyFile: path}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, key := range keys {
		if !bytes.Equal(key, keys[0]) {
			t.Fatal("two keys")
		}
	}
}

func TestMasterKeysOfOtherStores(t *testing.T) {
	a, errA := masterKey(&Config{Store: "memory:"})
	b, errB := masterKey(&Config{Store: "memory:"})
	if errA != nil || errB != nil || len(a) != masterKeySize || bytes.Equal(a, b) {
		t.Error("the memory store has no random key", errA, errB)
	}
	t.Chdir(t.TempDir())
	first, err := masterKey(&Config{Store: "redis://x"})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := masterKey(&Config{Store: "redis://x"}); err != nil || !bytes.Equal(first, again) {
		t.Error("the key of a Redis store is not kept", err)
	}
}
