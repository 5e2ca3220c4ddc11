package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/oauth"
)

// faults collects everything that is wrong with a configuration, one line a setting.
type faults struct{ all []fault }

type fault struct {
	setting string
	err     error
}

// add keeps the first fault of each setting: a second one mostly follows from it.
func (f *faults) add(setting string, err error) {
	if err == nil || slices.ContainsFunc(f.all, func(g fault) bool { return g.setting == setting }) {
		return
	}
	f.all = append(f.all, fault{setting, err})
}

func (f *faults) err() error {
	if len(f.all) == 0 {
		return nil
	}
	return f
}

// Error lists all faults.
func (f *faults) Error() string {
	var b strings.Builder
	b.WriteString("the configuration has faults:")
	for _, one := range f.all {
		fmt.Fprintf(&b, "\n  %s: %v", one.setting, one.err)
	}
	return b.String()
}

// validate reports every setting that is wrong by itself or beside another one.
func (c *Config) validate(f *faults) {
	c.validateNetwork(f)
	c.validateTLS(f)
	c.validateDev(f)
	c.validateStore(f)
	c.validateLifetimes(f)
	c.validateWatching(f)
	if (c.BootstrapUsername == "") != (c.BootstrapPassword == "") {
		f.add("GRANTOR_BOOTSTRAP_USERNAME", errors.New("set it together with GRANTOR_BOOTSTRAP_PASSWORD, or neither"))
	}
	f.add("password_memory, password_time, password_parallelism", c.Hashing.config().Validate())
	if c.Seed != "" {
		_, err := os.Stat(c.Seed)
		f.add(c.label("seed"), err)
	}
}

func (c *Config) validateNetwork(f *faults) {
	_, port, err := splitListen(c.Listen)
	f.add(c.label("listen"), err)
	if c.Issuer == "" && (err != nil || port == 0) {
		return // derived when the port is known
	}
	issuer, err := parseIssuer(c.Issuer)
	if err != nil {
		f.add(c.label("issuer"), err)
		return
	}
	c.Issuer = issuer
	if !c.HTTPS() && !c.issuerIsLoopback() && len(c.TrustedProxies) == 0 {
		f.add(c.label("issuer"), errors.New("plain http is for this machine only: use an https issuer, and either --tls-cert and --tls-key or "+
			"--trusted-proxy with the network of the proxy that terminates TLS"))
	}
}

func (c *Config) issuerIsLoopback() bool {
	u, err := url.Parse(c.Issuer)
	return err == nil && oauth.IsLoopback(u.Hostname())
}

func (c *Config) validateTLS(f *faults) {
	if c.TLSCert == "" && c.TLSKey == "" {
		return
	}
	if c.TLSCert == "" || c.TLSKey == "" {
		f.add("tls_cert", errors.New("set tls_cert and tls_key, or neither"))
		return
	}
	if c.Issuer != "" && !c.HTTPS() {
		f.add(c.label("issuer"), errors.New("the server terminates TLS itself, so the issuer must begin with https://"))
	}
	_, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	f.add(c.label("tls_cert"), err)
}

func (c *Config) validateDev(f *faults) {
	if !c.Dev {
		return
	}
	if host, _, err := splitListen(c.Listen); err == nil && !oauth.IsLoopback(host) {
		f.add(c.label("listen"), errors.New("--dev has passwords that everybody knows and listens on this machine only: leave out --dev, or listen on 127.0.0.1"))
	}
	if c.Issuer != "" && !c.issuerIsLoopback() {
		f.add(c.label("issuer"), errors.New("--dev is for this machine only: leave out --dev, or the issuer"))
	}
	if c.Store.scheme() != "memory" {
		f.add(c.label("store"), errors.New("--dev forgets everything when it ends: leave out --dev, or the store"))
	}
}

func (c *Config) validateStore(f *faults) {
	f.add(c.label("store"), c.Store.check())
	if c.MasterKey != "" {
		_, err := parseMasterKey(string(c.MasterKey))
		f.add(c.label("master_key"), err)
	}
	if c.MasterKey != "" && c.MasterKeyFile != "" {
		f.add(c.label("master_key_file"), errors.New("GRANTOR_MASTER_KEY is set as well: keep one of the two"))
	}
}

func (c *Config) validateLifetimes(f *faults) {
	l := c.Lifetimes
	for _, pair := range []struct {
		shorter, longer string
		a, b            time.Duration
	}{
		{"refresh_token_idle", "refresh_token_absolute", l.RefreshIdle, l.RefreshAbsolute},
		{"session_idle", "session_absolute", l.SessionIdle, l.SessionAbsolute},
	} {
		if pair.a > pair.b {
			f.add(c.label(pair.shorter), fmt.Errorf("%v is longer than %s (%v): lower it, or raise the other",
				oauth.Duration(pair.a), pair.longer, oauth.Duration(pair.b)))
		}
	}
}

// warnings names what is allowed and probably not meant. They are logged at start.
func (c *Config) warnings() []string {
	var all []string
	warn := func(when bool, text string) {
		if when {
			all = append(all, text)
		}
	}
	host, _, _ := splitListen(c.Listen)
	warn(c.origins["issuer"] == layerDefault && !oauth.IsLoopback(host),
		"listen is open to other machines and issuer is not set: clients there cannot use "+c.Issuer)
	warn(!c.HTTPS() && !c.issuerIsLoopback(),
		"issuer is not https: RFC 8414 asks for it, and many clients refuse; use the https URL that the proxy offers")
	warn(c.HTTPS() && c.TLSCert == "" && len(c.TrustedProxies) == 0,
		"issuer is https and trusted_proxy is not set: limits see the proxy's address instead of the client's")
	warn(slices.ContainsFunc(c.TrustedProxies, isEverywhere), "trusted_proxy trusts everybody: anyone may claim any address")
	warn(slices.ContainsFunc(c.LimitExempt, isEverywhere), "limit_exempt exempts everybody: no limit per address is left")
	warn(c.Limits[limit.Stranger] == limit.Rate{} || c.Limits[limit.Page] == limit.Rate{},
		"limits are off for what proves nothing: put a proxy with limits before a public server")
	warn(isNarrow(c.TokenRequests), "max_token_requests is small: wrong secrets alone can hold up every program; leave it at 0, or set more than 66")
	warn(isNarrow(c.PageRequests), "max_page_requests is small: wrong passwords alone can hold up every page; leave it at 0, or set more than 66")
	// The weakest of the settings that OWASP recommends is 7 MiB in 5 passes; each trades one against the other.
	warn(c.Hashing.MemoryKiB*c.Hashing.Time < 7168*5, "password_memory and password_time are weaker than OWASP recommends (19456 and 2)")
	metricsHost, _, _ := splitListen(c.MetricsListen)
	warn(c.Pprof && !oauth.IsLoopback(metricsHost), "pprof is on and metrics_listen is open to other machines: whoever reaches it can slow the server down, and sees what it does")
	warn(c.AcceptEviction, "accept_eviction is set: Redis may drop clients, users and tokens when its memory is full")
	return all
}

// isNarrow reports whether those that are checked, and wait to be checked, by argon2id (account.HasherConfig: 2 and 64) can take
// every turn.
func isNarrow(turns uint32) bool { return turns > 0 && turns <= 2+64 }

func isEverywhere(p netip.Prefix) bool { return p.Bits() == 0 }
