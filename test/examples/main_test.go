// Package examples builds and runs the programs in examples against the whole server, with the seed of `make run`: they
// are what people copy, so they have to work.
package examples

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// patience bounds how long anything may take. It is generous: other tests use the machine, too.
const patience = 60 * time.Second

const alicesPassword = "correct horse battery staple"

func TestMain(m *testing.M) {
	code := authtest.Main(m)
	if chromium.cancel != nil {
		chromium.cancel()
	}
	if folder, err := programs(); err == nil {
		_ = os.RemoveAll(folder) // it is a temporary one
	}
	os.Exit(code)
}

// programs builds the examples and gives the folder with them.
var programs = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "grantor-examples-")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-o", folder, "../../examples/...").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the examples: %w\n%s", err, out)
	}
	return folder, nil
})

// demo is a server with the demo seed.
type demo struct {
	*authtest.Server
	t testing.TB
}

// startDemo starts a server. The changes are made to the text of the seed: old, new, old, new.
func startDemo(t testing.TB, changes ...string) *demo {
	t.Helper()
	seed, err := os.ReadFile("../../examples/demo-seed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if !bytes.Contains(seed, []byte(changes[i])) {
			t.Fatalf("the seed does not hold %q", changes[i])
		}
	}
	d := &demo{t: t, Server: authtest.Start(t, authtest.Options{
		Seed: strings.NewReplacer(changes...).Replace(string(seed)), Args: []string{"--limit-exempt", "127.0.0.0/8"},
	})}
	for _, id := range []string{"web", "api", "machine", "ops"} {
		d.Keep(d.app(id).Secret)
	}
	d.Keep(alicesPassword)
	return d
}

// app gives a confidential client of the seed.
func (d *demo) app(name string) *authtest.App {
	return &authtest.App{Server: d.Server, ID: "demo-" + name, Secret: "grantor-demo-" + name + "-secret", Method: authtest.Basic}
}

// requests counts the requests of a client that the server has answered.
func (d *demo) requests(path, client, grant string, status int) int {
	n := 0
	for _, e := range d.LogEvents() {
		if e["path"] == path && e["client"] == client && (grant == "" || e["grant"] == grant) && e["status"] == float64(status) {
			n++
		}
	}
	return n
}

// example is a running program of examples.
type example struct {
	url string
	out *authtest.Output
}

// run starts an example until the test ends. What it says must hold no secret that the server knows.
func (d *demo) run(name, address string, settings ...string) *example {
	d.t.Helper()
	folder, err := programs()
	if err != nil {
		d.t.Fatal(err)
	}
	e := &example{url: "http://" + address, out: new(authtest.Output)}
	process := exec.Command(filepath.Join(folder, name))
	process.Env = append(append(os.Environ(), "ISSUER="+d.Issuer, "ADDR="+address), settings...)
	process.Stdout, process.Stderr = e.out, e.out
	if err := process.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		_ = process.Process.Kill() // they run until then
		_ = process.Wait()
		for _, secret := range d.SecretsIn(e.out.String()) {
			d.t.Errorf("%s prints a secret: %s", name, secret)
		}
		if d.t.Failed() {
			d.t.Logf("%s says:\n%s", name, e.out)
		}
	})
	return e
}

// serve runs an example that listens, on a free port.
func (d *demo) serve(name string, settings ...string) *example {
	d.t.Helper()
	return d.serveAt(freeAddress(d.t), name, settings...)
}

func (d *demo) serveAt(address, name string, settings ...string) *example {
	d.t.Helper()
	e := d.run(name, address, settings...)
	d.await(name+" listens", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return e
}

func freeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(redistest.FreePort(t)))
}

// await waits until something holds.
func (d *demo) await(what string, holds func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	d.t.Fatalf("not within %v: %s", patience, what)
}

