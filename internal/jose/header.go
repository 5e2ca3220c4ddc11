package jose

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

var (
	errHeader     = invalid("header is not a JSON object of distinct members")
	errMembers    = invalid("alg, kid or typ is missing or not a string")
	errUnderstood = invalid("crit, b64 and cty are not accepted")
)

var errNotObject = errors.New("not a JSON object of distinct members")

// header is what of a JWS header is looked at. jwk, jku, x5u, x5c and whatever else is not.
type header struct{ alg, kid, typ string }

func parseHeader(protected string) (header, error) {
	raw, err := decode(protected)
	if err != nil {
		return header{}, err
	}
	var h header
	err = eachMember(raw, func(name string, value []byte) error { return h.member(name, value) })
	switch {
	case errors.Is(err, errNotObject):
		return header{}, errHeader
	case err != nil:
		return header{}, err
	case h.alg == "" || h.kid == "" || h.typ == "":
		return header{}, errMembers
	}
	return h, nil
}

func (h *header) member(name string, value []byte) error {
	switch name {
	case "alg":
		return readString(value, &h.alg)
	case "kid":
		return readString(value, &h.kid)
	case "typ":
		return readString(value, &h.typ)
	case "crit", "b64", "cty":
		// We understand no extension (RFC 7515 section 4.1.11), sign no raw payload (RFC 7797) and nest no token.
		return errUnderstood
	}
	return nil
}

func readString(value []byte, s *string) error {
	if value[0] != '"' || json.Unmarshal(value, s) != nil {
		return errMembers
	}
	return nil
}

// eachMember visits the members of a JSON object in order. Names are compared as they read after unescaping, and exactly:
// encoding/json by itself would take the last of two members, and ALG for alg.
func eachMember(object []byte, visit func(name string, value []byte) error) error {
	if !utf8.Valid(object) || !json.Valid(object) {
		return errNotObject
	}
	decoder := json.NewDecoder(bytes.NewReader(object))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return errNotObject
	}
	seen := make(map[string]struct{}, 8)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return errNotObject
		}
		name, _ := token.(string)
		if _, twice := seen[name]; twice {
			return errNotObject
		}
		seen[name] = struct{}{}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return errNotObject
		}
		if err := visit(name, value); err != nil {
			return err
		}
	}
	return nil
}

// sameType compares media types: case does not count, and the prefix "application/" may be left out where no other slash
// follows.
func sameType(got, want string) bool {
	if !isToken(got) {
		return false // beyond ASCII, letters fold onto others
	}
	return strings.EqualFold(shortType(got), shortType(want))
}

func shortType(t string) string {
	const prefix = "application/"
	if len(t) > len(prefix) && strings.EqualFold(t[:len(prefix)], prefix) && !strings.Contains(t[len(prefix):], "/") {
		return t[len(prefix):]
	}
	return t
}
