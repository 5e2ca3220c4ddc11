package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const masterKeySize = 32

// masterKey gives the key that seals signing keys at rest: from the configuration, from its file, or, for the memory
// store, a random one. The file is made when it is absent, before the store itself is: a store that stands there without
// its key has lost it, and a new one would open nothing.
func masterKey(c *Config) ([]byte, error) {
	if c.MasterKey != "" {
		return parseMasterKey(string(c.MasterKey))
	}
	if path := c.MasterKeyFile; path != "" {
		return keyFromFile(path)
	}
	switch {
	case c.Store.scheme() == "bolt":
		return keyBesideStore(c.Store.path())
	case c.Store.scheme() == "memory":
		return newMasterKey(), nil
	}
	key, err := keyFromFile(defaultKeyFile)
	if err != nil {
		return nil, fmt.Errorf("%w: set GRANTOR_MASTER_KEY (32 bytes in base64 or hex), the same on every node", err)
	}
	return key, nil
}

// keyFile names the file of the master key, where the key stands in none of the variables.
func (c *Config) keyFile() string {
	switch {
	case c.MasterKeyFile != "":
		return c.MasterKeyFile
	case c.Store.scheme() == "bolt":
		return c.Store.path() + ".key"
	}
	return defaultKeyFile
}

// defaultKeyFile is where the key lies of a store that other nodes may share. Each of them needs the same key: a node with
// another one says so and does not start.
const defaultKeyFile = "data/master.key"

// parseMasterKey reads 32 bytes in hex or in base64, standard or for URLs. Its errors do not repeat the text.
func parseMasterKey(s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	key, err := decodeKey(s)
	if err != nil || len(key) != masterKeySize {
		return nil, errors.New("a master key is 32 bytes in base64 or hex: make one with `openssl rand -base64 32`")
	}
	if strings.Count(string(key), string(key[:1])) == len(key) {
		return nil, errors.New("the master key repeats one byte: make a random one with `openssl rand -base64 32`")
	}
	return key, nil
}

func decodeKey(s string) ([]byte, error) {
	if len(s) == hex.EncodedLen(masterKeySize) {
		return hex.DecodeString(s)
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.Strict().DecodeString(s)
}

func newMasterKey() []byte {
	key := make([]byte, masterKeySize)
	_, _ = rand.Read(key) // never fails
	return key
}

func keyBesideStore(store string) ([]byte, error) {
	path := store + ".key"
	// In this order: a process that starts beside this one makes the key before the store.
	_, storeErr := os.Stat(store)
	_, keyErr := os.Stat(path)
	if storeErr == nil && errors.Is(keyErr, fs.ErrNotExist) {
		return nil, fmt.Errorf("the store %s has lost its master key %s: put the file back, or set GRANTOR_MASTER_KEY "+
			"if the store was used with one", store, path)
	}
	return keyFromFile(path)
}

// keyFromFile reads the key, or makes it where the file is absent. Of several processes that make it at once one wins
// and all read the same.
func keyFromFile(path string) ([]byte, error) {
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeKey(path, newMasterKey()); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create master key: %w", err)
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("master key %s is not a regular file", path)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" { // where these bits say nothing
		return nil, fmt.Errorf("master key %s is open to other users (mode %04o): run chmod 600 %s, and replace the key if others could read it",
			path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	key, err := parseMasterKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", path, err)
	}
	return key, nil
}

// makeKey writes a whole key under another name and links it into place: the file never stands there half written, and
// never replaces one that exists. It is on disk before the first thing is sealed under it.
func makeKey(path string, key []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".master-*.key") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if err := writeKey(temp, key); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDirectory(dir)
}

func writeKey(f *os.File, key []byte) error {
	_, err := f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDirectory(path string) error {
	if runtime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
