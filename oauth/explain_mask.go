package oauth

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What looks like a secret wherever it stands: ours by their prefixes, JWTs, and what an Authorization header holds.
var secretLooks = regexp.MustCompile(`gr[a-z]{2}_[A-Za-z0-9_%-]+|eyJ[A-Za-z0-9_-]{5,}[A-Za-z0-9_.-]*|(?i:basic|bearer)[ +]+[A-Za-z0-9+/=_.~-]{12,}`)

// covered makes a text fit to be kept: secrets are covered up but for what tells their kind, nothing in it ends a line, moves a
// cursor or turns the direction of writing, and it has at most so many characters.
func covered(s string, most int) string {
	const longest = 16 << 10 // bytes that are looked at
	if len(s) > longest {
		s = s[:longest]
	}
	s = secretLooks.ReplaceAllStringFunc(s, func(secret string) string {
		switch {
		case strings.HasPrefix(secret, "gr"):
			return secret[:len(accessPrefix)] + "…"
		case strings.HasPrefix(secret, "eyJ"):
			return "eyJ…"
		}
		return secret[:5] + " …"
	})
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return s
}

// sentText shows what a caller sent, in quotation marks. Whatever in it looks random is covered up but for its beginning, since
// it may be a secret in the wrong place; not so what occurs in one of the known texts, which are no secrets.
func sentText(s string, known ...string) string {
	if s == "" {
		return "nothing"
	}
	return "“" + covered(withoutRandom(s, known), 200) + "”"
}

// Sent is sentText for who tells a near miss outside of this package.
func Sent(s string) string { return sentText(s) }

// sentList is sentText of each.
func sentList(list []string, known ...string) string {
	shown := make([]string, 0, len(list))
	for i, s := range list {
		if i == 10 {
			shown = append(shown, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		shown = append(shown, sentText(s, known...))
	}
	return strings.Join(shown, ", ")
}

// sentURI is sentText for a URI: what may carry secrets by its nature is left out, which are the user, the values of the query,
// unless they are known, and the fragment.
func sentURI(s string, known ...string) string {
	s, _, fragment := strings.Cut(s, "#")
	s, query, asked := strings.Cut(s, "?")
	s = withoutRandom(withoutUser(s, known), known)
	if asked {
		s += "?" + withoutValues(query, known)
	}
	if fragment {
		s += "#…"
	}
	return "“" + covered(s, 300) + "”"
}

// withoutUser covers up what may be user and password, also in a URI that is misspelt: all between the scheme and the last @, and
// what stands where a port should.
func withoutUser(s string, known []string) string {
	begin := strings.IndexByte(s, ':') + 1
	for begin < len(s) && (s[begin] == '/' || s[begin] == '\\') {
		begin++
	}
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		if slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, s[:at+1]) }) {
			return s
		}
		if at < begin {
			begin = 0
		}
		return s[:begin] + "…" + s[at:]
	}
	host, _, _ := strings.Cut(s[begin:], "/")
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.Trim(host[colon+1:], "0123456789") == "" || strings.HasSuffix(host, "]") {
		return s
	}
	return s[:begin+colon+1] + "…" + s[begin+len(host):]
}

func withoutValues(query string, known []string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		isKnown := slices.ContainsFunc(known, func(k string) bool {
			_, of, _ := strings.Cut(k, "?")
			return slices.Contains(strings.Split(of, "&"), pair)
		})
		if isKnown {
			continue
		}
		if pairs[i] = withoutRandom(name, nil); value != "" || strings.HasSuffix(pair, "=") {
			pairs[i] += "=…"
		}
	}
	return strings.Join(pairs, "&")
}

// maxReadable is how long a run of letters and digits may be that is shown whole.
const maxReadable = 19

// wordRuns are what secrets are spelt with.
var wordRuns = regexp.MustCompile(`[A-Za-z0-9_+=%-]+`)

// withoutRandom covers up long runs that hold letters and digits both, and occur in none of the known texts.
func withoutRandom(s string, known []string) string {
	return wordRuns.ReplaceAllStringFunc(s, func(run string) string {
		random := len(run) > maxReadable && strings.ContainsAny(run, "0123456789") &&
			strings.ContainsFunc(run, func(r rune) bool { return r > '9' && r != '_' })
		if !random || slices.ContainsFunc(known, func(k string) bool { return strings.Contains(k, run) }) {
			return run
		}
		return fmt.Sprintf("%s… (%d characters)", run[:4], len(run))
	})
}
