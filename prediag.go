// Package prediag holds the words of the pre-diagnosis service and the three seams between its parts.
//
// A ticket goes server → triage → {classifier, kb, draft} → review; an article goes ingest → kb; the truth goes
// review → classifier and eval. Every folder imports this package and no folder imports a sibling; cmd/prediag joins
// them. The package imports only the standard library and does no I/O.
//
// Three things hold for every implementation of the seams: arguments and results are never shared with the caller
// after the call returns, a method may be called from many goroutines at once, and a method that may wait returns soon
// after its context ends, with an error that wraps the context's.
package prediag

import "context"

// Classifier says what a ticket is.
//
// The verdict has one FieldVerdict per field that the model was trained for, in the model's own order. A text in which
// the model finds nothing that it knows still gets a verdict: the prior, with low probabilities. An untrained
// classifier returns an error of kind ErrNotReady.
type Classifier interface {
	Classify(ctx context.Context, t Ticket) (Verdict, error)
}

// ClassifierFunc lets a plain function serve as a Classifier.
type ClassifierFunc func(ctx context.Context, t Ticket) (Verdict, error)

// Classify calls f.
func (f ClassifierFunc) Classify(ctx context.Context, t Ticket) (Verdict, error) { return f(ctx, t) }

// Searcher finds the articles that answer a query, best first.
//
// Equal scores are ordered by article ID, so that the same query on the same generation always gives the same bytes.
// A query that matches nothing returns empty Results and no error; so does a query whose text holds no searchable
// token. A query over the limits is of kind ErrInvalid; an index that is not loaded is of kind ErrNotReady.
type Searcher interface {
	Search(ctx context.Context, q Query) (Results, error)
}

// SearcherFunc lets a plain function serve as a Searcher.
type SearcherFunc func(ctx context.Context, q Query) (Results, error)

// Search calls f.
func (f SearcherFunc) Search(ctx context.Context, q Query) (Results, error) { return f(ctx, q) }

// Drafter writes the suggested fix for a ticket out of the hits, and out of nothing else.
//
// Every statement of the draft that asserts something about the product cites a passage of one of the hits. When the
// hits hold no usable passage the draft has no such statement and Draft.Grounded is 0; that is not an error.
type Drafter interface {
	Draft(ctx context.Context, t Ticket, v Verdict, hits []Hit) (Draft, error)
}

// DrafterFunc lets a plain function serve as a Drafter.
type DrafterFunc func(ctx context.Context, t Ticket, v Verdict, hits []Hit) (Draft, error)

// Draft calls f.
func (f DrafterFunc) Draft(ctx context.Context, t Ticket, v Verdict, hits []Hit) (Draft, error) {
	return f(ctx, t, v, hits)
}
