package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// served starts a server over Connections, and gives its listener and a way to dial it.
func served(t *testing.T, s *http.Server) (own *listener, dial func() net.Conn) {
	t.Helper()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own = Connections(port).(*listener)
	s.ConnContext = WithConnection
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(own) }() // ends by Close
	t.Cleanup(func() { _ = s.Close(); <-done })
	return own, func() net.Conn {
		c, err := net.Dial("tcp", port.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

// echo answers with what was posted, in haste or not.
func echo(hasten bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if hasten {
			Hasten(r.Context())
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		fmt.Fprintf(w, "%s|%s", r.URL.Path, body)
	}
}

func posted(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// answered reads the body of the next answer.
func answered(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	a, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestRequestsFollowEachOtherOnAConnection(t *testing.T) {
	chunked := "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	get := "GET /g HTTP/1.1\r\nHost: x\r\n\r\n"
	// All but the last byte of it: net/http then has room for one byte in its buffer.
	trailer := "X: " + strings.Repeat("x", 4096-len("X: \r\n\r\n")) + "\r\n\r"
	for _, c := range []struct {
		name   string
		writes []string // what is written at once
		want   []string
	}{
		{"one after the other", []string{posted("/1", "a"), posted("/2", "b"), get, posted("/3", "")}, []string{"/1|a", "/2|b", "/g|", "/3|"}},
		{"all at once", []string{posted("/1", "a") + get + posted("/2", "b") + chunked + posted("/3", "c")}, []string{"/1|a", "/g|", "/2|b", "/c|abc", "/3|c"}},
		{"the next begun", []string{posted("/1", "a") + "POST /2 HTT", "P/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", "b"}, []string{"/1|a", "/2|b"}},
		{"a body in pieces", []string{"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", "a", "b", "c" + chunked}, []string{"/1|abc", "/c|abc"}},
		{"a trailer as long as the buffer", []string{strings.TrimSuffix(chunked, "\r\n"), trailer, "\n", get}, []string{"/c|abc", "/g|"}},
		{"a long body", []string{posted("/1", strings.Repeat("a", 1<<20)), get}, []string{"/1|" + strings.Repeat("a", 1<<20), "/g|"}},
	} {
		for _, hasten := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in haste %v", c.name, hasten), func(t *testing.T) {
				_, dial := served(t, &http.Server{Handler: echo(hasten), ReadTimeout: time.Minute, IdleTimeout: time.Minute})
				conn := dial()
				go func() {
					for _, text := range c.writes {
						_, _ = conn.Write([]byte(text)) // what was not written is not answered
						time.Sleep(5 * time.Millisecond)
					}
				}()
				in := bufio.NewReader(conn)
				for _, want := range c.want {
					if got := answered(t, in); got != want {
						t.Fatalf("got %.40s, want %.40s", got, want)
					}
				}
			})
		}
	}
}

// A caller who hangs up is noticed while a handler runs that is not in haste, also behind one on the same connection that was.
func TestACallerWhoHangsUpIsNoticed(t *testing.T) {
	get, post := "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n", posted("/wait", "a")
	for _, c := range []struct {
		name           string
		before, during string
		idle           time.Duration
	}{
		{"GET", posted("/", "a"), get, time.Minute},
		{"POST", posted("/", "a"), post, time.Minute},
		{"GET behind an empty body", posted("/", ""), get, time.Minute},
		{"POST behind an empty body", posted("/", ""), post, time.Minute},
		{"GET behind one in haste too late", posted("/late", "a"), get, time.Minute},
		{"GET where nothing has a deadline", posted("/", "a"), get, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			gone := make(chan struct{})
			_, dial := served(t, &http.Server{IdleTimeout: c.idle, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/wait" {
					echo(true)(w, r)
					if r.URL.Path == "/late" {
						time.Sleep(20 * time.Millisecond) // there is a watch by now
						Hasten(r.Context())
					}
					return
				}
				_, _ = io.ReadAll(r.Body)
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				close(gone)
			})})
			conn := dial()
			in := bufio.NewReader(conn)
			_, _ = io.WriteString(conn, c.before)
			if got := answered(t, in); !strings.HasPrefix(got, "/") {
				t.Fatalf("got %s", got)
			}
			_, _ = io.WriteString(conn, c.during)
			if _, err := in.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			select {
			case <-gone:
			case <-time.After(10 * time.Second):
				t.Error("nobody noticed")
			}
		})
	}
}

