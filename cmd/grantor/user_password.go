package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (c *command) userSetPassword() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set-password USERNAME",
		Short: "Give a user another password; sessions and tokens end",
		Long: "Give a user another password. It is asked for on the terminal, or read from the standard input where that is a file or\n" +
			"a pipe. Everything that the user began under the old one ends: sessions in browsers, and the tokens of applications.",
		Args: takes(1),
	}
	from := addGenerate(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.manage(cmd, standing, func(ctx context.Context, a *app) error { return c.setPassword(ctx, cmd, a, args[0], *from) })
	}
	return cmd
}

func (c *command) setPassword(ctx context.Context, cmd *cobra.Command, a *app, name string, from source) error {
	u, err := a.userNamed(ctx, name)
	if err != nil {
		return err
	}
	password, shown, err := c.newPassword(ctx, from)
	if err != nil {
		return err
	}
	if err := a.directory.SetPassword(ctx, u.ID, password); err != nil {
		return userError(name, err)
	}
	if shown != "" {
		return c.printUser(cmd, u, shown)
	}
	return c.printer(cmd).say("The password of "+u.Username+" is changed; sessions and tokens from before have ended.", showUser(u))
}
