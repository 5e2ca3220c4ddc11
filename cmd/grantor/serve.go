package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/server"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// Bounds of a connection. A client that is slower than these is not one of ours.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 20 * time.Second
	answerTimeout  = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeader      = 32 << 10 // bytes
)

func (c *command) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd.Flags(), c.environ)
			if err != nil {
				return err
			}
			cfg.now = c.now
			return c.runServer(cmd.Context(), cfg)
		},
	}
	addFlags(cmd.Flags())
	return cmd
}

// program is a running server.
type program struct {
	*app
	log      *slog.Logger
	out      io.Writer
	seed     *seed
	made     *seeded // what came of the seed, over all tries
	handler  http.Handler
	listener net.Listener // the port itself
	tls      *tls.Config  // nil where something in front of it ends TLS
	limits   *limit.Limits
	tokens   *limit.Lane // what programs ask
	people   *limit.Lane // what people ask, and the REST API
	prepared atomic.Bool
	release  func() // lets requests pass that wait until the server is prepared
	draining atomic.Bool
	room     []byte // see makeRoom

	connections atomic.Int64 // that are open
	watching    *watching
}

// runServer starts everything, serves until ctx ends, and stops everything.
func (c *command) runServer(ctx context.Context, cfg *Config) (err error) {
	log := newLogger(c.err, cfg)
	for _, w := range cfg.warnings() {
		log.Warn(w)
	}
	p := &program{log: log, out: c.out, made: newSeeded()}
	if p.seed, err = cfg.readSeed(); err != nil {
		return err
	}
	if p.tls, err = cfg.readCertificate(); err != nil {
		return err
	}
	if p.listener, err = listen(ctx, cfg); err != nil {
		return err
	}
	defer p.listener.Close() // closed by the server as well
	if p.watching, err = p.newWatching(ctx, cfg); err != nil {
		return err
	}
	defer p.watching.close()
	if p.app, err = openWatchedApp(ctx, cfg, func(w string) { log.Warn(w) }, p.watching); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if p.handler, err = p.newHandler(); err != nil {
		return err
	}
	return p.serve(ctx)
}

func (cfg *Config) readSeed() (*seed, error) {
	switch {
	case cfg.Seed != "":
		return readSeed(cfg.Seed)
	case cfg.Dev:
		return demoSeed(), nil
	}
	return nil, nil
}

// listen opens the port, and learns the issuer from it where nothing else says so.
func listen(ctx context.Context, cfg *Config) (net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // letNobodyIn would not reach the port under it
	l, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, listenError(cfg.Listen, err)
	}
	cfg.DeriveIssuer(l.Addr().(*net.TCPAddr).Port)
	return l, nil
}

