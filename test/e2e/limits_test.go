package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// What one address may cost, and how a server ends.

func TestGuessesAtClientSecretsAreBounded(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{})
	s.App("machine").Machine(t) // right once, and so remembered
	answers := race(t, 330, func(int) (*authtest.Answer, error) {
		wrong := s.App("machine")
		wrong.Secret = authtest.Random()
		return wrong.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
	})
	refused, throttled := count(answers, http.StatusUnauthorized, "invalid_client"), 0
	for _, a := range answers {
		switch {
		case a.Status == http.StatusTooManyRequests && a.Header.Get("Retry-After") != "":
			throttled++
		case a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
			// too many hashes at once
		case a.Status != http.StatusUnauthorized:
			t.Errorf("%s", a)
		}
	}
	t.Logf("%d are refused, %d throttled", refused, throttled)
	if refused > 300 {
		t.Errorf("%d of 330 guesses were looked at", refused)
	}
	// Who has a right secret does not notice.
	s.App("web").Machine(t)
	s.App("machine").Machine(t)
}

func TestRequestsThatNobodyAnswersAreBounded(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{})
	address := s.App("web").Ask().URL()
	answers := race(t, 1100, func(int) (*authtest.Answer, error) {
		request, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		return s.Try(request)
	})
	waiting := count(answers, http.StatusFound, "")
	for _, a := range answers {
		if a.Status != http.StatusFound && (a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" || a.Header.Get("Location") != "") {
			t.Fatalf("%s", a)
		}
	}
	if waiting > 1000 {
		t.Errorf("%d requests wait", waiting)
	}
}

func TestAServerThatStopsSaysSoAndStillAnswers(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{})
	ended := make(chan error, 1)
	go func() { ended <- s.Stop() }()
	saw := 0
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("it ended with %v", err)
			}
			running = false
		default:
			ready, err := s.Try(authtest.NewRequest(t, http.MethodGet, s.URL("/readyz"), nil))
			if err != nil {
				continue // it has ended
			}
			if ready.Status != http.StatusServiceUnavailable {
				continue // it does not know yet
			}
			saw++
			token, err := s.App("web").Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
			if err == nil && token.Status != http.StatusOK {
				t.Errorf("while it stops: %s", token)
			}
		}
	}
	if saw == 0 {
		t.Error("it never said that it stops")
	}
}

func TestUnauthenticatedRequestsAreCheap(t *testing.T) {
	t.Parallel()
	// A password costs so much here that forty requests cost less, if none of them looks at one.
	s := authtest.Start(t, authtest.Options{Seed: authtest.NoSeed, Env: []string{"GRANTOR_PASSWORD_MEMORY=131072", "GRANTOR_PASSWORD_TIME=8"}})
	guess := s.App("web")
	guess.ID = "nobody" // with a secret of the form of ours
	before := processorTime(t, s)
	try(t, s, "nobody", "a wrong password")
	password := processorTime(t, s) - before
	for name, send := range map[string]func(){
		"introspection": func() { guess.Post(t, authtest.IntrospectPath, authtest.Form("token", "x")) },
		"a token":       func() { guess.Token(t, "grant_type", "client_credentials") },
		"a request":     func() { s.Browser(t).Peek(s.App("web").Ask("client_id", "nobody").URL()) },
		"a login page":  func() { s.Browser(t).Peek(s.URL("/login")) },
		"the keys":      func() { s.Get(t, authtest.JWKSPath) },
	} {
		began := processorTime(t, s)
		for range 40 {
			send()
		}
		took := processorTime(t, s) - began
		t.Logf("%s costs %v, a password %v", name, took/40, password)
		if took > password/2 {
			t.Errorf("40 times %s cost %v, a password costs %v", name, took, password)
		}
	}
}

// processorTime reads what the server has used of processors, whatever else the machine does.
func processorTime(t testing.TB, s *authtest.Server) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.ProcessID()))
	if err != nil {
		t.Skipf("no /proc on this system: %v", err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name of the program
	fields := strings.Fields(rest)
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.ParseInt(field, 10, 64)
		must(t, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
