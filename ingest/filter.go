package ingest

import (
	"fmt"
	"regexp"
	"strings"
)

// filter chooses paths by globs: "*" stands for anything but a slash, "**" for anything, "?" for one character. A glob
// without a slash is held against the last part of a path, another against all of it.
type filter struct{ include, exclude []*regexp.Regexp }

// maxGlobs is how many globs one list may hold.
const maxGlobs = 200

func newFilter(include, exclude []string) (filter, error) {
	in, err := compileGlobs("include", include)
	if err != nil {
		return filter{}, err
	}
	out, err := compileGlobs("exclude", exclude)
	return filter{include: in, exclude: out}, err
}

func compileGlobs(key string, globs []string) ([]*regexp.Regexp, error) {
	if len(globs) > maxGlobs {
		return nil, fmt.Errorf("%s holds more than %d globs", key, maxGlobs)
	}
	var out []*regexp.Regexp
	for _, g := range globs {
		if g == "" || len(g) > 500 {
			return nil, fmt.Errorf("%s holds %q, which is no glob such as docs/**/*.md", key, g)
		}
		out = append(out, regexp.MustCompile(globPattern(g)))
	}
	return out, nil
}

// globPattern writes a glob as a regular expression over "/" and the path.
func globPattern(g string) string {
	var b strings.Builder
	b.WriteString("(?s)^/")
	if !strings.Contains(g, "/") {
		b.WriteString("(?:.*/)?")
	}
	g = strings.TrimPrefix(g, "/")
	for i := 0; i < len(g); {
		switch {
		case strings.HasPrefix(g[i:], "**/"):
			b.WriteString("(?:.*/)?")
			i += 3
		case strings.HasPrefix(g[i:], "**"):
			b.WriteString(".*")
			i += 2
		case g[i] == '*':
			b.WriteString("[^/]*")
			i++
		case g[i] == '?':
			b.WriteString("[^/]")
			i++
		default:
			n := strings.IndexAny(g[i:], "*?")
			if n < 0 {
				n = len(g) - i
			}
			b.WriteString(regexp.QuoteMeta(g[i : i+n]))
			i += n
		}
	}
	b.WriteString("$")
	return b.String()
}

// takes reports whether a path is chosen.
func (f filter) takes(p string) bool {
	p = "/" + strings.TrimPrefix(p, "/")
	return (len(f.include) == 0 || matchesAny(f.include, p)) && !matchesAny(f.exclude, p)
}

func matchesAny(list []*regexp.Regexp, p string) bool {
	for _, re := range list {
		if re.MatchString(p) {
			return true
		}
	}
	return false
}
