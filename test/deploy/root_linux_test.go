package deploy

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/grantor-dev/grantor/internal/redistest"
)

// emptyRoot is a folder that holds what the image does, and nothing else: no shell, no /etc/passwd, no /tmp, no /proc.
type emptyRoot struct {
	dir   string
	image *image
}

const (
	imageUser   = 65532
	testVersion = "1.2.3-test"

	// anyPort has the server choose, and say which. A port that was found free beforehand may be another server's by then, of
	// another test: that one would be asked, and the one to be tried would not even have begun.
	anyPort = "127.0.0.1:0"
)

func newRoot(t *testing.T) *emptyRoot {
	t.Helper()
	r := &emptyRoot{dir: t.TempDir(), image: readImage(t)}
	for _, folder := range []string{"etc/ssl/certs", "data"} {
		if err := os.MkdirAll(filepath.Join(r.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(r.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(r.dir, "data"), imageUser, imageUser); err != nil {
			t.Fatal(err)
		}
	}
	built, err := binary()
	if err == nil { // a link: a file that this process has just written may be open in another child of it, which keeps it from being run
		err = os.Link(built, filepath.Join(r.dir, "grantor"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// binary is what the Dockerfile builds, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dockerfile, err := os.ReadFile(top + "Dockerfile")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "grantor-image-")
	if err != nil {
		return "", err
	}
	made := filepath.Join(dir, "grantor")
	build := exec.Command("sh", "-c", strings.Replace(buildCommand(string(dockerfile)), "-o /out/grantor", `-o "$OUT"`, 1))
	build.Dir, build.Env = top, append(os.Environ(), "VERSION="+testVersion, "OUT="+made)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build as the Dockerfile does: %w\n%s", err, out)
	}
	return made, nil
})

// removeBinary is for the end of all tests.
func removeBinary() {
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // it lies in a temporary folder
	}
}

// command is one that an engine would run in the image, with the variables of the image and these.
func (r *emptyRoot) command(args []string, variables ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = []string{enteredRoot + "=" + r.dir}
	for name, value := range r.image.environment {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Env = append(append(c.Env, "GRANTOR_LISTEN="+anyPort), variables...)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: imageUser, HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: imageUser, HostID: os.Getegid(), Size: 1}}
		c.SysProcAttr.AmbientCaps = []uintptr{capSysAdmin, capSysChroot}
	}
	return c
}

// Of linux/capability.h and linux/prctl.h.
const (
	capSysChroot    = 18
	capSysAdmin     = 21
	prSetNoNewPrivs = 38
	prCapAmbient    = 47
	clearAll        = 4
)

// enteredRoot names the folder that a process of this test is to live in.
const enteredRoot = "GRANTOR_TEST_ROOT"

// enterRoot makes this process, which has a view of the files to itself, the binary of the image: root directory read-only,
// the volume writable, an ordinary user without a capability.
func enterRoot() {
	runtime.LockOSThread() // what follows is of one thread until the binary takes its place
	root := os.Getenv(enteredRoot)
	environment := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, enteredRoot+"=") })
	if err := narrow(root); err != nil {
		fmt.Fprintln(os.Stderr, cannotEnter, err)
		os.Exit(1)
	}
	err := syscall.Exec(os.Args[1], os.Args[1:], environment)
	fmt.Fprintln(os.Stderr, "run", os.Args[1], err)
	os.Exit(1)
}

const cannotEnter = "no root of its own:"

func narrow(root string) error {
	data := filepath.Join(root, "data")
	err := errors.Join(
		syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""),
		syscall.Mount(root, root, "", syscall.MS_BIND, ""),
		syscall.Mount(data, data, "", syscall.MS_BIND, ""),
		readOnly(root),
		syscall.Chroot(root), os.Chdir("/"))
	if err == nil && os.Geteuid() == 0 {
		err = errors.Join(syscall.Setgroups(nil), syscall.Setgid(imageUser), syscall.Setuid(imageUser))
	}
	for _, call := range [][2]uintptr{{prCapAmbient, clearAll}, {prSetNoNewPrivs, 1}} {
		if _, _, number := syscall.RawSyscall6(syscall.SYS_PRCTL, call[0], call[1], 0, 0, 0, 0); number != 0 && err == nil {
			err = number
		}
	}
	return err
}

// readOnly keeps the other flags of a mount: without root nobody may lift them.
func readOnly(path string) error {
	var now syscall.Statfs_t
	if err := syscall.Statfs(path, &now); err != nil {
		return err
	}
	const kept = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC | syscall.MS_NOATIME | syscall.MS_NODIRATIME
	flags := uintptr(now.Flags) & kept
	const relative = 4096 // ST_RELATIME, whose number as a flag of mount is another one
	if int64(now.Flags)&relative != 0 {
		flags |= syscall.MS_RELATIME
	}
	return syscall.Mount("", path, "", flags|syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, "")
}

