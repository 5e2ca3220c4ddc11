package pages

import (
	"go/format"
	"net/url"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// clientSnippets are programs to paste, with the values of the client in them, for each thing that it can do. No secret is
// ever among the values: programs read it from their environment. The client serves the APIs with these identifiers.
func (s *site) clientSnippets(c *oauth.Client, serves []string) []templates.SnippetGroup {
	fill := newSnippetFill(s.Provider.Issuer(), c)
	var groups []templates.SnippetGroup
	add := func(id, title, text string, texts snippetTexts) {
		g := templates.SnippetGroup{ID: id, Title: title, Text: text}
		for _, t := range texts {
			g.Snippets = append(g.Snippets, templates.Snippet{ID: id + "-" + strings.ToLower(t.language), Language: t.language, Code: fill.of(t)})
		}
		groups = append(groups, g)
	}
	if c.MayUse(oauth.AuthorizationCode) {
		add("code", "sign people in", "Authorization code grant with PKCE. Make a new verifier and a new state for every login.", codeSnippets)
	}
	if c.MayUse(oauth.DeviceCode) {
		add("device", "let a device in", "Device authorization grant (RFC 8628). Show the address and the code, then ask every few seconds, as often as the server says.", deviceSnippets)
	}
	if c.MayUse(oauth.ClientCredentials) {
		add("machine", "act for itself", "Client credentials grant. Keep the token until shortly before it expires; do not ask for one with every call.", machineSnippets)
	}
	if len(serves) > 0 {
		add("inspect", "ask what a token is worth", "Introspection (RFC 7662). A token is good only where “active” is true.", inspectSnippets)
	}
	if c.PersonalAccessTokens {
		add("personal", "use a personal access token", "People make one under “My account” and give it to their program, which sends it to the API with every call.", personalSnippets)
	}
	return groups
}

// snippetTexts are the same program in several languages. {NAME} stands for a value, and a line that begins with "?word " is
// kept where the word is true of the client.
type snippetTexts []snippetText

type snippetText struct{ language, text string }

// snippetFill holds the values of a client.
type snippetFill struct {
	shell, program *strings.Replacer
	is             map[string]bool
}

func newSnippetFill(issuer string, c *oauth.Client) snippetFill {
	redirect, api := "", "https://api.example.com/"
	if len(c.RedirectURIs) > 0 {
		redirect = c.RedirectURIs[0]
	}
	if len(c.Audience) > 0 {
		api = c.Audience[0]
	}
	scope := scopeOf(c.Scope).String()
	values := map[string]string{
		"{ID}": c.ClientID, "{REDIRECT}": redirect, "{SCOPE}": scope, "{API}": api,
		// The server mounts them there, and its metadata names them.
		"{AUTHORIZE}": issuer + "/oauth2/authorize", "{TOKEN}": issuer + "/oauth2/token", "{INTROSPECT}": issuer + "/oauth2/introspect",
		"{DEVICE}": issuer + "/oauth2/device_authorization",
	}
	var shell, program []string
	for name, value := range values {
		shell = append(shell, name, shellQuoted(value))
		program = append(program, name, strconv.QuoteToASCII(value)) // one spelling in Go, JavaScript and Python: what is registered is ASCII without quotes
	}
	query := url.Values{"response_type": {"code"}, "client_id": {c.ClientID}, "redirect_uri": {redirect}, "code_challenge_method": {"S256"}}
	if scope != "" {
		query.Set("scope", scope)
	}
	shell = append(shell, "{BEGIN}", values["{AUTHORIZE}"]+"?"+query.Encode(), "{SENT}", comment(redirect))
	program = append(program, "{SCOPES}", goList(scopeOf(c.Scope)))
	return snippetFill{
		shell: strings.NewReplacer(shell...), program: strings.NewReplacer(program...),
		is: map[string]bool{
			"basic": c.TokenEndpointAuthMethod == oauth.ClientSecretBasic, "post": c.TokenEndpointAuthMethod == oauth.ClientSecretPost,
			"secret": !c.IsPublic(), "public": c.IsPublic(), "scope": scope != "", "unscoped": scope == "", "refresh": c.MayUse(oauth.RefreshToken),
		},
	}
}

func (f snippetFill) of(t snippetText) string {
	var kept []string
	for line := range strings.SplitSeq(strings.Trim(t.text, "\n"), "\n") {
		if condition, found := strings.CutPrefix(line, "?"); found {
			word, rest, _ := strings.Cut(condition, " ")
			if !f.is[word] {
				continue
			}
			line = rest
		}
		kept = append(kept, line)
	}
	text := strings.Join(kept, "\n")
	if t.language == "curl" {
		return f.shell.Replace(text)
	}
	text = f.program.Replace(text)
	if t.language == "Go" {
		if tidy, err := format.Source([]byte(text)); err == nil { // columns differ with the lines that are kept
			return string(tidy)
		}
	}
	return text
}

// shellQuoted is a word of a shell that means exactly s.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// comment is a value within a comment, where nothing may end the line.
func comment(s string) string { return strings.Join(strings.Fields(s), " ") }

func goList(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = strconv.QuoteToASCII(item)
	}
	return "[]string{" + strings.Join(quoted, ", ") + "}"
}
