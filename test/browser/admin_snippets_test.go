package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// deviceRunners run the programs that let a device in; each names the file that it wants. The one in Go finds its package
// among those of this module.
var deviceRunners = map[string]struct {
	file    string
	command []string
}{
	"device-curl":   {"device.sh", []string{"bash"}},
	"device-go":     {"device.go", []string{"go", "run"}},
	"device-node":   {"device.mjs", []string{"node"}},
	"device-python": {"device.py", []string{"python3"}},
}

// Row 17: what is pasted from the page of a client lets a device in, for a client with a secret and for one without.
func TestRow17DeviceSnippetsLetADeviceIn(t *testing.T) {
	t.Parallel()
	user := admin(t)
	b := enter(t, withScripts, user, "/admin/auth-clients")
	var programs []*pasted
	for kind, more := range map[string]func(b *tab){
		"Device or command line": nil,
		"Something else":         func(b *tab) { b.tick("Enable Device Authorization Grant") },
	} {
		id, secret := b.registers(filledClient{template: kind, name: named("Pasted for a device: " + kind), more: more})
		b.visit("/admin/auth-clients/" + id)
		b.sees("Device authorization")
		if secret == "" {
			b.look("admin-client-device")
		}
		for snippet, runner := range deviceRunners {
			if _, err := exec.LookPath(runner.command[0]); err != nil && os.Getenv("GRANTOR_TEST_REQUIRE") == "" {
				t.Logf("%s is not there", runner.command[0])
				continue
			}
			path := filepath.Join(t.TempDir(), runner.file)
			b.must(os.WriteFile(path, []byte(ask[string](b, `document.getElementById("`+snippet+`").textContent`)), 0o600), "write a program")
			programs = append(programs, start(t, exec.CommandContext(t.Context(), runner.command[0], append(runner.command[1:], path)...), secret))
		}
	}
	person := b.server.Browser(t)
	person.SignIn(user)
	for _, p := range programs {
		address, code := p.asks(t)
		person.Open(address).Press("Continue", "user_code", code).Press("Allow")
	}
	for _, p := range programs {
		if err := <-p.ended; err != nil || !strings.Contains(p.out.String(), "expires") {
			t.Errorf("%s: %v\n%s", p.name, err, p.out.String())
		}
	}
}

// pasted is a program that runs.
type pasted struct {
	name  string
	out   authtest.Output
	ended chan error
}

func start(t *testing.T, cmd *exec.Cmd, secret string) *pasted {
	t.Helper()
	p := &pasted{name: cmd.String(), ended: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr, cmd.Env = &p.out, &p.out, append(os.Environ(), "GRANTOR_CLIENT_SECRET="+secret)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- cmd.Wait() }()
	return p
}

var shownUserCode = regexp.MustCompile(`Open (\S+) on a phone or a computer, and enter ([A-Z]{4}-[A-Z]{4})\n`)

// asks gives what the program shows to a person.
func (p *pasted) asks(t *testing.T) (address, code string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if m := shownUserCode.FindStringSubmatch(p.out.String()); m != nil {
			return m[1], m[2]
		}
	}
	t.Fatalf("%s shows no code:\n%s", p.name, p.out.String())
	return "", ""
}
