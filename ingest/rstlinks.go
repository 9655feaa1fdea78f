package ingest

import (
	"regexp"
	"strings"
)

// rstTarget is a named hyperlink target, ".. _name: where", with its name in backquotes where it holds a colon.
var rstTarget = regexp.MustCompile("^\\.\\. _(?:`([^`]+)`|((?:[^:\\\\]|\\\\.)+)):(?:[ \\t]+(.*))?$")

const (
	maxIndirect = 10  // names of targets that lead to one another
	maxRefName  = 100 // bytes of a name that stands in the text without backquotes
)

// rstTargets are the places that a document's references lead to by name.
type rstTargets struct {
	named     map[string]string // by normalised name; "other_" is where other leads
	anonymous []string          // in order; each reference takes the next
}

// targetsOf collects the targets of a document.
func targetsOf(lines []string) *rstTargets {
	t := &rstTargets{named: map[string]string{}}
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if where, ok := strings.CutPrefix(line, ".. __: "); ok {
			t.anonymous = append(t.anonymous, strings.TrimSpace(where))
			continue
		}
		if where, ok := strings.CutPrefix(line, "__ "); ok {
			t.anonymous = append(t.anonymous, strings.TrimSpace(where))
			continue
		}
		m := rstTarget.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		where := strings.TrimSpace(m[3])
		if goesOn(lines, i) {
			where = strings.TrimSpace(lines[i+1])
		}
		if where != "" && !strings.Contains(where, " ") {
			t.named[targetName(m[1]+m[2])] = where
		}
	}
	return t
}

// goesOn reports whether a target at lines[i] is too long for one line: what it leads to stands in the next.
func goesOn(lines []string, i int) bool {
	line := strings.TrimSpace(lines[i])
	return strings.HasPrefix(line, ".. _") && strings.HasSuffix(line, ":") && i+1 < len(lines) && leading(lines[i+1]) > leading(lines[i]) &&
		!strings.Contains(strings.TrimSpace(lines[i+1]), " ")
}

// targetName normalises the name of a target: case and spacing do not count.
func targetName(s string) string {
	return strings.ToLower(oneLine(strings.ReplaceAll(s, "\\", "")))
}

// find is where a name leads; empty: nowhere that is known.
func (t *rstTargets) find(name string) string {
	for range maxIndirect {
		where, ok := t.named[targetName(name)]
		if !ok {
			return ""
		}
		indirect, ok := strings.CutSuffix(where, "_")
		if !ok || strings.Contains(where, "://") {
			return where
		}
		name = strings.Trim(indirect, "`")
	}
	return ""
}

// next is where the next anonymous reference leads; empty: there is none.
func (t *rstTargets) next() string {
	if len(t.anonymous) == 0 {
		return ""
	}
	where := t.anonymous[0]
	t.anonymous = t.anonymous[1:]
	return where
}

// linkReference remembers where a reference in backquotes leads, of which after follows in the text.
func (r *rst) linkReference(text, after string) {
	to := embedded(text)
	switch name, alias := strings.CutSuffix(to, "_"); {
	case alias && !strings.Contains(to, "://"):
		to = r.targets.find(name)
	case to != "":
	case strings.HasPrefix(after, "__"):
		to = r.targets.next()
	case strings.HasPrefix(after, "_"):
		to = r.targets.find(text)
	}
	r.w.link(to)
}

// namedReference reads the underscore of a reference such as name_ that ends at s[i], and remembers where it leads. It reports whether
// it is one of a name that is known.
func (r *rst) namedReference(s string, i int) bool {
	if i+1 < len(s) && (isNameByte(s[i+1]) || s[i+1] == '_') {
		return false
	}
	from := i
	for from > 0 && i-from < maxRefName && (isNameByte(s[from-1]) || strings.IndexByte("-_.+:", s[from-1]) >= 0) {
		from--
	}
	to := r.targets.find(s[from:i])
	r.w.link(to)
	return from < i && to != ""
}

// bareURL remembers the URL whose scheme ends before s[i:] = "://…", and returns where it ends; i when it is none.
func (r *rst) bareURL(s string, i int) int {
	url := urlAround(s, i)
	r.w.link(url)
	if url == "" {
		return i
	}
	return strings.LastIndexByte(s[:i], 'h') + len(url)
}

// linkDocument remembers a document that is named without its extension, "title <path>" or the path alone.
func (r *rst) linkDocument(entry string) {
	target := embedded(entry)
	if target == "" {
		target = entry
	}
	switch {
	case strings.Contains(target, "://") || strings.HasSuffix(target, ".rst"):
		r.w.link(target)
	default:
		r.w.link(target + ".rst")
	}
}

// contents reads a table of contents: its entries are documents, and no text of this one.
func (r *rst) contents(entries []string) {
	for _, entry := range entries {
		if entry = strings.TrimSpace(entry); entry != "" && entry != "self" && !strings.ContainsAny(entry, "*?") {
			r.linkDocument(entry)
		}
	}
}
