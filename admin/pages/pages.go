// Package pages serves the administration and "My account" to browsers. It reads forms, asks oauth and account, and shows
// what they answer; who may see a page stands in package access, and the guard of this package asks there before any
// handler runs.
package pages

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// Config is what the pages are built from.
type Config struct {
	Provider    *oauth.Provider
	Directory   *account.Directory
	Audit       *account.Audit
	Keys        *oauth.Keyring
	Pages       *templates.Pages
	Ping        func(context.Context) error // asks the store whether it answers
	Now         func() time.Time            // nil: time.Now
	LimitExempt []netip.Prefix              // addresses that limits per address leave alone
	Version     string                      // of the program
	Store       string                      // what keeps the records, in a word: "redis", "bolt", "memory"
	Started     time.Time                   // when the program began
	Limits      *limit.Limits               // nil: there are none
	Lane        *limit.Lane                 // of what is worked on at once; nil: of any width
}

type site struct {
	Config
	base    string // path of the issuer, "" or "/tenant"
	https   bool
	host    string
	origin  string // of the issuer, scheme://host
	cookies web.CookieNames
}

// handler answers a request of somebody who may make it, or says why it cannot. It writes at most once.
type handler func(s *site, w http.ResponseWriter, r *http.Request, v *visit) error

// handlers are keyed as rules are: "GET /admin/keys".
type handlers map[string]handler

// New builds the handler of every page in the table. It fails where the table and the handlers differ.
func New(c Config) (http.Handler, error) {
	issuer, err := url.Parse(c.Provider.Issuer())
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &site{
		Config: c, base: issuer.Path, https: issuer.Scheme == "https", host: issuer.Host,
		origin: issuer.Scheme + "://" + issuer.Host, cookies: web.NewCookieNames(issuer.Path),
	}
	return s.routes(access.Pages(), allHandlers())
}

func allHandlers() handlers {
	all := handlers{}
	for _, area := range []handlers{
		startPages(), dashboardPages(), clientPages(), apiAreaPages(), userPages(), groupPages(), auditPages(), refusalPages(), keyPages(), accountPages(),
	} {
		maps.Copy(all, area)
	}
	return all
}

func (s *site) routes(rules []access.Rule, all handlers) (http.Handler, error) {
	router := mux.NewRouter().UseEncodedPath().SkipClean(true)
	byPath := map[string]map[string]http.HandlerFunc{}
	var paths []string
	for _, rule := range rules {
		h, ok := all[rule.Key()]
		if !ok {
			return nil, fmt.Errorf("no handler serves %s", rule.Key())
		}
		delete(all, rule.Key())
		if byPath[rule.Path] == nil {
			byPath[rule.Path] = map[string]http.HandlerFunc{}
			paths = append(paths, rule.Path)
		}
		byPath[rule.Path][rule.Method] = s.guard(rule, h)
	}
	for key := range all {
		return nil, fmt.Errorf("no rule says who may use %s", key)
	}
	for _, path := range paths {
		router.Handle(s.base+path, web.SameOrigin(s.origin, s.methods(byPath[path])))
	}
	router.NotFoundHandler = http.HandlerFunc(s.nothingHere)
	gate := web.Gate{Limits: s.Limits, Class: limit.Page, Lane: s.Lane, Refuse: s.refuse}
	return gate.Before(router), nil
}

// refuse answers a request that was not let through.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.writeError(w, r, nil, err)
}

// nothingHere leads somebody who typed a slash too many to the page that is meant.
func (s *site) nothingHere(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()[len(s.base):]
	meant, slash := strings.CutSuffix(path, "/")
	if slash && !strings.HasSuffix(meant, "/") && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		s.send(w, r, meant)
		return
	}
	s.writeError(w, r, nil, errNotFound)
}

// methods chooses by the method of the request; HEAD is served as GET.
func (s *site) methods(of map[string]http.HandlerFunc) http.Handler {
	allowed := slices.Sorted(maps.Keys(of))
	if of[http.MethodGet] != nil {
		allowed = append(allowed, http.MethodHead)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		h := of[method]
		if h == nil {
			w.Header().Set("Allow", strings.Join(allowed, ", ")) // RFC 9110 section 15.5.6
			s.writeError(w, r, nil, errMethod)
			return
		}
		h(w, r)
	})
}
