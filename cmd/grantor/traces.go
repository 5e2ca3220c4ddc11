package main

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// What every program with OpenTelemetry is told where its collector is, and what it has to show there.
const (
	otlpEndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT"
	otlpHeadersVariable  = "OTEL_EXPORTER_OTLP_HEADERS"
)

// deriveTraces reads the variables of OpenTelemetry where no setting of ours says more.
func (c *Config) deriveTraces(environ []string, f *faults) {
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == otlpEndpointVariable && c.OTLPEndpoint == "":
			c.OTLPEndpoint = value
		case name == otlpHeadersVariable:
			header, err := otlpHeader(value)
			f.add(otlpHeadersVariable, err)
			c.OTLPHeader = header
		}
	}
}

// otlpHeader reads name=value,name=value, both percent-encoded (OpenTelemetry specification, OTLP exporter). Its errors do
// not repeat what stands there.
func otlpHeader(list string) (http.Header, error) {
	header := http.Header{}
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		name, err1 := url.PathUnescape(strings.TrimSpace(name))
		value, err2 := url.PathUnescape(strings.TrimSpace(value))
		if !found || errors.Join(err1, err2) != nil || !isHeaderName(name) || strings.ContainsFunc(value, isControl) {
			return nil, errors.New("is not a list of name=value")
		}
		header.Add(name, value)
	}
	return header, nil
}

// isHeaderName tells whether net/http sends a header of this name (RFC 9110 section 5.6.2).
func isHeaderName(s string) bool {
	const token = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"
	return s != "" && strings.Trim(s, token) == ""
}

// tracesURL is where a collector takes traces, below its address.
func tracesURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(endpoint, "?#") ||
		!strings.Contains(endpoint, u.Host) { // escapes in it hide where it leads
		return "", errors.New("must be the address of a collector, as in http://localhost:4318")
	}
	return u.JoinPath("v1", "traces").String(), nil
}

func (c *Config) validateWatching(f *faults) {
	if c.MetricsListen != "" {
		_, _, err := splitListen(c.MetricsListen)
		f.add(c.label("metrics_listen"), err)
	}
	if c.Pprof && c.MetricsListen == "" {
		f.add(c.label("pprof"), errors.New("profiles are served beside the metrics: set metrics_listen as well"))
	}
	if c.OTLPEndpoint != "" {
		_, err := tracesURL(c.OTLPEndpoint)
		f.add(c.label("otlp_endpoint"), err)
	}
}
