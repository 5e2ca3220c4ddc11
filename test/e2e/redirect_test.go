package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Redirect URI matching: byte for byte, but for the port of a loopback address.

// nearMisses are URIs that some comparison or other has let pass, each for https://web.example.test/callback.
var nearMisses = map[string][]string{
	"path suffix, prefix and trailing slash": {
		"https://web.example.test/callback/", "https://web.example.test/callback/x", "https://web.example.test/callbackx",
		"https://web.example.test/callbac", "https://web.example.test/", "https://web.example.test", "https://web.example.test//callback",
		"https://web.example.test/x/callback", "https://web.example.test/callback;x", "https://web.example.test/callback;jsessionid=1",
	},
	"path traversal and encoded dots": {
		"https://web.example.test/callback/../evil", "https://web.example.test/callback/..", "https://web.example.test/x/../callback",
		"https://web.example.test/./callback", "https://web.example.test/callback/%2e%2e/evil", "https://web.example.test/callback/..;/evil",
		"https://web.example.test/callback%2f..%2fevil", "https://web.example.test/callback/.%2e/evil", `https://web.example.test/callback\..\evil`,
	},
	"added query": {
		"https://web.example.test/callback?", "https://web.example.test/callback?x=1", "https://web.example.test/callback?code=stolen",
		"https://web.example.test/callback&x=1", "https://web.example.test/callback%3fx=1", "https://web.example.test/second",
		"https://web.example.test/second?kept=1&x=2", "https://web.example.test/second?kept=2", "https://web.example.test/second?kept=1&kept=1",
	},
	"fragments": {
		"https://web.example.test/callback#", "https://web.example.test/callback#x", "https://web.example.test/callback%23x",
		"https://evil.example.test/#https://web.example.test/callback",
	},
	"user information": {
		"https://evil@web.example.test/callback", "https://web.example.test@evil.example.test/callback",
		"https://web.example.test:443@evil.example.test/callback", "https://evil.example.test\\@web.example.test/callback",
		"https://a@b@web.example.test/callback", "https://@web.example.test/callback", "https://web.example.test%40evil.example.test/callback",
	},
	"host": {
		"https://web.example.test.evil.example/callback", "https://evilweb.example.test/callback", "https://sub.web.example.test/callback",
		"https://example.test/callback", "https://web.example.testevil/callback", "https://web.example.test./callback",
		"https://evil.example/web.example.test/callback", "https://web-example.test/callback", "https://webxexample.test/callback",
		"https://web.example.test:443/callback", "https://web.example.test:8443/callback", "https://web.example.test:/callback",
		"https://[web.example.test]/callback",
	},
	"scheme": {
		"http://web.example.test/callback", "ftp://web.example.test/callback", "javascript:alert(1)//https://web.example.test/callback",
		"JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd", "blob:https://web.example.test/callback", "vbscript:x",
		"about:blank", "https:web.example.test/callback", "https:/web.example.test/callback", "https:///web.example.test/callback",
		"://web.example.test/callback", "view-source:https://web.example.test/callback", "intent://web.example.test/callback",
	},
	"letter case": {
		"HTTPS://web.example.test/callback", "https://WEB.example.test/callback", "https://web.example.test/Callback", "Https://Web.Example.Test/CALLBACK",
	},
	"percent encoding": {
		"https://web.example.test/%63allback", "https://web.example.test/callback%00", "https://web.example.test/callback%20",
		"https://web.example.test/callback%0d%0aX-Injected:1", "https%3A%2F%2Fweb.example.test%2Fcallback", "https://web%2eexample.test/callback",
		"https://web.example.test%2fcallback", "https://web.example.test/callback%", "https://web.example.test/callback%zz",
	},
	"backslash, blanks and control characters": {
		`https:\\web.example.test\callback`, `https://web.example.test\callback`, `https://evil.example\.web.example.test/callback`,
		" https://web.example.test/callback", "https://web.example.test/callback ", "https://web.example.test/callback\t",
		"https://web.example.test/callback\n", "https://web.example.test/callback\r\nX-Injected: 1", "https://web.example.test/callback\x00",
		"\x00https://web.example.test/callback", "https://web.exa\tmple.test/callback", "https://web.example.test/callback\x7f",
	},
	"look-alikes and invalid UTF-8": {
		"https://wеb.example.test/callback", "https://web。example.test/callback", "https://ｗｅｂ.example.test/callback",
		"https://web.example.test/callback\xff", "https://web.example.test/call\u200bback", "https://web.example.test/callbacK",
		"https://web.example.test⁄callback", "https://xn--wb-8ka.example.test/callback",
	},
	"relative": {
		"/callback", "callback", "//web.example.test/callback", "//evil.example.test", "?x", "#x", "../callback", "web.example.test/callback",
	},
	"another client's": {authtest.OtherRedirect, authtest.SPARedirect, authtest.NativeRedirect, authtest.AppRedirect},
	"over-long":        {"https://web.example.test/callback?" + strings.Repeat("x", 3000), "https://web.example.test/" + strings.Repeat("a", 20000)},
	"wildcards":        {"https://web.example.test/*", "https://*.example.test/callback", "*"},
	"local":            {"http://localhost/callback", "http://127.0.0.1:9/callback", "http://0/callback", "http://[::1]/callback"},
}

