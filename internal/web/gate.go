package web

import (
	"bytes"
	"io"
	"net/http"
	"sync"

	"github.com/grantor-dev/grantor/internal/limit"
)

// Gate stands before handlers and lets through what may come. Before anything of a request is read, it refuses an address
// that has sent too much without proving who sends it; a handler that has such a proof says so in Event.Proven, and the
// request is not held against its address.
type Gate struct {
	Limits *limit.Limits
	Class  limit.Class // what counts requests that proved nothing
	Lane   *limit.Lane // nil: the handler enters a lane itself, or needs none
	// Refuse answers a request that is not let through: *limit.ExceededError, limit.ErrBusy, or the error of a context that
	// has ended.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
}

// Before puts the gate before a handler.
func (g Gate) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event := EventFrom(r.Context())
		if err := g.Limits.Check(g.Class, event.address); err != nil {
			g.Refuse(w, r, err)
			return
		}
		if !g.serve(w, r, next) {
			return
		}
		// A failure of ours is nobody's fault.
		if !event.Proven && statusOf(w) < http.StatusInternalServerError {
			g.Limits.Count(g.Class, event.address)
		}
	})
}

// serve reports whether the request got a turn.
func (g Gate) serve(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	if g.Lane != nil {
		// Whoever sends slowly must not keep others out meanwhile.
		readAhead(r)
		if err := g.Lane.Enter(r.Context()); err != nil {
			g.Refuse(w, r, err)
			return false
		}
		// Nor must whoever reads slowly: the work is done where the answer begins.
		leave := sync.OnceFunc(g.Lane.Leave)
		defer leave()
		if own, ok := w.(*recorder); ok {
			own.begins = leave
		}
	}
	next.ServeHTTP(w, r)
	return true
}

// ahead is how much of a body is read before its request waits for a turn, in bytes: what forms of strangers may have, and
// the one byte by which a handler finds out that there is more.
const ahead = 64<<10 + 1

// readAhead reads the beginning of a body, and has the body begin with it again.
func readAhead(r *http.Request) {
	if r.Body == nil || r.ContentLength == 0 {
		return
	}
	var head bytes.Buffer
	_, err := io.CopyN(&head, r.Body, ahead)
	r.Body = &readBody{head: head.Bytes(), err: err, rest: r.Body}
}

// readBody is a body whose beginning was read before.
type readBody struct {
	head []byte
	err  error // behind the beginning; nil: there is more
	rest io.ReadCloser
}

func (b *readBody) Read(p []byte) (int, error) {
	if len(b.head) > 0 {
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}

func (b *readBody) Close() error { return b.rest.Close() }

// statusOf gives the status that was answered.
func statusOf(w http.ResponseWriter) int {
	if own, ok := w.(*recorder); ok && own.status != 0 {
		return own.status
	}
	return http.StatusOK
}
