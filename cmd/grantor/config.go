package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
	yamlv3 "go.yaml.in/yaml/v3"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/oauth"
)

// Config is everything that can be set from outside. loadConfig fills and checks it; nothing else reads the environment,
// the configuration file or flags.
type Config struct {
	File      string
	Dev       bool
	Seed      string
	LogFormat string
	LogLevel  slog.Level

	Listen         string
	Issuer         string // without a trailing slash; empty only while the port is not known, see DeriveIssuer
	TLSCert        string
	TLSKey         string
	TrustedProxies []netip.Prefix
	LimitExempt    []netip.Prefix
	Limits         limit.Table
	TokenRequests  uint32 // worked on at once; 0: by the number of processors
	PageRequests   uint32 // likewise

	Store          storeURL
	AcceptEviction bool
	MasterKey      secret
	MasterKeyFile  string

	MetricsListen string // empty: no metrics
	Pprof         bool
	OTLPEndpoint  string      // empty: no traces
	OTLPHeader    http.Header // may hold secrets; never printed
	TraceRatio    float64

	Lifetimes         Lifetimes
	ExplainFor        time.Duration
	SigningAlgorithm  string
	KeyRotation       time.Duration
	CLIDeviceLogin    bool
	Hashing           Hashing
	BootstrapUsername string
	BootstrapPassword secret

	origins map[string]string // setting -> layer that gave its value
	now     func() time.Time  // the clock, which nothing from outside sets; nil: time.Now
}

// Lifetimes says how long things live that the server hands out or remembers.
type Lifetimes struct {
	Code            time.Duration
	DeviceCode      time.Duration
	AccessToken     time.Duration
	RefreshIdle     time.Duration
	RefreshAbsolute time.Duration
	RefreshGrace    time.Duration
	SessionIdle     time.Duration
	SessionAbsolute time.Duration
	Consent         time.Duration
}

// Hashing is the cost of one argon2id password hash.
type Hashing struct {
	MemoryKiB   uint32
	Time        uint32
	Parallelism uint8
}

func (h Hashing) config() account.HasherConfig {
	return account.HasherConfig{MemoryKiB: h.MemoryKiB, Time: h.Time, Parallelism: h.Parallelism}
}

// secret is a text that is never printed.
type secret string

// String hides the text.
func (s secret) String() string {
	if s == "" {
		return ""
	}
	return "(hidden)"
}

// GoString hides the text from %#v.
func (s secret) GoString() string { return s.String() }

