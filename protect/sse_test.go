package protect

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

type readEvent struct{ id, name, data string }

func readAll(t testing.TB, r io.Reader) (events []readEvent, broken int, end error) {
	t.Helper()
	s := newStream(r)
	for {
		e, err := s.next()
		if err != nil {
			return events, broken, err
		}
		if e.broken {
			broken++
		}
		events = append(events, readEvent{e.id, e.name, string(e.data)})
	}
}

func TestEventStreamsAreReadAsTheStandardSays(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		want         []readEvent
	}{
		{"one event", "id: 1\nevent: ended\ndata: {}\n\n", []readEvent{{"1", "ended", "{}"}}},
		{"carriage return and line feed", "id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n", []readEvent{{"1", "", "a"}, {"1", "", "b"}}},
		{"carriage returns alone", "id: 1\rdata: a\r\rdata: b\r\r", []readEvent{{"1", "", "a"}, {"1", "", "b"}}},
		{"ends of lines mixed", "data: a\r\ndata: b\ndata: c\r\n\ndata: d\n\r", []readEvent{{"", "", "a\nb\nc"}, {"", "", "d"}}},
		{"several lines of data", "data: a\ndata:\ndata:  b\n\n", []readEvent{{"", "", "a\n\n b"}}},
		{"comments and unknown fields", ": hello\n\nfoo: bar\ndata: a\n:\n\n", []readEvent{{"", "", "a"}}},
		{"no space behind the colon", "event:x\ndata:a\n\n", []readEvent{{"", "x", "a"}}},
		{"a field without a colon", "data\n\n", []readEvent{{"", "", ""}}},
		{"an event without data is none", "event: x\nid: 7\n\ndata: a\n\n", []readEvent{{"7", "", "a"}}},
		{"the name is of one event", "event: x\ndata: a\n\ndata: b\n\n", []readEvent{{"", "x", "a"}, {"", "", "b"}}},
		{"an empty id forgets", "id: 7\ndata: a\n\nid\ndata: b\n\n", []readEvent{{"7", "", "a"}, {"", "", "b"}}},
		{"ids that no header can carry", "id: 7\nid: a\x00b\nid: \u00fc\ndata: a\n\n", []readEvent{{"7", "", "a"}}},
		{"an id that is too long", "id: " + strings.Repeat("1", maxEventID+1) + "\ndata: a\n\n", []readEvent{{"", "", "a"}}},
		{"a byte order mark", "\xef\xbb\xbfdata: a\n\n", []readEvent{{"", "", "a"}}},
		{"a byte order mark later is none", "data: a\n\n\xef\xbb\xbfdata: b\n\n", []readEvent{{"", "", "a"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(test.stream), iotest.OneByteReader(strings.NewReader(test.stream))} {
				got, _, err := readAll(t, r)
				if !errors.Is(err, io.EOF) || !slices.Equal(got, test.want) {
					t.Errorf("read %q, %v", got, err)
				}
			}
		})
	}
}

func TestAnEventThatWasCutOffIsNotTaken(t *testing.T) {
	for _, stream := range []string{"data: a", "data: a\n", "id: 4\n", "event"} {
		if got, _, err := readAll(t, strings.NewReader("data: x\n\n"+stream)); len(got) != 1 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %q, %v", stream, got, err)
		}
	}
}

func TestWhatIsTooLongIsReadPastAndSaid(t *testing.T) {
	line := "data: " + strings.Repeat("x", maxStreamLine-len("data: "))
	for _, test := range []struct {
		name, event string
		broken      int
	}{
		{"the longest line", line + "\n", 0},
		{"a byte more", line + "x\n", 1},
		{"much more", line + strings.Repeat(line, 20) + "\n", 1},
		{"the most data", strings.Repeat(line+"\n", 4), 0},
		{"too many lines of data", strings.Repeat(line+"\n", 5), 1},
	} {
		got, broken, err := readAll(t, strings.NewReader("id: 1\n"+test.event+"\ndata: b\n\n"))
		if len(got) != 2 || got[1] != (readEvent{"1", "", "b"}) || broken != test.broken || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %d events, %d broken, %v", test.name, len(got), broken, err)
		}
	}
}

func TestTheServerChoosesWhenToRetryWithinBounds(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"1000": time.Second, "0": minRetry, "99999999": maxRetry, "-1": 0, "1e3": 0, "": 0, "99999999999999999999": 0,
	} {
		s := newStream(strings.NewReader("retry: " + value + "\n\ndata: a\n\n"))
		if _, err := s.next(); err != nil || s.retry != want {
			t.Errorf("%q: %s, %v", value, s.retry, err)
		}
	}
}

func FuzzEventStream(f *testing.F) {
	for _, seed := range []string{"id: 1\nevent: ended\ndata: {}\n\n", "\xef\xbb\xbfdata\r\r\n:x\n\n", "retry: 5\rdata: a\r\n\r\n", "data: a\n\ndata: b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		at, broken, err := readAll(t, strings.NewReader(stream))
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("ended with %v", err)
		}
		again, brokenAgain, _ := readAll(t, iotest.HalfReader(strings.NewReader(stream)))
		if !slices.Equal(at, again) || broken != brokenAgain {
			t.Fatalf("other events in other pieces: %q, %q", at, again)
		}
		for _, e := range at {
			if len(e.data) > maxEventData || len(e.id) > maxEventID || strings.ContainsAny(e.id, "\x00\r\n") {
				t.Fatalf("out of bounds: %d bytes of data, id %q", len(e.data), e.id)
			}
		}
	})
}
