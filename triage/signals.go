package triage

import (
	"slices"
	"unicode"

	"prediag"
	"prediag/internal/signal"
	"prediag/internal/text"
)

// Signals are what a ticket says in so many words, apart from what it is about.
type Signals struct {
	Hits  []signal.Hit // the first of each kind, by kind; spans are of Ticket.Text
	Short bool         // fewer than minLetters letters
}

// minLetters is what a ticket must say at least: "help" and "???" are no tickets. An ideograph counts as two.
const minLetters = 8

// signalsOf reads the signals off a ticket. What it quotes of an earlier mail, and its signature, hold none.
func signalsOf(f *signal.Finder, t prediag.Ticket) Signals {
	s := Signals{Short: len(t.Codes) == 0 && letters(text.Fold(t.Text())) < minLetters}
	all := t.Text()
	body := len(all) - len(t.Body)
	spans := text.Filed(t.Body)
	for _, h := range f.Find(all) {
		said := h.Span.Start < body || slices.ContainsFunc(spans, func(s prediag.Span) bool {
			return body+s.Start <= h.Span.Start && h.Span.End <= body+s.End
		})
		if said && !slices.ContainsFunc(s.Hits, func(o signal.Hit) bool { return o.Kind == h.Kind }) {
			s.Hits = append(s.Hits, h)
		}
	}
	slices.SortStableFunc(s.Hits, func(a, b signal.Hit) int { return int(a.Kind) - int(b.Kind) })
	return s
}

// meaning is what a kind of signal says to the agent, and how automatic an outcome it still allows.
func meaning(k signal.Kind) (code prediag.ReasonCode, about string, most prediag.Outcome) {
	switch k {
	case signal.Urgent:
		return prediag.ReasonUrgent, "the customer says that it is urgent", prediag.OutcomeSuggest
	case signal.Major:
		return prediag.ReasonMajorIncident, "signs of a major incident", prediag.OutcomeEscalate
	case signal.Security:
		return prediag.ReasonSensitive, "a security matter", prediag.OutcomeEscalate
	case signal.Privacy:
		return prediag.ReasonSensitive, "a privacy matter", prediag.OutcomeEscalate
	case signal.Legal:
		return prediag.ReasonSensitive, "a legal matter", prediag.OutcomeEscalate
	case signal.Complaint:
		return prediag.ReasonPersonRequested, "the customer complains, which a person must see to", prediag.OutcomeEscalate
	}
	return prediag.ReasonPersonRequested, "the customer asks for a person", prediag.OutcomeEscalate
}

// letters counts letters and digits up to minLetters; an ideograph says as much as two.
func letters(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hangul):
			n += 2
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			n++
		}
		if n >= minLetters {
			break
		}
	}
	return n
}
