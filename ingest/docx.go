package ingest

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

const (
	maxZipEntries = 10_000   // files in a document
	maxPart       = 64 << 20 // bytes of one part, unpacked
	maxXMLDepth   = 256      // elements within one another
)

// errXMLDepth ends the reading of a part that nests too deeply.
var errXMLDepth = errors.New("xml nested too deeply")

// parseDOCX reads a Word document (ECMA-376, WordprocessingML): headings by style, lists, tables, links; deleted and hidden
// text is left out, and so are headers, footers, notes and comments. The second result is the reason for which it gives
// no article.
func parseDOCX(raw []byte, given meta) (parsed, string) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return parsed{}, SkipDOCX
	}
	if len(z.File) > maxZipEntries {
		return parsed{}, SkipTooLarge
	}
	parts := map[string][]byte{}
	for _, name := range [...]string{"word/document.xml", "word/styles.xml", "word/numbering.xml", "docProps/core.xml", docxRelations} {
		part, reason := readPart(z, name)
		if reason != "" {
			return parsed{}, reason
		}
		parts[name] = part
	}
	if parts["word/document.xml"] == nil {
		return parsed{}, SkipDOCX
	}
	own, err := coreProperties(parts["docProps/core.xml"])
	if err != nil {
		return parsed{}, SkipDOCX
	}
	d := &docx{out: &docxWriter{}}
	if d.styles, err = readStyles(parts["word/styles.xml"]); err != nil {
		return parsed{}, SkipDOCX
	}
	if d.numbers, err = readNumbering(parts["word/numbering.xml"]); err != nil {
		return parsed{}, SkipDOCX
	}
	if d.relations, err = readRelations(parts[docxRelations]); err != nil {
		return parsed{}, SkipDOCX
	}
	if err := d.read(parts["word/document.xml"]); err != nil {
		return parsed{}, SkipDOCX
	}
	doc := parsed{meta: given.or(own)}
	w := &body{title: firstOf(given.title, clip(oneLine(clean(d.out.title)), maxHeading))}
	if w.title == "" && !d.out.headed {
		w.title = doc.title // templates leave their own titles in the properties: a heading is a better one
	}
	renderHTML(w, []byte(clean(d.out.html())))
	for _, target := range d.links {
		w.link(target)
	}
	if w.title != "" {
		doc.title = w.title
	}
	doc.from(w)
	return doc, ""
}

// readPart unpacks a part; nil when there is none.
func readPart(z *zip.Reader, name string) ([]byte, string) {
	for _, f := range z.File {
		if f.Name != name {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, SkipDOCX
		}
		raw, err := io.ReadAll(io.LimitReader(r, maxPart+1))
		_ = r.Close()
		switch {
		case err != nil:
			return nil, SkipDOCX
		case len(raw) > maxPart:
			return nil, SkipTooLarge
		case len(raw) > ratioFloor && uint64(len(raw)) > maxRatio*f.CompressedSize64:
			return nil, SkipCompression
		}
		return raw, ""
	}
	return nil, ""
}

// walkXML calls on for every token of a part, with the depth of the element that it is in. No entities are expanded but
// XML's own.
func walkXML(part []byte, on func(t xml.Token, depth int) error) error {
	dec := xml.NewDecoder(bytes.NewReader(part))
	for depth := 0; ; {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return errXMLDepth
			}
		case xml.EndElement:
			depth--
		}
		if err := on(t, depth); err != nil {
			return err
		}
	}
}

// attr returns an attribute by its local name, empty when there is none.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// isOff reports whether a switch such as <w:vanish w:val="0"/> is off.
func isOff(e xml.StartElement) bool {
	switch attr(e, "val") {
	case "0", "false", "off":
		return true
	}
	return false
}

// coreProperties reads what a document says about itself.
func coreProperties(part []byte) (meta, error) {
	var m meta
	var name string
	err := walkXML(part, func(t xml.Token, _ int) error {
		switch t := t.(type) {
		case xml.StartElement:
			name = t.Name.Local
		case xml.EndElement:
			name = ""
		case xml.CharData:
			s := oneLine(clean(string(t)))
			switch {
			case s == "":
			case name == "title":
				m.title = clip(s, maxHeading)
			case name == "language":
				m.lang = s
			case name == "category":
				m.category = s
			case name == "modified":
				m.updated = parseDate(s)
			}
		}
		return nil
	})
	return m, err
}

// style is what a paragraph style means for the text.
type style struct {
	level int  // of a heading, 1 to 9; 0: none
	title bool // the document's title
	code  bool // its text is shown as it is written
	num   string
	ilvl  int
	base  string
}

// readStyles reads which styles are headings: by name, which does not change with the language, or by outline level.
func readStyles(part []byte) (map[string]style, error) {
	out := map[string]style{}
	var id string
	var s style
	err := walkXML(part, func(t xml.Token, _ int) error {
		e, ok := t.(xml.StartElement)
		if !ok {
			if end, ok := t.(xml.EndElement); ok && end.Name.Local == "style" && id != "" {
				out[id], id = s, ""
			}
			return nil
		}
		switch e.Name.Local {
		case "style":
			id, s = attr(e, "styleId"), style{}
		case "name":
			name := strings.ToLower(attr(e, "val"))
			s.title, s.code = name == "title", isCodeStyle(name)
			if n, ok := strings.CutPrefix(name, "heading "); ok {
				s.level, _ = strconv.Atoi(n)
			}
		case "rFonts":
			s.code = s.code || isMonospaced(attr(e, "ascii"))
		case "basedOn":
			s.base = attr(e, "val")
		case "outlineLvl":
			if n, err := strconv.Atoi(attr(e, "val")); err == nil && n < 9 && s.level == 0 {
				s.level = n + 1
			}
		case "numId":
			s.num = attr(e, "val")
		case "ilvl":
			s.ilvl, _ = strconv.Atoi(attr(e, "val"))
		}
		return nil
	})
	return out, err
}

// numbering tells which levels of which lists are numbered.
type numbering struct {
	abstract map[string]string          // list → its definition
	ordered  map[string]map[string]bool // definition → level → numbered
}

func (n numbering) isOrdered(list string, level int) bool {
	return n.ordered[n.abstract[list]][strconv.Itoa(level)]
}

func readNumbering(part []byte) (numbering, error) {
	n := numbering{abstract: map[string]string{}, ordered: map[string]map[string]bool{}}
	var abstract, list, level string
	err := walkXML(part, func(t xml.Token, _ int) error {
		e, ok := t.(xml.StartElement)
		if !ok {
			return nil
		}
		switch e.Name.Local {
		case "abstractNum":
			abstract = attr(e, "abstractNumId")
			n.ordered[abstract] = map[string]bool{}
		case "num":
			list = attr(e, "numId")
		case "abstractNumId":
			n.abstract[list] = attr(e, "val")
		case "lvl":
			level = attr(e, "ilvl")
		case "numFmt":
			if n.ordered[abstract] != nil {
				n.ordered[abstract][level] = attr(e, "val") != "bullet" && attr(e, "val") != "none"
			}
		}
		return nil
	})
	return n, err
}