// MarshalText hides the text from JSON and logs.
func (s secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// settings is the one table of what can be set.
func (c *Config) settings() []setting {
	l := &c.Lifetimes
	return []setting{
		{"Start", "config", "", fromEnvironment | fromFlag, text(&c.File), "YAML file with these settings; flags and variables win over it"},
		{"Start", "dev", "", fromAnywhere, toggle(&c.Dev), "try it out: memory store, demo users and clients, loopback only"},
		{"Start", "seed", "", fromAnywhere, text(&c.Seed), "YAML file of groups, users and clients that must exist; read at every start"},
		{"Start", "log_format", "json", fromAnywhere, oneOf(&c.LogFormat, "json", "text"), "json for machines, text for people"},
		{"Start", "log_level", "info", fromAnywhere, level(&c.LogLevel), "what is logged: debug, info, warn or error, and above"},
		{"Start", "bootstrap_username", "", fromEnvironment, text(&c.BootstrapUsername), "makes the first super admin while there is no user"},
		{"Start", "bootstrap_password", "", fromEnvironment, text(&c.BootstrapPassword), "password of the first super admin"},

		{"Network", "listen", "127.0.0.1:8080", fromAnywhere, text(&c.Listen), "address and port to listen on; other machines reach it only if this says so"},
		{"Network", "issuer", "", fromAnywhere, text(&c.Issuer), "URL that clients know the server by; `http://localhost:PORT` if empty"},
		{"Network", "tls_cert", "", fromAnywhere, text(&c.TLSCert), "certificate chain (PEM), to terminate TLS here"},
		{"Network", "tls_key", "", fromAnywhere, text(&c.TLSKey), "private key (PEM) of the certificate"},
		{"Network", "trusted_proxy", "", fromAnywhere, networks(&c.TrustedProxies), "network of proxies that terminate TLS and whose X-Forwarded-For is believed; repeatable"},
		{"Network", "limit_exempt", "", fromAnywhere, networks(&c.LimitExempt), "network that limits per address leave alone; repeatable"},
		{"Network", "limits", "", fromAnywhere, limits(&c.Limits), "CLASS=RATE/BURST or CLASS=off where a limit differs from its default, as in `page=20/200`; see docs/security.md; repeatable"},
		{"Network", "max_token_requests", "0", fromAnywhere, number(&c.TokenRequests, 0, 1<<20), "requests of programs that are worked on at once; 0 is 256 for each processor"},
		{"Network", "max_page_requests", "0", fromAnywhere, number(&c.PageRequests, 0, 1<<20), "requests for pages and the REST API that are worked on at once; 0 is 64 for each processor, and at least 128"},

		{"Watching", "metrics_listen", "", fromAnywhere, text(&c.MetricsListen), "address and port of `/metrics` for Prometheus, as in 127.0.0.1:9090; no metrics if empty; not for strangers"},
		{"Watching", "pprof", "", fromAnywhere, toggle(&c.Pprof), "serve profiles of the process at `/debug/pprof/` of metrics_listen"},
		{"Watching", "otlp_endpoint", "", fromAnywhere, text(&c.OTLPEndpoint), "collector of traces (OTLP over HTTP), as in http://localhost:4318; if empty, that of `OTEL_EXPORTER_OTLP_ENDPOINT`, or no traces"},
		{"Watching", "trace_ratio", "1", fromAnywhere, ratio(&c.TraceRatio), "share that is kept of the traces that begin here or come from strangers, 0 to 1"},

		{"Store", "store", "bolt:./data/grantor.db", fromAnywhere, text(&c.Store), "`bolt:PATH`, `memory:`, `redis://`, `rediss://` (TLS), `redis+sentinel://`, `redis+cluster://` and both with rediss"},
		{"Store", "accept_eviction", "", fromAnywhere, toggle(&c.AcceptEviction), "start although Redis may evict clients and tokens"},
		{"Store", "master_key", "", fromEnvironment, text(&c.MasterKey), "32 bytes in base64 or hex that seal the signing keys at rest"},
		{"Store", "master_key_file", "", fromAnywhere, text(&c.MasterKeyFile), "file (mode 0600) of the master key, created if absent; if empty, beside the embedded store, or `data/master.key` for Redis"},

		{"Lifetimes", "code_lifetime", "60s", fromAnywhere, duration(&l.Code, time.Second, 10*time.Minute), "authorization code"},
		{"Lifetimes", "device_code_lifetime", "10m", fromAnywhere, duration(&l.DeviceCode, time.Minute, oauth.MaxDeviceCode), "device code, and the user code beside it"},
		{"Lifetimes", "access_token_lifetime", "10m", fromAnywhere, duration(&l.AccessToken, time.Second, day), "access token, unless its client says otherwise"},
		{"Lifetimes", "refresh_token_idle", "30d", fromAnywhere, duration(&l.RefreshIdle, time.Minute, 3650*day), "refresh token that is not used"},
		{"Lifetimes", "refresh_token_absolute", "90d", fromAnywhere, duration(&l.RefreshAbsolute, time.Minute, 3650*day), "refresh tokens since the login, however often used"},
		{"Lifetimes", "refresh_grace", "10s", fromAnywhere, duration(&l.RefreshGrace, 0, 5*time.Minute), "how long a used refresh token still gives its successor; 0 is strict"},
		{"Lifetimes", "session_idle", "12h", fromAnywhere, duration(&l.SessionIdle, time.Minute, 365*day), "login in the browser that is not used"},
		{"Lifetimes", "session_absolute", "7d", fromAnywhere, duration(&l.SessionAbsolute, time.Minute, 365*day), "login in the browser"},
		{"Lifetimes", "consent_lifetime", "365d", fromAnywhere, duration(&l.Consent, time.Minute, 3650*day), "remembered consent"},
		{"Lifetimes", "explain_for", "24h", fromAnywhere, duration(&c.ExplainFor, 0, 30*day), "how long admins are told why a request was refused; 0 is not at all"},

		{"Keys and passwords", "jwt_signing_alg", "ES256", fromAnywhere, oneOf(&c.SigningAlgorithm, "ES256", "EdDSA", "RS256"), "algorithm of JWT access tokens, unless the client says otherwise"},
		{"Keys and passwords", "key_rotation", "90d", fromAnywhere, duration(&c.KeyRotation, time.Hour, 3650*day), "age at which a signing key is replaced"},
		{"Keys and passwords", "cli_device_login", "", fromAnywhere, toggle(&c.CLIDeviceLogin), "let `grantor login --device` sign in by a code that is typed in a browser elsewhere; the same on every node"},
		{"Keys and passwords", "password_memory", "19456", fromAnywhere, number(&c.Hashing.MemoryKiB, 64, 256<<10), "argon2id memory in KiB"},
		{"Keys and passwords", "password_time", "2", fromAnywhere, number(&c.Hashing.Time, 1, 16), "argon2id passes"},
		{"Keys and passwords", "password_parallelism", "1", fromAnywhere, number(&c.Hashing.Parallelism, 1, 16), "argon2id lanes"},
	}
}

// loadConfig merges defaults < file < environment < flags and checks the result. Its error names every fault at once.
func loadConfig(flags *pflag.FlagSet, environ []string) (*Config, error) {
	c := &Config{origins: map[string]string{}}
	f := &faults{}
	merged := koanf.New(".")
	for _, layer := range c.layers(flags, environ, f) {
		for _, name := range layer.values.Keys() {
			c.origins[name] = layer.name
		}
		if err := merged.Merge(layer.values); err != nil {
			return nil, fmt.Errorf("merge %s: %w", layer.name, err)
		}
	}
	for _, s := range c.settings() {
		values, err := words(merged.Get(s.name))
		if err == nil {
			err = s.target.set(values)
		}
		f.add(c.label(s.name), err)
	}
	c.derive()
	c.deriveTraces(environ, f)
	c.validate(f)
	return c, f.err()
}

// layer is one source of settings, already filtered to those that it may set.
type layer struct {
	name   string
	values *koanf.Koanf
}

const (
	layerDefault     = "default"
	layerFile        = "file"
	layerEnvironment = "environment"
	layerFlag        = "flag"
)

func (c *Config) layers(flags *pflag.FlagSet, environ []string, f *faults) []layer {
	variables, given := readEnvironment(environ), readFlags(flags)
	c.File = variables.String("config")
	if given.Exists("config") {
		c.File = given.String("config")
	}
	written := c.readFile(f)
	c.keepKnown(variables, fromEnvironment, f)
	c.keepKnown(written, fromFile, f)
	return []layer{{layerDefault, c.defaults()}, {layerFile, written}, {layerEnvironment, variables}, {layerFlag, given}}
}

func (c *Config) defaults() *koanf.Koanf {
	values := map[string]any{}
	for _, s := range c.settings() {
		values[s.name] = s.initial
		if s.target.kind == "switch" {
			values[s.name] = "false"
		}
	}
	k := koanf.New(".")
	_ = k.Load(confmap.Provider(values, "."), nil) // a map in memory cannot fail
	return k
}

func (c *Config) readFile(f *faults) *koanf.Koanf {
	k := koanf.New(".")
	if c.File == "" {
		return k
	}
	err := k.Load(file.Provider(c.File), oneDocument{yaml.Parser()})
	if mismatch := (*yamlv3.TypeError)(nil); errors.As(err, &mismatch) {
		err = errors.New("it is not a YAML mapping of settings") // yaml would quote what stands there
	}
	if err != nil {
		f.add("config", fmt.Errorf("read %s: %w", c.File, err))
		return koanf.New(".")
	}
	for _, name := range k.Keys() {
		if k.Get(name) == nil { // "seed:" with nothing behind it
			k.Delete(name)
		}
	}
	return k
}

// readEnvironment takes every GRANTOR_ variable that is not empty and not reserved.
func readEnvironment(environ []string) *koanf.Koanf {
	k := koanf.New(".")
	_ = k.Load(env.Provider(".", env.Opt{ // a list in memory cannot fail
		Prefix:      "GRANTOR_",
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" || isReserved(name, value) {
				return "", nil
			}
			return strings.ToLower(strings.TrimPrefix(name, "GRANTOR_")), value
		},
	}), nil)
	return k
}

