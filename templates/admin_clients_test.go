package templates

import "time"

// clientSamples are the pages of the area Auth Clients, filled with hostile values.
func clientSamples() []any {
	a, then := hostileAdmin(), time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	head := ClientHead{ID: "3f9a1c7e", Name: hostile, Tab: "settings", CanEdit: true, CanEnable: true, CanDelete: true, CanRevoke: true, CanTokens: true, CanAudit: true}
	off, builtIn := head, head
	off.Disabled, builtIn.BuiltIn, builtIn.CanEdit = true, true, false
	list := ReadListing(nil, "Auth Clients", []string{"-number"})
	list.Found(31)
	found := ReadListing(map[string][]string{"q": {hostile}}, "Auth Clients", []string{"-number"})
	rows := []ClientLine{
		{Number: 2, ID: "3f9a1c7e", Name: hostile, Redirect: hostile, More: 2, Grants: []string{hostile}, LastUsed: then},
		{Number: 1, ID: "grantor-cli", Name: hostile, BuiltIn: true, Disabled: true},
	}
	faults := []Fault{{"client_name", hostile}, {"", hostile}}
	inputs := []Input{{ID: "client_name", Label: hostile, Value: hostile, Hint: hostile, Fault: hostile}}
	choices := func(id string) Choices {
		return Choices{ID: id, Legend: hostile, Hint: hostile, Fault: hostile, Items: []Choice{{ID: id + "-1", Name: id, Value: hostile, Label: hostile, Hint: hostile, Disabled: true}}}
	}
	form := ClientForm{
		Admin: a, Action: "/admin/auth-clients/-/new", Cancel: "/admin/auth-clients", Faults: faults, Basics: inputs, Kind: choices("kind"), Grants: choices("grants"),
		Address: Input{ID: "redirect_uris", Label: "Redirect URLs", Type: "textarea", Value: hostile}, APIs: hostileAPIChoices(), Scopes: []Input{{ID: "scope", Label: hostile}},
		More: []ClientGroup{{Title: hostile, Inputs: []Input{{ID: "audience", Label: hostile}}, Choices: []Choices{choices("permissions")}}},
	}
	edit := form
	edit.Saved = &ClientSaved{Name: hostile, Version: "7", Conflict: &ClientConflict{Who: hostile, When: then, Changes: []Change{{hostile, hostile, ""}, {"b", "", hostile}}}}
	line := AuthorizationLine{ID: "a1", User: hostile, UserPath: "/tenant/admin/users/usr_1", Scopes: []string{hostile}, Issued: then}
	event := EventLine{Time: then, Actor: Mention{Name: hostile}, Before: "changed", Object: Mention{Kind: "the auth client", Name: hostile, Path: "/tenant/admin/auth-clients/x"}, Address: hostile}
	asked := []ClientAsked{{ID: "3f9a1c7e", Name: hostile, Live: &LiveCount{Authorizations: 10000, More: true, Machine: 1}}, {ID: "b", Name: hostile}, {ID: "c", Name: hostile, Live: &LiveCount{}}}
	imported := []ImportLine{{ID: "a", Name: hostile, Outcome: "created"}, {ID: "b", Name: hostile, Outcome: "updated", Changes: []Change{{hostile, hostile, hostile}}}, {ID: "c", Name: hostile, Outcome: "unchanged"}}
	steps := Steps{Noun: "events", Shown: 2, Newest: "?", Further: "?after=x"}
	secrets := []ClientSecretLine{{ID: "s1", Name: hostile, Prefix: "grcs_abc", Created: then, Expires: then, Expired: true}, {ID: "s2", Created: then}}
	facts := []ClientFact{
		{Label: "Redirect URLs", Items: []string{hostile}}, {Label: "Scopes", Chips: []string{hostile}}, {Label: "Kind", Text: hostile},
		{Label: "Registered", Timed: true, Time: then, Name: hostile, Path: "/admin/users/usr_1"}, {Label: "Last used", Timed: true, Ago: true},
	}
	snippets := []SnippetGroup{{ID: "code", Title: "Sign people in", Text: hostile, Snippets: []Snippet{{"code-curl", "curl", hostile}, {"code-go", "Go", hostile}}}}
	plot := &Plot{ID: "issued", Title: "Tokens issued", Text: "Per hour.", Noun: "tokens", From: then, Step: time.Hour, Series: []PlotSeries{{hostile, []int64{1, 2, 3}}}}
	return []any{
		ClientList{Admin: a, Listing: list, State: "?q=x&page=2", Rows: rows, Fault: hostile, CanCreate: true, CanEdit: true, CanDelete: true, CanRevoke: true},
		ClientList{Admin: a, Listing: list, Rows: rows},
		ClientList{Admin: a, Listing: found, CanCreate: true},
		ClientList{Admin: a, CanCreate: true},
		ClientChoice{Admin: a, Kinds: choices("template")},
		form, edit,
		ClientDetail{
			Admin: a, ClientHead: head, Settings: facts, APIs: []ClientAPI{{Name: hostile, Identifier: hostile, Path: "/admin/apis/x", Default: true, Scopes: []ScopeLine{{Name: hostile, Sentence: hostile}}}, {Name: hostile}}, Secrets: secrets, Confidential: true, CanSecrets: true, SecretsWhyNot: hostile, Period: "day", Plot: plot,
			Authorizations: []AuthorizationLine{line}, MoreLive: true, Live: &LiveCount{Machine: 2}, Events: []EventLine{event}, Snippets: snippets,
		},
		ClientDetail{Admin: a, ClientHead: off, Confidential: true, Live: &LiveCount{Machine: 2}},
		ClientDetail{Admin: a, ClientHead: builtIn},
		ClientSecretShown{Admin: a, ID: "3f9a1c7e", Name: hostile, Created: true, Secret: hostile, Expires: then, Ended: hostile, Next: "/admin/auth-clients/3f9a1c7e"},
		ClientSecretForm{Admin: a, ClientHead: head, Action: "/admin/auth-clients/x/secrets/new", Faults: faults, Inputs: inputs},
		ClientSecretForm{Admin: a, ClientHead: head, Action: "/admin/auth-clients/x/secrets/rotate", Rotate: true},
		ClientAuthorizations{Admin: a, ClientHead: head, Lines: []AuthorizationLine{line}, Steps: steps, Live: &LiveCount{Authorizations: 1}},
		ClientAuthorizations{Admin: a, ClientHead: head, Live: &LiveCount{}},
		ClientHistory{Admin: a, ClientHead: head, Events: []EventLine{event}, Steps: steps, All: "/admin/audit?object=x"},
		ClientHistory{Admin: a, ClientHead: head, All: "/admin/audit"},
		ClientAsk{Admin: a, Question: "Are you sure you want to delete the auth client", Name: hostile, Rest: "?", Points: []string{hostile}, Action: "/admin/auth-clients/x/delete", Fields: []Field{{hostile, hostile}}, Button: hostile, Cancel: "/admin/auth-clients"},
		ClientAsk{Admin: a, Question: hostile, Clients: asked, Action: "/admin/auth-clients/-/delete", Button: "Delete", Cancel: "/admin/auth-clients"},
		ClientImport{Admin: a, Text: Input{ID: "text", Label: "Text", Type: "textarea", Value: hostile}, Faults: []Fault{{"text", hostile}}, Checked: true, Lines: imported},
		ClientImport{Admin: a, Text: Input{ID: "text", Label: "Text", Type: "textarea", Value: hostile}, Checked: true, Lines: imported},
		ClientImported{Admin: a, Failed: hostile, Lines: imported, Secrets: []Field{{"a", hostile}}},
		ClientImported{Admin: a, Lines: imported},
	}
}
