package oauth

import (
	"fmt"
	"strings"

	"github.com/grantor-dev/grantor/account"
)

// scopeSentences says in words what common scopes allow.
var scopeSentences = map[string]string{
	"profile":        "See your name and your username.",
	"email":          "See your e-mail address.",
	"openid":         "Know who you are.",
	"offline_access": "Keep access while you are away.",
	AdminScope:       "Manage this server in your name, as far as you may.",
}

// scopeVerbs says in words what the second half of a scope like "orders:read" allows; %s is the first half.
var scopeVerbs = map[string]string{
	"read":   "Read your %s data.",
	"view":   "Read your %s data.",
	"write":  "Change your %s data.",
	"edit":   "Change your %s data.",
	"create": "Create %s data for you.",
	"delete": "Delete your %s data.",
	"admin":  "Manage all %s data that you may manage.",
}

// ScopeSentence says in words what a scope allows, "" where only its name is known.
func ScopeSentence(token string) string {
	if sentence := scopeSentences[token]; sentence != "" {
		return sentence
	}
	for _, w := range account.AllPermissions() {
		if token == string(w.Permission) {
			return "In the administration of this server: " + w.Sentence
		}
	}
	what, verb, found := strings.Cut(token, ":")
	if sentence := scopeVerbs[verb]; found && sentence != "" {
		return fmt.Sprintf(sentence, what)
	}
	return ""
}
