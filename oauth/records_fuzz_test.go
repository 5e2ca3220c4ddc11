package oauth

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// FuzzCompact: fields are read as they were written, and a record that lacks a byte, or has one more, is damaged.
func FuzzCompact(f *testing.F) {
	f.Add("text", "", uint64(1), int64(0), int64(0))
	f.Add("\x00\xff", strings.Repeat("a", 200), uint64(1<<63), int64(-62135596800), int64(999_999_999))
	f.Fuzz(func(t *testing.T, one, other string, n uint64, seconds, nanoseconds int64) {
		const year9999 = 253402300799
		at := time.Unix(seconds%year9999, max(nanoseconds, 0)%int64(time.Second)).UTC()
		var key digest
		copy(key[:], one)
		var w compactWriter
		w.text(one)
		w.number(n)
		w.list([]string{other, one})
		w.list(nil)
		w.time(at)
		w.digest(&key)
		w.time(time.Time{})
		read := func(b string) (same bool, err error) {
			r := compactReader{rest: b}
			same = r.text() == one
			same = r.number() == n && same
			two, none := r.list(), r.list()
			same = len(two) == 2 && two[0] == other && two[1] == one && none == nil && same
			same = r.time().Equal(at) && same
			same = r.digest() == key && same
			return r.time().IsZero() && same, r.done()
		}
		if same, err := read(string(w)); !same || err != nil {
			t.Errorf("%x is read otherwise: %v", w, err)
		}
		for _, bent := range []string{string(w[:len(w)-1]), string(w) + "\x00"} {
			if _, err := read(bent); err == nil {
				t.Errorf("%x is taken for whole", bent)
			}
		}
	})
}

// FuzzSketch: what is read of a sketch is written as it is read again, and counts no more than there are.
func FuzzSketch(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("habcdefgh"))
	f.Add([]byte("habcdabcd"))
	f.Add(append([]byte{sketchOfRegisters}, make([]byte, sketchSize)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s, again sketch
		if s.UnmarshalBinary(b) != nil {
			return
		}
		written, err := s.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(written); err != nil || again.count() != s.count() || s.count() < 0 {
			t.Errorf("%x counts %d, and written as %x %d, %v", b, s.count(), written, again.count(), err)
		}
		if second, _ := again.MarshalBinary(); !bytes.Equal(second, written) {
			t.Errorf("%x is written as %x, then as %x", b, written, second)
		}
	})
}

// FuzzResource: what names a resource is an absolute URI without a fragment, as others read it (RFC 8707 section 2).
func FuzzResource(f *testing.F) {
	for _, s := range []string{"https://api.example.com/", "urn:example:api", "https://a/#", "https://a/#b", "//a", "https://u@a/", "https://a/ b", "https://a/\\b", "a:", "https://a/?b=c#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !isResource(s) {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.User != nil || strings.ContainsFunc(s, func(r rune) bool { return r == '#' || r == '\\' || r <= ' ' || r == 0x7f }) {
			t.Errorf("%q is a resource: %v, %v", s, u, err)
		}
	})
}

// FuzzCovered: no secret is shown, whatever stands around it, nor anything that moves a cursor.
func FuzzCovered(f *testing.F) {
	for _, s := range [][2]string{{"", ""}, {"Bearer ", "\n"}, {"https://a/?code=", "&x=y"}, {"eyJaaaaaa", "%"}, {"\u202e", "\x1b[2J"}, {"=%", "%="}, {"grat_", "_"}} {
		f.Add(s[0], s[1])
	}
	body := strings.Repeat("Ab1", 16)
	f.Fuzz(func(t *testing.T, before, behind string) {
		for _, secret := range []string{accessPrefix + body, clientSecretPrefix + body, body} {
			for _, shown := range []string{sentText(before + secret + behind), sentURI(before + secret + behind), sentURI("https://a.example/?" + before + "=" + secret + behind)} {
				if strings.Contains(shown, body[:24]) {
					t.Errorf("%q and %q show %q", before, behind, shown)
				}
				if !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%q and %q show %q", before, behind, shown)
				}
			}
		}
		if strings.ContainsAny(before+behind, "?#") {
			return // behind those no user stands
		}
		if shown := sentURI(before + "//u:hush hush@" + behind); strings.Contains(shown, "hush") && !strings.Contains(before+behind, "hush") {
			t.Errorf("%q and %q show %q", before, behind, shown)
		}
	})
}