func TestOnlyARegisteredRedirectURIIsEverFollowed(t *testing.T) {
	t.Parallel()
	s := shared(t)
	signedIn := s.Browser(t)
	signedIn.Grant(s.App("web").Ask(), authtest.Alice)
	for kind, uris := range nearMisses {
		t.Run(kind, func(t *testing.T) {
			for _, uri := range uris {
				for name, b := range map[string]*authtest.Browser{"stranger": s.Browser(t), "signed in": signedIn} {
					page := b.Open(s.App("web").Ask("redirect_uri", uri).URL())
					if page.Location != nil || page.Status != http.StatusBadRequest {
						t.Errorf("%s: %q: %s", name, cut(uri), page)
					}
					if page.Header.Get("X-Injected") != "" {
						t.Errorf("%q splits the answer", uri)
					}
				}
			}
		})
	}
}

func TestEveryErrorPathProvesTheRedirectURIFirst(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, pairs := range [][]string{
		{"response_type", "token"}, {"response_type", ""}, {"scope", "unknown"}, {"scope", "\"bad\""}, {"prompt", "none"}, {"prompt", "bad"},
		{"code_challenge", ""}, {"code_challenge_method", "plain"}, {"response_mode", "bad"}, {"request", "x"}, {"request_uri", "https://x.test"},
		{"max_age", "-1"}, {"resource", "https://unknown.test"}, {"state", strings.Repeat("s", 9000)}, {"login_hint", "\x00"},
	} {
		page := s.Browser(t).Open(s.App("web").Ask(append(pairs, "redirect_uri", evil)...).URL())
		if page.Location != nil || page.Status != http.StatusBadRequest || strings.Contains(page.Body, "evil.example") {
			t.Errorf("%v: %s", pairs, page)
		}
	}
}

func TestTheRedirectURICannotBeSmuggled(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("web").Ask()
	for _, query := range []string{
		asked.Params.Encode() + "&redirect_uri=" + url.QueryEscape(evil),
		"redirect_uri=" + url.QueryEscape(evil) + "&" + asked.Params.Encode(),
		asked.Params.Encode() + ";redirect_uri=" + url.QueryEscape(evil),
		strings.Replace(asked.Params.Encode(), "redirect_uri=", "redirect_uri[]=", 1),
		strings.Replace(asked.Params.Encode(), "redirect_uri=", "redirect_uri%5B0%5D=", 1),
		strings.Replace(asked.Params.Encode(), "redirect_uri=", "REDIRECT_URI=", 1),
	} {
		page := s.Browser(t).Open(s.URL(authtest.AuthorizePath) + "?" + query)
		if page.Location != nil || page.Status != http.StatusBadRequest {
			t.Errorf("%s: %s", query, page)
		}
	}
}

