package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// Guesses are slowed twice.
//
// Per account, whether it exists or not: after 5 failures within 15 minutes, tries are let through one by one, with 1, 2,
// 4 … 60 seconds between them. A browser in which someone signed in to the account before has a count of its own, so
// that a stranger who guesses cannot keep the owner out.
//
// Per address (an IPv6 one by its /64): 50 failures in a quarter of an hour, on the clock.
//
// A try is counted before its password is looked at, and counters are atomic: guessing in parallel gains nothing.
const (
	accountFailures = 5
	accountWindow   = 15 * time.Minute
	longestWait     = time.Minute
	browserMemory   = 90 * 24 * time.Hour
	forgivenFor     = 2 * accountWindow // longer than any count that was forgiven lasts
)

var (
	loginFailures = store.Kind{Name: "login_failures", Spread: true}
	loginGates    = store.Kind{Name: "login_gate", Spread: true}
	loginForgiven = store.Kind{Name: "login_forgiven", Spread: true}
)

var loginAddress = Limit{Kind: store.Kind{Name: "login_address", Spread: true}, Most: 50, Window: 15 * time.Minute}

// ThrottledError says that a try was refused unseen, since there were too many before it.
type ThrottledError struct {
	RetryAfter time.Duration // after which a try is let through, if nobody else is faster
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many tries: wait %s", e.RetryAfter)
}

// count is what a login try was counted under.
type count struct {
	browser string // id of the known-browser record; of none if the try came without a cookie
	known   bool
	bucket  string // account or known browser
	current string // bucket since its last success
	address string // of the try, "" where exempt
	first   bool   // the first try that was refused, of those refused since the last that was let through
}

// admit counts a try and tells whether its password may be looked at. ThrottledError.
func (d *Directory) admit(ctx context.Context, name string, a Attempt) (*count, error) {
	c := &count{address: a.Address}
	if err := d.admitAddress(ctx, c); err != nil {
		return c, err
	}
	key := d.Secret("throttle")
	c.bucket = keyedDigest(key, "account", name)
	c.browser = keyedDigest(key, "browser", a.Browser, name)
	if err := d.recogniseBrowser(ctx, c, a.Browser); err != nil {
		return c, err
	}
	forgiven, err := d.Backend.Add(ctx, loginForgiven, c.bucket, 0, forgivenFor)
	if err != nil {
		return c, fmt.Errorf("count logins: %w", err)
	}
	c.current = c.bucket + ":" + strconv.FormatInt(forgiven, 10)
	return c, d.admitAccount(ctx, c)
}

func (d *Directory) admitAccount(ctx context.Context, c *count) error {
	failures, err := d.Backend.Add(ctx, loginFailures, c.current, 0, accountWindow)
	if err != nil {
		return fmt.Errorf("count logins: %w", err)
	}
	if failures >= accountFailures {
		// Refused tries are not counted as failures: they tested no password.
		if err := d.passGate(ctx, c, failures); err != nil {
			return err
		}
	}
	counted, err := d.Backend.Add(ctx, loginFailures, c.current, 1, accountWindow)
	if err != nil {
		return fmt.Errorf("count logins: %w", err)
	}
	if failures < accountFailures && counted >= accountFailures {
		return d.passGate(ctx, c, counted-1) // the last free try shuts the gate behind it; those in parallel wait
	}
	return nil
}

// passGate lets one try through and keeps the gate shut for as long as the failures so far demand.
func (d *Directory) passGate(ctx context.Context, c *count, failures int64) error {
	wait := waitAfter(failures)
	passed, err := d.Backend.Add(ctx, loginGates, c.current, 1, wait)
	if err != nil {
		return fmt.Errorf("count logins: %w", err)
	}
	if passed == 1 {
		return nil
	}
	c.first = passed == 2
	return &ThrottledError{RetryAfter: waitAfter(failures - 1)} // whoever shut it had one failure less behind it
}

func waitAfter(failures int64) time.Duration {
	over := min(max(failures-accountFailures+1, 0), 10)
	return min(time.Second<<over, longestWait)
}

func (d *Directory) admitAddress(ctx context.Context, c *count) error {
	tries, err := d.admitted(ctx, loginAddress, c.address)
	c.first = tries == loginAddress.Most+1
	return err
}

// forgive takes back what a successful login was counted as: everything counted for its account or browser since the
// last success, and itself for its address. Failures here only leave a count too high.
func (d *Directory) forgive(ctx context.Context, c *count) {
	// A new count is begun rather than the old one lowered, which could end below zero when it expires meanwhile.
	_, _ = d.Backend.Add(ctx, loginForgiven, c.bucket, 1, forgivenFor)
	d.uncountAddress(ctx, c)
}

// uncount takes back a try whose password was never looked at.
func (d *Directory) uncount(ctx context.Context, c *count) {
	d.lower(ctx, loginFailures, c.current, accountWindow)
	d.uncountAddress(ctx, c)
}

func (d *Directory) uncountAddress(ctx context.Context, c *count) {
	d.Forgive(ctx, loginAddress, c.address)
}

// lower never leaves a counter below zero for long, where it would be a store of free guesses.
func (d *Directory) lower(ctx context.Context, kind store.Kind, id string, ttl time.Duration) {
	n, err := d.Backend.Add(ctx, kind, id, -1, ttl)
	if err == nil && n < 0 {
		_, _ = d.Backend.Add(ctx, kind, id, 1, ttl)
	}
}

// network is what one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}

// knownBrowser remembers that someone signed in to an account in a browser.
type knownBrowser struct {
	ID      string    `json:"id"` // keyed digest of the browser's cookie and the user name
	Expires time.Time `json:"expires"`
}

func browserCollection(b store.Backend) store.Collection[knownBrowser] {
	return store.Collection[knownBrowser]{
		Backend: b,
		Kind:    store.Kind{Name: "known_browser", Spread: true},
		ID:      func(k *knownBrowser) string { return k.ID },
		Expires: func(k *knownBrowser) time.Time { return k.Expires },
	}
}

func (d *Directory) recogniseBrowser(ctx context.Context, c *count, cookie string) error {
	k, err := d.browsers.Get(ctx, c.browser)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look a browser up: %w", err)
	}
	if cookie != "" && d.now().Before(k.Expires) {
		c.known = true
		c.bucket = c.browser
	}
	return nil
}

// rememberBrowser counts later failures in this browser apart. A failure here costs the owner only that.
func (d *Directory) rememberBrowser(ctx context.Context, c *count, cookie string) {
	if cookie == "" {
		return
	}
	k := &knownBrowser{ID: c.browser, Expires: d.now().Add(browserMemory)}
	if !errors.Is(d.browsers.Create(ctx, k), store.ErrExists) {
		return
	}
	_, _ = d.browsers.Update(ctx, c.browser, func(old *knownBrowser) error {
		old.Expires = k.Expires
		return nil
	})
}
