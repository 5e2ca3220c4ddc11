// Package readme runs the commands of README.md as they are written there, in a copy of the tree with an empty home.
package readme

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// place is where the commands run: a copy of what git tracks or would track, and nothing of the person who runs the test.
type place struct {
	dir, home, port string
	api             string // host and port of the API that is guarded
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{dir: t.TempDir(), home: t.TempDir(), port: freePort(t), api: "127.0.0.1:" + freePort(t)}
	copyTree := exec.Command("bash", "-c", `cd ../.. && git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -cf - -T - | tar -xf - -C "$0"`, p.dir)
	if out, err := copyTree.CombinedOutput(); err != nil {
		t.Fatalf("copy the tree: %v\n%s", err, out)
	}
	return p
}

func freePort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(redistest.FreePort(t))
}

// command prepares a block of the README. The one thing that is changed is the ports, since 8080 may be taken; the module
// and build caches are kept, since tests should not load the network.
func (p *place) command(ctx context.Context, block string) *exec.Cmd {
	block = strings.NewReplacer("localhost:8080", "localhost:"+p.port, "127.0.0.1:9000", p.api).Replace(block)
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", block)
	cmd.Dir = p.dir
	cmd.Env = []string{
		"HOME=" + p.home, "PATH=" + os.Getenv("PATH"), "GRANTOR_LISTEN=127.0.0.1:" + p.port,
		"ISSUER=http://localhost:" + p.port, "ADDR=" + p.api, // of the examples
		"GOMODCACHE=" + goEnv("GOMODCACHE"), "GOCACHE=" + goEnv("GOCACHE"), "GOFLAGS=" + goEnv("GOFLAGS"), "GOPROXY=" + goEnv("GOPROXY"),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	return cmd
}

func goEnv(name string) string {
	out, _ := exec.Command("go", "env", name).Output()
	return strings.TrimSpace(string(out))
}

// run runs a block to its end and gives what it printed.
func (p *place) run(t *testing.T, block string) string {
	t.Helper()
	out, err := p.command(t.Context(), block).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", block, err, out)
	}
	return string(out)
}

// start runs a block that serves until stop is called, and waits until the server is ready.
func (p *place) start(t *testing.T, block string) (output *authtest.Output, stop func()) {
	t.Helper()
	return p.startAt(t, block, "http://localhost:"+p.port+"/readyz", http.StatusOK, "is ready at")
}

// startAt waits until an address answers with a status, and the block has printed a text.
func (p *place) startAt(t *testing.T, block, address string, status int, text string) (output *authtest.Output, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := p.command(ctx, block)
	output = new(authtest.Output)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait() // ended by a signal
	})
	t.Cleanup(stop)
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if r, err := http.Get(address); err == nil {
			r.Body.Close()
			if r.StatusCode == status && strings.Contains(output.String(), text) {
				return output, stop
			}
		}
	}
	t.Fatalf("%s: the server was not ready in time\n%s", block, output)
	return nil, nil
}

// blocks gives the shell blocks of README.md in their order.
func blocks(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
		found = append(found, m[1])
	}
	return found
}

// block gives the one block that contains a text.
func block(t *testing.T, text string) string {
	t.Helper()
	for _, b := range blocks(t) {
		if strings.Contains(b, text) {
			return b
		}
	}
	t.Fatalf("README.md has no command with %q", text)
	return ""
}

func wants(t *testing.T, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("no %q in\n%s", text, got)
		}
	}
}

func TestFiveMinuteStart(t *testing.T) {
	p := newPlace(t)
	banner, stop := p.start(t, block(t, "\nmake run\n"[1:]))
	wants(t, banner.String(), "curl -u 'demo-web:grantor-demo-web-secret'", "/admin in a browser")
	wants(t, p.run(t, block(t, "curl -u demo-web")), `"access_token":"grat_`, `"token_type":"Bearer"`)
	wants(t, p.run(t, block(t, "TOKEN=")), `"active":true`, `"client_id":"demo-web"`)
	wants(t, p.run(t, block(t, "oauth-authorization-server")), `"token_endpoint":"http://localhost:`+p.port)
	wants(t, p.run(t, block(t, "demo-ops:")), `"name":"Demo operations"`, `"client_id":"demo-ops"`, `"next_cursor":`)
	wants(t, p.run(t, block(t, "grantor apply")), "+ client shop", "7 created, 0 changed, 0 deleted", "The shop, on phones")
	_, stopAPI := p.startAt(t, block(t, "go run ./examples/api"), "http://"+p.api+"/orders", http.StatusUnauthorized, "the API is at")
	wants(t, p.run(t, block(t, "127.0.0.1:9000/orders")), "401 Unauthorized", "Www-Authenticate: Bearer ", "200 OK", "three apples")
	stopAPI()
	// The command that the server printed is to be pasted as it is.
	printed := regexp.MustCompile(`(?m)^\s*(curl .*)$`).FindStringSubmatch(banner.String())
	wants(t, p.run(t, printed[1]), `"access_token":"grat_`)
	stop()
}

func TestTheSameOnRedis(t *testing.T) {
	url := redistest.Start(t)
	p := newPlace(t)
	_, stop := p.start(t, strings.Replace(block(t, "GRANTOR_STORE=redis"), "redis://localhost:6379", url, 1))
	wants(t, p.run(t, block(t, "TOKEN=")), `"active":true`)
	stop()
}

func TestAnInstallationOfYourOwn(t *testing.T) {
	p := newPlace(t)
	banner, stop := p.start(t, block(t, "bin/grantor serve\n"))
	wants(t, banner.String(), "/setup?token=")
	stop()
	wants(t, p.run(t, block(t, "client create")), "grcs_")
}