// isReserved names variables that are not settings of the server: those of the tests, of commands and of programs that use a
// server, and those that Kubernetes sets in every container beside a service called grantor.
func isReserved(name, value string) bool {
	switch name {
	case serverVariable, tokenVariable, clientIDVariable, clientSecretVariable, newMasterKeyVariable:
		return true
	}
	if strings.HasPrefix(name, "GRANTOR_TEST_") {
		return true
	}
	if kubernetesLink.MatchString(name) {
		return strings.Contains(value, "://")
	}
	return kubernetesPart.MatchString(name)
}

// What Kubernetes sets for a service called grantor or grantor-something. The first pattern is a word that a person may
// write by mistake as well, so its value is looked at: Kubernetes writes tcp://10.0.0.1:8080.
var (
	kubernetesLink = regexp.MustCompile(`^GRANTOR_([A-Z0-9_]+_)?PORT(_\d+_(TCP|UDP|SCTP))?$`)
	kubernetesPart = regexp.MustCompile(`^GRANTOR_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR))$`)
)

func readFlags(flags *pflag.FlagSet) *koanf.Koanf {
	k := koanf.New(".")
	known := map[string]string{}
	for _, s := range new(Config).settings() {
		known[s.flag()] = s.name
	}
	_ = k.Load(posflag.ProviderWithFlag(flags, ".", nil, func(f *pflag.Flag) (string, any) { // values in memory cannot fail
		if list, ok := f.Value.(pflag.SliceValue); ok {
			return known[f.Name], list.GetSlice()
		}
		return known[f.Name], f.Value.String()
	}), nil)
	return k
}

