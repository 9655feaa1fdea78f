package triage

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"

	"prediag"
	"prediag/internal/text"
)

// Study is what the line says of a labelled ticket before anything is decided.
type Study struct {
	Verdict prediag.Verdict
	Answer  AnswerCase // of use when the example names the article that solves it
}

// Study diagnoses a labelled ticket, for fitting a policy: what would be answered depends on no threshold for answers.
// It records nothing. Where a part fails the error says which, because thresholds must not be fitted on half a line.
func (p *Pipeline) Study(ctx context.Context, e prediag.Example) (Study, error) {
	d, b, err := p.examine(ctx, e.Ticket)
	if err != nil {
		return Study{}, err
	}
	if len(b.Facts.Degraded) > 0 {
		return Study{}, fmt.Errorf("triage: %v: %w", b.Facts.Degraded, prediag.ErrNotReady)
	}
	s := Study{Verdict: d.Verdict, Answer: AnswerCase{Key: key(e.Ticket), Features: b.Features}}
	if c, ok := d.Verdict.Field(prediag.FieldCategory); ok {
		s.Answer.Category = c.Label
	}
	if len(d.Hits) > 0 {
		s.Answer.Open = b.open(p.policy)
		s.Answer.Right = e.Article != "" && (d.Hits[0].ArticleID == e.Article || d.Hits[0].Group == e.Article)
	}
	return s, nil
}

// open reports whether nothing but the probability that the first hit solves the ticket can stand against an answer.
func (b Basis) open(p Policy) bool {
	p.Solved.Act, p.Solved.Show, p.Solved.Off, p.Solved.Own = 0, 0, "", nil
	p.AuditSample, p.CalibratedOn, p.IndexMaxAge = 0, Binding{}, Duration(math.MaxInt64)
	b.Facts.Paused = ""
	_, outcome, _ := b.Decide(p)
	return outcome == prediag.OutcomeAnswer
}

// key is a hash of the ticket's text without regard to case and width.
func key(t prediag.Ticket) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text.Fold(t.Text()))) // never fails
	return h.Sum64()
}

// Gated is the policy with the gate for answers spelled out, so that fitting the fields' thresholds leaves it alone.
func (p Policy) Gated() Policy {
	if p.Solved.Gate != nil {
		return p
	}
	p.Solved.Gate = map[string]Gate{}
	for name, f := range p.Fields {
		p.Solved.Gate[name] = Gate{Act: f.Act, Margin: f.Margin}
	}
	return p
}

// Readable is the ticket as the classifier gets it: without secrets and personal data.
func Readable(t prediag.Ticket) prediag.Ticket {
	clean, _ := cleaned(t)
	return readable(clean)
}
