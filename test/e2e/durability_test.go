package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// The files of the embedded store. What it acknowledged holds through kills: test/chaos.

func TestASecondProcessOnOneFileIsRefused(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Store: authtest.Bolt})
	s.App("web").Machine(t)
	second, err := authtest.Run(authtest.Options{Store: s.Store(), MasterKey: s.MasterKey()})
	if err == nil {
		second.Close()
		t.Fatal("a second server runs on the file")
	}
	if out, commandErr := s.Command("client", "list"); commandErr == nil || !strings.Contains(out, "running") && !strings.Contains(out, "another process") {
		t.Errorf("a command beside the server: %v: %s", commandErr, out)
	}
	s.App("web").Machine(t)
	s.Kill()
	if err := s.Restart(); err != nil {
		t.Errorf("the lock of a killed server blocks: %v", err)
	}
}

func TestFilesOfTheStoreAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Store: "bolt:./data/grantor.db", MasterKey: authtest.NoMasterKey})
	s.App("web").Machine(t)
	for path, want := range map[string]os.FileMode{"data": 0o700, "data/grantor.db": 0o600, "data/grantor.db.key": 0o600} {
		info, err := os.Stat(s.Dir + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, not %o", path, got, want)
		}
	}
	if err := s.Restart(); err != nil {
		t.Fatalf("it does not start with the key that it made: %v", err)
	}
	if err := os.Remove(s.Dir + "/data/grantor.db.key"); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err == nil {
		t.Error("it starts without the key of its store")
	}
}
