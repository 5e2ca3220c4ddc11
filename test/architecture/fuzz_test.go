package architecture

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The table of docs/security.md that names every fuzz target, and the bounds of the inputs that are kept for each.
const (
	fuzzHeader = "| what comes from outside | folder | targets |"
	mostInputs = 20
	mostBytes  = 16 << 10 // of one input, as go test writes it
)

// fuzzTable reads which targets the table names, as folder and name.
func fuzzTable(text string) (targets []string) {
	_, table, _ := strings.Cut(text, fuzzHeader+"\n|---|---|---|\n")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			break
		}
		for name := range strings.SplitSeq(cells[2], ",") {
			targets = append(targets, strings.Trim(cells[1], " `")+" "+strings.Trim(name, " `"))
		}
	}
	slices.Sort(targets)
	return targets
}

// fuzzTargets gives the targets of the tree, those of modules of their own too.
func fuzzTargets(t *testing.T) (targets []string) {
	for _, root := range []string{"", "protect/grpcprotect"} {
		tree, err := readTree(filepath.Join("../..", root))
		if err != nil {
			t.Fatal(err)
		}
		for file, names := range testNames(tree) {
			for _, name := range names {
				if strings.HasPrefix(name, "Fuzz") {
					targets = append(targets, filepath.ToSlash(filepath.Join(root, filepath.Dir(file)))+" "+name)
				}
			}
		}
	}
	slices.Sort(targets)
	return targets
}

func TestEveryFuzzTargetIsListedAndHasACorpus(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	listed, targets := fuzzTable(string(text)), fuzzTargets(t)
	if !slices.Equal(listed, targets) || len(targets) == 0 {
		t.Errorf("docs/security.md names\n%s\nand there are\n%s", strings.Join(listed, "\n"), strings.Join(targets, "\n"))
	}
	for _, target := range targets {
		folder, name, _ := strings.Cut(target, " ")
		kept, err := filepath.Glob(filepath.Join("../..", folder, "testdata/fuzz", name, "*"))
		if err != nil || len(kept) == 0 || len(kept) > mostInputs {
			t.Errorf("%s keeps %d inputs, not 1 to %d: %v", target, len(kept), mostInputs, err)
		}
		for _, input := range kept {
			if info, err := os.Stat(input); err != nil || info.Size() > mostBytes {
				t.Errorf("%s is larger than %d bytes, or not to be read: %v", input, mostBytes, err)
			}
		}
	}
	expectNone(t, foreignCorpora(t, targets))
}

// foreignCorpora finds inputs that no target reads.
func foreignCorpora(t *testing.T, targets []string) (faults []string) {
	for _, depth := range []string{"*", "*/*", "*/*/*"} {
		corpora, err := filepath.Glob(filepath.Join("../..", depth, "testdata/fuzz/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, corpus := range corpora {
			folder, err := filepath.Rel("../..", filepath.Join(corpus, "../../.."))
			if err != nil {
				t.Fatal(err)
			}
			if target := filepath.ToSlash(folder) + " " + filepath.Base(corpus); !slices.Contains(targets, target) {
				faults = append(faults, fmt.Sprintf("%s: there is no target %s", corpus, target))
			}
		}
	}
	return faults
}
