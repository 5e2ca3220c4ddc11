package web

import (
	"cmp"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Connections gives a listener whose connections cost less than those of package net, for a server of package net/http
// without TLS:
//
//   - Their deadlines are kept by one timer for all. net/http sets six for each request, and each would be set anew in the
//     runtime. A connection ends up to deadlineTick later than its deadline says.
//   - A handler that is done within milliseconds can spare the watch for a caller who hangs up; see Hasten.
func Connections(l net.Listener) net.Listener {
	return &listener{Listener: l, open: openConnections{began: time.Now()}}
}

// deadlineTick is how exact deadlines are.
const deadlineTick = 250 * time.Millisecond

type listener struct {
	net.Listener
	open openConnections
}

// Accept is part of net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: accepted, open: &l.open}
	l.open.add(c)
	return c, nil
}

// openConnections knows all connections of a listener, and looks at their deadlines while there are any.
type openConnections struct {
	began time.Time // deadlines are counted from here, so that it does not matter if the clock is set
	mu    sync.Mutex
	all   map[*connection]struct{}
	timer *time.Timer // set while there are connections
}

func (o *openConnections) add(c *connection) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[*connection]struct{}{}
	}
	o.all[c] = struct{}{}
	if o.timer == nil {
		o.timer = time.AfterFunc(deadlineTick, o.look)
	}
}

func (o *openConnections) remove(c *connection) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, c)
	if len(o.all) == 0 && o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
}

// look ends what waits on connections whose deadlines are over.
func (o *openConnections) look() {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := int64(time.Since(o.began))
	for c := range o.all {
		c.reading.look(now, c.Conn.SetReadDeadline)
		c.writing.look(now, c.Conn.SetWriteDeadline)
	}
	if o.timer != nil {
		o.timer.Reset(deadlineTick)
	}
}

// connection is a connection whose deadlines are looked at now and then.
type connection struct {
	net.Conn
	open             *openConnections
	reading, writing deadline
	hastened         atomic.Bool
}

// Read is part of net.Conn. net/http watches for a caller who hangs up by reading one byte while a handler runs, which costs
// a goroutine, a system call and three deadlines. Where the handler is in haste the watch ends at once with nothing read;
// net/http takes that for a watch that nobody waits for any more. Only once: whatever else reads one byte tries again.
func (c *connection) Read(p []byte) (int, error) {
	if len(p) == 1 && c.hastened.CompareAndSwap(true, false) {
		return 0, nil
	}
	return c.Conn.Read(p)
}

// Close is part of net.Conn.
func (c *connection) Close() error {
	c.open.remove(c)
	return c.Conn.Close()
}

// CloseWrite tells the caller that no more comes, before the connection is closed.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// SetDeadline is part of net.Conn.
func (c *connection) SetDeadline(t time.Time) error {
	err := c.SetReadDeadline(t)
	if second := c.SetWriteDeadline(t); err == nil {
		err = second
	}
	return err
}

// SetReadDeadline is part of net.Conn. net/http sets one for each request before it comes, and none while it is served.
func (c *connection) SetReadDeadline(t time.Time) error {
	at := c.open.since(t)
	if at > 0 {
		c.hastened.Store(false)
	}
	return c.reading.set(at, c.Conn.SetReadDeadline)
}

// SetWriteDeadline is part of net.Conn.
func (c *connection) SetWriteDeadline(t time.Time) error {
	return c.writing.set(c.open.since(t), c.Conn.SetWriteDeadline)
}

// never is a deadline that there is not.
const never = 0

// since gives a deadline in nanoseconds since began. It is negative where net/http sets one long ago, to end what waits.
func (o *openConnections) since(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return cmp.Or(int64(t.Sub(o.began)), -1)
}

// deadline is one of a connection. Only one that is over is set on the connection itself: at once where it was long ago, or
// by a look.
type deadline struct {
	mu    sync.Mutex
	at    int64 // in nanoseconds since began, or never
	isSet bool  // on the connection
}

func (d *deadline) set(at int64, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
	if at < 0 {
		d.isSet = true
		return set(longAgo())
	}
	if d.isSet {
		d.isSet = false
		return set(time.Time{})
	}
	return nil
}

func (d *deadline) look(now int64, set func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at != never && d.at <= now && !d.isSet {
		d.isSet = true
		_ = set(longAgo()) // it fails where the connection is closed
	}
}

func longAgo() time.Time { return time.Unix(1, 0) }

type connectionKey struct{}

// WithConnection remembers the connection in the context of its requests; it is the ConnContext of an http.Server.
func WithConnection(ctx context.Context, c net.Conn) context.Context {
	if own, ok := c.(*connection); ok {
		return context.WithValue(ctx, connectionKey{}, own)
	}
	return ctx
}

// Hasten says that the request will be answered within milliseconds, so that nobody need watch whether its caller hangs up
// meanwhile: the context of the request does not end before its answer does. It holds if it is called before the body of the
// request is read, and for a connection of Connections.
func Hasten(ctx context.Context) {
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		c.hastened.Store(true)
	}
}
