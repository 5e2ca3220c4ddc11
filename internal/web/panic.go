package web

import (
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
)

// recovered answers for a handler that panicked with v. It reports whether the connection has to be broken, because the
// handler wants it or because half of an answer is already on its way.
func (c *Config) recovered(x *exchange, r *http.Request, v any) (abort bool) {
	if v == nil {
		x.settle()
		return false
	}
	if v == http.ErrAbortHandler {
		return true
	}
	x.event.Error = "server_error"
	x.event.Cause = fmt.Errorf("panic: %v", v)
	x.event.stack = string(debug.Stack())
	if x.status != 0 {
		x.status = http.StatusInternalServerError // for the log; the answer ends here
		return true
	}
	clear(x.Header())
	c.prepare(x.Header(), x.requestID[:])
	writeServerError(x, r)
	return false
}

// settle records the status that net/http gives an answer of which nothing was written.
func (w *recorder) settle() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

func writeServerError(w http.ResponseWriter, r *http.Request) {
	NoStore(w.Header())
	contentType, body := "application/json", `{"error":"server_error"}`+"\n"
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		contentType, body = "text/plain; charset=utf-8", "Something went wrong here. Please try again.\n"
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, body) // the caller may be gone; the event tells the rest
}
