package ingest

import (
	"encoding/csv"
	"strings"
)

// admonitions are the directives that set a text apart, with the label that they are shown under.
var admonitions = map[string]string{
	"note": "Note", "important": "Important", "caution": "Caution", "warning": "Warning", "tip": "Tip", "hint": "Hint",
	"danger": "Danger", "attention": "Attention", "error": "Error", "seealso": "See also",
}

// explicit reads a block that begins with "..": a directive, a target, a substitution or a comment.
func (r *rst) explicit(lines []string, i, depth int) int {
	end := i + 1
	for end < len(lines) && (lines[end] == "" || lines[end][0] == ' ') {
		end++
	}
	m := rstDirect.FindStringSubmatch(lines[i])
	switch {
	case m == nil && strings.HasPrefix(lines[i], ".. ["):
		_, text, _ := strings.Cut(lines[i], "] ")
		r.blocks(append([]string{text}, dedent(lines[i+1:end])...), depth+1)
		return end
	case m == nil && strings.HasPrefix(lines[i], ".. _"):
		// A target; what is indented under it, if anything, is text.
		next := i + 1
		if goesOn(lines, i) {
			next++
		}
		for next < end && lines[next] == "" {
			next++
		}
		return next
	case m == nil || m[1] != "":
		return end
	}
	content := dedent(lines[i+1 : end])
	arg := []string{m[3]}
	for len(content) > 0 && content[0] != "" && !rstOption.MatchString(content[0]) && takesArgument(m[2]) {
		arg, content = append(arg, content[0]), content[1:]
	}
	options := 0
	for options < len(content) && content[options] != "" && (rstOption.MatchString(content[options]) || options > 0 && content[options][0] == ' ') {
		options++
	}
	r.directive(strings.ToLower(m[2]), strings.TrimSpace(strings.Join(arg, " ")), dedent(content[options:]), depth)
	return end
}

// takesArgument tells directives whose first lines go on with the argument from those whose content may follow at once.
func takesArgument(name string) bool {
	switch name {
	case "table", "list-table", "csv-table", "figure", "image", "topic", "admonition", "rubric":
		return true
	}
	return false
}

// directive writes what a directive shows.
func (r *rst) directive(name, arg string, content []string, depth int) {
	if label, ok := admonitions[name]; ok {
		r.put(label + ":")
		r.blocks(append([]string{arg, ""}, content...), depth+1)
		return
	}
	switch name {
	case "toctree":
		r.contents(content)
	case "include", "contents", "index", "raw", "meta", "highlight", "literalinclude", "default-role", "sectnum", "role",
		"image", "header", "footer", "title", "comment", "target-notes", "restructuredtext-test-directive":
	case "code-block", "code", "sourcecode", "parsed-literal", "prompt", "console", "math", "productionlist":
		r.code(content)
	case "list-table":
		r.put(r.inline(arg))
		r.listTable(content)
	case "csv-table":
		r.put(r.inline(arg))
		r.csvTable(content)
	case "table", "topic", "admonition", "rubric", "sidebar", "centered", "versionadded", "versionchanged", "deprecated", "tab", "tab-item",
		"dropdown", "option", "describe", "glossary":
		r.put(r.inline(arg))
		r.blocks(content, depth+1)
	default:
		r.blocks(content, depth+1)
	}
}

// listTable writes a table given as a list of lists.
func (r *rst) listTable(content []string) {
	group := r.w.newGroup()
	for _, rowLines := range items(content) {
		var cells []string
		for _, cell := range items(rowLines) {
			cells = append(cells, r.cell(cell))
		}
		r.w.row(cells, group)
	}
}

// items splits a bullet list into its items' lines.
func items(lines []string) [][]string {
	var out [][]string
	for _, line := range lines {
		mark := rstBullet.FindString(line)
		switch {
		case mark != "":
			out = append(out, []string{strings.Repeat(" ", len(mark)) + line[len(mark):]})
		case len(out) > 0:
			out[len(out)-1] = append(out[len(out)-1], line)
		}
	}
	for i := range out {
		out[i] = dedent(trimRights(out[i]))
	}
	return out
}

func trimRights(lines []string) []string {
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}

// csvTable writes a table given as comma-separated values; what is none is written as text.
func (r *rst) csvTable(content []string) {
	in := csv.NewReader(strings.NewReader(strings.Join(content, "\n")))
	in.FieldsPerRecord, in.LazyQuotes, in.TrimLeadingSpace = -1, true, true
	rows, err := in.ReadAll()
	if err != nil {
		r.code(content)
		return
	}
	group := r.w.newGroup()
	for _, cells := range rows {
		for i, c := range cells {
			cells[i] = r.inline(c)
		}
		r.w.row(cells, group)
	}
}

// cell renders the lines of a table's cell as one line of text.
func (r *rst) cell(lines []string) string {
	if len(lines) == 1 {
		return oneLine(r.inline(lines[0]))
	}
	sub := &rst{w: &body{title: "cell"}, subst: r.subst, targets: r.targets, spare: r.spare, adornments: map[string]int{}}
	sub.blocks(lines, maxRSTDepth/2)
	for _, target := range sub.w.links {
		r.w.link(target)
	}
	text, _ := sub.w.finish()
	return oneLine(text)
}

// substitutions collects the texts that stand for "|name|" in a document; those of images are empty.
func substitutions(lines []string) map[string]string {
	out := map[string]string{}
	for _, line := range lines {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, ".. |") {
			continue
		}
		if m := rstDirect.FindStringSubmatch(line); m != nil && m[1] != "" {
			out[m[1]] = ""
			if m[2] == "replace" || m[2] == "unicode" {
				out[m[1]] = strings.TrimSpace(m[3])
			}
		}
	}
	return out
}
