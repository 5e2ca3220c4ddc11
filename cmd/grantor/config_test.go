package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// load runs loadConfig on a file's text, variables and flags. "FILE" in a flag stands for the path of the file.
func load(t *testing.T, text string, environ, args []string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grantor.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		args = append([]string{"--config", path}, args...)
	}
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	addFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return loadConfig(flags, environ)
}

func mustLoad(t *testing.T, text string, environ []string, args ...string) *Config {
	t.Helper()
	c, err := load(t, text, environ, args)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultsAreWholeAndValid(t *testing.T) {
	c := mustLoad(t, "", nil)
	got := fmt.Sprint(c.Listen, " ", c.Issuer, " ", c.Store, " ", c.Lifetimes, " ", c.SigningAlgorithm, " ", c.KeyRotation, " ", c.Hashing)
	want := "127.0.0.1:8080 http://localhost:8080 bolt:./data/grantor.db {1m0s 10m0s 10m0s 720h0m0s 2160h0m0s 10s 12h0m0s 168h0m0s 8760h0m0s} ES256 2160h0m0s {19456 2 1}"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if w := c.warnings(); len(w) != 0 {
		t.Errorf("the defaults warn: %q", w)
	}
}

func TestFlagsWinOverEnvironmentOverFileOverDefaults(t *testing.T) {
	text := "listen: 127.0.0.1:1\ncode_lifetime: 31s\nsession_idle: 1d\nrefresh_grace: 0\n"
	c := mustLoad(t, text, []string{"GRANTOR_LISTEN=127.0.0.1:2", "GRANTOR_CODE_LIFETIME=32s", "HOME=/root"}, "--listen", "127.0.0.1:3")
	if c.Listen != "127.0.0.1:3" || c.Lifetimes.Code != 32*time.Second || c.Lifetimes.SessionIdle != day || c.Lifetimes.RefreshGrace != 0 {
		t.Errorf("got %+v", c)
	}
	origins := map[string]string{"listen": "flag", "code_lifetime": "environment", "session_idle": "file", "store": "default"}
	for _, row := range c.rows() {
		if want, ok := origins[row[0]]; ok && row[2] != want {
			t.Errorf("%s comes from %s, want %s", row[0], row[2], want)
		}
	}
}

func TestEverySettingIsReadFromEverySourceItNames(t *testing.T) {
	values := map[string]string{ // another value than the default, where a made-up word will not do
		"dev": "true", "log_format": "text", "log_level": "debug", "listen": "127.0.0.1:9", "issuer": "https://a.example/x",
		"trusted_proxy": "10.0.0.0/8", "limit_exempt": "192.0.2.0/24", "cli_device_login": "true", "limits": "page=7/70", "max_token_requests": "9", "max_page_requests": "8", "pprof": "true", "trace_ratio": "0.25", "store": "bolt:x.db", "accept_eviction": "true",
		"jwt_signing_alg": "EdDSA", "password_memory": "65536", "password_time": "3", "password_parallelism": "4",
	}
	for _, s := range new(Config).settings() {
		value := values[s.name]
		switch {
		case value == "" && s.target.kind == "duration":
			value = "61m"
		case value == "":
			value = "something"
		}
		check := func(source, text string, environ, args []string) {
			c, _ := load(t, text, environ, args) // faults are looked at elsewhere: here some values are wrong on purpose
			for _, row := range c.rows() {
				if row[0] == s.name && (row[2] != source || (!strings.Contains(row[1], value) && row[1] != "(hidden)" && row[1] != "1h1m")) {
					t.Errorf("%s from %s: got %q", s.name, source, row)
				}
			}
		}
		if s.sources&fromFile != 0 {
			check("file", s.name+": "+value, nil, nil)
		}
		if s.sources&fromEnvironment != 0 {
			check("environment", "", []string{s.environment() + "=" + value}, nil)
		}
		if s.sources&fromFlag != 0 {
			check("flag", "", nil, []string{"--" + s.flag() + "=" + value})
		}
	}
}

func TestListsRepeatAndSplit(t *testing.T) {
	want := "[10.0.0.0/8 192.0.2.7/32 2001:db8::/32]"
	for name, c := range map[string]*Config{
		"flags":       mustLoad(t, "", nil, "--trusted-proxy", "10.1.2.3/8", "--trusted-proxy", "192.0.2.7,2001:db8::/32"),
		"environment": mustLoad(t, "", []string{"GRANTOR_TRUSTED_PROXY=10.0.0.0/8, 192.0.2.7 2001:db8::/32"}),
		"file":        mustLoad(t, "trusted_proxy: [10.0.0.0/8, 192.0.2.7, '2001:db8::/32']", nil),
		"mapped":      mustLoad(t, "", nil, "--trusted-proxy", "::ffff:10.0.0.0/104,::ffff:192.0.2.7,2001:db8::/32"),
	} {
		if got := fmt.Sprint(c.TrustedProxies); got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
	if c := mustLoad(t, "trusted_proxy: 10.0.0.0/8", nil, "--trusted-proxy", "192.0.2.7"); len(c.TrustedProxies) != 1 {
		t.Errorf("a flag adds to the file: %v", c.TrustedProxies)
	}
}

func TestFaults(t *testing.T) {
	key := "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	for name, c := range map[string]struct {
		text    string
		environ []string
		args    []string
		want    string // part of the error; "" for none
	}{
		"unknown key in file":             {text: "listne: x", want: "listne: there is no such setting"},
		"nested key in file":              {text: "lifetimes: {code: 1m}", want: "lifetimes.code: there is no such setting"},
		"unknown variable":                {environ: []string{"GRANTOR_LISTNE=x"}, want: "GRANTOR_LISTNE: there is no such setting"},
		"unknown port variable":           {environ: []string{"GRANTOR_PORT=8080"}, want: "GRANTOR_PORT: there is no such setting"},
		"variable of Kubernetes":          {environ: []string{"GRANTOR_PORT=tcp://10.0.0.1:80", "GRANTOR_SERVICE_HOST=10.0.0.1", "GRANTOR_PORT_80_TCP_ADDR=10.0.0.1", "GRANTOR_ADMIN_SERVICE_PORT_HTTP=80"}},
		"variable of tests and programs":  {environ: []string{"GRANTOR_TEST_REQUIRE=1", "GRANTOR_SERVER=http://x", "GRANTOR_TOKEN=t", "GRANTOR_CLIENT_ID=a", "GRANTOR_CLIENT_SECRET=b"}},
		"empty variable":                  {environ: []string{"GRANTOR_LISTEN="}},
		"empty key in file":               {text: "seed:\nlisten: 127.0.0.1:1"},
		"empty file":                      {text: "# nothing"},
		"file is a list":                  {text: "- a", want: "not a YAML mapping"},
		"file is a text":                  {text: "hunter2", want: "not a YAML mapping"},
		"file is not YAML":                {text: "a: [", want: "config: read"},
		"file with a key twice":           {text: "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2", want: "config: "},
		"file is absent":                  {args: []string{"--config", "/nonexistent.yaml"}, want: "no such file"},
		"config within config":            {text: "config: x", want: "config: is not read from here"},
		"secret in file":                  {text: "master_key: " + key, want: "master_key: is not read from here: set GRANTOR_MASTER_KEY"},
		"list where one value belongs":    {text: "listen: [a, b]", want: "listen: takes one value"},
		"map where a value belongs":       {text: "listen: {}", want: "listen: is neither"},
		"list within a list":              {text: "trusted_proxy: [[a]]", want: "trusted_proxy: is neither"},
		"no such log level":               {args: []string{"--log-level", "loud"}, want: "--log-level: "},
		"no such format":                  {environ: []string{"GRANTOR_LOG_FORMAT=xml"}, want: `GRANTOR_LOG_FORMAT: "xml" is unknown: write json, text`},
		"no such algorithm":               {args: []string{"--jwt-signing-alg", "HS256"}, want: "--jwt-signing-alg: "},
		"switch with a word":              {environ: []string{"GRANTOR_DEV=maybe"}, want: "GRANTOR_DEV: "},
		"number too small":                {args: []string{"--password-time", "0"}, want: "from 1 to 16"},
		"not a number":                    {text: "password_memory: 19MiB", want: "password_memory: "},
		"not a network":                   {args: []string{"--limit-exempt", "10.0.0.0/33"}, want: "--limit-exempt: "},
		"no such limit":                   {text: "limits: [pages=1/1]", want: `limits: there is no limit "pages": there are stranger, page`},
		"limit without a burst":           {args: []string{"--limits", "page=1"}, want: "--limits: page: \"1\" is no rate"},
		"limit set twice":                 {environ: []string{"GRANTOR_LIMITS=page=1/1, page=off"}, want: "GRANTOR_LIMITS: page is set more than once"},
		"limits":                          {text: "limits: [page=0.5/1, token=off]"},
		"zone":                            {args: []string{"--limit-exempt", "fe80::1%eth0"}, want: "--limit-exempt: "},
		"listen without port":             {args: []string{"--listen", "localhost"}, want: "is not an address"},
		"listen on a named port":          {args: []string{"--listen", ":http"}, want: "port is not a number"},
		"listen beyond the ports":         {args: []string{"--listen", "127.0.0.1:65536"}, want: "port is not a number"},
		"listen everywhere":               {args: []string{"--listen", ":8080"}},
		"duration without unit":           {text: "code_lifetime: 60", want: "has no unit: write for example 60s"},
		"code at the limit":               {args: []string{"--code-lifetime", "10m"}},
		"code beyond the limit":           {args: []string{"--code-lifetime", "10m1s"}, want: "write 1s to 10m"},
		"code without life":               {args: []string{"--code-lifetime", "0"}, want: "--code-lifetime: "},
		"negative grace":                  {args: []string{"--refresh-grace=-1s"}, want: "--refresh-grace: "},
		"strict grace":                    {args: []string{"--refresh-grace=0"}},
		"access token of a day":           {args: []string{"--access-token-lifetime", "1d"}},
		"access token beyond a day":       {args: []string{"--access-token-lifetime", "1d1s"}, want: "write 1s to 1d"},
		"idle beyond absolute":            {text: "refresh_token_idle: 91d", want: "refresh_token_idle: 91d is longer than refresh_token_absolute (90d)"},
		"idle equals absolute":            {text: "refresh_token_idle: 90d\nsession_idle: 7d"},
		"session idle beyond absolute":    {text: "session_absolute: 1h", want: "session_idle: 12h is longer"},
		"http issuer of another machine":  {args: []string{"--issuer", "http://auth.example.com"}, want: "use an https issuer"},
		"the same behind a proxy":         {args: []string{"--issuer", "http://auth.example.com", "--trusted-proxy", "10.0.0.0/8"}},
		"https issuer":                    {args: []string{"--issuer", "https://auth.example.com"}},
		"relative issuer":                 {args: []string{"--issuer", "auth.example.com"}, want: "--issuer: write an absolute URL"},
		"certificate without key":         {args: []string{"--tls-cert", "a.pem"}, want: "set tls_cert and tls_key, or neither"},
		"key without certificate":         {args: []string{"--tls-key", "a.pem"}, want: "set tls_cert and tls_key, or neither"},
		"absent certificate":              {args: []string{"--tls-key", "a.pem", "--tls-cert", "b.pem"}, want: "--tls-cert: open b.pem"},
		"http issuer with TLS":            {args: []string{"--tls-key", "a", "--tls-cert", "b", "--issuer", "http://localhost"}, want: "must begin with https://"},
		"dev":                             {args: []string{"--dev"}},
		"dev for everybody":               {args: []string{"--dev", "--listen", "0.0.0.0:8080"}, want: "--listen: --dev has passwords"},
		"dev on every address":            {args: []string{"--dev", "--listen", ":8080"}, want: "--listen: --dev has passwords"},
		"dev by another name":             {args: []string{"--dev", "--listen", "localhost:8080"}},
		"dev on IPv6":                     {args: []string{"--dev", "--listen", "[::1]:8080"}},
		"dev with a public issuer":        {args: []string{"--dev", "--issuer", "https://auth.example.com"}, want: "--issuer: --dev is for this machine"},
		"dev with a store":                {args: []string{"--dev"}, environ: []string{"GRANTOR_STORE=bolt:x"}, want: "GRANTOR_STORE: --dev forgets"},
		"dev with the memory store":       {args: []string{"--dev", "--store", "memory:"}},
		"absent seed":                     {args: []string{"--seed", "/nonexistent.yaml"}, want: "--seed: "},
		"Redis with a key":                {args: []string{"--store", "redis+cluster://:p@a:1,b:2"}, environ: []string{"GRANTOR_MASTER_KEY=" + key}},
		"Redis with a key file":           {args: []string{"--store", "rediss://x", "--master-key-file", "k"}},
		"two keys":                        {args: []string{"--master-key-file", "k"}, environ: []string{"GRANTOR_MASTER_KEY=" + key}, want: "keep one of the two"},
		"short key":                       {environ: []string{"GRANTOR_MASTER_KEY=c2hvcnQ="}, want: "a master key is 32 bytes"},
		"bootstrap user without password": {environ: []string{"GRANTOR_BOOTSTRAP_USERNAME=a"}, want: "GRANTOR_BOOTSTRAP_USERNAME: set it together"},
		"bootstrap password without user": {environ: []string{"GRANTOR_BOOTSTRAP_PASSWORD=a"}, want: "GRANTOR_BOOTSTRAP_USERNAME: set it together"},
		"bootstrap":                       {environ: []string{"GRANTOR_BOOTSTRAP_PASSWORD=a", "GRANTOR_BOOTSTRAP_USERNAME=b"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.text, c.environ, c.args)
			if c.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	_, err := load(t, "nonsense: 1\ncode_lifetime: soon\nstore: etcd://x",
		[]string{"GRANTOR_SESSION_IDLE=8d", "GRANTOR_WHAT=1"}, []string{"--issuer", "ftp://x", "--listen", "nowhere"})
	lines := strings.Split(fmt.Sprint(err), "\n")
	for _, start := range []string{"nonsense:", "code_lifetime:", "store:", "GRANTOR_SESSION_IDLE:", "GRANTOR_WHAT:", "--issuer:", "--listen:"} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "  "+start) }) {
			t.Errorf("%s is missing in %v", start, err)
		}
	}
	if len(lines) != 8 {
		t.Errorf("%d lines: %v", len(lines), err)
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	key := "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	environ := []string{"GRANTOR_MASTER_KEY=" + key, "GRANTOR_BOOTSTRAP_USERNAME=a", "GRANTOR_BOOTSTRAP_PASSWORD=hunter2",
		"GRANTOR_STORE=redis+sentinel://user:hunter2@a:1,b:2/main?sentinel_password=hunter2"}
	c := mustLoad(t, "", environ)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %s %v", c, c, *c, c.Store, asJSON, c.rows())
	if strings.Contains(all, "hunter2") || strings.Contains(all, key) {
		t.Errorf("a secret is printed: %s", all)
	}
	for _, wrong := range []string{"GRANTOR_STORE=redis//user:hunter2@a", "GRANTOR_STORE=redsi://:hunter2@a", "GRANTOR_STORE=redis://:hunter2@",
		"GRANTOR_MASTER_KEY=hunter2", "GRANTOR_ISSUER=https://a:hunter2@x", "GRANTOR_ISSUER=https://a:hunter2@x:y:z", "GRANTOR_STORE=redis://:hunter2\n@a"} {
		_, err := load(t, "", []string{wrong}, nil)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestIssuerIsDerivedFromThePort(t *testing.T) {
	c := mustLoad(t, "", nil, "--listen", "127.0.0.1:0")
	if c.Issuer != "" {
		t.Errorf("issuer %s before the port is known", c.Issuer)
	}
	c.DeriveIssuer(4711)
	c.DeriveIssuer(4712)
	if c.Issuer != "http://localhost:4711" || c.HTTPS() {
		t.Errorf("issuer %s", c.Issuer)
	}
	c = &Config{TLSCert: "x"}
	c.DeriveIssuer(1)
	if c.Issuer != "https://localhost:1" || !c.HTTPS() {
		t.Errorf("issuer %s", c.Issuer)
	}
}

func TestDevKeepsEverythingInMemory(t *testing.T) {
	if c := mustLoad(t, "", nil, "--dev"); c.Store != "memory:" || c.LogFormat != "text" {
		t.Errorf("store %s, log %s", c.Store, c.LogFormat)
	}
}

func TestWarnings(t *testing.T) {
	for args, want := range map[string]string{
		"--listen :8080": "issuer is not set",
		"--listen :8080 --issuer http://localhost:8080":       "",
		"--issuer https://a.example":                          "trusted_proxy is not set",
		"--issuer https://a.example --trusted-proxy 10.0.0.1": "",
		"--issuer http://a.example --trusted-proxy 10.0.0.1":  "issuer is not https",
		"--trusted-proxy 0.0.0.0/0":                           "trusts everybody",
		"--limit-exempt ::/0":                                 "exempts everybody",
		"--password-time 1":                                   "weaker than OWASP",
		"--password-memory 7168 --password-time 5":            "",
		"--max-token-requests 66":                             "wrong secrets",
		"--max-token-requests 67 --max-page-requests 67":      "",
		"--max-page-requests 1":                               "wrong passwords",
		"--max-token-requests 0 --max-page-requests 0":        "",
		"--accept-eviction":                                   "may drop clients",
	} {
		got := mustLoad(t, "", nil, strings.Fields(args)...).warnings()
		if len(got) > 1 || (len(got) == 1) != (want != "") || !strings.Contains(strings.Join(got, ""), want) {
			t.Errorf("%s: %q", args, got)
		}
	}
}

func TestACommandHasOnlyTheFlagsItNames(t *testing.T) {
	flags := pflag.NewFlagSet("client", pflag.ContinueOnError)
	addFlags(flags, "config", "store", "master_key_file")
	if flags.Lookup("listen") != nil || flags.Lookup("store") == nil || flags.Lookup("master-key-file") == nil {
		t.Error("wrong flags")
	}
	if err := flags.Parse([]string{"--store", "bolt:x"}); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(flags, []string{"GRANTOR_LISTEN=127.0.0.1:1"})
	if err != nil || c.Store != "bolt:x" || c.Listen != "127.0.0.1:1" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestForeignFlagsAreNoSettings(t *testing.T) {
	flags := pflag.NewFlagSet("client", pflag.ContinueOnError)
	addFlags(flags)
	flags.Bool("json", false, "")
	if err := flags.Parse([]string{"--json"}); err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig(flags, nil); err != nil {
		t.Error(err)
	}
}

func TestSettingsTableHoldsEverySetting(t *testing.T) {
	var b bytes.Buffer
	if err := writeSettings(&b); err != nil {
		t.Fatal(err)
	}
	for _, s := range new(Config).settings() {
		if !strings.Contains(b.String(), "`"+s.environment()+"`") {
			t.Errorf("%s is missing", s.name)
		}
		if s.sources&fromFlag == 0 && strings.Contains(b.String(), "--"+s.flag()+"`") {
			t.Errorf("%s is no flag", s.name)
		}
	}
	if !strings.Contains(b.String(), "| `code_lifetime` | `GRANTOR_CODE_LIFETIME` | `--code-lifetime` | `60s` | authorization code |\n") {
		t.Error(b.String())
	}
}

// FuzzConfigFile: a file means the same each time, and a setting that there is not is never passed over.
func FuzzConfigFile(f *testing.F) {
	f.Add("listen: 127.0.0.1:1\ntrusted_proxy: [10.0.0.0/8]\ncode_lifetime: 1m")
	f.Add("a: {b: [1, {c: 2}]}\n1: 2\n? [x]\n: y")
	f.Add("seed: !!binary aGk=\nlisten: 2001-01-01\nissuer: .inf\nstore: *x")
	f.Add("listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2")
	f.Add("seed: |\n  a\n# b")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := load(t, text, nil, nil)
		second, again := load(t, text, nil, nil)
		second.File = first.File // in another folder
		if (err == nil) != (again == nil) || !reflect.DeepEqual(first, second) {
			t.Errorf("%q is %+v, %v, and then %+v, %v", text, first, err, second, again)
		}
		if c, err := load(t, text+"\nno_such_setting: 1", nil, nil); err == nil {
			t.Errorf("%q hides a setting that there is not: %+v", text, c)
		}
	})
}
