package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/object"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// jsonType is shared between answers: http.Header never writes into the values that it holds.
var jsonType = []string{"application/json"}

// writeObject answers with the JSON object that members writes, which no cache keeps.
func (s *server) writeObject(w http.ResponseWriter, status int, members func(*object.Writer)) {
	body, _ := s.answers.Get().(*object.Writer)
	if body == nil {
		body = new(object.Begin(make([]byte, 0, usualAnswer)))
	}
	body.Reset()
	members(body)
	answer := append(body.End(), '\n')
	h := w.Header()
	h["Content-Type"] = jsonType
	if len(answer) > countedAnswer {
		h["Content-Length"] = []string{strconv.Itoa(len(answer))}
	}
	web.NoStore(h)
	w.WriteHeader(status)
	_, _ = w.Write(answer) // the caller may be gone
	// A longer one is not copied: HTTP/2 may still send it where its stream was reset, and then it must not be another's answer.
	if len(answer) <= countedAnswer {
		s.answers.Put(body)
	}
}

// usualAnswer is as long as most answers, in bytes; longer ones grow.
const usualAnswer = 512

// countedAnswer is how long an answer may be, in bytes, for net/http to say its length, which it does for less.
const countedAnswer = 2 << 10

// document is a JSON answer that is the same for everybody and may be cached.
type document struct {
	body []byte
	etag string
}

// documentAge is how long programs may keep the metadata and the keys. A key signs only after that.
var documentAge = fmt.Sprintf("public, max-age=%.0f", (oauth.KeyPublishTime - time.Minute).Seconds())

func newDocument(v any) (document, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return document{}, err
	}
	sum := sha256.Sum256(body)
	return document{body: body, etag: `"` + hex.EncodeToString(sum[:16]) + `"`}, nil
}

func (d document) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", d.etag)
	h.Set("Cache-Control", documentAge)
	if d.isKnown(r.Header.Get("If-None-Match")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(d.body)))
	_, _ = w.Write(d.body) // the caller may be gone
}

// isKnown reports whether a caller has the document already. Proxies that compress make tags weak, and callers may send
// several (RFC 9110 section 13.1.2).
func (d document) isKnown(tags string) bool {
	for tag := range strings.SplitSeq(tags, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == d.etag {
			return true
		}
	}
	return false
}

// writePage answers with a page. formTargets are where its form may end beyond this site.
func (s *server) writePage(w http.ResponseWriter, r *http.Request, status int, page any, formTargets ...string) {
	var body bytes.Buffer
	if err := s.Pages.Render(&body, page); err != nil {
		web.EventFrom(r.Context()).Cause = err
		http.Error(w, "The server failed to show this page.", http.StatusInternalServerError)
		return
	}
	web.PageHeaders(w.Header(), formTargets...)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the caller may be gone
}

// redirect sends a browser on. After a POST it is 303, never 307, which would send the form along (RFC 9700 section 4.12).
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	web.PageHeaders(w.Header())
	w.Header().Del("Content-Type")
	w.Header().Set("Location", to)
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusFound)
}

func (s *server) frame(signedIn string) templates.Frame {
	return templates.Frame{Base: s.base, Host: s.host, SignedIn: signedIn}
}
