package bolt

import (
	"bytes"
	"testing"
	"time"
)

// FuzzLayout: no two things have one key, whatever stands in their names, and a value that changed on disk is found out.
func FuzzLayout(f *testing.F) {
	f.Add("kind", "tag", "id", int64(0), []byte("value"), uint16(0))
	f.Add("a", "\x01b", "c", int64(-1), []byte{}, uint16(9))
	f.Add("", "", "", int64(1<<40), []byte{0, 0, 0, 0}, uint16(300))
	f.Fuzz(func(t *testing.T, kind, tag, id string, ms int64, value []byte, at uint16) {
		k, rest, whole := cutPart(indexKey(kind, tag, id))
		g, rest, also := cutPart(rest)
		if !whole || !also || k != kind || g != tag || string(rest) != id {
			t.Errorf("%q, %q, %q come back as %q, %q, %q", kind, tag, id, k, g, rest)
		}
		ms %= 1 << 48
		key := expiryKey(sortRecord, time.UnixMilli(ms), kind, id)
		k, rest, whole = cutPart(key[expiryHead:])
		if !whole || k != kind || string(rest) != id || millisOf(key).UnixMilli() != ms {
			t.Errorf("%d, %q, %q come back as %v, %q, %q", ms, kind, id, millisOf(key), k, rest)
		}
		if later := expiryKey(sortRecord, time.UnixMilli(ms+1), "", ""); bytes.Compare(key, later) >= 0 {
			t.Errorf("%x stands behind %x", key, later)
		}
		sealed := seal([]byte(id), value)
		if got, whole := unseal([]byte(id), sealed); !whole || !bytes.Equal(got, value) {
			t.Errorf("%q came back as %q", value, got)
		}
		sealed[int(at)%len(sealed)] ^= 1
		if _, whole := unseal([]byte(id), sealed); whole {
			t.Errorf("%q is taken for whole", sealed)
		}
	})
}

// FuzzCutPart: what is cut off is what stands there, whatever length it claims.
func FuzzCutPart(f *testing.F) {
	for _, seed := range []string{"", "\x00", "\x03abcd", "\x05abc", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x80\x00a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		part, rest, whole := cutPart(b)
		if whole && (!bytes.HasSuffix(b, append([]byte(part), rest...)) || len(part)+len(rest) >= len(b)) {
			t.Errorf("%q is cut into %q and %q", b, part, rest)
		}
	})
}
