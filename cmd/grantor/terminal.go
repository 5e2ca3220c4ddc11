package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// consent is whether a person has agreed already to what cannot be undone.
type consent bool

// confirm asks on the terminal whether to go on. Where nobody can answer, the flag must have.
func (c *command) confirm(ctx context.Context, given consent, question string) error {
	if given {
		return nil
	}
	if !c.onTerminal() {
		return usagef("this cannot be undone and there is no terminal to ask on: confirm with --yes")
	}
	fmt.Fprintf(c.err, "%s [y/N] ", question)
	answer, err := c.readLine(ctx)
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// onTerminal reports whether a person types the input.
func (c *command) onTerminal() bool {
	f, ok := c.in.(*os.File)
	return ok && stty(f, "-g") == nil
}

// maxLine bounds what is read as one line: more than any password, name or token has.
const maxLine = 64 << 10

// readLine gives the first line of the input. It ends with ctx, and then leaves its goroutine behind: the program is about
// to end, and a read from a terminal cannot be stopped.
func (c *command) readLine(ctx context.Context) (string, error) {
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := bufio.NewReader(io.LimitReader(c.in, maxLine)).ReadString('\n')
		if errors.Is(err, io.EOF) && text != "" {
			err = nil
		}
		read <- result{strings.TrimRight(text, "\r\n"), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-read:
		if r.err != nil {
			return "", fmt.Errorf("read the standard input: %w", r.err)
		}
		return r.text, nil
	}
}

// readPassword reads a password twice from the terminal without showing it, or once from what is piped in. It never
// comes from a flag, which every process of the machine could see.
func (c *command) readPassword(ctx context.Context) (string, error) {
	if !c.onTerminal() {
		password, err := c.readLine(ctx)
		if errors.Is(err, io.EOF) {
			return "", usagef("pipe the password in, or let one be made with --generate")
		}
		return password, err
	}
	first, err := c.readHidden(ctx, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := c.readHidden(ctx, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ: nothing was changed")
	}
	return first, nil
}

func (c *command) readHidden(ctx context.Context, prompt string) (string, error) {
	terminal := c.in.(*os.File) // onTerminal
	if err := stty(terminal, "-echo"); err != nil {
		return "", fmt.Errorf("this terminal cannot hide a password, so pipe it in: %w", err)
	}
	defer func() {
		_ = stty(terminal, "echo") // nothing better can be done than to try
		fmt.Fprintln(c.err)
	}()
	fmt.Fprint(c.err, prompt)
	return c.readLine(ctx)
}

// stty is how a terminal is asked and set on every Unix. Elsewhere it fails, as if there were no terminal.
func stty(terminal *os.File, argument string) error {
	cmd := exec.Command("stty", argument)
	cmd.Stdin = terminal
	return cmd.Run()
}
