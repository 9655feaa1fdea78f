package ingest

import (
	"strings"

	"github.com/ledongthuc/pdf"
)

const (
	maxAnnotations = 10_000      // of a page that are looked at
	notShown       = 1<<1 | 1<<5 // flags of an annotation that is not shown: Hidden, NoView (ISO 32000-1, table 165)
)

// pageLinks are where the links of a page lead, in order: URLs, and other documents (ISO 32000-1, 12.6.4). What the reader
// does not understand of them is left out, and costs no text.
func pageLinks(p pdf.Page) (out []string) {
	defer func() { _ = recover() }() // the reader's way to say so; what was found before counts
	notes := p.V.Key("Annots")
	for i := range min(notes.Len(), maxAnnotations) {
		note := notes.Index(i)
		if note.Key("Subtype").Name() != "Link" || note.Key("F").Int64()&notShown != 0 {
			continue
		}
		if target := actionTarget(note.Key("A")); target != "" && len(out) < maxLinks {
			out = append(out, target)
		}
	}
	return out
}

// actionTarget is where an action leads: a URI, or the file of another document.
func actionTarget(action pdf.Value) string {
	switch action.Key("S").Name() {
	case "URI":
		return clean(action.Key("URI").RawString())
	case "GoToR", "Launch":
		file := action.Key("F")
		if file.Kind() == pdf.Dict {
			if name := file.Key("UF").Text(); name != "" {
				return escapedPath(name)
			}
			file = file.Key("F")
		}
		return escapedPath(file.Text())
	}
	return ""
}

// escapedPath writes the name of a file as a link does, in which a percent sign has a meaning.
func escapedPath(name string) string {
	return strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", `\`, "/").Replace(clean(name))
}
