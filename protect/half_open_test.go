package protect

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cable passes bytes on, until it is told that what is connected loses every byte, and nobody learns of it: as a firewall
// does that has forgotten a connection. What connects later is served.
type cable struct {
	net.Listener
	mu   sync.Mutex
	lost []*atomic.Bool
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	w := &cable{Listener: l}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				return
			}
			lost := new(atomic.Bool)
			w.mu.Lock()
			w.lost = append(w.lost, lost)
			w.mu.Unlock()
			t.Cleanup(func() { _, _ = near.Close(), far.Close() })
			all.Go(func() { pass(far, near, lost) })
			all.Go(func() { pass(near, far, lost) })
		}
	})
	t.Cleanup(func() { check(t, l.Close()) })
	return w
}

func pass(to io.Writer, from io.Reader, lost *atomic.Bool) {
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if !lost.Load() {
			_, _ = to.Write(b[:n])
		}
	}
}

// lose cuts what is connected now.
func (w *cable) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lost {
		l.Store(true)
	}
}

// TestALostHTTP2ConnectionIsNotUsedAgain: all requests share one connection, and one that is dead without anybody saying so
// would take the feed, the keys and every question about a token along until TCP gives up, a quarter of an hour later.
func TestALostHTTP2ConnectionIsNotUsedAgain(t *testing.T) {
	var streams, asked atomic.Int64
	var issuer string
	auth := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/oauth-authorization-server":
			_ = json.NewEncoder(w).Encode(map[string]string{
				"issuer": issuer, "introspection_endpoint": issuer + "/introspect", "revocation_feed_endpoint": issuer + "/feed",
			})
		case "/introspect":
			asked.Add(1)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"active":true}`)
		case "/feed":
			if r.ProtoMajor != 2 {
				t.Error("the feed does not come over HTTP/2")
			}
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, ready)
			_ = http.NewResponseController(w).Flush()
			streams.Add(1)
			<-r.Context().Done()
		}
	}))
	auth.EnableHTTP2 = true
	auth.StartTLS()
	w := newCable(t, auth.Listener.Addr().String())
	issuer = "https://" + w.Addr().String()

	c := Config{Issuer: issuer, Audience: orders, ClientID: "orders", ClientSecret: "s3cret", Timeout: time.Second}
	c = c.complete()
	transport := c.HTTPClient.Transport.(*http.Transport)
	transport.TLSClientConfig = &tls.Config{RootCAs: auth.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	if transport.HTTP2 == nil || transport.HTTP2.SendPingTimeout+transport.HTTP2.PingTimeout >= usualPace().silence {
		t.Fatal("nobody looks whether the connection is alive before the feed is given up")
	}
	transport.HTTP2.SendPingTimeout, transport.HTTP2.PingTimeout = 100*time.Millisecond, 100*time.Millisecond
	d := newDiscovery(&c)
	check(t, d.read(t.Context()))
	f := newFeed(&c, d, newKeyring(&c, d))
	f.pace = quickPace()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.run(ctx) })
	i := newIntrospector(&c, d)
	t.Cleanup(func() {
		stop()
		running.Wait()
		i.close()
		transport.CloseIdleConnections()
		auth.CloseClientConnections()
		auth.Close()
	})
	until(t, "the feed is heard", func() bool { return streams.Load() == 1 })
	w.lose()
	until(t, "the feed is heard over another connection", func() bool { return streams.Load() > 1 })
	if _, err := i.look(t.Context(), strings.Repeat("x", 20)); err != nil || asked.Load() != 1 {
		t.Errorf("a token cannot be asked about: %v", err)
	}
}
