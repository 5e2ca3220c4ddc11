package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Logins: what an attacker learns, and how fast he can guess.

// try sends name and password, each time from a browser that nobody knows.
func try(t testing.TB, s *authtest.Server, username, password string) *authtest.Page {
	t.Helper()
	return s.Browser(t).Open(s.URL("/login")).LogIn(username, password)
}

func TestAnUnknownUserAndAWrongPasswordLookTheSame(t *testing.T) {
	t.Parallel()
	s := shared(t)
	unknown, wrong := try(t, s, "nobody-here", "a wrong password"), try(t, s, "laura", "a wrong password")
	for _, p := range []*authtest.Page{unknown, wrong} {
		if p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text(), "is not right") {
			t.Errorf("%s", p)
		}
	}
	if unknown.Text() != wrong.Text() || len(unknown.Set) != len(wrong.Set) || len(unknown.Header) != len(wrong.Header) {
		t.Errorf("they differ: %s and %s", unknown, wrong)
	}
}

func TestAnUnknownUserAndAWrongPasswordTakeTheSameTime(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Slow: true, Args: []string{"--limit-exempt", "127.0.0.0/8"}})
	persons := authtest.Persons()
	wantAlike(t, "login", func(i int) (known, unknown time.Duration) {
		// Neither name is tried so often that it is slowed down.
		taken := func(username string) time.Duration {
			page := s.Browser(t).Open(s.URL("/login"))
			began := time.Now()
			if page = page.LogIn(username, "a wrong password"); page.Status != http.StatusUnprocessableEntity {
				t.Fatalf("%s: %s", username, page)
			}
			return time.Since(began)
		}
		return taken(persons[i%len(persons)]), taken(fmt.Sprintf("unknown-%d", i%len(persons)))
	})
}

func TestOverlongNamesAndPasswordsAreRefusedCheaply(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for name, c := range map[string][2]string{
		"password": {"mike", strings.Repeat("p", 20000)}, "name": {strings.Repeat("n", 20000), "a wrong password"}, "both": {strings.Repeat("é", 9000), strings.Repeat("é", 9000)},
		"empty": {"", ""}, "no password": {"mike", ""}, "blanks": {"   ", "   "}, "right-to-left": {"\u202emike", "a wrong password"}, "tag": {"<script>", "'\" OR 1=1"},
	} {
		began := time.Now()
		page := try(t, s, c[0], c[1])
		refused := page.Status == http.StatusUnprocessableEntity || page.Status == http.StatusRequestEntityTooLarge
		if !refused || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %s after %v", name, page, time.Since(began))
		}
		if strings.Contains(page.Body, "<script>") {
			t.Errorf("%s: the name is not escaped", name)
		}
	}
}

func TestGuessingIsThrottledPerAccountHoweverItIsSpelt(t *testing.T) {
	t.Parallel()
	s := shared(t)
	spellings := []string{"nina", "NINA", " nina ", "Nina", "ｎｉｎａ", "nina"}
	throttled := false
	for i := range 12 {
		b := s.Browser(t) // a fresh cookie each time
		b.Header.Set("X-Forwarded-For", "198.51.100."+string(rune('1'+i%9)))
		b.Header.Set("X-Real-Ip", "198.51.100.1")
		b.Header.Set("Forwarded", "for=198.51.100.1")
		page := b.Open(s.URL("/login")).LogIn(spellings[i%len(spellings)], "a wrong password")
		if page.Status == http.StatusTooManyRequests {
			throttled = true
			if page.Header.Get("Retry-After") == "" || !strings.Contains(page.Text(), "too many attempts") {
				t.Errorf("%s, Retry-After %q", page, page.Header.Get("Retry-After"))
			}
			if i < 5 {
				t.Errorf("it is throttled after %d attempts", i)
			}
		}
	}
	if !throttled {
		t.Fatal("twelve guesses were let through")
	}
	// Not even the right password gets through a shut gate; other accounts do not notice.
	if page := try(t, s, "nina", authtest.PasswordOf("nina")); page.Status != http.StatusTooManyRequests {
		t.Errorf("the right password: %s", page)
	}
	s.Browser(t).SignIn("oscar")
}

