package main

import (
	"strings"
	"testing"
)

func TestTracesGoWhereOpenTelemetrySaysUnlessWeSayOtherwise(t *testing.T) {
	environ := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318", "OTEL_EXPORTER_OTLP_HEADERS=api-key=se%20cret, x=1"}
	c, err := load(t, "", environ, nil)
	if err != nil || c.OTLPEndpoint != "http://collector:4318" || c.OTLPHeader.Get("Api-Key") != "se cret" || c.OTLPHeader.Get("X") != "1" {
		t.Errorf("%q, %v: %v", c.OTLPEndpoint, c.OTLPHeader, err)
	}
	c, err = load(t, "", environ, []string{"--otlp-endpoint", "https://other/otlp/"})
	if err != nil || c.OTLPEndpoint != "https://other/otlp/" {
		t.Errorf("%q: %v", c.OTLPEndpoint, err)
	}
	if to, err := tracesURL(c.OTLPEndpoint); err != nil || to != "https://other/otlp/v1/traces" {
		t.Errorf("%q: %v", to, err)
	}
}

func TestFaultsOfWatchingAreNamed(t *testing.T) {
	for _, one := range []struct {
		args    []string
		environ []string
		want    string
	}{
		{args: []string{"--metrics-listen", "9090"}, want: "is not an address"},
		{args: []string{"--pprof"}, want: "set metrics_listen as well"},
		{args: []string{"--otlp-endpoint", "collector:4318"}, want: "must be the address of a collector"},
		{args: []string{"--otlp-endpoint", "http://user:hidden@collector"}, want: "must be the address of a collector"},
		{args: []string{"--trace-ratio", "1.01"}, want: "is not a number from 0 to 1"},
		{args: []string{"--trace-ratio", "NaN"}, want: "is not a number from 0 to 1"},
		{environ: []string{"OTEL_EXPORTER_OTLP_HEADERS=hidden"}, want: "OTEL_EXPORTER_OTLP_HEADERS: is not a list"},
	} {
		_, err := load(t, "", one.environ, one.args)
		if err == nil || !strings.Contains(err.Error(), one.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v %v: %v", one.args, one.environ, err)
		}
	}
	c, err := load(t, "", nil, []string{"--metrics-listen", "0.0.0.0:9090", "--pprof"})
	if err != nil || !strings.Contains(strings.Join(c.warnings(), " "), "pprof is on") {
		t.Errorf("%v: %v", c.warnings(), err)
	}
}
