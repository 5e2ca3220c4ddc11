package architecture

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
)

// importFaults compares what every file imports with the tables.
func importFaults(t *tree) []string {
	var faults []string
	for _, s := range t.sources {
		for _, imported := range s.imports() {
			if why := importFault(s, imported); why != "" {
				faults = append(faults, fmt.Sprintf("%s imports %s: %s", s.path, imported, why))
			}
		}
	}
	return faults
}

// importFault says why s may not import a package, "" if it may. Tests may import what lies below them, of whatever area.
func importFault(s source, imported string) string {
	own, inside := strings.CutPrefix(imported, module+"/")
	switch {
	case inside && s.isTest():
		return testFault(s, own)
	case inside:
		return areaFault(s, own)
	case s.isTest():
		return ""
	}
	return homeFault(s, imported)
}

func areaFault(s source, imported string) string {
	areas := slices.Collect(maps.Keys(mayImport()))
	from, known := longest(areas, s.folder())
	to, knownTo := longest(areas, imported)
	switch {
	case !known:
		return "the folder is in no area of the table"
	case !knownTo:
		return "the imported folder is in no area of the table"
	case withinAny(imported, testAreas()) && !withinAny(s.folder(), testAreas()):
		return "it is for tests"
	case from == to || slices.Contains(mayImport()[from], to) || slices.Contains(mayImport()[from], anything):
		return ""
	}
	return fmt.Sprintf("%s may import %s only", from, strings.Join(mayImport()[from], ", "))
}

// testFault keeps tests from looking up: what stands above an area imports it, so their tests belong there. The tests of
// cmd and test may import everything.
func testFault(s source, imported string) string {
	floors := [][]string{{"store", "internal", "templates", "protect"}, {"account"}, {"oauth"}, {"server", "admin"}, {"cmd"}, {"test"}}
	floor := func(p string) int {
		return slices.IndexFunc(floors, func(areas []string) bool { return withinAny(p, areas) })
	}
	beside := withinAny(s.folder(), []string{"server"}) && within(imported, "admin") || within(s.folder(), "admin") && within(imported, "server")
	if floor(imported) > floor(s.folder()) || beside {
		return "a test may import what lies below it only"
	}
	return ""
}

func homeFault(s source, imported string) string {
	table := homes()
	library, named := longest(slices.Collect(maps.Keys(table)), imported)
	switch {
	case !named && !strings.Contains(strings.Split(imported, "/")[0], "."):
		return "" // the standard library
	case !named:
		return "the library has no home in the table"
	case withinAny(s.path, table[library]):
		return ""
	case len(table[library]) == 0:
		return "it has no place outside of tests"
	}
	return "its home is " + strings.Join(table[library], ", ")
}

// environmentFaults finds reads of the environment outside of cmd.
func environmentFaults(t *tree) []string {
	var faults []string
	readers := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}
	for _, s := range t.sources {
		if s.isTest() || withinAny(s.folder(), environmentHomes()) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(readers, selector.Sel.Name) {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); ok && (x.Name == "os" || x.Name == "syscall") {
				faults = append(faults, fmt.Sprintf("%s: %s.%s: only cmd reads the environment", t.position(n), x.Name, selector.Sel.Name))
			}
			return true
		})
	}
	return faults
}

func TestImportsFollowTheTable(t *testing.T) { expectNone(t, importFaults(wholeTree(t))) }

func TestOnlyCmdReadsTheEnvironment(t *testing.T) { expectNone(t, environmentFaults(wholeTree(t))) }

// wholeTree reads this module; a tree without its main parts would pass every test.
func wholeTree(t *testing.T) *tree {
	t.Helper()
	all, err := readTree("../..")
	if err != nil {
		t.Fatal(err)
	}
	packages := all.packages()
	for _, folder := range []string{"store", "store/redis", "account", "oauth", "server", "cmd/grantor"} {
		if len(packages[folder]) == 0 {
			t.Fatalf("no Go file was found in %s", folder)
		}
	}
	return all
}

func expectNone(t *testing.T, faults []string) {
	t.Helper()
	for _, f := range faults {
		t.Error(f)
	}
}
