package draft

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"prediag"
	"prediag/internal/text"
)

// parts are the sections of an article by what they are for.
type parts struct {
	symptoms, causes, solutions []prediag.Section
}

// Words in headings that tell what a section is for, folded, in the languages that knowledge bases are written in.
// A heading is matched by containment, because "Possible Causes" and "可能的原因" both occur.
var headings = struct{ symptoms, causes, solutions []string }{
	symptoms: []string{
		"symptom", "problem", "scenario", "issue", "问题描述", "问题现象", "故障现象", "现象", "症状", "症狀", "現象", "事象", "증상", "현상",
		"problembeschreibung", "symptôme", "síntoma", "sintoma", "симптом",
	},
	causes: []string{
		"cause", "reason", "why", "原因", "起因", "成因", "원인", "이유", "ursache", "causa", "raison", "motivo", "причин", "przyczyn", "příčin",
		"oorzaak", "orsak", "nedeni", "nguyên nhân", "penyebab", "สาเหตุ", "السبب", "أسباب", "कारण",
	},
	solutions: []string{
		"solution", "resolution", "procedure", "handling", "how to fix", "fix", "steps", "workaround", "what to do", "troubleshoot",
		"解决方案", "解决方法", "解决办法", "处理步骤", "处理方法", "操作步骤", "步骤", "解決", "対処", "対応", "手順", "해결", "조치", "절차", "방법",
		"lösung", "vorgehen", "solución", "solução", "procédure", "решение",
	},
}

// partsOf sorts the sections of an article. An article without a heading that says "solution" is solved by its
// whole text: its sections that are neither symptom nor cause.
func partsOf(a prediag.Article) parts {
	var p parts
	var rest []prediag.Section
	for _, s := range a.Sections {
		if body, ok := s.Span.Of(a.Body); !ok || strings.TrimSpace(body) == "" {
			continue
		}
		switch {
		case under(s, headings.solutions):
			p.solutions = append(p.solutions, s)
		case under(s, headings.causes):
			p.causes = append(p.causes, s)
		case under(s, headings.symptoms):
			p.symptoms = append(p.symptoms, s)
		default:
			rest = append(rest, s)
		}
	}
	if len(p.solutions) == 0 {
		p.solutions = rest
	}
	return p
}

// under reports whether the innermost heading that is not the article's title holds one of the words.
func under(s prediag.Section, words []string) bool {
	for i := len(s.Path) - 1; i >= 0; i-- {
		heading := text.Fold(s.Path[i])
		for _, w := range words {
			if strings.Contains(heading, w) {
				return true
			}
		}
	}
	return false
}

// items splits a section into its list items, a step with its code block being one, or into sentences where it is no
// list. Spans are within body.
func items(body string, section prediag.Span) []prediag.Span {
	lines := linesOf(body, section)
	var out []prediag.Span
	listed := false
	for _, l := range lines {
		content, _ := l.Of(body)
		switch {
		case strings.TrimSpace(content) == "":
		case marker(content) > 0:
			listed = true
			out = append(out, l)
		case listed: // a continuation of the step: its command, its output
			if out[len(out)-1].End-out[len(out)-1].Start+len(content) < maxStatementBytes {
				out[len(out)-1].End = l.End
			}
		default:
			out = append(out, l)
		}
	}
	if !listed {
		return sentences(body, section)
	}
	return whole(body, section, trimAll(body, out), true)
}

// sentences are the sentences of a section, at most six of them and none over the limit.
func sentences(body string, section prediag.Span) []prediag.Span {
	part, ok := section.Of(body)
	if !ok {
		return nil
	}
	var out []prediag.Span
	for _, s := range text.Sentences(part) {
		out = append(out, prediag.Span{Start: section.Start + s.Start, End: section.Start + s.End})
	}
	out = slices.DeleteFunc(whole(body, section, trimAll(body, out), false), func(s prediag.Span) bool { // a table row is no sentence
		return strings.Contains(body[s.Start:s.End], " | ")
	})
	return out[:min(len(out), 6)]
}

// firstSentences is the span of the first n sentences of a section.
func firstSentences(body string, section prediag.Span, n int) (prediag.Span, bool) {
	all := sentences(body, section)
	if len(all) == 0 {
		return prediag.Span{}, false
	}
	last := all[min(n, len(all))-1]
	span := prediag.Span{Start: all[0].Start, End: last.End}
	if span.End-span.Start > maxStatementBytes {
		span.End = all[0].End
	}
	return span, true
}

// linesOf are the spans of the lines of a section.
func linesOf(body string, section prediag.Span) []prediag.Span {
	part, ok := section.Of(body)
	if !ok {
		return nil
	}
	var out []prediag.Span
	start := section.Start
	for line := range strings.SplitAfterSeq(part, "\n") {
		out = append(out, prediag.Span{Start: start, End: start + len(line)})
		start += len(line)
	}
	return out
}

// trimAll takes white space off the ends of spans, drops empty ones and cuts long ones at a character.
func trimAll(body string, spans []prediag.Span) []prediag.Span {
	out := spans[:0]
	for _, s := range spans {
		content := body[s.Start:s.End]
		s.Start += len(content) - len(strings.TrimLeftFunc(content, unicode.IsSpace))
		s.End -= len(content) - len(strings.TrimRightFunc(content, unicode.IsSpace))
		if s.End <= s.Start {
			continue
		}
		s.End = s.Start + len(clip(body[s.Start:s.End]))
		if hasLetter(body[s.Start:s.End]) {
			out = append(out, s)
		}
	}
	return out
}

func hasLetter(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

// clip cuts s to the limit of a statement, at a character.
func clip(s string) string {
	if len(s) <= maxStatementBytes {
		return s
	}
	end := maxStatementBytes
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// marker is the length of a list marker ("1. ", "- ", "2) ", "步骤1 ", "a. ") at the start of a line, 0 for none.
func marker(line string) int {
	trimmed := strings.TrimLeft(line, " \t")
	indent := len(line) - len(trimmed)
	for _, bullet := range []string{"- ", "* ", "• ", "+ "} {
		if strings.HasPrefix(trimmed, bullet) {
			return indent + len(bullet)
		}
	}
	digits := 0
	for digits < len(trimmed) && digits < 3 && trimmed[digits] >= '0' && trimmed[digits] <= '9' {
		digits++
	}
	if digits == 0 {
		return 0
	}
	for _, end := range []string{". ", ") ", "、", "．", "）"} {
		if strings.HasPrefix(trimmed[digits:], end) {
			return indent + digits + len(end)
		}
	}
	return 0
}

func trimMarker(s string) string { return s[marker(s):] }
