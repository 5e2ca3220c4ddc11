package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

func (c *command) config() *cobra.Command {
	return group("config", "Check and show the configuration", c.configCheck(), c.configShow())
}

const configHelp = `
Defaults are overruled by the file, that by variables, those by flags: listen stands in the file, GRANTOR_LISTEN in the
environment, --listen on the command line. From the environment only: `

func (c *command) configCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Name every fault of the configuration and of the seed at once",
		Long:  "Name every fault of the configuration and of the seed at once, as `grantor serve` with the same flags would meet them.\n" + configHelp + secretSettings() + ".",
		Args:  takes(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.checkConfig(cmd) },
	}
	addFlags(cmd.Flags())
	return cmd
}

// secretSettings names the settings that have no flag and no place in the file.
func secretSettings() string {
	var names []string
	for _, s := range new(Config).settings() {
		if s.sources == fromEnvironment {
			names = append(names, s.environment())
		}
	}
	return strings.Join(names, ", ")
}

// shownFault is a fault as programs read it.
type shownFault struct {
	Setting string `json:"setting"`
	Problem string `json:"problem"`
}

func (c *command) checkConfig(cmd *cobra.Command) error {
	cfg, err := loadConfig(cmd.Flags(), c.environ)
	var found *faults
	if err != nil && !errors.As(err, &found) {
		return err
	}
	if found == nil {
		found = &faults{}
	}
	if _, err := cfg.readSeed(); cfg.Seed != "" && err != nil {
		found.add(cfg.label("seed"), err)
	}
	shown := []shownFault{}
	for _, f := range found.all {
		shown = append(shown, shownFault{f.setting, f.err.Error()})
	}
	warnings := append([]string{}, cfg.warnings()...)
	answer := map[string]any{"valid": len(shown) == 0, "faults": shown, "warnings": warnings}
	p := c.printer(cmd)
	if p.asJSON {
		if err := p.json(answer); err != nil {
			return err
		}
	}
	if err := found.err(); err != nil {
		return err
	}
	for _, w := range warnings {
		c.warn(w)
	}
	return p.say("The configuration is valid.", nil)
}

func (c *command) configShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show every setting, its value, and where it comes from",
		Long:  "Show every setting, its value, and where it comes from. Secrets stay hidden.\n" + configHelp + secretSettings() + ".",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd.Flags(), c.environ)
			if err != nil {
				return err
			}
			values := map[string]any{}
			for _, row := range cfg.rows() {
				values[row[0]] = map[string]string{"value": row[1], "source": row[2]}
			}
			return c.printer(cmd).table([]string{"SETTING", "VALUE", "SOURCE"}, cfg.rows(), values)
		},
	}
	addFlags(cmd.Flags())
	return cmd
}