// The watch is what Hasten spares, also where the body comes late.
func TestHastenSparesTheWatch(t *testing.T) {
	began, read, release, left := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan error, 1)
	_, dial := served(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Hasten(r.Context())
		close(began)
		_, _ = io.ReadAll(r.Body)
		close(read)
		<-release
		left <- r.Context().Err()
	})})
	conn := dial()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
	<-began
	time.Sleep(10 * time.Millisecond) // it waits for the body by then
	_, _ = io.WriteString(conn, "a")
	<-read
	_ = conn.Close()
	time.Sleep(50 * time.Millisecond) // a watch would have seen it by then
	close(release)
	if err := <-left; err != nil {
		t.Errorf("the context ended: %v", err)
	}
}

func TestDeadlinesOfConnectionsHold(t *testing.T) {
	const limit = 300 * time.Millisecond
	for _, c := range []struct {
		name   string
		server *http.Server
		write  string
	}{
		{"nothing comes", &http.Server{ReadHeaderTimeout: limit}, ""},
		{"half a head", &http.Server{ReadHeaderTimeout: limit}, "POST / HTTP/1.1\r\nHo"},
		{"half a body", &http.Server{ReadTimeout: limit}, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"},
		{"half a body, in time at first", &http.Server{ReadHeaderTimeout: time.Minute, ReadTimeout: limit}, posted("/", "a") + "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"},
		{"idle", &http.Server{IdleTimeout: limit}, posted("/", "a")},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.Handler = echo(true)
			_, dial := served(t, c.server)
			conn, began := dial(), time.Now()
			_, _ = io.WriteString(conn, c.write)
			_ = conn.SetReadDeadline(began.Add(10 * time.Second))
			if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the connection stays open")
			}
			if took := time.Since(began); took < limit {
				t.Errorf("it was closed after %v already", took)
			}
		})
	}
}

func TestAnAnswerThatNobodyReadsEnds(t *testing.T) {
	failed := make(chan error, 1)
	_, dial := served(t, &http.Server{WriteTimeout: 300 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(w, io.LimitReader(zeros{}, 1<<30))
		failed <- err
	})})
	conn := dial()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case err := <-failed:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the answer is written for ever")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// pair gives both ends of a connection, the near one of Connections.
