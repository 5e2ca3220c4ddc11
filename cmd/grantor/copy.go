package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/store/bolt"
)

func (c *command) copy() *cobra.Command {
	var to string
	var force, verify bool
	cmd := &cobra.Command{
		Use:   "copy --to STORE",
		Short: "Bring another store to hold what this one holds",
		Long: "Bring another store to hold what this one holds, and compare the two record by record: from the embedded store to Redis, and back.\n" +
			"The servers of a Redis may go on meanwhile; a running server on the embedded store sends it (--server). What differs is copied, so\n" +
			"that a second run takes a moment: copy, stop the servers, copy again, and start them on the new store, with the same master key.\n" +
			"No server starts on a copy that was not found equal. Two servers on two copies are two servers: what one revokes, the other accepts.",
		Args: takes(0),
	}
	cmd.Flags().StringVar(&to, "to", "", "`STORE` that is to become the copy, bolt:PATH or a Redis, written as --store")
	cmd.Flags().BoolVar(&force, "force", false, "replace what the target holds, or copy an unfinished copy")
	cmd.Flags().BoolVar(&verify, "verify", false, "compare only, and change nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.runCopy(cmd, storeURL(to), overwriting(force), comparing(verify))
	}
	return atServer(cmd)
}

// comparing is whether a copy is only looked at.
type comparing bool

func (c *command) runCopy(cmd *cobra.Command, to storeURL, force overwriting, verify comparing) (err error) {
	if to == "" {
		return usagef("name the store that is to become the copy with --to (see `%s --help`)", cmd.CommandPath())
	}
	ctx := cmd.Context()
	from, err := c.openSource(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	if err := isAnotherFile(from.place, to); err != nil {
		return err
	}
	target, err := c.openWhole(ctx, to, bolt.Options{ReadOnly: bool(verify), Warn: c.warn})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	t := &transfer{from: from, to: target, force: force}
	do := t.run
	if verify {
		do = t.compare
	}
	done, err := do(ctx)
	if err != nil {
		return fmt.Errorf("copy %s into %s: %w", from.place, target.place, err)
	}
	return c.sayCopied(cmd, done, verify)
}

// isAnotherFile refuses to open one file twice, which would wait for itself.
func isAnotherFile(from string, to storeURL) error {
	if to.scheme() != "bolt" {
		return nil
	}
	a, errA := os.Stat(from)
	b, errB := os.Stat(to.path())
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return usagef("%s is the store itself: name another one with --to", to.path())
	}
	return nil
}

// errDiffers is the end of a copy that is not equal to its source.
var errDiffers = errors.New("the two are not equal")

func (c *command) sayCopied(cmd *cobra.Command, done *copied, verify comparing) error {
	held := fmt.Sprintf("%s records of %d kinds and %s counters", grouped(done.Records), done.Kinds, grouped(done.Counters))
	p := c.printer(cmd)
	if done.Equal && bool(verify) {
		return p.say(fmt.Sprintf("%s and %s: %s, equal.", done.From, done.To, held), done)
	}
	if done.Equal {
		return p.say(fmt.Sprintf("Copied %s into %s: %s, equal (%s written or removed).", done.From, done.To, held, grouped(done.Changed)), done)
	}
	var rows [][]string
	for _, kind := range sortedKeys(done.Differs) {
		d := done.Differs[kind]
		rows = append(rows, []string{kind, strconv.Itoa(d.Missing), strconv.Itoa(d.Other), strconv.Itoa(d.Extra)})
	}
	if err := p.table([]string{"KIND", "MISSING", "OTHER", "EXTRA"}, rows, done); err != nil {
		return err
	}
	if verify {
		return errDiffers
	}
	return fmt.Errorf("%w, as the source is being written to: no server starts on %s yet; stop the servers of the source and copy once more", errDiffers, done.To)
}

// grouped writes a number for people: 1,204.
func grouped(n int) string {
	text := strconv.Itoa(n)
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}
