package protect

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"time"
)

// Server-sent events (WHATWG HTML, section 9.2): the reader of text/event-stream.

// Bounds of a stream, in bytes. What the server sends today is a tenth of it; what is longer is read past and reported as
// an event that could not be read, so that a faulty server costs no memory.
const (
	maxStreamLine = 16 << 10
	maxEventData  = 64 << 10
	maxEventID    = 256
)

// Bounds of what the server may ask for with `retry`.
const (
	minRetry = 100 * time.Millisecond
	maxRetry = 5 * time.Second
)

// event is one message of a stream. data is overwritten by the next one.
type event struct {
	id     string // of this event, or of the last one before it that had one
	name   string
	data   []byte
	broken bool // longer than the bounds: data is not all of it
}

// stream reads events.
type stream struct {
	r      *bufio.Reader
	begun  bool // something of the body was read
	skipLF bool // the line before ended in \r, so \n belongs to it
	line   []byte
	long   bool // the line was longer than its bound
	data   []byte
	id     string
	retry  time.Duration // what the server asked for last, 0 where it did not
}

func newStream(r io.Reader) *stream { return &stream{r: bufio.NewReaderSize(r, 4<<10)} }

// next waits for an event. io.EOF: the server has ended the stream, between two events; io.ErrUnexpectedEOF: in the middle
// of one, which is thrown away.
func (s *stream) next() (event, error) {
	e, started, hasData := event{}, false, false
	s.data = s.data[:0]
	for {
		err := s.readLine()
		switch {
		case errors.Is(err, io.EOF) && (started || len(s.line) > 0):
			return event{}, io.ErrUnexpectedEOF
		case err != nil:
			return event{}, err
		case len(s.line) > 0:
			started = true
			hasData = s.field(&e) || hasData
		case hasData || e.broken:
			e.id, e.data = s.id, s.data
			return e, nil
		default: // an event without data is none
			e, started = event{}, false
		}
	}
}

// field takes one line that is not empty, and tells whether it was data.
func (s *stream) field(e *event) (isData bool) {
	if s.long {
		e.broken = true
		return false
	}
	name, value := splitField(s.line)
	switch string(name) {
	case "event":
		e.name = string(value)
	case "data":
		s.append(e, value)
		return true
	case "id":
		if usableID(value) {
			s.id = string(value)
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			s.retry = min(max(time.Duration(ms)*time.Millisecond, minRetry), maxRetry)
		}
	}
	return false
}

func (s *stream) append(e *event, value []byte) {
	if len(s.data)+len(value) >= maxEventData {
		e.broken = true
		return
	}
	if len(s.data) > 0 {
		s.data = append(s.data, '\n')
	}
	s.data = append(s.data, value...)
}

// splitField parts a line at its first colon, and leaves out one space behind it. A comment has no name.
func splitField(line []byte) (name, value []byte) {
	for i, b := range line {
		if b != ':' {
			continue
		}
		value = line[i+1:]
		if len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		return line[:i], value
	}
	return line, nil
}

// usableID refuses what could not go back to the server in the header Last-Event-ID. The standard refuses NUL only, and
// would have the request fail again and again.
func usableID(id []byte) bool {
	if len(id) > maxEventID {
		return false
	}
	for _, b := range id {
		if b < 0x20 || b > 0x7e {
			return false
		}
	}
	return true
}

// readLine reads a line, without its end, which is \n, \r\n or \r.
func (s *stream) readLine() error {
	s.line, s.long = s.line[:0], false
	for {
		b, err := s.r.ReadByte()
		if err != nil {
			return err
		}
		if s.skipLF {
			s.skipLF = false
			if b == '\n' {
				continue
			}
		}
		if b == '\n' || b == '\r' {
			s.skipLF = b == '\r'
			s.dropBOM()
			return nil
		}
		if len(s.line) == maxStreamLine {
			s.long = true
			continue
		}
		s.line = append(s.line, b)
	}
}

// dropBOM takes the byte order mark off the first line.
func (s *stream) dropBOM() {
	if !s.begun && len(s.line) >= 3 && string(s.line[:3]) == "\xef\xbb\xbf" {
		s.line = s.line[3:]
	}
	s.begun = true
}
