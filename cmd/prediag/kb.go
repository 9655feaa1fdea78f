package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/ingest"
	"prediag/kb"
	"prediag/server"
)

func (a *app) kbCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "kb",
		Short: "Look after the knowledge base: its generations, what changed, going back",
		Long: `kb shows and keeps the generations of the index. Every refresh that finds a change makes a new one; the last ones stay, so that
going back is one command. Nothing here needs the service to be stopped except gc: what is read is never written to, and a
running service takes a rollback up within seconds.

docs/operations.md says how generations work and what to do when something is wrong.`,
		Example: `  prediag kb status
  prediag kb list
  prediag kb diff 41 42
  prediag kb rollback 41
  prediag kb verify
  prediag kb golden
  prediag kb gc`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.kbStatus(), a.kbList(), a.kbDiff(), a.kbRollback(), a.kbVerify(), a.kbCollect(), a.kbGolden(), a.kbDigest(), a.kbTwins(), a.kbGlossary())
	return c
}

// kbGeneration is a generation as kb prints it.
type kbGeneration struct {
	Number    uint64           `json:"number"`
	Base      uint64           `json:"base"`
	Current   bool             `json:"current"`
	Created   time.Time        `json:"created,omitzero"`
	Articles  int              `json:"articles"`
	Bytes     int64            `json:"bytes"`
	Own       int64            `json:"own_bytes"` // that its base does not have
	Hash      string           `json:"hash,omitempty"`
	Sources   map[string]int   `json:"sources,omitempty"`
	Languages map[string]int   `json:"languages,omitempty"`
	Twins     kb.Twins         `json:"twins"` // near twins, see kb twins
	Golden    *kb.GoldenResult `json:"golden,omitempty"`
	Fault     string           `json:"fault,omitempty"`
}

func kbGenerationOf(i kb.Info) kbGeneration {
	return kbGeneration{Number: i.Number, Base: i.Base, Current: i.Current, Created: i.Created, Articles: i.Articles, Bytes: i.Bytes, Own: i.Own,
		Hash: i.Hash, Sources: i.Sources, Languages: i.Languages, Twins: i.Twins, Golden: i.Golden, Fault: i.Fault}
}

// kbState is what kb status prints.
type kbState struct {
	Serving     uint64          `json:"serving"` // 0: none
	Degraded    string          `json:"degraded,omitempty"`
	Stale       bool            `json:"stale"`
	Refreshed   time.Time       `json:"refreshed,omitzero"` // when the last refresh succeeded
	AgeSeconds  float64         `json:"age_seconds"`        // since then
	NextRefresh time.Time       `json:"next_refresh,omitzero"`
	Service     *holder         `json:"service,omitempty"` // that holds the folder
	Running     *runningRefresh `json:"running,omitempty"` // in that service
	LastRefresh *refreshRecord  `json:"last_refresh,omitempty"`
	Generation  *kbGeneration   `json:"generation,omitempty"`
	Kept        []uint64        `json:"kept"`
}

// runningRefresh says how far a service's refresh is.
type runningRefresh struct {
	ID    string `json:"id"`
	Stage string `json:"stage"`
	Done  int    `json:"done"`
	Total int    `json:"total"`
}

func (a *app) kbStatus() *cobra.Command {
	var dir string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "status",
		Short: "Say which generation serves, how old it is, and what the last refresh did",
		Example: `  prediag kb status
  prediag kb status --data-dir /var/lib/prediag --json`,
		Args: cobra.NoArgs,
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index")
	c.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "longest wait for a running service")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
		defer cancel()
		st, err := kbStateOf(ctx, dataDir(dir))
		if err != nil {
			return err
		}
		if *asJSON {
			return a.printJSON(st)
		}
		return renderKBState(a.out, st)
	}
	return c
}

// kbStateOf reads the folder, and asks the service that holds it where there is one.
func kbStateOf(ctx context.Context, dir dataDir) (kbState, error) {
	if err := dir.exists(); err != nil {
		return kbState{}, err
	}
	st := kbState{}
	list, err := kb.List(dir.kb())
	if err != nil {
		st.Degraded = err.Error()
	}
	for _, i := range list {
		st.Kept = append(st.Kept, i.Number)
		if i.Current {
			g := kbGenerationOf(i)
			st.Generation, st.Serving, st.Refreshed = &g, i.Number, i.Created
			if i.Fault != "" {
				st.Serving, st.Degraded = 0, fmt.Sprintf("generation %d: %s", i.Number, i.Fault)
			}
		}
	}
	if st.LastRefresh, err = dir.readRefresh(); err != nil {
		return st, err
	}
	if r := st.LastRefresh; r != nil && r.LastGood.After(st.Refreshed) {
		st.Refreshed = r.LastGood
	}
	if h, ok := dir.service(); ok {
		if err := st.ask(ctx, h); err != nil {
			return st, err
		}
	}
	policy, err := loadPolicy(dir, "")
	if err != nil {
		return st, err
	}
	if !st.Refreshed.IsZero() {
		age := max(0, time.Since(st.Refreshed))
		st.AgeSeconds, st.Stale = age.Seconds(), age > time.Duration(policy.IndexMaxAge)
	}
	return st, nil
}

