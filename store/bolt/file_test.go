package bolt

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/grantor-dev/grantor/store"
)

func TestFileAndFolderArePrivate(t *testing.T) {
	path := fresh(t)
	open(t, path, Options{})
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestAReadableFileIsWarnedOf(t *testing.T) {
	path := sample(t, 1)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	open(t, path, Options{Warn: func(s string) { warnings = append(warnings, s) }})
	if len(warnings) != 1 || !strings.Contains(warnings[0], "0644") {
		t.Errorf("warnings: %q", warnings)
	}
}

// sample makes a closed store of n things and n counters.
func sample(t *testing.T, n int) string {
	t.Helper()
	path := fresh(t)
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := thing(i)
		r.ID, r.Value = fmt.Sprintf("id-%06d", i), bytes.Repeat([]byte{'v'}, i%700)
		r.Expires = time.Now().Add(time.Hour)
		if _, err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Create(t.Context(), store.Record{Kind: kind, ID: "large", Value: make([]byte, 100_000)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestADamagedFileOpensWholeOrNotAtAll damages a store in many ways. It either opens, and then holds all that it held
// before its last write, or is refused by a clear error; it is never empty, and the process lives.
func TestADamagedFileOpensWholeOrNotAtAll(t *testing.T) {
	const things = 300
	path := sample(t, things)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	type damage struct {
		name string
		do   func(b []byte) []byte
		must error // nil: it may open
	}
	noise := func(b []byte) { _, _ = rand.Read(b) }
	used := int(tailOf(t, path))
	cases := []damage{
		{"nothing", func(b []byte) []byte { return b }, nil},
		{"one byte", func([]byte) []byte { return []byte{0} }, ErrDamaged},
		{"text", func([]byte) []byte { return []byte(strings.Repeat("not a store\n", 5000)) }, ErrDamaged},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }, ErrDamaged},
		{"noise", func(b []byte) []byte { noise(b); return b }, ErrDamaged},
		{"first page gone", func(b []byte) []byte { clear(b[:pageSize]); return b }, nil},
		{"second page gone", func(b []byte) []byte { clear(b[pageSize : 2*pageSize]); return b }, nil},
		{"both heads gone", func(b []byte) []byte { clear(b[:2*pageSize]); return b }, ErrDamaged},
		{"heads torn", func(b []byte) []byte { noise(b[40:80]); noise(b[pageSize+40 : pageSize+80]); return b }, ErrDamaged},
		{"all but the heads gone", func(b []byte) []byte { clear(b[2*pageSize:]); return b }, ErrDamaged},
		{"all but the heads noise", func(b []byte) []byte { noise(b[2*pageSize:]); return b }, ErrDamaged},
		{"garbage behind the end", func(b []byte) []byte { return append(b, []byte(strings.Repeat("garbage", 9999))...) }, nil},
		{"heads only", func(b []byte) []byte { return b[:2*pageSize] }, ErrDamaged},
		{"half a page missing", func(b []byte) []byte { return b[:used-pageSize/2] }, ErrDamaged},
	}
	for at := 0; at < used; at += 3*pageSize + 1000 {
		cases = append(cases,
			damage{fmt.Sprintf("cut at %d", at), func(b []byte) []byte { return b[:at] }, nil},
			damage{fmt.Sprintf("zeros from %d", at), func(b []byte) []byte { clear(b[at:]); return b }, nil},
			damage{fmt.Sprintf("zeros at %d", at), func(b []byte) []byte { clear(b[at:min(at+512, used)]); return b }, nil},
			damage{fmt.Sprintf("noise at %d", at), func(b []byte) []byte { noise(b[at:min(at+64, used)]); return b }, nil},
			damage{fmt.Sprintf("a page of another place at %d", at), func(b []byte) []byte {
				page := at / pageSize * pageSize
				copy(b[page:page+pageSize], whole[used/2/pageSize*pageSize:])
				return b
			}, nil})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			damaged := c.do(bytes.Clone(whole))
			if len(damaged) == 0 {
				return // an empty file is a new store
			}
			copied := filepath.Join(t.TempDir(), "grantor.db")
			if err := os.WriteFile(copied, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(copied, Options{noSweep: true})
			if err != nil {
				refused(t, err, copied, damaged)
				return
			}
			defer s.Close()
			if c.must != nil {
				t.Fatalf("it opened, want %v", c.must)
			}
			holds(t, s, things)
		})
	}
}

func refused(t *testing.T, err error, path string, want []byte) {
	t.Helper()
	if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), path) {
		t.Fatalf("the error is not clear: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the refused file was changed: %v", err)
	}
}

// holds checks that the things are there, by id and by tag.
func holds(t *testing.T, s *Store, things int) {
	t.Helper()
	for i := range things {
		if _, err := s.Get(t.Context(), kind, fmt.Sprintf("id-%06d", i)); err != nil {
			t.Fatalf("thing %d: %v", i, err)
		}
		if page, _, err := s.List(t.Context(), kind, fmt.Sprintf("owner:%d", i), "", 10); err != nil || len(page) != 1 {
			t.Fatalf("owner of thing %d: %d, %v", i, len(page), err)
		}
	}
	if _, err := s.Create(t.Context(), thing(1)); err != nil {
		t.Fatal(err)
	}
}

func tailOf(t *testing.T, path string) (size int64) {
	t.Helper()
	s, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.db.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	return size
}

func TestForeignAndNewerFilesAreRefused(t *testing.T) {
	for name, change := range map[string]func(*bbolt.Tx) error{
		"newer": func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketMeta).Put(keyFormat, seal(keyFormat, binary.BigEndian.AppendUint32(nil, format+1)))
		},
		"without a number": func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyFormat) },
		"foreign":          func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucketMeta) },
	} {
		t.Run(name, func(t *testing.T) {
			path := sample(t, 3)
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(change), db.Close()); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			_, err = Open(path, Options{})
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error is %v", err)
			}
			refused(t, err, path, before)
		})
	}
}

// A file that another tool has written with a list of free pages is checked with that list.
func TestAFileWithAFreelistOpens(t *testing.T) {
	path := sample(t, 300)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	holds(t, open(t, path, Options{}), 300)
}

func TestAnInterruptedFirstStartIsContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantor.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path, Options{}).Create(t.Context(), thing(1)); err != nil {
		t.Fatal(err)
	}
}

func TestReadOnly(t *testing.T) {
	path := sample(t, 5)
	s := open(t, path, Options{ReadOnly: true})
	other := open(t, path, Options{ReadOnly: true}) // several may look
	for _, s := range []*Store{s, other} {
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), kind, "id-000003"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Create(t.Context(), thing(1)); !store.IsUnavailable(err) || !errors.Is(err, errReadOnly) {
		t.Fatalf("create: %v", err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Fatalf("a writer beside a reader: %v", err)
	}
	if _, err := Open(path+"x", Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a missing file: %v", err)
	}
	if _, err := os.Stat(path + "x"); err == nil {
		t.Fatal("it was created")
	}
}

func TestAFolderIsRefused(t *testing.T) {
	if _, err := Open(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Fatalf("error is %v", err)
	}
}
