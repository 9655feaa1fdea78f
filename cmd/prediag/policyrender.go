package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"prediag/triage"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func renderPolicy(w io.Writer, s shownPolicy) error {
	fmt.Fprintf(w, "policy   %s, %s\n", s.Policy, s.Origin)
	switch s.Origin {
	case triage.OriginHand:
		fmt.Fprintln(w, "         nothing is promised: prediag policy fit makes thresholds that keep a target")
	case triage.OriginEdited:
		fmt.Fprintln(w, "         what was promised no longer counts, because it was changed by hand: fit it again with prediag policy fit")
	}
	if s.On.Model != "" {
		fmt.Fprintf(w, "holds on model %s, taxonomy %s, search %s, embedder %s\n", s.On.Model, s.On.Taxonomy, s.On.Search, s.On.Embedder)
	}
	fmt.Fprintln(w)
	for _, a := range s.Actions {
		renderAction(w, a)
	}
	if s.Warranty == nil {
		return nil
	}
	fmt.Fprintf(w, "\nfitted %s on %d tickets\n\n", s.Warranty.At.Format(time.DateTime), s.Warranty.Data.Tickets)
	if err := renderPromises(w, s.Warranty.Promises); err != nil {
		return err
	}
	for _, n := range s.Warranty.Notes {
		fmt.Fprintf(w, "\nwarning: %s\n", n)
	}
	return nil
}

func renderAction(w io.Writer, a shownAction) {
	state := fmt.Sprintf("at %.4f or above; shown from %.4f", a.Act, a.Show)
	if a.Off != "" {
		state = "off: " + a.Off
	}
	by := "set by hand"
	if a.Warranted {
		by = fmt.Sprintf("%.4g %% are right, at a confidence of %.4g %%", 100*a.Target, 100*a.Confidence)
		if a.Off != "" {
			by = fmt.Sprintf("asked for: %s", by)
		}
	}
	fmt.Fprintf(w, "%-9s%s (%s)\n", a.Action, state, by)
}

func renderPromises(w io.Writer, promises []triage.Promise) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "action\tcategory\ttarget\tabout\tthreshold\taccepted\terrors\tallowed\tshown")
	for _, p := range promises {
		about := fmt.Sprintf("the next %d", p.Horizon)
		if p.Horizon == 0 {
			about = "all to come"
		}
		for _, f := range p.Thresholds {
			name, threshold := f.Category, fmt.Sprintf("%.4f", f.Act)
			if name == "" {
				name = "all"
				if len(p.Thresholds) > 1 {
					name = "the others"
				}
			}
			if f.Off != "" {
				threshold = "off"
			}
			fmt.Fprintf(t, "%s\t%s\t%.3f\t%s\t%s\t%d of %d\t%d\t%d\t%.4f\n", p.Action, name, p.Target, about, threshold, f.Accepted, f.Tickets, f.Errors, f.Allowed, f.Bound)
		}
	}
	return t.Flush()
}

func renderPolicyCheck(w io.Writer, c checkedPolicy) error {
	_, err := fmt.Fprintf(w, "policy %s, %s\n", c.Policy, c.Origin)
	switch {
	case c.Stale:
		for _, d := range c.Differences {
			_, err = fmt.Fprintf(w, "stale: %s\n", d)
		}
	case c.Origin == triage.OriginFitted:
		_, err = fmt.Fprintln(w, "fits: model, taxonomy and search are those it was fitted on")
	default:
		_, err = fmt.Fprintln(w, "may act; nothing is promised")
	}
	return err
}

func renderSimulations(w io.Writer, sims []simulated) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "action\ttarget\tcalibrate/test\tsplits\tmissed\trate\t95 % interval\toff\ttaken\tprecision\toracle takes")
	for _, s := range sims {
		fmt.Fprintf(t, "%s\t%.3f\t%d/%d\t%d\t%d\t%.2f %%\t%.2f to %.2f %%\t%d\t%.2f %%\t%.2f %%\t%.2f %%\n", s.Action, s.Target, s.Calibrate, s.Test,
			s.Splits, s.Violations, 100*s.Rate, 100*s.RateLow, 100*s.RateHigh, s.Off, 100*s.Coverage, 100*s.Precision, 100*s.Oracle)
	}
	return t.Flush()
}

func renderWatch(w io.Writer, f watchFile) error {
	fmt.Fprintf(w, "policy %s, at %s\n", f.Policy, f.At.Format(time.DateTime))
	if f.Watch.Target == 0 {
		fmt.Fprintln(w, "no precision of answers is promised: nothing is paused")
	} else {
		fmt.Fprintf(w, "promised: %.4g %% of answers are right\n", 100*f.Watch.Target)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "category\tchecked\twrong\tprecision, 95 % at any time\tevidence against\tpaused at\tstate")
	for _, s := range f.Watch.States {
		name, state := s.Category, "answers"
		if name == "" {
			name = "all"
		}
		if s.Paused != nil {
			state = "PAUSED since " + s.Paused.UTC().Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.3f to %.3f\t%.3g\t%.3g\t%s\n", name, s.Audited, s.Wrong, s.Low, s.High, s.Evidence, s.Limit, state)
	}
	return t.Flush()
}