// ask takes over what a running service says.
func (st *kbState) ask(ctx context.Context, h holder) error {
	client, err := server.Dial(h.GRPC)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // the answer is here
	s, err := client.Status(ctx)
	if err != nil {
		return err
	}
	st.Service, st.Serving, st.Degraded, st.NextRefresh = &h, s.Generation.Number, s.Degraded, s.NextRefresh
	if !s.Refreshed.IsZero() {
		st.Refreshed = s.Refreshed
	}
	if r := s.Refresh; r != nil && r.State == prediag.RefreshRunning {
		st.Running = &runningRefresh{r.ID, r.Stage, r.Done, r.Total}
	}
	return nil
}

func (a *app) kbList() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the generations that are kept, the newest first",
		Example: `  prediag kb list
  prediag kb list --json`,
		Args: cobra.NoArgs,
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index")
	c.RunE = func(*cobra.Command, []string) error {
		if err := dataDir(dir).exists(); err != nil {
			return err
		}
		list, pointerErr := kb.List(dataDir(dir).kb())
		out := make([]kbGeneration, len(list))
		for i, info := range list {
			out[i] = kbGenerationOf(info)
		}
		print := func() error { return renderKBList(a.out, out) }
		if *asJSON {
			print = func() error { return a.printJSON(out) }
		}
		return errors.Join(print(), pointerErr)
	}
	return c
}

func (a *app) kbDiff() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Name every article that was added, changed, moved or deleted from generation A to B",
		Long: `diff compares two kept generations article by article. An article whose text stands under another path or ID is moved. 0
stands for the empty knowledge base.`,
		Example: `  prediag kb diff 41 42
  prediag kb diff 41 42 --json | jq -r '.deleted[].id'`,
		Args: cobra.ExactArgs(2),
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := dataDir(dir).exists(); err != nil {
			return err
		}
		var numbers [2]uint64
		for i, arg := range args {
			n, err := parseGeneration(arg, 0)
			if err != nil {
				return err
			}
			numbers[i] = n
		}
		d, err := kb.Compare(cmd.Context(), dataDir(dir).kb(), numbers[0], numbers[1])
		if err != nil {
			return err
		}
		if *asJSON {
			return a.printJSON(diffJSON(d))
		}
		return renderKBDiff(a.out, d)
	}
	return c
}

// parseGeneration reads the number of a generation.
func parseGeneration(arg string, least uint64) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(arg, "gen-"), 10, 64)
	if err != nil || n < least {
		return 0, usageError{fmt.Errorf("%q is not the number of a generation: prediag kb list shows those that are kept", arg)}
	}
	return n, nil
}

func (a *app) kbRollback() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "rollback G",
		Short: "Make generation G current again",
		Long: `rollback proves every file of generation G and makes it current by one rename. A running service serves it within seconds,
without a lost call. The next refresh starts from it: what has changed in the sources since comes back, so mend or remove the
bad source first. The generation that was left stays until the next one is made, to go forward to again.`,
		Example: `  prediag kb list
  prediag kb rollback 41`,
		Args: cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := dataDir(dir).exists(); err != nil {
			return err
		}
		n, err := parseGeneration(args[0], 1)
		if err != nil {
			return err
		}
		g, err := kb.Rollback(cmd.Context(), dataDir(dir).kb(), n)
		if err != nil {
			return err
		}
		if *asJSON {
			return a.printJSON(kbGenerationOf(kb.Info{Generation: g, Current: true}))
		}
		var p page
		p.line("Generation %d is current: %d articles, made %s.", g.Number, g.Articles, g.Created.Local().Format(time.DateTime))
		if h, ok := dataDir(dir).service(); ok {
			p.line("The service (process %d) serves it within seconds.", h.PID)
		}
		return p.to(a.out)
	}
	return c
}

// faultJSON is a file that is not what it should be.
type faultJSON struct {
	Generation uint64 `json:"generation,omitempty"`
	File       string `json:"file"`
	What       string `json:"what"`
}

