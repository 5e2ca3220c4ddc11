// Package cli signs in with the command line as a person does, in a browser, at a server that runs.
package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "grantor-cli-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "grantor")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/grantor").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := authtest.Main(m)
	_ = os.RemoveAll(dir) // a temporary folder
	os.Exit(code)
}

// person runs commands as somebody with a home of his own.
type person struct {
	t       *testing.T
	home    string
	environ []string
}

func newPerson(t *testing.T) *person {
	t.Helper()
	return &person{t: t, home: t.TempDir()}
}

func (p *person) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.t.Context(), program, args...)
	cmd.Dir = p.home
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "XDG_CONFIG_HOME=" + filepath.Join(p.home, ".config")}, p.environ...)
	return cmd
}

func (p *person) run(args ...string) (out string, err error) {
	text, err := p.command(args...).CombinedOutput()
	return string(text), err
}

func (p *person) must(args ...string) string {
	p.t.Helper()
	out, err := p.run(args...)
	if err != nil {
		p.t.Fatalf("grantor %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p *person) fails(want string, args ...string) {
	p.t.Helper()
	out, err := p.run(args...)
	if err == nil || !strings.Contains(out, want) {
		p.t.Errorf("grantor %s: %v, want %q\n%s", strings.Join(args, " "), err, want, out)
	}
}

func (p *person) file() string {
	return filepath.Join(p.home, ".config", "grantor", "credentials.json")
}

// logins is the file of what is saved.
type logins struct {
	Current string                    `json:"current"`
	Servers map[string]map[string]any `json:"servers"`
}

func (l *logins) token(server, kind string) string {
	token, _ := l.Servers[server][kind].(string) // "" fails where it is compared
	return token
}

func (p *person) read() *logins {
	p.t.Helper()
	content, err := os.ReadFile(p.file())
	if err != nil {
		p.t.Fatal(err)
	}
	saved := &logins{}
	if err := json.Unmarshal(content, saved); err != nil {
		p.t.Fatal(err)
	}
	return saved
}

func (p *person) write(saved *logins) {
	p.t.Helper()
	content, err := json.Marshal(saved)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.file(), content, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// signing is a login that waits for the browser.
type signing struct {
	address string
	ended   chan error
	process *os.Process
	out     authtest.Output
}

var printedAddress = regexp.MustCompile(`\n  (http\S+)\n`)

// begin starts `grantor login` and gives the address that it prints.
func (p *person) begin(server, how string) *signing {
	p.t.Helper()
	s := &signing{ended: make(chan error, 1)}
	cmd := p.command("login", how, "--server", server)
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	s.process = cmd.Process
	go func() { s.ended <- cmd.Wait() }()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m := printedAddress.FindStringSubmatch(s.out.String()); m != nil {
			s.address = m[1]
			return s
		}
	}
	p.t.Fatalf("login prints no address: %s", s.out.String())
	return nil
}

// signIn goes through login and consent in a browser, and back to the port of the command.
func (p *person) signIn(s *authtest.Server, username string) string {
	p.t.Helper()
	login := p.begin(s.Issuer, "--no-browser")
	page := s.Browser(p.t).Open(login.address)
	if page.Is("/login") {
		page = page.LogIn(username, authtest.PasswordOf(username))
	}
	if page.Is("/consent") {
		page = page.Press("Allow")
	}
	if !page.Left() {
		p.t.Fatalf("the browser does not come back: %s", page)
	}
	if body := visit(p.t, page.Location.String()); !strings.Contains(body, "You may close this window") || !strings.Contains(body, "You are signed in") {
		p.t.Errorf("the last page says %s", body)
	}
	if err := <-login.ended; err != nil {
		p.t.Fatalf("login: %v\n%s", err, login.out.String())
	}
	return login.out.String()
}

func visit(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestLoginThroughTheBrowserServesTheCommandsThatFollow(t *testing.T) {
	s := authtest.Start(t, authtest.Options{})
	p := newPerson(t)
	out := p.signIn(s, authtest.Alice)
	if !strings.Contains(out, "Signed in to "+s.Issuer+" as alice, who may do everything there") {
		t.Errorf("login says %q", out)
	}
	if info, err := os.Stat(p.file()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: %v %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(p.file())); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the folder: %v %v", info.Mode(), err)
	}
	if out := p.must("whoami"); !strings.Contains(out, s.Issuer) || !strings.Contains(out, "alice") {
		t.Errorf("whoami says %q", out)
	}
	if out := p.must("client", "list"); !strings.Contains(out, "grantor-cli") {
		t.Errorf("no list: %q", out)
	}
	if out := p.must("audit", "--action", "authorization", "--json"); strings.Contains(out, "grat_") {
		t.Errorf("the log tells a token: %q", out)
	}

	// Logging out ends it at the server, too.
	saved := p.read()
	out = p.must("logout")
	if !strings.Contains(out, "Signed out of") || strings.Contains(out, "warning") {
		t.Errorf("logout says %q", out)
	}
	content, err := os.ReadFile(p.file())
	if err != nil || strings.Contains(string(content), "grat_") || strings.Contains(string(content), "grrt_") {
		t.Errorf("a token is left: %s %v", content, err)
	}
	p.fails("nobody is signed in", "client", "list", "--server", s.Issuer)
	p.fails("nobody is signed in", "logout", "--server", s.Issuer)
	p.environ = []string{"GRANTOR_SERVER=" + s.Issuer, "GRANTOR_TOKEN=" + saved.token(s.Issuer, "access_token")}
	p.fails("does not accept GRANTOR_TOKEN", "client", "list")
}

func TestLoginReachesAsFarAsItsUser(t *testing.T) {
	s := authtest.Start(t, authtest.Options{})
	p := newPerson(t)
	if out := p.signIn(s, authtest.Bob); !strings.Contains(out, "has no permission in the administration") {
		t.Errorf("login says %q", out)
	}
	p.fails("you may not do this at", "client", "list")
}

func TestExpiredLoginIsRenewedOnceByCommandsAtOnce(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Args: []string{"--access-token-lifetime", "5s", "--refresh-grace", "0s"}})
	p := newPerson(t)
	p.signIn(s, authtest.Alice)
	first := p.read()
	time.Sleep(5200 * time.Millisecond) // the server's clock cannot be moved
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if out, err := p.run("whoami"); err != nil {
				t.Errorf("whoami: %v %s", err, out)
			}
		})
	}
	wait.Wait()
	p.must("client", "list")
	now := p.read()
	for _, kind := range []string{"access_token", "refresh_token"} {
		if now.token(s.Issuer, kind) == first.token(s.Issuer, kind) {
			t.Errorf("the %s was not renewed", kind)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(p.file()), ".credentials-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// Once it is revoked, only a person can go on.
	p.must("token", "revoke", "--user", "alice")
	p.fails("the login of alice at "+s.Issuer+" has ended: sign in with `grantor login --server", "whoami")
}

func TestRefusedTokenIsRenewed(t *testing.T) {
	s := authtest.Start(t, authtest.Options{})
	p := newPerson(t)
	p.signIn(s, authtest.Alice)
	saved := p.read()
	one := saved.Servers[s.Issuer]
	one["access_token"] = "grat_of_another_time"
	p.write(saved)
	p.must("client", "list")
}
