package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// answering runs a server that answers every request in one way.
func answering(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestWhatIsNoGrantorIsToldSo(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<h1>secret page</h1>")
		}, "does not answer as a Grantor does"},
		"a page of an error": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<h1>secret page</h1>")
		}, "answers with the status 502 Bad Gateway and not as a Grantor does"},
		"something else": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"items": "secret page"}`)
		}, "an answer that cannot be read"},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `secret page`)
		}, "an answer that cannot be read"},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range maxAnswer>>20 + 1 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "that is no Grantor"},
		"the same page again": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"items": [], "next_cursor": "x"}`)
		}, "lists the same again and again"},
		"a terminal's commands": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, `{"status": 418, "title": "\u001b[31mred", "detail": "a\rb", "errors": [{"pointer": "/\u001bx", "detail": "\u001b]0;y"}]}`)
		}, "[31mred"},
		"nothing": {func(_ http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			s := answering(t, c.answer)
			p.environ = []string{"GRANTOR_SERVER=" + s.URL, "GRANTOR_TOKEN=grpt_secret"}
			_, err := p.run("client", "list")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			for _, never := range []string{"secret", "\x1b", "\r"} {
				if strings.Contains(err.Error(), never) {
					t.Errorf("%q tells %q", err, never)
				}
			}
		})
	}
}

func TestTokensFollowNoRedirect(t *testing.T) {
	var reached atomic.Int64
	elsewhere := answering(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := answering(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL+"/x?secret=1", status) })
		for _, environ := range [][]string{{"GRANTOR_TOKEN=grpt_secret"}, {"GRANTOR_CLIENT_ID=a", "GRANTOR_CLIENT_SECRET=b"}} {
			p := newPerson(t)
			p.environ = append(environ, "GRANTOR_SERVER="+s.URL)
			p.fails("leads elsewhere to "+elsewhere.URL+"/x, and no token is sent there", "client", "list")
			p.fails("leads elsewhere", "login", "--no-browser", "--server", s.URL)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d requests went elsewhere", reached.Load())
	}
}

// metadata is what a server says of itself (RFC 8414), with its own address for HERE.
func metadata(t *testing.T, text string) *httptest.Server {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != wellKnown {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, strings.ReplaceAll(text, "HERE", "http://"+r.Host))
	})
}

func TestNothingSecretIsSentToAnotherServerThanTheOneThatWasNamed(t *testing.T) {
	for text, want := range map[string]string{
		`{"issuer": "https://other.example", "token_endpoint": "HERE/t"}`:                                                                     "calls itself https://other.example",
		`{"issuer": "HERE/", "token_endpoint": "HERE/t"}`:                                                                                     "calls itself",
		`{"issuer": "HERE", "authorization_endpoint": "HERE/a", "token_endpoint": "https://evil.example/t", "revocation_endpoint": "HERE/r"}`: "the token endpoint of",
		`{"issuer": "HERE", "authorization_endpoint": "file:///etc/passwd", "token_endpoint": "HERE/t", "revocation_endpoint": "HERE/r"}`:     "the authorization endpoint of",
		`{"issuer": "HERE", "authorization_endpoint": "HERE/a", "token_endpoint": "HERE/t", "revocation_endpoint": "//evil.example/r"}`:       "the revocation endpoint of",
		`[]`: "does not answer as a Grantor does",
	} {
		s := metadata(t, text)
		p := newPerson(t)
		p.fails(want, "login", "--no-browser", "--server", s.URL)
		p.environ = []string{"GRANTOR_SERVER=" + s.URL, "GRANTOR_CLIENT_ID=a", "GRANTOR_CLIENT_SECRET=b"}
		p.fails(want, "client", "list")
	}
}

func TestPlainHTTPIsForThisMachine(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://auth.example.com": true, "https://auth.example.com/tenant": true, "http://localhost:8080": true, "http://127.0.0.1": true,
		"http://[::1]:8080": true, "http://127.9.9.9": true, "http://auth.example.com": false, "http://127.0.0.1.example.com": false,
		"http://localhost.example.com": false, "http://10.0.0.1": false, "http://0.0.0.0": false, "ftp://localhost": false, "localhost:8080": false,
		"https://user:pass@auth.example.com": false, "https://auth.example.com?x": false, "": false,
	} {
		if _, err := serverURL(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestPathsNameWhatTheySay(t *testing.T) {
	for want, parts := range map[string][]string{
		"/clients/a%2Fb":         {"clients", "a/b"},
		"/clients/%3Fx%23y%25z":  {"clients", "?x#y%z"},
		"/clients/-":             {"clients", ".."},
		"/clients/-/secrets":     {"clients", "", "secrets"},
		"/clients/a..b/tokens":   {"clients", "a..b", "tokens"},
		"/clients/%20/secrets/-": {"clients", " ", "secrets", "."},
		"/users/usr_1/sessions":  {"users", "usr_1", "sessions"},
	} {
		if got := at(parts...); got != want {
			t.Errorf("%q: %s, want %s", parts, got, want)
		}
	}
}
