package oauth

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxRedirectURI bounds a redirect URI in bytes.
const maxRedirectURI = 2048

// CheckRedirectURI says why a URI cannot be registered, nil if it can: https; http for loopback hosts only; a private-use
// scheme with a dot (RFC 8252 section 7.1); no fragment (RFC 6749 section 3.1.2), user information, wildcard or character
// that browsers and servers read differently.
func CheckRedirectURI(s string) error {
	if err := checkURISpelling(s); err != nil {
		return err
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || !u.IsAbs():
		return errors.New("must be an absolute URI such as https://app.example.com/callback")
	case strings.Contains(s, "#"):
		return errors.New("must not have a fragment")
	case u.User != nil:
		return errors.New("must not carry a user name or password")
	case strings.Contains(s, "*"):
		return errors.New("must not contain a wildcard: register each URI in full")
	case !strings.HasPrefix(s, u.Scheme+":"):
		return errors.New("must spell its scheme in lower case")
	case hasDotSegment(u):
		return errors.New("must not contain a . or .. path segment")
	}
	switch u.Scheme {
	case "https":
		return checkHost(u)
	case "http":
		if !IsLoopback(u.Hostname()) {
			return errors.New("must use https: http is for loopback addresses only")
		}
		return checkHost(u)
	}
	return checkPrivateScheme(u)
}

// checkURISpelling refuses what has more than one reading: blanks, control characters, backslashes, quotes, non-ASCII.
func checkURISpelling(s string) error {
	if s == "" {
		return errors.New("must not be empty")
	}
	if len(s) > maxRedirectURI {
		return errors.New("must not be longer than " + strconv.Itoa(maxRedirectURI) + " bytes")
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return errors.New("must be plain ASCII without blanks, quotes, backslashes or braces: encode them")
		}
	}
	return nil
}

func hasDotSegment(u *url.URL) bool {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." || strings.HasPrefix(segment, "..;") {
			return true
		}
	}
	return false
}

func checkHost(u *url.URL) error {
	host := u.Hostname()
	if u.Opaque != "" || host == "" {
		return errors.New("must name a host")
	}
	if host != strings.ToLower(host) {
		return errors.New("must spell its host in lower case")
	}
	if !isHost(host) {
		return errors.New("must name its host in letters, digits and hyphens between dots, or as an IP address")
	}
	if port := u.Port(); strings.HasSuffix(u.Host, ":") || port != "" && !isPort(port) {
		return errors.New("must have a port between 1 and 65535, or none")
	}
	return nil
}

// isHost keeps to hosts that browsers, resolvers and headers read alike: no comma, semicolon, quote or percent sign.
func isHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == ""
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// checkPrivateScheme wants a scheme that the app's owner controls: a reversed domain name. That also leaves out every
// scheme that a browser acts on (javascript, data, file, blob, ...).
func checkPrivateScheme(u *url.URL) error {
	if !strings.Contains(u.Scheme, ".") || strings.HasPrefix(u.Scheme, ".") || strings.HasSuffix(u.Scheme, ".") {
		return errors.New("must use https, or a private-use scheme with a dot such as com.example.app:/callback")
	}
	if u.Opaque != "" || u.Host == "" && u.Path == "" {
		return errors.New("must have a path after its scheme, such as com.example.app:/callback")
	}
	return nil
}

// IsLoopback reports whether only the own machine reaches host: localhost (RFC 6761 section 6.3), 127.0.0.0/8 or ::1.
// No other name is resolved.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '0'
}

// AllowsRedirect reports whether uri is one of the client's redirect URIs: equal byte for byte (RFC 9700 section 2.1),
// but for the port of an http loopback URI, which a native app learns only when it runs (RFC 8252 section 7.3).
func (c *Client) AllowsRedirect(uri string) bool {
	if len(uri) > maxRedirectURI {
		return false
	}
	for _, registered := range c.RedirectURIs {
		if uri == registered || sameButPort(registered, uri) {
			return true
		}
	}
	return false
}

// sameButPort compares as text, so that no two parsers can disagree about where the host ends.
func sameButPort(registered, uri string) bool {
	host, tail, ok := splitLoopback(registered)
	if !ok {
		return false
	}
	rest, ok := strings.CutPrefix(uri, "http://"+host)
	if !ok {
		return false
	}
	port, found := strings.CutPrefix(rest, ":")
	if !found {
		return rest == tail
	}
	given, ok := strings.CutSuffix(port, tail)
	return ok && isPort(orZero(given))
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

// splitLoopback cuts a registered http loopback URI into its host and what follows the port.
func splitLoopback(registered string) (host, tail string, ok bool) {
	u, err := url.Parse(registered)
	if err != nil || u.Scheme != "http" || !IsLoopback(u.Hostname()) {
		return "", "", false
	}
	host = strings.TrimSuffix(u.Host, ":"+u.Port())
	tail = strings.TrimPrefix(registered, "http://"+u.Host)
	return host, tail, true
}

// RedirectHost names in words where a redirect URI leads: its host, or its scheme where it has none.
func RedirectHost(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if u.Scheme == "http" || u.Scheme == "https" {
		return u.Host
	}
	return u.Scheme
}

// isWeb reports whether a browser sends what is posted to the URI over http or https.
func isWeb(uri string) bool {
	return strings.HasPrefix(uri, "https://") || strings.HasPrefix(uri, "http://")
}

// verifiesApp reports whether only the app's owner can receive what is sent to the URI: the web's https, not a loopback
// port or a private-use scheme that any program on a device can claim (RFC 8252 section 8.6).
func verifiesApp(uri string) bool { return strings.HasPrefix(uri, "https://") }
