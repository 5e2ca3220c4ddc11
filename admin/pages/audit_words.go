package pages

import (
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/templates"
)

// wording says an action of the audit log in words.
type wording struct {
	action string
	said   string // of the actor; {} stands for the object, which is not told where there is none
	title  string // in the list to choose from, behind the title of the kind
}

// auditKinds are the kinds of actions in words, in the order of the list to choose from.
var auditKinds = []struct{ kind, title string }{
	{"client", "Auth clients"},
	{"api", "APIs"},
	{"consent", "Consents"},
	{"authorization", "Authorizations"},
	{"token", "Tokens"},
	{"personal_token", "Personal access tokens"},
	{"user", "Users"},
	{"session", "Sessions"},
	{"group", "Groups"},
	{"access", "Access"},
	{"key", "Keys"},
	{"setup", "First set-up"},
	{"store", "Store"},
}

// auditWords are the actions that this server records, by kinds.
var auditWords = []wording{
	{"client.created", "created {}", "created"},
	{"client.updated", "changed {}", "changed"},
	{"client.enabled", "enabled {}", "enabled"},
	{"client.disabled", "disabled {}", "disabled"},
	{"client.deleted", "deleted {}", "deleted"},
	{"client.secret_added", "added a secret to {}", "secret added"},
	{"client.secret_rotated", "rotated the secrets of {}", "secrets rotated"},
	{"client.secret_revoked", "revoked a secret of {}", "secret revoked"},
	{"client.tokens_revoked", "revoked every token of {}", "tokens revoked"},
	{"api.created", "registered {}", "registered"},
	{"api.updated", "changed {}", "changed"},
	{"api.deleted", "deleted {}", "deleted"},
	{"consent.granted", "allowed access to {}", "allowed"},
	{"consent.withdrawn", "withdrew what was allowed to {}", "withdrawn"},
	{"authorization.revoked", "ended what was allowed to {}", "ended"},
	{"token.issued", "issued a token for {} by hand", "issued by hand"},
	{"personal_token.created", "made a personal access token for {}", "made"},
	{"user.created", "created {}", "created"},
	{"user.updated", "changed {}", "changed"},
	{"user.blocked", "blocked {}", "blocked"},
	{"user.unblocked", "unblocked {}", "unblocked"},
	{"user.deleted", "deleted {}", "deleted"},
	{"user.password_changed", "set a new password for {}", "password changed"},
	{"user.sessions_ended", "signed {} out everywhere", "signed out everywhere"},
	{"user.login", "signed in as {}", "signed in"},
	{"user.login_failed", "failed to sign in as {}", "sign-in failed"},
	{"user.login_throttled", "was told to wait before signing in again", "sign-in slowed down"},
	{"user.confirm_failed", "gave a wrong password to confirm an important step as {}", "confirmation failed"},
	{"session.ended", "ended a session of {}", "ended"},
	{"group.created", "created {}", "created"},
	{"group.updated", "changed {}", "changed"},
	{"group.deleted", "deleted {}", "deleted"},
	{"group.member_added", "added a member to {}", "member added"},
	{"group.member_removed", "removed a member from {}", "member removed"},
	{"access.refused", "was refused {}", "refused"},
	{"key.rotated", "rotated {}", "rotated"},
	{"key.withdrawn", "withdrew {}", "withdrawn"},
	{"setup.link_created", "made the link for the first set-up", "link made"},
	{"setup.completed", "completed the first set-up as {}", "completed"},
	{"store.master_key_changed", "changed the master key of {}", "master key changed"},
	{"store.restored", "restored {} from a backup", "restored from a backup"},
	{"store.backed_up", "made a backup of {}", "backed up"},
}

// wordsOf gives the words of an action before and behind its object. An action that nobody has words for, as of a later
// version, is told as it is.
func wordsOf(action string) (before, after string, names bool) {
	i := slices.IndexFunc(auditWords, func(w wording) bool { return w.action == action })
	if i < 0 {
		return "did “" + action + "” to", "", true
	}
	before, after, names = strings.Cut(auditWords[i].said, "{}")
	return strings.TrimSpace(before), strings.TrimSpace(after), names
}

// actionOptions lists what the audit log can be narrowed to.
func actionOptions() []templates.Option {
	options := []templates.Option{{Value: "", Text: "Everything"}}
	for _, k := range auditKinds {
		options = append(options, templates.Option{Value: k.kind, Text: k.title + ": everything"})
		for _, w := range auditWords {
			if kind, _, _ := strings.Cut(w.action, "."); kind == k.kind {
				options = append(options, templates.Option{Value: w.action, Text: k.title + ": " + w.title})
			}
		}
	}
	return options
}
