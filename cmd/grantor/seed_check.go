package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// check finds what can be known to be wrong before anything is written.
func (s *seed) check(f *seedFaults) {
	seen := map[string]bool{}
	once := func(place, what, key string) {
		if seen[what+key] {
			f.add(place, fmt.Errorf("there is another %s %s in this file", what, key))
		}
		seen[what+key] = true
	}
	for i, g := range s.Groups {
		place := fmt.Sprintf("groups[%d]", i)
		if strings.TrimSpace(g.Name) == "" {
			f.add(place, errors.New("name is missing"))
			continue
		}
		once(place, "group", groupKey(g.Name))
		f.add("group "+g.Name, unknownPermissions(g.Permissions))
	}
	f.add("groups", s.groupCircle())
	for i, u := range s.Users {
		place := fmt.Sprintf("users[%d]", i)
		if u.Username == "" {
			f.add(place, errors.New("username is missing"))
			continue
		}
		name, ok := account.CanonicalUsername(u.Username)
		if !ok {
			f.add(place, errors.New("username has 1 to 64 letters, digits and . _ - @ + of one script"))
			continue
		}
		once(place, "user", name)
		f.add("user "+u.Username, unknownPermissions(u.Permissions))
	}
	owners := s.checkAPIs(f, once)
	for i, c := range s.Clients {
		place := fmt.Sprintf("clients[%d]", i)
		if c.ClientID == "" {
			f.add(place, errors.New("client_id is missing: without it each start would register another client"))
			continue
		}
		once(place, "client", c.ClientID)
		f.add("client "+c.ClientID, c.Check())
		scope, _ := oauth.ParseScope(c.Scope) // Check tells
		for _, token := range scope {
			if owner := owners[token]; owner != "" && !slices.Contains(c.Audience, owner) {
				f.add("client "+c.ClientID, errNotReached(token, owner))
			}
		}
	}
}

// checkAPIs finds faults of APIs, also between them: a scope belongs to one. It gives the API of each scope.
func (s *seed) checkAPIs(f *seedFaults, once func(place, what, key string)) map[string]string {
	of := map[string]string{}
	for i, r := range s.APIs {
		place := fmt.Sprintf("apis[%d]", i)
		if r.Identifier == "" {
			f.add(place, errors.New("identifier is missing"))
			continue
		}
		once(place, "API", r.AsKept().Identifier)
		place = "API " + r.Identifier
		f.add(place, r.Check())
		for k, scope := range r.Scopes {
			if other := of[scope.Name]; other != "" && other != r.Identifier {
				f.add(place, fmt.Errorf("scopes[%d].name must not be %s, which belongs to the API %s", k, scope.Name, other))
			}
			of[scope.Name] = firstOf(of[scope.Name], r.Identifier)
		}
		for _, c := range s.Clients {
			if r.ClientID != "" && c.ClientID == r.ClientID && c.TokenEndpointAuthMethod == oauth.NoSecret {
				f.add(place, errors.New("client_id must be that of a client with a secret: introspection needs authentication"))
			}
		}
	}
	return of
}

func unknownPermissions(given []account.Permission) error {
	if _, unknown := account.TidyPermissions(given); len(unknown) > 0 {
		return fmt.Errorf("permissions: there is no permission %s: there are %s", joined(unknown), joined(knownPermissions()))
	}
	return nil
}

func knownPermissions() []account.Permission {
	var all []account.Permission
	for _, w := range account.AllPermissions() {
		all = append(all, w.Permission)
	}
	return all
}

// groupKey tells which groups are the same within a file. The rules of account know more spellings.
func groupKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// groupCircle says which declared group would be within itself.
func (s *seed) groupCircle() error {
	above := map[string][]string{}
	for _, g := range s.Groups {
		for _, name := range g.MemberOf {
			above[groupKey(g.Name)] = append(above[groupKey(g.Name)], groupKey(name))
		}
	}
	return circle(above)
}

// circle finds a group that is within itself, by way of others or at once.
func circle(above map[string][]string) error {
	for start := range above {
		seen := map[string]bool{}
		for open := above[start]; len(open) > 0; {
			next := open[0]
			if open = open[1:]; next == start {
				return fmt.Errorf("member_of: group %s would be within itself", start)
			}
			if !seen[next] {
				seen[next] = true
				open = append(append([]string{}, open...), above[next]...)
			}
		}
	}
	return nil
}
