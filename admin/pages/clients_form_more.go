package pages

import (
	"slices"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// clientFields names the settings of a client in words, in the order of the pages.
var clientFields = []struct{ field, title string }{
	{"client_id", "Client ID"},
	{"client_name", "Name"},
	{"token_endpoint_auth_method", "Confidential or public"},
	{"grant_types", "Grants"},
	{"personal_access_tokens", "Personal access tokens"},
	{"redirect_uris", "Redirect URLs"},
	{"default_audience", "Default API"},
	{"scope", "Scopes"},
	{"default_scope", "Default scopes"},
	{"audience", "APIs (audience)"},
	{"access_token_format", "Token format"},
	{"access_token_signing_alg", "Signing algorithm"},
	{"access_token_lifetime", "Access tokens live"},
	{"refresh_token_lifetime", "Refresh tokens live"},
	{"resource_server", "Resource server"},
	{"introspection_signed_response_alg", "Introspection as a JWT"},
	{"client_uri", "Home page"},
	{"permissions", "Permissions"},
	{"client_secret", "Secret"},
	{"disabled", "Disabled"},
}

func fieldTitle(field string) string {
	for _, f := range clientFields {
		if f.field == field {
			return f.title
		}
	}
	return field
}

// advanced are the fields that stand behind "Advanced settings", and how each is where nobody decides otherwise.
var advanced = map[string]string{
	"audience": "", "access_token_format": string(oauth.Opaque), "access_token_signing_alg": "", "access_token_lifetime": "",
	"refresh_token_lifetime": "", "resource_server": "", "introspection_signed_response_alg": "", "client_uri": "", "permissions": "",
}

// unusual reports whether the advanced settings must be seen: one has a fault, or is not as it usually is.
func (f formView) unusual() bool {
	if f.fault("client_id") != "" {
		return true
	}
	for field, usual := range advanced {
		if value := f.Get(field); f.fault(field) != "" || value != "" && value != usual {
			return true
		}
	}
	return false
}

func (f formView) more() []templates.ClientGroup {
	groups := []templates.ClientGroup{
		{Title: "Tokens", Inputs: f.tokens()},
		{Title: "APIs", Inputs: []templates.Input{f.audience(), f.introspectionAlg()}, Choices: []templates.Choices{f.resourceServer()}},
		{Title: "About it", Inputs: []templates.Input{f.input(templates.Input{
			ID: "client_uri", Type: "url", Code: true, Optional: true, Placeholder: "https://app.example.com",
			Hint: "People see its host when they are asked to allow access.",
		})}},
		{Title: "In the administration", Choices: []templates.Choices{f.permissions()}},
	}
	return groups
}

func (f formView) tokens() []templates.Input {
	algorithms := []templates.Option{{Value: "", Text: "What the server uses"}}
	for _, a := range jose.Algorithms {
		algorithms = append(algorithms, templates.Option{Value: string(a), Text: string(a)})
	}
	return []templates.Input{
		f.input(templates.Input{ID: "access_token_format", Type: "select", Hint: "Opaque tokens end at once when they are revoked. JWTs are checked by APIs themselves, which is faster, and live until they expire.", Options: []templates.Option{
			{Value: string(oauth.Opaque), Text: "Opaque: APIs ask this server what it is worth"},
			{Value: string(oauth.JWT), Text: "JWT: APIs check it themselves"},
		}}),
		f.input(templates.Input{ID: "access_token_signing_alg", Type: "select", Hint: "Only for JWTs. Choose one only where an API cannot check what the server uses.", Options: algorithms}),
		f.input(templates.Input{ID: "access_token_lifetime", Code: true, Optional: true, Placeholder: "10m", Hint: "For example 10m, 1h or 12h, at most 24 hours. Left empty: what the server does. Short is safer."}),
		f.input(templates.Input{ID: "refresh_token_lifetime", Code: true, Optional: true, Placeholder: "30d", Hint: "A refresh token that is not used for so long ends: for example 12h or 30d. Left empty: what the server does."}),
	}
}

func (f formView) audience() templates.Input {
	input := f.input(templates.Input{
		ID: "audience", Type: "textarea", Code: true, Optional: true, Rows: 2, Placeholder: "https://api.example.com",
		Hint: "The APIs that its tokens may be meant for, one URI on each line. An API accepts only tokens that are meant for it.",
	})
	if len(f.apis) > 0 {
		input.Label = "Other audiences"
		input.Hint = "Whom else its tokens may be meant for than the APIs above: services that are not registered here, one URI on each line."
	}
	return input
}

func (f formView) introspectionAlg() templates.Input {
	options := []templates.Option{{Value: "", Text: string(jose.RS256) + ", which every client knows"}}
	for _, a := range jose.Algorithms {
		options = append(options, templates.Option{Value: string(a), Text: string(a)})
	}
	return f.input(templates.Input{
		ID: "introspection_signed_response_alg", Type: "select", Options: options,
		Hint: "What signs the answer when it asks what a token is worth and wants to hear it as a JWT (RFC 9701). Few programs do.",
	})
}

func (f formView) resourceServer() templates.Choices {
	return templates.Choices{Legend: "Introspection", Fault: f.fault("resource_server"), ID: "resource_server", Items: []templates.Choice{
		f.box("resource_server", ticked, "It is an API itself (resource server)", "It may ask this server what the tokens are worth that are meant for the APIs above. Where an API is registered, name its client there instead."),
	}}
}

// permissions offers what the visitor holds, and says of the others why he cannot give them.
func (f formView) permissions() templates.Choices {
	c := templates.Choices{
		ID: "permissions", Legend: "Permissions of the client", Fault: f.fault("permissions"),
		Hint: "What it may do in the administration by itself, through the REST API with the client credentials grant. Most clients need none.",
	}
	for _, w := range account.AllPermissions() {
		item := f.box("permissions", string(w.Permission), w.Title, w.Sentence)
		if !f.rights.Has(w.Permission) {
			item.Disabled, item.Hint = true, "You do not hold this permission yourself, so you cannot give it away."
		}
		c.Items = append(c.Items, item)
	}
	return c
}

// numberedLines gives the lines of a field as Lines does, and the number of each as the person sees it.
func numberedLines(f form, field string) (lines, numbers []string) {
	n := 0
	for line := range strings.SplitSeq(f.Get(field), "\n") {
		n++
		if line = strings.TrimSpace(line); line != "" {
			lines, numbers = append(lines, line), append(numbers, strconv.Itoa(n))
		}
	}
	return lines, numbers
}

// clientFaults words what the rules say of a registration for the person who filled in the form; ok is false where err is
// something else. Their messages follow the name of a field: "must not be longer than 255 characters".
func clientFaults(f form, err error) (faults []templates.Fault, ok bool) {
	found, ok := fieldFaults(err)
	for _, fault := range found {
		field, index, listed := strings.Cut(strings.TrimSuffix(fault.Field, "]"), "[")
		message := fault.Message
		switch {
		case strings.HasPrefix(message, "must "):
			subject := fieldTitle(field)
			if _, numbers := numberedLines(f, field); listed && isLines(field) {
				subject = "Line " + lineNumber(numbers, index)
			}
			message = subject + " " + plainWords(message) + "."
		case !strings.HasSuffix(message, "."):
			message += "."
		}
		faults = append(faults, templates.Fault{Field: field, Message: message})
	}
	return faults, ok
}

// inOrder sorts faults as their fields stand on the page.
func inOrder(faults []templates.Fault) []templates.Fault {
	place := func(f templates.Fault) int {
		if strings.HasPrefix(f.Field, "api_") {
			return slices.Index(formOrder, "api")
		}
		return slices.Index(formOrder, f.Field)
	}
	return slices.SortedStableFunc(slices.Values(faults), func(a, b templates.Fault) int { return place(a) - place(b) })
}

// formOrder is how the fields stand on the page.
var formOrder = []string{
	"client_name", "token_endpoint_auth_method", "grant_types", "redirect_uris", "api", "default_audience", "scope", "default_scope", "access_token_format",
	"access_token_signing_alg", "access_token_lifetime", "refresh_token_lifetime", "audience", "introspection_signed_response_alg", "resource_server", "client_uri", "client_id", "permissions",
}

func isLines(field string) bool { return field == "redirect_uris" || field == "audience" }

func lineNumber(numbers []string, index string) string {
	if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < len(numbers) {
		return numbers[i]
	}
	return index
}

// plainWords says names of the protocol as the form has them.
func plainWords(message string) string {
	return strings.NewReplacer(
		"authorization_code", "“Authorization Code Grant”", string(oauth.DeviceCode), "“Device Authorization Grant”", "client_credentials", "“Client Credentials Grant”", "refresh_token", "“Refresh Tokens”",
		"which audience does not name", "which this auth client does not have", "personal_access_tokens is true", "personal access tokens are enabled",
	).Replace(message)
}
