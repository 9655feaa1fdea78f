package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const maxHeading = 90 // bytes

// paragraphs cuts a text at its blank lines; there is at least one.
func paragraphs(body string) []string {
	var out []string
	for p := range strings.SplitSeq(body, "\n\n") {
		if strings.TrimSpace(p) != "" {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return []string{body}
	}
	return out
}

// heading reports whether a paragraph of a plain text looks like a heading: one short line that is no sentence, no item of
// a list and no row of a table.
func heading(p string) bool {
	p = strings.TrimSpace(p)
	if p == "" || len(p) > maxHeading || strings.ContainsAny(p, "\n|") || strings.ContainsAny(p[:1], "-*>0123456789") {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(p)
	return !strings.ContainsRune(".。:：;；,，!！?？)）}]", last)
}

// split cuts an article into pieces: at the next heading once a piece has half of size bytes, at the next paragraph once it
// has size. A rest of less than a third of size stays with the piece before.
func split(a *article, size int) []article {
	type piece struct {
		heading string
		parts   []string
		bytes   int
	}
	list := []piece{{}}
	for _, p := range paragraphs(strings.TrimSpace(a.Body)) {
		last := &list[len(list)-1]
		if last.bytes >= size || last.bytes >= size/2 && heading(p) {
			list = append(list, piece{})
			last = &list[len(list)-1]
		}
		if last.heading == "" && heading(p) {
			last.heading = p
		}
		last.parts, last.bytes = append(last.parts, p), last.bytes+len(p)
	}
	if n := len(list); n > 1 && list[n-1].bytes < size/3 {
		list[n-2].parts = append(list[n-2].parts, list[n-1].parts...)
		list = list[:n-1]
	}
	out := make([]article, len(list))
	for i, p := range list {
		out[i] = *a
		out[i].Body = strings.Join(p.parts, "\n\n")
		if i == 0 {
			continue
		}
		out[i].ID = fmt.Sprintf("%s#%d", a.ID, i)
		switch {
		case a.Title != "" && p.heading != "":
			out[i].Title = a.Title + " > " + strings.TrimSpace(p.heading)
		case a.Title != "":
			out[i].Title = fmt.Sprintf("%s (%d)", a.Title, i+1)
		}
		if a.URL != "" {
			out[i].URL = fmt.Sprintf("%s#%d", a.URL, i)
		}
		if a.Group != "" {
			out[i].Group = fmt.Sprintf("%s#%d", a.Group, i)
		}
	}
	return out
}
