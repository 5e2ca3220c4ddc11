package authtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// AuthMethod is how an application proves who it is.
type AuthMethod string

// The methods that the server offers.
const (
	Basic  AuthMethod = "client_secret_basic"
	Post   AuthMethod = "client_secret_post"
	Public AuthMethod = "none"
)

// App is an application that speaks OAuth to the server, by hand: a test can leave out or bend whatever it likes.
type App struct {
	Server   *Server
	ID       string
	Secret   string
	Redirect string
	Method   AuthMethod
}

// On gives the same application, talking to another node.
func (a *App) On(s *Server) *App {
	other := *a
	other.Server = s
	return &other
}

// Answer is what an endpoint for programs answered.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any // nil where the body is no JSON object
}

// Text gives a member of the answer that is a text, "" where there is none.
func (a *Answer) Text(name string) string {
	text, _ := a.JSON[name].(string) // "" says that it is none
	return text
}

// Access gives the access token of the answer.
func (a *Answer) Access() string { return a.Text("access_token") }

// Refresh gives the refresh token of the answer.
func (a *Answer) Refresh() string { return a.Text("refresh_token") }

// Fault gives the code of a refusal.
func (a *Answer) Fault() string { return a.Text("error") }

// Active tells whether an introspection found the token good.
func (a *Answer) Active() bool {
	active, _ := a.JSON["active"].(bool) // absent: not active
	return active
}

func (a *Answer) String() string { return fmt.Sprintf("%d %s", a.Status, strings.TrimSpace(a.Body)) }

// Wants fails the test unless the answer has this status and error code; "" is none.
func (a *Answer) Wants(t testing.TB, status int, code string) {
	t.Helper()
	if a.Status != status || a.Fault() != code {
		t.Errorf("answered %s, not %d %s", a, status, code)
	}
}

// Try sends any request and reads the answer.
func (s *Server) Try(request *http.Request) (*Answer, error) {
	response, err := s.Client().Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	answer := &Answer{Status: response.StatusCode, Header: response.Header, Body: string(body)}
	_ = json.Unmarshal(body, &answer.JSON) // nil says that it is no JSON object
	for _, name := range []string{"access_token", "refresh_token"} {
		s.Keep(answer.Text(name))
	}
	return answer, nil
}

// Do sends any request and fails the test if there is no answer.
func (s *Server) Do(t testing.TB, request *http.Request) *Answer {
	t.Helper()
	answer, err := s.Try(request)
	if err != nil {
		t.Fatalf("%s %s: %v", request.Method, request.URL.Path, err)
	}
	return answer
}

// Get reads a path of the server.
func (s *Server) Get(t testing.TB, path string) *Answer {
	t.Helper()
	return s.Do(t, NewRequest(t, http.MethodGet, s.URL(path), nil))
}

