package oauth

import "strings"

// scopeSentences says in words what common scopes allow.
var scopeSentences = map[string]string{
	"profile":        "See your name and your username.",
	"email":          "See your e-mail address.",
	"openid":         "Know who you are.",
	"offline_access": "Keep access while you are away.",
}

// scopeVerbs says in words what the second half of a scope like "api:read" allows.
var scopeVerbs = map[string]string{
	"read":   "Read your data of ",
	"view":   "Read your data of ",
	"write":  "Change your data of ",
	"edit":   "Change your data of ",
	"create": "Create data for you in ",
	"delete": "Delete your data of ",
	"admin":  "Manage everything of ",
}

// ScopeSentence says in words what a scope allows, "" where only its name is known.
func ScopeSentence(token string) string {
	if sentence := scopeSentences[token]; sentence != "" {
		return sentence
	}
	what, verb, found := strings.Cut(token, ":")
	if prefix := scopeVerbs[verb]; found && prefix != "" {
		return prefix + what + "."
	}
	return ""
}
