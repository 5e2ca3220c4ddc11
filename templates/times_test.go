package templates

import (
	"strings"
	"testing"
	"time"
)

func TestTimesAreToldAsPeopleSayThem(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 59 * time.Minute: "59 minutes ago", time.Hour: "1 hour ago",
		25 * time.Hour: "1 day ago", 30 * day: "1 month ago", 364 * day: "12 months ago", 800 * day: "2 years ago",
		-time.Second: "in a moment", -3 * time.Hour: "in 3 hours", -90 * day: "in 3 months",
	} {
		if got := apart(d); got != want {
			t.Errorf("%s: %q", d, got)
		}
	}
	p := &Pages{Now: func() time.Time { return demoNow }}
	if got, want := string(p.ago(demoNow.Add(-3*time.Hour))), `<time datetime="2026-11-22T11:03:00Z" title="2026-11-22 11:03:00 UTC">3 hours ago</time>`; got != want {
		t.Errorf("%s", got)
	}
	berlin := time.FixedZone("CET", 3600)
	if got, want := string(moment(demoNow.In(berlin))), `<time datetime="2026-11-22T14:03:00Z">2026-11-22 14:03 UTC</time>`; got != want {
		t.Errorf("%s", got)
	}
	if !strings.Contains(string(moment(time.Time{})), "never") || !strings.Contains(string(p.ago(time.Time{})), "never") {
		t.Error("no time is told as one")
	}
}

func TestNumbersHaveTheirThousandsApart(t *testing.T) {
	for n, want := range map[any]string{0: "0", 999: "999", 1000: "1,000", int64(1234567): "1,234,567", -1000: "-1,000", uint8(7): "7", "x1000": "x1000"} {
		if got := grouped(n); got != want {
			t.Errorf("%v: %s", n, got)
		}
	}
	if count(1, "client", "clients") != "1 client" || count(1204, "client", "clients") != "1,204 clients" || count(0, "client", "clients") != "0 clients" {
		t.Error("things are counted wrongly")
	}
}