func TestGuessingAtNobodyIsThrottledAlike(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for i := range 7 {
		page := try(t, s, "somebody-who-is-not", "a wrong password")
		if want := i >= 5; (page.Status == http.StatusTooManyRequests) != want {
			t.Errorf("attempt %d: %d", i+1, page.Status)
		}
	}
}

func TestTheOwnerIsNotLockedOutOfAKnownBrowser(t *testing.T) {
	t.Parallel()
	s := shared(t)
	owner := s.Browser(t)
	owner.SignIn("peggy")
	owner.Open(s.URL("/logout")).Press("Sign out")
	for range 8 {
		try(t, s, "peggy", "a wrong password")
	}
	owner.SignIn("peggy")
}

func TestParallelGuessesGainNothing(t *testing.T) {
	t.Parallel()
	s := shared(t)
	const guesses = 40
	pages := make([]*authtest.Page, guesses)
	forms := make([]func() *authtest.Page, guesses)
	for i := range guesses {
		login := s.Browser(t).Open(s.URL("/login"))
		forms[i] = func() *authtest.Page { return login.LogIn("quinn", "a wrong password") }
	}
	var all sync.WaitGroup
	for i := range guesses {
		all.Go(func() { pages[i] = forms[i]() })
	}
	all.Wait()
	looked := 0
	for _, p := range pages {
		if p.Status == http.StatusUnprocessableEntity {
			looked++
		}
	}
	if looked > 6 {
		t.Errorf("%d of %d guesses were looked at", looked, guesses)
	}
}

func TestGuessingIsThrottledPerAddress(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Args: []string{"--trusted-proxy", "127.0.0.1/32"}})
	attempt := func(forwarded, username string) int {
		b := s.Browser(t)
		b.Header.Set("X-Forwarded-For", forwarded)
		return b.Open(s.URL("/login")).LogIn(username, "a wrong password").Status
	}
	flood := func(address func(i int) string) (last int) {
		for i := range 52 {
			last = attempt(address(i), authtest.Random())
		}
		return last
	}
	// What the attacker writes before the hop that the proxy has seen does not count.
	forged := flood(func(i int) string { return "203.0.113." + string(rune('0'+i%10)) + ", 198.51.100.7" })
	if forged != http.StatusTooManyRequests {
		t.Errorf("52 guesses from one address: %d", forged)
	}
	if other := attempt("198.51.100.8", "rupert"); other != http.StatusUnprocessableEntity {
		t.Errorf("another address: %d", other)
	}
	// A subscriber has a whole /64.
	network := flood(func(i int) string { return "2001:db8:1:2:" + string("abcdef"[i%6]) + "::1" })
	if network != http.StatusTooManyRequests {
		t.Errorf("52 guesses from one /64: %d", network)
	}
	if other := attempt("2001:db8:1:3::1", "rupert"); other != http.StatusUnprocessableEntity {
		t.Errorf("another /64: %d", other)
	}
}

func TestManyLoginsDoNotStarveTheServer(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Slow: true, Args: []string{"--limit-exempt", "127.0.0.0/8"}})
	stop := make(chan struct{})
	var all sync.WaitGroup
	var checked atomic.Int64 // passwords
	for range 12 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				switch status := try(t, s, authtest.Random(), "a wrong password").Status; status {
				case http.StatusUnprocessableEntity:
					checked.Add(1)
				case http.StatusServiceUnavailable, http.StatusTooManyRequests:
				default:
					t.Errorf("a login ends with %d", status)
				}
			}
		})
	}
	eventually(t, time.Minute, "logins are checked", func() bool { return checked.Load() > 12 })
	var meanwhile []int64 // passwords that were checked while the metadata were read
	for range 30 {
		before := checked.Load()
		if answer := s.Get(t, "/.well-known/oauth-authorization-server"); answer.Status != http.StatusOK {
			t.Errorf("meanwhile the metadata is %d", answer.Status)
		}
		meanwhile = append(meanwhile, checked.Load()-before)
	}
	close(stop)
	all.Wait()
	wantNotStarved(t, meanwhile)
}
