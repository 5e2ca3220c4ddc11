package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// clientFlags are the flags that describe a client.
type clientFlags struct {
	set             *pflag.FlagSet // these flags and no others
	name, uri       string
	redirectURIs    []string
	grantTypes      []string
	scope           string
	defaultScope    string
	audience        []string
	defaultAudience string
	authMethod      string
	public          bool
	format          string
	signingAlg      string
	lifetime        oauth.Duration
	refreshLifetime oauth.Duration
	resourceServer  bool
	personalTokens  bool
	introspectAlg   string
	permissions     []string
}

// flagOf names the flag of each field of a registration.
var flagOf = map[string]string{
	"client_id": "--client-id", "client_name": "--name", "client_uri": "--client-uri", "client_secret": "the secret",
	"redirect_uris": "--redirect-uri", "grant_types": "--grant-type", "scope": "--scope", "default_scope": "--default-scope",
	"audience": "--audience", "default_audience": "--default-audience", "introspection_signed_response_alg": "--introspection-signed-response-alg",
	"token_endpoint_auth_method": "--auth-method", "access_token_format": "--format",
	"access_token_signing_alg": "--signing-alg", "access_token_lifetime": "--lifetime", "refresh_token_lifetime": "--refresh-lifetime",
	"resource_server": "--resource-server", "personal_access_tokens": "--personal-access-tokens", "permissions": "--permission",
}

func addClientFlags(cmd *cobra.Command) *clientFlags {
	set := pflag.NewFlagSet("client", pflag.ContinueOnError)
	f := &clientFlags{set: set}
	set.StringVar(&f.name, "name", "", "`text` that people see when they are asked for consent")
	set.StringVar(&f.uri, "client-uri", "", "`URL` of a page about the client")
	set.StringArrayVar(&f.redirectURIs, "redirect-uri", nil, "`URI` where logins return to; repeatable")
	set.StringArrayVar(&f.grantTypes, "grant-type", nil, "`grant`: "+joined(shownGrantTypes(oauth.GrantTypes))+" (default authorization_code); repeatable")
	set.StringVar(&f.scope, "scope", "", "`scopes` that the client may ask for, separated by spaces")
	set.StringVar(&f.defaultScope, "default-scope", "", "`scopes` of a request that names none (default all)")
	set.StringArrayVar(&f.audience, "audience", nil, "`URI` of an API that tokens may be meant for; repeatable")
	set.StringVar(&f.defaultAudience, "default-audience", "", "`URI` of the API, one of --audience, that a request is for which names no API and no scope of one")
	set.StringVar(&f.authMethod, "auth-method", "", "`method`: "+joined(oauth.AuthMethods)+" (default client_secret_basic)")
	set.BoolVar(&f.public, "public", false, "an app that cannot keep a secret: the same as --auth-method none")
	set.StringVar(&f.format, "format", "", "`format` of access tokens: opaque or jwt (default opaque)")
	set.StringVar(&f.signingAlg, "signing-alg", "", "`algorithm` that signs JWT access tokens: "+joined(jose.Algorithms)+" (default the server's)")
	set.TextVar(&f.lifetime, "lifetime", oauth.Duration(0), "`duration` of access tokens such as 10m (default the server's)")
	set.TextVar(&f.refreshLifetime, "refresh-lifetime", oauth.Duration(0), "`duration` that an unused refresh token stays good, such as 30d (default the server's)")
	for _, name := range []string{"lifetime", "refresh-lifetime"} {
		set.Lookup(name).DefValue = ""
	}
	set.BoolVar(&f.resourceServer, "resource-server", false, "an API: may introspect tokens meant for its audience")
	set.StringVar(&f.introspectAlg, "introspection-signed-response-alg", "", "`algorithm` that signs introspection answers where it asks for a JWT: "+joined(jose.Algorithms)+" (default RS256)")
	set.BoolVar(&f.personalTokens, "personal-access-tokens", false, "users may make tokens for it by hand")
	set.StringArrayVar(&f.permissions, "permission", nil, "`permission` in the administration for the client itself, such as clients:view; repeatable")
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(set)
	completeWith(cmd, "grant-type", shownGrantTypes(oauth.GrantTypes))
	completeWith(cmd, "auth-method", convert[string](oauth.AuthMethods))
	completeWith(cmd, "format", []string{"opaque", "jwt"})
	completeWith(cmd, "signing-alg", convert[string](jose.Algorithms))
	completeWith(cmd, "introspection-signed-response-alg", convert[string](jose.Algorithms))
	completeWith(cmd, "permission", permissionNames())
	return f
}

// permissionNames lists all permissions, with their words for shells that show them.
func permissionNames() []string {
	var names []string
	for _, w := range account.AllPermissions() {
		names = append(names, cobra.CompletionWithDesc(string(w.Permission), w.Title))
	}
	return names
}

