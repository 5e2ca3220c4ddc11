// Command grantor is an OAuth 2 authorization server and the tool to manage it. This package is the only one that reads
// the environment, flags and files, and it wires everything else together; it holds no rules.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set when the program is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "grantor:", err)
		os.Exit(exitStatus(err))
	}
}

// exitStatus tells a wrong call (2) from a failure (1).
func exitStatus(err error) int {
	var usage *usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// usageError is a command that was called wrongly.
type usageError struct{ error }

// command is what every subcommand is given.
type command struct {
	environ []string
	in      io.Reader
	out     io.Writer
	err     io.Writer
}

func run(ctx context.Context, args, environ []string, in io.Reader, out, errOut io.Writer) error {
	c := &command{environ: environ, in: in, out: out, err: errOut}
	root := &cobra.Command{
		Use:           "grantor",
		Short:         "An OAuth 2 authorization server",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	}
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w (see '%s --help')", err, cmd.CommandPath())}
	})
	root.AddCommand(c.serve())
	return root.ExecuteContext(ctx)
}
