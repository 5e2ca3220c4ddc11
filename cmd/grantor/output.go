package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// printer writes what a command found: a table for people, or JSON for programs.
type printer struct {
	out    io.Writer
	asJSON bool
}

// table prints rows under a header, or value as JSON.
func (p printer) table(header []string, rows [][]string, value any) error {
	if p.asJSON {
		return p.json(value)
	}
	return p.aligned(append([][]string{header}, rows...))
}

// record prints one thing as pairs of name and text, or value as JSON.
func (p printer) record(pairs [][]string, value any) error {
	if p.asJSON {
		return p.json(value)
	}
	return p.aligned(pairs)
}

// say prints a sentence for people. A program gets value, nothing where it is nil.
func (p printer) say(sentence string, value any) error {
	if !p.asJSON {
		_, err := fmt.Fprintln(p.out, sentence)
		return err
	}
	if value == nil {
		return nil
	}
	return p.json(value)
}

func (p printer) json(value any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false) // URLs stay readable
	e.SetIndent("", "  ")
	return e.Encode(value)
}

func (p printer) aligned(rows [][]string) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = printable(c)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// shownTime is how people read a time; programs get RFC 3339.
func shownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// printable keeps names that others chose from moving the cursor, colouring the terminal, or forging a row.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// shownMinute is shownTime for the columns of a table.
func shownMinute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// shownDay is the day of a time, where a table has no room for more.
func shownDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// shortened cuts a text for a column of a table.
func shortened(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
