package foreign

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestServerThatTheBenchmarkRunsBesideOurs: an answer that is cheap because it is a refusal would flatter us.
func TestServerThatTheBenchmarkRunsBesideOurs(t *testing.T) {
	node(t, "oidc-provider")
	for _, test := range []struct {
		flags []string
		dots  int // in a token
	}{{nil, 0}, {[]string{"-jwt"}, 2}} {
		p := startPeer(t, append([]string{"-client", "load"}, test.flags...)...)
		token, _ := p.post("load", "/oauth2/token", "grant_type", "client_credentials")["access_token"].(string)
		if token == "" || strings.Count(token, ".") != test.dots {
			t.Errorf("%v: token %q", test.flags, token)
		}
		if test.dots > 0 {
			continue
		}
		if answer := p.post("load", "/oauth2/introspect", "token", token); answer["active"] != true {
			t.Errorf("introspection: %v", answer)
		}
	}
}

// startPeer runs oidc-provider.mjs, as test/load does, until the test ends.
func startPeer(t *testing.T, flags ...string) *provider {
	t.Helper()
	process := exec.CommandContext(t.Context(), "./oidc-provider.mjs", flags...)
	process.Env = append(os.Environ(), "PEER_SECRET="+secretOf("load"))
	p := &provider{t: t, url: startAt(t, process, func(line []byte) string {
		_, url, _ := strings.Cut(string(line), "is ready at ")
		return url
	})}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait() // ended by a signal
	})
	if p.url == "" {
		t.Fatal("the server did not start")
	}
	return p
}
