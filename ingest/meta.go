package ingest

import (
	"path"
	"strings"
	"time"
	"unicode"

	"prediag"
	"prediag/internal/lang"
)

// meta is what a file says about its article beside the text.
type meta struct {
	id, title, lang, product, category, kind, group, url string

	audience []string
	codes    []prediag.FaultCode // declared ones; Citation is not set
	updated  time.Time
}

// or returns m with its empty fields taken from other.
func (m meta) or(other meta) meta {
	for _, f := range [...]struct{ to, from *string }{
		{&m.id, &other.id}, {&m.title, &other.title}, {&m.lang, &other.lang}, {&m.product, &other.product},
		{&m.category, &other.category}, {&m.kind, &other.kind}, {&m.group, &other.group}, {&m.url, &other.url},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	if len(m.audience) == 0 {
		m.audience = other.audience
	}
	if len(m.codes) == 0 {
		m.codes = other.codes
	}
	if m.updated.IsZero() {
		m.updated = other.updated
	}
	return m
}

// dates are the forms in which sources write a time.
var dates = [...]string{time.RFC3339Nano, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02",
	"2006/01/02", "2006-01-02 15:04:05 -0700 MST", "2006-01-02T15:04:05.999-0700", "2006-01-02T15:04Z07:00", time.RFC1123, time.RFC1123Z,
	"Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", "2006-01", "Jan 2, 2006", "January 2, 2006"}

// parseDate reads a time in one of the usual forms; what it cannot read is the zero time.
func parseDate(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range dates {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// canonicalTag writes a language tag the way articles carry it: the language alone, except that Chinese of Taiwan, Hong
// Kong and Macau is "zh-Hant". What is not a tag becomes empty.
func canonicalTag(s string) string {
	parts := strings.FieldsFunc(strings.TrimSpace(s), func(r rune) bool { return r == '-' || r == '_' })
	if len(parts) == 0 || len(parts) > 4 || len(parts[0]) < 2 || len(parts[0]) > 3 || !asciiLetters(parts[0]) {
		return ""
	}
	base := strings.ToLower(parts[0])
	if base == "cn" {
		base = "zh"
	}
	for _, p := range parts[1:] {
		switch p = strings.ToLower(p); {
		case base == "zh" && (p == "tw" || p == "hk" || p == "mo" || p == "hant"):
			return "zh-Hant"
		case base == "zh" && p == "hans":
			return "zh"
		}
	}
	return base
}

func asciiLetters(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return s != ""
}

// pathLanguages are the languages that a folder or a part of a file name may stand for.
const pathLanguages = " ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl pl pt ro ru si sk sl sr sv ta th tr uk ur uz vi zh "

// pathTag finds the language in a path such as "docs/zh-cn/x.md", "cn.zh-CN/x.md" or "faq.ja.md"; the part nearest to
// the file wins. It is empty where no part is a language.
func pathTag(p string) string {
	parts := strings.Split(p, "/")
	file := parts[len(parts)-1]
	if dots := strings.Split(file, "."); len(dots) > 2 {
		if t := knownTag(dots[len(dots)-2]); t != "" {
			return t
		}
	}
	for i := len(parts) - 2; i >= 0; i-- {
		part := parts[i]
		if t := knownTag(part[strings.LastIndexByte(part, '.')+1:]); t != "" {
			return t
		}
	}
	return ""
}

// knownTag is canonicalTag for words that may be something else: it accepts only the usual languages, in the form "xx",
// "xx-YY" or "zh-hans".
func knownTag(s string) string {
	if len(s) != 2 && (len(s) < 5 || len(s) > 7 || s[2] != '-' && s[2] != '_') {
		return ""
	}
	t := canonicalTag(s)
	if t == "" || !strings.Contains(pathLanguages, " "+lang.Base(t)+" ") {
		return ""
	}
	return t
}

// language decides an article's language: what the file declares, else its path, else the text. A path of two letters
// that is also an English word or abbreviation needs the text's consent.
func language(declared, p, title, text string) string {
	if t := canonicalTag(declared); t != "" {
		return t
	}
	fromPath := pathTag(p)
	if fromPath != "" && fromPath != "it" && fromPath != "id" {
		return fromPath
	}
	tag, _ := lang.Detect(title + "\n" + clip(text, 4<<10))
	if fromPath != "" && (tag == "und" || lang.Base(tag) == fromPath) {
		return fromPath
	}
	if t := canonicalTag(tag); t != "" {
		return t
	}
	return "und"
}

// kindWords name the kinds of articles by words in the title or path, the most telling kind first.
var kindWords = [...]struct {
	kind  string
	words []string
}{
	{"errorcode", []string{"errorcode", "error code", "错误码", "错误代码", "エラーコード", "오류 코드"}},
	{"alarm", []string{"alm-", "alarm reference", "告警参考"}},
	{"troubleshooting", []string{"troubleshoot", "故障排", "故障处理", "问题排查", "排错", "トラブルシュ", "문제 해결"}},
	{"faq", []string{"faq", "frequently asked", "常见问题", "よくある質問", "자주 묻는"}},
	{"best-practice", []string{"best practice", "最佳实践", "ベストプラクティス", "모범 사례"}},
	{"glossary", []string{"glossary", "术语表", "用語集"}},
	{"api", []string{"/api ref", "api reference", "/api/", "api参考", "api文档", "apiリファレンス"}},
}

// guessKind tells what kind of article this is from where it lies and what it is called.
func guessKind(p, title string) string {
	where := strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower("/" + p + "\n" + title))
	if strings.HasPrefix(strings.ToLower(title), "alm-") {
		return "alarm"
	}
	for _, k := range kindWords {
		for _, w := range k.words {
			if strings.Contains(where, strings.ReplaceAll(w, "-", " ")) {
				return k.kind
			}
		}
	}
	return "guide"
}

// titleFromPath makes a title of a file's name, for an article that has none.
func titleFromPath(p string) string {
	name := path.Base(p)
	for {
		ext := path.Ext(name)
		if ext == "" || ext == name || formatOf(name) == "" && len(ext) > 4 {
			break
		}
		name = strings.TrimSuffix(name, ext)
	}
	name = oneLine(strings.NewReplacer("_", " ", "-", " ").Replace(clean(name)))
	if name == "" {
		return "untitled"
	}
	return name
}

// validID reports whether s can name an article: 1 to 512 bytes, without white space at its ends or control characters.
func validID(s string) bool {
	if s == "" || len(s) > 512 || strings.TrimSpace(s) != s {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || invisible(r) || r == unicode.ReplacementChar }) < 0
}
