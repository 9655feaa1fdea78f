package triage

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"prediag"
	"prediag/internal/lang"
	"prediag/internal/redact"
	"prediag/internal/text"
)

// Check refuses a ticket that cannot be diagnosed: blank, over a limit, or not UTF-8. The error is of kind
// prediag.ErrInvalid or prediag.ErrTooLarge and names the field under "ticket".
func Check(t prediag.Ticket) error {
	if n := len(t.Title) + len(t.Body); n > prediag.MaxTicketBytes {
		return tooLarge("TICKET_TOO_LARGE", "ticket.body", "title and body together", n, prediag.MaxTicketBytes)
	}
	if len(t.Title) > prediag.MaxTitleBytes {
		return tooLarge("TICKET_TOO_LARGE", "ticket.title", "the title", len(t.Title), prediag.MaxTitleBytes)
	}
	if t.Blank() {
		return prediag.Invalid("TICKET_EMPTY", "ticket.body", "the ticket holds no text: give a title or a body")
	}
	if len(t.Codes) > prediag.MaxTicketCodes {
		return prediag.Invalid("TOO_MANY_CODES", "ticket.codes", fmt.Sprintf("%d codes, at most %d are taken", len(t.Codes), prediag.MaxTicketCodes))
	}
	if len(t.Fields) > prediag.MaxTicketFields {
		return prediag.Invalid("TOO_MANY_FIELDS", "ticket.fields", fmt.Sprintf("%d fields, at most %d are taken", len(t.Fields), prediag.MaxTicketFields))
	}
	return checkStrings(t)
}

func checkStrings(t prediag.Ticket) error {
	short := map[string]string{"ticket.id": t.ID, "ticket.language": t.Language, "ticket.product": t.Product}
	for i, c := range t.Codes {
		short[fmt.Sprintf("ticket.codes[%d]", i)] = c
	}
	for k, v := range t.Fields {
		short["ticket.fields["+k+"]"] = k + v
	}
	for _, path := range slices.Sorted(maps.Keys(short)) { // sorted: the same ticket always gives the same error
		if len(short[path]) > prediag.MaxFieldBytes {
			return tooLarge("FIELD_TOO_LARGE", path, "the value", len(short[path]), prediag.MaxFieldBytes)
		}
	}
	short["ticket.title"], short["ticket.body"] = t.Title, t.Body
	for _, path := range slices.Sorted(maps.Keys(short)) {
		if !utf8.ValidString(short[path]) {
			return prediag.Invalid("NOT_UTF8", path, path+" is not valid UTF-8: convert the text first")
		}
	}
	return nil
}

func tooLarge(reason, field, what string, n, limit int) error {
	return &prediag.Error{
		Kind: prediag.ErrTooLarge, Reason: reason, Field: field,
		Message: fmt.Sprintf("%s: %d bytes, at most %d are taken: shorten it, or attach logs elsewhere", what, n, limit),
	}
}

// readable is the ticket without the placeholders of what was removed from it: "[PHONE-1]" says nothing about the issue.
func readable(t prediag.Ticket) prediag.Ticket {
	t.Title, t.Body = redact.Strip(t.Title), redact.Strip(t.Body)
	return t
}

// filed is the ticket with what the customer wrote for it: without quoted mails, signatures and greetings.
func filed(t prediag.Ticket) prediag.Ticket {
	var parts []string
	for _, span := range text.Filed(t.Body) {
		parts = append(parts, t.Body[span.Start:span.End])
	}
	t.Body = strings.Join(parts, "\n")
	return t
}

// SearchText is what is searched for a ticket out of which secrets and personal data are gone.
func SearchText(t prediag.Ticket) string {
	return firstRunes(readable(filed(t)).Text(), prediag.MaxQueryRunes)
}

// queryFor turns a ticket into a query: its text as far as the limit goes, its codes, its likely category.
func queryFor(d prediag.Diagnosis, codes []string) prediag.Query {
	q := prediag.Query{Text: SearchText(d.Ticket), Codes: codes, Limit: maxHits}
	if c, ok := d.Verdict.Field(prediag.FieldCategory); ok && c.Probability >= 0.5 && c.Label != prediag.LabelOutOfScope {
		q.Category = c.Label
	}
	return q
}

// firstRunes shortens a text at a character. The beginning stays: that is where people say what is wrong, logs follow.
func firstRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// preferLanguage moves a page in the customer's language to the place of its best-ranked translation, so that the
// draft is written in the customer's language wherever the article exists in it; where it does not, the English one,
// which most agents read.
func preferLanguage(hits []prediag.Hit, language string) []prediag.Hit {
	out := slices.Clone(hits)
	for i := range out {
		for _, wanted := range []string{language, "en"} {
			if out[i].Group == "" || lang.Match(wanted, out[i].Language) {
				break
			}
			if j := translation(out, i, wanted); j > 0 {
				out[i], out[j] = out[j], out[i]
				break
			}
		}
	}
	return out
}

// translation is the index after i of the page of hit i in a language, 0 when there is none.
func translation(hits []prediag.Hit, i int, language string) int {
	for j := i + 1; j < len(hits); j++ {
		if hits[j].Group == hits[i].Group && lang.Match(language, hits[j].Language) {
			return j
		}
	}
	return 0
}

// bestEntry chooses the explanation of a code: of the ticket's product where it is stated, then the one whose citation
// is in the ticket's script, then the fullest.
func bestEntry(entries []prediag.FaultCode, t prediag.Ticket, language string) prediag.FaultCode {
	score := func(c prediag.FaultCode) int {
		n := 0
		if t.Product != "" && strings.EqualFold(c.Product, t.Product) {
			n += 4
		}
		if tag, _ := lang.Detect(c.Message + " " + c.Meaning + " " + c.Solution); lang.Match(language, tag) {
			n += 2
		}
		if c.Solution != "" {
			n++
		}
		return n
	}
	best := entries[0]
	for _, e := range entries[1:] {
		if score(e) > score(best) {
			best = e
		}
	}
	return best
}

func randomID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
