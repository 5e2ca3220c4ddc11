//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// staleLock is the age at which a lock belongs to a process that died: longer than anybody waits for a server.
const staleLock = 2 * remoteTimeout

// lockFile waits until this process alone has the lock: a file that only one can make.
func lockFile(path string) (unlock func(), err error) {
	for deadline := time.Now().Add(2 * staleLock); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			return func() { _ = os.Remove(path) }, f.Close()
		}
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) { // Windows says so of a file that is just removed
			return nil, err
		}
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > staleLock {
			_ = os.Remove(path) // by its owner or by us: then it is gone
		}
	}
	return nil, fmt.Errorf("another command holds %s", path)
}
