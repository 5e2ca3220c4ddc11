package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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

func (p *person) read() *credentials {
	p.t.Helper()
	saved, err := new(command).readCredentials()
	if err != nil {
		p.t.Fatal(err)
	}
	return saved
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

const brokenOff = "the login was broken off: nobody is signed in by it"

// Any page can send the browser to the port. Only the answer to our own question, of the server that was asked, counts.
func TestLoginTakesNoAnswerButItsOwn(t *testing.T) {
	s := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		here := "http://" + r.Host
		if r.URL.Path == wellKnown {
			fmt.Fprintf(w, `{"issuer": %q, "authorization_endpoint": %q, "token_endpoint": %q, "revocation_endpoint": %q}`, here, here+"/a", here+"/t", here+"/r")
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": "invalid_grant"}`)
	})
	p := newPerson(t)
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string // brokenOff where the login goes on waiting
	}{
		"another state":  {func(q url.Values) { q.Set("state", "x") }, brokenOff},
		"no state":       {func(q url.Values) { q.Del("state") }, brokenOff},
		"another issuer": {func(q url.Values) { q.Set("iss", "https://evil.example") }, "the answer is not of " + s.URL},
		"no issuer":      {func(q url.Values) { q.Del("iss") }, "the answer is not of " + s.URL},
		"two codes":      {func(q url.Values) { q["code"] = []string{"a", "b"} }, "more than one code"},
		"no code":        {func(q url.Values) { q.Del("code") }, "has no code"},
		"another code":   {func(q url.Values) { q.Set("code", "x") }, "invalid_grant"},
		"refused":        {func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, "was not allowed"},
		"an error":       {func(q url.Values) { q.Del("code"); q.Set("error", "server\x1b[31m_error") }, "refuses the login"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			login := p.begin(ctx, s.URL)
			asked, err := url.Parse(login.address)
			if err != nil {
				t.Fatal(err)
			}
			if q := asked.Query(); q.Get("code_challenge_method") != "S256" || q.Get("scope") != "admin" || q.Get("client_id") != "grantor-cli" {
				t.Errorf("asked %v", q)
			}
			answer := url.Values{"state": {asked.Query().Get("state")}, "iss": {s.URL}, "code": {"abc"}}
			c.change(answer)
			body := visit(t, asked.Query().Get("redirect_uri")+"?"+answer.Encode())
			if strings.Contains(body, "evil") || name != "another code" && strings.Contains(body, "You are signed in") {
				t.Errorf("the page says %s", body)
			}
			if c.want == brokenOff {
				cancel()
			}
			err = <-login.ended
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("login: %v", err)
			}
			if strings.Contains(fmt.Sprint(err), "\x1b") {
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
