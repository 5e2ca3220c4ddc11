package protect

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// Guard checks access tokens. New makes one; it is safe for concurrent use.
type Guard struct {
	config       Config
	discovery    *discovery
	keys         *keyring
	good         *cache[verified]
	bad          *cache[rejected]
	introspector *introspector // nil without ClientID
	feed         *feed         // nil where it is not used
	resource     *resource
	ownClient    bool // the HTTP client, that is

	closed     atomic.Bool
	stop       context.CancelFunc
	background sync.WaitGroup
}

// rejectedSize is how many bad JWTs are remembered.
const rejectedSize = 4096

// New makes a Guard, reads the metadata and the keys of the server and catches up with its feed. It waits for the first attempt to end, at most
// Config.Timeout or until the context ends; the context has no further meaning. A server that is away is no error: it is
// asked again and again in the background, and until it answers requests are refused with 503. The error lists every fault
// of the configuration.
//
// Close stops what New started.
func New(ctx context.Context, c Config) (*Guard, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	g := &Guard{config: c.complete(), ownClient: c.HTTPClient == nil}
	r, err := newResource(&g.config)
	if err != nil {
		return nil, err
	}
	g.resource = r
	g.discovery = newDiscovery(&g.config)
	g.keys = newKeyring(&g.config, g.discovery)
	g.good = newCache[verified](g.config.CacheSize)
	g.bad = newCache[rejected](min(rejectedSize, g.config.CacheSize))

	life, stop := context.WithCancel(context.Background())
	g.stop = stop
	g.background.Go(func() { g.keys.run(life) })
	if c.ClientID != "" {
		g.introspector = newIntrospector(&g.config, g.discovery)
		if c.Feed != FeedOff {
			g.feed = newFeed(&g.config, g.discovery, g.keys)
			g.background.Go(func() { g.feed.run(life) })
		}
	}
	waiting, done := context.WithTimeout(ctx, g.config.Timeout)
	defer done()
	_, _ = g.keys.current(waiting) // requests are told of the failure, and the log is
	if g.feed != nil {
		g.feed.wait(waiting)
	}
	return g, nil
}

// Close stops all that runs in the background and waits for it. Afterwards every token is refused with 503, because nothing
// is known any more about what has ended. It always gives nil.
func (g *Guard) Close() error {
	g.closed.Store(true)
	g.stop()
	if g.introspector != nil {
		g.introspector.close()
	}
	g.background.Wait()
	if g.ownClient {
		g.config.HTTPClient.CloseIdleConnections()
	}
	return nil
}

// Check says whether the token is good here and has every one of the scopes. It is for what is not net/http. The error is
// always a *Refusal.
func (g *Guard) Check(ctx context.Context, token string, scope ...string) (*Token, error) {
	timed := g.start()
	refusal := noToken()
	var t *Token
	if token != "" {
		t, refusal = g.admit(ctx, token, scope)
	}
	g.finish(timed, refusal)
	if refusal != nil {
		return nil, refusal
	}
	return t, nil
}

func (g *Guard) String() string {
	return "protect.Guard of " + g.config.Audience + " at " + g.config.Issuer
}

// GoString is String: %#v would print the secret.
func (g *Guard) GoString() string { return g.String() }

// start and finish measure for Hooks.OnCheck, where somebody wants to know.
func (g *Guard) start() time.Time {
	if g.config.Hooks.OnCheck == nil {
		return time.Time{}
	}
	return time.Now()
}

func (g *Guard) finish(began time.Time, r *Refusal) {
	if g.config.Hooks.OnCheck != nil {
		g.config.Hooks.check(r.result(), time.Since(began))
	}
}

func (g *Guard) admit(ctx context.Context, token string, scope []string) (*Token, *Refusal) {
	t, refusal := g.check(ctx, token)
	if refusal != nil {
		return nil, refusal
	}
	if !t.Has(scope...) {
		return nil, insufficientScope(scope)
	}
	return t, nil
}

func (g *Guard) check(ctx context.Context, token string) (*Token, *Refusal) {
	switch {
	case g.closed.Load():
		return nil, unavailable()
	case len(token) > jose.MaxToken:
		return nil, invalidToken("too long")
	}
	d, now := digestOf(token), g.config.Now().UnixMilli()
	if v, ok := g.good.get(&d, now); ok && g.keys.holds(v.key, now) {
		return g.standing(ctx, v.token, token)
	}
	if r, ok := g.bad.get(&d, now); ok && r.keys == g.keys.known.Load() {
		return nil, r.refusal
	}
	switch {
	case !isB64Token(token):
		return nil, malformed("the token has characters that none has")
	case !isJWT(token), g.discovery.hasNoKeys():
		return g.introspect(ctx, token)
	}
	t, refusal := g.verify(ctx, token, &d)
	if refusal != nil {
		return nil, refusal
	}
	return g.standing(ctx, t, token)
}

// introspect is for opaque tokens. The answer may be remembered for CacheTime; what the feed tells counts at once.
func (g *Guard) introspect(ctx context.Context, token string) (*Token, *Refusal) {
	if g.introspector == nil {
		return nil, invalidToken("not a JWT")
	}
	t, err := g.introspector.look(ctx, token)
	switch {
	case errors.Is(err, errInactive):
		return nil, invalidToken("not active")
	case err != nil:
		return nil, unavailable()
	case g.feed != nil && g.feed.ended(t):
		return nil, invalidToken("revoked")
	}
	return t, nil
}

// standing says whether a JWT that was good when it was issued still is.
func (g *Guard) standing(ctx context.Context, t *Token, token string) (*Token, *Refusal) {
	if g.feed == nil {
		return t, nil
	}
	switch {
	case g.feed.ended(t):
		return nil, invalidToken("revoked")
	case g.feed.current():
		return t, nil
	}
	if e := g.discovery.known.Load(); e == nil || e.feed == "" {
		if g.config.Feed == FeedRequired {
			return nil, unavailable()
		}
		return t, nil // the server has no feed
	}
	switch g.config.WhenFeedAway {
	case Refuse:
		return nil, unavailable()
	case AskServer:
		if _, refusal := g.introspect(ctx, token); refusal != nil {
			return nil, refusal
		}
	}
	return t, nil
}
