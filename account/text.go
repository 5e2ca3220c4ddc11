package account

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// shown makes text that a stranger sent fit to be stored and read: valid, no control or direction characters, and not
// longer than limit bytes.
func shown(s string, limit int) string {
	s = cut(s, limit)
	quoted := strconv.QuoteToGraphic(strings.ToValidUTF8(s, "\uFFFD"))
	quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	return cut(quoted, limit)
}

// cut shortens s to limit bytes without cutting a character in half.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
