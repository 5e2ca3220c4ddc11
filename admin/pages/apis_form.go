package pages

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// The form of an API names its fields as oauth.APIRegistration does. Its scopes are rows: scope_name and
// scope_description, which repeat, the first of the one with the first of the other.

const (
	spareRows = 3   // empty rows that the form of a new API begins with, and that a form gets more of
	maxRows   = 200 // of which nobody needs so many
)

// What the form says of the client for introspection.
const (
	noClient  = "none"
	newClient = "new"
	oldClient = "existing"
)

// apiFields names the settings of an API in words, in the order of the page.
var apiFields = []struct{ field, title string }{
	{"identifier", "Identifier"},
	{"name", "Name"},
	{"scopes", "Scopes"},
	{"access_token_format", "Token format"},
	{"access_token_signing_alg", "Signing algorithm"},
	{"access_token_lifetime", "Access tokens live at most"},
	{"introspection", "How it asks about tokens"},
	{"client_id", "Client ID"},
}

func apiFieldTitle(field string) string {
	for _, f := range apiFields {
		if f.field == field {
			return f.title
		}
	}
	return field
}

// apiFormOf fills the form with an API.
func apiFormOf(r *oauth.APIRegistration) form {
	f := form{
		"identifier": {r.Identifier}, "name": {r.Name}, "client_id": {r.ClientID},
		"access_token_format": {string(r.AccessTokenFormat)}, "access_token_signing_alg": {string(r.AccessTokenSigningAlg)},
		"access_token_lifetime": {lifetimeText(r.AccessTokenLifetime)},
	}
	for _, scope := range r.Scopes {
		f["scope_name"] = append(f["scope_name"], scope.Name)
		f["scope_description"] = append(f["scope_description"], scope.Description)
	}
	return f
}

// scopeRow is a row of the form, by its number as the person sees it.
type scopeRow struct {
	number         int
	name, sentence string
}

func (r scopeRow) empty() bool { return r.name == "" && r.sentence == "" }

// scopeRows reads the rows as they stand on the page, the empty ones among them.
func scopeRows(f form) []scopeRow {
	names, sentences := f.All("scope_name"), f.All("scope_description")
	rows := make([]scopeRow, min(max(len(names), len(sentences)), maxRows))
	for i := range rows {
		rows[i].number = i + 1
		if i < len(names) {
			rows[i].name = strings.TrimSpace(names[i])
		}
		if i < len(sentences) {
			rows[i].sentence = words(sentences[i])
		}
	}
	return rows
}

// filledRows leaves out those in which nothing stands.
func filledRows(f form) []scopeRow { return slices.DeleteFunc(scopeRows(f), scopeRow.empty) }

// apiRegistrationOf reads the form. Faults are those of its reading alone: what the rules say comes from them.
func apiRegistrationOf(f form) (oauth.APIRegistration, []templates.Fault) {
	var faults []templates.Fault
	fault := func(field, message string) { faults = append(faults, templates.Fault{Field: field, Message: message}) }
	r := oauth.APIRegistration{
		Identifier: strings.TrimSpace(f.Get("identifier")), Name: strings.TrimSpace(f.Get("name")),
		AccessTokenFormat:     oauth.AccessTokenFormat(f.Get("access_token_format")),
		AccessTokenSigningAlg: jose.Algorithm(f.Get("access_token_signing_alg")),
	}
	for _, row := range filledRows(f) {
		r.Scopes = append(r.Scopes, oauth.APIScope{Name: row.name, Description: row.sentence})
		if row.name == "" {
			fault(rowField(row.number, "name"), "Row "+strconv.Itoa(row.number)+" says what people read, but names no scope.")
		}
	}
	if text := strings.TrimSpace(f.Get("access_token_lifetime")); text != "" {
		var err error
		if r.AccessTokenLifetime, err = oauth.ParseDuration(text); err != nil {
			fault("access_token_lifetime", "Access tokens live at most: write a number and a unit, for example 10m, 1h or 12h.")
		} else if r.AccessTokenLifetime <= 0 {
			fault("access_token_lifetime", "Access tokens must live longer than nothing. Leave it empty for what the auth client says.")
		}
	}
	id := strings.TrimSpace(f.Get("client_id"))
	switch f.Get("introspection") {
	case "": // the form of an API that exists
		r.ClientID = id
	case oldClient:
		if r.ClientID = id; id == "" {
			fault("client_id", "Name the auth client, or choose another way.")
		}
	case noClient, newClient:
		if id != "" {
			fault("introspection", "Choose “An auth client that exists”, or leave the client ID below empty.")
		}
	default:
		fault("introspection", "Choose how it asks about tokens.")
	}
	return r, faults
}

func rowField(number int, part string) string { return "scope-" + strconv.Itoa(number) + "-" + part }

// apiFaults words what the rules say of an API for the person who filled in the form; ok is false where err is something
// else.
func apiFaults(f form, err error) (faults []templates.Fault, ok bool) {
	found, ok := fieldFaults(err)
	rows := filledRows(f)
	for _, fault := range found {
		field, title := fault.Field, apiFieldTitle(fault.Field)
		if index, part, listed := strings.Cut(strings.TrimPrefix(field, "scopes["), "]."); listed {
			if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < len(rows) {
				field, title = rowField(rows[i].number, part), "The scope in row "+strconv.Itoa(rows[i].number)
				if part == "description" {
					title = "What people read of row " + strconv.Itoa(rows[i].number)
				}
			}
		}
		if strings.HasPrefix(fault.Message, "must ") {
			fault.Message = title + " " + fault.Message + "."
		}
		faults = append(faults, templates.Fault{Field: field, Message: fault.Message})
	}
	return faults, ok
}

