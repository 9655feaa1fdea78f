package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"prediag"
)

// Exit codes of every command.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried and did not work
	exitUsage  = 2 // the call or its input is wrong: mend it and call again
)

// app is one run of the command: its streams and what they are connected to.
type app struct {
	in          io.Reader
	out, err    io.Writer
	interactive bool     // err is a terminal: progress bars are drawn
	worker      []string // command that parses articles in a process of its own; none: they are parsed in this one
}

// usageError is a call that cannot be understood.
type usageError struct{ error }

// quietError has been reported already.
type quietError struct{ error }

// codedError ends the command with an exit code of its own: a gate's status is more than done and failed.
type codedError struct {
	error
	code int
}

func (e codedError) Unwrap() error { return e.error }

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// run executes the command line args and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	var quiet quietError
	if err != nil && !errors.As(err, &quiet) {
		hint := ""
		if errors.Is(err, context.DeadlineExceeded) {
			hint = " (give it more time with --timeout, or see whether the machine is busy)"
		}
		fmt.Fprintln(a.err, "prediag: "+err.Error()+hint)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var usage usageError
	var coded codedError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &usage), errors.Is(err, prediag.ErrInvalid), errors.Is(err, prediag.ErrTooLarge), errors.Is(err, prediag.ErrNotFound):
		return exitUsage
	}
	return exitFailed
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "prediag",
		Short: "Diagnose support tickets and search the knowledge base, offline",
		Long: `prediag classifies incoming tickets, finds the articles that solve them, drafts the fix with citations, and decides
with calibrated probabilities whether the draft may go out, goes to an agent, or needs a human.

Exit codes: 0 done; 1 tried, and it did not work; 2 the call or its input is wrong.`,
		Example: `  prediag serve                                        # the service, on its embedded demo
  prediag triage "SSH to i-0abc times out, ACS.0105"   # one ticket
  prediag search 实例无法启动                           # the knowledge base
  prediag ingest docs/ faq.jsonl.gz                    # another knowledge base
  prediag train --tickets tickets.jsonl --model model  # another model`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q: %s --help lists them", args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.serveCommand(), a.triageCommand(), a.searchCommand(), a.ingestCommand(), a.kbCommand(), a.trainCommand(), a.modelCommand(), a.policyCommand(), a.evalCommand(), a.reviewCommand(), a.versionCommand(), a.parseWorkerCommand())
	withUsageErrors(root)
	return root
}

// withUsageErrors makes every misuse of flags and arguments, on every command below c, a usageError with the remedy.
func withUsageErrors(c *cobra.Command) {
	help := func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (%s --help shows how it is called)", err, c.CommandPath())}
	}
	c.SetFlagErrorFunc(help)
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return help(cmd, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		withUsageErrors(sub)
	}
}

// printJSON writes v as indented JSON, Chinese and angle brackets as they are.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// note tells a human something that is not the command's result.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.err, strings.TrimSuffix(format, "\n")+"\n", args...)
}

// Flags that several commands have.

func dataDirFlag(c *cobra.Command) *string {
	return c.Flags().String("data-dir", "data", "folder of the index, the model and the cases")
}

func jsonFlag(c *cobra.Command) *bool {
	return c.Flags().Bool("json", false, "print the result as JSON")
}
