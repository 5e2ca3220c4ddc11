package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// errWouldChange is what `apply --dry-run` ends with where something is not as declared. It has an exit status of its own.
var errWouldChange = errors.New("not everything is as declared")

// applying are the flags of apply.
type applying struct {
	file          string
	dryRun, prune bool
	yes           *consent
}

func (c *command) apply() *cobra.Command {
	f := &applying{}
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Bring clients, APIs, users and groups to a declared state",
		Long: `Bring clients, APIs, users and groups to the state that a YAML or JSON file declares, and print what differs: + what is made, ~ what is changed,
- what is deleted. The file has the form of the seed file (see examples/apply.yaml); an export of clients or APIs is one, too.

What the file says of a client or API is all of it: what it leaves out is as for a new one. Of a user or group, what the file leaves out stays as
it is. Passwords and secrets are set when something is made and never compared; a client without one gets one, which is shown once.

With --prune, what the file does not declare is deleted, of the lists that stand in the file (an empty one as well): never what the server
itself needs, and never whom the command runs as. Everything is checked before the first write. A second run changes nothing.

Exit status: 0 done; with --dry-run 0 if nothing would change and 3 if something would; 1 failed; 2 called wrongly.`,
		Example: `  grantor apply -f clients.yaml --dry-run
  grantor apply -f clients.yaml --prune --yes
  grantor client export --server https://old.example.com | grantor apply -f - --server https://new.example.com`,
		Args: takes(0),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "`file` that declares, - for the standard input")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "print what differs, and change nothing")
	cmd.Flags().BoolVar(&f.prune, "prune", false, "delete what is not declared")
	f.yes = addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.file == "" {
			return usagef("name the file: `grantor apply -f FILE`, or -f - for the standard input")
		}
		content, err := c.readFile(f.file)
		if err != nil {
			return err
		}
		declared, err := parseSeed(content)
		if err != nil {
			return fmt.Errorf("%s: %w", f.file, err)
		}
		made := creating
		if f.dryRun {
			made = standing
		}
		return c.work(cmd, made, func(ctx context.Context, r *remote) error { return c.applyDeclared(ctx, cmd, r, declared, f) })
	}
	return atServer(cmd)
}

// shownPlan is what apply did, or would do, as programs read it.
type shownPlan struct {
	DryRun    bool              `json:"dry_run"`
	Changes   []*change         `json:"changes"`
	Created   int               `json:"created"`
	Changed   int               `json:"changed"`
	Deleted   int               `json:"deleted"`
	Unchanged int               `json:"unchanged"`
	Secrets   map[string]string `json:"secrets,omitempty"` // client_id -> a secret that was made now and is shown this once
}

func (c *command) applyDeclared(ctx context.Context, cmd *cobra.Command, r *remote, declared *seed, f *applying) error {
	p := &plan{remote: r, declared: declared, prune: pruning(f.prune), secrets: map[string]string{}}
	if err := p.make(ctx); err != nil {
		return err
	}
	out := c.printer(cmd)
	if !out.asJSON {
		for _, change := range p.changes {
			if err := change.print(out); err != nil {
				return err
			}
		}
	}
	shown := p.count()
	shown.DryRun = f.dryRun
	if f.dryRun {
		return c.finishDryRun(out, shown)
	}
	if shown.Deleted > 0 {
		if err := c.confirm(ctx, *f.yes, fmt.Sprintf("Go on, and delete %s for good?", p.deletions())); err != nil {
			return err
		}
	}
	done, err := p.write(ctx)
	shown.Secrets = p.secrets
	if err := c.printSecretsOnce(out, p.secrets); err != nil { // even after a failure: nobody will see them again
		return err
	}
	if err != nil {
		return fmt.Errorf("ended after %d of %d changes (a further run goes on from there): %w", done, len(p.changes), err)
	}
	return out.say(fmt.Sprintf("%d created, %d changed, %d deleted, %d as declared.", shown.Created, shown.Changed, shown.Deleted, shown.Unchanged), shown)
}

func (c *command) finishDryRun(out printer, shown *shownPlan) error {
	sentence := fmt.Sprintf("Everything is as declared (%d).", shown.Unchanged)
	if len(shown.Changes) > 0 {
		sentence = fmt.Sprintf("Would create %d, change %d and delete %d; %d as declared. Nothing was changed.", shown.Created, shown.Changed, shown.Deleted, shown.Unchanged)
	}
	if err := out.say(sentence, shown); err != nil {
		return err
	}
	if len(shown.Changes) > 0 {
		return errWouldChange
	}
	return nil
}

func (c *command) printSecretsOnce(out printer, secrets map[string]string) error {
	if len(secrets) == 0 || out.asJSON {
		return nil
	}
	var rows [][]string
	for _, id := range sortedKeys(secrets) {
		rows = append(rows, []string{id, secrets[id]})
	}
	fmt.Fprintln(out.out)
	if err := out.table([]string{"CLIENT ID", "NEW SECRET, SHOWN THIS ONCE"}, rows, nil); err != nil {
		return err
	}
	return out.say("", nil)
}

// change is one thing that is not as declared.
type change struct {
	Action action         `json:"action"`
	Kind   string         `json:"kind"`
	Name   string         `json:"name"`
	Fields []*fieldChange `json:"fields,omitempty"`

	before func(ctx context.Context) error // ahead of everything else; may be nil
	write  func(ctx context.Context) error
	after  func(ctx context.Context) error // once everything else is there; may be nil
}

type action string

const (
	create action = "create"
	alter  action = "change"
	remove action = "delete"
)

// fieldChange is a field of it.
type fieldChange struct {
	Field string `json:"field"`
	Old   any    `json:"old,omitempty"`
	New   any    `json:"new,omitempty"`
}

func (c *change) print(p printer) error {
	sign := map[action]string{create: "+", alter: "~", remove: "-"}[c.Action]
	if _, err := fmt.Fprintf(p.out, "%s %s %s\n", sign, c.Kind, printable(c.Name)); err != nil {
		return err
	}
	for _, f := range c.Fields {
		text := shownValue(f.New)
		if c.Action == alter {
			text = shownValue(f.Old) + " → " + text
		}
		if _, err := fmt.Fprintf(p.out, "    %s: %s\n", f.Field, printable(text)); err != nil {
			return err
		}
	}
	return nil
}

func shownValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case map[string]any: // a scope of an API
		name, _ := v["name"].(string)
		sentence, _ := v["description"].(string)
		return strings.TrimSpace(name + " " + quoted(sentence))
	case []any:
		var words []string
		for _, one := range v {
			words = append(words, shownValue(one))
		}
		return firstOf(strings.Join(words, ", "), "-")
	}
	return firstOf(fmt.Sprint(v), "-")
}

func quoted(sentence string) string {
	if sentence == "" {
		return ""
	}
	return "“" + sentence + "”"
}
