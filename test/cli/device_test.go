package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

var (
	printedCode     = regexp.MustCompile(`\n  ([B-Z]{4}-[B-Z]{4})\n`)
	printedComplete = regexp.MustCompile(`\n  (http\S+user_code=\S+)\n`)
)

// shows gives what the pattern finds on the terminal.
func (s *signing) shows(t *testing.T, pattern *regexp.Regexp) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m := pattern.FindStringSubmatch(s.out.String()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("login does not show %s: %s", pattern, s.out.String())
	return ""
}

// byDevice lets the command line in by a code.
var byDevice = authtest.Options{Args: []string{"--cli-device-login"}}

// typed answers a device as a person does who types its code, in a browser that knows nothing of the terminal.
func (s *signing) typed(t *testing.T, server *authtest.Server, username, answer string) *authtest.Page {
	t.Helper()
	page := server.Browser(t).Open(s.address)
	if page.Is("/login") {
		page = page.LogIn(username, authtest.PasswordOf(username))
	}
	page = page.Press("Continue", "user_code", strings.ToLower(strings.ReplaceAll(s.shows(t, printedCode), "-", " ")))
	if !page.Is("/consent") {
		t.Fatalf("nobody is asked: %s", page)
	}
	return page.Press(answer)
}

func TestDeviceLoginServesTheCommandsThatFollow(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, byDevice)
	p := newPerson(t)
	login := p.begin(s.Issuer, "--device")
	if login.address != s.Issuer+"/device" {
		t.Errorf("shows %s", login.address)
	}
	login.typed(t, s, authtest.Alice, "Allow")
	if err := <-login.ended; err != nil || !strings.Contains(login.out.String(), "Signed in to "+s.Issuer+" as alice, who may do everything there") {
		t.Fatalf("login: %v\n%s", err, login.out.String())
	}
	if info, err := os.Stat(p.file()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: %v %v", info.Mode(), err)
	}
	if out := p.must("whoami"); !strings.Contains(out, s.Issuer) || !strings.Contains(out, "alice") {
		t.Errorf("whoami says %q", out)
	}

	// It is kept as the other login is, and renewed and ended in the same way.
	saved := p.read()
	other := newPerson(t)
	other.signIn(s, authtest.Alice)
	for kind := range other.read().Servers[s.Issuer] {
		if saved.token(s.Issuer, kind) == "" {
			t.Errorf("nothing is saved as %s", kind)
		}
	}
	saved.Servers[s.Issuer]["access_token"] = "grat_of_another_time"
	p.write(saved)
	p.must("client", "list")
	p.must("logout")
	p.fails("nobody is signed in", "client", "list", "--server", s.Issuer)
}

func TestDeviceLoginByTheCompleteAddress(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, byDevice)
	p := newPerson(t)
	login := p.begin(s.Issuer, "--device")
	page := s.Browser(t).Open(login.shows(t, printedComplete)).LogIn(authtest.Bob, authtest.PasswordOf(authtest.Bob))
	if !strings.Contains(page.Text(), "exactly this code") {
		t.Errorf("nobody is asked to compare: %s", page)
	}
	page.Press("Continue").Press("Allow")
	if err := <-login.ended; err != nil || !strings.Contains(login.out.String(), "as bob, who has no permission in the administration") {
		t.Errorf("login: %v\n%s", err, login.out.String())
	}
	p.fails("you may not do this at", "client", "list")
}

func TestDeviceLoginThatIsDeniedOrBrokenOffSavesNothing(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, byDevice)
	for want, act := range map[string]func(*signing){
		"grantor: the login was not allowed\n": func(l *signing) { l.typed(t, s, authtest.Alice, "Deny") },
		"grantor: the login was broken off: nobody is signed in by it\n": func(l *signing) {
			if err := l.process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		},
	} {
		p := newPerson(t)
		login := p.begin(s.Issuer, "--device")
		login.shows(t, regexp.MustCompile(`(Ctrl-C)`))
		act(login)
		if err := <-login.ended; err == nil || !strings.HasSuffix(login.out.String(), want) {
			t.Errorf("%v, want %q\n%s", err, want, login.out.String())
		}
		if _, err := os.Stat(p.file()); err == nil {
			t.Errorf("%q: something is saved: %+v", want, p.read())
		}
	}
}

func TestDeviceLoginIsRefusedWhereTheOperatorDoesNotWantIt(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{})
	newPerson(t).fails("does not let the command line in with a code: its setting cli_device_login is off", "login", "--device", "--server", s.Issuer)
}
