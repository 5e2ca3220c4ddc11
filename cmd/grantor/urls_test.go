package main

import (
	"strings"
	"testing"
)

func TestIssuers(t *testing.T) {
	for raw, want := range map[string]string{
		"https://auth.example.com":         "https://auth.example.com",
		"https://auth.example.com/":        "https://auth.example.com",
		"HTTPS://Auth.Example.com:8443/":   "https://auth.example.com:8443",
		"https://example.com/auth":         "https://example.com/auth",
		"https://example.com/Auth/x/":      "https://example.com/Auth/x",
		"http://localhost:8080":            "http://localhost:8080",
		"http://[::1]:8080":                "http://[::1]:8080",
		"":                                 "",
		"localhost:8080":                   "",
		"//example.com":                    "",
		"/auth":                            "",
		"https:example.com":                "",
		"https://":                         "",
		"https:///auth":                    "",
		"https://:8080":                    "",
		"ftp://example.com":                "",
		"https://user@example.com":         "",
		"https://user:secret@example.com":  "",
		"https://example.com?":             "",
		"https://example.com?a=b":          "",
		"https://example.com#":             "",
		"https://example.com#a":            "",
		"https://example.com/a/../b":       "",
		"https://example.com/./a":          "",
		"https://example.com//a":           "",
		"https://example.com/a%2fb":        "",
		"https://example.com/a b":          "",
		"https://example.com/a\\b":         "",
		"https://example.com:0":            "",
		"https://example.com:":             "",
		"https://example.com:65536":        "",
		"https://exam\nple.com":            "",
		"https://example.com/\x00":         "",
		"https://example.com, https://b.c": "",
		"https://example .com":             "",
	} {
		got, err := parseIssuer(raw)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", raw, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error tells the password: %v", raw, err)
		}
	}
}

func TestStoreURLs(t *testing.T) {
	for raw, good := range map[string]bool{
		"memory:": true, "bolt:a.db": true, "bolt:/var/lib/a.db": true, "bolt:./data/a b.db": true,
		"redis://localhost": true, "rediss://user:p%40ss@host:1/2": true, "redis+sentinel://a:1,b:2/main/0": true,
		"rediss+sentinel://a:1": true, "redis+cluster://127.0.0.1:1,127.0.0.1:2": true, "rediss+cluster://:p@a": true,
		"": false, "memory": false, "memory:x": false, "bolt:": false, "bolt:///a": false, "bolt://a/b": false, "bolt:a/": false,
		"redis:": false, "redis://": false, "redis:///1": false, "redis://:p@/1": false, "redis:localhost": false, "redis://?a=b": false,
		"etcd://a": false, "a.db": false, "REDIS://a": false, "bolt:a\x00b": false, "redis://a\r\nb": false,
	} {
		if err := storeURL(raw).check(); (err == nil) != good {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestStoreURLsArePrintedWithoutPassword(t *testing.T) {
	for raw, want := range map[string]string{
		"bolt:./data/a@b.db":                    "bolt:./data/a@b.db",
		"redis://localhost:6379/0":              "redis://localhost:6379/0",
		"redis://user:p@ss@host:1/2":            "redis://(hidden)@host:1/2",
		"redis://:p/w@host":                     "redis://(hidden)@host",
		"redis+cluster://:p@a:1,b:2?password=x": "redis+cluster://(hidden)@a:1,b:2?(hidden)",
		"redis://user:p?w@host":                 "redis://(hidden)",
		"redis://host?sentinel_password=p@w":    "redis://(hidden)",
		"redis:user:p@host":                     "redis:(hidden)",
	} {
		if got := storeURL(raw).String(); got != want {
			t.Errorf("%s: printed as %s", raw, got)
		}
	}
}
