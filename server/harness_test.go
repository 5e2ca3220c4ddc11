package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/server"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/templates"
)

const (
	callback = "https://app.example.com/callback"
	loopback = "http://127.0.0.1:9999/callback"
	api      = "https://api.example.com"
	otherAPI = "https://other.example.com"
	verifier = "the-verifier-of-these-tests-is-at-least-43-characters-long"
	password = "correct horse battery staple"
	reserved = `p:a+s%s &=?/é"\ word` // a secret of characters that forms and headers give a meaning
)

// options are what a site can differ in. The zero value is the usual one.
type options struct {
	issuer   string // default https://id.example.com
	empty    bool   // no user yet
	unloaded bool   // the keys are not loaded
	pages    *templates.Pages
	change   func(*server.Config)
}

// site is one server over a store in memory, with a clock that is set by hand.
type site struct {
	t        *testing.T
	issuer   string
	from     string // address that requests come from, "" for the usual one
	nanos    atomic.Int64
	store    *flaky
	keys     *oauth.Keyring
	people   *account.Directory
	provider *oauth.Provider
	handler  http.Handler
	log      lockedBuffer
	clients  map[string]*oauth.Client
	secrets  map[string]string
	alice    *account.User
}

// flaky is a store that can be away, or slow.
type flaky struct {
	store.Backend
	away  atomic.Bool
	delay atomic.Int64 // nanoseconds that each verb takes
}

func (b *flaky) answer(op string) error {
	if d := b.delay.Load(); d > 0 {
		time.Sleep(time.Duration(d))
	}
	if b.away.Load() {
		return &store.UnavailableError{Op: op, Err: errors.New("connection refused by 10.1.2.3")}
	}
	return nil
}

func (b *flaky) Ping(context.Context) error { return b.answer("ping") }

func (b *flaky) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	if err := b.answer("get"); err != nil {
		return store.Record{}, err
	}
	return b.Backend.Get(ctx, kind, id)
}

func (b *flaky) Create(ctx context.Context, r store.Record) (uint64, error) {
	if err := b.answer("create"); err != nil {
		return 0, err
	}
	return b.Backend.Create(ctx, r)
}

func (b *flaky) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	if err := b.answer("swap"); err != nil {
		return 0, err
	}
	return b.Backend.Swap(ctx, old, next)
}

func (b *flaky) Take(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	if err := b.answer("take"); err != nil {
		return store.Record{}, err
	}
	return b.Backend.Take(ctx, kind, id)
}

func (b *flaky) List(ctx context.Context, kind store.Kind, tag, cursor string, limit int) ([]store.Record, string, error) {
	if err := b.answer("list"); err != nil {
		return nil, "", err
	}
	return b.Backend.List(ctx, kind, tag, cursor, limit)
}

func (b *flaky) Add(ctx context.Context, kind store.Kind, id string, n int64, ttl time.Duration) (int64, error) {
	if err := b.answer("add"); err != nil {
		return 0, err
	}
	return b.Backend.Add(ctx, kind, id, n, ttl)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newSite(t *testing.T, o options) *site {
	t.Helper()
	if o.issuer == "" {
		o.issuer = "https://id.example.com"
	}
	memories := memory.New()
	t.Cleanup(func() { _ = memories.Close() })
	s := &site{t: t, issuer: o.issuer, store: &flaky{Backend: memories}, clients: map[string]*oauth.Client{}, secrets: map[string]string{}}
	s.nanos.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	memories.Now = s.now
	sealer, err := jose.NewSealer(bytes.Repeat([]byte{1}, jose.MasterSize))
	ok(t, err)
	s.keys, err = oauth.OpenKeyring(t.Context(), oauth.KeyringConfig{Backend: s.store, Sealer: sealer, Now: s.now})
	ok(t, err)
	hasher := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 1000})
	audit := account.NewAudit(s.store, s.now)
	s.people = account.NewDirectory(account.Config{Backend: s.store, Now: s.now, Hasher: hasher, Audit: audit, Secret: s.keys.Secret})
	s.provider = oauth.New(oauth.Config{
		Issuer: o.issuer, Backend: s.store, Directory: s.people, Hasher: hasher, Audit: audit, Keys: s.keys, Now: s.now, ExplainFor: 24 * time.Hour,
	})
	if o.pages == nil {
		o.pages, err = templates.Parse()
		ok(t, err)
	}
	config := server.Config{
		Provider: s.provider, Directory: s.people, Keys: s.keys, Pages: o.pages, Ping: s.store.Ping,
		Log: slog.New(slog.NewJSONHandler(&s.log, nil)),
	}
	if o.change != nil {
		o.change(&config)
	}
	s.handler, err = server.New(config)
	ok(t, err)
	if !o.unloaded {
		ok(t, s.keys.Load(t.Context()))
		s.seed(o)
	}
	return s
}

