// Package object writes flat JSON objects: the answers, claims and log lines of which there is one for each request. It takes
// no reflection and no allocation beyond the buffer. What is nested belongs to encoding/json.
package object

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Writer appends members to an object. Begin makes one; the names of members are written as they are, so they must be plain.
type Writer struct{ b []byte }

// Begin opens an object behind what is in b.
func Begin(b []byte) Writer { return Writer{append(b, '{')} }

// Reset begins anew in the memory of a Writer, whose former object must not be used any more.
func (w *Writer) Reset() { w.b = append(w.b[:0], '{') }

// End closes the object and gives the buffer.
func (w *Writer) End() []byte { return append(w.b, '}') }

func (w *Writer) name(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// Text adds a text.
func (w *Writer) Text(name, value string) {
	w.name(name)
	w.b = appendText(w.b, value)
}

// TextUnlessEmpty adds a text, and nothing where it is empty.
func (w *Writer) TextUnlessEmpty(name, value string) {
	if value != "" {
		w.Text(name, value)
	}
}

// Int adds a number.
func (w *Writer) Int(name string, value int64) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, value, 10)
}

// IntUnlessZero adds a number, and nothing where it is 0.
func (w *Writer) IntUnlessZero(name string, value int64) {
	if value != 0 {
		w.Int(name, value)
	}
}

// Float adds a number, in digits without an exponent.
func (w *Writer) Float(name string, value float64) {
	w.name(name)
	w.b = strconv.AppendFloat(w.b, value, 'f', -1, 64)
}

// Time adds a time as RFC 3339 writes it.
func (w *Writer) Time(name string, value time.Time) {
	w.name(name)
	w.b = append(w.b, '"')
	w.b = value.AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
}

// Bool adds a truth value.
func (w *Writer) Bool(name string, value bool) {
	w.name(name)
	w.b = strconv.AppendBool(w.b, value)
}

// Audience adds a list of texts: one that names one is a text itself (RFC 7519 section 4.1.3).
func (w *Writer) Audience(name string, values []string) {
	if len(values) == 1 {
		w.Text(name, values[0])
		return
	}
	w.name(name)
	w.b = append(w.b, '[')
	for i, value := range values {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = appendText(w.b, value)
	}
	w.b = append(w.b, ']')
}

func appendText(b []byte, s string) []byte {
	if !isPlain(s) {
		var quoted bytes.Buffer
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(s) // a text always has a form
		return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// isPlain reports whether a text stands in JSON as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= utf8.RuneSelf, c == '"', c == '\\':
			return false
		}
	}
	return true
}