// keepKnown drops, and reports, what a layer may not set.
func (c *Config) keepKnown(k *koanf.Koanf, source int, f *faults) {
	for _, name := range k.Keys() {
		i := slices.IndexFunc(c.settings(), func(s setting) bool { return s.name == name })
		if i >= 0 && c.settings()[i].sources&source != 0 {
			continue
		}
		k.Delete(name)
		shown := name
		if source == fromEnvironment {
			shown = "GRANTOR_" + strings.ToUpper(name)
		}
		if i < 0 {
			f.add(shown, errors.New("there is no such setting: `grantor config check --help` names them all"))
			continue
		}
		f.add(shown, fmt.Errorf("is not read from here: set %s", c.settings()[i].environment()))
	}
}

// label names a setting as the person who set it knows it.
func (c *Config) label(name string) string {
	s := setting{name: name}
	switch c.origins[name] {
	case layerFlag:
		return "--" + s.flag()
	case layerEnvironment:
		return s.environment()
	}
	return name
}

// words turns what a layer holds into the texts that a person wrote.
func words(v any) ([]string, error) {
	switch v := v.(type) {
	case []string:
		return v, nil
	case []any:
		all := make([]string, len(v))
		for i, item := range v {
			var err error
			if all[i], err = word(item); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	one, err := word(v)
	return []string{one}, err
}

func word(v any) (string, error) {
	switch v.(type) {
	case string, bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	}
	return "", errors.New("is neither a text, nor a number, nor a list of them")
}

// derive fills what follows from other settings.
func (c *Config) derive() {
	if c.Dev && c.origins["store"] == layerDefault {
		c.Store = "memory:"
	}
	if c.Dev && c.origins["log_format"] == layerDefault {
		c.LogFormat = "text"
	}
	if _, port, err := splitListen(c.Listen); err == nil && port != 0 {
		c.DeriveIssuer(port)
	}
}

// DeriveIssuer sets the issuer, where none was given, from the port that is really listened on.
func (c *Config) DeriveIssuer(port int) {
	if c.Issuer != "" {
		return
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	c.Issuer = scheme + "://localhost:" + strconv.Itoa(port)
}

// HTTPS reports whether browsers and clients reach the server by https.
func (c *Config) HTTPS() bool { return strings.HasPrefix(c.Issuer, "https://") }

// rows shows every setting, its value and where it came from. Secrets are hidden.
func (c *Config) rows() [][]string {
	var rows [][]string
	for _, s := range c.settings() {
		rows = append(rows, []string{s.name, s.target.show(), c.origins[s.name]})
	}
	return rows
}
