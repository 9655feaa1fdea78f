package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"prediag"
)

// Bounds on what counts as the frame of a mail. What is longer is more likely the message.
const (
	maxFrameLine  = 160 // bytes of a line that may be a greeting, a closing or an attribution
	maxClosing    = 8   // lines behind a closing that may be names, titles and addresses
	maxSignature  = 15  // lines behind the mark "-- "
	minSubstance  = 24  // letters that make a message; an ideograph counts as three
	maxHeaderName = 40  // bytes of the name of a header field
	maxIntroducer = 160 // bytes of a message that only points to what is quoted under it
)

// Filed returns the parts of a ticket's text that the customer wrote for it, in order and without the white space around
// them: quoted mails, signatures, disclaimers, and greetings at the start are left out.
//
// It leaves out only what it is sure of: marks that mail programs write, and lines that are nothing but a greeting or a
// closing. Logs, code and tables stay, and so does a forwarded mail whose quoted part is the message. Where nothing
// would be left, everything stays.
func Filed(s string) []prediag.Span { return AppendFiled(nil, s) }

// AppendFiled appends what Filed returns to dst.
func AppendFiled(dst []prediag.Span, s string) []prediag.Span {
	from := len(dst)
	whole := trimmed(s, 0, len(s))
	if whole.Start == whole.End {
		return dst
	}
	part := frame{s: s, start: whole.Start, end: whole.End}
	part.quote()
	part.shorten()
	for part.head() || part.tail() {
		continue
	}
	dst = part.spans(dst)
	for _, span := range dst[from:] {
		if substance(s[span.Start:span.End], 1) > 0 {
			return dst
		}
	}
	return append(dst[:from], whole)
}

// frame is a text from which the frame of a mail is taken off.
type frame struct {
	s          string
	start, end int            // what is left
	holes      []prediag.Span // quoted lines in between
}

// line returns the end of the line that begins at i, without and with its line end.
func (f *frame) line(i int) (end, next int) {
	if n := strings.IndexByte(f.s[i:f.end], '\n'); n >= 0 {
		return i + n, i + n + 1
	}
	return f.end, f.end
}

// lineBefore returns the start of the line that ends before i, which is the start of a line or the end.
func (f *frame) lineBefore(i int) int {
	return max(f.start, strings.LastIndexByte(f.s[:max(i-1, f.start)], '\n')+1)
}

// quote takes off the mail that this one answers.
func (f *frame) quote() {
	for i := f.start; i < f.end; {
		end, next := f.line(i)
		line := strings.TrimSpace(f.s[i:end])
		switch {
		case line == "":
		case line[0] == '>' && !strings.HasPrefix(line, ">>>"):
			next = f.quoted(i)
		case attribution(line):
			if below := f.skipBlank(next); below < f.end && f.s[below] == '>' {
				f.holes = append(f.holes, prediag.Span{Start: i, End: next})
			} else if below < f.end && f.cut(i) {
				return
			}
		case separator(line, forwards):
			return // a forwarded mail is the message, with all that it quotes
		case separator(line, originals) || f.headers(i):
			f.cut(i)
			return
		}
		i = next
	}
}

// shorten takes the quoted lines at the end off the message, so that its signature is the end.
func (f *frame) shorten() {
	for n := len(f.holes) - 1; n >= 0; n-- {
		h := f.holes[n]
		if h.Start < f.end && strings.TrimSpace(f.s[min(h.End, f.end):f.end]) != "" {
			return
		}
		f.holes = f.holes[:n]
		f.end = max(f.start, trimmed(f.s, f.start, min(h.Start, f.end)).End)
	}
}

// cut ends the message at i, unless what stands before is no message.
func (f *frame) cut(i int) bool {
	before := f.s[f.start:i]
	if substance(before, minSubstance) < minSubstance || len(before) < maxIntroducer && introduces(before) {
		return false
	}
	f.end = trimmed(f.s, f.start, i).End
	return true
}

