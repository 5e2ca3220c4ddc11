package jose

import (
	"encoding/json"
	"errors"
	"strings"
)

var (
	errHeader     = invalid("header is not a JSON object of distinct members")
	errMembers    = invalid("alg, kid or typ is missing or not a string")
	errUnderstood = invalid("crit, b64 and cty are not accepted")
)

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
