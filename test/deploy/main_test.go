// Package deploy checks what is delivered to run the program: the image, docker-compose.yml and the folder deploy. There is no
// container engine here: files are read strictly and held against each other and against the program, nginx is run as it is
// configured, and the binary runs with nothing around it but what the image holds.
package deploy

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/grantor-dev/grantor/test/authtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(enteredRoot) != "" {
		enterRoot() // this process becomes the one that runs in the image
	}
	code := authtest.Main(m)
	removeBinary()
	os.Exit(code)
}

// top is the folder of the repository.
const top = "../../"

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(top + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decode reads YAML into a value that names every field: one that is not known is a typing error.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, path)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

// wantSettings has the program read variables as `grantor serve` would, and fails where it finds a fault or warns.
func wantSettings(t *testing.T, variables map[string]string) {
	t.Helper()
	program, err := authtest.Program()
	if err != nil {
		t.Fatal(err)
	}
	check := exec.Command(program, "config", "check")
	check.Dir = t.TempDir()
	check.Env = []string{"GORACE=atexit_sleep_ms=0"} // under the race detector it would rest for a second
	for name, value := range variables {
		check.Env = append(check.Env, name+"="+value)
	}
	out, err := check.CombinedOutput()
	if err != nil || string(out) != "The configuration is valid.\n" {
		t.Errorf("%v: %v\n%s", variables, err, out)
	}
}

// longestStop is how long `grantor serve` takes at most to stop.
func longestStop(t *testing.T) time.Duration {
	t.Helper()
	return sourceTime(t, "drainTime") + sourceTime(t, "handshakeTime") + sourceTime(t, "shutdownTime")
}

// sourceTime gives how long something takes that the program does when it stops, by its source.
func sourceTime(t *testing.T, name string) time.Duration {
	t.Helper()
	found := regexp.MustCompile(name + `\s*= (\d+) \* time\.(Second|Millisecond)`).FindStringSubmatch(read(t, "cmd/grantor/drain.go"))
	if found == nil {
		t.Fatalf("cmd/grantor/drain.go does not say what %s is", name)
	}
	d, err := time.ParseDuration(found[1] + map[string]string{"Second": "s", "Millisecond": "ms"}[found[2]])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// until waits for something that another process does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("it does not come to pass that %s", what)
}

// testKey is a master key that nobody uses.
const testKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
