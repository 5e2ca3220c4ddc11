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

// nat64 holds the IPv4 addresses as a translator shows them to hosts of IPv6 (RFC 6052 section 2.1).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// untranslated gives the IPv4 address that a translator made an IPv6 address of: all of IPv4 would be one /64 otherwise. One
// that is not global stays as it is: translators make no such addresses (RFC 6052 section 3.1).
func untranslated(address netip.Addr) netip.Addr {
	if !nat64.Contains(address) {
		return address
	}
	whole := address.As16()
	inner := netip.AddrFrom4([4]byte(whole[12:]))
	if !inner.IsGlobalUnicast() || inner.IsPrivate() {
		return address
	}
	return inner
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
