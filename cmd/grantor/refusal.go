package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/admin/api"
)

// refusal is a failure that the API answered with.
type refusal struct {
	api.Problem
	place string
	after time.Duration // how long to wait before another try; 0: not said
}

// Codes of problems, as the reference of the API lists them.
const (
	codeNotFound       = "not-found"
	codeTaken          = "taken"
	codeInUse          = "in-use"
	codeBuiltIn        = "built-in"
	codeLastSuperAdmin = "last-super-admin"
	codeConflict       = "conflict"
	codeStale          = "stale"
	codeTooSoon        = "too-soon"
	codeInvalid        = "invalid-fields"
)

// Error tells the refusal in words for people. They come from a server, so they are made harmless.
func (e *refusal) Error() string {
	var b strings.Builder
	switch {
	case e.Status == 403:
		b.WriteString("you may not do this at " + e.place)
	case e.Status >= 500:
		b.WriteString(e.place + " cannot answer at the moment")
	default:
		b.WriteString(lowered(printable(e.Title)))
	}
	if e.Detail != "" {
		b.WriteString(": " + strings.TrimSuffix(printable(e.Detail), "."))
	}
	for _, f := range e.Errors {
		fmt.Fprintf(&b, "\n  %s %s", printable(f.Pointer+f.Parameter), printable(f.Detail))
	}
	return b.String()
}

func lowered(s string) string {
	if s != "" && s[0] >= 'A' && s[0] <= 'Z' {
		return string(s[0]-'A'+'a') + s[1:]
	}
	return s
}

// isRefused tells whether the API answered with one of these problems.
func isRefused(err error, codes ...string) bool {
	var r *refusal
	return errors.As(err, &r) && slices.Contains(codes, r.Code())
}

// wording is how the fields of one kind of thing are named to people.
type wording struct {
	what  string                                  // "the client"
	names map[string]string                       // field -> what a person wrote
	value func(field string, index int) string    // what stands at an index of a list; nil: nothing
	join  func(name, detail string) (line string) // how the two are put together
	also  string                                  // a code of problems whose fields are told as those of codeInvalid are
}

// faults lists what is wrong with fields one a line, by what a person wrote. Another error stays as it is.
func (w wording) faults(err error) error {
	var r *refusal
	if !errors.As(err, &r) || len(r.Errors) == 0 {
		return err
	}
	if code := r.Code(); code != codeInvalid && (w.also == "" || code != w.also) {
		return err
	}
	var b strings.Builder
	b.WriteString(w.what + " has faults:")
	for _, f := range r.Errors {
		b.WriteString("\n  " + w.line(f))
	}
	return errors.New(b.String())
}

func (w wording) line(f api.Fault) string {
	path := strings.Split(strings.TrimPrefix(f.Pointer, "/"), "/")
	name := w.names[firstOf(f.Parameter, path[0])]
	if name == "" {
		name = printable(strings.ReplaceAll(path[0]+f.Parameter, "/", "."))
	}
	if len(path) > 1 && w.value != nil {
		if index, err := strconv.Atoi(path[1]); err == nil {
			if value := w.value(path[0], index); value != "" {
				name += " " + strconv.Quote(value)
			}
		}
	}
	return w.join(name, printable(f.Detail))
}

// asPredicate puts "must be there" behind a name: the API writes "It must be there."
func asPredicate(name, detail string) string {
	if rest, ok := strings.CutPrefix(detail, "It "); ok {
		return name + " " + strings.TrimSuffix(rest, ".")
	}
	return name + ": " + detail
}

func asSentence(name, detail string) string { return name + ": " + detail }

// isTaken tells whether the API answered that another one has this field already.
func isTaken(err error, pointer string) bool {
	var r *refusal
	return errors.As(err, &r) && r.Code() == codeTaken && slices.ContainsFunc(r.Errors, func(f api.Fault) bool { return f.Pointer == pointer })
}
