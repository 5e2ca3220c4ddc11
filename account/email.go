package account

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxEmail = 254
	maxName  = 200 // characters of a display name
)

// plausibleEmail tells whether an address could be one. Only a message that arrives proves more.
func plausibleEmail(s string) bool {
	if len(s) > maxEmail || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r <= ' ' || invisible(r) || unicode.IsSpace(r) || strings.ContainsRune(`"(),:;<>[]\`, r) {
			return false
		}
	}
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.Contains(domain, "@") &&
		!strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".") && !strings.Contains(domain, "..")
}

// emailKey is the same for all spellings of an address. Its mail server may tell them apart; people do not.
func emailKey(email string) string { return folded(email) }
