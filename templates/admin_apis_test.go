package templates

import (
	"strings"
	"testing"
	"time"
)

// apiAreaSamples are the pages of the area APIs, filled with hostile values.
func apiAreaSamples() []any {
	a, then := hostileAdmin(), time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	head := APIHead{ID: "api_1", Name: hostile, Identifier: hostile, Tab: "settings", CanEdit: true, CanDelete: true, CanAudit: true}
	history := head
	history.Tab = "history"
	list := ReadListing(nil, "APIs", []string{"name"})
	list.Found(31)
	found := ReadListing(map[string][]string{"q": {hostile}}, "APIs", []string{"name"})
	rows := []APIRow{{ID: "api_1", Name: hostile, Identifier: hostile, Scopes: []string{hostile}, More: 2, Clients: 3, Created: then}, {ID: "api_2", Name: hostile}}
	event := EventLine{Time: then, Actor: Mention{Name: hostile}, Before: "changed", Object: Mention{Kind: "the API", Name: hostile, Path: "/tenant/admin/apis/x"}}
	facts := []ClientFact{{Label: "Tokens", Text: hostile}, {Label: "Asks about tokens as", Name: hostile, Path: "/admin/auth-clients/x"}, {Label: "ID", Items: []string{hostile}}}
	form := APIForm{
		Admin: a, Action: "/admin/apis/-/new", Cancel: "/admin/apis", Faults: []Fault{{"identifier", hostile}, {"scope-1-name", hostile}, {"scopes", hostile}, {"", hostile}},
		Basics:     []Input{{ID: "identifier", Label: "Identifier", Value: hostile, Hint: hostile, Fault: hostile}},
		Scopes:     []ScopeRow{{Number: 1, Name: hostile, Sentence: hostile, NameFault: hostile, SayFault: hostile}, {Number: 2}},
		ScopeFault: hostile, Tokens: []Input{{ID: "access_token_format", Label: "Token format", Type: "select", Options: []Option{{"jwt", "JWT"}}}},
		Introspection: &Choices{ID: "introspection", Legend: hostile, Fault: hostile, Items: []Choice{{ID: "introspection-new", Name: "introspection", Label: hostile, Radio: true}}},
		Client:        Input{ID: "client_id", Label: "Client ID", Value: hostile, Hint: hostile, Fault: hostile}, Known: []Option{{hostile, hostile}},
	}
	edit := form
	edit.Introspection = nil
	edit.Saved = &ClientSaved{Name: hostile, Version: "7", Conflict: &ClientConflict{Who: hostile, When: then, Changes: []Change{{hostile, hostile, ""}}}}
	plain := Mention{Name: hostile, Path: "/tenant/admin/auth-clients/x"}
	return []any{
		APIList{Admin: a, Listing: list, Rows: rows, CanCreate: true, CanEdit: true, CanDelete: true},
		APIList{Admin: a, Listing: list, Rows: rows},
		APIList{Admin: a, Listing: found},
		APIList{Admin: a, CanCreate: true},
		APIDetail{
			Admin: a, APIHead: head, Settings: facts, Scopes: []APIScopeLine{{Name: hostile, Sentence: hostile, BuiltIn: true, Clients: 2}, {Name: "b"}},
			Count: 2, CanClients: true, Clients: []APIClientLine{{ID: "x", Name: hostile, Scopes: []string{hostile}, Default: true, Disabled: true}, {ID: "y", Name: hostile}},
			Listing: list, Events: []EventLine{event}, Snippets: []SnippetGroup{{ID: "guard", Title: "Guard it", Text: hostile, Snippets: []Snippet{{"guard-go", "Go", hostile}}}},
		},
		APIDetail{Admin: a, APIHead: head, Count: 1},
		APIDetail{Admin: a, APIHead: APIHead{ID: "api_1", Name: hostile}},
		form, edit,
		APIDelete{Admin: a, APIHead: head, Back: "/admin/apis/x", Introspect: &plain},
		APIDelete{Admin: a, APIHead: head, Back: "/admin/apis/x", Count: 3, Clients: []Mention{plain}},
		APIDelete{Admin: a, APIHead: head, Back: "/admin", Count: 1},
		APIHistory{Admin: a, APIHead: history, Events: []EventLine{event}, Steps: Steps{Noun: "events", Shown: 1, Further: "?cursor=x"}},
		APIHistory{Admin: a, APIHead: history},
	}
}

func hostileAPIChoices() *APIChoices {
	scope := Choice{ID: "scope-a", Name: "api_scope", Value: hostile, Label: hostile, Hint: hostile, Checked: true}
	return &APIChoices{
		ID: "api", Fault: hostile, Filter: true, Fold: true,
		Chosen: []APIChoice{{Box: Choice{ID: "api-1", Name: "api", Value: hostile, Label: hostile, Hint: hostile, Checked: true}, Scopes: []Choice{scope}, Open: true, Fault: hostile}},
		Others: []APIChoice{{Box: Choice{ID: "api-2", Name: "api", Value: hostile, Label: hostile}}},
	}
}

func TestAPIThatClientsHaveHasNoButtonToDelete(t *testing.T) {
	for _, x := range []struct {
		having int
		want   bool
	}{{0, true}, {1, false}} {
		page := APIDelete{APIHead: APIHead{ID: "api_1", Name: "Orders"}, Count: x.having}
		if got := len(withAttribute(render(t, page), "action", "/admin/apis/api_1/delete")) == 1; got != x.want {
			t.Errorf("%d clients: button %t", x.having, got)
		}
	}
}

func TestCountOfClientsIsASentence(t *testing.T) {
	for n, want := range map[int]string{0: "No auth client has", 1: "One auth client has", 2000: "2,000 auth clients have"} {
		if got := (APIDetail{Count: n}).CountText(); !strings.HasPrefix(got, want) {
			t.Errorf("%d: %q", n, got)
		}
	}
}
