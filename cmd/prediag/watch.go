package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/triage"
)

// watchEvery is how often the service looks at what humans found about answers.
const watchEvery = 30 * time.Second

func (d dataDir) watch() string   { return filepath.Join(string(d), "watch.json") }
func (d dataDir) resumed() string { return filepath.Join(string(d), "resumed.json") }

// readResumed reads since when the audits of a category count; the key "" is about all.
func (d dataDir) readResumed() (map[string]time.Time, error) {
	resumed := map[string]time.Time{}
	raw, err := os.ReadFile(d.resumed())
	if errors.Is(err, fs.ErrNotExist) {
		return resumed, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", d.resumed(), err)
	}
	if err := json.Unmarshal(raw, &resumed); err != nil {
		return nil, &prediag.Error{Kind: prediag.ErrDamaged, Reason: "RESUMED_UNREADABLE", Err: err,
			Message: fmt.Sprintf("%q cannot be read: remove it to take back all that was resumed", d.resumed())}
	}
	return resumed, nil
}

// auditWatch keeps what humans found about answers. It starts from the record of reviews each time, so that nothing else has to
// be kept.
type auditWatch struct {
	p      *parts
	dir    dataDir
	logger *slog.Logger
	latest atomic.Pointer[triage.Watch]
}

// watchFile is what the service writes for prediag policy status.
type watchFile struct {
	At     time.Time    `json:"at"`
	Policy string       `json:"policy"`
	Watch  triage.Watch `json:"watch"`
}

// look reads the audits since the policy was fitted and judges them.
func (w *auditWatch) look(ctx context.Context) error {
	promised, confidence, since := 0.0, 0.95, time.Time{}
	if p := w.p.policy; p.Origin() == triage.OriginFitted {
		since, confidence = p.Warranty.At, p.Warranty.Confidence
		if promise, ok := p.Warranty.Promised(triage.ActionAnswer); ok {
			promised = promise.Target
		}
	}
	resumed, err := w.dir.readResumed()
	if err != nil {
		return err
	}
	var audits []triage.Audit
	err = w.p.store.Audited(ctx, since, func(c prediag.Case) error {
		a, ok := triage.AuditOf(c)
		if ok && !a.At.Before(resumed[""]) && !a.At.Before(resumed[a.Category]) {
			audits = append(audits, a)
		}
		return nil
	})
	if err != nil {
		return err
	}
	next := triage.NewWatch(promised, 1-confidence, audits)
	w.warn(next)
	w.latest.Store(&next)
	return writeJSON(w.dir.watch(), watchFile{At: time.Now().UTC().Round(time.Second), Policy: w.p.policy.Version(), Watch: next})
}

// warn logs what is paused now and was not before.
func (w *auditWatch) warn(next triage.Watch) {
	before := w.state()
	for _, s := range next.States {
		if s.Paused != nil && before.Paused(s.Category) == "" {
			w.logger.Warn("automation is paused", "category", s.Category, "reason", s.Why(next.Target))
		}
	}
}

func (w *auditWatch) state() triage.Watch {
	if latest := w.latest.Load(); latest != nil {
		return *latest
	}
	return triage.Watch{}
}

func (w *auditWatch) paused(category string) string { return w.state().Paused(category) }

// run looks again and again until the context ends. A look that fails is logged, and what was known stays.
func (w *auditWatch) run(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := w.look(ctx); err != nil && ctx.Err() == nil {
				w.logger.Error("the audit sample cannot be read", "error", err)
			}
		}
	}
}

func (a *app) policyStatus() *cobra.Command {
	var f policyShowFlags
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what humans found about answers, and what is paused for it",
		Long: `status shows the live precision of answers, as far as humans checked them: a share of what could be answered is drawn at
random and handed to a human instead (audit_sample in the policy). Where the findings disprove the promise for a category,
or for all together, nothing of it is answered automatically until the policy is fitted again or resumed.

The figures are those of the service that serves the data folder, renewed every 30 seconds.`,
		Example: `  prediag policy status --data-dir data
  prediag policy status --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w, err := readWatch(dataDir(f.dataDir))
			if err != nil {
				return err
			}
			if *f.asJSON {
				return a.printJSON(w)
			}
			return renderWatch(a.out, w)
		},
	}
	c.Flags().StringVar(&f.dataDir, "data-dir", "data", "folder that the service serves")
	f.asJSON = jsonFlag(c)
	return c
}

func readWatch(dir dataDir) (w watchFile, err error) {
	raw, err := os.ReadFile(dir.watch())
	if errors.Is(err, fs.ErrNotExist) {
		return w, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "NOT_WATCHED",
			Message: fmt.Sprintf("no service has served %q yet: prediag serve --data-dir %s", string(dir), string(dir))}
	}
	if err == nil {
		err = json.Unmarshal(raw, &w)
	}
	if err != nil {
		return w, fmt.Errorf("read %q: %w", dir.watch(), err)
	}
	return w, nil
}

func (a *app) policyResume() *cobra.Command {
	var dir, category string
	var all bool
	c := &cobra.Command{
		Use:   "resume (--category NAME | --all)",
		Short: "Let a paused category be answered again",
		Long: `resume makes the service forget what humans found before now, about one category or about all, and answer again. The cause
should be mended first. A service that runs takes it over within 30 seconds.

When all categories together are paused, --all resumes them; --category does not.`,
		Example: `  prediag policy resume --data-dir data --category network/dns
  prediag policy resume --all`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if all == (category != "") {
				return usageError{errors.New("name a --category, or --all")}
			}
			d := dataDir(dir)
			if err := d.exists(); err != nil {
				return err
			}
			resumed, err := d.readResumed()
			if err != nil {
				return err
			}
			resumed[category] = time.Now().UTC()
			return writeJSON(d.resumed(), resumed)
		},
	}
	c.Flags().StringVar(&dir, "data-dir", "data", "folder that the service serves")
	c.Flags().StringVar(&category, "category", "", "category to resume")
	c.Flags().BoolVar(&all, "all", false, "resume all categories")
	return c
}
