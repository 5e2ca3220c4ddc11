package redis

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestURLIsTakenApart(t *testing.T) {
	for raw, want := range map[string]address{
		"redis://localhost":            {hosts: []string{"localhost:6379"}},
		"redis://localhost:6380/":      {hosts: []string{"localhost:6380"}},
		"redis://[::1]":                {hosts: []string{"[::1]:6379"}},
		"redis://[::1]:6380/3":         {hosts: []string{"[::1]:6380"}, db: 3},
		"redis://:pw@h":                {hosts: []string{"h:6379"}, password: "pw"},
		"redis://u:p%40%2F%23:x@h":     {hosts: []string{"h:6379"}, username: "u", password: "p@/#:x"},
		"rediss://u:p+w@h/0?prefix=x:": {tls: true, hosts: []string{"h:6379"}, username: "u", password: "p+w", prefix: "x:"},
		"redis://h?prefix=&pool_size=7&timeout=900ms": {hosts: []string{"h:6379"}, prefix: "-", poolSize: 7,
			timeout: 900 * time.Millisecond},
		"redis+sentinel://u:p@a,b:1,[::1]:2/the%2Fmaster/2?sentinel_username=su&sentinel_password=s%26p": {mode: watched,
			hosts: []string{"a:26379", "b:1", "[::1]:2"}, master: "the/master", db: 2, username: "u", password: "p",
			sentinelUsername: "su", sentinelPassword: "s&p"},
		"redis://h?pipelining=off":                 {hosts: []string{"h:6379"}},
		"redis+cluster://h?pipelining=off":         {mode: clustered, hosts: []string{"h:6379"}},
		"redis://h?wait=2":                         {hosts: []string{"h:6379"}, replicas: 2, patience: 500 * time.Millisecond},
		"redis://h?wait=1&timeout=500ms":           {hosts: []string{"h:6379"}, replicas: 1, patience: 100 * time.Millisecond, timeout: 500 * time.Millisecond},
		"redis+cluster://h?wait_timeout=1s&wait=1": {mode: clustered, hosts: []string{"h:6379"}, replicas: 1, patience: time.Second},
		"redis+sentinel://a/m?pipelining=on":       {mode: watched, hosts: []string{"a:26379"}, master: "m"},
		"redis+sentinel://a/m":                     {mode: watched, hosts: []string{"a:26379"}, master: "m"},
		"rediss+sentinel://a/m/":                   {mode: watched, tls: true, hosts: []string{"a:26379"}, master: "m"},
		"redis+cluster://a:1,b:2,c":                {mode: clustered, hosts: []string{"a:1", "b:2", "c:6379"}},
		"rediss+cluster://u:p@a:1,b:2/0":           {mode: clustered, tls: true, hosts: []string{"a:1", "b:2"}, username: "u", password: "p"},
	} {
		switch want.prefix {
		case "":
			want.prefix = "grantor:"
		case "-":
			want.prefix = ""
		}
		if want.timeout == 0 {
			want.timeout = defaultTimeout
		}
		want.pipelining = want.mode != clustered && !strings.Contains(raw, "pipelining=off")
		got, err := parseURL(raw)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is\n%+v, %v; want\n%+v", raw, got, err, want)
		}
	}
	if defaultTimeout > 3*time.Second {
		t.Errorf("a verb may take %v", defaultTimeout)
	}
}

func TestMalformedURLIsRefusedWithoutTellingSecrets(t *testing.T) {
	for _, raw := range []string{
		"", "redis", "redis:host", "http://hush@host", "redis+x://hush@host", "redis+://host", "bolt:/hush",
		"redis://", "redis://:hush@", "redis://:hush@host:port", "redis://:hush@host:0", "redis://:hush@host:65536",
		"redis://:hush@host:1:2", "redis://a,b", "redis://host,", "redis://:hush@host/x", "redis://host/-1",
		"redis://host/hush/1", "redis://u:hu/sh@host", "redis://u:hu#sh@host", "redis://u:hu?sh=hush@host", "redis://u:hush%zz@host",
		"redis://u:hush@hush@host", "redis://host?prefix={hush}", "redis://host?pool_size=0", "redis://host?pool_size=hush",
		"redis://host?x=hush", "redis://host?prefix=a&prefix=hush", "redis://host?timeout=hush", "redis://host?timeout=1ms",
		"redis://host?timeout=2h", "redis://host?sentinel_password=hush", "redis://host?prefix=%zz",
		"redis+sentinel://:hush@a", "redis+sentinel://a/", "redis+sentinel://a/m/hush", "redis+cluster://a,b/1", "redis+cluster://",
		"redis://host?wait=hush", "redis://host?wait=0", "redis://host?wait=16", "redis://host?wait_timeout=1s",
		"redis://host?wait=1&wait_timeout=hush", "redis://host?wait=1&wait_timeout=9ms", "redis://host?wait=1&wait_timeout=1001ms",
		"redis://host?wait=1&wait_timeout=0", "redis://host?wait=1&wait_timeout=-1s", "redis://host?wait=1&wait_timeout=500ms&timeout=1s",
		"redis://host?pipelining=hush", "redis+cluster://host?pipelining=on",
	} {
		s, err := Open(t.Context(), raw, Options{})
		if err == nil {
			_ = s.Close()
			t.Errorf("%q is accepted", raw)
			continue
		}
		if strings.Contains(strings.ReplaceAll(err.Error(), `parameter "sh"`, ""), "hush") {
			t.Errorf("%q: the error tells the secret: %v", raw, err)
		}
	}
}

func FuzzURL(f *testing.F) {
	f.Add("redis://user:pass@host:6379/0?prefix=grantor:")
	f.Add("redis+sentinel://a,[::1]:2/m/1?sentinel_password=x")
	f.Add("rediss+cluster://a:1,b")
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := parseURL(raw)
		if err == nil && (len(a.hosts) == 0 || a.timeout <= 0 || strings.ContainsAny(a.prefix, "{}")) {
			t.Errorf("%q is %+v", raw, a)
		}
	})
}

func TestLocalAddresses(t *testing.T) {
	for raw, want := range map[string]bool{
		"redis://localhost": true, "redis://127.0.0.1": true, "redis://127.8.9.1:1": true, "redis://[::1]": true,
		"redis://10.0.0.1": false, "redis://example.com": false, "redis+cluster://127.0.0.1,10.0.0.1": false,
	} {
		a, err := parseURL(raw)
		if err != nil || a.local() != want {
			t.Errorf("%s: local is %v, %v", raw, a.local(), err)
		}
	}
}
