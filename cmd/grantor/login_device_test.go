package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

const someCodes = `{"device_code": "grdc_secret", "user_code": "WDJB-MJHT", "verification_uri": "https://auth.example/device",
	"verification_uri_complete": "https://auth.example/device?user_code=WDJB-MJHT", "expires_in": 600, "interval": 5}`

// counterpart plays the server, without a network, so that its clock can be that of the test.
type counterpart struct {
	t       *testing.T
	status  int    // of the codes; 0: 200
	codes   string // "": someCodes
	answers []string
	asked   []time.Duration // when the tokens were asked for, since the beginning
	began   time.Time
}

// Answers of the token endpoint.
const (
	pending   = `{"error": "authorization_pending"}`
	slowDown  = `{"error": "slow_down"}`
	someToken = `{"access_token": "grat_a", "refresh_token": "grrt_a", "token_type": "Bearer", "expires_in": 600}`
	failing   = "503" // an answer that is none
	hungUp    = "hung up"
)

func (s *counterpart) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	if r.Form.Get("client_id") != oauth.CommandLineClient {
		s.t.Errorf("asked as %q", r.Form.Get("client_id"))
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/oauth2/device_authorization" {
		if r.Form.Get("scope") != oauth.AdminScope {
			s.t.Errorf("asked for the scope %q", r.Form.Get("scope"))
		}
		s.began = time.Now()
		w.WriteHeader(max(s.status, http.StatusOK))
		fmt.Fprint(w, firstOf(s.codes, someCodes))
		return w.Result(), nil
	}
	if r.Form.Get("grant_type") != string(oauth.DeviceCode) || r.Form.Get("device_code") != "grdc_secret" {
		s.t.Errorf("asked for tokens by %v", r.Form)
	}
	s.asked = append(s.asked, time.Since(s.began))
	answer := s.answers[min(len(s.asked), len(s.answers))-1] // the last one again and again
	switch {
	case answer == hungUp:
		return nil, errors.New("connection reset by peer")
	case answer == failing:
		w.WriteHeader(http.StatusServiceUnavailable)
	case strings.Contains(answer, "error"):
		w.WriteHeader(http.StatusBadRequest)
	}
	fmt.Fprint(w, answer)
	return w.Result(), nil
}

// signIn signs in at it, and gives what the terminal shows.
func (s *counterpart) signIn(ctx context.Context) (given *login, shown string, err error) {
	var out bytes.Buffer
	given, err = (&command{err: &out}).throughDevice(ctx, newHTTPClient(s), &endpoints{
		Issuer: "https://auth.example", Device: "https://auth.example/oauth2/device_authorization",
		Token: "https://auth.example/oauth2/token", Revocation: "https://auth.example/oauth2/revoke",
	})
	return given, out.String(), err
}

