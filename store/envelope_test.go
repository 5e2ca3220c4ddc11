package store

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestEnvelopeComesBack(t *testing.T) {
	kind := Kind{Name: "x"}
	for _, r := range []Record{
		{Version: 1},
		{Version: 1<<64 - 1, Value: []byte("value"), Tags: []string{"one", strings.Repeat("x", MaxID)}},
		{Version: 7, Value: bytes.Repeat([]byte{0xff}, 1000), Expires: time.UnixMilli(1_900_000_000_123)},
		{Version: 7, Tags: make([]string, MaxTags), Expires: time.UnixMilli(-5)},
	} {
		r.Kind, r.ID = kind, "id"
		got, err := Unmarshal(kind, "id", r.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Value) == 0 {
			r.Value = got.Value
		}
		if len(got.Value) != len(r.Value) || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v came back as %+v", r, got)
		}
	}
}

func TestEnvelopeCutsTimesToMilliseconds(t *testing.T) {
	end := time.Unix(100, 123_999_999)
	got, err := Unmarshal(Kind{}, "", Record{Version: 1, Expires: end}.Marshal())
	if err != nil || !got.Expires.Equal(time.UnixMilli(100_123)) {
		t.Errorf("%v, %v", got.Expires, err)
	}
}

func TestDamagedEnvelopeIsAnError(t *testing.T) {
	whole := Record{Version: 1, Tags: []string{"a tag", "another"}}.Marshal()
	for n := range whole {
		if _, err := Unmarshal(Kind{}, "", whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are taken for a record", n, len(whole))
		}
	}
	for name, b := range map[string][]byte{
		"another format":    append([]byte{2}, whole[1:]...),
		"too many tags":     append(append([]byte{}, whole[:17]...), 17),
		"an endless number": append(append([]byte{}, whole[:17]...), bytes.Repeat([]byte{0xff}, 20)...),
		"a huge tag":        append(append([]byte{}, whole[:17]...), 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
	} {
		if _, err := Unmarshal(Kind{}, "", b); err == nil {
			t.Errorf("%s is taken for a record", name)
		}
	}
}

func TestEnvelopeKeepsNoReference(t *testing.T) {
	b := Record{Version: 1, Tags: []string{"tag"}, Value: []byte("value")}.Marshal()
	r, err := Unmarshal(Kind{}, "", b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if string(r.Value) != "value" || r.Tags[0] != "tag" {
		t.Errorf("the record changed with the bytes it was read from: %+v", r)
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(Record{Version: 1, Tags: []string{"a", "b"}, Value: []byte("v"), Expires: time.UnixMilli(5)}.Marshal())
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Unmarshal(Kind{Name: "x"}, "id", b)
		if err != nil {
			return
		}
		again, err := Unmarshal(r.Kind, r.ID, r.Marshal())
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%+v came back as %+v, %v", r, again, err)
		}
	})
}

func TestRecordIsCheckedAgainstTheLimits(t *testing.T) {
	long := strings.Repeat("x", MaxID+1)
	fits := Record{Kind: Kind{Name: "x"}, ID: long[1:], Value: make([]byte, MaxValue), Tags: make([]string, MaxTags)}
	for i := range fits.Tags {
		fits.Tags[i] = long[1:]
	}
	if err := fits.Check(); err != nil {
		t.Errorf("a record at the limits: %v", err)
	}
	for name, change := range map[string]func(*Record){
		"no kind":      func(r *Record) { r.Kind.Name = "" },
		"no id":        func(r *Record) { r.ID = "" },
		"long id":      func(r *Record) { r.ID = long },
		"large value":  func(r *Record) { r.Value = append(r.Value, 0) },
		"many tags":    func(r *Record) { r.Tags = append(r.Tags, "x") },
		"an empty tag": func(r *Record) { r.Tags = []string{""} },
		"a long tag":   func(r *Record) { r.Tags = []string{long} },
	} {
		r := fits
		change(&r)
		if r.Check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestRecordEndsAtItsExpiry(t *testing.T) {
	end := time.UnixMilli(1000)
	r := Record{Expires: end}
	if r.Expired(end.Add(-time.Nanosecond)) || !r.Expired(end) || (Record{}).Expired(end) {
		t.Error("a record ends at its expiry, one without never does")
	}
}
