// Package foreign runs what is ours against what others have made: protect against another server, node-oidc-provider from
// npm, and this server against libraries of devices.
package foreign

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// patience bounds how long the other server may take. It is generous: other tests use the machine, too.
const patience = 60 * time.Second

// provider is a process of the other server.
type provider struct {
	t   testing.TB
	url string // where it listens
}

// TestMain lets package authtest judge the servers of this project, which the devices of others ask.
func TestMain(m *testing.M) { os.Exit(authtest.Main(m)) }

// node gives the program that runs what others have made, and skips the test where a package of theirs is not there.
func node(t testing.TB, module string) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if _, there := os.Stat("node_modules/" + module); err == nil {
		err = there
	}
	if err != nil && os.Getenv("GRANTOR_TEST_REQUIRE") == "" {
		t.Skipf("%s is not there, run scripts/test-deps.sh: %v", module, err)
	}
	if err != nil {
		t.Fatalf("%s is not there, and GRANTOR_TEST_REQUIRE wants it: %v", module, err)
	}
	return path
}

// start runs server.mjs until the test ends. A claimed issuer is what it puts into its tokens in place of its own address.
func start(t testing.TB, claimed string) *provider {
	t.Helper()
	process := exec.Command(node(t, "oidc-provider"), "server.mjs")
	process.Env = append(os.Environ(), "ISSUER="+claimed)
	process.Stderr = new(strings.Builder) // it warns of what does not matter in a test
	life, err := process.StdinPipe()      // it ends when this is closed, even if the test is killed
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, url: startAt(t, process, addressIn)}
	t.Cleanup(func() {
		_ = life.Close()
		_ = process.Wait()
	})
	if p.url == "" {
		t.Fatalf("node does not start the other server:\n%s", process.Stderr)
	}
	return p
}

// startAt starts a process and reads what it prints until a line tells an address, "" where none does.
func startAt(t testing.TB, process *exec.Cmd, address func(line []byte) string) string {
	t.Helper()
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = process.Process.Kill() }) // ends the reading below
	defer late.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url := address(lines.Bytes()); url != "" {
			return url
		}
	}
	return ""
}

func addressIn(line []byte) string {
	var said struct{ Ready string }
	_ = json.Unmarshal(line, &said) // any other line tells nothing
	return said.Ready
}

func secretOf(client string) string { return client + "-secret+with %41 to encode" }

// post sends a form as a client, by the bare protocol.
func (p *provider) post(client, path string, pairs ...string) map[string]any {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	body := authtest.Form(pairs...).Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secretOf(client)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	answer := map[string]any{}
	err = json.NewDecoder(response.Body).Decode(&answer)
	if response.StatusCode != http.StatusOK || err != nil && response.ContentLength != 0 {
		p.t.Fatalf("%s answers %d %v: %v", path, response.StatusCode, answer, err)
	}
	return answer
}

// token gets an access token of the machine for a resource of server.mjs.
func (p *provider) token(resource, scope string) string {
	p.t.Helper()
	answer := p.post("machine", "/token", "grant_type", "client_credentials", "resource", "https://"+resource+".example.com", "scope", scope)
	return fmt.Sprint(answer["access_token"])
}
