package main

import (
	"os"

	"github.com/spf13/cobra"

	"prediag/ingest"
)

// parseWorkerName is the command that this binary starts itself with to parse articles.
const parseWorkerName = "parse-worker"

// parseWorker is this binary as a parse worker; none where it cannot find itself.
func parseWorker() []string {
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{exe, parseWorkerName}
}

// parseWorkerCommand parses what ingest sends it. It is for ingest only.
func (a *app) parseWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    parseWorkerName,
		Short:  "Parse articles for another prediag process",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return ingest.Work(a.in, a.out) },
	}
}
