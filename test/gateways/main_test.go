// Package gateways runs the configurations of docs/gateways.md: real gateways between callers, an API that tells what it
// received, and the whole program.
package gateways

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil { // most of what these tests do is to wait
		fmt.Println(err)
	}
	os.Exit(authtest.Main(m))
}

const (
	ordersAPI = "https://orders.example.com"
	otherAPI  = "https://other.example.com"
	secret    = "the-secret-of-orders" // as it stands in docs/gateways.md
)

const seed = `users: []
apis:
  - {identifier: "` + ordersAPI + `", name: Orders, client_id: orders, scopes: [{name: "orders:read"}, {name: "orders:write"}, {name: "orders:read-all"}]}
clients:
  - client_id: shop
    client_secret: ` + secret + `
    grant_types: [client_credentials]
    scope: "orders:read orders:write orders:read-all"
    audience: ["` + ordersAPI + `", "` + otherAPI + `"]
  - client_id: shop-jwt
    client_secret: ` + secret + `
    grant_types: [client_credentials]
    scope: "orders:read orders:write"
    audience: ["` + ordersAPI + `"]
    access_token_format: jwt
  - client_id: bare
    client_secret: ` + secret + `
    grant_types: [client_credentials]
    audience: ["` + ordersAPI + `"]
  - client_id: orders
    client_secret: ` + secret + `
    grant_types: [client_credentials]
    audience: ["` + otherAPI + `"]
`

// site is a Grantor, an API, and a gateway between them.
type site struct {
	t       *testing.T
	grantor *authtest.Server
	api     *api
	gateway string // host and port that it listens on
}

// guarded starts a site, with changes to the configuration as old and new text.
func guarded(t *testing.T, g gateway, changes ...string) *site {
	t.Helper()
	g.find(t)
	s := &site{t: t, api: newAPI(t), grantor: authtest.Start(t, authtest.Options{Seed: seed, Store: authtest.Bolt})}
	s.gateway = g.start(t, s.grantor.Addr, s.api.addr(), changes)
	return s
}

// token gives an access token that a client got for itself.
func (s *site) token(client string, pairs ...string) string {
	s.t.Helper()
	app := authtest.App{Server: s.grantor, ID: client, Secret: secret, Method: authtest.Basic}
	return app.Machine(s.t, pairs...).Access()
}

// api is what the gateway guards. It keeps what reached it.
type api struct {
	server *httptest.Server
	mu     sync.Mutex
	came   []received
}

type received struct {
	method, uri, body string
	header            http.Header
}

func newAPI(t *testing.T) *api {
	a := &api{}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

func (a *api) addr() string { return a.server.Listener.Addr().String() }

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	_, _ = io.Copy(&body, r.Body) // what is missing shows
	a.mu.Lock()
	a.came = append(a.came, received{r.Method, r.RequestURI, body.String(), r.Header.Clone()})
	a.mu.Unlock()
	if r.URL.Path == "/orders/forbidden" {
		w.WriteHeader(http.StatusForbidden)
	}
	if r.URL.Path == "/orders/broken" {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = w.Write([]byte("the API")) // the gateway may be gone
}

// taken gives what reached the API since the last time.
func (a *api) taken() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	came := a.came
	a.came = nil
	return came
}

// told gives all values under a name, in every spelling that a program might take for it.
func (r received) told(name string) (values []string) {
	for given, under := range r.header {
		if strings.EqualFold(strings.ReplaceAll(given, "_", "-"), name) {
			values = append(values, under...)
		}
	}
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}