func usual(t *testing.T) *site {
	t.Helper()
	return newSite(t, options{})
}

func (s *site) now() time.Time       { return time.Unix(0, s.nanos.Load()) }
func (s *site) move(d time.Duration) { s.nanos.Add(int64(d)) }

// seed registers the clients of these tests, one for each way to authenticate, a resource server, and a user.
func (s *site) seed(o options) {
	s.t.Helper()
	user := []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken}
	all := append([]oauth.GrantType{oauth.ClientCredentials}, user...)
	web := oauth.Registration{
		ClientID: "web", ClientName: "Web app", RedirectURIs: []string{callback, "https://app.example.com/cb?tenant=1"},
		GrantTypes: all, Scope: "profile api:read api:write", Audience: []string{api, otherAPI},
	}
	post, odd, native, jwt := web, web, web, web
	post.ClientID, post.ClientName, post.TokenEndpointAuthMethod = "post", "Post app", oauth.ClientSecretPost
	odd.ClientID, odd.ClientName = "odd-secret", "Odd app"
	jwt.ClientID, jwt.ClientName, jwt.AccessTokenFormat = "jwt", "JWT app", oauth.JWT
	native.ClientID, native.ClientName, native.TokenEndpointAuthMethod = "native", "Native app", oauth.NoSecret
	native.GrantTypes, native.RedirectURIs = user, []string{loopback, "com.example.app:/callback"}
	s.register(web, "")
	single := web
	single.ClientID, single.ClientName, single.RedirectURIs = "api-web", "One place app", []string{callback}
	s.register(single, "")
	s.register(post, "")
	s.register(odd, reserved)
	s.register(jwt, "")
	s.register(native, "")
	s.register(oauth.Registration{
		ClientID: "api", ClientName: "API", ResourceServer: true, Audience: []string{api}, GrantTypes: []oauth.GrantType{oauth.ClientCredentials},
	}, "")
	if o.empty {
		return
	}
	var err error
	s.alice, err = s.people.CreateUser(s.t.Context(), account.NewUser{Username: "alice", Name: "Alice Doe", Password: password})
	ok(s.t, err)
}

func (s *site) register(r oauth.Registration, secret string) {
	s.t.Helper()
	c, shown, err := s.provider.RegisterClient(s.t.Context(), r, secret)
	ok(s.t, err)
	s.clients[c.ClientID] = c
	s.secrets[c.ClientID] = shown + secret
}

// answer is what a request got.
type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// send lets the handler answer one request, as a server would.
func (s *site) send(r *http.Request) *answer {
	s.t.Helper()
	a := &answer{httptest.NewRecorder(), s.t}
	s.handler.ServeHTTP(a, r)
	return a
}

// request makes a request to a path of the host, with a body where it is not empty.
func (s *site) request(method, path, body string) *http.Request {
	u, err := url.Parse(s.issuer)
	ok(s.t, err)
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, u.Scheme+"://"+u.Host+path, reader)
	if s.from != "" {
		r.RemoteAddr = s.from + ":1234"
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (s *site) get(path string) *answer { return s.send(s.request(http.MethodGet, path, "")) }

// form makes a form of "name=value" pairs, whose values stand as they are.
func form(pairs ...string) url.Values {
	f := url.Values{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		f.Add(name, value)
	}
	return f
}

// call posts a form to an endpoint for programs as a client, which authenticates in the way it is registered for.
func (s *site) call(client, path string, pairs ...string) *answer {
	s.t.Helper()
	f := form(pairs...)
	switch s.clients[client].TokenEndpointAuthMethod {
	case oauth.ClientSecretPost:
		f.Set("client_secret", s.secrets[client])
		f.Set("client_id", client)
	case oauth.NoSecret:
		f.Set("client_id", client)
	}
	r := s.request(http.MethodPost, path, f.Encode())
	if s.clients[client].TokenEndpointAuthMethod == oauth.ClientSecretBasic {
		r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(s.secrets[client]))
	}
	return s.send(r)
}

