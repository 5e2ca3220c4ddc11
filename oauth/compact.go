package oauth

import (
	"encoding/binary"
	"errors"
	"time"
)

// The compact form of what is read at every request: fields one behind the other in a fixed order, without names. Numbers
// are varints, texts and lists have their length before them, and a time is the nanoseconds of its second plus one, then
// its Unix seconds; a lone zero is the zero time.

// errCompact says that a record is not what compactReader was told to expect.
var errCompact = errors.New("the stored record is damaged or of an unknown format")

// compactWriter gathers fields.
type compactWriter []byte

func (w *compactWriter) number(n uint64) { *w = binary.AppendUvarint(*w, n) }

func (w *compactWriter) text(s string) {
	w.number(uint64(len(s)))
	*w = append(*w, s...)
}

func (w *compactWriter) list(all []string) {
	w.number(uint64(len(all)))
	for _, s := range all {
		w.text(s)
	}
}

func (w *compactWriter) digest(d *digest) { *w = append(*w, d[:]...) }

func (w *compactWriter) time(t time.Time) {
	if t.IsZero() {
		w.number(0)
		return
	}
	w.number(uint64(t.Nanosecond()) + 1)
	*w = binary.AppendVarint(*w, t.Unix())
}

// compactReader reads fields in the order in which they were written. After the first fault it gives zero values, and
// done tells. The texts that it gives share its memory: one copy of the record holds them all.
type compactReader struct {
	rest   string
	failed bool
}

func (r *compactReader) fail() {
	r.rest, r.failed = "", true
}

// done is errCompact unless all was read, and no more.
func (r *compactReader) done() error {
	if r.failed || r.rest != "" {
		return errCompact
	}
	return nil
}

func (r *compactReader) number() uint64 {
	var n uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		b := r.rest[i]
		if b < 0x80 {
			if i == binary.MaxVarintLen64-1 && b > 1 {
				break // more than 64 bits
			}
			r.rest = r.rest[i+1:]
			return n | uint64(b)<<(7*i)
		}
		n |= uint64(b&0x7f) << (7 * i)
	}
	r.fail()
	return 0
}

// cut takes the next n bytes.
func (r *compactReader) cut(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *compactReader) text() string { return r.cut(r.number()) }

// count reads how many of something follow, each of which takes a byte at least: what is claimed cannot make us allocate
// more than what is there.
func (r *compactReader) count() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return int(n)
}

// list gives nil for an empty one.
func (r *compactReader) list() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	all := make([]string, n)
	for i := range all {
		all[i] = r.text()
	}
	return all
}

func (r *compactReader) digest() (d digest) {
	copy(d[:], r.cut(uint64(len(d))))
	return d
}

func (r *compactReader) time() time.Time {
	nanoseconds := r.number()
	if nanoseconds == 0 {
		return time.Time{}
	}
	zigzag := r.number()
	if nanoseconds > uint64(time.Second) || r.failed {
		r.fail()
		return time.Time{}
	}
	return time.Unix(int64(zigzag>>1)^-int64(zigzag&1), int64(nanoseconds-1)).UTC()
}
