package architecture

import (
	"fmt"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// requirement is a row of docs/rfc.md.
type requirement struct {
	line         int
	section      string
	text         string
	files, tests []string
	notFollowed  string // the reason, where it is not
}

const (
	rfcHeader   = "| section | requirement | file | test |"
	notFollowed = "not followed:"
)

// requirements reads the tables, and what is wrong with their form.
func requirements(text string) (rows []requirement, faults []string) {
	heading, inTable := "", false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "## "):
			heading, inTable = line, false
		case line == rfcHeader:
			inTable = true
		case !strings.HasPrefix(line, "|"), strings.HasPrefix(line, "|---"):
		case !inTable || heading == "":
			faults = append(faults, fmt.Sprintf("line %d: a table below a heading begins with %s", i+1, rfcHeader))
		default:
			row, fault := readRequirement(i+1, line)
			if fault != "" {
				faults = append(faults, fault)
				continue
			}
			rows = append(rows, row)
		}
	}
	return rows, faults
}

func readRequirement(line int, text string) (requirement, string) {
	cells := strings.Split(strings.Trim(text, "|"), "|")
	if len(cells) != 4 {
		return requirement{}, fmt.Sprintf("line %d has %d cells, not 4", line, len(cells))
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	row := requirement{line: line, section: cells[0], text: cells[1]}
	if row.section == "" || row.text == "" {
		return row, fmt.Sprintf("line %d names no section or no requirement", line)
	}
	if reason, found := strings.CutPrefix(cells[3], notFollowed); found {
		row.notFollowed = strings.TrimSpace(reason)
		if row.notFollowed == "" {
			return row, fmt.Sprintf("line %d does not say why it is not followed", line)
		}
		return row, ""
	}
	row.files, row.tests = listed(cells[2]), listed(cells[3])
	if len(row.files) == 0 || len(row.tests) == 0 {
		return row, fmt.Sprintf("line %d names no test", line)
	}
	return row, ""
}

func listed(cell string) []string {
	return strings.FieldsFunc(cell, func(c rune) bool { return c == ',' || c == ' ' })
}

// testFaults finds tests that do not stand in the files which the row names, and files in which none of them stands.
func testFaults(row requirement, tests map[string][]string) []string {
	if row.notFollowed != "" {
		return nil
	}
	var faults []string
	used := map[string]bool{}
	for _, file := range row.files {
		if _, exists := tests[file]; !exists {
			faults = append(faults, fmt.Sprintf("line %d: there is no test file %s", row.line, file))
			used[file] = true
		}
	}
	for _, name := range row.tests {
		found := false
		for _, file := range row.files {
			if slices.Contains(tests[file], name) {
				found, used[file] = true, true
			}
		}
		if !found {
			faults = append(faults, fmt.Sprintf("line %d: no test %s in %s", row.line, name, strings.Join(row.files, ", ")))
		}
	}
	for _, file := range row.files {
		if !used[file] {
			faults = append(faults, fmt.Sprintf("line %d: none of the tests is in %s", row.line, file))
		}
	}
	return faults
}

// testNames gives the tests and fuzz targets of each test file.
func testNames(t *tree) map[string][]string {
	names := map[string][]string{}
	for _, s := range t.sources {
		if !s.isTest() {
			continue
		}
		names[s.path] = nil
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				names[s.path] = append(names[s.path], f.Name.Name)
			}
		}
	}
	return names
}

func TestEveryRequirementHasATest(t *testing.T) {
	text, err := os.ReadFile("../../docs/rfc.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, faults := requirements(string(text))
	names := testNames(wholeTree(t))
	for _, row := range rows {
		faults = append(faults, testFaults(row, names)...)
	}
	expectNone(t, faults)
	for _, standard := range []string{"6749", "6750", "7009", "7517", "7591", "7636", "7662", "8252", "8414", "8707", "9068", "9207", "9700"} {
		if !strings.Contains(string(text), "\n## RFC "+standard+":") {
			t.Errorf("docs/rfc.md has no section of RFC %s", standard)
		}
	}
	if len(rows) < 100 {
		t.Errorf("%d rows were read", len(rows))
	}
}

func TestFaultyRequirementsAreFound(t *testing.T) {
	tests := map[string][]string{"server/token_test.go": {"TestA", "TestB"}, "oauth/token_test.go": {"TestC"}}
	for row, want := range map[string]string{
		"| 2.1 | a thing (MUST) | server/token_test.go | TestA |":                             "",
		"| 2.1 | a thing (MUST) | server/token_test.go | TestA, TestB |":                      "",
		"| 2.1 | a thing (MUST) | server/token_test.go, oauth/token_test.go | TestC, TestB |": "",
		"| 2.1 | a thing (SHOULD) | | not followed: nobody needs it |":                        "",
		"| 2.1 | a thing (SHOULD) | | not followed: |":                                        "does not say why",
		"| 2.1 | a thing (MUST) | server/token_test.go | |":                                   "names no test",
		"| 2.1 | a thing (MUST) | | TestA |":                                                  "names no test",
		"| 2.1 | a thing (MUST) | server/token_test.go | TestC |":                             "no test TestC in server/token_test.go",
		"| 2.1 | a thing (MUST) | server/gone_test.go | TestA |":                              "no test file server/gone_test.go",
		"| 2.1 | a thing (MUST) | server/token_test.go, oauth/token_test.go | TestA |":        "none of the tests is in oauth/token_test.go",
		"| | a thing (MUST) | server/token_test.go | TestA |":                                 "names no section",
		"| 2.1 | a thing (MUST) | TestA |":                                                    "has 3 cells",
	} {
		rows, faults := requirements("## RFC 1: x\n\n" + rfcHeader + "\n|---|---|---|---|\n" + row + "\n")
		for _, r := range rows {
			faults = append(faults, testFaults(r, tests)...)
		}
		if got := strings.Join(faults, "; "); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: faults %q, want %q", row, got, want)
		}
	}
	if _, faults := requirements("| 2.1 | a thing (MUST) | server/token_test.go | TestA |\n"); len(faults) != 1 {
		t.Errorf("a row outside of a table: %q", faults)
	}
}
