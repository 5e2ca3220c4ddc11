package deploy

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// startNginx runs deploy/nginx.conf in front of two nodes, with nothing changed but addresses and folders.
func startNginx(t *testing.T, one, two *authtest.Server) (address string) {
	t.Helper()
	if _, err := exec.LookPath("nginx"); err != nil {
		if os.Getenv("GRANTOR_TEST_REQUIRE") != "" {
			t.Fatalf("GRANTOR_TEST_REQUIRE wants nginx: %v", err)
		}
		t.Skip("nginx is not installed")
	}
	dir, address := t.TempDir(), "127.0.0.1:"+strconv.Itoa(redistest.FreePort(t))
	config := read(t, "deploy/nginx.conf")
	for _, change := range [][2]string{
		{"10.213.77.11:8080", one.Addr}, {"10.213.77.12:8080", two.Addr}, {"listen 8080;", "listen " + address + ";"}, {" /tmp/", " " + dir + "/"},
	} {
		if !strings.Contains(config, change[0]) {
			t.Fatalf("deploy/nginx.conf has no %q", change[0])
		}
		config = strings.ReplaceAll(config, change[0], change[1])
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	directives := "daemon off;"
	if os.Geteuid() == 0 {
		directives += " user root root;" // the folder of a test is its owner's
	}
	args := []string{"-p", dir, "-c", file, "-e", "stderr", "-g", directives}
	if out, err := exec.Command("nginx", append([]string{"-t", "-q"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("nginx -t: %v\n%s", err, out)
	}
	runNginx(t, args, address)
	return address
}

func runNginx(t *testing.T, args []string, address string) {
	t.Helper()
	var said bytes.Buffer
	nginx := exec.Command("nginx", args...)
	nginx.Stdout, nginx.Stderr = &said, &said
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = nginx.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		if err := nginx.Wait(); err != nil || t.Failed() {
			t.Logf("nginx: %v\n%s", err, said.String())
		}
	})
	until(t, "nginx listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// through sends requests of an address of this machine to nginx.
func through(t *testing.T, from string) *http.Client {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestNginxGivesConnectionsUpBeforeANodeThatStopsDoes(t *testing.T) {
	found := regexp.MustCompile(`\bkeepalive_timeout (\w+);`).FindStringSubmatch(read(t, "deploy/nginx.conf"))
	if found == nil {
		t.Fatal("deploy/nginx.conf keeps connections to the nodes for a minute")
	}
	kept, err := time.ParseDuration(found[1])
	if drain := sourceTime(t, "drainTime"); err != nil || kept+500*time.Millisecond > drain {
		t.Errorf("nginx keeps connections for %v, a node that stops for %v; %v", kept, drain, err)
	}
}

func TestTwoNodesBehindNginx(t *testing.T) {
	t.Parallel()
	one := authtest.Start(t, authtest.Options{Store: redistest.Start(t), Args: []string{
		"--trusted-proxy", "127.0.0.1/32", "--otlp-endpoint", "http://127.0.0.1:1", "--trace-ratio", "0",
	}})
	two := one.Node(t)
	address := startNginx(t, one, two)
	token := func(t *testing.T, headers ...string) int {
		t.Helper()
		machine := one.App("machine")
		r := authtest.NewRequest(t, http.MethodPost, "http://"+address+authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
		r.SetBasicAuth(machine.ID, machine.Secret)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		answer, err := through(t, "127.0.0.2").Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	t.Run("the nodes see the address of the caller, whatever he says, and no trace of his", func(t *testing.T) {
		const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
		for range 2 {
			if status := token(t, "X-Forwarded-For", "203.0.113.9, 127.0.0.1", "X-Forwarded-For", "127.0.0.1",
				"Traceparent", "00-"+trace+"-00f067aa0ba902b7-01"); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		}
		for _, node := range []*authtest.Server{one, two} {
			last := func() map[string]any { events := node.LogEvents(); return events[len(events)-1] }
			// The line comes by a pipe, which the answer may overtake.
			until(t, "each node logs one of the two requests", func() bool { return last()["msg"] == "request" })
			if got := last(); got["address"] != "127.0.0.2" || got["trace"] == nil || got["trace"] == trace {
				t.Errorf("a node saw %v", got)
			}
		}
	})
	t.Run("an end is told as it happens", func(t *testing.T) { testFeed(t, one, address) })
	t.Run("a long answer passes", func(t *testing.T) {
		r := authtest.NewRequest(t, http.MethodGet, "http://"+address+"/oauth2/authorize?response_type=none&client_id=web&redirect_uri="+
			authtest.WebRedirect+"&state="+strings.Repeat("%C3%A9", 2048), nil) // as long as a state may be
		answer, err := through(t, "127.0.0.1").Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if location := answer.Header.Get("Location"); answer.StatusCode/100 != 3 || len(location) < 2048*len("%C3%A9") {
			t.Errorf("%d with %d characters of Location", answer.StatusCode, len(location))
		}
	})
	t.Run("a node that is gone is passed over", func(t *testing.T) {
		if err := two.Stop(); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if status := token(t); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		}
	})
}

// testFeed reads the feed by way of nginx, ends a token, and wants to hear of it before a buffer would have been full.
func testFeed(t *testing.T, one *authtest.Server, address string) {
	api := one.App("api")
	r := authtest.NewRequest(t, http.MethodGet, "http://"+address+"/oauth2/revocations", nil)
	r.SetBasicAuth(api.ID, api.Secret)
	answer, err := through(t, "127.0.0.1").Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d", answer.StatusCode)
	}
	heard := make(chan string, 64)
	go func() {
		defer close(heard)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if name, is := strings.CutPrefix(lines.Text(), "event: "); is {
				heard <- name
			}
		}
	}()
	web := one.App("web")
	issued := web.Token(t, "grant_type", "client_credentials").Access()
	next := func(want string) {
		t.Helper()
		late := time.After(4 * time.Second) // before the heartbeat that would push it out
		for {
			select {
			case name, more := <-heard:
				if name == want {
					return
				}
				if !more {
					t.Fatalf("the stream ended before %s", want)
				}
			case <-late:
				t.Fatalf("no %s", want)
			}
		}
	}
	next("ready")
	web.Revoke(t, issued).Wants(t, http.StatusOK, "")
	next("ended")
	_ = answer.Body.Close()
	for range heard {
		continue // until the reader has ended
	}
}
