// Package server speaks HTTP for OAuth: one file per endpoint. It reads requests into typed values, lets oauth and account
// decide, and writes their answers. It decides nothing itself; which status an error gets is chosen in errors.go alone.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// Config is what the server is built from.
type Config struct {
	Provider       *oauth.Provider
	Directory      *account.Directory
	Keys           *oauth.Keyring
	Pages          *templates.Pages
	Log            *slog.Logger
	Ping           func(context.Context) error // asks the store whether it answers
	TrustedProxies []netip.Prefix              // peers whose X-Forwarded-For is believed
	LimitExempt    []netip.Prefix              // addresses that limits per address leave alone
	Limits         *limit.Limits               // nil: there are none
	TokenLane      *limit.Lane                 // of what programs ask; nil: of any width
	PageLane       *limit.Lane                 // of what people ask; nil: of any width
	Areas          []Area                      // served beside the pages of this package

	// Who watches is told of every request; see web.Config. nil: nobody is.
	Began func(context.Context, *http.Request, *web.Event) context.Context
	Done  func(*http.Request, *web.Event)
}

// Area is a part of the site that another package serves: everything at and below the path, which stands below the issuer.
type Area struct {
	Path    string // "/admin"
	Handler http.Handler
}

type server struct {
	Config
	base     string // path of the issuer, "" or "/tenant"
	https    bool
	host     string
	origin   string // of the issuer, scheme://host
	cookies  web.CookieNames
	metadata document
	static   http.Handler
	asking   question
	answers  sync.Pool // of *object.Writer
}

// The endpoints, below the issuer.
const (
	authorizePath           = "/oauth2/authorize"
	tokenPath               = "/oauth2/token"
	revokePath              = "/oauth2/revoke"
	revocationsPath         = "/oauth2/revocations"
	introspectPath          = "/oauth2/introspect"
	jwksPath                = "/oauth2/jwks"
	forwardPath             = "/forward-auth"
	metadataPath            = "/.well-known/oauth-authorization-server"
	loginPath               = "/login"
	consentPath             = "/consent"
	devicePath              = "/device"
	deviceAuthorizationPath = "/oauth2/device_authorization"
	logoutPath              = "/logout"
	setupPath               = "/setup"
	homePath                = "/"
	staticPath              = "/static/"
	healthPath              = "/healthz"
	readyPath               = "/readyz"
)

// Routes are what the events of requests name as their route, beside the paths of areas.
func Routes() []string {
	return []string{
		authorizePath, tokenPath, revokePath, revocationsPath, introspectPath, jwksPath, forwardPath, metadataPath,
		loginPath, consentPath, devicePath, deviceAuthorizationPath, logoutPath, setupPath, homePath, staticPath, healthPath, readyPath,
	}
}

// Probes are the paths that balancers and keepers ask every few seconds.
func Probes() []string { return []string{healthPath, readyPath} }

// New builds the handler of the public listener. The issuer must be a valid absolute URL.
func New(c Config) (http.Handler, error) {
	issuer, err := url.Parse(c.Provider.Issuer())
	if err != nil {
		return nil, err
	}
	s := &server{Config: c, base: issuer.Path, https: issuer.Scheme == "https", host: issuer.Host, origin: issuer.Scheme + "://" + issuer.Host, cookies: web.NewCookieNames(issuer.Path)}
	s.static = web.Static(s.base+staticPath, templates.Static(), templates.Version)
	if s.metadata, err = newDocument(c.Provider.Metadata(oauth.Endpoints{
		Authorize: authorizePath, Token: tokenPath, JWKS: jwksPath, Revoke: revokePath, Introspect: introspectPath, Device: deviceAuthorizationPath, Revocations: revocationsPath,
	})); err != nil {
		return nil, err
	}
	chain := web.New(web.Config{Log: c.Log, TrustedProxies: c.TrustedProxies, HTTPS: s.https, Began: s.began, Done: s.done})
	return chain(s.routes()), nil
}

// handler answers a request or says why it cannot. It writes at most once.
type handler func(w http.ResponseWriter, r *http.Request) error

// methods are the handlers of one path.
type methods map[string]handler

