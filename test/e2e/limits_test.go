package e2e

import (
	"net/http"
	"slices"
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
	// A password costs so much here that nobody who is asked for one could be quick.
	s := authtest.Start(t, authtest.Options{Seed: authtest.NoSeed, Env: []string{"GRANTOR_PASSWORD_MEMORY=131072", "GRANTOR_PASSWORD_TIME=8"}})
	guess := s.App("web")
	guess.ID = "nobody" // with a secret of the form of ours
	for name, send := range map[string]func(){
		"introspection": func() { guess.Post(t, authtest.IntrospectPath, authtest.Form("token", "x")) },
		"a token":       func() { guess.Token(t, "grant_type", "client_credentials") },
		"a request":     func() { s.Browser(t).Peek(s.App("web").Ask("client_id", "nobody").URL()) },
		"a login page":  func() { s.Browser(t).Peek(s.URL("/login")) },
		"the keys":      func() { s.Get(t, authtest.JWKSPath) },
	} {
		var times []time.Duration
		for range 40 {
			began := time.Now()
			send()
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		// Other work on the machine slows most of them down, and at times all.
		if quick, typical := times[0], times[len(times)/4]; quick > 60*time.Millisecond || typical > 300*time.Millisecond {
			t.Errorf("%s takes %v, mostly %v", name, quick, typical)
		}
	}
}
