package architecture

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
)

// clocked areas go by the clock that they are given, so that tests can move it, also that of a whole process.
func clocked() []string {
	return []string{"server", "admin", "oauth", "account", "store/redis", "internal/limit"}
}

// clockReaders may ask the machine for the time, for what nothing outside of the process is compared with.
func clockReaders() map[string]string {
	return map[string]string{
		"server/revocations.go":       "a deadline of a connection",
		"admin/api/backup.go":         "a deadline of a connection",
		"admin/pages/audit_export.go": "a deadline of a connection",
		"store/redis/batch.go":        "a deadline of commands",
		"store/redis/command.go":      "a deadline of commands",
		"oauth/feed.go":               "how long ago something was",
		"oauth/engine.go":             "a field that the engine wants, whose expiry was checked before",
		"admin/admin.go":              "when the program began, for people to read",
	}
}

// clockFaults finds who asks the machine for the time and need not, and who is allowed to and does not.
func clockFaults(t *tree) []string {
	var faults []string
	unused := clockReaders()
	for _, s := range t.sources {
		if s.isTest() || !withinAny(s.folder(), clocked()) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if !readsClock(n) {
				return true
			}
			if _, allowed := clockReaders()[s.path]; !allowed {
				faults = append(faults, t.position(n)+": it reads the clock of the machine and not the one that it is given")
			}
			delete(unused, s.path)
			return true
		})
	}
	for _, path := range slices.Sorted(maps.Keys(unused)) {
		faults = append(faults, fmt.Sprintf("%s does not read the clock (any more): take it off the list", path))
	}
	return faults
}

func readsClock(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Now", "Since", "Until"}, f.Sel.Name) {
		return false
	}
	x, ok := f.X.(*ast.Ident)
	return ok && x.Name == "time"
}

func TestTheClockIsTheOneThatIsGiven(t *testing.T) { expectNone(t, clockFaults(wholeTree(t))) }

func TestReadersOfTheMachinesClockAreFound(t *testing.T) {
	const text = "// Package p is one.\npackage p\n\nimport \"time\"\n\nvar given = time.Now\n\nfunc f() time.Time { return time.Now() }\n"
	for path, want := range map[string]bool{"oauth/token.go": true, "oauth/feed.go": false, "cmd/grantor/serve.go": false} {
		found := slices.ContainsFunc(clockFaults(one(t, path, text)), func(f string) bool { return strings.HasPrefix(f, path+":8: ") })
		if found != want {
			t.Errorf("%s: a reader is found: %t", path, found)
		}
	}
}
