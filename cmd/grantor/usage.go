package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usageError is a command that was called wrongly.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// group is a command that only holds others: alone it shows what they are, and a word that is none of them is a fault.
func group(use, short string, subcommands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: showGroup}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(subcommands...)
	return cmd
}

func showGroup(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := fmt.Sprintf("see `%s --help`", cmd.CommandPath())
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		hint = fmt.Sprintf("did you mean `%s %s`?", cmd.CommandPath(), strings.Join(similar, "` or `"))
	}
	return usagef("`%s` has no command %q: %s", cmd.CommandPath(), args[0], hint)
}

// takes checks that a command got the arguments that its usage line names.
func takes(count int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == count {
			return nil
		}
		what := "something is missing"
		if len(args) > count {
			what = fmt.Sprintf("%q is too much", args[count])
		}
		return usagef("%s: write `%s` (see `%s --help`)", what, strings.TrimSuffix(cmd.UseLine(), " [flags]"), cmd.CommandPath())
	}
}

// tidyHelp keeps the lists short, and lets the commands that cobra adds complain as ours do.
func tidyHelp(root *cobra.Command) {
	// A group shows its commands; "grantor client [flags]" would say nothing.
	root.SetUsageTemplate(strings.NewReplacer(
		"{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}",
		".LocalFlags.FlagUsages", fmt.Sprintf("(.LocalFlags.FlagUsagesWrapped %d)", columns),
		".InheritedFlags.FlagUsages", fmt.Sprintf("(.InheritedFlags.FlagUsagesWrapped %d)", columns),
	).Replace(root.UsageTemplate()))
	foldHelp(root)
	root.SetHelpCommand(under(groupOther, &cobra.Command{Use: "help [COMMAND]", Short: "Show how a command is used", Args: cobra.ArbitraryArgs, RunE: helpOn}))
	root.SetCompletionCommandGroupID(groupOther)
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Short = "Print the completion script of a shell"
			cmd.Args, cmd.RunE, cmd.SuggestionsMinimumDistance = cobra.ArbitraryArgs, showGroup, 2
		}
	}
}

// helpOn is `grantor help client create`.
func helpOn(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return showGroup(cmd.Root(), args)
	}
	return found.Help()
}

// columns is how wide a terminal is at least.
const columns = 80

// foldHelp breaks the long texts of all commands into lines of a terminal. Paragraphs stay apart.
func foldHelp(cmd *cobra.Command) {
	paragraphs := strings.Split(cmd.Long, "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(folded(p, columns), "\n")
	}
	cmd.Long = strings.Join(paragraphs, "\n\n")
	for _, sub := range cmd.Commands() {
		foldHelp(sub)
	}
}

// folded breaks words into lines.
func folded(words string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(words) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
