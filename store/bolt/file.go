package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	lockTimeout = time.Second // a process that is just ending still gets to release the file
	pageSize    = 4096        // fixed, so that a file means the same on every machine
	modeFile    = 0o600
	modeDir     = 0o700
)

// openDB gives an open file that was found whole, and the number of its last transaction.
func openDB(path string, o Options) (*bbolt.DB, int, error) {
	exists, err := prepare(path, o)
	if err != nil {
		return nil, 0, err
	}
	if !exists && o.ReadOnly {
		return nil, 0, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	db, err := openChecked(path, o, exists)
	if err != nil {
		return nil, 0, err
	}
	committed := 0
	err = db.View(func(tx *bbolt.Tx) error {
		committed = tx.ID()
		return nil
	})
	if err != nil {
		return nil, 0, errors.Join(err, db.Close())
	}
	return db, committed, nil
}

// prepare reports whether there is a file with content, and makes its folder.
func prepare(path string, o Options) (exists bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if o.ReadOnly {
			return false, nil
		}
		return false, os.MkdirAll(filepath.Dir(path), modeDir)
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, errors.New("it is not a regular file")
	}
	if info.Mode().Perm()&0o007 != 0 {
		o.Warn(fmt.Sprintf("store file %s has mode %04o: every account of this machine can use it; chmod 600 it", path, info.Mode().Perm()))
	}
	return info.Size() > 0, nil
}

// openChecked looks at a file that exists through a handle for reading before anything may write to it: bbolt trusts
// what it maps, and a process does not survive its mistakes.
func openChecked(path string, o Options, exists bool) (*bbolt.DB, error) {
	if exists {
		db, err := openReadOnly(path, o)
		if err != nil || o.ReadOnly {
			return db, err
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
	}
	db, err := openRaw(path, o)
	if err != nil {
		return nil, err
	}
	if err := initialize(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if exists {
		return db, nil
	}
	// Without this a power cut may take away the whole file after it has acknowledged writes.
	if err := syncDirs(path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func openReadOnly(path string, o Options) (*bbolt.DB, error) {
	o.ReadOnly = true
	var file *os.File
	open := o.openFile
	o.openFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		file, err = open(name, flag, mode)
		return file, err
	}
	db, err := openRaw(path, o)
	if err != nil {
		return nil, err
	}
	if err := inspect(db, file); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openRaw opens the file by bbolt and says in our words what went wrong.
func openRaw(path string, o Options) (*bbolt.DB, error) {
	db, err := openMapped(path, o, mapSize())
	if errors.Is(err, syscall.ENOMEM) {
		db, err = openMapped(path, o, 0) // the address space is limited
	}
	var system syscall.Errno
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("another grantor process has %s open: %w", path, ErrLocked)
	case errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	case errors.As(err, &system), errors.Is(err, ErrDamaged):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
}

func openMapped(path string, o Options, size int) (db *bbolt.DB, err error) {
	var file *os.File
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(fmt.Errorf("%w: %v", ErrDamaged, p), file.Close())
		}
	}()
	return bbolt.Open(path, modeFile, &bbolt.Options{
		Timeout:         lockTimeout,
		ReadOnly:        o.ReadOnly,
		PageSize:        pageSize,
		InitialMmapSize: size,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true,
		NoStatistics:    true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			file, err = o.openFile(name, flag, mode)
			return file, err
		},
	})
}

// mapSize is address space, not memory. With enough of it the file never has to be mapped anew while it grows, for
// which all readers, a backup among them, would have to stand still.
func mapSize() int {
	if strconv.IntSize < 64 || runtime.GOOS == "windows" { // Windows makes the file itself so large
		return 0
	}
	gigabytes := 64
	return gigabytes << 30
}

// inspect checks a file that is open for reading only.
func inspect(db *bbolt.DB, file *os.File) error {
	return db.View(func(tx *bbolt.Tx) error {
		unsealed, err := checkFile(tx, file, db.Info().PageSize)
		if err == nil {
			err = checkFormat(tx)
		}
		if err == nil { // values of another format may have no checksums
			err = unsealed
		}
		if err != nil && !errors.Is(err, ErrFormat) {
			return fmt.Errorf("%w (nothing was changed; restore a backup): %w", ErrDamaged, err)
		}
		return err
	})
}

func checkFormat(tx *bbolt.Tx) error {
	first, _ := tx.Cursor().First()
	meta := tx.Bucket(bucketMeta)
	if meta == nil && first == nil {
		return nil // the first start ended before it had written anything
	}
	if meta == nil {
		return fmt.Errorf("%w: it belongs to another program", ErrFormat)
	}
	b, err := lookup(meta, keyFormat)
	if err != nil {
		return err
	}
	if len(b) != 4 {
		return fmt.Errorf("%w: it has no number of a format", ErrFormat)
	}
	if found := binary.BigEndian.Uint32(b); found > format {
		return fmt.Errorf("%w: format %d was written by a newer grantor, this one knows formats up to %d", ErrFormat, found, format)
	}
	return nil
}

func initialize(db *bbolt.DB) (err error) {
	defer recovered(&err)
	return db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketIndex, bucketCounter, bucketExpiry} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		if meta.Get(keyFormat) != nil {
			return nil
		}
		return meta.Put(keyFormat, seal(keyFormat, binary.BigEndian.AppendUint32(nil, format)))
	})
}

// syncDirs makes the name of the file durable, and that of its folder, which may be new as well.
func syncDirs(path string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced there
	}
	dir := filepath.Dir(path)
	for _, d := range []string{dir, filepath.Dir(dir)} {
		f, err := os.Open(d)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("sync folder %s: %w", d, err)
		}
	}
	return nil
}