func completeWith(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

// changed reports whether any of them was given.
func (f *clientFlags) changed() bool { return anyChanged(f.set) }

func anyChanged(set *pflag.FlagSet) bool {
	changed := false
	set.VisitAll(func(flag *pflag.Flag) { changed = changed || flag.Changed })
	return changed
}

// apply changes what was given and leaves the rest as it is. A list replaces the whole list; an empty word alone empties it.
func (f *clientFlags) apply(r *oauth.Registration) error {
	if f.set.Changed("public") && f.set.Changed("auth-method") {
		return usagef("--public and --auth-method say the same: keep one of the two")
	}
	for flag, assign := range map[string]func(){
		"name":                              func() { r.ClientName = f.name },
		"client-uri":                        func() { r.ClientURI = f.uri },
		"redirect-uri":                      func() { r.RedirectURIs = given(f.redirectURIs) },
		"grant-type":                        func() { r.GrantTypes = givenGrantTypes(f.grantTypes) },
		"scope":                             func() { r.Scope = f.scope },
		"default-scope":                     func() { r.DefaultScope = f.defaultScope },
		"audience":                          func() { r.Audience = given(f.audience) },
		"default-audience":                  func() { r.DefaultAudience = f.defaultAudience },
		"auth-method":                       func() { r.TokenEndpointAuthMethod = oauth.AuthMethod(f.authMethod) },
		"public":                            func() { r.TokenEndpointAuthMethod = f.methodOfPublic() },
		"format":                            func() { r.AccessTokenFormat = oauth.AccessTokenFormat(f.format) },
		"signing-alg":                       func() { r.AccessTokenSigningAlg = jose.Algorithm(f.signingAlg) },
		"lifetime":                          func() { r.AccessTokenLifetime = f.lifetime },
		"refresh-lifetime":                  func() { r.RefreshTokenLifetime = f.refreshLifetime },
		"resource-server":                   func() { r.ResourceServer = f.resourceServer },
		"introspection-signed-response-alg": func() { r.IntrospectionSignedResponseAlg = jose.Algorithm(f.introspectAlg) },
		"personal-access-tokens":            func() { r.PersonalAccessTokens = f.personalTokens },
		"permission":                        func() { r.Permissions = convert[account.Permission](given(f.permissions)) },
	} {
		if f.set.Changed(flag) {
			assign()
		}
	}
	return nil
}

// changes gives what was given, by the names of the API. What is empty goes back to its default.
func (f *clientFlags) changes(r *oauth.Registration) (map[string]any, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the changes: %w", err)
	}
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("read the changes: %w", err)
	}
	changes := map[string]any{}
	for field, flag := range flagOf {
		name := strings.TrimPrefix(flag, "--")
		if f.set.Changed(name) || name == "auth-method" && f.set.Changed("public") {
			changes[field] = values[field] // nil where it was left out for being empty
		}
	}
	return changes, nil
}

func (f *clientFlags) methodOfPublic() oauth.AuthMethod {
	if f.public {
		return oauth.NoSecret
	}
	return oauth.ClientSecretBasic
}

// given makes nothing of one empty word.
func given(list []string) []string {
	if len(list) == 1 && list[0] == "" {
		return nil
	}
	return list
}

// deviceWord stands for the grant of RFC 8628 on the command line. Documents, such as those of `grantor apply`, hold the
// name that the protocol has for it.
const deviceWord = "device_code"

// givenGrantTypes reads the words of --grant-type, or the names that the protocol has.
func givenGrantTypes(words []string) []oauth.GrantType {
	grants := convert[oauth.GrantType](given(words))
	for i, grant := range grants {
		if grant == deviceWord {
			grants[i] = oauth.DeviceCode
		}
	}
	return grants
}

// shownGrantTypes names grants as --grant-type takes them.
func shownGrantTypes(grants []oauth.GrantType) []string {
	words := convert[string](grants)
	for i, grant := range grants {
		if grant == oauth.DeviceCode {
			words[i] = deviceWord
		}
	}
	return words
}

func convert[To, From ~string](list []From) []To {
	all := make([]To, len(list))
	for i, s := range list {
		all[i] = To(s)
	}
	return all
}

// clientWording names faults of a client by the flags that a person wrote.
func clientWording(r *oauth.Registration) wording {
	join := func(name, detail string) string {
		return strings.ReplaceAll(asPredicate(name, detail), string(oauth.DeviceCode), deviceWord)
	}
	return wording{what: "the client", names: flagOf, join: join, value: func(field string, index int) string {
		list := map[string][]string{
			"redirect_uris": r.RedirectURIs, "audience": r.Audience, "grant_types": convert[string](r.GrantTypes), "permissions": convert[string](r.Permissions),
		}[field]
		if index < 0 || index >= len(list) {
			return ""
		}
		return list[index]
	}}
}
