package pages

import (
	"maps"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// told says what was noted with an event: what was changed, and what else is known. The name of the object stands in the
// sentence already.
func told(e *account.Event, object string) (changes []templates.Change, facts []templates.Field) {
	kind, _, _ := strings.Cut(e.Object, ":")
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		value, words := e.Detail[name], strings.ReplaceAll(name, "_", " ")
		old, now, parted := oldAndNew(e, name)
		if name == "grant_types" {
			value, old, now = grantsInWords(value), grantsInWords(old), grantsInWords(now)
		}
		switch {
		case parted && strings.HasSuffix(e.Action, ".created"): // before it was made there was nothing
			facts = append(facts, templates.Field{Name: words, Value: now})
		case parted:
			changes = append(changes, templates.Change{Name: words, Old: old, New: now})
		case value != "" && (object == "" || name != nameField[kind]):
			facts = append(facts, templates.Field{Name: words, Value: value})
		}
	}
	return changes, facts
}

// oldAndNew parts what an event says of a setting, "old -> new". In events of other kinds, and in the name of the object,
// an arrow is what somebody typed; where a changed text holds one itself, it cannot be parted without guessing.
func oldAndNew(e *account.Event, name string) (old, now string, ok bool) {
	const arrow = " -> "
	_, verb, _ := strings.Cut(e.Action, ".")
	if verb != "created" && verb != "updated" || name == "group" || strings.Count(e.Detail[name], arrow) != 1 {
		return "", "", false
	}
	old, now, _ = strings.Cut(e.Detail[name], arrow)
	return old, now, true
}

// grantsInWords is a list of grants as the form has them.
func grantsInWords(list string) string {
	if list == "" {
		return ""
	}
	var titles []string
	for name := range strings.SplitSeq(list, ", ") {
		titles = append(titles, grantTitle(oauth.GrantType(name)))
	}
	return strings.Join(titles, ", ")
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
