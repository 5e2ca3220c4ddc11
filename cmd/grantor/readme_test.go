package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of settings into README.md")

// TestREADMEHoldsTheSettings keeps the README's table equal to what the program reads. `go test ./cmd/grantor -run README
// -update` writes it.
func TestREADMEHoldsTheSettings(t *testing.T) {
	const path, from, to = "../../README.md", "<!-- settings -->\n", "<!-- /settings -->"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(content), from)
	_, after, ok2 := strings.Cut(rest, to)
	if !ok1 || !ok2 {
		t.Fatal("README.md has lost its settings markers")
	}
	var table bytes.Buffer
	if err := writeSettings(&table); err != nil {
		t.Fatal(err)
	}
	want := before + from + "\n" + table.String() + "\n" + to + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(content) != want {
		t.Error("README.md does not hold the settings as they are: go test ./cmd/grantor -run README -update")
	}
}