func (s *server) routes() http.Handler {
	router := mux.NewRouter().UseEncodedPath().SkipClean(true)
	router.NotFoundHandler = s.people(s.pages(methods{http.MethodGet: s.notFound, http.MethodPost: s.notFound}))

	straight := map[string]http.Handler{}
	at := func(path, route string, h http.Handler) {
		straight[path] = web.Route(route, h)
		router.Handle(path, straight[path])
	}
	below := func(route string, h http.Handler) { at(s.base+route, route, h) }
	shared := func(c limit.Class, m methods) http.Handler {
		return anyOrigin(m.allowed(), s.programs(c, s.protocol(m)))
	}
	machine := func(m methods) http.Handler { return s.programs(limit.Stranger, s.protocol(s.whenReady(m))) }
	// RFC 8414 section 3.1: the well-known part stands between host and path of the issuer.
	at(metadataPath+s.base, metadataPath, shared(limit.Document, methods{http.MethodGet: s.describe}))
	at(healthPath, healthPath, s.protocol(methods{http.MethodGet: s.healthy}))
	at(readyPath, readyPath, s.protocol(methods{http.MethodGet: s.ready}))
	below(jwksPath, shared(limit.Document, s.whenReady(methods{http.MethodGet: s.jwks})))
	below(tokenPath, shared(limit.Stranger, s.whenReady(methods{http.MethodPost: s.byClient(limit.Token, s.token)})))
	below(revokePath, shared(limit.Stranger, s.whenReady(methods{http.MethodPost: s.byClient(limit.Revocation, s.revoke)})))
	below(introspectPath, machine(methods{http.MethodPost: s.byClient(limit.Introspection, s.introspect)}))
	below(deviceAuthorizationPath, machine(methods{http.MethodPost: s.byClient(limit.DeviceAuthorization, s.deviceAuthorization)}))
	below(revocationsPath, machine(methods{http.MethodGet: s.revocations}))
	// By any method: some gateways keep that of the caller.
	below(forwardPath, s.programs(limit.ForwardAuth, http.HandlerFunc(s.forwardAuth)))

	person := func(path string, m methods) {
		below(path, s.people(web.SameOrigin(s.origin, s.pages(s.whenReady(m)))))
	}
	person(loginPath, methods{http.MethodGet: s.showLogin, http.MethodPost: s.login})
	person(consentPath, methods{http.MethodGet: s.showConsent, http.MethodPost: s.consent})
	person(devicePath, methods{http.MethodGet: s.showDevice, http.MethodPost: s.device})
	router.PathPrefix(s.base + devicePath + "/").Handler(web.Route(devicePath, s.people(s.pages(methods{http.MethodGet: s.belowDevice}))))
	person(logoutPath, methods{http.MethodGet: s.showLogout, http.MethodPost: s.logout})
	person(setupPath, methods{http.MethodGet: s.showSetup, http.MethodPost: s.setup})
	person(homePath, methods{http.MethodGet: s.home})
	// A client may send its user here from any origin, by GET or POST (RFC 6749 section 3.1).
	below(authorizePath, s.people(s.pages(s.whenReady(methods{http.MethodGet: s.authorize, http.MethodPost: s.authorize}))))
	router.PathPrefix(s.base + staticPath).Handler(web.Route(staticPath, s.programs(limit.Document, s.static)))
	for _, area := range s.Areas {
		h := web.Route(area.Path, area.Handler)
		router.Handle(s.base+area.Path, h)
		router.PathPrefix(s.base + area.Path + "/").Handler(h)
	}
	return lookup{straight, router}
}

// lookup finds a path that stands for itself at once. The router would try one route after the other, and copy the request
// to note which it took: a tenth of an introspection.
type lookup struct {
	straight map[string]http.Handler
	rest     http.Handler
}

func (l lookup) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawPath == "" { // the path is spelt as it stands here, without escapes
		if h, found := l.straight[r.URL.Path]; found {
			h.ServeHTTP(w, r)
			return
		}
	}
	l.rest.ServeHTTP(w, r)
}

// whenReady lets requests through once the keys are loaded, without which nothing can be issued or read.
func (s *server) whenReady(m methods) methods {
	guarded := make(methods, len(m))
	for method, h := range m {
		guarded[method] = func(w http.ResponseWriter, r *http.Request) error {
			if !s.Provider.Ready() {
				return errStarting
			}
			return h(w, r)
		}
	}
	return guarded
}

var errStarting = &oauth.Error{
	Code: oauth.TemporarilyUnavailable, Description: "the server is starting, try again", RetryAfter: storeRetry,
}

// protocol serves an endpoint for programs: what goes wrong is answered as JSON.
func (s *server) protocol(m methods) http.Handler { return m.serve(s.writeError) }

// pages serves an endpoint for people: what goes wrong is a page.
func (s *server) pages(m methods) http.Handler { return m.serve(s.writePageError) }

func (m methods) serve(fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	allowed := m.allowed()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		h, ok := m[method]
		if !ok {
			w.Header().Set("Allow", allowed) // RFC 9110 section 15.5.6
			fail(w, r, errMethod)
			return
		}
		if err := h(w, r); err != nil {
			fail(w, r, err)
		}
	})
}

func (m methods) allowed() string {
	var names []string
	for name := range m {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// began names a guest at the caller's address; endpoints that learn more name it anew.
func (s *server) began(ctx context.Context, r *http.Request, e *web.Event) context.Context {
	ctx = account.WithRequest(ctx, e.RequestID, account.Actor{Kind: account.ActorGuest, Address: e.Address})
	if s.Began != nil {
		return s.Began(ctx, r, e)
	}
	return ctx
}

// actAs names who acts from here on, at the address that is known already.
func actAs(ctx context.Context, kind, id, name string) context.Context {
	return account.WithActor(ctx, account.Actor{Kind: kind, ID: id, Name: name, Address: account.ActorFrom(ctx).Address})
}

// limitedAddress gives the address that limits count, "" for one that they leave alone.
func (s *server) limitedAddress(ctx context.Context) string {
	address := web.Address(ctx)
	if slices.ContainsFunc(s.LimitExempt, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) }) {
		return ""
	}
	return web.EventFrom(ctx).Address
}

// noExpiry gives a cookie the life of the browser's session.
const noExpiry = time.Duration(0)

var errMethod = errors.New("method not allowed")