// quoted passes over the lines from i on that begin with ">", and notes them when they are a quoted text.
func (f *frame) quoted(i int) int {
	at, lines, code := i, 0, 0
	for at < f.end {
		end, next := f.line(at)
		line := strings.TrimSpace(f.s[at:end])
		if line == "" || line[0] != '>' {
			break
		}
		lines++
		if strings.ContainsAny(line, ";{}=()|$") || strings.Contains(line, "<-") {
			code++
		}
		at = next
	}
	attributed := len(f.holes) > 0 && strings.TrimSpace(f.s[f.holes[len(f.holes)-1].End:i]) == ""
	if attributed || lines >= 2 && 2*code < lines {
		f.holes = append(f.holes, prediag.Span{Start: i, End: at})
	}
	return at
}

func (f *frame) skipBlank(i int) int {
	for i < f.end && (f.s[i] == '\n' || f.s[i] == '\r' || f.s[i] == ' ' || f.s[i] == '\t') {
		i++
	}
	return i
}

// attribution reports whether a line is "On ... , ... wrote:" of some mail program.
func attribution(line string) bool {
	if len(line) > maxFrameLine || !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, "：") {
		return false
	}
	if !strings.ContainsAny(line, "0123456789@") {
		return false
	}
	return hasAffix(Fold(line), attributions, strings.HasSuffix)
}

// separator reports whether a line is one of some words between dashes, or with a colon: "-----Original Message-----".
func separator(line string, words []string) bool {
	if len(line) > maxFrameLine || !strings.HasPrefix(line, "--") && !strings.HasSuffix(line, ":") {
		return false
	}
	return slices.Contains(words, Fold(strings.Trim(line, "-: ")))
}

// headers reports whether the head of a quoted mail begins at line i: sender, and two further fields of a mail program.
// Fields that no mail program shows to people make it a log of a mail server.
func (f *frame) headers(i int) bool {
	kinds := 0
	var seen [4]bool
	for at := i; at < f.end; {
		end, next := f.line(at)
		line := strings.Trim(f.s[at:end], " \t\r*")
		if line == "" {
			break
		}
		kind := headerKind(line)
		if kind < 0 && at == i || kind > 0 && at == i || kind == len(seen) {
			return false
		}
		if kind >= 0 && !seen[kind] {
			seen[kind] = true
			kinds++
		}
		if kind < 0 {
			break
		}
		at = next
	}
	return kinds >= 3
}

// headerKind is the place in headerNames of the field that a line shows; their number for one of mail servers; -1 for none.
func headerKind(line string) int {
	head := line[:min(len(line), maxHeaderName+len("："))]
	i := strings.IndexByte(head, ':')
	if j := strings.Index(head, "："); j >= 0 && (i < 0 || j < i) {
		i = j
	}
	if i <= 0 || i > maxHeaderName {
		return -1
	}
	name := strings.TrimRight(Fold(line[:i]), " *")
	for kind, list := range headerNames {
		if slices.Contains(list, name) {
			return kind
		}
	}
	switch {
	case strings.HasPrefix(name, "x-"), name == "received", name == "return-path", name == "message-id", name == "mime-version", name == "content-type":
		return len(headerNames)
	}
	return -1
}

// tail takes one thing off the end, and reports whether it did.
func (f *frame) tail() bool {
	for i, lines := f.end, 0; i > f.start && lines <= maxSignature; lines++ {
		if i = f.lineBefore(i); i == f.start {
			return false // nothing would be left
		}
		end, _ := f.line(i)
		line := strings.TrimSpace(f.s[i:end])
		if line == "" {
			continue
		}
		ends := line == "--" || lines == 0 && mobile(line) || lines <= maxClosing && (closing(line) && f.names(i) || f.paragraph(i) && disclaimer(line))
		if ends && substance(f.s[f.start:i], 1) > 0 {
			f.end = trimmed(f.s, f.start, i).End
			return true
		}
	}
	return false
}

// names reports whether behind the line at i come only lines that may be names, titles and addresses.
func (f *frame) names(i int) bool {
	_, i = f.line(i)
	for i < f.end {
		end, next := f.line(i)
		line := strings.TrimSpace(f.s[i:end])
		if len(line) > maxFrameLine/2 || strings.ContainsAny(line, "?？{};=") {
			return false
		}
		i = next
	}
	return true
}

// paragraph reports whether an empty line stands before the line at i.
func (f *frame) paragraph(i int) bool {
	before := f.lineBefore(i)
	return before < i && strings.TrimSpace(f.s[before:i]) == ""
}

