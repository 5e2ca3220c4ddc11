package oauth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

// Config is what a Provider is built from.
type Config struct {
	Issuer    string // an absolute URL without a trailing slash (RFC 8414 section 2)
	Backend   store.Backend
	Directory *account.Directory
	Hasher    *account.Hasher
	Audit     *account.Audit
	Keys      *Keyring
	Now       func() time.Time // nil: time.Now
	Lifetimes Lifetimes
	Algorithm jose.Algorithm // signs the JWT access tokens of clients that name none; empty: ES256

	CLIDeviceLogin bool // the command line may sign in by device code (RFC 8628)

	ExplainFor time.Duration // how long it is told why a request was refused; 0: not at all
}

// Lifetimes bounds what is issued. A zero field takes its default.
type Lifetimes struct {
	Code            time.Duration // default 60 s
	DeviceCode      time.Duration // and the user code beside it; default 10 min
	AccessToken     time.Duration // default 10 min; a client may have its own
	RefreshIdle     time.Duration // a refresh token that is not used for so long ends; default 30 days
	RefreshAbsolute time.Duration // an authorization ends so long after the login; default 90 days
	RefreshGrace    time.Duration // a used refresh token gives the same successor again for so long; 0: strict
	Consent         time.Duration // default 365 days
	Interaction     time.Duration // how long a login or consent page may stay open; default 30 min
}

func (l Lifetimes) withDefaults() Lifetimes {
	orDefault := func(d *time.Duration, byDefault time.Duration) {
		if *d == 0 {
			*d = byDefault
		}
	}
	orDefault(&l.Code, time.Minute)
	orDefault(&l.DeviceCode, 10*time.Minute)
	orDefault(&l.AccessToken, 10*time.Minute)
	orDefault(&l.RefreshIdle, 30*day)
	orDefault(&l.RefreshAbsolute, 90*day)
	orDefault(&l.Consent, 365*day)
	orDefault(&l.Interaction, 30*time.Minute)
	return l
}

// retrySoon is what a client is told to wait where the server is busy for a moment.
const retrySoon = time.Second

// Provider decides. Build it with New; it is safe for concurrent use.
type Provider struct {
	issuer    string
	backend   store.Backend
	directory *account.Directory
	hasher    *account.Hasher
	auditLog  *account.Audit
	keys      *Keyring
	lifetimes Lifetimes
	algorithm jose.Algorithm
	clock     func() time.Time

	cliDeviceLogin bool

	clients        *store.Cache[Client]
	clientOrders   clientOrders
	clientNames    *store.Claims
	apis           *store.Cache[API]
	apiHolds       *store.Collection[apiHold]
	apiIndex       atomic.Pointer[apiIndex]
	gone           *store.Collection[goneClient]
	authorizations *store.Collection[Authorization]
	consents       *store.Collection[Consent]
	withdrawals    *store.Cache[withdrawal]
	interactions   *store.Collection[Interaction]
	userCodes      *store.Collection[userCode]
	userCodeKey    func() [32]byte
	revoked        *store.Collection[revokedToken]
	verified       *verifiedSecrets
	tokens         func() *tokenFormat
	engines        sync.Pool // of *engineRun
	usage          *usage
	feed           *feed
	explain        *explanations
	generations    func() [32]byte // the key of `gen`
}

// New builds a Provider. The keyring need not be loaded yet; until it is, nothing can be issued.
func New(c Config) *Provider {
	p := &Provider{
		issuer: c.Issuer, backend: c.Backend, directory: c.Directory, hasher: c.Hasher, auditLog: c.Audit, keys: c.Keys,
		lifetimes: c.Lifetimes.withDefaults(), algorithm: c.Algorithm, clock: c.Now, cliDeviceLogin: c.CLIDeviceLogin,
		clients:        newClients(c.Backend),
		apis:           newAPIs(c.Backend),
		apiHolds:       newAPIHolds(c.Backend),
		gone:           newGoneClients(c.Backend),
		authorizations: newAuthorizations(c.Backend),
		consents:       newConsents(c.Backend),
		withdrawals:    newWithdrawals(c.Backend),
		interactions:   newInteractions(c.Backend),
		userCodes:      newUserCodes(c.Backend),
		revoked:        newRevokedTokens(c.Backend),
		verified:       newVerifiedSecrets(),
	}
	if p.algorithm == "" {
		p.algorithm = jose.ES256
	}
	if p.clock == nil {
		p.clock = time.Now
	}
	p.clientNames = store.NewClaims(c.Backend, clientNameKind, p.now)
	p.usage = newUsage(c.Backend, p.now)
	p.feed = newFeed(c.Backend, p.now, func() bool { return p.Ready() })
	p.explain = newExplanations(c.Backend, p.now, c.ExplainFor)
	p.generations = sync.OnceValue(func() [32]byte { return c.Keys.Secret("feed") })
	if c.Directory != nil {
		c.Directory.Ending = p.Ending
	}
	if c.Keys != nil {
		c.Keys.whenEnding(p.keysEnd)
	}
	p.userCodeKey = sync.OnceValue(func() [32]byte { return c.Keys.Secret("user codes") })
	p.tokens = sync.OnceValue(func() *tokenFormat { return newTokenFormat(c.Keys.Secret("tokens")) })
	return p
}

// Run follows changes that other nodes make to clients and APIs, and what users take back there, until ctx ends.
func (p *Provider) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { p.clients.Run(ctx) })
	all.Go(func() { p.apis.Run(ctx) })
	all.Go(func() { p.withdrawals.Run(ctx) })
	all.Go(func() { p.sweepWithdrawn(ctx) })
	all.Go(func() { p.RunFeed(ctx) })
	all.Wait()
}

// now is the time in the precision of the store.
func (p *Provider) now() time.Time { return p.clock().UTC().Truncate(time.Millisecond) }

// Issuer is the identifier of this server (RFC 8414 section 2).
func (p *Provider) Issuer() string { return p.issuer }

// Lifetimes tells what clients get that have no lifetimes of their own.
func (p *Provider) Lifetimes() Lifetimes { return p.lifetimes }

// Ready reports whether the keys are loaded, without which nothing can be issued or read.
func (p *Provider) Ready() bool { return p.keys.Ready() }
