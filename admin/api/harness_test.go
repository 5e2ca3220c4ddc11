package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/templates"
)

const (
	origin   = "https://id.example.com"
	base     = "/tenant" // so that a link that forgets it leads nowhere
	issuer   = origin + base
	callback = "https://app.example.com/callback"
	password = "correct horse battery staple"
)

// world is one installation: the API over a store in memory, and a clock that tests move.
type world struct {
	t        testing.TB
	nanos    atomic.Int64
	store    *memory.Store
	keys     *oauth.Keyring
	people   *account.Directory
	audit    *account.Audit
	provider *oauth.Provider
	config   api.Config
	handler  http.Handler

	mu      sync.Mutex
	secrets []string // what no answer may hold, but the one that made it
}

// parsed are the pages; a hundred tests need not each parse them.
var parsed = sync.OnceValues(templates.Parse)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, store: memory.New()}
	t.Cleanup(func() { _ = w.store.Close() })
	w.nanos.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	w.store.Now = w.now
	sealer, err := jose.NewSealer(bytes.Repeat([]byte{1}, jose.MasterSize))
	ok(t, err)
	w.keys, err = oauth.OpenKeyring(t.Context(), oauth.KeyringConfig{Backend: w.store, Sealer: sealer, Now: w.now})
	ok(t, err)
	ok(t, w.keys.Load(t.Context()))
	hasher := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 1000})
	w.audit = account.NewAudit(w.store, w.now)
	w.people = account.NewDirectory(account.Config{Backend: w.store, Now: w.now, Hasher: hasher, Audit: w.audit, Secret: w.keys.Secret})
	w.provider = oauth.New(oauth.Config{
		Issuer: issuer, Backend: w.store, Directory: w.people, Hasher: hasher, Audit: w.audit, Keys: w.keys, Now: w.now, ExplainFor: 24 * time.Hour,
	})
	ok(t, w.provider.EnsureBuiltIn(t.Context()))
	pages, err := parsed()
	ok(t, err)
	w.config = api.Config{
		Provider: w.provider, Directory: w.people, Audit: w.audit, Keys: w.keys, Pages: pages, Version: "1.2.3",
		Backup: func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "the file of the store")
			return err
		},
	}
	w.rebuild(func(*api.Config) {})
	return w
}

// rebuild serves the API with other settings.
func (w *world) rebuild(change func(*api.Config)) {
	w.t.Helper()
	change(&w.config)
	handler, err := api.New(w.config)
	ok(w.t, err)
	w.handler = web.New(web.Config{Now: w.now, HTTPS: true})(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		// As package server does it in front of every area.
		guest := account.Actor{Kind: account.ActorGuest, Address: "192.0.2.1"}
		handler.ServeHTTP(rw, r.WithContext(account.WithRequest(r.Context(), web.EventFrom(r.Context()).RequestID, guest)))
	}))
}

func (w *world) now() time.Time       { return time.Unix(0, w.nanos.Load()) }
func (w *world) move(d time.Duration) { w.nanos.Add(int64(d)) }

// system is the context of whoever set the installation up: everything is allowed.
func (w *world) system() context.Context { return context.Background() }

func (w *world) user(name string, permissions ...account.Permission) *account.User {
	w.t.Helper()
	u, err := w.people.CreateUser(w.system(), account.NewUser{
		Username: name, Password: password, Permissions: permissions, Email: name + "@example.com",
	})
	ok(w.t, err)
	return u
}

func (w *world) superAdmin(name string) *account.User {
	w.t.Helper()
	u, err := w.people.CreateUser(w.system(), account.NewUser{Username: name, Password: password, SuperAdmin: true})
	ok(w.t, err)
	return u
}

func (w *world) client(r oauth.Registration) (*oauth.Client, string) {
	w.t.Helper()
	c, secret, err := w.provider.RegisterClient(w.system(), r, "")
	ok(w.t, err)
	w.keep(secret)
	return c, secret
}

