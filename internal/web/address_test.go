package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestAddressIsTheRightMostHopThatIsNotOurs(t *testing.T) {
	cases := map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no proxy":                      {"198.51.100.7:1", nil, "198.51.100.7"},
		"header of a stranger":          {"198.51.100.7:1", []string{"6.6.6.6"}, "198.51.100.7"},
		"proxy without header":          {"10.0.0.1:1", nil, "10.0.0.1"},
		"one proxy":                     {"10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"forged entry on the left":      {"10.0.0.1:1", []string{"6.6.6.6, 203.0.113.9"}, "203.0.113.9"},
		"two proxies":                   {"10.0.0.1:1", []string{"6.6.6.6, 203.0.113.9,10.0.0.2"}, "203.0.113.9"},
		"two headers":                   {"10.0.0.1:1", []string{"6.6.6.6", "203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		"forged line before":            {"10.0.0.1:1", []string{"203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
		"all hops are ours":             {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"garbage stops":                 {"10.0.0.1:1", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		"garbage behind our hop":        {"10.0.0.1:1", []string{"203.0.113.9, evil, 10.0.0.2"}, "10.0.0.2"},
		"empty header":                  {"10.0.0.1:1", []string{""}, "10.0.0.1"},
		"empty entry":                   {"10.0.0.1:1", []string{"203.0.113.9,"}, "10.0.0.1"},
		"with port":                     {"10.0.0.1:1", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		"IPv6":                          {"[fd00::1]:1", []string{"2001:db8::5"}, "2001:db8::5"},
		"IPv6 with port":                {"[fd00::1]:1", []string{"[2001:db8::5]:99"}, "2001:db8::5"},
		"IPv6 in brackets":              {"[fd00::1]:1", []string{"[2001:db8::5]"}, "2001:db8::5"},
		"IPv6 zone is dropped":          {"[fe80::1%eth0]:1", nil, "fe80::1"},
		"IPv4 inside IPv6 as peer":      {"[::ffff:10.0.0.1]:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"IPv4 inside IPv6 as entry":     {"10.0.0.1:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"IPv4 behind NAT64":             {"[64:ff9b::203.0.113.9]:1", []string{"6.6.6.6"}, "203.0.113.9"},
		"IPv4 behind NAT64 as entry":    {"10.0.0.1:1", []string{"6.6.6.6, 64:ff9b::cb00:7109"}, "203.0.113.9"},
		"NAT64 of the last address":     {"[64:ff9b::ffff:ffff]:1", nil, "64:ff9b::ffff:ffff"},
		"NAT64 of a private address":    {"[64:ff9b::192.168.0.1]:1", nil, "64:ff9b::c0a8:1"},
		"NAT64 of loopback":             {"[64:ff9b::127.0.0.1]:1", nil, "64:ff9b::7f00:1"},
		"NAT64 makes no proxy":          {"[64:ff9b::10.0.0.1]:1", []string{"6.6.6.6"}, "64:ff9b::a00:1"},
		"NAT64 makes no public proxy":   {"[64:ff9b::8.8.8.8]:1", []string{"6.6.6.6"}, "8.8.8.8"},
		"beside NAT64":                  {"[64:ff9b:0:0:0:1:cb00:7109]:1", nil, "64:ff9b::1:cb00:7109"},
		"Unix socket":                   {"@", []string{"6.6.6.6"}, ""},
		"numbers that are no addresses": {"10.0.0.1:1", []string{"0x0a.1"}, "10.0.0.1"},
	}
	c := Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("8.8.8.8/32")}}
	for name, hop := range cases {
		t.Run(name, func(t *testing.T) {
			r := get("/")
			r.RemoteAddr = hop.peer
			r.Header["X-Forwarded-For"] = hop.forwarded
			var got netip.Addr
			answer := serve(c, r, func(_ http.ResponseWriter, r *http.Request) { got = Address(r.Context()) })
			if text(got) != hop.want || answer.event(t)["address"] != hop.want {
				t.Errorf("address %s, logged %v, want %s", got, answer.event(t)["address"], hop.want)
			}
		})
	}
}

func TestLookAlikesOfTheForwardHeaderAreIgnored(t *testing.T) {
	c := Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	r := get("/")
	for _, key := range []string{"X_Forwarded_For", "X-Real-Ip", "Client-Ip", "True-Client-Ip", "Forwarded"} {
		r.Header.Set(key, "6.6.6.6")
	}
	if event := serve(c, r, nothing).event(t); event["address"] != "192.0.2.1" {
		t.Errorf("address %v", event["address"])
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("10.0.0.1:1", "6.6.6.6, 203.0.113.9")
	f.Add("[::1]:1", "[2001:db8::1%25en]:1,,")
	c := Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := get("/")
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{forwarded}
		got, fromProxy := c.address(r)
		if own := parseHop(peer); fromProxy != c.trusts(own) || !fromProxy && got != own {
			t.Errorf("a stranger at %q became %s", peer, got)
		}
		if strings.ContainsAny(text(got), "% ,\n") {
			t.Errorf("address %q", text(got))
		}
	})
}