// apiForm shows the form as it was filled in. Without faults there are empty rows below those that are filled.
func (s *site) apiForm(r *http.Request, v *visit, f form, faults []templates.Fault) (templates.APIForm, error) {
	view := formView{form: f, faults: faults, rights: v.Rights}
	input := func(i templates.Input) templates.Input {
		i = view.input(i)
		i.Label = apiFieldTitle(i.ID)
		return i
	}
	page := templates.APIForm{
		Faults: faults, ScopeFault: view.fault("scopes"), Scopes: view.scopeRows(),
		Basics: []templates.Input{
			input(templates.Input{ID: "identifier", Required: true, Code: true, MaxLength: 512, Autocomplete: "off", Placeholder: "https://orders.example.com", Focus: len(faults) == 0 && f.Get("identifier") == "",
				Hint: "An absolute URI that tokens name as their audience, usually the address of the API. It can never be changed."}),
			input(templates.Input{ID: "name", Optional: true, MaxLength: 255, Autocomplete: "off",
				Hint: "People read it when they are asked to allow access. Left empty: the identifier."}),
		},
		Tokens: apiTokenInputs(input),
		Client: input(templates.Input{ID: "client_id", Code: true, MaxLength: 128, Autocomplete: "off",
			Hint: "Of a confidential auth client, as which the API proves who it is."}),
	}
	if !v.may(account.ViewClients) {
		return page, nil
	}
	found, err := s.Provider.FindClients(r.Context(), oauth.ClientQuery{Sort: "name", Limit: knownClients})
	for _, c := range found.Clients {
		if !c.IsPublic() && !c.BuiltIn {
			page.Known = append(page.Known, templates.Option{Value: c.ClientID, Text: c.Name()})
		}
	}
	return page, err
}

// knownClients are how many clients the form offers to choose from; the id of any other can be typed.
const knownClients = 200

func apiTokenInputs(input func(templates.Input) templates.Input) []templates.Input {
	algorithms := []templates.Option{{Value: "", Text: "What the auth client uses"}}
	for _, a := range jose.Algorithms {
		algorithms = append(algorithms, templates.Option{Value: string(a), Text: string(a)})
	}
	return []templates.Input{
		input(templates.Input{ID: "access_token_format", Type: "select", Options: []templates.Option{
			{Value: "", Text: "What the auth client uses"},
			{Value: string(oauth.Opaque), Text: "Opaque: it asks this server what they are worth"},
			{Value: string(oauth.JWT), Text: "JWT: it checks them itself"},
		}}),
		input(templates.Input{ID: "access_token_signing_alg", Type: "select", Hint: "Only for JWTs. Choose one only where the API cannot check what the server uses.", Options: algorithms}),
		input(templates.Input{ID: "access_token_lifetime", Code: true, Optional: true, Placeholder: "10m",
			Hint: "For example 10m or 1h, at most 24 hours. The shortest counts where a token is for several APIs. Left empty: what the auth client says."}),
	}
}

// scopeRows shows the rows that were filled in, each with its faults, and spare ones.
func (f formView) scopeRows() []templates.ScopeRow {
	rows := scopeRows(f.form)
	shown := make([]templates.ScopeRow, 0, len(rows)+spareRows)
	for _, row := range rows {
		shown = append(shown, templates.ScopeRow{
			Number: row.number, Name: row.name, Sentence: row.sentence,
			NameFault: f.fault(rowField(row.number, "name")), SayFault: f.fault(rowField(row.number, "description")),
		})
	}
	filled := len(filledRows(f.form))
	spare := 1
	if filled == 0 {
		spare = spareRows
	}
	for len(shown) < min(filled+spare, maxRows) {
		shown = append(shown, templates.ScopeRow{Number: len(shown) + 1})
	}
	return shown
}

// changedRows does what the buttons of the rows ask for: more of them, or one less. It reports whether one was pressed.
func changedRows(f form) bool {
	if f.Has("more") {
		for range spareRows {
			f["scope_name"], f["scope_description"] = append(f["scope_name"], ""), append(f["scope_description"], "")
		}
		return true
	}
	if !f.Has("remove") {
		return false
	}
	if n, err := strconv.Atoi(f.Get("remove")); err == nil && n > 0 {
		for _, field := range []string{"scope_name", "scope_description"} {
			if n <= len(f[field]) {
				f[field] = slices.Delete(slices.Clone(f[field]), n-1, n)
			}
		}
	}
	return true
}

// apiChanges names the settings in which two forms differ, in words.
func apiChanges(saved, typed form) []templates.Change {
	var changes []templates.Change
	for _, f := range apiFields {
		if f.field == "identifier" || f.field == "introspection" {
			continue
		}
		old, next := words(saved.Get(f.field)), words(typed.Get(f.field))
		if f.field == "scopes" {
			old, next = rowsText(saved), rowsText(typed)
		}
		if old != next {
			changes = append(changes, templates.Change{Name: f.title, Old: old, New: next})
		}
	}
	return changes
}

func rowsText(f form) string {
	var lines []string
	for _, row := range filledRows(f) {
		lines = append(lines, strings.TrimSuffix(row.name+": "+row.sentence, ": "))
	}
	return strings.Join(lines, "\n")
}
