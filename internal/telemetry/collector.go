package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is what the server counts by itself, and how it stands.
type State struct {
	Tokens          []Tokens
	LoginFailures   []LoginFailures
	Lookups         []Lookups
	Keys            []Key
	FeedSubscribers int
	FeedSilent      time.Duration // since the store last answered
	SweeperLag      time.Duration // what is gone is deleted so late; negative: not known
}

// Tokens are the access tokens that were issued by a grant in a format.
type Tokens struct {
	Grant, Format string
	Issued        int64
}

// LoginFailures are the logins that failed for a reason.
type LoginFailures struct {
	Reason string
	Logins int64
}

// Lookups are what came of asking a cache: "hit", "miss" or "bypass".
type Lookups struct {
	Kind, Result string
	Lookups      int64
}

// Key is a key that signs.
type Key struct {
	Algorithm string
	Age       time.Duration // since it began to sign
}

// collector gives what is counted in arrays, here and elsewhere.
type collector struct{ metrics *Metrics }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	requestsTotal   = describe("grantor_requests_total", "Requests that were answered.", "endpoint", "status")
	refusalsTotal   = describe("grantor_refusals_total", "Requests that were answered with an error, by its code.", "endpoint", "reason")
	tokensTotal     = describe("grantor_tokens_issued_total", "Access tokens that were issued.", "grant", "format")
	loginsTotal     = describe("grantor_login_failures_total", "Logins that failed.", "reason")
	lookupsTotal    = describe("grantor_cache_lookups_total", "What caches in process were asked for.", "kind", "result")
	keyAge          = describe("grantor_key_age_seconds", "How long the current key of an algorithm has signed.", "alg")
	feedSubscribers = describe("grantor_feed_subscribers", "Open streams of the revocation feed on this node.")
	feedSilent      = describe("grantor_feed_silent_seconds", "How long this node has not heard from the store what has ended.")
	sweeperLag      = describe("grantor_sweeper_lag_seconds", "How late what has expired is deleted; always 0 with Redis, which does it itself.")
)

// Describe gives what Collect may give.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		requestsTotal, refusalsTotal, tokensTotal, loginsTotal, lookupsTotal, keyAge, feedSubscribers, feedSilent, sweeperLag,
	} {
		to <- d
	}
}

// Collect reads the arrays, and asks the server once.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	give := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		give(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		give(d, prometheus.GaugeValue, value, labels...)
	}

	for _, e := range c.metrics.endpoints {
		e.collect(count)
	}
	c.metrics.other.collect(count)
	if c.metrics.state == nil {
		return
	}
	s := c.metrics.state()
	for _, t := range s.Tokens {
		count(tokensTotal, t.Issued, t.Grant, t.Format)
	}
	for _, f := range s.LoginFailures {
		count(loginsTotal, f.Logins, f.Reason)
	}
	for _, l := range s.Lookups {
		count(lookupsTotal, l.Lookups, l.Kind, l.Result)
	}
	for _, k := range s.Keys {
		gauge(keyAge, k.Age.Seconds(), k.Algorithm)
	}
	gauge(feedSubscribers, float64(s.FeedSubscribers))
	gauge(feedSilent, s.FeedSilent.Seconds())
	if s.SweeperLag >= 0 {
		gauge(sweeperLag, s.SweeperLag.Seconds())
	}
}

// collect gives the counts that are not 0: most statuses are never answered at most endpoints.
func (e *endpoint) collect(count func(*prometheus.Desc, int64, ...string)) {
	for status := range e.statuses {
		if n := e.statuses[status].Load(); n > 0 {
			count(requestsTotal, n, e.name, strconv.Itoa(status))
		}
	}
	for i := range e.refusals {
		if n := e.refusals[i].Load(); n > 0 {
			count(refusalsTotal, n, e.name, reasons[i])
		}
	}
}
