package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"prediag"
	"prediag/internal/redact"
	"prediag/internal/text"
	"prediag/review"
)

// reviewedExamples reads what humans decided in the record of a data folder, the oldest first. A service may be using the
// record at the same time.
func reviewedExamples(ctx context.Context, dir dataDir) (out []prediag.Example, err error) {
	where, err := dir.record()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(where); err != nil && !review.IsPostgres(where) {
		return nil, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "NO_RECORD", Field: "reviews", Err: err,
			Message: fmt.Sprintf("--reviews %q holds no record of decisions", string(dir))}
	}
	store, err := review.Open(where, review.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for after := int64(0); ; {
		page, err := store.Examples(ctx, after, 0)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, e := range page {
			after = e.Sequence
			if len(e.Example.Labels) > 0 {
				e.Example.Ticket = withoutPlaceholders(e.Example.Ticket)
				out = append(out, e.Example)
			}
		}
	}
}

// withoutPlaceholders is a stored ticket as a classifier is shown it.
func withoutPlaceholders(t prediag.Ticket) prediag.Ticket {
	t.Title, t.Body = redact.Strip(t.Title), redact.Strip(t.Body)
	return t
}

// withReviews adds decisions to imported tickets. Where a ticket with the same text has several decisions, the newest one
// of each field counts; where it was imported, decided labels take the place of imported ones. Fields that no imported
// ticket labels are left out, so that a few decisions do not make a field of their own.
func withReviews(imported, decided []prediag.Example) []prediag.Example {
	fields := map[string]bool{}
	for _, e := range imported {
		for f := range e.Labels {
			fields[f] = true
		}
	}
	labels := map[string]map[string]string{} // by text
	var order []prediag.Example
	for _, e := range decided {
		key := sameText(e.Ticket)
		if labels[key] == nil {
			labels[key] = map[string]string{}
			order = append(order, e)
		}
		for f, l := range e.Labels {
			if len(imported) == 0 || fields[f] {
				labels[key][f] = l
			}
		}
	}
	out := make([]prediag.Example, 0, len(imported)+len(order))
	for _, e := range imported {
		if now := labels[sameText(withoutPlaceholders(e.Ticket))]; now != nil {
			e.Labels = merged(e.Labels, now)
		}
		out = append(out, e)
	}
	for _, e := range order {
		if now := labels[sameText(e.Ticket)]; len(now) > 0 {
			e.Labels = now
			out = append(out, e)
		}
	}
	return out
}

func merged(old, now map[string]string) map[string]string {
	out := make(map[string]string, len(old)+len(now))
	for _, m := range []map[string]string{old, now} {
		for f, l := range m {
			out[f] = l
		}
	}
	return out
}

// sameText is equal for texts that differ in case, width, spaces and punctuation only.
func sameText(t prediag.Ticket) string {
	key := make([]byte, 0, len(t.Title)+len(t.Body))
	for _, tok := range text.Tokens(t.Text()) {
		key = append(append(key, tok.Text...), 0)
	}
	return string(key)
}
