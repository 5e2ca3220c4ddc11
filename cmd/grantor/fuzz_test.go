package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

func FuzzIssuer(f *testing.F) {
	for _, seed := range []string{
		"https://auth.example.com", "https://AUTH.example.com:8443/a/", "http://[::1]:80", "https://a@b", "https://h?#", "https://h/a/../b", "https://h:/", "https://h/%2e",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		issuer, err := parseIssuer(raw)
		if err != nil {
			return
		}
		if again, err := parseIssuer(issuer); err != nil || again != issuer {
			t.Errorf("%q is published as %q, which is read as %q, %v", raw, issuer, again, err)
		}
		u, err := url.Parse(issuer)
		if err != nil || u.User != nil || strings.ContainsAny(issuer, "?#\\ ") || strings.HasSuffix(issuer, "/") || u.Hostname() == "" {
			t.Errorf("%q is published as %q, %v", raw, issuer, err)
		}
	})
}

func FuzzPrefix(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8", "192.0.2.7", "::ffff:10.1.2.3/104", "::ffff:1.2.3.4", "fe80::1%eth0", "2001:db8::1/32", "10.0.0.0/33", "010.0.0.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePrefix(text)
		if err != nil {
			return
		}
		if again, err := parsePrefix(p.String()); err != nil || again != p || p != p.Masked() || p.Addr().Is4In6() || !p.Contains(p.Addr()) {
			t.Errorf("%q is read as %v, which is read as %v, %v", text, p, again, err)
		}
	})
}

func FuzzMasterKey(f *testing.F) {
	for _, seed := range []string{aKey, strings.Repeat("0f", 32), strings.TrimRight(aKey, "="), " " + aKey + "\n", strings.Repeat("A", 43), strings.Repeat("-_", 22)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parseMasterKey(text)
		if err != nil {
			if len(text) > 24 && strings.Contains(err.Error(), text) {
				t.Errorf("the fault repeats %q", text)
			}
			return
		}
		for _, form := range []string{hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key)} {
			if again, err := parseMasterKey(form); err != nil || !bytes.Equal(again, key) || len(key) != masterKeySize {
				t.Errorf("%q is read as %x, and %q as %x, %v", text, key, form, again, err)
			}
		}
	})
}

func FuzzSeed(f *testing.F) {
	for _, seed := range []string{
		"", "users: []", "users: [{username: alice, password: x}]", "clients: [{client_id: a, client_secret: b}]", "users: 1", "a: &a [*a]", "groups: [{name: x}, {name: x}]", "1: 2",
		"apis: [{identifier: 'https://a', scopes: [{name: s}]}]", "users: [{username: a, username: b}]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		one, err := parseSeed([]byte(text))
		other, again := parseSeed([]byte(text))
		if (err == nil) != (again == nil) || err != nil && err.Error() != again.Error() {
			t.Errorf("read twice: %v; %v", err, again)
		}
		if err == nil && (len(one.Users) != len(other.Users) || len(one.Clients) != len(other.Clients)) {
			t.Error("read twice, two results")
		}
	})
}
