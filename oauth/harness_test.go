package oauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

const (
	issuer    = "https://id.example.com"
	verifier  = "the-verifier-of-these-tests-is-at-least-43-characters-long"
	callback  = "https://app.example.com/callback"
	loopback  = "http://127.0.0.1:9999/callback"
	api       = "https://api.example.com"
	otherAPI  = "https://other.example.com"
	password  = "correct horse battery staple"
	chosen    = "a secret that a person chose"
	webScope  = "profile api:read api:write"
	testGrace = 10 * time.Second
)

// world is one installation: a store, a clock, keys, and any number of nodes.
type world struct {
	t         *testing.T
	nanos     atomic.Int64
	store     *memory.Store
	keys      *oauth.Keyring
	lifetimes oauth.Lifetimes

	cliDeviceLogin bool
}

// node is one Provider with its directory, as one process has them.
type node struct {
	*oauth.Provider
	w      *world
	people *account.Directory
	hasher *account.Hasher
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, store: openMemory(t), lifetimes: oauth.Lifetimes{RefreshGrace: testGrace}}
	w.nanos.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	w.store.Now = w.now
	w.keys = loadRing(t, oauth.KeyringConfig{Backend: w.store, Now: w.now})
	return w
}

func (w *world) now() time.Time       { return time.Unix(0, w.nanos.Load()) }
func (w *world) move(d time.Duration) { w.nanos.Add(int64(d)) }

func (w *world) node() *node { return w.over(w.store, w.now) }

// over gives a node that sees the world through a backend and a clock of its own.
func (w *world) over(b store.Backend, now func() time.Time) *node {
	hasher := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 1000})
	audit := account.NewAudit(b, now)
	people := account.NewDirectory(account.Config{Backend: b, Now: now, Hasher: hasher, Audit: audit, Secret: w.keys.Secret})
	return &node{w: w, people: people, hasher: hasher, Provider: oauth.New(oauth.Config{
		Issuer: issuer, Backend: b, Directory: people, Hasher: hasher, Audit: audit, Keys: w.keys, Now: now, Lifetimes: w.lifetimes, CLIDeviceLogin: w.cliDeviceLogin,
	})}
}

func newNode(t *testing.T) (*world, *node) {
	t.Helper()
	w := newWorld(t)
	return w, w.node()
}

// run follows changes as a real node does, so that clients and users come from the caches.
func (n *node) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { n.Run(ctx) })
	done.Go(func() { n.people.Run(ctx) })
	n.w.t.Cleanup(func() { cancel(); done.Wait() })
}

func webApp() oauth.Registration {
	return oauth.Registration{
		ClientID: "web", ClientName: "Web app", RedirectURIs: []string{callback}, Scope: webScope, Audience: []string{api, otherAPI},
		GrantTypes: []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken, oauth.ClientCredentials},
	}
}

func nativeApp() oauth.Registration {
	r := webApp()
	r.ClientID, r.ClientName, r.TokenEndpointAuthMethod = "native", "Native app", oauth.NoSecret
	r.RedirectURIs = []string{loopback, "com.example.app:/callback", callback}
	r.GrantTypes = []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken}
	return r
}

func resourceServer() oauth.Registration {
	return oauth.Registration{
		ClientID: "api", ClientName: "API", ResourceServer: true, Audience: []string{api},
		GrantTypes: []oauth.GrantType{oauth.ClientCredentials},
	}
}

func (n *node) register(r oauth.Registration) *oauth.Client {
	n.w.t.Helper()
	c, _, err := n.RegisterClient(context.Background(), r, "")
	ok(n.w.t, err)
	return c
}

// client gives a client as it is now.
func (n *node) client(id string) *oauth.Client {
	n.w.t.Helper()
	c, err := n.Client(context.Background(), id)
	ok(n.w.t, err)
	return c
}

func (n *node) update(r oauth.Registration) *oauth.Client {
	n.w.t.Helper()
	c, err := n.UpdateClient(context.Background(), r, 0)
	ok(n.w.t, err)
	return c
}

func (n *node) user(name string) *account.User {
	n.w.t.Helper()
	u, err := n.people.CreateUser(context.Background(), account.NewUser{Username: name, Password: password})
	ok(n.w.t, err)
	return u
}

