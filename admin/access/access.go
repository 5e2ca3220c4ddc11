// Package access holds the one table that says what each page and each operation of the administration needs. Whoever
// serves a route asks here; a route that is not in the table cannot be served.
package access

import (
	"fmt"

	"github.com/grantor-dev/grantor/account"
)

// Need is what a request must have: one of the permissions of account, or one of the words below.
type Need string

// What a request may need besides a permission.
const (
	Nothing  Need = "nothing"   // open to everybody
	SignedIn Need = "signed in" // any user: it concerns the user alone
	Any      Need = "any"       // any permission at all
)

// Rule is one line of the table. Path is a template of gorilla/mux below the issuer.
type Rule struct {
	Method string
	Path   string
	Need   Need
}

// Key names a rule as handlers are registered: "GET /admin/keys".
func (r Rule) Key() string { return r.Method + " " + r.Path }

// Find gives the rule of a route. It fails for one that the table does not hold.
func Find(method, path string) (Rule, error) {
	for _, rules := range [][]Rule{Pages(), API()} {
		for _, r := range rules {
			if r.Method == method && r.Path == path {
				return r, nil
			}
		}
	}
	return Rule{}, fmt.Errorf("no rule says who may %s %s", method, path)
}

// Check says whether somebody who is signed in, with these rights, meets the need: nil or *account.ForbiddenError.
func (n Need) Check(rights account.Rights) error {
	switch n {
	case Nothing, SignedIn:
		return nil
	case Any:
		if rights.Any() {
			return nil
		}
		return &account.ForbiddenError{}
	}
	return rights.Check(account.Permission(n))
}

func get(path string, n Need) Rule  { return Rule{"GET", path, n} }
func post(path string, n Need) Rule { return Rule{"POST", path, n} }

func needs(p account.Permission) Need { return Need(p) }
