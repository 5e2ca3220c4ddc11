package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A kind that is missing could not be copied; one that is Spread in one place only would lie elsewhere in the copy.
func TestEveryKindOfRecordIsCopied(t *testing.T) {
	literal := regexp.MustCompile(`Kind\{Name: "([a-z_]+)"(, Spread: true)?\}`)
	known, seen := kinds(), map[string]bool{}
	for _, root := range []string{"../../store", "../../oauth", "../../account", "../../server", "../../admin", "../../internal", "."} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "storetest") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
				seen[m[1]] = true
				kind, err := known.Find(m[1])
				if err != nil || kind.Spread != (m[2] != "") {
					t.Errorf("%s: %s is not among the kinds as it is: %v", path, m[0], err)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range known {
		if !seen[name] && name != "" {
			t.Errorf("nobody keeps %s", name)
		}
	}
}

func TestNumbersAreGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1204: "1,204", 100000: "100,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}