func (cfg *Config) readCertificate() (*tls.Config, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("read TLS certificate and key: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}, nil
}

// overTLS gives the port as the server reads it.
func overTLS(port net.Listener, config *tls.Config) net.Listener {
	if config == nil {
		return web.Connections(port)
	}
	return tls.NewListener(port, config)
}

func listenError(address string, err error) error {
	cause := err
	if reason := (*os.SyscallError)(nil); errors.As(err, &reason) {
		cause = reason.Err
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on %s: %w: stop the program that does, or choose another port with --listen", address, cause)
	}
	return fmt.Errorf("cannot listen on %s: %w: choose another address with --listen", address, cause)
}

func (p *program) newHandler() (http.Handler, error) {
	pages := templates.New()
	pages.Now = p.config.now
	p.makeLimits()
	administration, err := admin.New(admin.Config{
		Provider: p.provider, Directory: p.directory, Audit: p.audit, Keys: p.keys, Pages: pages, Ping: p.ready, Now: p.config.now,
		LimitExempt: p.config.LimitExempt, Limits: p.limits, Lane: p.people, Version: version, Store: p.config.Store.scheme(), Backup: p.hotBackup(),
	})
	if err != nil {
		return nil, err
	}
	var areas []server.Area
	for _, path := range admin.Paths() {
		areas = append(areas, server.Area{Path: path, Handler: administration})
	}
	began, done := p.watching.hooks()
	return server.New(server.Config{
		Provider: p.provider, Directory: p.directory, Keys: p.keys, Pages: pages, Log: p.log, Ping: p.ready,
		TrustedProxies: p.config.TrustedProxies, LimitExempt: p.config.LimitExempt, Areas: areas,
		Limits: p.limits, TokenLane: p.tokens, PageLane: p.people, Began: began, Done: done,
	})
}

var (
	errDraining = errors.New("the server is stopping")
	errStarting = errors.New("the server is starting")
)

// ready says whether requests can be answered.
func (p *program) ready(ctx context.Context) error {
	if p.draining.Load() {
		return errDraining
	}
	if err := p.store.Ping(ctx); err != nil {
		return err
	}
	if !p.prepared.Load() {
		return errStarting
	}
	return nil
}

// serve answers requests until ctx ends or something fails for good. Every goroutine that it starts has ended when it
// returns.
func (p *program) serve(ctx context.Context) error {
	running, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop(nil)
	for _, task := range []func(context.Context){p.provider.Run, p.provider.RunUsage, p.provider.RunRefusals, p.directory.Run, p.keys.Run, p.limits.Run, p.watchStore, p.serveMetrics} {
		tasks.Go(func() { task(running) })
	}
	s := &http.Server{
		Handler: p.hold(p.handler), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		ConnState: p.countConnections, ConnContext: web.WithConnection,
	}
	defer p.release()
	s.RegisterOnShutdown(p.provider.EndSubscriptions) // they would last for ever
	tasks.Go(func() {
		if err := s.Serve(overTLS(p.listener, p.tls)); !errors.Is(err, http.ErrServerClosed) {
			stop(fmt.Errorf("serve: %w", err))
		}
	})
	tasks.Go(func() {
		if err := p.prepare(running); err != nil {
			stop(err)
		}
	})
	select {
	case <-running.Done():
		_ = s.Close() // it failed already, the cause is what matters
		return context.Cause(running)
	case <-ctx.Done():
		return p.shutdown(s)
	}
}

// prepareRetry is how often a store that is away is asked again.
const prepareRetry = time.Second

// prepare loads the keys and brings users and clients to the declared state. A store that is away is waited for; any
// other failure is final.
func (p *program) prepare(ctx context.Context) error {
	for told := false; ; {
		err := p.tryPrepare(ctx)
		if err == nil {
			p.prepared.Store(true)
			p.release()
			p.room = makeRoom()
			p.log.Info("ready", "issuer", p.config.Issuer, "listen", p.listener.Addr().String(), "version", version)
			return nil
		}
		if !store.IsUnavailable(err) || ctx.Err() != nil {
			return err
		}
		if !told {
			p.log.Error("the store does not answer; trying again until it does", "cause", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(prepareRetry):
		}
	}
}

func (p *program) tryPrepare(ctx context.Context) error {
	if err := p.load(ctx); err != nil {
		return err
	}
	if err := p.provider.EnsureBuiltIn(ctx); errors.Is(err, oauth.ErrBuiltInTaken) {
		p.log.Warn(err.Error())
	} else if err != nil {
		return fmt.Errorf("register the command line: %w", err)
	}
	if p.seed != nil {
		if err := p.seed.apply(ctx, p.app, p.made); err != nil {
			p.tellSecrets(p.out) // nobody will see them again
			return err
		}
	}
	if err := p.bootstrap(ctx); err != nil {
		return err
	}
	return p.greet(ctx)
}

// bootstrap makes the first super admin from the environment, once.
func (p *program) bootstrap(ctx context.Context) error {
	if p.config.BootstrapUsername == "" {
		return nil
	}
	has, err := p.directory.HasUsers(ctx)
	if err != nil || has {
		return err
	}
	_, _, err = p.directory.EnsureUser(ctx, account.NewUser{
		Username: p.config.BootstrapUsername, Password: string(p.config.BootstrapPassword), SuperAdmin: true,
	})
	var faults *account.FieldErrors
	if errors.As(err, &faults) {
		f := &seedFaults{}
		for _, one := range faults.Fields {
			f.lines = append(f.lines, "GRANTOR_BOOTSTRAP_"+strings.ToUpper(one.Field)+": "+one.Message)
		}
		err = f.err()
	}
	if err != nil {
		return fmt.Errorf("the first super admin could not be made from the environment: %w", err)
	}
	return nil
}

// greet tells the person at the terminal what to do next, in one piece: who reads that the server is ready can read the rest.
func (p *program) greet(ctx context.Context) error {
	issuer := p.config.Issuer
	setup, err := p.setupToken(ctx)
	if err != nil {
		p.tellSecrets(p.out) // the next try may never come
		return err
	}
	var out strings.Builder
	if p.config.Dev {
		out.WriteString(devBanner)
	}
	fmt.Fprintf(&out, "\nGrantor %s is ready at %s\n\n", version, issuer)
	if p.seed != nil && p.isLocal() {
		p.seed.welcome(&out, issuer, p.made)
	} else {
		p.tellSecrets(&out)
	}
	if setup != "" {
		fmt.Fprintf(&out, "There is no user yet. Make the first one within 24 hours at\n\n  %s/setup?token=%s\n\n", issuer, url.QueryEscape(setup))
	}
	fmt.Fprint(p.out, out.String())
	return nil
}

// setupToken gives what the first super admin is made with, and nothing once there is a user.
func (p *program) setupToken(ctx context.Context) (string, error) {
	has, err := p.directory.HasUsers(ctx)
	if err != nil || has {
		return "", err
	}
	token, err := p.directory.SetupLink(ctx)
	if errors.Is(err, account.ErrSetupDone) {
		return "", nil
	}
	return token, err
}

// isLocal says that nobody but this machine reaches the server, so that the terminal may show what the seed holds.
func (p *program) isLocal() bool {
	address, ok := p.listener.Addr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback() && p.config.issuerIsLoopback()
}

// tellSecrets prints the secrets that were made for clients of the seed, each once.
func (p *program) tellSecrets(out io.Writer) {
	for _, id := range slices.Sorted(maps.Keys(p.made.secrets)) {
		fmt.Fprintf(out, "  new secret of client %s, shown this once: %s\n", id, p.made.secrets[id])
		delete(p.made.secrets, id)
	}
}

const devBanner = `
  ######################################################################
  #  DEVELOPMENT MODE: everything is in memory and is lost at the end. #
  #  Do not use it for anything real.                                  #
  ######################################################################
`

func newLogger(out io.Writer, cfg *Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(web.NewJSONLines(out, cfg.LogLevel))
}
