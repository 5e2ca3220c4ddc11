package web

import "net/http"

// recorder remembers the status of an answer. It hides no ability of the writer below: http.ResponseController unwraps it.
type recorder struct {
	http.ResponseWriter
	status int    // 0: no answer yet
	begins func() // is called before the answer is written, which may wait for who reads it; nil: nobody is
}

func (w *recorder) begin() {
	if w.begins != nil {
		w.begins()
	}
}

func (w *recorder) WriteHeader(status int) {
	if status >= 200 {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(status)
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.begin()
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// LimitBody lets at most n bytes of the body be read; what is longer fails with *http.MaxBytesError and the connection is
// closed after the answer. A limit set before stays in force where it is smaller.
func LimitBody(w http.ResponseWriter, r *http.Request, n int64) {
	if 0 <= r.ContentLength && r.ContentLength <= n {
		return // it ends there
	}
	// net/http closes the connection only through its own writer, so the recorder is taken off.
	if own, wrapped := w.(*recorder); wrapped {
		w = own.ResponseWriter
	}
	r.Body = http.MaxBytesReader(w, r.Body, n)
}
