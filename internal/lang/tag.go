package lang

import "strings"

// WithoutTag removes the last part of an ID that is the tag of the article's language, with the separator before it or, at the
// beginning, behind it: what is left is the same for translations of one page, as in addresses (Resnik 1999, "Mining the Web
// for bilingual text"). IDs are source and path; parts are what stands between "/", ".", "-", "_" and ":".
func WithoutTag(id, language string) string {
	base := Base(language)
	if base == "" || base == "und" {
		return id
	}
	for end := len(id); end > 0; {
		start := strings.LastIndexAny(id[:end], "/.-_:") + 1
		if Base(id[start:end]) == base && start < end {
			return joinParts(id, start, withRegion(id, end))
		}
		end = start - 1
	}
	return id
}

// withRegion moves the end of a language's name behind a region or script that follows: "zh-TW", "pt_BR", "zh-hant".
func withRegion(id string, end int) int {
	if end >= len(id) || id[end] != '-' && id[end] != '_' {
		return end
	}
	next := end + 1
	for next < len(id) && strings.IndexByte("/.-_:", id[next]) < 0 {
		next++
	}
	switch n := next - end - 1; {
	case n != 2 && n != 4:
		return end
	case strings.ContainsFunc(id[end+1:next], func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' }):
		return end
	case next < len(id) && strings.IndexByte("/.:", id[next]) < 0:
		return end
	}
	return next
}

func joinParts(id string, start, end int) string {
	switch {
	case start > 0:
		return id[:start-1] + id[end:]
	case end < len(id):
		return id[end+1:]
	}
	return id
}
