package pages

import (
	"maps"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

// told says what was noted with an event: what was changed, and what else is known. What the sentence says already is
// left out.
func told(e *account.Event, said string) (changes []templates.Change, facts []templates.Field) {
	_, verb, _ := strings.Cut(e.Action, ".")
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		value, words := e.Detail[name], strings.ReplaceAll(name, "_", " ")
		old, now, parted := oldAndNew(value)
		switch {
		// Elsewhere an arrow may be what a stranger typed.
		case parted && (verb == "created" || verb == "updated") && name != "group":
			changes = append(changes, templates.Change{Name: words, Old: old, New: now})
		case value != "" && value != said:
			facts = append(facts, templates.Field{Name: words, Value: value})
		}
	}
	return changes, facts
}

// oldAndNew parts "old -> new". A text in which people wrote an arrow themselves cannot be parted without guessing.
func oldAndNew(value string) (old, now string, ok bool) {
	const arrow = " -> "
	if strings.Count(value, arrow) != 1 {
		return "", "", false
	}
	old, now, _ = strings.Cut(value, arrow)
	return old, now, true
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
