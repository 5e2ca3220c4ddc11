package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzStoreURL: the password of a store is never printed, however it is spelt.
func FuzzStoreURL(f *testing.F) {
	for _, seed := range [][2]string{{"redis://u:", "@host/0"}, {"redis://u:?", "@host"}, {"redis://host?sentinel_password=", ""}, {"redis://host?sentinel_password=a@", ""}, {"redis:u:", "@host"}, {"redis://u:/#", "@h/1?a=b"}, {"rediss+cluster://:", "@a,b"}} {
		f.Add(seed[0], seed[1])
	}
	const hush = "hush-hush"
	f.Fuzz(func(t *testing.T, before, behind string) {
		scheme, rest, _ := strings.Cut(before, ":")
		if strings.Contains(before+behind, hush) || !storeURL(scheme+":").isRedis() || !strings.Contains(behind, "@") && !strings.Contains(rest, "?") {
			return
		}
		s := storeURL(before + hush + behind)
		text, err := json.Marshal(s)
		if err != nil || strings.Contains(s.String(), hush) || strings.Contains(string(text), hush) || strings.Contains(s.GoString(), hush) {
			t.Errorf("%q is printed as %s", string(s), s)
		}
	})
}

// FuzzOTLPHeader: what goes along with traces can be sent, and a fault does not repeat it.
func FuzzOTLPHeader(f *testing.F) {
	for _, seed := range []string{"a=b,c=d", "Authorization=Basic%20x", " a = b ,", "a", "=b", "a=%zz", "a b=c", "a:=b", "a=\r\nb", "%0a=b", "ü=b", "a=%00"} {
		f.Add(seed)
	}
	errNowhere := errors.New("it would be sent now")
	nowhere := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errNowhere }}
	f.Fuzz(func(t *testing.T, list string) {
		header, err := otlpHeader(list)
		if err != nil {
			return
		}
		r := httptest.NewRequest(http.MethodPost, "http://collector.example/", nil)
		r.RequestURI, r.Header = "", header
		if _, err := nowhere.RoundTrip(r); !errors.Is(err, errNowhere) {
			t.Errorf("%q gives %q, which cannot be sent: %v", list, header, err)
		}
		if again, err := otlpHeader(list + ","); err != nil || len(again) != len(header) {
			t.Errorf("%q is %v, with a comma %v, %v", list, header, again, err)
		}
	})
}

// FuzzTracesURL: traces go to the collector that is named, below its path.
func FuzzTracesURL(f *testing.F) {
	for _, seed := range []string{"http://localhost:4318", "https://a/b/", "http://a?x", "http://u@a", "a", "http://[::1]:1/../x", "http://a/%2f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, endpoint string) {
		address, err := tracesURL(endpoint)
		if err != nil {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
		if err != nil || !strings.HasSuffix(address, "/v1/traces") || r.URL.User != nil || !strings.Contains(strings.ToLower(endpoint), strings.ToLower(r.URL.Hostname())) {
			t.Errorf("%q sends to %q, %v", endpoint, address, err)
		}
	})
}

// FuzzListen: an address to listen on is read as package net reads it.
func FuzzListen(f *testing.F) {
	for _, seed := range []string{":8080", "127.0.0.1:0", "[::1]:443", "a:b", "a", "::1:80", "host:65536", "[fe80::1%eth0]:1", "a:+1", "a:00080"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, listen string) {
		host, port, err := splitListen(listen)
		if err != nil {
			return
		}
		again, text, err := net.SplitHostPort(net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil || again != host || text != strconv.Itoa(port) || port < 0 || port > 65535 {
			t.Errorf("%q is %q and %d", listen, host, port)
		}
	})
}

// FuzzMoment: a time that a person wrote is a time from now in the direction that is asked for, or the one that stands there.
func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"24h", "7d", "2026-11-22", "2026-11-22T14:03:00Z", "-1h", "0", "9999-12-31T23:59:59+23:59", "65535d", "1d\n", "now"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []direction{ahead, back} {
			begun := time.Now()
			at, err := moment("--since", text, d)
			if err != nil {
				if strings.ContainsFunc(err.Error(), isControl) {
					t.Errorf("%q: %q", text, err)
				}
				continue
			}
			if written, err := time.Parse(time.RFC3339, text); err == nil && !written.Equal(at) {
				t.Errorf("%q is %v", text, at)
			}
			if dated := len(text) >= len(time.DateOnly) && text[4] == '-'; text != "" && !dated && (d == ahead && at.Before(begun) || d == back && at.After(time.Now())) {
				t.Errorf("%q in direction %d is %v", text, d, at)
			}
		}
	})
}

// FuzzInspectedToken: what a token says of itself is shown only where it is JSON.
func FuzzInspectedToken(f *testing.F) {
	for _, seed := range []string{"", "a.b.c", "e30.e30.", "e30.bnVsbA.x", "e30.e30", "e30=.e30.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		var s shownToken
		s.decode(token)
		if s.Header != nil && !json.Valid(s.Header) || s.Claims != nil && !json.Valid(s.Claims) || s.Header != nil && strings.Count(token, ".") != 2 {
			t.Errorf("%q shows %q and %q", token, s.Header, s.Claims)
		}
		s.hint("https://id.example.com")
	})
}
