// Package web is what every HTTP answer of Grantor has in common: the request id and the one log event per request, the
// address of the caller, the security headers, cookies, the body limit, and the answer to a panic.
//
// It knows nothing of OAuth, of people or of pages: it routes nothing and renders nothing, and of a failed request it says
// no more than that it failed. It reads X-Forwarded-For, and only from configured proxies; Forwarded, X-Forwarded-Host,
// X-Forwarded-Proto, X-Request-Id and the method override headers of a request change nothing.
package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// DefaultBodyLimit is how many bytes of a request body are read where a handler sets no smaller limit.
const DefaultBodyLimit = 1 << 20

// Config is what the chain of New depends on; its zero value works and logs nothing.
type Config struct {
	Log            *slog.Logger     // nil: no log
	TrustedProxies []netip.Prefix   // peers whose X-Forwarded-For is believed
	Now            func() time.Time // nil: time.Now
	HTTPS          bool             // the issuer is https: answer with HSTS
	BodyLimit      int64            // 0: DefaultBodyLimit

	// Began is called before a request is served and gives the context that it is served in, and that Done sees; nil: that of
	// the request.
	Began func(context.Context, *http.Request, *Event) context.Context
	// Done is called when an answer is complete and its event was written; nil: nobody is. The caller may have its answer
	// only after that, so Done must not wait for anything, nor take longer for one secret than for another.
	Done func(*http.Request, *Event)
}

// New returns the outermost handler of a listener: it opens the event of each request, prepares headers and limits, calls
// the next handler, answers for it when it panics, and writes the event.
func New(c Config) func(next http.Handler) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.BodyLimit == 0 {
		c.BodyLimit = DefaultBodyLimit
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, next) })
	}
}

// exchange is one request and its answer; it is one allocation because every request needs all of it.
type exchange struct {
	recorder
	event     Event
	began     time.Time
	requestID [1]string // as the header holds it
	context   eventContext
}

func (c *Config) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	x := c.open(w, r)
	defer func() {
		abort := c.recovered(x, r, recover())
		x.event.Status, x.event.Took = x.status, c.Now().Sub(x.began)
		c.write(x, r)
		if c.Done != nil {
			c.Done(r, &x.event)
		}
		if abort {
			panic(http.ErrAbortHandler)
		}
	}()
	x.context = eventContext{r.Context(), &x.event}
	ctx := context.Context(&x.context)
	if c.Began != nil {
		ctx = c.Began(ctx, r, &x.event)
	}
	r = r.WithContext(ctx) // what Done sees as well
	next.ServeHTTP(&x.recorder, r)
}

func (c *Config) open(w http.ResponseWriter, r *http.Request) *exchange {
	address, fromProxy := c.address(r)
	address = untranslated(address) // after proxies were told by the addresses that they have
	x := &exchange{recorder: recorder{ResponseWriter: w}, began: c.Now()}
	x.event = Event{RequestID: newRequestID(x.began), Address: text(address), Path: r.URL.Path, FromProxy: fromProxy, address: address}
	x.requestID[0] = x.event.RequestID
	c.prepare(w.Header(), x.requestID[:])
	// RFC 9112 section 6.1: a request with both Content-Length and Transfer-Encoding may be an attempt to smuggle a
	// second one. net/http has dropped Content-Length by now, so every chunked request costs its connection.
	if len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}
	LimitBody(w, r, c.BodyLimit)
	return x
}

// newRequestID begins with the time in 48 bits of milliseconds, so that what is kept of requests has an order; 80 random bits
// follow.
func newRequestID(now time.Time) string {
	var id [16]byte
	_, _ = rand.Read(id[6:]) // never fails: crypto/rand ends the program instead
	ms := now.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}
