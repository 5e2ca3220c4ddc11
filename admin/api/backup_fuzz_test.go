package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzBackup: what is read as a backup was written as one, however it is cut on the way; a byte less, more or other, and it
// is none.
func FuzzBackup(f *testing.F) {
	f.Add([]byte("file"), uint16(0), byte(0))
	f.Add([]byte(sealWord), uint16(3), byte(1))
	f.Add([]byte{}, uint16(60), byte(128))
	f.Add(bytes.Repeat([]byte("\nGRANTOR"), 40), uint16(100), byte(255))
	f.Fuzz(func(t *testing.T, file []byte, at uint16, change byte) {
		var sent, read bytes.Buffer
		if err := WriteBackup(&sent, func(w io.Writer) error { _, err := w.Write(file); return err }); err != nil {
			t.Fatal(err)
		}
		if err := ReadBackup(iotest.OneByteReader(bytes.NewReader(sent.Bytes())), &read); err != nil || !bytes.Equal(read.Bytes(), file) {
			t.Fatalf("%q came back as %q, %v", file, &read, err)
		}
		bent := sent.Bytes()
		place := int(at) % len(bent)
		for what, b := range map[string][]byte{
			"cut":       bent[:place],
			"continued": append(bytes.Clone(bent), change),
			"changed":   append(append(bytes.Clone(bent[:place]), bent[place]^max(change, 1)), bent[place+1:]...),
		} {
			if err := ReadBackup(bytes.NewReader(b), io.Discard); !errors.Is(err, ErrIncomplete) {
				t.Errorf("%s at %d: %v", what, place, err)
			}
		}
		if ReadBackup(bytes.NewReader(file), io.Discard) == nil && !sealed(file) {
			t.Errorf("%q is taken for a backup", file)
		}
	})
}

// sealed reads a seal in another way than ReadBackup: from the end.
func sealed(b []byte) bool {
	if len(b) < sealSize {
		return false
	}
	file, seal := b[:len(b)-sealSize], b[len(b)-sealSize:]
	whole := sha256.New()
	whole.Write(file)
	word, size := seal[:len(sealWord)], binary.BigEndian.Uint64(seal[len(sealWord):])
	return string(word) == sealWord && size == uint64(len(file)) && bytes.Equal(whole.Sum(nil), seal[len(sealWord)+8:])
}

// FuzzEntityTags: a condition holds where the tag stands in the list as one of its own (RFC 9110 section 13.1), and a weak
// one never lets anybody write.
func FuzzEntityTags(f *testing.F) {
	for _, seed := range []string{"", "*", `"1"`, `W/"1"`, `"a", "1"`, `"W/1"`, `"1`, `W/W/"1"`, ` "1" ,`, `*, "2"`} {
		f.Add(seed, uint64(1))
	}
	f.Fuzz(func(t *testing.T, list string, version uint64) {
		version = max(version, 1)
		tag := `"` + strconv.FormatUint(version, 36) + `"`
		strong, weak := false, strings.Trim(list, " \t") == "*"
		for one := range strings.SplitSeq(list, ",") {
			one = strings.Trim(one, " \t")
			strong = strong || one == tag
			weak = weak || one == tag || one == "W/"+tag
		}
		if isFresh(list, tag) != weak {
			t.Errorf("%q is fresh for %s: %v", list, tag, !weak)
		}
		got, err := expected(list, version)
		if anything := list == "" || strings.Trim(list, " \t") == "*"; (err == nil) != (strong || anything) || err == nil && (got == version) != (strong && !anything) {
			t.Errorf("%q of version %s: %d, %v", list, tag, got, err)
		}
	})
}
