package foreign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Devices with libraries that others have made, golang.org/x/oauth2 and openid-client from npm, get their tokens from this
// server (RFC 8628).

const boxSecret = "the-secret-of-the-set-top-box"

const deviceClients = `  - client_id: tv
    client_name: Television
    token_endpoint_auth_method: none
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    scope: "profile"
  - client_id: box
    client_secret: ` + boxSecret + `
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    scope: "profile"
`

// step is what a device tells of its way.
type step struct {
	Codes     *codes
	Polled    string // the error that a poll was answered with, or "tokens"
	Tokens    *tokens
	Refreshed *tokens
	Refused   string // the error that the library gives up with
}

type codes struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	Complete   string `json:"verification_uri_complete"`
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// pace is how often a device asks.
type pace string

const (
	asTold pace = "as the server tells it"
	hasty  pace = "too often"
)

// device runs a library and gives its steps, which end with it.
type device func(t *testing.T, s *authtest.Server, client string, p pace) <-chan step

var devices = map[string]device{"golang.org/x/oauth2": goDevice, "openid-client": nodeDevice}

func TestDevicesOfOthersGetTheirTokens(t *testing.T) {
	s := authtest.Start(t, authtest.Options{Seed: authtest.Seed() + deviceClients})
	for name, run := range devices {
		for _, client := range []string{"tv", "box"} {
			t.Run(name+", "+client, func(t *testing.T) {
				t.Parallel()
				steps := run(t, s, client, hasty)
				user := authtest.Bob
				page := s.Browser(t).Open(begun(t, s, steps).Complete).LogIn(user, authtest.PasswordOf(user)).Press("Continue")
				if got := next(t, steps); got.Polled != "authorization_pending" {
					t.Fatalf("the first poll: %+v", got)
				}
				polledUntil(t, steps, "slow_down")
				page.Press("Allow")
				polledUntil(t, steps, "tokens")
				got, later := next(t, steps).Tokens, next(t, steps).Refreshed
				if got == nil || later == nil || later.Access == got.Access {
					t.Fatalf("tokens %v, then %v", got, later)
				}
				s.Keep(got.Access)
				app := &authtest.App{Server: s, ID: "box", Secret: boxSecret, Method: authtest.Basic}
				if client == "box" && app.Introspect(t, later.Access).Text("token_use") != "access_token" {
					t.Error("the token of a refresh is not active")
				}
			})
		}
	}
}

func TestDevicesOfOthersAreToldOfADenial(t *testing.T) {
	s := authtest.Start(t, authtest.Options{Seed: authtest.Seed() + deviceClients})
	for name, run := range devices {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := run(t, s, "tv", asTold)
			page := s.Browser(t).Open(begun(t, s, steps).Complete).LogIn(authtest.Bob, authtest.PasswordOf(authtest.Bob))
			page.Press("Continue").Press("Deny")
			polledUntil(t, steps, "access_denied")
			if got := next(t, steps); got.Refused != "access_denied" {
				t.Errorf("the library says %+v", got)
			}
		})
	}
}

// polledUntil waits for what a poll is answered; until then the device is told to wait.
func polledUntil(t *testing.T, steps <-chan step, want string) {
	t.Helper()
	for {
		switch got := next(t, steps).Polled; got {
		case want:
			return
		case "authorization_pending", "slow_down":
		default:
			t.Fatalf("a poll is answered %q, want %s", got, want)
		}
	}
}

func begun(t *testing.T, s *authtest.Server, steps <-chan step) *codes {
	t.Helper()
	first := next(t, steps)
	if first.Codes == nil {
		t.Fatalf("it begins with %+v", first)
	}
	s.Keep(first.Codes.DeviceCode)
	s.Keep(first.Codes.UserCode)
	return first.Codes
}

func next(t *testing.T, steps <-chan step) step {
	t.Helper()
	select {
	case got, open := <-steps:
		if !open {
			t.Fatal("the device has ended")
		}
		return got
	case <-time.After(patience):
		t.Fatal("the device does nothing more")
	}
	return step{}
}

