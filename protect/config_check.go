package protect

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

const (
	defaultSkew      = 5 * time.Second
	maxSkew          = time.Minute
	defaultCacheSize = 10_000
	maxCacheSize     = 10_000_000
	defaultCacheTime = 30 * time.Second
	defaultTimeout   = 5 * time.Second
)

// check lists every fault of the configuration.
func (c *Config) check() error {
	f := faults{}
	f.add("Issuer", checkIssuer(c.Issuer))
	f.add("Audience", checkAudience(c.Audience))
	c.checkClient(&f)
	for i, s := range c.Scopes {
		f.add(fmt.Sprintf("Scopes[%d]", i), checkScope(s))
	}
	if c.Documentation != "" {
		f.add("Documentation", checkPage(c.Documentation))
	}
	for i, a := range c.Algorithms {
		f.add(fmt.Sprintf("Algorithms[%d]", i), jose.Algorithm(a).Check())
	}
	f.within("Skew", c.Skew, maxSkew)
	f.within("CacheTime", c.CacheTime, time.Hour)
	f.within("Timeout", c.Timeout, time.Minute)
	if c.CacheSize < 0 || c.CacheSize > maxCacheSize {
		f.add("CacheSize", fmt.Errorf("must be from 0 to %d", maxCacheSize))
	}
	if c.Feed < FeedAuto || c.Feed > FeedRequired {
		f.add("Feed", errors.New("must be FeedAuto, FeedOff or FeedRequired"))
	}
	if c.WhenFeedAway < GoOn || c.WhenFeedAway > Refuse {
		f.add("WhenFeedAway", errors.New("must be GoOn, AskServer or Refuse"))
	}
	return errors.Join(f.list...)
}

// checkClient is about what needs the API to have a client of its own.
func (c *Config) checkClient(f *faults) {
	if (c.ClientID == "") != (c.ClientSecret == "") {
		f.add("ClientID", errors.New("goes with ClientSecret: both or none"))
	}
	if c.ClientID == "" && c.Feed == FeedRequired {
		f.add("Feed", errors.New("FeedRequired needs ClientID"))
	}
	if c.Feed == FeedOff || c.ClientID == "" {
		if c.WhenFeedAway != GoOn {
			f.add("WhenFeedAway", errors.New("needs the feed, which needs ClientID"))
		}
		if c.EndWithSession {
			f.add("EndWithSession", errors.New("needs the feed, which needs ClientID"))
		}
	}
}

type faults struct{ list []error }

func (f *faults) add(field string, err error) {
	if err != nil {
		f.list = append(f.list, fmt.Errorf("protect: %s: %w", field, err))
	}
}

func (f *faults) within(field string, d, most time.Duration) {
	if d < 0 || d > most {
		f.add(field, fmt.Errorf("must be from 0 to %s", most))
	}
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || !plain(issuer):
		return errors.New("must be an absolute URL")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#") || u.User != nil:
		return errors.New("must have no query, fragment or user") // RFC 8414 section 2
	}
	return checkSecure(u)
}

// checkSecure admits plain http to this machine only.
func checkSecure(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return errors.New("must be https")
}

func isLoopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func checkAudience(audience string) error {
	u, err := url.Parse(audience)
	switch {
	case err != nil || !u.IsAbs() || !plain(audience):
		return errors.New("must be an absolute URI")
	case strings.Contains(audience, "#"):
		return errors.New("must have no fragment") // RFC 8707 section 2
	}
	return nil
}

func checkPage(page string) error {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("must be an http or https URL")
	}
	return nil
}

// checkScope is the syntax of RFC 6749 section 3.3, whose characters need no escaping within quotes.
func checkScope(scope string) error {
	if scope == "" || !plain(scope) {
		return errors.New("must be visible ASCII characters without quote and backslash")
	}
	return nil
}

// plain reports whether s can stand within quotes in a header as it is, without spaces.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// complete gives the configuration with every default in place.
func (c Config) complete() Config {
	c.Algorithms = slices.Clone(c.Algorithms)
	if len(c.Algorithms) == 0 {
		for _, a := range jose.Algorithms {
			c.Algorithms = append(c.Algorithms, string(a))
		}
	}
	c.Skew = orDefault(c.Skew, defaultSkew)
	c.CacheSize = orDefault(c.CacheSize, defaultCacheSize)
	c.CacheTime = orDefault(c.CacheTime, defaultCacheTime)
	c.Timeout = orDefault(c.Timeout, defaultTimeout)
	c.Scopes = slices.Clone(c.Scopes)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.HTTPClient = client(c.HTTPClient)
	return c
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// client follows no redirect, because a redirect is not what the server said it offers, and has no time limit of its own:
// each request has one, and the feed lasts.
func client(given *http.Client) *http.Client {
	c := &http.Client{}
	if given != nil {
		*c = *given
	}
	if given == nil {
		c.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: defaultTimeout,
			// All requests share one connection then: one that died without a word must not outlast the patience of the feed.
			HTTP2: &http.HTTP2Config{SendPingTimeout: defaultTimeout, PingTimeout: defaultTimeout},
		}
	}
	c.Timeout = 0
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}