// webClient registers a client with the usual settings.
func (w *world) webClient(id string) *oauth.Client {
	w.t.Helper()
	c, _ := w.client(oauth.Registration{ClientID: id, ClientName: "Client " + id, RedirectURIs: []string{callback}, Scope: "read write"})
	return c
}

func (w *world) api(r oauth.APIRegistration) *oauth.API {
	w.t.Helper()
	a, err := w.provider.RegisterAPI(w.system(), r)
	ok(w.t, err)
	return a
}

func (w *world) keep(secret string) {
	if secret != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.secrets = append(w.secrets, secret)
	}
}

// token gives a user an access token of this scope.
func (w *world) token(u *account.User, scope string) string {
	w.t.Helper()
	cookie, session, err := w.people.StartSession(w.system(), u, account.NewSession{Address: "192.0.2.7", UserAgent: "test"})
	ok(w.t, err)
	w.keep(cookie)
	_, token, err := w.provider.CreatePersonalToken(w.system(), session, oauth.NewPersonalToken{
		ClientID: oauth.CommandLineClient, Name: "test", Scope: scope, Lifetime: 24 * time.Hour,
	})
	ok(w.t, err)
	w.keep(token)
	return token
}

// caller is a program with a token, or with none.
type caller struct {
	w     *world
	token string
}

// admin is a program that may do everything.
func (w *world) admin() *caller {
	w.t.Helper()
	return w.as(w.superAdmin("root"), oauth.AdminScope)
}

func (w *world) as(u *account.User, scope string) *caller {
	w.t.Helper()
	return &caller{w, w.token(u, scope)}
}

func (w *world) guest() *caller { return &caller{w: w} }

// result is an answer, with what is asked of it.
type result struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// header is a field of a request: "Name: value".
type header string

// do asks for a path below the API. A body is a text of JSON, or a value to be written as such.
func (c *caller) do(method, path string, body any, headers ...header) *result {
	c.w.t.Helper()
	return c.send(method, issuer+api.Path+path, body, headers...)
}

func (c *caller) send(method, address string, body any, headers ...header) *result {
	c.w.t.Helper()
	var sent string
	switch b := body.(type) {
	case nil:
	case string:
		sent = b
	default:
		raw, err := json.Marshal(b)
		ok(c.w.t, err)
		sent = string(raw)
	}
	r := httptest.NewRequest(method, address, strings.NewReader(sent))
	if sent != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(string(h), ": ")
		r.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	c.w.handler.ServeHTTP(recorder, r)
	answer := &result{recorder, c.w.t}
	answer.isProper(method, address)
	c.w.tellsNoSecret(answer, method+" "+address)
	return answer
}

func (c *caller) get(path string, headers ...header) *result {
	return c.do(http.MethodGet, path, nil, headers...)
}

// isProper checks what holds of every answer.
func (r *result) isProper(method, address string) {
	r.t.Helper()
	if got := r.Header().Get("Cache-Control"); got != "no-store" {
		r.t.Errorf("%s %s: Cache-Control %q", method, address, got)
	}
	for name := range r.Header() {
		if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" {
			r.t.Errorf("%s %s answers %s", method, address, name)
		}
	}
	if r.Code < 400 {
		return
	}
	if got := r.Header().Get("Content-Type"); got != "application/problem+json" {
		r.t.Errorf("%s %s: %d with Content-Type %q: %s", method, address, r.Code, got, r.Body)
	}
	if method == http.MethodHead {
		return
	}
	p := r.problem()
	if p.Status != r.Code || p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.Type, issuer+api.Path+"/docs#") ||
		p.Instance != "urn:request:"+r.Header().Get("X-Request-Id") {
		r.t.Errorf("%s %s: %d with the problem %s", method, address, r.Code, r.Body)
	}
	if (r.Code == http.StatusUnauthorized) != (r.Header().Get("WWW-Authenticate") != "" && r.Code != 403 && r.Code != 400) {
		r.t.Errorf("%s %s: %d with the challenge %q", method, address, r.Code, r.Header().Get("WWW-Authenticate"))
	}
}