// run runs a command to its end and gives what it said.
func (r *emptyRoot) run(t *testing.T, args []string, variables ...string) (string, error) {
	t.Helper()
	out, err := r.command(args, variables...).CombinedOutput()
	r.mayEnter(t, string(out), err)
	return string(out), err
}

// mayEnter skips the test on a machine that gives nobody a view of the files to himself, whatever is installed.
func (r *emptyRoot) mayEnter(t *testing.T, said string, err error) {
	t.Helper()
	if errors.Is(err, syscall.EPERM) || strings.Contains(said, cannotEnter) {
		t.Skipf("this machine allows no mount namespace: %v %s", err, said)
	}
}

// serve runs the server of the image until stop, which gives what it ended with. The address is where it listens.
func (r *emptyRoot) serve(t *testing.T, variables ...string) (address string, stop func() error) {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "said")) // a file can be read while it is written
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close() // the server has it open by then
	said := func() string {
		text, err := os.ReadFile(output.Name())
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	c := r.command(append(slices.Clone(r.image.entry), r.image.args...), variables...)
	c.Stdout, c.Stderr = output, output
	runtime.LockOSThread() // Pdeathsig is of the thread that started the process
	err = c.Start()
	r.mayEnter(t, "", err)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	over := false
	stop = func() error {
		if over {
			return nil
		}
		over = true
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		defer runtime.UnlockOSThread()
		return <-ended
	}
	t.Cleanup(func() {
		_ = stop() // where the test looks at it, it has been called before
		if t.Failed() {
			t.Logf("the server said:\n%s", said())
		}
	})
	until(t, "the server in the empty root is ready", func() bool {
		select {
		case err := <-ended:
			ended <- err
			r.mayEnter(t, said(), nil)
			t.Fatalf("it ended: %v\n%s", err, said())
		default:
		}
		address = readyAt(said())
		return address != ""
	})
	answer, err := http.Get("http://" + address + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("it says that it is ready, and to a request %d", answer.StatusCode)
	}
	return address, stop
}

// readyAt finds in the log of a server where it listens, once it is ready.
func readyAt(log string) string {
	for line := range strings.Lines(log) {
		var event struct{ Msg, Listen string }
		if json.Unmarshal([]byte(line), &event) == nil && event.Msg == "ready" {
			return event.Listen
		}
	}
	return ""
}

// files gives the paths below a folder of the root, with their modes.
func (r *emptyRoot) files(t *testing.T, folder string) map[string]fs.FileMode {
	t.Helper()
	found := map[string]fs.FileMode{}
	err := filepath.WalkDir(filepath.Join(r.dir, folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, infoErr := d.Info()
			found[strings.TrimPrefix(path, r.dir)], err = info.Mode(), infoErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestBinaryNeedsNoLibrary(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	f, err := elf.Open(filepath.Join(r.dir, "grantor"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if interpreter := f.Section(".interp"); interpreter != nil || len(libraries) > 0 || err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		t.Errorf("it is not static: interpreter %v, libraries %v, %v", interpreter, libraries, err)
	}
	out, err := r.run(t, []string{"/grantor", "version"})
	if err != nil || !strings.Contains(out, "grantor "+testVersion+" ") {
		t.Errorf("%v %s", err, out)
	}
}

func TestImageServesWithNothingAroundIt(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	const nobody = "GRANTOR_LISTEN=127.0.0.1:1"
	if out, err := r.run(t, r.image.health, nobody); err == nil {
		t.Errorf("a server that does not run is healthy: %s", out)
	}
	address, stop := r.serve(t)
	if out, err := r.run(t, r.image.health, "GRANTOR_LISTEN="+address); err != nil {
		t.Errorf("%v %s", err, out)
	}
	if err := stop(); err != nil {
		t.Errorf("it ended with %v when it was asked to", err)
	}
	want := map[string]fs.FileMode{"/data/grantor.db": 0o600, "/data/grantor.db.key": 0o600}
	if got := r.files(t, "data"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("in the volume lies %v, want %v", got, want)
	}
	// What was made is found again, by the commands of the image as well.
	made, err := r.run(t, []string{"/grantor", "client", "create", "--name", "Shop", "--grant-type", "client_credentials"})
	if err != nil {
		t.Fatal(made)
	}
	_, stop = r.serve(t)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if listed, err := r.run(t, []string{"/grantor", "client", "list"}); err != nil || !strings.Contains(listed, "Shop") {
		t.Errorf("%v %s", err, listed)
	}
}

// With Redis and the key in a variable nothing is written: docker-compose.yml and Kubernetes give it no volume.
func TestImageOnRedisWritesNoFile(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	before := r.files(t, ".")
	if err := os.Chmod(filepath.Join(r.dir, "data"), 0o500); err != nil {
		t.Fatal(err)
	}
	_, stop := r.serve(t, "GRANTOR_STORE="+redistest.Start(t), "GRANTOR_MASTER_KEY="+testKey)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if after := r.files(t, "."); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("before %v, after %v", before, after)
	}
}
