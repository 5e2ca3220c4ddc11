package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// person runs commands as somebody with a home of his own.
type person struct {
	t       *testing.T
	environ []string
}

func newPerson(t *testing.T) *person {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	return &person{t: t}
}

func (p *person) run(args ...string) (out string, err error) {
	var stdout, stderr bytes.Buffer
	err = run(p.t.Context(), args, p.environ, strings.NewReader(""), &stdout, &stderr)
	return stdout.String() + stderr.String(), err
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
	if err == nil || !strings.Contains(err.Error(), want) {
		p.t.Errorf("grantor %s: %v, want %q\n%s", strings.Join(args, " "), err, want, out)
	}
}

func (p *person) file() string {
	p.t.Helper()
	path, err := credentialsPath()
	if err != nil {
		p.t.Fatal(err)
	}
	return path
}

// signing is a login that waits for the browser.
type signing struct {
	address string
	ended   chan error
	out     *bytes.Buffer
}

// begin starts `grantor login` and gives the address that it prints.
func (p *person) begin(ctx context.Context, server string) *signing {
	p.t.Helper()
	read, write := io.Pipe()
	s := &signing{ended: make(chan error, 1), out: &bytes.Buffer{}}
	go func() {
		err := run(ctx, []string{"login", "--no-browser", "--server", server}, p.environ, strings.NewReader(""), s.out, write)
		_ = write.Close() // never fails
		s.ended <- err
	}()
	printed := make(chan string, 1)
	go func() {
		buffer := make([]byte, 8<<10)
		text, found := "", false
		for {
			n, err := read.Read(buffer)
			text += string(buffer[:n])
			if m := regexp.MustCompile(`\n  (http\S+)\n`).FindStringSubmatch(text); m != nil && !found {
				found = true
				printed <- m[1]
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case s.address = <-printed:
	case err := <-s.ended:
		p.t.Fatalf("login: %v", err)
	}
	return s
}

// signIn goes through login and consent in a browser, and back to the port of the command.
func (p *person) signIn(s *authtest.Server, username string) string {
	p.t.Helper()
	login := p.begin(p.t.Context(), s.Issuer)
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
		p.t.Fatalf("login: %v", err)
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
	p.environ = []string{"GRANTOR_SERVER=" + s.Issuer, "GRANTOR_TOKEN=" + saved.Servers[s.Issuer].AccessToken}
	p.fails("does not accept GRANTOR_TOKEN", "client", "list")
}

func (p *person) read() *credentials {
	p.t.Helper()
	saved, err := new(command).readCredentials()
	if err != nil {
		p.t.Fatal(err)
	}
	return saved
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
	s := authtest.Start(t, authtest.Options{Args: []string{"--access-token-lifetime", "1s", "--refresh-grace", "0s"}})
	p := newPerson(t)
	p.signIn(s, authtest.Alice)
	first := p.read().Servers[s.Issuer]
	time.Sleep(1200 * time.Millisecond) // the server's clock cannot be moved
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			var out, failed bytes.Buffer
			if err := run(t.Context(), []string{"whoami"}, nil, strings.NewReader(""), &out, &failed); err != nil {
				t.Errorf("whoami: %v", err)
			}
		})
	}
	wait.Wait()
	p.must("client", "list")
	now := p.read().Servers[s.Issuer]
	if now.RefreshToken == first.RefreshToken || now.AccessToken == first.AccessToken {
		t.Error("nothing was renewed")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(p.file()), ".credentials-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// Once it is revoked, only a person can go on.
	if out, err := s.Command("version"); err != nil {
		t.Fatal(out)
	}
	p.must("token", "revoke", "--user", "alice")
	p.fails("the login of alice at "+s.Issuer+" has ended: sign in with `grantor login --server", "whoami")
}

