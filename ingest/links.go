package ingest

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// resolveLinks says where the links of an article lead: to a URL, or to the article that a file of the same source gives,
// by the ID that it has unless it names another itself. What leads within the page, to pictures and downloads, or nowhere
// that can be told is left out. address is where the article itself is read; empty: it is a file.
func resolveLinks(source, where, address string, targets []string) []string {
	base, err := url.Parse(address)
	web := err == nil && base.IsAbs()
	var out []string
	seen := map[string]bool{}
	for _, t := range targets {
		u, err := url.Parse(strings.TrimSpace(t))
		if err != nil {
			continue
		}
		to := ""
		switch {
		case u.Scheme == "http" || u.Scheme == "https":
			to = u.String()
		case u.Scheme != "" || u.Host != "" || u.Path == "":
		case formatOf(u.Path) != "":
			to = fileLink(source, where, u.Path)
		case web:
			to = base.ResolveReference(u).String()
		}
		if to != "" && len(to) <= maxPath && utf8.ValidString(to) && !seen[to] {
			seen[to] = true
			out = append(out, clean(to))
		}
	}
	return slices.Clip(out)
}

// urlAround is the URL that stands in a text with its scheme before s[i:] = "://…"; empty when it is none. What ends a sentence or closes a
// bracket does not belong to it.
func urlAround(s string, i int) string {
	from := i - len("http")
	if from > 0 && strings.HasPrefix(s[from:], "ttps") {
		from--
	}
	if from < 0 || from > 0 && isNameByte(s[from-1]) || s[from:i] != "http" && s[from:i] != "https" {
		return ""
	}
	n := i
	for n < len(s) && n-from <= maxPath && s[n] > ' ' && s[n] < 0x7f && strings.IndexByte("<>\"`|\\^{}*", s[n]) < 0 {
		n++
	}
	for closers := strings.Count(s[from:n], ")") - strings.Count(s[from:n], "("); n > i && strings.IndexByte(".,;:!?]}'_)", s[n-1]) >= 0; n-- {
		if s[n-1] != ')' {
			continue
		}
		if closers <= 0 {
			break
		}
		closers--
	}
	if n <= i+len("://") {
		return ""
	}
	return s[from:n]
}

// linkURLs remembers the URLs that stand in a text.
func (w *body) linkURLs(text string) {
	for at := 0; len(w.links) < maxLinks; at++ {
		n := strings.Index(text[at:], "://")
		if n < 0 {
			return
		}
		at += n
		w.link(urlAround(text, at))
	}
}

// isNameByte reports whether a byte belongs to a word.
func isNameByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// fileLink is the ID of the article that a file gives; empty for a path that leaves the source.
func fileLink(source, where, target string) string {
	p := path.Join(path.Dir(where), target)
	if strings.HasPrefix(target, "/") {
		p = path.Clean(strings.TrimLeft(target, "/"))
	}
	if p == ".." || strings.HasPrefix(p, "../") || !goodName(path.Base(p)) {
		return ""
	}
	return source + "/" + slug(p)
}

// brokenLinks counts the links of the articles parsed that lead to files of the source that are not there. Of a source
// that told only what changed nothing can be said.
func (r *refresh) brokenLinks(st *sourceState, gone []string) int {
	if st.walked.Rest || st.down || st.partial {
		return 0
	}
	lost := map[string]bool{}
	for _, id := range gone {
		lost[id] = true
	}
	n := 0
	for id, times := range st.linked {
		_, known := st.known[id]
		if !st.met[id] && !r.seen[id] && (!known || lost[id]) {
			n += times
		}
	}
	return n
}

// noteLinks remembers which files of its source an article leads to.
func (st *sourceState) noteLinks(links []string) {
	prefix := st.src.Name() + "/"
	for _, l := range links {
		if strings.HasPrefix(l, prefix) {
			st.linked[l]++
		}
	}
}
