package account

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// Limit bounds how often one address may do something, over all nodes, in windows on the clock.
type Limit struct {
	Kind   store.Kind // of its counters
	Most   int64      // in one window
	Window time.Duration
}

// Admit counts an address and refuses it with *ThrottledError when it has used up its window. An empty address is exempt.
func (d *Directory) Admit(ctx context.Context, l Limit, address string) error {
	_, err := d.admitted(ctx, l, address)
	return err
}

// Forgive takes back one count of Admit, for what turned out to be all right. A failure only leaves the count too high.
func (d *Directory) Forgive(ctx context.Context, l Limit, address string) {
	if address != "" {
		d.lower(ctx, l.Kind, d.limitBucket(l, address), 2*l.Window)
	}
}

// admitted tells the count as well.
func (d *Directory) admitted(ctx context.Context, l Limit, address string) (count int64, err error) {
	if address == "" {
		return 0, nil
	}
	count, err = d.Backend.Add(ctx, l.Kind, d.limitBucket(l, address), 1, 2*l.Window)
	if err != nil {
		return 0, fmt.Errorf("count an address: %w", err)
	}
	if count <= l.Most {
		return count, nil
	}
	now := d.Now()
	return count, &ThrottledError{RetryAfter: now.Truncate(l.Window).Add(l.Window).Sub(now)}
}

// limitBucket names the count of an address in the current window.
func (d *Directory) limitBucket(l Limit, address string) string {
	window := d.Now().UnixMilli() / l.Window.Milliseconds()
	return keyedDigest(d.Secret("throttle"), "address", network(address), strconv.FormatInt(window, 10))
}

// uses adds up what nodes gave under the keys of package limit.
var uses = store.Kind{Name: "limit_use", Spread: true}

// CountUse adds n to what all nodes gave under a key, and tells the sum since its count began, at most ttl ago. The store
// sees no key.
func (d *Directory) CountUse(ctx context.Context, key string, n int64, ttl time.Duration) (total int64, err error) {
	return d.Backend.Add(ctx, uses, keyedDigest(d.Secret("throttle"), "use", key), n, ttl)
}