// json gives a member of the answer's object as text, "" where there is none.
func (a *answer) json(name string) string {
	a.t.Helper()
	var object map[string]any
	if err := json.Unmarshal(a.Body.Bytes(), &object); err != nil {
		a.t.Fatalf("%d %s: %v", a.Code, a.Body, err)
	}
	switch v := object[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		text, err := json.Marshal(v)
		ok(a.t, err)
		return string(text)
	}
}

func (a *answer) wantStatus(want int) {
	a.t.Helper()
	if a.Code != want {
		a.t.Fatalf("status %d, want %d: %s", a.Code, want, a.Body)
	}
}

// wantError checks a refusal of an endpoint for programs.
func (a *answer) wantError(status int, code oauth.Code) {
	a.t.Helper()
	if got := a.json("error"); a.Code != status || got != string(code) {
		a.t.Errorf("%d %s, want %d %s: %s", a.Code, got, status, code, a.Body)
	}
}

func (a *answer) wantHeader(name, want string) {
	a.t.Helper()
	if got := a.Header().Get(name); got != want {
		a.t.Errorf("%s is %q, want %q", name, got, want)
	}
}

func (a *answer) wantText(want ...string) {
	a.t.Helper()
	text := a.text()
	for _, w := range want {
		if !strings.Contains(text, w) {
			a.t.Errorf("%q does not stand on the page: %s", w, text)
		}
	}
}

// location gives where the answer leads, and its parameters.
func (a *answer) location() *url.URL {
	a.t.Helper()
	u, err := url.Parse(a.Header().Get("Location"))
	ok(a.t, err)
	return u
}

// wantRedirect checks a response to the client by redirect, and gives its parameters.
func (a *answer) wantRedirect(uri string) url.Values {
	a.t.Helper()
	to := a.Header().Get("Location")
	if a.Code != http.StatusFound && a.Code != http.StatusSeeOther || !strings.HasPrefix(to, uri) {
		a.t.Fatalf("status %d to %q, want a redirect to %s: %s", a.Code, to, uri, a.Body)
	}
	return a.location().Query()
}

// wantPage checks that a person sees a page and that it leads nowhere else.
func (a *answer) wantPage(status int) {
	a.t.Helper()
	a.wantStatus(status)
	a.wantHeader("Location", "")
	a.wantHeader("Content-Type", "text/html; charset=utf-8")
}

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask gives the parameters of a good authorization request, with changes: "name=value" sets, "name" removes.
func (s *site) ask(client string, changes ...string) url.Values {
	f := form("client_id="+client, "redirect_uri="+s.clients[client].RedirectURIs[0], "response_type=code", "state=the state",
		"code_challenge="+challenge(), "code_challenge_method=S256")
	for _, change := range changes {
		name, value, set := strings.Cut(change, "=")
		f.Del(name)
		if set {
			f.Set(name, value)
		}
	}
	return f
}

// redeem exchanges a code.
func (s *site) redeem(client, code string, more ...string) *answer {
	s.t.Helper()
	pairs := []string{"grant_type=authorization_code", "code=" + code, "redirect_uri=" + s.clients[client].RedirectURIs[0], "code_verifier=" + verifier}
	return s.call(client, "/oauth2/token", append(pairs, more...)...)
}

// tokens gives the answer to the first code of a new authorization of alice.
func (s *site) tokens(client string, changes ...string) *answer {
	s.t.Helper()
	b := s.browser()
	b.signIn()
	a := s.redeem(client, b.code(client, changes...))
	a.wantStatus(http.StatusOK)
	return a
}

// machine gives an access token that a client got for itself.
func (s *site) machine(client string, more ...string) string {
	s.t.Helper()
	a := s.call(client, "/oauth2/token", append([]string{"grant_type=client_credentials"}, more...)...)
	a.wantStatus(http.StatusOK)
	return a.json("access_token")
}

func (s *site) active(client, token string) bool {
	s.t.Helper()
	a := s.call(client, "/oauth2/introspect", "token="+token)
	a.wantStatus(http.StatusOK)
	return a.json("active") == "true"
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
