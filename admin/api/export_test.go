package api

import "github.com/grantor-dev/grantor/admin/access"

// BuildWith builds the API under another table.
func BuildWith(c Config, rules []access.Rule) error {
	s := &service{Config: c, address: c.Provider.Issuer() + Path}
	s.admit = s.byToken
	return s.build(rules)
}
