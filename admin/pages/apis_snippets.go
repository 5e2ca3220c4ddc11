package pages

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// apiSnippets show how to guard an API, with its values. The client is the one as which it asks about tokens, nil for none.
func (s *site) apiSnippets(a *oauth.API, client *oauth.Client) []templates.SnippetGroup {
	guard := templates.SnippetGroup{
		ID: "guard", Title: "Guard it", Text: "In Go with the package protect; any other program stands behind a gateway that asks this server about each request.",
		Snippets: []templates.Snippet{
			{ID: "guard-go", Language: "Go", Code: newAPIFill(s.Provider.Issuer(), a, client).of(guardSnippet)},
			{ID: "guard-nginx", Language: "nginx", Code: nginxSnippet(s.Provider.Issuer(), a)},
		},
	}
	groups := []templates.SnippetGroup{guard}
	if client == nil || client.IsPublic() {
		return groups
	}
	fill := newSnippetFill(s.Provider.Issuer(), client)
	inspect := templates.SnippetGroup{
		ID: "inspect", Title: "Ask what a token is worth", Text: "Introspection (RFC 7662). A token is good only where “active” is true.",
	}
	for _, t := range inspectSnippets[:1] {
		inspect.Snippets = append(inspect.Snippets, templates.Snippet{ID: "inspect-" + strings.ToLower(t.language), Language: t.language, Code: fill.of(t)})
	}
	return append(groups, inspect)
}

// newAPIFill holds the values of an API for programs.
func newAPIFill(issuer string, a *oauth.API, client *oauth.Client) snippetFill {
	values := []string{"{ISSUER}", strconv.QuoteToASCII(issuer), "{API}", strconv.QuoteToASCII(a.Identifier)}
	is := map[string]bool{"client": client != nil && !client.IsPublic(), "scope": len(a.Scopes) > 0, "plain": len(a.Scopes) == 0}
	if client != nil {
		values = append(values, "{CLIENT}", strconv.QuoteToASCII(client.ClientID))
	}
	if len(a.Scopes) > 0 {
		values = append(values, "{SCOPE}", strconv.QuoteToASCII(a.Scopes[0].Name))
	}
	return snippetFill{program: strings.NewReplacer(values...), is: is}
}

var guardSnippet = snippetText{"Go", `
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
?client 	"os"

	"github.com/grantor-dev/grantor/protect"
)

func main() {
	guard, err := protect.New(context.Background(), protect.Config{
		Issuer: {ISSUER},
		Audience: {API},
?client 		ClientID: {CLIENT},
?client 		ClientSecret: os.Getenv("GRANTOR_CLIENT_SECRET"),
	})
	if err != nil {
		log.Fatal(err)
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", protect.FromContext(r.Context()).Subject)
	})
	mux := http.NewServeMux()
?scope 	mux.Handle("GET /", guard.Require({SCOPE})(hello))
?plain 	mux.Handle("GET /", hello)
	log.Fatal(http.ListenAndServe("127.0.0.1:8081", guard.Handler(mux)))
}
`}

// nginxSnippet has nginx ask this server about each request. What stands in the query is escaped for URLs, so it holds
// nothing that nginx reads: no blank, quote, semicolon, brace or dollar.
func nginxSnippet(issuer string, a *oauth.API) string {
	query := "audience=" + url.QueryEscape(a.Identifier)
	if len(a.Scopes) > 0 {
		query += "&scope=" + url.QueryEscape(a.Scopes[0].Name)
	}
	return strings.NewReplacer("{ASK}", issuer+"/forward-auth?"+query).Replace(strings.TrimPrefix(`
location / {
    auth_request /_grantor;
    auth_request_set $subject $upstream_http_x_auth_subject;
    auth_request_set $client $upstream_http_x_auth_client_id;
    auth_request_set $scope $upstream_http_x_auth_scope;
    proxy_set_header X-Auth-Subject $subject;
    proxy_set_header X-Auth-Client-Id $client;
    proxy_set_header X-Auth-Scope $scope;
    proxy_pass http://127.0.0.1:3000;
}

location = /_grantor {
    internal;
    proxy_pass {ASK};
    proxy_ssl_server_name on;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
}
`, "\n"))
}
