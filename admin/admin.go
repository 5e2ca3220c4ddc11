// Package admin is the sub-router of the administration: pages for people (package pages) and the REST API for programs
// (package api), over the same rules and under one table of permissions (package access). It is mounted below the issuer
// by cmd; it decides nothing itself.
package admin

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/admin/pages"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// Config is what the administration is built from.
type Config struct {
	Provider    *oauth.Provider
	Directory   *account.Directory
	Audit       *account.Audit
	Keys        *oauth.Keyring
	Pages       *templates.Pages
	Ping        func(context.Context) error // asks the store whether it answers
	Now         func() time.Time            // nil: time.Now
	LimitExempt []netip.Prefix              // addresses that limits per address leave alone
	Limits      *limit.Limits               // nil: there are none
	Lane        *limit.Lane                 // of what is worked on at once; nil: of any width
	Version     string                      // of the program
	Store       string                      // what keeps the records, in a word: "redis", "bolt", "memory"

	Backup func(context.Context, io.Writer) error // writes the file of the store; nil: it is in no file
}

// Paths are where the handler of New must be mounted, below the issuer.
func Paths() []string { return []string{"/admin", "/account"} }

// Routes are what the events of requests name as their route: the parts, since the addresses in them are many.
func Routes() []string { return append(Paths(), api.Path) }

// New builds the handler of everything below Paths.
func New(c Config) (http.Handler, error) {
	issuer, err := url.Parse(c.Provider.Issuer())
	if err != nil {
		return nil, err
	}
	site, err := pages.New(pages.Config{
		Provider: c.Provider, Directory: c.Directory, Audit: c.Audit, Keys: c.Keys, Pages: c.Pages, Ping: c.Ping, Now: c.Now,
		LimitExempt: c.LimitExempt, Limits: c.Limits, Lane: c.Lane, Version: c.Version, Store: c.Store, Started: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	programs, err := api.New(api.Config{
		Provider: c.Provider, Directory: c.Directory, Audit: c.Audit, Keys: c.Keys, Pages: c.Pages, Version: c.Version, Limits: c.Limits, Lane: c.Lane,
		Backup: c.Backup,
	})
	if err != nil {
		return nil, err
	}
	router := mux.NewRouter().UseEncodedPath().SkipClean(true)
	router.PathPrefix(issuer.Path + api.Path + "/").Handler(web.Route(api.Path, programs))
	router.PathPrefix("/").Handler(site)
	return router, nil
}