func TestDeviceLoginAsksAsOftenAsTheServerSays(t *testing.T) {
	for name, c := range map[string]struct {
		codes   string
		answers []string
		want    []int // seconds
	}{
		"at once":                         {"", []string{someToken}, []int{5}},
		"after a while":                   {"", []string{pending, pending, pending, someToken}, []int{5, 10, 15, 20}},
		"slower for good":                 {"", []string{pending, slowDown, pending, slowDown, pending, someToken}, []int{5, 10, 20, 30, 45, 60}},
		"slower for good, whatever fails": {"", []string{slowDown, slowDown, slowDown, hungUp, pending, pending, someToken}, []int{5, 15, 30, 50, 90, 130, 170}},
		"an interval of its own":          {strings.Replace(someCodes, `"interval": 5`, `"interval": 12`, 1), []string{pending, someToken}, []int{12, 24}},
		"no interval":                     {strings.Replace(someCodes, `, "interval": 5`, ``, 1), []string{pending, someToken}, []int{5, 10}},
		"a server that rests":             {"", []string{failing, hungUp, pending, someToken}, []int{5, 15, 35, 55}},
		"for longer":                      {"", []string{hungUp, hungUp, hungUp, hungUp, hungUp, hungUp, someToken}, []int{5, 15, 35, 75, 135, 195, 255}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &counterpart{t: t, codes: c.codes, answers: c.answers}
				given, shown, err := s.signIn(t.Context())
				if err != nil || given.AccessToken != "grat_a" || given.RefreshToken != "grrt_a" || !given.Expires.Equal(time.Now().Add(10*time.Minute)) ||
					given.Token != "https://auth.example/oauth2/token" || given.Revocation != "https://auth.example/oauth2/revoke" {
					t.Errorf("got %+v, %v", given, err)
				}
				var asked []int
				for _, at := range s.asked {
					asked = append(asked, int(at.Seconds()))
				}
				if !slices.Equal(asked, c.want) {
					t.Errorf("asked after %v seconds, want %v", asked, c.want)
				}
				for _, want := range []string{"\n  https://auth.example/device\n", "\n  WDJB-MJHT\n", "\n  https://auth.example/device?user_code=WDJB-MJHT\n", "good for 10m."} {
					if !strings.Contains(shown, want) {
						t.Errorf("%q is not shown: %s", want, shown)
					}
				}
				if strings.Contains(shown, "grdc_") || strings.Contains(shown, "grat_") {
					t.Errorf("a secret is shown: %s", shown)
				}
			})
		})
	}
}

func TestDeviceLoginEndsWithAPlainSentence(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		want    string
		after   time.Duration
	}{
		"denied":               {[]string{pending, `{"error": "access_denied"}`}, "the login was not allowed", 10 * time.Second},
		"expired":              {[]string{pending, `{"error": "expired_token"}`}, "nobody has allowed the login while the code was good: try again", 10 * time.Second},
		"never answered":       {[]string{pending}, "nobody has allowed the login while the code was good: try again", 10 * time.Minute},
		"gone":                 {[]string{hungUp}, "nobody has allowed the login while the code was good: try again", 10 * time.Minute},
		"another error":        {[]string{`{"error": "invalid\u001b[31m_grant"}`}, "https://auth.example gives no token (invalid\uFFFD[31m_grant): try again", 5 * time.Second},
		"an answer that is no": {[]string{`{"error": 7}`}, "get a token from https://auth.example: it answers with the status 400 Bad Request and not as a Grantor does", 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s := &counterpart{t: t, answers: c.answers}
				if given, _, err := s.signIn(t.Context()); err == nil || err.Error() != c.want || given != nil {
					t.Errorf("got %v, %v", given, err)
				}
				if took := time.Since(began); took != c.after {
					t.Errorf("after %s", took)
				}
			})
		})
	}
}

