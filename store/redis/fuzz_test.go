package redis

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
)

// FuzzKeys: a key leads back to what it names, and what is no key of ours names nothing.
func FuzzKeys(f *testing.F) {
	for _, seed := range []string{"a", "{a}:b", "}", "hot:{", ":", "r:{small}:x", "r:hot:x", "r:{small:x", "r:small}:x", "c:hot:x", "c:small:", "r:{hot}:x"} {
		f.Add(seed)
	}
	k := keys{"grantor:"}
	kinds := store.Kinds{hot.Name: hot, small.Name: small}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range kinds {
			if text == "" {
				continue
			}
			if got, id, err := k.ofRecord(kinds, k.record(kind, text)); err != nil || got != kind || id != text {
				t.Errorf("record %q of %s is %q of %s, %v", text, kind.Name, id, got.Name, err)
			}
			if got, id, err := k.ofCounter(kinds, k.counter(kind, text)); err != nil || got != kind || id != text {
				t.Errorf("counter %q of %s is %q of %s, %v", text, kind.Name, id, got.Name, err)
			}
		}
		if kind, id, err := k.ofRecord(kinds, k.prefix+text); err == nil && strings.HasPrefix(text, "r:") && k.record(kind, id) != k.prefix+text {
			t.Errorf("%q is record %q of %s", text, id, kind.Name)
		}
		if kind, id, err := k.ofCounter(kinds, k.prefix+text); err == nil && strings.HasPrefix(text, "c:") && k.counter(kind, id) != k.prefix+text {
			t.Errorf("%q is counter %q of %s", text, id, kind.Name)
		}
	})
}

// FuzzTags: the scripts inside Redis read the tags of a record as the server does.
func FuzzTags(f *testing.F) {
	server := redistest.New(f)
	f.Add("a", "b", "value", uint8(2))
	f.Add(strings.Repeat("x", 200), "\x00\xff", "", uint8(16))
	f.Add("", "\r\n", "\x01\x02", uint8(1))
	f.Fuzz(func(t *testing.T, one, other, value string, count uint8) {
		r := store.Record{Kind: small, ID: "id", Version: 1, Value: []byte(value)}
		for i := range int(count) % (store.MaxTags + 1) {
			r.Tags = append(r.Tags, []string{one, other}[i%2])
		}
		b := r.Marshal()
		got, err := server.Do("EVAL", luaTags+"\nlocal list = tags(ARGV[1])\nlocal out = ''\nfor _, tag in ipairs(list) do out = out .. #tag .. ':' .. tag end\nreturn #list .. ';' .. out", "0", string(b))
		if err != nil {
			t.Fatal(err)
		}
		read, err := store.Unmarshal(r.Kind, r.ID, b)
		if err != nil || !slices.Equal(read.Tags, r.Tags) || got != spelt(r.Tags) {
			t.Errorf("%q is read as %q by the server, %v, and as %q by Redis", r.Tags, read.Tags, err, got)
		}
	})
}

// spelt writes tags as the script of FuzzTags does.
func spelt(tags []string) string {
	text := strconv.Itoa(len(tags)) + ";"
	for _, tag := range tags {
		text += strconv.Itoa(len(tag)) + ":" + tag
	}
	return text
}
