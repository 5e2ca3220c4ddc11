// RFC 7517: the keys of the authorization server.

package protect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// How often the keys are read. max-age of their Cache-Control counts between the bounds.
const (
	keysUsually = 5 * time.Minute
	keysSoonest = time.Minute
	keysLatest  = 15 * time.Minute
	// keysAsked is the least time between two readings because of a kid that nobody knows.
	keysAsked = 10 * time.Second
	// keysLast is how long keys are used that could not be read again. A server that was away for a day has no token left
	// that is good, and a key that it has withdrawn must not live on with whoever holds the network.
	keysLast = 24 * time.Hour

	retrySoonest = time.Second
	retryLatest  = 30 * time.Second
	maxKeys      = 100
)

// keyring has the keys of the server. One goroutine, run, reads them; everybody else only asks it to.
type keyring struct {
	config    *Config
	discovery *discovery

	known   atomic.Pointer[keys]
	read    atomic.Int64  // when they were last read, unix milliseconds
	failing atomic.Bool   // whether the last reading failed
	first   chan struct{} // closed when the first reading has ended
	stopped chan struct{} // closed when run has ended
	wanted  chan struct{} // asks run to read now
	news    chan struct{} // asks run to read soon
	told    atomic.Uint64 // how often the feed told that the keys have changed
	seen    atomic.Uint64 // and how often it had when the last reading began that gave all that has changed

	mu      sync.Mutex
	asked   time.Time        // when somebody last asked
	ended   chan struct{}    // closed when the reading that is running or asked for has ended
	pending bool             // whether there is one
	gone    map[string]int64 // the keys that were withdrawn, and until when that is remembered, in unix milliseconds

	// Of run alone.
	discovered time.Time // when the metadata was read
	last       time.Time // when the keys were, or will be, read because the feed told of a change
	inRow      int       // how often they were, without keysCalm in between
}

// keys never change. A key that a later set has, too, is the same pointer in both.
type keys struct{ byID map[string]*jose.Key }

func newKeyring(c *Config, d *discovery) *keyring {
	return &keyring{
		config: c, discovery: d,
		first: make(chan struct{}), stopped: make(chan struct{}), wanted: make(chan struct{}, 1),
		news: make(chan struct{}, 1), ended: make(chan struct{}), pending: true, gone: map[string]int64{},
	}
}

// current gives the keys, and waits for the first reading to end. Without keys it is errAway.
func (k *keyring) current(ctx context.Context) (*keys, error) {
	if k.known.Load() == nil {
		select {
		case <-k.first:
		case <-ctx.Done():
		}
	}
	known := k.known.Load()
	if known == nil || k.config.Now().UnixMilli()-k.read.Load() > keysLast.Milliseconds() {
		return nil, fmt.Errorf("%w: its keys could not be read", errAway)
	}
	return known, nil
}

// holds reports whether the key is still one of the server's.
func (k *keyring) holds(key *jose.Key, now int64) bool {
	known := k.known.Load()
	return known != nil && known.byID[key.ID] == key && now-k.read.Load() <= keysLast.Milliseconds()
}

// refresh has the keys read again because old did not do, and waits for it. Whoever asks while others wait waits with
// them. It reports whether there are other keys now.
func (k *keyring) refresh(ctx context.Context, old *keys) bool {
	if k.known.Load() != old {
		return true
	}
	if ended := k.ask(); ended != nil {
		select {
		case <-ended:
		case <-k.stopped:
		case <-ctx.Done():
		}
	}
	return k.known.Load() != old
}

// ask gives what to wait for, nil where it is too early to read again.
func (k *keyring) ask() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.config.Now()
	if !k.pending {
		if now.Sub(k.asked) < keysAsked {
			return nil
		}
		k.asked, k.pending = now, true
		k.wanted <- struct{}{} // has room: nothing is pending
	}
	return k.ended
}

// run reads the keys, again and again, until the context ends.
func (k *keyring) run(ctx context.Context) {
	defer close(k.stopped)
	for failures := 0; ; {
		next, err := k.readAll(ctx)
		if ctx.Err() != nil {
			return
		}
		failures = k.note(err, failures)
		if err != nil {
			next = doubled(retrySoonest, failures-1, retryLatest)
		}
		k.end()
		if !k.wait(ctx, jitter(next)) {
			return
		}
	}
}

