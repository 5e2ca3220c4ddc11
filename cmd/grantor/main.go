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
	"time"

	"github.com/spf13/cobra"
)

// version is set when the program is built.
var version = "dev"

func main() {
	relaxCollector(os.Environ())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		if !errors.Is(err, errWouldChange) { // it is no failure, and was told
			fmt.Fprintln(os.Stderr, "grantor:", err)
		}
		os.Exit(exitStatus(err))
	}
}

// exitStatus tells a wrong call (2) and a dry run that found something to do (3) from a failure (1).
func exitStatus(err error) int {
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return 2
	case errors.Is(err, errWouldChange):
		return 3
	}
	return 1
}

// command is what every subcommand is given.
type command struct {
	environ []string
	in      io.Reader
	out     io.Writer
	err     io.Writer
	now     func() time.Time // of the server
}

func run(ctx context.Context, args, environ []string, in io.Reader, out, errOut io.Writer) error {
	return (&command{environ: environ, in: in, out: out, err: errOut, now: time.Now}).run(ctx, args)
}

func (c *command) run(ctx context.Context, args []string) error {
	root := c.root()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	return root.ExecuteContext(ctx)
}

// The headings of the list of commands.
const (
	groupServer = "server"
	groupManage = "manage"
	groupLogin  = "login"
	groupStore  = "store"
	groupOther  = "other"
)

// root is the tree of commands. Flags of a setting mean the same wherever they stand; serve and config take all of them.
func (c *command) root() *cobra.Command {
	root := group("grantor", "An OAuth 2 authorization server",
		under(groupServer, c.serve()), under(groupServer, c.healthcheck()), under(groupServer, c.config()),
		under(groupManage, c.client()), under(groupManage, c.api()), under(groupManage, c.user()), under(groupManage, c.group()), under(groupManage, c.token()),
		under(groupManage, c.key()), under(groupManage, c.audit()), under(groupManage, c.explain()), under(groupManage, c.apply()),
		under(groupLogin, c.login()), under(groupLogin, c.logout()), under(groupLogin, c.whoami()),
		under(groupStore, c.backup()), under(groupStore, c.restore()), under(groupStore, c.copy()), under(groupStore, c.masterkey()),
		under(groupOther, c.version()),
	)
	root.AddGroup(&cobra.Group{ID: groupServer, Title: "The server:"},
		&cobra.Group{ID: groupManage, Title: "What it knows (at a server, or on a store directly):"},
		&cobra.Group{ID: groupLogin, Title: "Who you are at a server:"},
		&cobra.Group{ID: groupStore, Title: "The store as a whole:"},
		&cobra.Group{ID: groupOther, Title: "Other:"})
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Version = version
	addFlags(root.PersistentFlags(), "config", "store", "master_key_file")
	root.PersistentFlags().Bool("json", false, "JSON for programs instead of tables for people")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())}
	})
	tidyHelp(root)
	return root
}

func under(group string, cmd *cobra.Command) *cobra.Command {
	cmd.GroupID = group
	return cmd
}
