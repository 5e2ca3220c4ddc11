package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// clientFlags are the flags that describe a client.
type clientFlags struct {
	set            *pflag.FlagSet // these flags and no others
	name, uri      string
	redirectURIs   []string
	grantTypes     []string
	scope          string
	defaultScope   string
	audience       []string
	authMethod     string
	public         bool
	format         string
	signingAlg     string
	lifetime       oauth.Duration
	resourceServer bool
}

// flagOf names the flag of each field of a registration.
var flagOf = map[string]string{
	"client_id": "--client-id", "client_name": "--name", "client_uri": "--client-uri", "client_secret": "the secret",
	"redirect_uris": "--redirect-uri", "grant_types": "--grant-type", "scope": "--scope", "default_scope": "--default-scope",
	"audience": "--audience", "token_endpoint_auth_method": "--auth-method", "access_token_format": "--format",
	"access_token_signing_alg": "--signing-alg", "access_token_lifetime": "--lifetime", "resource_server": "--resource-server",
}

func addClientFlags(cmd *cobra.Command) *clientFlags {
	set := pflag.NewFlagSet("client", pflag.ContinueOnError)
	f := &clientFlags{set: set}
	set.StringVar(&f.name, "name", "", "`text` that people see when they are asked for consent")
	set.StringVar(&f.uri, "client-uri", "", "`URL` of a page about the client")
	set.StringArrayVar(&f.redirectURIs, "redirect-uri", nil, "`URI` where logins return to; repeatable")
	set.StringArrayVar(&f.grantTypes, "grant-type", nil, "`grant`: "+joined(oauth.GrantTypes)+" (default authorization_code); repeatable")
	set.StringVar(&f.scope, "scope", "", "`scopes` that the client may ask for, separated by spaces")
	set.StringVar(&f.defaultScope, "default-scope", "", "`scopes` of a request that names none (default all)")
	set.StringArrayVar(&f.audience, "audience", nil, "`URI` of an API that tokens may be meant for; repeatable")
	set.StringVar(&f.authMethod, "auth-method", "", "`method`: "+joined(oauth.AuthMethods)+" (default client_secret_basic)")
	set.BoolVar(&f.public, "public", false, "an app that cannot keep a secret: the same as --auth-method none")
	set.StringVar(&f.format, "format", "", "`format` of access tokens: opaque or jwt (default opaque)")
	set.StringVar(&f.signingAlg, "signing-alg", "", "`algorithm` that signs JWT access tokens: "+joined(jose.Algorithms)+" (default the server's)")
	set.TextVar(&f.lifetime, "lifetime", oauth.Duration(0), "`duration` of access tokens such as 10m (default the server's)")
	set.Lookup("lifetime").DefValue = ""
	set.BoolVar(&f.resourceServer, "resource-server", false, "an API: may introspect tokens meant for its audience")
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(set)
	completeWith(cmd, "grant-type", convert[string](oauth.GrantTypes))
	completeWith(cmd, "auth-method", convert[string](oauth.AuthMethods))
	completeWith(cmd, "format", []string{"opaque", "jwt"})
	completeWith(cmd, "signing-alg", convert[string](jose.Algorithms))
	return f
}

func completeWith(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

// changed reports whether any of them was given.
func (f *clientFlags) changed() bool {
	changed := false
	f.set.VisitAll(func(flag *pflag.Flag) { changed = changed || flag.Changed })
	return changed
}

// apply changes what was given and leaves the rest as it is. A list replaces the whole list; an empty word alone empties it.
func (f *clientFlags) apply(r *oauth.Registration) error {
	if f.set.Changed("public") && f.set.Changed("auth-method") {
		return usagef("--public and --auth-method say the same: keep one of the two")
	}
	for flag, assign := range map[string]func(){
		"name":            func() { r.ClientName = f.name },
		"client-uri":      func() { r.ClientURI = f.uri },
		"redirect-uri":    func() { r.RedirectURIs = given(f.redirectURIs) },
		"grant-type":      func() { r.GrantTypes = convert[oauth.GrantType](given(f.grantTypes)) },
		"scope":           func() { r.Scope = f.scope },
		"default-scope":   func() { r.DefaultScope = f.defaultScope },
		"audience":        func() { r.Audience = given(f.audience) },
		"auth-method":     func() { r.TokenEndpointAuthMethod = oauth.AuthMethod(f.authMethod) },
		"public":          func() { r.TokenEndpointAuthMethod = f.methodOfPublic() },
		"format":          func() { r.AccessTokenFormat = oauth.AccessTokenFormat(f.format) },
		"signing-alg":     func() { r.AccessTokenSigningAlg = jose.Algorithm(f.signingAlg) },
		"lifetime":        func() { r.AccessTokenLifetime = f.lifetime },
		"resource-server": func() { r.ResourceServer = f.resourceServer },
	} {
		if f.set.Changed(flag) {
			assign()
		}
	}
	return nil
}

func (f *clientFlags) methodOfPublic() oauth.AuthMethod {
	if f.public {
		return oauth.NoSecret
	}
	return oauth.ClientSecretBasic
}

func given(list []string) []string {
	if len(list) == 1 && list[0] == "" {
		return nil
	}
	return list
}

func convert[To, From ~string](list []From) []To {
	all := make([]To, len(list))
	for i, s := range list {
		all[i] = To(s)
	}
	return all
}

// registrationFaults lists the faults of a registration one a line, by the flags that a person wrote.
func registrationFaults(r *oauth.Registration, err error) error {
	var faults *oauth.RegistrationError
	if !errors.As(err, &faults) {
		return err
	}
	var b strings.Builder
	b.WriteString("the client has faults:")
	for _, f := range faults.Fields {
		field, index, _ := strings.Cut(strings.TrimSuffix(f.Field, "]"), "[")
		flag := flagOf[field]
		if flag == "" {
			flag = field
		}
		if value := listed(r, field, index); value != "" {
			flag += " " + strconv.Quote(value)
		}
		fmt.Fprintf(&b, "\n  %s %s", flag, f.Message)
	}
	return errors.New(b.String())
}

// listed gives the value at an index of a list, "" where the field is no list.
func listed(r *oauth.Registration, field, index string) string {
	list := map[string][]string{"redirect_uris": r.RedirectURIs, "audience": r.Audience, "grant_types": convert[string](r.GrantTypes)}[field]
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(list) {
		return ""
	}
	return list[i]
}
