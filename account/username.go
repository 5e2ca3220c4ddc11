package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	maxUsernameBytes = 256 // before anything is done with it
	maxUsername      = 64  // characters of the canonical form
)

// CanonicalUsername gives the one spelling under which a user name is known: trimmed, NFKC, case-folded. It has 1 to 64
// letters, digits and . _ - @ + of one script (Han goes together with Kana, Hangul or Bopomofo, and these with Latin),
// so that no two accounts look the same.
func CanonicalUsername(typed string) (string, bool) {
	if len(typed) > maxUsernameBytes || !utf8.ValidString(typed) {
		return "", false
	}
	name := folded(strings.TrimSpace(typed))
	if n := utf8.RuneCountInString(name); n < 1 || n > maxUsername || len(name) > maxUsernameBytes {
		return "", false
	}
	if !allAllowed(name) || !oneScript(name) {
		return "", false
	}
	return name, true
}

// folded is the form in which spellings that differ only in case or composition are the same. Folding may leave what
// normalising joins and the other way round, hence both, until nothing changes.
func folded(s string) string {
	if ascii(s) {
		return strings.ToLower(s) // the same, and fast enough to search ten thousand users
	}
	fold := cases.Fold()
	for range 4 {
		next := norm.NFKC.String(fold.String(norm.NFKC.String(s)))
		if next == s {
			break
		}
		s = next
	}
	return s
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func allAllowed(name string) bool {
	letterBefore := false
	for _, r := range name {
		switch {
		case invisible(r):
			return false
		case unicode.IsLetter(r):
			letterBefore = true
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r):
			// Vowel signs and the like belong to a letter; anywhere else they are drawn over their neighbour.
			if !letterBefore {
				return false
			}
		case unicode.Is(unicode.Nd, r) || strings.ContainsRune("._-@+", r):
			letterBefore = false
		default:
			return false
		}
	}
	return true
}

// invisible characters draw nothing, some of them although they count as letters.
func invisible(r rune) bool {
	return unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		r >= 0xE0000 && r <= 0xE0FFF
}

// writtenTogether lists scripts that one name may mix (UTS 39, highly restrictive).
var writtenTogether = [][]*unicode.RangeTable{
	{unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana},
	{unicode.Latin, unicode.Han, unicode.Hangul},
	{unicode.Latin, unicode.Han, unicode.Bopomofo},
}

func oneScript(name string) bool {
	letters := strings.Map(func(r rune) rune {
		if r < 0x80 && !unicode.IsLetter(r) || unicode.In(r, unicode.Common, unicode.Inherited) {
			return -1
		}
		return r
	}, name)
	if letters == "" || within(letters, unicode.Latin) {
		return true
	}
	for _, scripts := range writtenTogether {
		if within(letters, scripts...) {
			return true
		}
	}
	first, _ := utf8.DecodeRuneInString(letters)
	for _, script := range unicode.Scripts {
		if unicode.Is(script, first) {
			return within(letters, script)
		}
	}
	return false
}

func within(s string, tables ...*unicode.RangeTable) bool {
	for _, r := range s {
		if !unicode.In(r, tables...) {
			return false
		}
	}
	return true
}
