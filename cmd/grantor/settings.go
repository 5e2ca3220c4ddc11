package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/oauth"
)

const day = 24 * time.Hour

// Where a setting may come from. Secrets come from the environment only: a flag is seen by every process of the
// machine, and a file is copied more easily than its owner thinks.
const (
	fromFile = 1 << iota
	fromEnvironment
	fromFlag
	fromAnywhere = fromFile | fromEnvironment | fromFlag
)

// setting is one row of the table from which flags, variables, file keys, checks and documentation are made. Its name is
// the key in the file; the variable is GRANTOR_NAME and the flag --name, with dashes.
type setting struct {
	section string
	name    string
	initial string // the default, as a person writes it
	sources int
	target  target
	help    string
}

// target is the field of Config that a setting fills.
type target struct {
	kind string // what a person writes: text, switch, duration, number, list
	set  func(values []string) error
	show func() string
}

func (s setting) flag() string        { return strings.ReplaceAll(s.name, "_", "-") }
func (s setting) environment() string { return "GRANTOR_" + strings.ToUpper(s.name) }

func text[T ~string](to *T) target {
	return target{kind: "text", show: func() string { return fmt.Sprint(*to) }, set: single(func(s string) error {
		*to = T(s)
		return nil
	})}
}

func oneOf(to *string, allowed ...string) target {
	return target{kind: strings.Join(allowed, "|"), show: func() string { return *to }, set: single(func(s string) error {
		for _, a := range allowed {
			if s == a {
				*to = s
				return nil
			}
		}
		return fmt.Errorf("%q is unknown: write %s", s, strings.Join(allowed, ", "))
	})}
}

func toggle(to *bool) target {
	return target{kind: "switch", show: func() string { return strconv.FormatBool(*to) }, set: single(func(s string) (err error) {
		if *to, err = strconv.ParseBool(s); err != nil {
			return fmt.Errorf("%q is neither true nor false", s)
		}
		return nil
	})}
}

func duration(to *time.Duration, low, high time.Duration) target {
	return target{kind: "duration", show: func() string { return oauth.Duration(*to).String() }, set: single(func(s string) error {
		d, err := oauth.ParseDuration(s)
		if err != nil {
			return err
		}
		*to = time.Duration(d)
		if d < oauth.Duration(low) || d > oauth.Duration(high) {
			return fmt.Errorf("%s is out of range: write %v to %v", s, oauth.Duration(low), oauth.Duration(high))
		}
		return nil
	})}
}

func number[T uint8 | uint32](to *T, low, high uint64) target {
	return target{kind: "number", show: func() string { return fmt.Sprint(*to) }, set: single(func(s string) error {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is not a number from %d to %d", s, low, high)
		}
		*to = T(n)
		return nil
	})}
}

func ratio(to *float64) target {
	return target{kind: "number", show: func() string { return strconv.FormatFloat(*to, 'g', -1, 64) }, set: single(func(s string) error {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || !(n >= 0 && n <= 1) { // NaN is neither
			return fmt.Errorf("%q is not a number from 0 to 1", s)
		}
		*to = n
		return nil
	})}
}

func level(to *slog.Level) target {
	name := func() string { return strings.ToLower(to.String()) }
	return target{kind: "debug|info|warn|error", show: name, set: single(func(s string) error {
		for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			if strings.EqualFold(s, l.String()) {
				*to = l
				return nil
			}
		}
		return fmt.Errorf("%q is unknown: write debug, info, warn or error", s)
	})}
}

func networks(to *[]netip.Prefix) target {
	show := func() string {
		words := make([]string, len(*to))
		for i, p := range *to {
			words[i] = p.String()
		}
		return strings.Join(words, ", ")
	}
	return target{kind: "list", show: show, set: func(values []string) error {
		var all []netip.Prefix
		for _, word := range strings.FieldsFunc(strings.Join(values, ","), isSeparator) {
			p, err := parsePrefix(word)
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		*to = all
		return nil
	}}
}

// limits changes the default limits; what is shown is all of them.
func limits(to *limit.Table) target {
	return target{kind: "list", show: to.String, set: func(values []string) (err error) {
		*to, err = limit.Parse(strings.FieldsFunc(strings.Join(values, ","), isSeparator))
		return err
	}}
}

func isSeparator(r rune) bool { return r == ',' || r == ' ' }

func single(set func(string) error) func([]string) error {
	return func(values []string) error {
		if len(values) != 1 {
			return fmt.Errorf("takes one value, not a list of %d", len(values))
		}
		return set(values[0])
	}
}

// addFlags gives a command the flags of the named settings, of all settings where none is named. loadConfig reads them.
func addFlags(flags *pflag.FlagSet, names ...string) {
	wanted := make(map[string]bool, len(names))
	for _, n := range names {
		wanted[n] = true
	}
	for _, s := range new(Config).settings() {
		if s.sources&fromFlag == 0 || (len(names) > 0 && !wanted[s.name]) {
			continue
		}
		addFlag(flags, s)
	}
}

func addFlag(flags *pflag.FlagSet, s setting) {
	help := strings.ReplaceAll(s.help, "`", "") // they would mark the name of the value
	switch s.target.kind {
	case "switch":
		flags.Bool(s.flag(), false, help)
	case "list":
		flags.StringArray(s.flag(), nil, listWords.Replace(help))
	default:
		flags.Var(&rawFlag{kind: s.target.kind, text: s.initial}, s.flag(), help)
	}
}

// listWords marks what a list is of, for the usage.
var listWords = strings.NewReplacer("network that", "`network` that", "CLASS=RATE/BURST", "`CLASS=RATE/BURST`")

// rawFlag keeps the text of a flag, so that one place parses and complains whatever the source is.
type rawFlag struct{ kind, text string }

func (f *rawFlag) String() string { return f.text }
func (f *rawFlag) Type() string   { return f.kind }

func (f *rawFlag) Set(s string) error {
	f.text = s
	return nil
}

// writeSettings prints the table of settings in Markdown, as README.md holds it.
func writeSettings(w io.Writer) error {
	var b strings.Builder
	section := ""
	for _, s := range slices.Concat(new(Config).settings(), remoteSettings()) {
		if s.section != section {
			section = s.section
			fmt.Fprintf(&b, "\n**%s**\n\n| file | variable | flag | default | what it is |\n|---|---|---|---|---|\n", section)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n",
			cell(s.sources&fromFile, s.name), cell(s.sources&fromEnvironment, s.environment()),
			cell(s.sources&fromFlag, "--"+s.flag()), cell(len(s.initial), s.initial), strings.ReplaceAll(s.help, "|", `\|`))
	}
	_, err := io.WriteString(w, strings.TrimPrefix(b.String(), "\n"))
	return err
}

func cell(present int, word string) string {
	if present == 0 {
		return "–"
	}
	return "`" + word + "`"
}
