package ingest

import (
	"encoding/xml"
	"strings"
)

// docxRelations is the part that says where the links of the text lead, by ID.
const docxRelations = "word/_rels/document.xml.rels"

// readRelations reads where the links of a document lead (ECMA-376, Open Packaging Conventions): those to other parts of
// the package are left out.
func readRelations(part []byte) (map[string]string, error) {
	out := map[string]string{}
	err := walkXML(part, func(t xml.Token, _ int) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "Relationship" && attr(e, "TargetMode") == "External" {
			out[attr(e, "Id")] = attr(e, "Target")
		}
		return nil
	})
	return out, err
}

// docxField is an element that may make a link of the text in it: a hyperlink, or a field whose instruction says so.
type docxField struct {
	target      string // of a hyperlink
	instruction strings.Builder
	shown       int // bytes of text before it
}

// openField begins an element that may be a link.
func (d *docx) openField(target, instruction string) {
	if len(d.fields) >= maxXMLDepth {
		return
	}
	f := &docxField{target: target, shown: d.shown}
	f.instruction.WriteString(instruction)
	d.fields = append(d.fields, f)
}

// instruct takes over a part of the innermost field's instruction.
func (d *docx) instruct(text []byte) {
	if n := len(d.fields); n > 0 && d.fields[n-1].instruction.Len() < maxPath {
		d.fields[n-1].instruction.Write(text)
	}
}

// closeField ends the innermost element that may be a link. One without a text that is shown is none.
func (d *docx) closeField() {
	n := len(d.fields)
	if n == 0 {
		return
	}
	f := d.fields[n-1]
	d.fields = d.fields[:n-1]
	if f.target == "" {
		f.target = hyperlink(f.instruction.String())
	}
	if f.target != "" && d.shown > f.shown && len(d.links) < maxLinks {
		d.links = append(d.links, f.target)
	}
}

// hyperlink is where a field leads whose instruction is HYPERLINK "target"; empty for all others, and for places in the same document.
// Instructions write backslashes twice.
func hyperlink(instruction string) string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(instruction), "HYPERLINK ")
	if rest = strings.TrimSpace(rest); !ok || rest == "" || rest[0] == '\\' {
		return ""
	}
	target, _, _ := strings.Cut(rest, " ")
	if rest[0] == '"' {
		target, _, _ = strings.Cut(rest[1:], `"`)
	}
	return strings.ReplaceAll(target, `\\`, "/")
}