// NewRequest makes a request; with a form it is the body.
func NewRequest(t testing.TB, method, address string, form url.Values) *http.Request {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(context.Background(), method, address, body)
	if err != nil {
		t.Fatalf("make a request: %v", err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return request
}

// Form makes a form of names and values.
func Form(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// Request makes a POST of the application to an endpoint, with its proof of who it is.
func (a *App) Request(path string, form url.Values) (*http.Request, error) {
	sent := url.Values{}
	for name, values := range form {
		sent[name] = values
	}
	if a.Method != Basic && !sent.Has("client_id") {
		sent.Set("client_id", a.ID)
	}
	if a.Method == Post && !sent.Has("client_secret") {
		sent.Set("client_secret", a.Secret)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, a.Server.URL(path), strings.NewReader(sent.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.Method == Basic {
		request.SetBasicAuth(url.QueryEscape(a.ID), url.QueryEscape(a.Secret))
	}
	return request, nil
}

// Call sends a form to an endpoint. Unlike Post it may be used beside the test's own goroutine.
func (a *App) Call(path string, form url.Values) (*Answer, error) {
	request, err := a.Request(path, form)
	if err != nil {
		return nil, err
	}
	return a.Server.Try(request)
}

// Post sends a form to an endpoint.
func (a *App) Post(t testing.TB, path string, form url.Values) *Answer {
	t.Helper()
	answer, err := a.Call(path, form)
	if err != nil {
		t.Fatalf("%s asks %s: %v", a.ID, path, err)
	}
	return answer
}

// The endpoints of the protocol.
const (
	AuthorizePath  = "/oauth2/authorize"
	TokenPath      = "/oauth2/token"
	RevokePath     = "/oauth2/revoke"
	IntrospectPath = "/oauth2/introspect"
	JWKSPath       = "/oauth2/jwks"
)

// Token asks the token endpoint.
func (a *App) Token(t testing.TB, pairs ...string) *Answer {
	t.Helper()
	return a.Post(t, TokenPath, Form(pairs...))
}

// Machine gets a token for the application itself.
func (a *App) Machine(t testing.TB, pairs ...string) *Answer {
	t.Helper()
	answer := a.Token(t, append([]string{"grant_type", "client_credentials"}, pairs...)...)
	if answer.Status != http.StatusOK || answer.Access() == "" {
		t.Fatalf("%s gets no token for itself: %s", a.ID, answer)
	}
	return answer
}

// Refresh presents a refresh token.
func (a *App) Refresh(t testing.TB, token string, pairs ...string) *Answer {
	t.Helper()
	return a.Token(t, append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...)
}

// Introspect asks what a token is worth.
func (a *App) Introspect(t testing.TB, token string) *Answer {
	t.Helper()
	answer := a.Post(t, IntrospectPath, Form("token", token))
	if answer.Status != http.StatusOK {
		t.Fatalf("%s may not introspect: %s", a.ID, answer)
	}
	return answer
}

// Active tells whether a token is good in the eyes of the application.
func (a *App) Active(t testing.TB, token string) bool {
	t.Helper()
	return a.Introspect(t, token).Active()
}

// Revoke ends what a token stands for.
func (a *App) Revoke(t testing.TB, token string) *Answer {
	t.Helper()
	return a.Post(t, RevokePath, Form("token", token))
}

// Asked is an authorization request of an application, with what it keeps for itself until the answer comes.
type Asked struct {
	App      *App
	Params   url.Values
	Verifier string
	State    string
}

// Ask begins an authorization request: everything that a good one has, and then the pairs. A value of "" leaves the
// parameter out.
func (a *App) Ask(pairs ...string) *Asked {
	asked := &Asked{App: a, Verifier: random(), State: random(), Params: url.Values{}}
	a.Server.Keep(asked.Verifier)
	for name, value := range map[string]string{
		"response_type": "code", "client_id": a.ID, "redirect_uri": a.Redirect, "state": asked.State,
		"code_challenge": Challenge(asked.Verifier), "code_challenge_method": "S256",
	} {
		asked.Params.Set(name, value)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		asked.Params.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			asked.Params.Del(pairs[i])
		}
	}
	return asked
}

// URL is where the application sends its user.
func (asked *Asked) URL() string {
	return asked.App.Server.URL(AuthorizePath) + "?" + asked.Params.Encode()
}

// Redeem exchanges the code of the answer, with what belongs to it and then the pairs; "" leaves a parameter out.
func (asked *Asked) Redeem(t testing.TB, code string, pairs ...string) *Answer {
	t.Helper()
	return asked.App.Post(t, TokenPath, asked.Redemption(code, pairs...))
}

// Redemption is the form that Redeem sends.
func (asked *Asked) Redemption(code string, pairs ...string) url.Values {
	form := Form("grant_type", "authorization_code", "code", code, "code_verifier", asked.Verifier,
		"redirect_uri", asked.Params.Get("redirect_uri"))
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

// Challenge makes the S256 challenge of a verifier (RFC 7636 section 4.2).
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Random gives a text that nobody has used before.
func Random() string { return random() }
