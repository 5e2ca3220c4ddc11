package authtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// binary builds the program once for all tests of a package, with the race detector if they run under it.
var binary = sync.OnceValues(build)

func build() (string, error) {
	folder, err := os.MkdirTemp("", "grantor-authtest-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the program: %w", err)
	}
	path := filepath.Join(folder, "grantor")
	if other := os.Getenv("GRANTOR_TEST_PROGRAM"); other != "" { // as of another version
		return path, duplicate(other, path)
	}
	return path, compile(path, "build")
}

// testBinary builds the tests of the program, which are the program where they are called by its name.
var testBinary = sync.OnceValues(func() (string, error) {
	program, err := binary()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folderOf(program), "tests", "grantor")
	return path, compile(path, "test", "-c", "-vet=off")
})

func compile(path string, how ...string) error {
	args := append(append(how, buildFlags()...), "-o", path, "github.com/grantor-dev/grantor/cmd/grantor")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

func duplicate(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("read the program: %w", err)
	}
	return os.WriteFile(to, b, 0o700)
}

// Program gives the path of the built program.
func Program() (string, error) { return binary() }

func folderOf(path string) string { return filepath.Dir(path) }