func (a *app) kbVerify() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "verify [G...]",
		Short: "Prove every file of the kept generations by its SHA-256",
		Long: `verify reads every file of the generations named, or of all that are kept, and compares it with the manifest. What is wrong
is named file by file, and the exit code is 1. A running service finds the same by itself once a day, falls back to an intact
generation, and builds anew from the sources.`,
		Example: `  prediag kb verify
  prediag kb verify 42 --json`,
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := dataDir(dir).exists(); err != nil {
			return err
		}
		var numbers []uint64
		for _, arg := range args {
			n, err := parseGeneration(arg, 1)
			if err != nil {
				return err
			}
			numbers = append(numbers, n)
		}
		return a.verifyKB(cmd.Context(), dataDir(dir), numbers, *asJSON)
	}
	return c
}

func (a *app) verifyKB(ctx context.Context, dir dataDir, numbers []uint64, asJSON bool) error {
	if _, err := os.Stat(dir.kb()); err != nil {
		return &prediag.Error{Kind: prediag.ErrNotFound, Reason: "NO_KNOWLEDGE_BASE", Message: fmt.Sprintf("data folder %q holds no knowledge base: run prediag ingest first", string(dir))}
	}
	bar := a.newProgress("reading, MB")
	faults, proved, err := kb.Verify(ctx, dir.kb(), numbers, func(done, total int64) { bar.set(int(done>>20), int(total>>20)) })
	bar.end()
	if err != nil {
		return err
	}
	out := struct {
		Bytes  int64       `json:"bytes"`
		Faults []faultJSON `json:"faults"`
	}{proved, make([]faultJSON, len(faults))}
	var p page
	for i, f := range faults {
		out.Faults[i] = faultJSON(f)
		p.line("DAMAGED  %s: %s", filepath.Join(dir.kb(), filepath.FromSlash(f.File)), f.What)
	}
	p.line("%.1f MB proved, %d files damaged", float64(proved)/1e6, len(faults))
	print := func() error { return p.to(a.out) }
	if asJSON {
		print = func() error { return a.printJSON(out) }
	}
	if err := print(); err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d files are damaged, the first is %s: prediag ingest builds the index anew from the sources (a running service does so by itself)",
			len(faults), faults[0].File)
	}
	return nil
}

func (a *app) kbCollect() *cobra.Command {
	var dir string
	var keep int
	c := &cobra.Command{
		Use:   "gc",
		Short: "Remove what no kept generation needs, and what killed refreshes left behind",
		Long: `gc removes generations beyond those to keep, half-built ones, and temporary files. Every refresh does the same, so gc is for
a disk that is full now. It needs the data folder for itself: while a service holds it, gc says so and does nothing.`,
		Example: `  prediag kb gc
  prediag kb gc --keep 1`,
		Args: cobra.NoArgs,
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index")
	c.Flags().IntVar(&keep, "keep", 3, "generations to keep, the current one included, 1 or more")
	c.RunE = func(*cobra.Command, []string) error {
		if keep < 1 {
			return usageError{errors.New("--keep takes 1 or more")}
		}
		return a.collect(dataDir(dir), keep, *asJSON)
	}
	return c
}

func (a *app) collect(dir dataDir, keep int, asJSON bool) (err error) {
	if err := dir.exists(); err != nil {
		return err
	}
	held, err := dir.hold("kb gc")
	if errors.Is(err, prediag.ErrLocked) {
		return fmt.Errorf("%w; a running service removes the same with every generation that it makes", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	c := kb.Collected{}
	if _, statErr := os.Stat(dir.kb()); statErr == nil {
		if c, err = kb.Collect(dir.kb(), keep); err != nil {
			return err
		}
	}
	swept, err := sweep(string(dir), dir.ledger())
	if err != nil {
		return err
	}
	names := append([]string{}, swept...)
	for _, n := range c.Names {
		names = append(names, filepath.Join(filepath.Base(dir.kb()), n))
	}
	if asJSON {
		return a.printJSON(struct {
			Removed []string `json:"removed"`
			Bytes   int64    `json:"bytes"`
		}{names, c.Bytes})
	}
	var p page
	for _, n := range names {
		p.line("removed %s", n)
	}
	p.line("%d removed, %.1f MB freed", len(names), float64(c.Bytes)/1e6)
	return p.to(a.out)
}

// sweep removes the temporary files that killed processes left in the data folder and in the ledger's.
func sweep(folders ...string) ([]string, error) {
	var swept []string
	for i, pattern := range []string{"*.tmp-*", ingest.LedgerTemp} {
		found, err := filepath.Glob(filepath.Join(folders[i], pattern))
		if err != nil {
			return swept, err
		}
		for _, name := range found {
			if err := os.Remove(name); err != nil {
				return swept, err
			}
			rel, err := filepath.Rel(folders[0], name)
			if err != nil {
				return swept, err
			}
			swept = append(swept, rel)
		}
	}
	return swept, nil
}
