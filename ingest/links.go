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
