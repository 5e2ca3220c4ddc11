package oauth

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is a set of scope tokens in the order in which they were named (RFC 6749 section 3.3).
type Scope []string

// Bounds of what a request may name.
const (
	maxScopeLength = 4096
	maxScopeTokens = 100
)

// ParseScope reads a space-separated scope. It reports false for a token outside %x21 / %x23-5B / %x5D-7E and for a list
// beyond the bounds. Repeated tokens count once.
func ParseScope(s string) (Scope, bool) {
	if len(s) > maxScopeLength {
		return nil, false
	}
	if s == "" {
		return nil, true
	}
	scope := make(Scope, 0, min(strings.Count(s, " ")+1, maxScopeTokens))
	for token, rest, more := "", s, true; more; {
		token, rest, more = strings.Cut(rest, " ")
		if token == "" {
			continue
		}
		if !isScopeToken(token) || len(scope) == maxScopeTokens {
			return nil, false
		}
		if !slices.Contains(scope, token) {
			scope = append(scope, token)
		}
	}
	return scope, true
}

// malformedScope refuses what ParseScope does not read.
func malformedScope(requested string) *Error {
	return refuse(InvalidScope, "scope is malformed or too long").
		By(fmt.Sprintf("scope is at most %d tokens of printable ASCII, and %d bytes", maxScopeTokens, maxScopeLength), "RFC 6749 section 3.3").
		But(func() string { return fmt.Sprintf("got %d bytes: %s", len(requested), sentText(requested)) })
}

func isScopeToken(token string) bool {
	for i := range len(token) {
		if c := token[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (s Scope) String() string { return strings.Join(s, " ") }

// MarshalText gives a scope in records the form that it has in the protocol, which is read faster than a list.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Scope) UnmarshalText(text []byte) error {
	*s = strings.Fields(string(text))
	return nil
}

// Contains reports whether every token of other is in s.
func (s Scope) Contains(other Scope) bool {
	for _, token := range other {
		if !slices.Contains(s, token) {
			return false
		}
	}
	return true
}

// Equal reports whether both name the same tokens, in whatever order.
func (s Scope) Equal(other Scope) bool {
	return len(s) == len(other) && s.Contains(other)
}

// Union names what is in either.
func (s Scope) Union(other Scope) Scope {
	all := slices.Clone(s)
	for _, token := range other {
		if !slices.Contains(all, token) {
			all = append(all, token)
		}
	}
	return all
}
