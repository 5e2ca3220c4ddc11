package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// changingStore is an embedded store whose key lies beside it in a file, as commands know it.
type changingStore struct {
	t      *testing.T
	config *Config
	change *keyChange
}

func newChangingStore(t *testing.T) *changingStore {
	s := &changingStore{t: t, config: &Config{Store: storeURL("bolt:" + filepath.Join(t.TempDir(), "grantor.db"))}}
	if out, err := s.run("client", "create", "--client-id", "signer", "--grant-type", "client_credentials", "--format", "jwt"); err != nil {
		t.Fatal(err, out)
	}
	old, err := readKey(s.config.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	s.change = &keyChange{old: old, next: sampleKey(), file: s.config.keyFile()}
	return s
}

func (s *changingStore) run(args ...string) (string, error) {
	var out bytes.Buffer
	environ := []string{"GRANTOR_STORE=" + string(s.config.Store), "GRANTOR_PASSWORD_MEMORY=64", "GRANTOR_PASSWORD_TIME=1",
		"HOME=" + s.t.TempDir(), "XDG_CONFIG_HOME=" + s.t.TempDir()}
	err := run(s.t.Context(), args, environ, strings.NewReader(""), &out, &out)
	return out.String(), err
}

// seal does what the command does to the records, until the power fails after some writes.
func (s *changingStore) seal(writes int) {
	s.t.Helper()
	b, err := openBackend(s.t.Context(), s.config, func(string) {})
	if err != nil {
		s.t.Fatal(err)
	}
	defer b.Close()
	old, _ := jose.NewSealer(s.change.old)   // of the right size
	next, _ := jose.NewSealer(s.change.next) // likewise
	cut := &cutStore{Backend: b, left: writes}
	if _, err := (oauth.MasterChange{Backend: cut, Old: old, New: next}).Run(s.t.Context()); err != nil && !errors.Is(err, errCut) {
		s.t.Fatal(err)
	}
}

var errCut = errors.New("the power fails")

type cutStore struct {
	store.Backend
	left int
}

func (c *cutStore) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	if c.left--; c.left < 0 {
		return 0, errCut
	}
	return c.Backend.Swap(ctx, old, next)
}

// Wherever the power fails, what is there says so, and the same command finishes it under the key that it began with.
func TestInterruptedChangeOfTheMasterKeyIsFinished(t *testing.T) {
	const all = 100
	keep := func(path string, key []byte) {
		if err := keepKey(path, key); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		writes  int
		oldKept bool
		stands  bool
		said    string
	}{
		"before the first record": {stands: true, said: "Sealed 2 of 2"},
		"after the first record":  {writes: 1, said: "Sealed 2 of 2"},
		"after the second record": {writes: 2, said: "Sealed 1 of 2"},
		"before the file":         {writes: all, said: "Sealed 0 of 2"},
		"within the file":         {writes: all, oldKept: true, said: "Sealed 0 of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newChangingStore(t)
			keep(s.change.pending(), s.change.next)
			s.seal(c.writes)
			if c.oldKept {
				keep(s.change.kept(), s.change.old)
			}
			_, err := s.run("key", "list")
			if c.stands != (err == nil) || err != nil && !errors.Is(err, oauth.ErrMasterChanging) {
				t.Errorf("meanwhile: %v", err)
			}
			if out, err := s.run("masterkey", "change", "--new-key-file", s.change.file); err == nil {
				t.Errorf("goes on with another key: %s", out)
			}
			out, err := s.run("masterkey", "change")
			if err != nil || !strings.Contains(out, c.said) {
				t.Fatal(out, err)
			}
			for path, want := range map[string][]byte{s.change.file: s.change.next, s.change.kept(): s.change.old} {
				if key, err := readKey(path); err != nil || !bytes.Equal(key, want) {
					t.Errorf("%s: %v", path, err)
				}
			}
			if _, err := os.Stat(s.change.pending()); err == nil {
				t.Error("the file of the new key is left over")
			}
			if out, err := s.run("token", "issue", "--client", "signer"); err != nil {
				t.Error(out, err)
			}
			if out, err := s.run("key", "list", "--master-key-file", s.change.kept()); !errors.Is(err, oauth.ErrWrongMaster) {
				t.Errorf("with the old key: %s, %v", out, err)
			}
		})
	}
}

func TestMasterKeyIsNotChangedUnderAServer(t *testing.T) {
	s := newChangingStore(t)
	b, err := openBackend(t.Context(), s.config, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var locked *lockedError
	if out, err := s.run("masterkey", "change"); !errors.As(err, &locked) {
		t.Error(out, err)
	}
	if left, _ := filepath.Glob(s.change.file + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A folder that cannot be written is noticed before the first record is.
func TestMasterKeyIsNotChangedWhereTheNewOneCannotBeKept(t *testing.T) {
	s := newChangingStore(t)
	apart := filepath.Join(t.TempDir(), "secrets")
	if err := os.Mkdir(apart, 0o700); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(apart, "key")
	if err := os.Rename(s.change.file, key); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere/at/all", key+".new"); err != nil { // as root may write everywhere
		t.Fatal(err)
	}
	if out, err := s.run("masterkey", "change", "--master-key-file", key); err == nil {
		t.Errorf("changed: %s", out)
	}
	if out, err := s.run("key", "list", "--master-key-file", key); err != nil {
		t.Error(out, err)
	}
}
