package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/server"
	"prediag/triage"
)

// shadowFlags name the candidate that decides in the background.
type shadowFlags struct {
	model, policy string
	sample        float64
}

func (f *shadowFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.model, "shadow-model", "", "folder of a model that decides the same tickets in the background, without effect")
	c.Flags().StringVar(&f.policy, "shadow-policy", "", "file of a policy that does the same, with or without --shadow-model")
	c.Flags().Float64Var(&f.sample, "shadow-sample", 1, "share of the tickets that the candidate gets, over 0 to 1")
}

// addShadow lets a candidate decide what the service decides, where one is named.
func (s *service) addShadow(ctx context.Context, f shadowFlags) error {
	if f.model == "" && f.policy == "" {
		return nil
	}
	if !(f.sample > 0 && f.sample <= 1) {
		return usageError{fmt.Errorf("--shadow-sample is %v: give a share over 0 and up to 1, e.g. 0.2", f.sample)}
	}
	candidate := triage.Candidate{Policy: s.p.policy}
	var decider triage.Decider
	if f.policy != "" {
		var err error
		if candidate.Policy, err = triage.LoadPolicy(f.policy); err != nil {
			return fmt.Errorf("--shadow-policy: %w", err)
		}
	}
	if f.model != "" {
		m, err := classifier.Load(f.model)
		if err != nil {
			return fmt.Errorf("--shadow-model: %w", err)
		}
		other := *s.p
		other.model, other.policy = classifier.NewLive(m), candidate.Policy
		other.memory = s.p.memory.Around(other.model)
		candidate.Line = other.pipeline(s.refreshedAt, s.logger)
		decider = taught{candidate, s.p.lessons}
	} else {
		decider = candidate
	}
	s.shadow = triage.NewShadow(decider, s.p.store, triage.ShadowOptions{
		Sample: f.sample, Logger: s.logger, Quiet: func() bool { return s.line.Quiet() },
	})
	s.p.recorded = s.shadow.Offer
	return nil
}

// taught is a candidate that knows what humans decided, as the service does.
type taught struct {
	triage.Candidate
	lessons *lessons
}

// Decide implements triage.Decider.
func (t taught) Decide(ctx context.Context, d prediag.Diagnosis) (prediag.Decision, error) {
	if err := t.lessons.sync(ctx); err != nil {
		return prediag.Decision{}, err
	}
	return t.Candidate.Decide(ctx, d)
}

// shadowStatus puts the counts into the words of the server.
func shadowStatus(c triage.ShadowCounts) *server.ShadowStatus {
	out := &server.ShadowStatus{Decided: make(map[server.Transition]int, len(c.Decided)), Dropped: c.Dropped, Failed: c.Failed}
	for m, n := range c.Decided {
		out.Decided[server.Transition(m)] = n
	}
	return out
}

const pruneEvery = time.Hour

// pruneLoop removes what is older than keep, at once and every hour. 0 keeps all.
func (s *service) pruneLoop(ctx context.Context, keep time.Duration) {
	if keep == 0 {
		return
	}
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		removed, err := 0, error(nil)
		if s.replica == nil || s.replica.builds() { // one of several is enough
			removed, err = s.p.store.Prune(ctx, time.Now().Add(-keep))
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil: // the next hour tries again
			s.logger.Error("old diagnoses could not be removed", "error", err)
		case removed > 0:
			s.logger.Info("old diagnoses removed", "diagnoses", removed)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// parseKeep reads --keep-diagnoses: at least a day, for which retries are answered, or 0.
func parseKeep(s string) (time.Duration, error) {
	d, err := parseTime(s)
	if err != nil || d != 0 && d < 24*time.Hour {
		return 0, usageError{fmt.Errorf("--keep-diagnoses is %q: give a day or more, such as 90d or 36h, or 0 to keep all", s)}
	}
	return d, nil
}

// parseTime reads a length of time: as time.ParseDuration does, or whole days such as 90d.
func parseTime(s string) (time.Duration, error) {
	days, ok := strings.CutSuffix(s, "d")
	if !ok {
		d, err := time.ParseDuration(s)
		if err == nil && d < 0 {
			err = fmt.Errorf("%q is negative", s)
		}
		return d, err
	}
	n, err := strconv.ParseUint(days, 10, 16)
	return time.Duration(n) * 24 * time.Hour, err
}
