package chaos

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// The kinds of requests that are counted.
type kind int

const (
	issueOpaque kind = iota
	issueJWT
	authorize
	redeem
	refresh
	revoke
	introspect
	register
	change
	remove
	kinds
)

func (k kind) String() string {
	return []string{"opaque", "JWT", "authorize", "code", "refresh", "revoke", "introspect", "register", "change", "delete"}[k]
}

// counts is what was done.
type counts struct {
	good [kinds]atomic.Int64 // acknowledged

	refused    atomic.Int64 // with 503
	unexcused  atomic.Int64 // with 503, and there was no fault
	unanswered atomic.Int64
	checked    atomic.Int64
	unknown    atomic.Int64
	lost       atomic.Int64
}

type snapshot [kinds]int64

func (c *counts) snapshot() (s snapshot) {
	for k := range c.good {
		s[k] = c.good[k].Load()
	}
	return s
}

func (s snapshot) total() (n int64) {
	for _, count := range s {
		n += count
	}
	return n
}

// missing names the kinds of which there is none more than before.
func (s snapshot) missing(before snapshot) string {
	var names []string
	for k := range s {
		if s[k] == before[k] {
			names = append(names, kind(k).String())
		}
	}
	return strings.Join(names, ", ")
}

func (s snapshot) String() string {
	parts := []string{fmt.Sprintf("%d operations", s.total())}
	for k, n := range s {
		parts = append(parts, fmt.Sprintf("%s %d", kind(k), n))
	}
	return strings.Join(parts, ", ")
}
