// Package api is the REST API of the administration, for programs. It reads requests, asks oauth and account, and writes
// what they answer; who may use an operation stands in package access, and the guard of this package asks there before
// anything else happens. The types of requests and answers are exported, so that programs in Go need no others.
package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// Path is where the API stands below the issuer.
const Path = "/admin/api/v1"

// Config is what the API is built from.
type Config struct {
	Provider  *oauth.Provider
	Directory *account.Directory
	Audit     *account.Audit
	Keys      *oauth.Keyring
	Pages     *templates.Pages // for the reference; nil: there is none
	Version   string           // of the program
	Limits    *limit.Limits    // nil: there are none
	Lane      *limit.Lane      // of what is worked on at once; nil: of any width

	Backup func(context.Context, io.Writer) error // writes the file of the store; nil: it is in no file
}

// service serves every operation.
type service struct {
	Config
	base    string // path of the issuer, "" or "/tenant"
	address string // of the API, an absolute URL
	admit   admission
	router  *mux.Router
	api     huma.API
	built   func() error // makes what follows
	rules   map[string]access.Rule
	served  map[string]bool // keys of the rules that have their operation
	faults  []string        // of the registration
	copying sync.Mutex      // held while a backup is sent

	document  []byte // OpenAPI, as JSON
	reference []byte // the same for people, as HTML
}

// admission says who sends a request and what he may do; a *Problem where nobody can be let in.
type admission func(*http.Request) (*oauth.Access, error)

// New gives the handler of the API, which stands at Path below the issuer. Access tokens of this server are the only way
// in. Operations and document are made for the first request: they take as long as the rest of the start of a server.
func New(c Config) (http.Handler, error) {
	issuer, err := url.Parse(c.Provider.Issuer())
	if err != nil {
		return nil, err
	}
	s := &service{Config: c, base: issuer.Path, address: c.Provider.Issuer() + Path}
	s.admit = s.byToken
	s.built = sync.OnceValue(func() error { return s.build(access.API()) })
	gate := web.Gate{Limits: c.Limits, Class: limit.Stranger, Lane: c.Lane, Refuse: s.fail}
	alone := web.Gate{Limits: c.Limits, Class: limit.Stranger, Refuse: s.fail}
	return s.besideLane(alone.Before(s), gate.Before(s)), nil
}

// build fails where the operations and the table of package access differ.
func (s *service) build(rules []access.Rule) error {
	s.rules, s.served = map[string]access.Rule{}, map[string]bool{}
	for _, rule := range rules {
		s.rules[rule.Key()] = rule
	}
	s.router = mux.NewRouter().UseEncodedPath().SkipClean(true)
	s.router.NotFoundHandler = http.HandlerFunc(s.notFound)
	s.router.MethodNotAllowedHandler = http.HandlerFunc(s.wrongMethod)
	s.router.Use(plainParameters)
	s.api = humamux.New(s.router, s.description())
	s.api.UseMiddleware(s.guard)
	s.operations()
	for key := range s.rules {
		if !s.served[key] {
			s.faults = append(s.faults, "no operation serves "+key)
		}
	}
	if len(s.faults) > 0 {
		return fmt.Errorf("the REST API and the table of who may do what differ: %s", strings.Join(s.faults, "; "))
	}
	return s.describe()
}

func (s *service) operations() {
	s.aboutOperations()
	s.apiOperations()
	s.clientOperations()
	s.secretOperations()
	s.exchangeOperations()
	s.tokenOperations()
	s.userOperations()
	s.userAccessOperations()
	s.groupOperations()
	s.serverOperations()
	s.refusalOperations()
	s.backupOperations()
}

// ServeHTTP answers HEAD as GET, without the body, and everything as JSON, whatever the caller would rather have.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	web.NoStore(w.Header())
	if !s.Provider.Ready() {
		s.fail(w, r, errStarting)
		return
	}
	if err := s.built(); err != nil {
		s.fail(w, r, err)
		return
	}
	if r.Method == http.MethodHead {
		w = headWriter{w}
		r = withMethod(r, http.MethodGet)
	}
	r.Header.Del("Accept")
	http.StripPrefix(s.base+Path, s.router).ServeHTTP(w, r)
}

// headWriter lets go of the body.
type headWriter struct{ http.ResponseWriter }

func (headWriter) Write(b []byte) (int, error) { return len(b), nil }

func withMethod(r *http.Request, method string) *http.Request {
	other := r.WithContext(r.Context())
	other.Method = method
	return other
}

// plainParameters takes the percent signs out of the parameters of the path, which were matched with them so that an
// escaped slash is part of a name.
func plainParameters(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plain := map[string]string{}
		for name, value := range mux.Vars(r) {
			plain[name], _ = url.PathUnescape(value) // net/http has parsed the path already
		}
		next.ServeHTTP(w, mux.SetURLVars(r, plain))
	})
}

func (s *service) notFound(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNoOperation) }

// wrongMethod tells which methods there are (RFC 9110 section 15.5.6).
func (s *service) wrongMethod(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut} {
		var match mux.RouteMatch
		if s.router.Match(withMethod(r, method), &match) && match.MatchErr == nil {
			allowed = append(allowed, method)
			if method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.fail(w, r, errMethod)
}
