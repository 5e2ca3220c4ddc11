package jose

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

var errNotObject = errors.New("not a JSON object of distinct members")

// eachMember visits the members of a JSON object in order. Names are compared as they read after unescaping, and exactly:
// encoding/json by itself would take the last of two members, and ALG for alg. The value is a part of object.
func eachMember(object []byte, visit func(name string, value []byte) error) error {
	if !utf8.Valid(object) || !json.Valid(object) {
		return errNotObject
	}
	// From here on the syntax is known to be right: what follows only looks for the ends of things.
	s := scanner{text: object}
	if s.next() != '{' {
		return errNotObject
	}
	s.at++
	seen := make(map[string]struct{}, 8)
	for s.next() != '}' {
		name, err := s.name()
		if err != nil {
			return errNotObject
		}
		if _, twice := seen[name]; twice {
			return errNotObject
		}
		seen[name] = struct{}{}
		if err := visit(name, s.value()); err != nil {
			return err
		}
	}
	return nil
}

// scanner walks over valid JSON.
type scanner struct {
	text []byte
	at   int
}

// next moves to the first character of the next name or value, or to the end of the object, and gives it.
func (s *scanner) next() byte {
	for {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			s.at++
		default:
			return c
		}
	}
}

func (s *scanner) name() (string, error) {
	start := s.at
	escaped := s.skipString()
	quoted := s.text[start:s.at]
	if !escaped {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var name string
	err := json.Unmarshal(quoted, &name)
	return name, err
}

func (s *scanner) value() []byte {
	s.next()
	start, depth := s.at, 0
	for {
		switch s.text[s.at] {
		case '"':
			s.skipString()
			if depth == 0 {
				return s.text[start:s.at]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // of the object that a number or a word stands in
				return s.text[start:s.at]
			}
			if depth--; depth == 0 {
				s.at++
				return s.text[start:s.at]
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.text[start:s.at]
			}
		}
		s.at++
	}
}

// skipString moves behind a string and reports whether it holds an escape.
func (s *scanner) skipString() (escaped bool) {
	for s.at++; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			escaped = true
			s.at++
		}
	}
	s.at++
	return escaped
}
