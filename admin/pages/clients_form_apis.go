package pages

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// A client keeps its APIs in audience and their scopes in scope. The form parts both: what belongs to a registered API is
// ticked (fields api and api_scope), the rest stays in the fields audience and scope as text, so that nothing is lost.

// How many APIs the form shows as they are; more stand behind a line, except for those that are ticked, and can be looked
// for.
const flatAPIs = 8

// knownAPIs are how many others the form offers to tick; any other can be typed.
const knownAPIs = 200

// ownID stands for the API of the server itself in the form: it has no record.
const ownID = "api_own"

// offeredAPIs are the APIs that the form of a client offers, by name, and that of the server itself behind them. There are
// none for a visitor who may not see them: to him the form shows audience and scope as text.
func (s *site) offeredAPIs(ctx context.Context, v *visit) ([]*oauth.API, error) {
	if !v.may(account.ViewAPIs) {
		return nil, nil
	}
	all, err := s.Provider.APIs(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return append(slices.Clip(all), ownAPI(s.Provider.Issuer())), nil
}

// ownAPI is the server itself, as an API: its administration.
func ownAPI(issuer string) *oauth.API {
	own := &oauth.API{ID: ownID, APIRegistration: oauth.APIRegistration{
		Identifier: issuer, Name: "Administration of this server",
		Scopes: []oauth.APIScope{{Name: oauth.AdminScope, Description: oauth.ScopeSentence(oauth.AdminScope)}},
	}}
	for _, w := range account.AllPermissions() {
		own.Scopes = append(own.Scopes, oauth.APIScope{Name: string(w.Permission), Description: w.Sentence})
	}
	return own
}

// parted ticks the APIs that a form has in its texts, and takes them out there. A scope whose API the client does not have
// stays in the text.
func parted(f form, apis []*oauth.API) form {
	audience, scope := f.Lines("audience"), strings.Fields(f.Get("scope"))
	for _, a := range apis {
		if !slices.Contains(audience, a.Identifier) {
			continue
		}
		f["api"] = append(f["api"], a.Identifier)
		audience = slices.DeleteFunc(audience, func(identifier string) bool { return identifier == a.Identifier })
		at := scopesAt(a, scope)
		f["api_scope"] = append(f["api_scope"], at...)
		scope = slices.DeleteFunc(scope, func(token string) bool { return slices.Contains(at, token) })
	}
	f["audience"], f["scope"] = []string{strings.Join(audience, "\n")}, []string{strings.Join(scope, " ")}
	return f
}

// wholeAudience is what a form says of the audience: as text, and by the APIs that are ticked. The lines of the text come
// first, so that faults can be told by their numbers.
func wholeAudience(f form) []string { return union(f.Lines("audience"), f.All("api")) }

// wholeScope is wholeAudience for scopes.
func wholeScope(f form) []string {
	return union(strings.Fields(f.Get("scope")), strings.Fields(strings.Join(f.All("api_scope"), " ")))
}

// union is the one list and what else is in the other. A repetition within the one stays, for the rules to judge.
func union(one, other []string) []string {
	all := slices.Clone(one)
	for _, text := range other {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// scopesWithoutAPI finds APIs of which a scope is ticked, but not the API itself. What is meant is not clear then: to tick
// it would give back what somebody has just taken away.
func scopesWithoutAPI(f form, apis []*oauth.API) []templates.Fault {
	audience, scope := wholeAudience(f), f.All("api_scope")
	var faults []templates.Fault
	for _, a := range apis {
		if len(scopesAt(a, scope)) > 0 && !slices.Contains(audience, a.Identifier) {
			faults = append(faults, templates.Fault{Field: a.ID, Message: "Tick the API “" + a.Title() + "” as well, or none of its scopes."})
		}
	}
	return faults
}

// inOrderOf puts scope and audience into the order that is saved, as far as they are the same: otherwise each saving would
// seem to change them.
func inOrderOf(r, saved *oauth.Registration) {
	r.Audience = sortedLike(r.Audience, saved.Audience)
	r.Scope = strings.Join(sortedLike(strings.Fields(r.Scope), strings.Fields(saved.Scope)), " ")
}

func sortedLike(list, saved []string) []string {
	return slices.SortedStableFunc(slices.Values(list), func(a, b string) int {
		return cmp.Compare(uint(slices.Index(saved, a)), uint(slices.Index(saved, b))) //nolint:gosec // what is not there wraps around to the end
	})
}

// sameSet reports whether two forms name the same scopes, or the same audience, in whatever order: a form that offers APIs
// has an order of its own.
func sameSet(saved, typed form, field string) bool {
	whole := map[string]func(form) []string{"scope": wholeScope, "audience": wholeAudience}[field]
	if whole == nil || !typed.Has("api") && !typed.Has("api_scope") {
		return false
	}
	return slices.Equal(slices.Sorted(slices.Values(whole(saved))), slices.Sorted(slices.Values(whole(typed))))
}

// apiChoices offers the APIs with their scopes, nil where there are none.
func (f formView) apiChoices() *templates.APIChoices {
	if len(f.apis) == 0 {
		return nil
	}
	many := len(f.apis) > flatAPIs
	choices := &templates.APIChoices{ID: "api", Fold: many, Filter: many}
	for _, a := range f.apis {
		switch {
		case many && f.concerns(a):
			choices.Chosen = append(choices.Chosen, f.apiChoice(a))
		case len(choices.Others) < knownAPIs || a.ID == ownID:
			choices.Others = append(choices.Others, f.apiChoice(a))
		default:
			choices.More++
		}
	}
	return choices
}

// concerns reports whether something of an API is ticked, or wrong.
func (f formView) concerns(a *oauth.API) bool {
	return f.ticked("api", a.Identifier) || len(scopesAt(a, f.All("api_scope"))) > 0 || f.fault(a.ID) != ""
}

func (f formView) apiChoice(a *oauth.API) templates.APIChoice {
	choice := templates.APIChoice{Fault: f.fault(a.ID), Box: templates.Choice{
		ID: a.ID, Name: "api", Value: a.Identifier, Label: a.Title(), Hint: a.Identifier, Checked: f.ticked("api", a.Identifier),
	}}
	for i, scope := range a.Scopes {
		box := templates.Choice{
			ID: a.ID + "-" + strconv.Itoa(i), Name: "api_scope", Value: scope.Name, Label: scope.Name,
			Hint: sentenceOf(scope), Checked: f.ticked("api_scope", scope.Name),
		}
		if a.ID == ownID && !f.mayGive(scope.Name) {
			box.Disabled, box.Hint = true, "You do not hold this permission yourself, so you cannot give it away."
		}
		choice.Scopes = append(choice.Scopes, box)
	}
	choice.Open = f.concerns(a)
	return choice
}

// mayGive reports whether the visitor holds what a scope of the administration reaches.
func (f formView) mayGive(scope string) bool {
	if scope == oauth.AdminScope {
		return f.rights.SuperAdmin
	}
	return f.rights.Has(account.Permission(scope))
}

// defaultAPI asks which API a token is for where a request does not say, nothing where there is none to choose.
func (f formView) defaultAPI() []templates.Input {
	options := []templates.Option{{Value: "", Text: "None: a token is for all of them"}}
	for _, a := range f.apis {
		options = append(options, templates.Option{Value: a.Identifier, Text: a.Title()})
	}
	for _, identifier := range append(f.Lines("audience"), f.Get("default_audience")) {
		if identifier != "" && !slices.ContainsFunc(options, func(o templates.Option) bool { return o.Value == identifier }) {
			options = append(options, templates.Option{Value: identifier, Text: identifier})
		}
	}
	if len(options) == 1 && f.fault("default_audience") == "" {
		return nil
	}
	return []templates.Input{f.input(templates.Input{
		ID: "default_audience", Type: "select", Options: options,
		Hint: "What a token is for when the application names neither an API (“resource”) nor a scope of one.",
	})}
}
