package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// apiFlags are the flags that describe an API.
type apiFlags struct {
	set        *pflag.FlagSet // these flags and no others
	name       string
	scopes     []string
	format     string
	lifetime   oauth.Duration
	signingAlg string
	clientID   string
}

// apiFlagOf names the flag of each field of an API.
var apiFlagOf = map[string]string{
	"identifier": "IDENTIFIER", "name": "--name", "scopes": "--scope", "access_token_format": "--format", "access_token_lifetime": "--lifetime",
	"access_token_signing_alg": "--signing-alg", "client_id": "--client-id",
}

func addAPIFlags(cmd *cobra.Command) *apiFlags {
	set := pflag.NewFlagSet("api", pflag.ContinueOnError)
	f := &apiFlags{set: set}
	set.StringVar(&f.name, "name", "", "`text` that people see (default the identifier)")
	set.StringArrayVar(&f.scopes, "scope", nil, "`name=sentence` of what a token may allow at the API; the consent page shows the sentence; repeatable")
	set.StringVar(&f.format, "format", "", "`format` of access tokens meant for it: opaque or jwt (default the client's)")
	set.TextVar(&f.lifetime, "lifetime", oauth.Duration(0), "`duration` that access tokens meant for it live at most, such as 5m (default the client's)")
	set.Lookup("lifetime").DefValue = ""
	set.StringVar(&f.signingAlg, "signing-alg", "", "`algorithm` that signs JWT access tokens meant for it: "+joined(jose.Algorithms)+" (default the client's)")
	set.StringVar(&f.clientID, "client-id", "", "`id` of the client as which the API introspects tokens and hears of their end")
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(set)
	completeWith(cmd, "format", []string{"opaque", "jwt"})
	completeWith(cmd, "signing-alg", convert[string](jose.Algorithms))
	return f
}

// changed reports whether any of them was given.
func (f *apiFlags) changed() bool { return anyChanged(f.set) }

// apply changes what was given and leaves the rest as it is. --scope replaces all scopes; an empty word alone empties the
// list, and a name without a sentence keeps the one that it has.
func (f *apiFlags) apply(r *oauth.APIRegistration) {
	for flag, assign := range map[string]func(){
		"name":        func() { r.Name = f.name },
		"scope":       func() { r.Scopes = scopesOf(given(f.scopes), r.Scopes) },
		"format":      func() { r.AccessTokenFormat = oauth.AccessTokenFormat(f.format) },
		"lifetime":    func() { r.AccessTokenLifetime = f.lifetime },
		"signing-alg": func() { r.AccessTokenSigningAlg = jose.Algorithm(f.signingAlg) },
		"client-id":   func() { r.ClientID = f.clientID },
	} {
		if f.set.Changed(flag) {
			assign()
		}
	}
}

// scopesOf reads "orders:read=Read your orders.".
func scopesOf(words []string, known []oauth.APIScope) []oauth.APIScope {
	var scopes []oauth.APIScope
	for _, word := range words {
		name, sentence, told := strings.Cut(word, "=")
		s := oauth.APIScope{Name: strings.TrimSpace(name), Description: strings.TrimSpace(sentence)}
		if i := slices.IndexFunc(known, func(k oauth.APIScope) bool { return k.Name == s.Name }); i >= 0 && !told {
			s = known[i]
		}
		scopes = append(scopes, s)
	}
	return scopes
}
