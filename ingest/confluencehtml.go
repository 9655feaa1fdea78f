package ingest

import (
	"html"
	"regexp"
	"strings"
)

var (
	// Parameters of macros say how they look, not what they say. A title of a panel is text.
	macroParameter = regexp.MustCompile(`(?s)<ac:parameter\b([^>]*)>(.*?)</ac:parameter>`)
	plainTextBody  = regexp.MustCompile(`</?ac:plain-text-body\b[^>]*>`)
	plainLinkBody  = regexp.MustCompile(`</?ac:plain-text-link-body\b[^>]*>`)
	placeholder    = regexp.MustCompile(`(?s)<ac:placeholder\b[^>]*>.*?</ac:placeholder>`)
	taskStatus     = regexp.MustCompile(`(?s)<ac:task-(?:id|uuid|status)>[^<]*</ac:task-(?:id|uuid|status)>`)
	taskItem       = strings.NewReplacer("<ac:task-list>", "<ul>", "</ac:task-list>", "</ul>", "<ac:task>", "<li>", "</ac:task>", "</li>",
		"<ac:rich-text-body>", "<div>", "</ac:rich-text-body>", "</div>", "<ac:layout-cell>", "<div>", "</ac:layout-cell>", "</div>")
)

// storageHTML makes HTML of Confluence's storage format: code in macros becomes preformatted text, what a macro wraps
// stays, and what only says how it looks goes. It takes linear time.
func storageHTML(s string) string {
	s = unwrapCDATA(s)
	s = macroParameter.ReplaceAllStringFunc(s, func(m string) string {
		if parts := macroParameter.FindStringSubmatch(m); strings.Contains(parts[1], `"title"`) {
			return "<p>" + parts[2] + "</p>"
		}
		return ""
	})
	s = placeholder.ReplaceAllString(s, "")
	s = taskStatus.ReplaceAllString(s, "")
	s = plainTextBody.ReplaceAllStringFunc(s, func(tag string) string {
		if strings.HasPrefix(tag, "</") {
			return "</pre>"
		}
		return "<pre>"
	})
	return taskItem.Replace(plainLinkBody.ReplaceAllString(s, ""))
}

// unwrapCDATA makes escaped text of CDATA sections, which HTML does not know.
func unwrapCDATA(s string) string {
	const begin, end = "<![CDATA[", "]]>"
	if !strings.Contains(s, begin) {
		return s
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, begin)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		text, after, closed := strings.Cut(rest, end)
		b.WriteString(html.EscapeString(text))
		if !closed {
			return b.String()
		}
		s = after
	}
}
