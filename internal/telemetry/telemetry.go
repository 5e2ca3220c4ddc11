// Package telemetry is where metrics and traces of this server are made: the only place that knows Prometheus and
// OpenTelemetry. What happens on the way of a request is counted in arrays and told to whoever asks for the metrics; what
// others count in process is read only then. It decides nothing, and where it is not set up it costs nothing.
//
// No label and no attribute holds what a caller chose: endpoints are routes, reasons are error codes of this server, and
// what is on neither list is "other".
package telemetry

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/grantor-dev/grantor/internal/web"
)

// Config is what Metrics are made from.
type Config struct {
	Version string       // of the program
	Routes  []string     // that events of requests name
	Verbs   []string     // of the store
	State   func() State // what others count; called at each scrape, from any goroutine
}

// Metrics counts requests and verbs of the store. Build it with NewMetrics; it is safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	state     func() State
	endpoints map[string]*endpoint // by route
	other     *endpoint            // what is at no route
	verbs     map[string]*verb
}

// Statuses are those of HTTP, and 0 for an answer that was broken off, or that nobody waited for.
const maxStatus = 600

// endpoint counts the requests of one route.
type endpoint struct {
	name     string
	seconds  prometheus.Observer
	statuses [maxStatus]atomic.Int64
	refusals [len(reasons)]atomic.Int64
}

// verb counts the uses of one verb of the store.
type verb struct {
	seconds prometheus.Observer
	errors  prometheus.Counter
}

// reasons are the error codes that this server answers with: those of OAuth, of pages, and of the problems of the REST API,
// which are written with "-". What comes with no code is "other" as well.
var reasons = [...]string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
	"unsupported_response_type", "invalid_scope", "invalid_target", "access_denied", "server_error",
	"temporarily_unavailable", "invalid_token", "insufficient_scope", "authorization_pending", "slow_down", "expired_token", "login_required", "consent_required",
	"request_not_supported", "request_uri_not_supported",
	"not_found", "method_not_allowed", "login_failed", "user_code_unknown", "cross_origin", "forbidden", "form_token", "invalid_form",
	"invalid_filter", "invalid_fields", "malformed_request", "unsupported_media_type", "no_token", "taken", "in_use",
	"built_in", "last_super_admin", "conflict", "too_soon", "stale", "too_large", "throttled", "busy", "unavailable",
	"no_backup", "backing_up", "backup_incomplete", "export_incomplete",
	other,
}

const other = "other"

// Bounds of histograms, in seconds.
var (
	requestBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
	storeBuckets   = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 2.5}
)

// NewMetrics makes metrics that have counted nothing yet.
func NewMetrics(c Config) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), state: c.State, endpoints: map[string]*endpoint{}, verbs: map[string]*verb{}}
	requests := histogram("grantor_request_seconds", "Time from a request to its answer.", requestBuckets, "endpoint")
	newEndpoint := func(name string) *endpoint { return &endpoint{name: name, seconds: requests.WithLabelValues(name)} }
	for _, route := range c.Routes {
		m.endpoints[route] = newEndpoint(route)
	}
	m.other = newEndpoint(other)
	uses := histogram("grantor_store_seconds", "Time that a verb of the store took.", storeBuckets, "verb")
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "grantor_store_errors_total", Help: "Verbs that the store could not answer.",
	}, []string{"verb"})
	for _, name := range c.Verbs {
		m.verbs[name] = &verb{uses.WithLabelValues(name), failures.WithLabelValues(name)}
	}
	m.registry.MustRegister(requests, uses, failures, &collector{m}, buildInfo(c.Version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func histogram(name, help string, bounds []float64, label string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, []string{label})
}

func buildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "grantor_build_info", Help: "Always 1; its labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	}, func() float64 { return 1 })
}

// Request counts a request whose answer is complete.
func (m *Metrics) Request(e *web.Event) {
	at := m.endpoints[e.Route]
	if at == nil {
		at = m.other
	}
	at.seconds.Observe(e.Took.Seconds())
	if status := statusOf(e); 0 <= status && status < maxStatus {
		at.statuses[status].Add(1)
	}
	if e.Error != "" || e.Status >= http.StatusBadRequest {
		at.refusals[reasonOf(e.Error)].Add(1)
	}
}

// statusOf gives 0 where the caller had gone before he was answered: strangers could make server errors of that, and have
// somebody called out of bed.
func statusOf(e *web.Event) int {
	if e.Status >= http.StatusInternalServerError && errors.Is(e.Cause, context.Canceled) {
		return 0
	}
	return e.Status
}

func reasonOf(code string) int {
	if i := slices.Index(reasons[:], strings.ReplaceAll(code, "-", "_")); i >= 0 {
		return i
	}
	return len(reasons) - 1
}

// Store counts a verb of the store that has come to its end. failed says that the store could not answer; "not found" is an
// answer.
func (m *Metrics) Store(verb string, took time.Duration, failed bool) {
	v := m.verbs[verb]
	if v == nil {
		return
	}
	v.seconds.Observe(took.Seconds())
	if failed {
		v.errors.Inc()
	}
}

// Handler answers a scrape. It is for a listener that strangers do not reach.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, DisableCompression: true})
}
