package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// HTTP itself: bytes on a connection, limits, and what the unauthenticated may cost.

// dial opens a bare connection to the server.
func dial(t testing.TB, s *authtest.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(40 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// rawAnswer is what came back on a bare connection.
type rawAnswer struct {
	statuses []int
	closed   bool // the server closed the connection
	text     string
}

// exchangeRaw sends bytes and reads answers until the server closes or says no more for a while.
func exchangeRaw(t testing.TB, s *authtest.Server, parts ...string) rawAnswer {
	t.Helper()
	c := dial(t, s)
	for _, part := range parts {
		if _, err := io.WriteString(c, part); err != nil {
			break // it was closed while we still sent
		}
	}
	var (
		answer rawAnswer
		text   strings.Builder
	)
	reader := bufio.NewReader(io.TeeReader(c, &text))
	for {
		wait := 3 * time.Second
		if len(answer.statuses) == 0 {
			wait = 30 * time.Second
		}
		if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			answer.closed = !isTimeout(err)
			break
		}
		_, _ = io.Copy(io.Discard, response.Body) // an end is an end
		answer.statuses = append(answer.statuses, response.StatusCode)
	}
	answer.text = text.String()
	return answer
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

const hello = "Host: localhost\r\n"

func TestSmuggledRequestsAreNeverAnswered(t *testing.T) {
	t.Parallel()
	s := shared(t)
	const (
		post   = "POST /oauth2/token HTTP/1.1\r\n" + hello + "Content-Type: application/x-www-form-urlencoded\r\n"
		inside = "GET /healthz HTTP/1.1\r\n" + hello + "\r\n"
	)
	chunked := "0\r\n\r\n" + inside
	for name, request := range map[string]string{
		"CL and TE":              post + "Content-Length: " + strconv.Itoa(len(chunked)) + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked,
		"TE and CL":              post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunked,
		"TE with a blank":        post + "Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n" + inside,
		"TE in odd case":         post + "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + inside,
		"TE twice":               post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunked,
		"TE list":                post + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked,
		"TE after a tab":         post + "Transfer-Encoding:\tchunked\r\nContent-Length: 3\r\n\r\n" + chunked,
		"TE folded":              post + "Content-Length: 0\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n" + chunked,
		"CL twice":               post + "Content-Length: 0\r\nContent-Length: " + strconv.Itoa(len(inside)) + "\r\n\r\n" + inside,
		"CL list":                post + "Content-Length: 0, " + strconv.Itoa(len(inside)) + "\r\n\r\n" + inside,
		"CL with sign":           post + "Content-Length: +0\r\n\r\n" + inside,
		"CL negative":            post + "Content-Length: -1\r\n\r\n" + inside,
		"CL hexadecimal":         post + "Content-Length: 0x0\r\n\r\n" + inside,
		"CL empty":               post + "Content-Length: \r\n\r\n" + inside,
		"chunk size with sign":   post + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + inside,
		"chunk size too large":   post + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n\r\n" + inside,
		"chunk with a bare LF":   post + "Transfer-Encoding: chunked\r\n\r\n1\nZ\r\n0\r\n\r\n" + inside,
		"header with a bare CR":  "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\rContent-Length: 5\r\n\r\n" + inside,
		"header with NUL":        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n" + inside,
		"two hosts":              "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n\r\n" + inside,
		"no host":                "GET /healthz HTTP/1.1\r\n\r\n" + inside,
		"bad host":               "GET /healthz HTTP/1.1\r\nHost: local host/..\r\n\r\n" + inside,
		"HTTP/0.9":               "GET /healthz\r\n" + inside,
		"HTTP/1.10":              "GET /healthz HTTP/1.10\r\nHost: localhost\r\n\r\n" + inside,
		"HTTP/2 preface":         "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + inside,
		"a colon before nothing": "GET /healthz HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n" + inside,
		"bytes of no protocol":   "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + inside,
	} {
		answer := exchangeRaw(t, s, request)
		// A second answer may only say that what follows is no request.
		if len(answer.statuses) > 2 || !answer.closed {
			t.Errorf("%s: answers %v, closed %t:\n%s", name, answer.statuses, answer.closed, answer.text)
		}
		for _, status := range answer.statuses {
			if status < 400 || status > 505 || status == 500 {
				t.Errorf("%s: answered %d", name, status)
			}
		}
	}
}

func TestConnectionsAreKeptForHonestRequests(t *testing.T) {
	t.Parallel()
	answer := exchangeRaw(t, shared(t), strings.Repeat("GET /healthz HTTP/1.1\r\n"+hello+"\r\n", 3))
	if len(answer.statuses) != 3 || answer.closed {
		t.Errorf("answers %v, closed %t", answer.statuses, answer.closed)
	}
}

func TestHugeHeadersAndAddressesAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for name, request := range map[string]string{
		"one header":   "GET /login HTTP/1.1\r\n" + hello + "X: " + strings.Repeat("x", 200_000) + "\r\n\r\n",
		"many headers": "GET /login HTTP/1.1\r\n" + hello + strings.Repeat("X: y\r\n", 40_000) + "\r\n",
		"cookies":      "GET /login HTTP/1.1\r\n" + hello + "Cookie: " + strings.Repeat("grantor_session=x; ", 10_000) + "\r\n\r\n",
		"address":      "GET /oauth2/authorize?state=" + strings.Repeat("s", 200_000) + " HTTP/1.1\r\n" + hello + "\r\n",
		"endless line": "GET /" + strings.Repeat("a", 3_000_000),
	} {
		answer := exchangeRaw(t, s, request)
		if !answer.closed {
			t.Errorf("%s: the connection stays open", name)
		}
		for _, status := range answer.statuses {
			if status != 431 && status != 414 && status != 400 {
				t.Errorf("%s: %d", name, status)
			}
		}
	}
}

func TestSlowConnectionsAreCut(t *testing.T) {
	t.Parallel()
	s := shared(t)
	var all sync.WaitGroup
	for name, c := range map[string]struct {
		head string
		drip string
	}{
		"headers": {"GET /login HTTP/1.1\r\nHost: localhost\r\n", "X: y\r\n"},
		"body":    {"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n", "a"},
		"chunks":  {"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"},
		"nothing": {"", ""},
	} {
		conn := dial(t, s)
		all.Go(func() {
			began := time.Now()
			_, _ = io.WriteString(conn, c.head) // a failure shows below
			ended := make(chan struct{})
			go func() {
				_, _ = io.Copy(io.Discard, conn) // ends when the server cuts
				close(ended)
			}()
			tick := time.NewTicker(500 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-ended:
					if took := time.Since(began); took > 30*time.Second {
						t.Errorf("slow %s are cut after %v", name, took)
					}
					return
				case <-tick.C:
					_, _ = io.WriteString(conn, c.drip) // a failure shows above
				}
			}
		})
	}
	all.Wait()
}