// tellsNoSecret looks for whatever must not leave the server, and remembers the secrets that an answer was allowed to show.
func (w *world) tellsNoSecret(r *result, what string) {
	w.t.Helper()
	text := r.Body.String()
	for _, forbidden := range []string{"argon2", "sha256:", "$argon", `"hash"`, password, "grantor_session"} {
		if strings.Contains(text, forbidden) && !strings.Contains(what, "/docs") && !strings.Contains(what, "/openapi.json") {
			w.t.Errorf("%s tells %q: %s", what, forbidden, text)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, secret := range w.secrets {
		if strings.Contains(text, secret) {
			w.t.Errorf("%s tells a secret: %s", what, text)
		}
	}
	var shown struct {
		ClientSecret string `json:"client_secret"`
		Clients      []struct {
			ClientSecret string `json:"client_secret"`
		} `json:"clients"`
	}
	if json.Unmarshal(r.Body.Bytes(), &shown) == nil {
		for _, c := range append(shown.Clients, struct {
			ClientSecret string `json:"client_secret"`
		}{shown.ClientSecret}) {
			if c.ClientSecret != "" {
				w.secrets = append(w.secrets, c.ClientSecret)
			}
		}
	}
}

func (r *result) problem() *api.Problem {
	r.t.Helper()
	var p api.Problem
	if err := json.Unmarshal(r.Body.Bytes(), &p); err != nil {
		r.t.Fatalf("%d is no problem: %v: %s", r.Code, err, r.Body)
	}
	return &p
}

func (r *result) want(status int) *result {
	r.t.Helper()
	if r.Code != status {
		r.t.Fatalf("%d, not %d: %s", r.Code, status, r.Body)
	}
	return r
}

// wantProblem expects a kind of problem, and these fields to be named, each by its pointer or parameter.
func (r *result) wantProblem(status int, code string, fields ...string) *result {
	r.t.Helper()
	r.want(status)
	p := r.problem()
	if p.Code() != code {
		r.t.Errorf("the problem is %s, not %s: %s", p.Code(), code, r.Body)
	}
	var named []string
	for _, f := range p.Errors {
		named = append(named, f.Pointer+f.Parameter)
	}
	if strings.Join(named, " ") != strings.Join(fields, " ") {
		r.t.Errorf("the problem names %q, not %q: %s", named, fields, r.Body)
	}
	return r
}

// read gives the body of an answer.
func read[T any](r *result) T {
	r.t.Helper()
	var value T
	d := json.NewDecoder(bytes.NewReader(r.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&value); err != nil {
		r.t.Fatalf("%d: %v: %s", r.Code, err, r.Body)
	}
	return value
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRequest(method, path string) *http.Request {
	return httptest.NewRequest(method, issuer+api.Path+path, nil)
}

func (w *world) serve(r *http.Request) *result {
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	answer := &result{recorder, w.t}
	answer.isProper(r.Method, r.URL.Path)
	return answer
}

func (w *world) group(name string, permissions ...account.Permission) *account.Group {
	w.t.Helper()
	g, err := w.people.CreateGroup(w.system(), account.NewGroup{Name: name, Permissions: permissions})
	ok(w.t, err)
	return g
}

// events gives what the audit log has of an action or a kind of actions; "" is all.
func (w *world) events(action string) []*account.Event {
	w.t.Helper()
	events, _, err := w.audit.Find(w.system(), account.AuditQuery{Action: action})
	ok(w.t, err)
	return events
}

// readLoosely is read for what is described in part only.
func readLoosely[T any](r *result) T {
	r.t.Helper()
	var value T
	if err := json.Unmarshal(r.Body.Bytes(), &value); err != nil {
		r.t.Fatalf("%d: %v: %s", r.Code, err, r.Body)
	}
	return value
}
