package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// storeURL names the store. What it prints never holds the password.
type storeURL string

// String gives the URL without user and password.
func (s storeURL) String() string {
	scheme := s.scheme()
	rest, found := strings.CutPrefix(string(s), scheme+"://")
	switch {
	case s.isRedis() && !found: // misspelt: no telling what is its password
		return scheme + ":(hidden)"
	case s.isRedis():
	case scheme == "bolt" || scheme == "memory":
		return string(s)
	default:
		return "(hidden)"
	}
	rest, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") { // the password may begin before the question mark, or be the parameter
		return scheme + "://(hidden)"
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = "(hidden)@" + rest[at+1:]
	}
	if query != "" {
		rest += "?(hidden)" // sentinel_password and its like
	}
	return scheme + "://" + rest
}

// GoString keeps %#v from printing the password.
func (s storeURL) GoString() string { return s.String() }

// MarshalText keeps JSON and logs from printing the password.
func (s storeURL) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// scheme gives what stands before the colon.
func (s storeURL) scheme() string {
	scheme, _, _ := strings.Cut(string(s), ":")
	return scheme
}

// path gives the file of an embedded store.
func (s storeURL) path() string { return strings.TrimPrefix(string(s), "bolt:") }

func (s storeURL) isRedis() bool { return slices.Contains(redisSchemes(), s.scheme()) }

func redisSchemes() []string {
	return []string{"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"}
}

// check looks at the form only: the backend reads the rest, and says what it does not understand.
func (s storeURL) check() error {
	switch {
	case strings.ContainsFunc(string(s), isControl):
		return errors.New("the URL contains a control character")
	case s.scheme() == "memory":
		return checkMemoryURL(s)
	case s.scheme() == "bolt":
		return checkBoltURL(s)
	case s.isRedis():
		return checkRedisURL(s)
	}
	return fmt.Errorf("unknown kind of store: write bolt:PATH, memory: or %s, followed by ://HOST:PORT", strings.Join(redisSchemes(), ", "))
}

func checkMemoryURL(s storeURL) error {
	if s != "memory:" {
		return errors.New("the memory store is written memory: and takes no address")
	}
	return nil
}

func checkBoltURL(s storeURL) error {
	if s.path() == "" || strings.HasSuffix(s.path(), "/") {
		return errors.New("the file is missing: write for example bolt:./data/grantor.db")
	}
	if strings.HasPrefix(s.path(), "//") {
		return errors.New("write bolt:/absolute/path or bolt:relative/path")
	}
	return nil
}

func checkRedisURL(s storeURL) error {
	_, rest, found := strings.Cut(string(s), "://")
	authority, _, _ := strings.Cut(rest, "/")
	authority, _, _ = strings.Cut(authority, "?")
	host := authority[strings.LastIndex(authority, "@")+1:]
	if !found || host == "" {
		return fmt.Errorf("the address is missing: write for example %s://HOST:PORT", s.scheme())
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// parseIssuer checks an issuer and gives it as it is published: without a trailing slash (clients compare it byte for
// byte). Its errors do not repeat the value, which may hold a password.
func parseIssuer(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || strings.ContainsFunc(raw, isControl) {
		return "", errors.New("not a URL: write for example https://auth.example.com")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http", u.Opaque != "":
		return "", errors.New("write an absolute URL such as https://auth.example.com")
	case u.Hostname() == "":
		return "", errors.New("the host is missing: write for example https://auth.example.com")
	case u.User != nil:
		return "", errors.New("an issuer holds no user and password: leave them out")
	case strings.ContainsAny(raw, "?#"):
		return "", errors.New("an issuer holds no query and no fragment (RFC 8414): leave them out")
	case strings.Contains(u.Host, "%"):
		return "", errors.New("the zone of an address means something on one machine only: leave it out")
	}
	return canonicalIssuer(u)
}

func canonicalIssuer(u *url.URL) (string, error) {
	p := strings.TrimRight(u.Path, "/")
	if u.EscapedPath() != u.Path || (p != "" && path.Clean(p) != p) || strings.Contains(p, "\\") {
		return "", errors.New("the path of an issuer holds no dot segments, empty segments or escapes: write for example https://example.com/auth")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", errors.New("the port is not a number from 1 to 65535")
		}
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + p, nil
}

// splitListen reads host:port, where an empty host means every address of the machine.
func splitListen(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not an address: write for example 127.0.0.1:8080", listen)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q: the port is not a number from 0 to 65535", listen)
	}
	return host, int(n), nil
}

// parsePrefix reads 10.0.0.0/8, and an address alone as that one address.
func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || (p.Addr().Is4In6() && p.Bits() < 96) {
		return netip.Prefix{}, fmt.Errorf("%q is not a network: write for example 10.0.0.0/8 or 192.0.2.7", s)
	}
	if p.Addr().Is4In6() {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
