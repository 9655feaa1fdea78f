package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/triage"
)

func (a *app) policyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Fit, try out, show and check the policy: when the machine may act by itself",
		Long: `policy makes thresholds from targets: "of what is answered, 95 % are right". fit finds the lowest thresholds that labelled
tickets show to keep a target, simulate counts how often such a promise would have been broken, show says what a policy
promises, and check whether it was fitted on the model and the index that serve. status says what humans found about answers
since, and resume takes back a pause that followed from it.

docs/warranty.md says what exactly is promised, and what is not.`,
		Example: `  prediag policy fit --model m --tickets cal.jsonl --target route=0.90 --out policy.yaml
  prediag policy fit --data-dir data --tickets cal.jsonl --target answer=0.95 --target route=0.90 --out data/policy.yaml
  prediag policy simulate --model m --tickets cal.jsonl --target route=0.95
  prediag policy check --data-dir data`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.policyFit(), a.policySimulate(), a.policyShow(), a.policyCheck(), a.policyStatus(), a.policyResume())
	return c
}

// parseTargets reads ACTION=PRECISION pairs.
func parseTargets(pairs []string) (map[string]float64, error) {
	targets := make(map[string]float64, len(pairs))
	for _, p := range pairs {
		action, value, ok := strings.Cut(p, "=")
		precision, err := strconv.ParseFloat(value, 64)
		if !ok || action == "" || err != nil {
			return nil, usageError{fmt.Errorf("--target %q: write ACTION=PRECISION, e.g. answer=0.95 or route=0.90", p)}
		}
		if _, twice := targets[action]; twice {
			return nil, usageError{fmt.Errorf("--target names %q twice", action)}
		}
		targets[action] = precision
	}
	return targets, nil
}

// policyShowFlags are the settings of policy show and policy check.
type policyShowFlags struct {
	dataDir, policy, model string
	asJSON                 *bool
}

func (a *app) policyShow() *cobra.Command {
	var f policyShowFlags
	c := &cobra.Command{
		Use:   "show",
		Short: "Say what a policy promises, and where its thresholds come from",
		Example: `  prediag policy show
  prediag policy show --policy policy.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := loadPolicy(dataDir(f.dataDir), f.policy)
			if err != nil {
				return err
			}
			shown := showPolicy(p)
			if *f.asJSON {
				return a.printJSON(shown)
			}
			return renderPolicy(a.out, shown)
		},
	}
	c.Flags().StringVar(&f.dataDir, "data-dir", "data", "folder whose policy is shown: its policy.yaml, or the built-in one")
	c.Flags().StringVar(&f.policy, "policy", "", "file of the policy, in place of the data folder's")
	f.asJSON = jsonFlag(c)
	return c
}

// shownPolicy is a policy as policy show prints it.
type shownPolicy struct {
	Policy   string           `json:"policy"` // version
	Origin   triage.Origin    `json:"origin"`
	On       triage.Binding   `json:"calibrated_on"`
	Warranty *triage.Warranty `json:"warranty,omitempty"` // none unless the origin is "fitted"
	Actions  []shownAction    `json:"actions"`
}

// shownAction is the threshold of one action, as it works.
type shownAction struct {
	Action     string                `json:"action"`
	Act        float64               `json:"act"`
	Show       float64               `json:"show"`
	Margin     float64               `json:"margin,omitempty"`
	Off        string                `json:"off,omitempty"`
	Own        map[string]triage.Own `json:"own,omitempty"`
	Warranted  bool                  `json:"warranted"` // a promise stands behind it
	Target     float64               `json:"target,omitempty"`
	Confidence float64               `json:"confidence,omitempty"`
}

func showPolicy(p triage.Policy) shownPolicy {
	s := shownPolicy{Policy: p.Version(), Origin: p.Origin(), On: p.CalibratedOn}
	if s.Origin == triage.OriginFitted {
		s.Warranty = p.Warranty
	}
	add := func(names []string, act shownAction) {
		for _, name := range names {
			if promised, ok := s.Warranty.Promised(name); ok {
				act.Action, act.Warranted, act.Target, act.Confidence = name, true, promised.Target, s.Warranty.Confidence
				break
			}
		}
		s.Actions = append(s.Actions, act)
	}
	add([]string{triage.ActionAnswer}, shownAction{Action: triage.ActionAnswer, Act: p.Solved.Act, Show: p.Solved.Show, Off: p.Solved.Off, Own: p.Solved.Own})
	for _, field := range sortedKeys(p.Fields) {
		t := p.Fields[field]
		names := []string{field}
		if field == prediag.FieldCategory {
			names = []string{triage.ActionRoute, field}
		}
		add(names, shownAction{Action: field, Act: t.Act, Show: t.Show, Margin: t.Margin, Off: t.Off, Own: t.Own})
	}
	return s
}

func (a *app) policyCheck() *cobra.Command {
	var f policyShowFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Say whether a policy was fitted on the model and the index settings that serve",
		Long: `check compares what the policy was fitted on with the model, its taxonomy and the settings of the search. Where they differ
the service answers with the reason CALIBRATION_STALE and does nothing automatically until the policy is fitted again.

Exit codes: 0 the policy may act, or was set by hand; 1 it may not; 2 the call or a file is wrong.`,
		Example: `  prediag policy check --data-dir data
  prediag policy check --policy policy.yaml --model m --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.checkPolicy(f) },
	}
	c.Flags().StringVar(&f.dataDir, "data-dir", "data", "folder of the model and the policy")
	c.Flags().StringVar(&f.policy, "policy", "", "file of the policy, in place of the data folder's")
	c.Flags().StringVar(&f.model, "model", "", "folder of the model, in place of the data folder's")
	f.asJSON = jsonFlag(c)
	return c
}

// checkedPolicy is what policy check prints.
type checkedPolicy struct {
	Policy      string              `json:"policy"`
	Origin      triage.Origin       `json:"origin"`
	Serves      triage.Binding      `json:"serves"`
	Stale       bool                `json:"stale"`
	Differences []triage.Difference `json:"differences"`
}

func (a *app) checkPolicy(f policyShowFlags) error {
	dir := dataDir(f.dataDir)
	p, err := loadPolicy(dir, f.policy)
	if err != nil {
		return err
	}
	if f.model == "" {
		f.model = dir.model()
	}
	m, err := classifier.Load(f.model)
	if err != nil {
		return err
	}
	e, err := dir.embedding()
	if err != nil {
		return err
	}
	settings, err := dir.settings()
	if err != nil {
		return err
	}
	c := checkedPolicy{Policy: p.Version(), Origin: p.Origin(), Serves: serves(m, settings, cmp.Or(e.Name(), triage.NoEmbedder))}
	c.Differences = append([]triage.Difference{}, p.Differences(c.Serves)...)
	c.Stale = len(c.Differences) > 0
	if *f.asJSON {
		err = a.printJSON(c)
	} else {
		err = renderPolicyCheck(a.out, c)
	}
	if c.Stale {
		return errors.Join(err, quietError{codedError{errors.New("the policy is stale"), exitFailed}})
	}
	return err
}
