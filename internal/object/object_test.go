package object_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/object"
)

// mirror is what encoding/json writes of the same members.
type mirror struct {
	Text     string   `json:"text"`
	Maybe    string   `json:"maybe,omitempty"`
	Number   int64    `json:"number"`
	MayBe0   int64    `json:"maybe_0,omitempty"`
	Flag     bool     `json:"flag"`
	Audience []string `json:"aud"`
}

func (m mirror) write(b []byte) string {
	w := object.Begin(b)
	w.Text("text", m.Text)
	w.TextUnlessEmpty("maybe", m.Maybe)
	w.Int("number", m.Number)
	w.IntUnlessZero("maybe_0", m.MayBe0)
	w.Bool("flag", m.Flag)
	w.Audience("aud", m.Audience)
	return string(w.End())
}

// FuzzObject compares with encoding/json, byte for byte.
func FuzzObject(f *testing.F) {
	f.Add("", "", int64(0), int64(0), false)
	f.Add("grat_abc", "read write", int64(-1), int64(1<<62), true)
	f.Add("\"\\\x00\x1f\x7f<script>&", "\xff\xc3\xa9\u2028\u2029\U0001f600", int64(600), int64(-9), false)
	f.Fuzz(func(t *testing.T, text, maybe string, number, other int64, flag bool) {
		m := mirror{text, maybe, number, other, flag, []string{text, maybe}}
		if got, want := m.write(nil), usual(t, m); got != want {
			t.Errorf("wrote %s\n  not %s", got, want)
		}
		m.Audience = []string{text}
		var back struct {
			Audience string `json:"aud"`
		}
		if err := json.Unmarshal([]byte(m.write(nil)), &back); err != nil || back.Audience != strings.ToValidUTF8(text, "\ufffd") && !sameRunes(back.Audience, text) {
			t.Errorf("one audience: %v, %q, not %q", err, back.Audience, text)
		}
	})
}

// usual is what encoding/json writes.
func usual(t *testing.T, v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// sameRunes reports whether two texts are the same with U+FFFD for each byte that is no UTF-8.
func sameRunes(a, b string) bool { return reflect.DeepEqual([]rune(a), []rune(b)) }

func TestNumbersAndTimesAreAsUsual(t *testing.T) {
	type figures struct {
		Float float64   `json:"float"`
		Time  time.Time `json:"time"`
	}
	for _, f := range []figures{
		{}, {0.001, time.Unix(0, 0)}, {1234567.891, time.Unix(1, 500).UTC()}, {30_000, time.Date(2026, 11, 23, 1, 2, 3, 4_000_000, time.FixedZone("", 3600))},
	} {
		w := object.Begin(nil)
		w.Float("float", f.Float)
		w.Time("time", f.Time)
		if got, want := string(w.End()), usual(t, f); got != want {
			t.Errorf("wrote %s\n  not %s", got, want)
		}
	}
}

func TestAnObjectIsAppended(t *testing.T) {
	if got := (mirror{Text: "a"}).write([]byte("before ")); got != `before {"text":"a","number":0,"flag":false,"aud":[]}` {
		t.Errorf("wrote %s", got)
	}
	w := object.Begin(nil)
	if got := string(w.End()); got != "{}" {
		t.Errorf("an empty object: %s", got)
	}
}

func TestAnObjectTakesNoAllocationOfItsOwn(t *testing.T) {
	buffer := make([]byte, 0, 512)
	m := mirror{Text: "grat_", Maybe: "read write", Number: 600, Audience: []string{"https://api.example.com"}}
	if n := testing.AllocsPerRun(100, func() {
		w := object.Begin(buffer)
		w.Text("text", m.Text)
		w.Int("number", m.Number)
		w.Audience("aud", m.Audience)
		buffer = w.End()[:0]
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