func TestAMissingRedirectURIMeansTheOnlyOne(t *testing.T) {
	t.Parallel()
	s := shared(t)
	wantPage(t, s.Browser(t).Open(s.App("web").Ask("redirect_uri", "").URL())) // web has two
	asked := s.App("spa").Ask("redirect_uri", "")
	code := s.Browser(t).Grant(asked, authtest.Alice)
	if answer := asked.Redeem(t, code, "redirect_uri", evil); answer.Fault() != "invalid_grant" {
		t.Errorf("with another URI the code is worth %s", answer)
	}
	if answer := asked.Redeem(t, code, "redirect_uri", ""); answer.Status != http.StatusOK {
		t.Errorf("without a URI the code is worth %s", answer)
	}
}

func TestRegisteredURIsWithAQueryKeepIt(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("web").Ask("redirect_uri", authtest.SecondRedirect)
	page := s.Browser(t).Follow(asked, authtest.Alice)
	if back := page.Callback(); back.Get("kept") != "1" || !back.Has("code") {
		t.Errorf("%s", page)
	}
}

func TestLoopbackPortsFloatAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, uri := range []string{"http://127.0.0.1/callback", "http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", "http://[::1]:8080/callback", authtest.AppRedirect} {
		if page := s.Browser(t).Open(s.App("native").Ask("redirect_uri", uri).URL()); !page.Is("/login") {
			t.Errorf("%s is refused: %s", uri, page)
		}
	}
	for _, uri := range []string{
		"http://127.0.0.1:0/callback", "http://127.0.0.1:65536/callback", "http://127.0.0.1:/callback", "http://127.0.0.1:80x/callback",
		"http://127.0.0.1:-1/callback", "http://127.0.0.1:080/callback", "http://127.0.0.1:80/callback/", "http://127.0.0.1:80/other",
		"http://127.0.0.1:80@evil.test/callback", "http://127.0.0.2:80/callback", "http://localhost:80/callback", "http://0.0.0.0:80/callback",
		"http://2130706433/callback", "http://127.1/callback", "http://127.0.0.1.evil.test/callback", "https://127.0.0.1:80/callback",
		"http://[::1]/other", "http://[0:0:0:0:0:0:0:1]/callback", "http://[::ffff:127.0.0.1]/callback", "http://127.0.0.1:80:81/callback",
		"com.example.native:/callback/x", "com.example.native://callback", "com.example.native:callback", "COM.EXAMPLE.NATIVE:/callback",
		"com.example.other:/callback", "http://127.0.0.1:80?/callback", "http://127.0.0.1:80#/callback", "http://127.0.0.1:٣/callback",
	} {
		page := s.Browser(t).Open(s.App("native").Ask("redirect_uri", uri).URL())
		if page.Location != nil || page.Status != http.StatusBadRequest {
			t.Errorf("%s: %s", uri, page)
		}
	}
}

func TestTheTokenRequestNamesTheSameRedirectURI(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("native").Ask("redirect_uri", "http://127.0.0.1:8765/callback")
	code := s.Browser(t).Grant(asked, authtest.Alice)
	for _, uri := range []string{"", evil, "http://127.0.0.1/callback", "http://127.0.0.1:8766/callback", "http://127.0.0.1:8765/callback/"} {
		if answer := asked.Redeem(t, code, "redirect_uri", uri); answer.Status != http.StatusBadRequest || answer.Fault() != "invalid_grant" {
			t.Errorf("%q: %s", uri, answer)
		}
	}
	if answer := asked.Redeem(t, code); answer.Status != http.StatusOK {
		t.Errorf("then with the right one: %s", answer)
	}
}
