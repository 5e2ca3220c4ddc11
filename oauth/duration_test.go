package oauth

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDurationsAreReadAndWritten(t *testing.T) {
	for _, c := range []struct {
		text    string
		want    time.Duration
		written string
	}{
		{"0", 0, "0"},
		{"0s", 0, "0"},
		{"60s", time.Minute, "1m"},
		{"90s", 90 * time.Second, "1m30s"},
		{"10m", 10 * time.Minute, "10m"},
		{"24h", 24 * time.Hour, "1d"},
		{"720h", 30 * day, "30d"},
		{"30d", 30 * day, "30d"},
		{"1d12h", 36 * time.Hour, "1d12h"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"0d", 0, "0"},
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"-5s", -5 * time.Second, "-5s"},
	} {
		got, err := ParseDuration(c.text)
		if err != nil || time.Duration(got) != c.want {
			t.Errorf("%s: got %v, %v", c.text, got, err)
		}
		if s := got.String(); s != c.written {
			t.Errorf("%s: written as %s, want %s", c.text, s, c.written)
		}
	}
}

func TestWrongDurationsAreRefused(t *testing.T) {
	for _, text := range []string{"", "60", "1.5", "d", "-1d", "1.5d", "1d-2h", "1d+2h", "1d 2h", "1dd", "1d2d", "5 m",
		"99999999999d", "65535d2500000h", "ten minutes", "1d.5", "30D", "65535d2562047h47m16s"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("%q was read as %v", text, d)
		}
	}
}

func TestDurationsInJSON(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"10m"`: 10 * time.Minute, `"1d"`: day, `600`: 10 * time.Minute, `0`: 0, `null`: 0,
	} {
		var d Duration
		if err := json.Unmarshal([]byte(text), &d); err != nil || time.Duration(d) != want {
			t.Errorf("%s: got %v, %v", text, d, err)
		}
	}
	for _, text := range []string{`""`, `"60"`, `-1`, `1.5`, `1e3`, `true`, `[]`, `{}`, `99999999999`} {
		var d Duration
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s was read as %v", text, d)
		}
	}
	for d, want := range map[Duration]string{Duration(36 * time.Hour): `"1d12h"`, 0: `"0"`} {
		if b, err := json.Marshal(d); err != nil || string(b) != want {
			t.Errorf("%v: written as %s, %v", d, b, err)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"30d", "1d12h", "10m", "0", "1h0m5s", "-5s", "1d1ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		again, err := ParseDuration(d.String())
		if err != nil || again != d {
			t.Fatalf("%q: %v became %v, %v", s, d, again, err)
		}
	})
}