// begin is for a reading that nobody asked for. If somebody did at this very moment, it is his.
func (k *keyring) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending = true
	select {
	case <-k.wanted:
	default:
	}
}

func (k *keyring) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending = false
	close(k.ended)
	k.ended = make(chan struct{})
	select {
	case <-k.first:
	default:
		close(k.first)
	}
}

// note tells the operator and the metrics, and counts failures in a row.
func (k *keyring) note(err error, failures int) int {
	known := 0
	if set := k.known.Load(); set != nil {
		known = len(set.byID)
	}
	k.failing.Store(err != nil)
	if err != nil {
		k.config.Hooks.keys("failed", known)
		if failures == 0 {
			k.config.Log.Warn("the keys of the authorization server cannot be read", "issuer", k.config.Issuer, "known", known, "cause", err)
		}
		return failures + 1
	}
	k.config.Hooks.keys("read", known)
	if failures > 0 {
		k.config.Log.Info("the keys of the authorization server are read again", "issuer", k.config.Issuer, "known", known)
	}
	return 0
}

// readAll reads the metadata where they are old, lack the feed or could not be read, and the keys. It says when to read again.
func (k *keyring) readAll(ctx context.Context) (next time.Duration, err error) {
	if err := k.discover(ctx); err != nil {
		return 0, err
	}
	e, err := k.discovery.endpoints(ctx)
	if err != nil {
		return 0, err
	}
	told := k.told.Load()
	if e.jwks == "" { // a server without JWTs
		return keysUsually, k.store(nil, told)
	}
	a, err := k.discovery.get(ctx, e.jwks, k.which())
	if err == nil {
		err = a.fault()
	}
	if err != nil {
		return 0, fmt.Errorf("read keys: %w", err)
	}
	set, err := jose.ParseSet(a.body)
	if err != nil {
		return 0, fmt.Errorf("read keys: %w", err)
	}
	if len(set) > maxKeys {
		return 0, errors.New("read keys: too many")
	}
	return maxAge(a.header), k.store(set, told)
}

// discover reads the metadata where it is time to. Those that are known stay in use while they cannot be read.
func (k *keyring) discover(ctx context.Context) error {
	now := k.config.Now()
	if !k.failing.Load() && !k.discovered.IsZero() && now.Sub(k.discovered) < reread && !k.wantsFeed() {
		return nil
	}
	err := k.discovery.read(ctx)
	switch {
	case err == nil:
		k.discovered = now
	case k.discovery.known.Load() == nil:
		return err
	case ctx.Err() == nil && !k.failing.Load():
		k.config.Log.Warn("the metadata of the authorization server cannot be read", "issuer", k.config.Issuer, "cause", err)
	}
	return nil
}

// wantsFeed reports whether a feed is missing: it is looked for whenever the keys are read, as the metadata may have come from
// the one node that did not have it yet.
func (k *keyring) wantsFeed() bool {
	e := k.discovery.known.Load()
	return k.config.ClientID != "" && k.config.Feed != FeedOff && e != nil && e.feed == ""
}

// store keeps the keys whose algorithm is taken here, and that were not withdrawn. Where nothing changed, the set stays the same
// one. told is what k.told was before the set was read. errOldKeys.
func (k *keyring) store(set []*jose.Key, told uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.known.Load()
	fresh := &keys{byID: make(map[string]*jose.Key, len(set))}
	same := 0
	for _, key := range set {
		if _, gone := k.gone[key.ID]; gone || !slices.Contains(k.config.Algorithms, string(key.Algorithm)) {
			continue
		}
		if old != nil {
			if had := old.byID[key.ID]; had != nil && had.Equal(key) {
				key = had
				same++
			}
		}
		fresh.byID[key.ID] = key
	}
	k.read.Store(k.config.Now().UnixMilli())
	if old == nil || same != len(fresh.byID) || same != len(old.byID) {
		k.known.Store(fresh)
	}
	if k.older(set) {
		return errOldKeys
	}
	k.seen.Store(told)
	return nil
}

func maxAge(header http.Header) time.Duration {
	for part := range strings.SplitSeq(header.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		seconds, err := strconv.Atoi(value)
		if strings.EqualFold(name, "max-age") && err == nil {
			// Ahead of the time, so that no request waits for keys.
			return min(max(time.Duration(min(seconds, 86400))*time.Second*3/4, keysSoonest), keysLatest)
		}
	}
	return keysUsually
}