func TestRefusedTokenIsRenewed(t *testing.T) {
	s := authtest.Start(t, authtest.Options{})
	p := newPerson(t)
	p.signIn(s, authtest.Alice)
	err := new(command).changeCredentials(func(saved *credentials) error {
		one := saved.Servers[s.Issuer]
		one.AccessToken = "grat_of_another_time"
		saved.Servers[s.Issuer] = one
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p.must("client", "list")
}

func TestSavedLoginOfManyEyesIsRefused(t *testing.T) {
	p := newPerson(t)
	err := new(command).saveLogin("http://localhost:1", login{AccessToken: "secret-token"})
	if err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o660: true, 0o644: true} {
		if err := os.Chmod(p.file(), mode); err != nil {
			t.Fatal(err)
		}
		_, err := new(command).readCredentials()
		if (err != nil) != refused {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if refused && !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %04o: %v does not say how to mend it", mode, err)
		}
	}
	if err := errors.Join(os.Chmod(p.file(), 0o600), os.WriteFile(p.file(), []byte(`{"servers": "secret-token`), 0o600)); err != nil {
		t.Fatal(err)
	}
	p.fails("is damaged", "client", "list")
}

// Any page can send the browser to the port. Only the answer to our own question, of the server that was asked, counts.
func TestLoginTakesNoAnswerButItsOwn(t *testing.T) {
	s := authtest.Start(t, authtest.Options{})
	p := newPerson(t)
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string // "" where the login goes on waiting
	}{
		"another state":  {func(q url.Values) { q.Set("state", "x") }, ""},
		"no state":       {func(q url.Values) { q.Del("state") }, ""},
		"another issuer": {func(q url.Values) { q.Set("iss", "https://evil.example") }, "the answer is not of " + s.Issuer},
		"no issuer":      {func(q url.Values) { q.Del("iss") }, "the answer is not of " + s.Issuer},
		"two codes":      {func(q url.Values) { q["code"] = []string{"a", "b"} }, "more than one code"},
		"no code":        {func(q url.Values) { q.Del("code") }, "has no code"},
		"another code":   {func(q url.Values) { q.Set("code", "x") }, "invalid_grant"},
		"refused":        {func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, "was not allowed"},
		"an error":       {func(q url.Values) { q.Del("code"); q.Set("error", "server\x1b[31m_error") }, "refuses the login"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			login := p.begin(ctx, s.Issuer)
			asked, err := url.Parse(login.address)
			if err != nil {
				t.Fatal(err)
			}
			if q := asked.Query(); q.Get("code_challenge_method") != "S256" || q.Get("scope") != "admin" || q.Get("client_id") != "grantor-cli" {
				t.Errorf("asked %v", q)
			}
			answer := url.Values{"state": {asked.Query().Get("state")}, "iss": {s.Issuer}, "code": {"abc"}}
			c.change(answer)
			body := visit(t, asked.Query().Get("redirect_uri")+"?"+answer.Encode())
			if strings.Contains(body, "evil") || name != "another code" && strings.Contains(body, "You are signed in") {
				t.Errorf("the page says %s", body)
			}
			if c.want == "" {
				cancel()
			}
			err = <-login.ended
			if c.want == "" && !errors.Is(err, context.Canceled) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("login: %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "\x1b") {
				t.Errorf("the terminal is reached: %q", err)
			}
		})
	}
	if saved := p.read(); len(saved.Servers) != 0 {
		t.Errorf("saved %v", saved)
	}
}

func TestSavedLoginIsOneFileForAllServers(t *testing.T) {
	p := newPerson(t)
	for _, server := range []string{"https://a.example", "https://b.example"} {
		if err := new(command).saveLogin(server, login{AccessToken: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(p.file())
	if err != nil {
		t.Fatal(err)
	}
	var saved credentials
	if err := json.Unmarshal(content, &saved); err != nil || saved.Current != "https://b.example" || len(saved.Servers) != 2 {
		t.Errorf("%+v %v", saved, err)
	}
}