func TestDeviceLoginShowsOnlyCodesAndAddressesOfTheServer(t *testing.T) {
	with := func(old, now string) string {
		if !strings.Contains(someCodes, old) {
			t.Fatal(old)
		}
		return strings.Replace(someCodes, old, now, 1)
	}
	const unusable = "https://auth.example does not give codes as a Grantor does"
	for name, c := range map[string]struct {
		status int
		codes  string
		want   string // "": it goes on
	}{
		"another server":        {0, with(`"https://auth.example/device"`, `"https://evil.example/device"`), unusable},
		"plain http":            {0, with(`"https://auth.example/device"`, `"http://auth.example/device"`), unusable},
		"no address":            {0, with(`"https://auth.example/device"`, `""`), unusable},
		"another complete one":  {0, with(`"https://auth.example/device?`, `"https://evil.example/device?`), ""},
		"no complete one":       {0, with(`"https://auth.example/device?user_code=WDJB-MJHT"`, `""`), ""},
		"no user code":          {0, with("WDJB-MJHT", ""), unusable},
		"no device code":        {0, with("grdc_secret", ""), unusable},
		"backwards":             {0, with(`"interval": 5`, `"interval": -5`), unusable},
		"the longest interval":  {0, with(`"expires_in": 600, "interval": 5`, `"expires_in": 7200, "interval": 1800`), ""},
		"too long an interval":  {0, with(`"interval": 5`, `"interval": 1801`), unusable},
		"no end":                {0, with(`"expires_in": 600, `, ``), ""},
		"a century":             {0, with("600", "3000000000"), ""},
		"prose for a code":      {0, with("WDJB-MJHT", strings.Repeat("a ", 17)), unusable},
		"over already":          {0, with("600", "-1"), unusable},
		"an end beyond numbers": {0, with("600", "9223372036854775807"), unusable},
		"a terminal's commands": {0, with("WDJB-MJHT", `\u001b[31mWDJB`), ""},
		"no JSON":               {0, "<h1>secret page</h1>", unusable},
		"not for this client":   {400, `{"error": "unauthorized_client"}`, "https://auth.example does not let the command line in with a code: its setting cli_device_login is off. Sign in where there is a browser, with `grantor login --server https://auth.example`"},
		"too many":              {429, `{"error": "temporarily_unavailable"}`, "https://auth.example gives no code (temporarily_unavailable): try again"},
		"a page of an error":    {502, "<h1>secret page</h1>", "ask https://auth.example for a code: it answers with the status 502 Bad Gateway and not as a Grantor does"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &counterpart{t: t, status: c.status, codes: c.codes, answers: []string{someToken}}
				_, shown, err := s.signIn(t.Context())
				if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
					t.Errorf("got %v", err)
				}
				if c.want != "" && (shown != "" || len(s.asked) > 0) {
					t.Errorf("went on: %s", shown)
				}
				if strings.Contains(shown, "good for ") && !strings.Contains(shown, "good for 10m.") && !strings.Contains(shown, "good for 1h.") && name != "no end" {
					t.Errorf("it waits for long: %s", shown)
				}
				if strings.Contains(shown, "evil") || strings.Contains(shown, "\x1b") {
					t.Errorf("shown: %q", shown)
				}
			})
		})
	}
}

func TestServerWithoutTheDeviceGrantIsToldSo(t *testing.T) {
	for device, want := range map[string]string{
		"": "has no login with a code: sign in where there is a browser",
		"https://evil.example/oauth2/device_authorization": "the device authorization endpoint of",
	} {
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			here := "http://" + r.Host
			fmt.Fprintf(w, `{"issuer": %q, "authorization_endpoint": %q, "token_endpoint": %q, "revocation_endpoint": %q, "device_authorization_endpoint": %q}`, here, here+"/a", here+"/t", here+"/r", device)
		})
		newPerson(t).fails(want, "login", "--device", "--server", s.URL)
	}
}

// until is a terminal on which somebody reads and then does something.
type until struct {
	io.Writer
	text string
	act  func()
}

func (u until) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(u.text)) {
		u.act()
	}
	return u.Writer.Write(p)
}

func TestDeviceLoginThatIsBrokenOffSavesNothing(t *testing.T) {
	s := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		here := "http://" + r.Host
		if r.URL.Path == wellKnown {
			fmt.Fprintf(w, `{"issuer": %q, "authorization_endpoint": %[1]q, "token_endpoint": %[1]q, "revocation_endpoint": %[1]q, "device_authorization_endpoint": %[1]q}`, here)
			return
		}
		fmt.Fprint(w, strings.ReplaceAll(someCodes, "https://auth.example", here))
	})
	p := newPerson(t)
	ctx, interrupt := context.WithCancel(t.Context())
	var out bytes.Buffer
	err := run(ctx, []string{"login", "--device", "--server", s.URL}, nil, strings.NewReader(""), &out, until{&out, "Ctrl-C", interrupt})
	if err == nil || err.Error() != brokenOff {
		t.Errorf("%v\n%s", err, out.String())
	}
	if saved := p.read(); len(saved.Servers) > 0 {
		t.Errorf("saved %+v", saved)
	}
}
