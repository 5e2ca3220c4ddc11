package server

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzForm: a body is the same form whether its length is known or not and in whatever pieces it comes, and one that is cut
// is refused.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"", "a=b&c=d", "a=%zz", "a;b=c", "a=b+c%00", "&&=&a", "a=1&a=2", strings.Repeat("a", 300) + "=b", strings.Repeat("&", 10_000), strings.Repeat("a&", 9_999)} {
		f.Add([]byte(seed), uint16(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, missing uint16) {
		ask := func(length int, from io.Reader) (url.Values, error) {
			r := httptest.NewRequest(http.MethodPost, "/oauth2/token", from)
			r.Header.Set("Content-Type", formType)
			r.ContentLength = int64(length)
			read, err := readBody(httptest.NewRecorder(), r)
			return read.values(), err
		}
		want, wrong := url.ParseQuery(string(body))
		for what, read := range map[string]struct {
			length int
			from   io.Reader
		}{
			"whole": {len(body), bytes.NewReader(body)}, "in bytes": {len(body), iotest.OneByteReader(bytes.NewReader(body))},
			"in halves": {len(body), iotest.HalfReader(bytes.NewReader(body))}, "with its end": {len(body), iotest.DataErrReader(bytes.NewReader(body))},
			"in chunks": {-1, iotest.HalfReader(bytes.NewReader(body))},
		} {
			got, err := ask(read.length, read.from)
			if (err == nil) != (wrong == nil && len(body) <= maxForm) || err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %q is %q, %v, not %q, %v", what, body, got, err, want, wrong)
			}
		}
		_, err := ask(len(body)+1+int(missing), bytes.NewReader(body))
		if err == nil {
			t.Fatalf("%q lacks %d bytes and is taken", body, 1+int(missing))
		}
		wantRefusal(t, err)
	})
}

// FuzzAccept: who gets the other representation named it, and weighed it; in which order he did makes no difference.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{
		"application/token-introspection+jwt", "application/token-introspection+jwt;q=0.5, */*;q=0.4", "application/json, application/token-introspection+jwt;q=0",
		"application/*;q=1e-1,application/token-introspection+jwt;Q=0x1p-1", "APPLICATION/TOKEN-INTROSPECTION+JWT", `application/token-introspection+jwt;a="b,c"`, ";q=1,,", "*/*",
	} {
		f.Add(seed)
	}
	const named, usual = "application/token-introspection+jwt", "application/json"
	f.Fuzz(func(t *testing.T, line string) {
		ask := func(lines ...string) bool {
			return prefers(&http.Request{Header: http.Header{"Accept": lines}}, named, usual)
		}
		got, elements := ask(line), strings.Split(line, ",")
		if got && !strings.Contains(strings.ToLower(line), named) {
			t.Errorf("%q prefers what it does not name", line)
		}
		if several := ask(elements...); several != got {
			t.Errorf("%q in one line: %v, in several: %v", line, got, several)
		}
		slices.Reverse(elements)
		if reversed := ask(elements...); reversed != got {
			t.Errorf("%q: %v, reversed: %v", line, got, reversed)
		}
		for _, element := range elements {
			if _, weight, ok := mediaRange(element); ok && (weight < 0 || weight > 1) {
				t.Errorf("%q weighs %v", element, weight)
			}
		}
	})
}

// FuzzKnownDocument: a document is not sent again to whoever shows its tag, and to nobody else (RFC 9110 section 13.1.2).
func FuzzKnownDocument(f *testing.F) {
	for _, seed := range []string{`"abc"`, `W/"abc"`, `"x", W/"abc"`, "*", `"ab`, `W/W/"abc"`, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, tags string) {
		d := document{etag: strconv.Quote("abc")}
		if d.isKnown(tags) && !strings.Contains(tags, d.etag) && !strings.Contains(tags, "*") {
			t.Errorf("%q holds %s", tags, d.etag)
		}
		if !d.isKnown(tags + "," + d.etag) {
			t.Errorf("%q, continued, lacks %s", tags, d.etag)
		}
	})
}
