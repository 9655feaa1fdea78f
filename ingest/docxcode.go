package ingest

import (
	"html"
	"strings"
)

// isCodeStyle reports whether a paragraph style, by its name or ID in lower case, is one for code.
func isCodeStyle(name string) bool {
	switch strings.ReplaceAll(name, " ", "") {
	case "code", "codeblock", "htmlpreformatted", "macrotext", "preformattedtext", "sourcecode":
		return true
	}
	return false
}

// isMonospaced reports whether a font is one that code is set in: its name says so, in every family that is in wide use.
func isMonospaced(font string) bool {
	font = strings.ToLower(font)
	for _, part := range [...]string{"courier", "consol", "mono", "menlo", "fira code", "firacode", "source code", "sourcecode", "typewriter", "cascadia", "cmtt"} {
		if strings.Contains(font, part) {
			return true
		}
	}
	return false
}

// isCode reports whether the paragraph that is being read is code: by its style, or because all of its text is monospaced.
func (d *docx) isCode(text string) bool {
	return d.par.code || d.mono > 0 && d.mono >= len(strings.TrimRight(text, "\n"))
}

// code takes a line, or lines, of code. A paragraph of code right after another goes on with it.
func (w *docxWriter) code(text string) {
	if len(w.pre) == 0 {
		w.closeLists(0)
	}
	w.pre = append(w.pre, text)
}

// endCode writes the code that was taken.
func (w *docxWriter) endCode() {
	if len(w.pre) > 0 {
		w.b.WriteString("<pre>\n" + html.EscapeString(strings.Trim(strings.Join(w.pre, "\n"), "\n")) + "</pre>\n")
		w.pre = nil
	}
}