func mobile(line string) bool {
	return len(line) <= maxFrameLine && hasAffix(Fold(line), mobiles, strings.HasPrefix)
}

// closing reports whether a line is nothing but words with which mails end.
func closing(line string) bool {
	if len(line) > maxFrameLine/2 {
		return false
	}
	bare := strings.TrimRight(Fold(line), " ,.!;。、！，~")
	return slices.Contains(closings, bare)
}

// disclaimer reports whether a line begins a notice that the mail is confidential.
func disclaimer(line string) bool {
	low := Fold(line[:min(len(line), 2*maxFrameLine)])
	for _, words := range disclaimers {
		if strings.Contains(low, words[0]) && strings.Contains(low, words[1]) {
			return true
		}
	}
	return false
}

// head takes one greeting off the start, and reports whether it did.
func (f *frame) head() bool {
	end, _ := f.line(f.start)
	line := f.s[f.start:end]
	n := greeting(line)
	if n == 0 {
		return false
	}
	rest := trimmed(f.s, f.start+n, f.end)
	if substance(f.s[rest.Start:rest.End], 1) == 0 {
		return false
	}
	f.start = rest.Start
	return true
}

// greeting returns the length of the greeting that a line begins with, its stop included; 0 when there is none.
func greeting(line string) int {
	head := line[:min(len(line), maxFrameLine)]
	stop := strings.IndexFunc(head, stopsGreeting)
	if stop < 0 {
		if len(line) > maxFrameLine/2 {
			return 0
		}
		stop = len(line)
	}
	said := strings.TrimSpace(Fold(head[:min(stop, len(head))]))
	if said == "" || !greets(said, head[:min(stop, len(head))]) {
		return 0
	}
	for stop < len(line) {
		r, n := utf8.DecodeRuneInString(line[stop:])
		if !unicode.IsPunct(r) && r != '~' && !unicode.IsSpace(r) {
			break
		}
		stop += n
	}
	return stop
}

func stopsGreeting(r rune) bool {
	switch r {
	case ',', '!', '.', ':', ';', '，', '！', '。', '：', '、', '~', '\r':
		return true
	}
	return false
}

// greets reports whether folded words are a greeting and whom it greets: words for a team, or a name of up to two words.
func greets(said, original string) bool {
	for _, g := range greetings {
		rest, ok := strings.CutPrefix(said, g)
		if !ok {
			continue
		}
		if rest == "" {
			return true
		}
		if !strings.HasPrefix(rest, " ") && Fold(original) == said && said[0] < utf8.RuneSelf {
			continue // the beginning of a longer word
		}
		names := 0
		for _, w := range strings.Fields(rest) {
			if !slices.Contains(addressees, w) {
				names++
			}
		}
		if names == 0 {
			return true
		}
	}
	return false
}

func hasAffix(s string, list []string, has func(s, affix string) bool) bool {
	return slices.ContainsFunc(list, func(a string) bool { return has(s, a) })
}

// introduces reports whether a short text points to what stands under it.
func introduces(s string) bool {
	low := Fold(s)
	return slices.ContainsFunc(introducers, func(w string) bool { return strings.Contains(low, w) })
}

// spans appends what is left.
func (f *frame) spans(dst []prediag.Span) []prediag.Span {
	at := f.start
	for _, h := range f.holes {
		if h.Start >= f.end {
			break
		}
		if h.Start > at {
			dst = appendTrimmed(dst, f.s, at, h.Start)
		}
		at = max(at, h.End)
	}
	if at < f.end {
		dst = appendTrimmed(dst, f.s, at, f.end)
	}
	return dst
}

func trimmed(s string, start, end int) prediag.Span {
	part := s[start:end]
	start += len(part) - len(strings.TrimLeftFunc(part, unicode.IsSpace))
	return prediag.Span{Start: start, End: start + len(strings.TrimSpace(part))}
}

// substance counts letters and digits up to about enough; an ideograph says as much as three.
func substance(s string, enough int) int {
	n := 0
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' {
				n++
			}
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
			n += 3
		case unicode.IsLetter(r):
			n++
		}
		if n >= enough {
			break
		}
	}
	return n
}
