package web

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Address returns the address of the caller; it is not valid when the connection has none, as on a Unix socket.
func Address(ctx context.Context) netip.Addr { return EventFrom(ctx).address }

// address is the right-most hop that is not a trusted proxy. What stands further left was written by strangers. fromProxy
// tells whether the peer is one.
func (c *Config) address(r *http.Request) (client netip.Addr, fromProxy bool) {
	client = parseHop(r.RemoteAddr)
	if !c.trusts(client) {
		return client, false
	}
	for _, line := range slices.Backward(r.Header["X-Forwarded-For"]) {
		for more := true; more; {
			var entry string
			line, entry, more = cutLast(line)
			hop := parseHop(strings.Trim(entry, " \t"))
			if !hop.IsValid() {
				return client, true
			}
			client = hop
			if !c.trusts(hop) {
				return client, true
			}
		}
	}
	return client, true
}

func (c *Config) trusts(address netip.Addr) bool {
	return address.IsValid() && slices.ContainsFunc(c.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// cutLast splits the last entry from a comma-separated line.
func cutLast(line string) (rest, last string, more bool) {
	comma := strings.LastIndexByte(line, ',')
	if comma < 0 {
		return "", line, false
	}
	return line[:comma], line[comma+1:], true
}

// parseHop reads an address with or without a port, as proxies write both.
func parseHop(s string) netip.Addr {
	if hop, err := netip.ParseAddrPort(s); err == nil {
		return hop.Addr().Unmap().WithZone("")
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	hop, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return hop.Unmap().WithZone("")
}

func text(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	return address.String()
}