func pair(t *testing.T) (own *listener, near, far net.Conn) {
	t.Helper()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own = Connections(port).(*listener)
	t.Cleanup(func() { _ = own.Close() })
	if far, err = net.Dial("tcp", port.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	if near, err = own.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	return own, near, far
}

// A deadline that is over lets what waits end; a later one lets it go on.
func TestADeadlineIsMoved(t *testing.T) {
	own, near, far := pair(t)
	var two [2]byte
	_ = near.SetDeadline(time.Unix(1, 0))
	if _, err := near.Write(two[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	for _, over := range []time.Time{time.Unix(1, 0), time.Now().Add(100 * time.Millisecond)} {
		_ = near.SetDeadline(over)
		if _, err := near.Read(two[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		_ = near.SetDeadline(time.Now().Add(time.Minute))
		_, _ = far.Write([]byte("ab"))
		if n, err := io.ReadFull(near, two[:]); err != nil {
			t.Fatalf("read %d bytes, %v", n, err)
		}
		_ = near.SetDeadline(time.Time{})
	}
	_ = near.Close()
	_ = near.Close() // net/http may do so twice
	own.open.mu.Lock()
	defer own.open.mu.Unlock()
	if len(own.open.all) != 0 || own.open.timer != nil {
		t.Error("a connection that was closed is still looked at")
	}
}

// A deadline is a span of time: it neither comes at once nor never where the clock is set meanwhile.
func TestADeadlineHoldsWhileTheClockIsSet(t *testing.T) {
	_, near, far := pair(t)
	_, _ = far.Write([]byte("ab"))
	_ = near.SetDeadline(onAClockThatWasSet(t, time.Now().Add(time.Minute+deadlineTick), -time.Minute))
	time.Sleep(2 * deadlineTick)
	var two [2]byte
	if n, err := io.ReadFull(near, two[:]); err != nil {
		t.Errorf("a minute is over at once: read %d bytes, %v", n, err)
	}
	_ = near.SetDeadline(onAClockThatWasSet(t, time.Now().Add(time.Millisecond), time.Hour))
	time.AfterFunc(10*time.Second, func() { _ = far.Close() })
	if _, err := near.Read(two[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a millisecond lasts for ten seconds: %v", err)
	}
}

// onAClockThatWasSet gives the same moment as a clock that was set by so much would show it.
func onAClockThatWasSet(t *testing.T, moment time.Time, by time.Duration) time.Time {
	t.Helper()
	shown := moment
	*(*uint64)(unsafe.Pointer(&shown)) += uint64(by/time.Second) << 30 // the seconds of the clock; nobody else can set them
	if shown.Sub(moment) != 0 || shown.Round(0).Sub(moment.Round(0)) != by {
		t.Fatal("package time keeps times in another way: find out how, and set them so")
	}
	return shown
}

// net/http ends the watch for a caller by a deadline that is long over, and waits for that at every request.
func TestADeadlineThatIsOverWaitsForNoLook(t *testing.T) {
	own, near, _ := pair(t)
	own.open.mu.Lock() // nobody looks
	defer own.open.mu.Unlock()
	ended := make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 1))
		ended <- err
	}()
	_ = near.SetReadDeadline(time.Unix(1, 0))
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits")
	}
}

// A handler moves the deadlines that net/http has set.
func TestAHandlerTakesLongerThanTheServerAllows(t *testing.T) {
	const limit = 100 * time.Millisecond
	_, dial := served(t, &http.Server{ReadTimeout: limit, WriteTimeout: limit, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Now().Add(time.Minute))); err != nil {
			t.Error(err)
		}
		time.Sleep(limit + 2*deadlineTick)
		echo(false)(w, r)
	})})
	conn := dial()
	_, _ = io.WriteString(conn, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
	time.AfterFunc(limit+3*deadlineTick, func() { _, _ = io.WriteString(conn, "b") })
	if got := answered(t, bufio.NewReader(conn)); got != "/slow|ab" {
		t.Errorf("got %s", got)
	}
}

// Who is let in already is served, and cut in time, also where nobody else is let in any more.
func TestDeadlinesHoldWhereThePortIsClosed(t *testing.T) {
	own, near, far := pair(t)
	_ = own.Close()
	_ = near.SetReadDeadline(time.Now().Add(time.Millisecond))
	time.AfterFunc(10*time.Second, func() { _ = far.Close() })
	if _, err := near.Read(make([]byte, 2)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// One of two connections is closed: the other is looked at still.
func TestDeadlinesHoldWhereAnotherConnectionIsClosed(t *testing.T) {
	own, near, far := pair(t)
	second, err := net.Dial("tcp", own.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	other, err := own.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	_ = near.SetReadDeadline(time.Now().Add(time.Millisecond))
	time.AfterFunc(10*time.Second, func() { _ = far.Close() })
	if _, err := near.Read(make([]byte, 2)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// net/http tells a caller whom it cuts that no more comes, and closes the connection half a second later.
func TestAConnectionIsClosedForWritingAlone(t *testing.T) {
	_, near, far := pair(t)
	half, ok := near.(interface{ CloseWrite() error })
	if !ok {
		t.Fatal("net/http would not find how to")
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = far.SetReadDeadline(time.Now().Add(10 * time.Second))
	if rest, err := io.ReadAll(far); err != nil || len(rest) > 0 {
		t.Errorf("the far end reads %q, %v", rest, err)
	}
	_, _ = far.Write([]byte("ab"))
	if n, err := io.ReadFull(near, make([]byte, 2)); err != nil {
		t.Errorf("the near end reads %d bytes, %v", n, err)
	}
}

func TestHastenNeedsNoConnection(t *testing.T) {
	Hasten(context.Background())
	near, far := net.Pipe()
	defer func() { _, _ = near.Close(), far.Close() }()
	Hasten(WithConnection(context.Background(), near))
}