// signIn gives a user at a browser, just logged in.
func (n *node) signIn(u *account.User) oauth.Visitor {
	n.w.t.Helper()
	_, s, err := n.people.StartSession(context.Background(), u, account.NewSession{})
	ok(n.w.t, err)
	return oauth.Visitor{Browser: "browser of " + u.Username, Session: s, User: u}
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask gives the parameters of a good authorization request, with changes: "name=value" sets, "name" removes.
func ask(c *oauth.Client, changes ...string) oauth.Parameters {
	p := oauth.Parameters{
		"client_id": {c.ClientID}, "redirect_uri": {c.RedirectURIs[0]}, "response_type": {"code"}, "state": {"the state"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for _, change := range changes {
		name, value, set := strings.Cut(change, "=")
		delete(p, name)
		if set {
			p[name] = []string{value}
		}
	}
	return p
}

// authorize goes through the pages as far as a code, with the user allowing what is asked.
func (n *node) authorize(c *oauth.Client, v oauth.Visitor, changes ...string) string {
	n.w.t.Helper()
	d, err := n.Authorize(context.Background(), ask(c, changes...), v)
	ok(n.w.t, err)
	if d.Step == oauth.AskUser {
		d = n.allow(d.Interaction, v)
	}
	if d.Step != oauth.Respond || field(d.Response, "code") == "" {
		n.w.t.Fatalf("no code: step %v, response %+v", d.Step, d.Response)
	}
	return field(d.Response, "code")
}

func (n *node) allow(i *oauth.Interaction, v oauth.Visitor) *oauth.Decision {
	n.w.t.Helper()
	waiting, _, err := n.Waiting(context.Background(), i.Handle, v.Browser)
	ok(n.w.t, err)
	ok(n.w.t, n.Allow(context.Background(), waiting, v))
	d, err := n.Continue(context.Background(), i.Handle, v)
	ok(n.w.t, err)
	return d
}

func field(r *oauth.Response, name string) string {
	if r == nil {
		return ""
	}
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func (n *node) redeem(c *oauth.Client, code string) (*oauth.Tokens, error) {
	return n.Token(context.Background(), c, &oauth.TokenRequest{
		GrantType: "authorization_code", Code: code, RedirectURI: c.RedirectURIs[0], CodeVerifier: verifier,
	})
}

func (n *node) refresh(c *oauth.Client, token string, scope ...string) (*oauth.Tokens, error) {
	return n.Token(context.Background(), c, &oauth.TokenRequest{
		GrantType: "refresh_token", RefreshToken: token, Scope: strings.Join(scope, " "),
	})
}

func (n *node) machine(c *oauth.Client) (*oauth.Tokens, error) {
	return n.Token(context.Background(), c, &oauth.TokenRequest{GrantType: "client_credentials"})
}

// tokens gives the first tokens of a new authorization.
func (n *node) tokens(c *oauth.Client, v oauth.Visitor, changes ...string) *oauth.Tokens {
	n.w.t.Helper()
	tokens, err := n.redeem(c, n.authorize(c, v, changes...))
	ok(n.w.t, err)
	return tokens
}

func (n *node) look(caller *oauth.Client, token string) *oauth.Introspection {
	n.w.t.Helper()
	seen, err := n.Introspect(context.Background(), caller, token)
	ok(n.w.t, err)
	return seen
}

func (n *node) active(caller *oauth.Client, token string) bool {
	n.w.t.Helper()
	return n.look(caller, token).Active
}

func (n *node) wantActive(caller *oauth.Client, want bool, tokens ...string) {
	n.w.t.Helper()
	for _, token := range tokens {
		if got := n.active(caller, token); got != want {
			n.w.t.Errorf("%.5s is active: %v, want %v", token, got, want)
		}
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error is %v, want %v", got, want)
	}
}

// refusedWith gives the code of a refusal, "" where err is none.
func refusedWith(err error) oauth.Code {
	var e *oauth.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func wantCode(t *testing.T, err error, want oauth.Code) {
	t.Helper()
	if refusedWith(err) != want {
		t.Fatalf("error is %v, want %s", err, want)
	}
}

// parallel runs f n times at once and gives what each came to.
func parallel[T any](n int, f func(int) (T, error)) (results []T, errs []error) {
	results, errs = make([]T, n), make([]error, n)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			results[i], errs[i] = f(i)
		})
	}
	close(begin)
	all.Wait()
	return results, errs
}

func successes(errs []error) (n int) {
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}

// watched records the verbs that are used on a store, and can fail at each.
type watched struct {
	store.Backend
	mu    sync.Mutex
	calls []string
	kept  strings.Builder // all that was written, in clear
	// fail says of the call with this number and name whether it fails, and whether it takes effect all the same.
	fail func(number int, call string) outcome
}

type outcome int

const (
	works outcome = iota
	failsBefore
	failsAfter
)

var errAway = &store.UnavailableError{Op: "test", Err: errors.New("connection reset")}

func (b *watched) enter(verb string, kind store.Kind) outcome {
	if kind.Name == "epoch" {
		return works // the caches' poll, which goes on beside the requests
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	call := verb + " " + kind.Name
	b.calls = append(b.calls, call)
	if b.fail == nil {
		return works
	}
	return b.fail(len(b.calls)-1, call)
}

func (b *watched) keep(r store.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(&b.kept, r.Kind.Name, r.ID, r.Tags, string(r.Value))
}

// took gives the calls since it was last asked.
func (b *watched) took() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.calls = nil }()
	return slices.Clone(b.calls)
}

func through[T any](o outcome, call func() (T, error)) (T, error) {
	var none T
	if o == failsBefore {
		return none, errAway
	}
	v, err := call()
	if o == failsAfter {
		return none, errAway
	}
	return v, err
}

func (b *watched) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	return through(b.enter("get", kind), func() (store.Record, error) { return b.Backend.Get(ctx, kind, id) })
}

func (b *watched) Create(ctx context.Context, r store.Record) (uint64, error) {
	b.keep(r)
	return through(b.enter("create", r.Kind), func() (uint64, error) { return b.Backend.Create(ctx, r) })
}

func (b *watched) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	b.keep(next)
	return through(b.enter("swap", next.Kind), func() (uint64, error) { return b.Backend.Swap(ctx, old, next) })
}

func (b *watched) Take(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	return through(b.enter("take", kind), func() (store.Record, error) { return b.Backend.Take(ctx, kind, id) })
}

func (b *watched) Add(ctx context.Context, kind store.Kind, id string, n int64, ttl time.Duration) (int64, error) {
	return through(b.enter("add", kind), func() (int64, error) { return b.Backend.Add(ctx, kind, id, n, ttl) })
}

// events gives the actions of the audit log about an object.
func (n *node) events(object string) []string {
	n.w.t.Helper()
	page, _, err := account.NewAudit(n.w.store, n.w.now).Events(context.Background(), account.ObjectEvents(object), "", 500)
	ok(n.w.t, err)
	var actions []string
	for _, e := range page {
		actions = append(actions, e.Action+" "+e.Detail["reason"])
	}
	return actions
}

func numbered(format string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}
