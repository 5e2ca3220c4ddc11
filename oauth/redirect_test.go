package oauth_test

import (
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

func TestRedirectURIsThatCanBeRegistered(t *testing.T) {
	for _, uri := range []string{
		"https://app.example.com/callback", "https://app.example.com", "https://app.example.com/", "https://app.example.com:8443/cb",
		"https://app.example.com/cb?tenant=1&x=y", "https://app.example.com/cb;v=1", "https://app.example.com/a%20b", "https://192.0.2.1/cb",
		"https://[2001:db8::1]/cb", "https://[2001:db8::1]:8443/cb", "https://xn--bcher-kva.example/cb", "https://localhost/cb",
		"https://app.example.com/a,b", "https://under_score.example.com/cb", "https://app.example.com:65535/cb", "https://app.example.com:1/",
		"http://127.0.0.1/cb", "http://127.0.0.1:9999/cb", "http://127.1.2.3/cb", "http://localhost:3000/cb", "http://[::1]/cb", "http://[::1]:80/cb",
		"com.example.app:/callback", "com.example.app://callback", "com.example.app:/", "a.b:/c?d=e",
		"https://app.example.com/" + strings.Repeat("a", 2048-len("https://app.example.com/")),
	} {
		if err := oauth.CheckRedirectURI(uri); err != nil {
			t.Errorf("%.80s: %v", uri, err)
		}
	}
}

// refusedURIs are wrong for every client, whatever is registered.
var refusedURIs = []string{
	// not absolute, or with a host that is not there
	"", " ", "/callback", "//app.example.com/cb", "app.example.com/cb", "app.example.com:443/cb", "callback", "?x", "https:", "https:/cb",
	"https:///cb", "https:app.example.com/cb", "https:/app.example.com/cb", "https://:443/cb", "https://?x", "http://", "http:///cb", "http:127.0.0.1/cb",
	// fragments
	"https://app.example.com/cb#", "https://app.example.com/cb#x", "https://app.example.com#", "com.example.app:/cb#x",
	// user information
	"https://user@app.example.com/cb", "https://user:pw@app.example.com/cb", "https://@app.example.com/cb", "https://a@b@app.example.com/cb",
	"https://app.example.com@evil.example/cb", "https://app.example.com:443@evil.example/cb", "http://127.0.0.1:80@evil.example/cb",
	"http://127.0.0.1@evil.example/cb", "https://evil.example%40app.example.com/cb", "com.example.app://user@host/cb",
	// http that is not loopback
	"http://app.example.com/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.1.nip.io/", "http://localhost.evil.example/cb", "http://localhost./cb",
	"http://127.1/cb", "http://127.000.000.001/cb", "http://0127.0.0.1/cb", "http://2130706433/cb", "http://0x7f.0.0.1/cb", "http://0.0.0.0/cb",
	"http://[::]/cb", "http://[::ffff:192.0.2.1]/cb", "http://[::1%25lo]/cb", "http://[::1].evil.example/cb", "http://128.0.0.1/cb", "http://10.0.0.1/cb",
	"http://LOCALHOST/cb", "http://Localhost/cb", "http://localhostx/cb", "http://xlocalhost/cb",
	// schemes
	"javascript:alert(1)", "JavaScript:alert(1)", "javascript://app.example.com/%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://app.example.com/x",
	"ftp://app.example.com/cb", "ws://app.example.com/cb", "myapp:/cb", "myapp://cb", "HTTPS://app.example.com/cb", "Https://app.example.com/cb", "hTTp://127.0.0.1/cb",
	"Com.Example.App:/cb", "com.example.app:cb", "com.example.app:", "com.example.app:?x=y", "com.example.app.:/cb", ".com:/cb", "urn:ietf:wg:oauth:2.0:oob", "about:blank", "mailto:a@b.c",
	// hosts
	"https://APP.example.com/cb", "https://app.example.com./cb", "https://*.example.com/cb", "https://app.example.com/*", "https://app.example.com/cb?x=*",
	"https://app.example.com,evil.example/cb", "https://app.example.com;evil.example/cb", "https://app.example.com'evil/cb", "https://app.example.com$/cb", "https://app.example.com&x/cb",
	"https://(app)/cb", "https://app=x/cb", "https://app+x/cb", "https://app!x/cb", "https://ap%70.example.com/cb", "https://app.example.com%2eevil/cb", "https://app.example.com%00/cb",
	"https://[app.example.com]/cb", "https://[::1/cb", "https://::1/cb", "https://[2001:DB8::1]/cb", "https://[::1%25eth0]/cb", "https://[192.0.2.1]/cb", "https://.example.com/cb", "https://a..b/cb", "https://./cb",
	// ports
	"https://app.example.com:/cb", "https://app.example.com:0/cb", "https://app.example.com:65536/cb", "https://app.example.com:00443/cb", "https://app.example.com:+443/cb",
	"https://app.example.com:-1/cb", "https://app.example.com:443x/cb", "https://app.example.com:443:443/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:99999/cb", "http://127.0.0.1:080/cb",
	// paths that travel
	"https://app.example.com/..", "https://app.example.com/a/../cb", "https://app.example.com/./cb", "https://app.example.com/%2e%2e/cb", "https://app.example.com/%2E%2e/cb",
	"https://app.example.com/..%2fcb", "https://app.example.com/..;/cb", "https://app.example.com/a/%2e%2e;x/cb", "https://app.example.com/.%2e/cb", "com.example.app:/a/../b",
	// characters that are read in more than one way
	"https://app.example.com\\cb", "https:\\\\app.example.com\\cb", "https://app.example.com\\@evil.example/cb", "https://app.example.com/c b", " https://app.example.com/cb", "https://app.example.com/cb ",
	"https://app.example.com/cb\n", "https://app.example.com/cb\r\nLocation: x", "https://app.example.com/cb\x00", "https://app.example.com/\tcb", "\thttps://app.example.com/cb",
	"https://app.example.com/cb\x7f", "https://app.example.com/<x>", "https://app.example.com/\"x", "https://app.example.com/`x", "https://app.example.com/{x}", "https://app.example.com/a|b", "https://app.example.com/^",
	"https://b\u00fccher.example/cb", "https://app.example\u3002com/cb", "https://app.ex\u0430mple.com/cb", "https://app.example.com/\u202e", "https://app.example.com/\xff", "https://app.example.com\uff0fcb", "https://app.example.com/c\u200bb",
	"https://app.example.com/%", "https://app.example.com/%zz", "https://app.example.com/%2",
	"https://app.example.com/" + strings.Repeat("a", 2049-len("https://app.example.com/")),
}

func TestRedirectURIsThatCannotBeRegistered(t *testing.T) {
	for _, uri := range refusedURIs {
		err := oauth.CheckRedirectURI(uri)
		if err == nil {
			t.Errorf("%.80q is accepted", uri)
			continue
		}
		if strings.Contains(err.Error(), "evil") {
			t.Errorf("%.80q is echoed: %v", uri, err)
		}
	}
}

func TestNothingThatCannotBeRegisteredIsAllowed(t *testing.T) {
	c := &oauth.Client{Registration: oauth.Registration{RedirectURIs: []string{
		"https://app.example.com/cb", "https://app.example.com", loopback, "http://127.0.0.1", "http://localhost/cb", "http://[::1]/cb", "com.example.app:/cb",
	}}}
	for _, uri := range refusedURIs {
		if c.AllowsRedirect(uri) {
			t.Errorf("%.80q is allowed", uri)
		}
	}
}

func TestRedirectURIsMatchExactly(t *testing.T) {
	for registered, others := range map[string][]string{
		"https://app.example.com/cb": {
			"https://app.example.com/cb/", "https://app.example.com/cb2", "https://app.example.com/c", "https://app.example.com/cb?x=1", "https://app.example.com/cb?", "https://app.example.com/CB",
			"https://app.example.com:443/cb", "https://app.example.com:8443/cb", "http://app.example.com/cb", "https://app.example.com//cb", "https://app.example.com/%63b", "https://app.example.com/cb%2f",
			"https://evil.example/cb", "https://evilapp.example.com/cb", "https://x.app.example.com/cb", "https://app.example.com.evil.example/cb", "https://app.example.comevil/cb", "https://app.example.com/cb;x", "https://app.example.com/x/../cb",
		},
		"https://app.example.com/cb?a=1": {
			"https://app.example.com/cb", "https://app.example.com/cb?a=2", "https://app.example.com/cb?a=1&b=2", "https://app.example.com/cb?a=%31", "https://app.example.com/cb?A=1",
		},
		"https://localhost/cb":      {"https://localhost:8443/cb", "https://127.0.0.1/cb", "http://localhost/cb", "http://localhost:80/cb"},
		"com.example.app:/cb":       {"com.example.app:/cb/", "com.example.app://cb", "com.example.app2:/cb", "com.example.app:/", "com.example.app:80/cb", "COM.example.app:/cb"},
		"com.example.app://host/cb": {"com.example.app://host:80/cb", "com.example.app://other/cb"},
	} {
		c := &oauth.Client{Registration: oauth.Registration{RedirectURIs: []string{registered}}}
		if !c.AllowsRedirect(registered) {
			t.Errorf("%s does not match itself", registered)
		}
		for _, uri := range others {
			if c.AllowsRedirect(uri) {
				t.Errorf("%s matches %s", uri, registered)
			}
		}
	}
}

func TestLoopbackPortsFloatAndNothingElse(t *testing.T) {
	for registered, cases := range map[string]map[string]bool{
		"http://127.0.0.1:9999/cb": {
			"http://127.0.0.1:9999/cb": true, "http://127.0.0.1/cb": true, "http://127.0.0.1:1/cb": true, "http://127.0.0.1:80/cb": true, "http://127.0.0.1:65535/cb": true,
			"http://127.0.0.1:0/cb": false, "http://127.0.0.1:65536/cb": false, "http://127.0.0.1:99999999999999999999/cb": false, "http://127.0.0.1:/cb": false, "http://127.0.0.1:080/cb": false,
			"http://127.0.0.1:+80/cb": false, "http://127.0.0.1:-80/cb": false, "http://127.0.0.1:8_0/cb": false, "http://127.0.0.1:0x50/cb": false, "http://127.0.0.1: 80/cb": false, "http://127.0.0.1:80 /cb": false,
			"http://127.0.0.1:80@evil.example/cb": false, "http://127.0.0.1:80:90/cb": false, "http://127.0.0.1:80/cb/cb": false, "http://127.0.0.1:80/x/cb": false, "http://127.0.0.1:80//cb": false, "http://127.0.0.1:80#/cb": false,
			"http://127.0.0.1:80?/cb": false, "http://127.0.0.1:80\\/cb": false, "http://127.0.0.1:80.evil.example/cb": false, "http://127.0.0.1.evil.example/cb": false, "http://127.0.0.1.evil.example:80/cb": false,
			"http://127.0.0.1:80/cb?x=1": false, "http://127.0.0.1:80/cb/": false, "http://127.0.0.1:80/CB": false, "https://127.0.0.1:80/cb": false, "http://127.0.0.2:80/cb": false, "http://localhost:80/cb": false, "http://[::1]:80/cb": false,
			"HTTP://127.0.0.1:80/cb": false, "http://127.0.0.1:\u0661/cb": false, "http://127.0.0.1:80%2fcb": false, "http://127.0.0.1:80\n/cb": false,
		},
		"http://127.0.0.1": {
			"http://127.0.0.1": true, "http://127.0.0.1:8080": true, "http://127.0.0.1:8080/": false, "http://127.0.0.1/": false, "http://127.0.0.1:8080@evil.example": false, "http://127.0.0.1.evil.example": false, "http://127.0.0.1:": false, "http://127.0.0.19": false,
		},
		"http://[::1]:9999/cb": {
			"http://[::1]/cb": true, "http://[::1]:80/cb": true, "http://[::1]:65535/cb": true, "http://[::1]:0/cb": false, "http://[::1]:65536/cb": false, "http://[0:0:0:0:0:0:0:1]:80/cb": false, "http://[::1].evil.example/cb": false, "http://[::1]80/cb": false, "http://[::2]:80/cb": false, "http://::1:80/cb": false,
		},
		"http://localhost/cb?a=1": {
			"http://localhost:3000/cb?a=1": true, "http://localhost:3000/cb": false, "http://localhost:3000/cb?a=1&b=2": false, "http://localhost.evil.example:3000/cb?a=1": false, "http://localhostevil/cb?a=1": false, "http://LOCALHOST:3000/cb?a=1": false,
		},
		"https://127.0.0.1:9999/cb": {"https://127.0.0.1:9999/cb": true, "https://127.0.0.1:80/cb": false},
	} {
		c := &oauth.Client{Registration: oauth.Registration{RedirectURIs: []string{registered}}}
		for uri, want := range cases {
			if got := c.AllowsRedirect(uri); got != want {
				t.Errorf("%q for %s: %v", uri, registered, got)
			}
		}
	}
}

func TestRedirectHostIsWhatPeopleAreShown(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example.com:8443/cb": "app.example.com:8443", "http://127.0.0.1:9999/cb": "127.0.0.1:9999", "com.example.app:/cb": "com.example.app", "http://[::1]/cb": "[::1]",
		"https://%zz": "",
	} {
		if got := oauth.RedirectHost(uri); got != want {
			t.Errorf("%s leads to %q, want %q", uri, got, want)
		}
	}
}