func TestIdleConnectionsDoNotBlockService(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for range 300 {
		c := dial(t, s)
		_, _ = io.WriteString(c, "GET /login HTTP/1.1\r\n") // and no more
	}
	began := time.Now()
	if answer := s.Get(t, "/readyz"); answer.Status != http.StatusOK {
		t.Errorf("%s", answer)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestHostilePathsNeverFail(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, target := range []string{
		"/oauth2/authorize?%", "/oauth2/authorize?a=%zz", "/oauth2/authorize?;;;", "/%", "/%zz", "/%00", "//", "///", "/..", "/../", "/.", "*", "/a\tb",
		"http://evil.test/login", "http://evil.test:99999/", "/\xff\xfe", "/login#fragment", "/login?interaction=%00", "/login?interaction=" + strings.Repeat("A", 43),
		"/consent?interaction=../..", "/setup?token=%ff", "/login?interaction=a&interaction=b", "/?%2f=%2f", "/static/%00", "/static/x%2fy",
	} {
		for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS"} {
			answer := exchangeRaw(t, s, method+" "+target+" HTTP/1.1\r\n"+hello+"Connection: close\r\nContent-Length: 0\r\n\r\n")
			for _, status := range answer.statuses {
				if status >= 500 || strings.Contains(answer.text, "Location: http") || strings.Contains(answer.text, "Location: //") {
					t.Errorf("%s %q: %s", method, target, answer.text)
				}
			}
		}
	}
}

func TestMemoryStaysBoundedUnderHostileLoad(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Env: []string{"GOMEMLIMIT=64MiB"}}) // leaves garbage no room
	hostile := func(n int) {
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				for i := range n {
					name := fmt.Sprintf("%d-%d-%s", worker, i, strings.Repeat("x", 100))
					for _, send := range []func() (*http.Request, error){
						func() (*http.Request, error) {
							return s.App("machine").Request(authtest.TokenPath, authtest.Form("grant_type", name, name, name))
						},
						func() (*http.Request, error) {
							a := s.App("other")
							a.ID, a.Secret = name, "grcs_"+name
							return a.Request(authtest.IntrospectPath, authtest.Form("token", name))
						},
						func() (*http.Request, error) {
							return http.NewRequest(http.MethodGet, s.URL("/"+name+"?"+name), nil)
						},
					} {
						request, err := send()
						if err != nil {
							t.Error(err)
							return
						}
						request.Header.Set("Accept-Language", name)
						request.Header.Set("User-Agent", name)
						if answer, err := s.Try(request); err != nil || answer.Status >= 500 {
							t.Errorf("%v %v", answer, err)
						}
					}
				}
			})
		}
		all.Wait()
	}
	hostile(60)
	before := residentMiB(t, s)
	hostile(250)
	after := residentMiB(t, s)
	if after-before > 96 {
		t.Errorf("memory grew from %d to %d MiB", before, after)
	}
}

// residentMiB reads how much memory the server holds.
func residentMiB(t testing.TB, s *authtest.Server) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.ProcessID()))
	if err != nil {
		t.Skipf("no /proc on this system: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	kib, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib / 1024
}

func TestNeitherConnectionsNorGoroutinesHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{})
	idle := dial(t, s)
	_, _ = io.WriteString(idle, "GET /healthz HTTP/1.1\r\n"+hello+"\r\n")
	began := time.Now()
	if err := s.Stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v to stop", took)
	}
}
