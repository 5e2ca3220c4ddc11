package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (c *command) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			return c.printer(cmd).say(fmt.Sprintf("grantor %s (%s, %s)", version, runtime.Version(), platform),
				map[string]string{"version": version, "go": runtime.Version(), "platform": platform})
		},
	}
}
