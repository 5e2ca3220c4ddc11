package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) userPassword() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "password USERNAME",
		Aliases: []string{"set-password"},
		Short:   "Give a user another password; sessions and tokens end",
		Long: "Give a user another password. It is asked for on the terminal, or read from the standard input where that is a file or\n" +
			"a pipe. Everything that the user began under the old one ends: sessions in browsers, and the tokens of applications.",
		Args: takes(1),
	}
	from := addGenerate(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.setPassword(ctx, cmd, r, args[0], *from) })
	}
	return cmd
}

func (c *command) setPassword(ctx context.Context, cmd *cobra.Command, r *remote, name string, from source) error {
	u, err := findUser(ctx, r, name)
	if err != nil {
		return err
	}
	password, shown, err := c.newPassword(ctx, from)
	if err != nil {
		return err
	}
	if err := r.put(ctx, at("users", u.ID, "password"), api.NewPassword{Password: password}, nil); err != nil {
		return userError(name, err)
	}
	if shown != "" {
		return c.printUser(cmd, u, shown)
	}
	return c.printer(cmd).say("The password of "+printable(u.Username)+" is changed; sessions and tokens from before have ended.", showUser(u))
}
