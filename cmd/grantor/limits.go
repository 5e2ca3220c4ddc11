package main

import (
	"cmp"
	"context"
	"runtime"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
)

// How many requests are worked on at once, for each processor, and how many wait for their turn at least. Most of their
// time they wait for the store, and one that waits costs some kilobytes.
const (
	tokensPerProcessor = 256
	pagesPerProcessor  = 64
	fewestPages        = 128
	fewestWaiting      = 1024
)

// makeLimits says how much may come. Nodes share what they gave where they share a store.
func (p *program) makeLimits() {
	c := limit.Config{Table: p.config.Limits, Exempt: p.config.LimitExempt, Now: p.config.now}
	if p.config.Store.isRedis() {
		c.Count = p.countUse
	}
	p.limits = limit.New(c)
	processors := runtime.GOMAXPROCS(0)
	p.tokens = newLane(cmp.Or(int(p.config.TokenRequests), tokensPerProcessor*processors))
	p.people = newLane(cmp.Or(int(p.config.PageRequests), max(fewestPages, pagesPerProcessor*processors)))
}

// countUse needs the secret of all nodes, which is read at the start.
func (p *program) countUse(ctx context.Context, key string, n int64, ttl time.Duration) (int64, error) {
	if !p.prepared.Load() {
		return 0, errStarting
	}
	return p.directory.CountUse(ctx, key, n, ttl)
}

func newLane(width int) *limit.Lane { return limit.NewLane(width, max(fewestWaiting, 4*width)) }