// ask sends a request to an example, with headers in pairs.
func (d *demo) ask(method, address string, headers ...string) *authtest.Answer {
	d.t.Helper()
	request := authtest.NewRequest(d.t, method, address, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return &authtest.Answer{Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

func TestExamplesAreShort(t *testing.T) {
	for _, name := range []string{"api", "web", "machine", "device", "spa"} {
		lines := 0
		err := filepath.WalkDir("../../examples/"+name, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			lines += bytes.Count(text, []byte("\n"))
			return err
		})
		if err != nil || lines == 0 || lines >= 150 {
			t.Errorf("examples/%s has %d lines: %v", name, lines, err)
		}
	}
}

func TestAPIIsGuarded(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	api := d.serve("api", "ORIGIN=http://127.0.0.1:1234")
	web := d.app("web")
	reads := "Bearer " + web.Machine(t, "scope", "api:read").Access()
	writes := "Bearer " + web.Machine(t, "scope", "api:write").Access()
	jwt := "Bearer " + d.app("machine").Machine(t).Access()
	for _, c := range []struct {
		method, path, token string
		status              int
		says                string
	}{
		{"GET", "/me", reads, 200, "demo-web"}, {"GET", "/orders", reads, 200, "pear"}, {"POST", "/orders", reads, 403, "insufficient_scope"},
		{"GET", "/orders", writes, 403, "insufficient_scope"}, {"POST", "/orders", writes, 200, "demo-web"},
		{"GET", "/me", jwt, 200, "demo-machine"}, {"GET", "/orders", jwt, 200, "pear"}, {"POST", "/orders", jwt, 403, "insufficient_scope"},
		{"GET", "/me", "Bearer junk", 401, "invalid_token"}, {"GET", "/nothing", "Bearer junk", 401, "invalid_token"},
	} {
		a := d.ask(c.method, api.url+c.path, "Authorization", c.token)
		if a.Status != c.status || !strings.Contains(a.Body, c.says) {
			t.Errorf("%s %s: %s, want %d with %q", c.method, c.path, a, c.status, c.says)
		}
	}
	a := d.ask(http.MethodGet, api.url+"/me")
	if a.Status != 401 || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("without a token: %s, %q", a, a.Header.Get("WWW-Authenticate"))
	}
	for origin, status := range map[string]int{"http://127.0.0.1:1234": 204, "https://elsewhere.example": 401} {
		a := d.ask(http.MethodOptions, api.url+"/me", "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
		if a.Status != status || (a.Header.Get("Access-Control-Allow-Origin") == origin) != (status == 204) {
			t.Errorf("a preflight from %s: %s, %v", origin, a, a.Header)
		}
	}
}

func TestMachineUsesATokenUntilItIsNoLongerGood(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	api := d.serve("api")
	machine := d.run("machine", "", "API="+api.url, "EVERY=20ms")
	says := func(times int) func() bool {
		return func() bool { return strings.Count(machine.out.String(), "three apples") >= times }
	}
	d.await("the machine is answered", says(5))
	if n := d.requests(authtest.TokenPath, "demo-machine", "", 200); n != 1 {
		t.Errorf("5 calls took %d tokens", n)
	}
	ops := d.app("ops").Machine(t, "scope", "admin").Access()
	request := authtest.NewRequest(t, http.MethodDelete, d.URL("/admin/api/v1/clients/demo-machine/authorizations"), nil)
	request.Header.Set("Authorization", "Bearer "+ops)
	began := time.Now()
	if a := d.Do(t, request); a.Status != http.StatusOK {
		t.Fatalf("revoke the tokens of the machine: %s", a)
	}
	d.await("the machine gets another token", func() bool { return d.requests(authtest.TokenPath, "demo-machine", "", 200) == 2 })
	if took := time.Since(began); took > 10*time.Second { // a second, on a machine that does nothing else
		t.Errorf("the API heard of the revocation after %v", took)
	}
	d.await("the machine goes on", says(strings.Count(machine.out.String(), "three apples")+3))
	if strings.Contains(machine.out.String(), "answered") {
		t.Errorf("a call failed:\n%s", machine.out)
	}
}

func TestDeviceCallsTheAPIForThePersonWhoLetItIn(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	api := d.serve("api")
	shown := regexp.MustCompile(`Open (\S+) on a phone or a computer, and enter\n\n  ([A-Z-]{9})\n`)
	for answer, says := range map[string]string{"Allow": "three apples", "Deny": "access was not allowed"} {
		device := d.run("device", "", "API="+api.url)
		d.await("the device shows a code", func() bool { return shown.MatchString(device.out.String()) })
		m := shown.FindStringSubmatch(device.out.String())
		page := d.Browser(t).Open(m[1]).LogIn("alice", alicesPassword).Press("Continue", "user_code", m[2])
		page.Press(answer)
		d.await("the device hears of it", func() bool { return strings.Contains(device.out.String(), says) })
	}
	if n := d.requests(authtest.TokenPath, "demo-device", "", 200); n != 1 {
		t.Errorf("%d tokens were issued", n)
	}
}