// goDevice is a device with golang.org/x/oauth2.
func goDevice(t *testing.T, s *authtest.Server, client string, p pace) <-chan step {
	t.Helper()
	config := &oauth2.Config{ClientID: client, Scopes: []string{"profile"}, Endpoint: oauth2.Endpoint{
		DeviceAuthURL: s.URL("/oauth2/device_authorization"), TokenURL: s.URL(authtest.TokenPath), AuthStyle: oauth2.AuthStyleInParams,
	}}
	transport := s.Client().Transport
	if client == "box" { // DeviceAuth sends the id alone, whatever the style
		config.ClientSecret, config.Endpoint.AuthStyle, transport = boxSecret, oauth2.AuthStyleInHeader, basic{transport}
	}
	steps := make(chan step, 100)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: polls{transport, steps}})
	go func() {
		defer close(steps)
		given, err := config.DeviceAuth(ctx)
		if err != nil {
			steps <- step{Refused: err.Error()}
			return
		}
		steps <- step{Codes: &codes{given.DeviceCode, given.UserCode, given.VerificationURIComplete}}
		if p == hasty {
			given.Interval = 1
		}
		token, err := config.DeviceAccessToken(ctx, given)
		if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) {
			steps <- step{Refused: refused.ErrorCode}
			return
		}
		if err != nil {
			steps <- step{Refused: err.Error()}
			return
		}
		steps <- step{Tokens: &tokens{token.AccessToken, token.RefreshToken}}
		token.Expiry = time.Now().Add(-time.Minute)
		later, err := config.TokenSource(ctx, token).Token()
		if err != nil {
			steps <- step{Refused: err.Error()}
			return
		}
		steps <- step{Refreshed: &tokens{later.AccessToken, later.RefreshToken}}
	}()
	return steps
}

// basic proves who the device is where the library does not.
type basic struct{ http.RoundTripper }

func (b basic) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.SetBasicAuth("box", boxSecret)
	return b.RoundTripper.RoundTrip(sent)
}

// polls tells what polls were answered.
type polls struct {
	http.RoundTripper
	steps chan<- step
}

func (p polls) RoundTrip(r *http.Request) (*http.Response, error) {
	asks := false
	if r.GetBody != nil {
		if body, err := r.GetBody(); err == nil {
			sent, _ := io.ReadAll(body) // of memory
			asks = bytes.Contains(sent, []byte("device_code="))
		}
	}
	response, err := p.RoundTripper.RoundTrip(r)
	if err != nil || !asks {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it was read
	response.Body = io.NopCloser(bytes.NewReader(body))
	var told struct{ Error string }
	if json.Unmarshal(body, &told) == nil && told.Error == "" {
		told.Error = "tokens"
	}
	p.steps <- step{Polled: told.Error}
	return response, err
}

// nodeDevice is a device with openid-client: device.mjs.
func nodeDevice(t *testing.T, s *authtest.Server, client string, p pace) <-chan step {
	t.Helper()
	process := exec.CommandContext(t.Context(), node(t, "openid-client"), "device.mjs")
	process.Env = append(os.Environ(), "ISSUER="+s.Issuer, "CLIENT="+client)
	if client == "box" {
		process.Env = append(process.Env, "SECRET="+boxSecret)
	}
	if p == hasty {
		process.Env = append(process.Env, "INTERVAL=0.2")
	}
	complaints := new(strings.Builder)
	process.Stderr = complaints
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	steps, ended := make(chan step, 100), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(steps)
		decoder, refreshes := json.NewDecoder(out), false
		for {
			var told step
			if decoder.Decode(&told) != nil {
				break
			}
			refreshes = refreshes || told.Tokens != nil
			if refreshes && told.Polled != "" {
				continue // of the refresh token
			}
			steps <- told
		}
		_ = process.Wait() // what it told says how it ended
	}()
	t.Cleanup(func() {
		<-ended
		if t.Failed() && complaints.Len() > 0 {
			t.Logf("node says:\n%s", complaints)
		}
	})
	return steps
}
