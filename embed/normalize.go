package embed

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxParts bounds the steps of a normalizer or pre-tokenizer.
const maxParts = 256

// maxRunes bounds what is left of a text between two steps: replacements may lengthen it.
const maxRunes = 1 << 20

// normalizer is the function that a part of tokenizer.json describes.
func normalizer(d described) (func(string) string, error) {
	switch d.Type {
	case "Sequence":
		return sequence(d.Normalizers)
	case "BertNormalizer":
		return d.bert, nil
	case "Lowercase":
		return strings.ToLower, nil
	case "NFC":
		return norm.NFC.String, nil
	case "NFD":
		return norm.NFD.String, nil
	case "NFKC":
		return norm.NFKC.String, nil
	case "NFKD":
		return norm.NFKD.String, nil
	case "Nmt":
		return clean, nil
	case "Precompiled": // SentencePiece's nmt_nfkc, compiled
		return func(s string) string { return norm.NFKC.String(clean(s)) }, nil
	case "StripAccents":
		return stripAccents, nil
	case "Strip":
		return d.strip, nil
	case "Prepend":
		return func(s string) string {
			if s == "" {
				return s
			}
			return d.Prepend + s
		}, nil
	case "Replace":
		return d.replace()
	}
	return nil, badTokenizer("a normalizer of type %.40q is not supported", d.Type)
}

func sequence(parts []described) (func(string) string, error) {
	if len(parts) > maxParts {
		return nil, badTokenizer("%d normalizers: at most %d are supported", len(parts), maxParts)
	}
	var steps []func(string) string
	for _, p := range parts {
		if p.Type == "Sequence" {
			return nil, badTokenizer("a sequence within a sequence is not supported")
		}
		step, err := normalizer(p)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return func(s string) string {
		for _, step := range steps {
			if s = step(s); len(s) > maxRunes {
				s = strings.ToValidUTF8(s[:maxRunes], "")
			}
		}
		return s
	}, nil
}

func isTrue(b *bool, unset bool) bool {
	if b == nil {
		return unset
	}
	return *b
}

// bert is BERT's basic normalization: control characters out, spaces around Han characters, accents and case away.
func (d described) bert(s string) string {
	if isTrue(d.CleanText, true) {
		s = clean(s)
	}
	if isTrue(d.HandleHan, true) {
		var out strings.Builder
		for _, r := range s {
			if isHan(r) {
				out.WriteByte(' ')
				out.WriteRune(r)
				out.WriteByte(' ')
			} else {
				out.WriteRune(r)
			}
		}
		s = out.String()
	}
	lower := isTrue(d.Lowercase, true)
	if isTrue(d.StripAccents, lower) {
		s = stripAccents(norm.NFD.String(s))
	}
	if lower {
		s = strings.ToLower(s)
	}
	return s
}

// clean drops control characters and makes every white space a space.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			return -1
		}
		return r
	}, s)
}

// isHan reports whether BERT treats a character as a word of its own: the ideographs, without kana and hangul.
func isHan(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf || r >= 0x20000 && r <= 0x2ceaf ||
		r >= 0xf900 && r <= 0xfaff || r >= 0x2f800 && r <= 0x2fa1f
}

// stripAccents drops the marks of a decomposed text.
func stripAccents(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s)
}

func (d described) strip(s string) string {
	if isTrue(d.StripLeft, false) {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
	if isTrue(d.StripRight, false) {
		s = strings.TrimRightFunc(s, unicode.IsSpace)
	}
	return s
}

func (d described) replace() (func(string) string, error) {
	if d.Pattern.String != nil {
		if *d.Pattern.String == "" {
			return nil, badTokenizer("a replacement of nothing")
		}
		return strings.NewReplacer(*d.Pattern.String, d.Content).Replace, nil
	}
	if d.Pattern.Regex == nil {
		return nil, badTokenizer("a replacement without a pattern")
	}
	r, err := regexp.Compile(*d.Pattern.Regex)
	if err != nil {
		return nil, badTokenizer("the pattern %.80q is not supported: %v", *d.Pattern.Regex, err)
	}
	return func(s string) string { return r.ReplaceAllLiteralString(s, d.Content) }, nil
}

// preTokenizer is the function that a part of tokenizer.json describes.
func preTokenizer(d described) (func([]string) []string, error) {
	each := func(split func(string) []string) func([]string) []string {
		return func(in []string) (out []string) {
			for _, s := range in {
				out = append(out, split(s)...)
			}
			return out
		}
	}
	switch d.Type {
	case "Sequence":
		return preSequence(d.PreTokenizers)
	case "BertPreTokenizer":
		return each(func(s string) []string { return cut(s, isPunctuation, unicode.IsSpace) }), nil
	case "Whitespace":
		return each(func(s string) []string { return runs(s, wordClass) }), nil
	case "WhitespaceSplit":
		return each(strings.Fields), nil
	case "Punctuation":
		if d.Behavior != "" && d.Behavior != "Isolated" {
			return nil, badTokenizer("punctuation of behaviour %.40q is not supported: Isolated is", d.Behavior)
		}
		return each(func(s string) []string { return cut(s, isPunctuation, nil) }), nil
	case "Digits":
		return each(func(s string) []string { return digits(s, d.Individual) }), nil
	case "Metaspace":
		return d.metaspace(), nil
	}
	return nil, badTokenizer("a pre-tokenizer of type %.40q is not supported", d.Type)
}

func preSequence(parts []described) (func([]string) []string, error) {
	if len(parts) > maxParts {
		return nil, badTokenizer("%d pre-tokenizers: at most %d are supported", len(parts), maxParts)
	}
	var steps []func([]string) []string
	for _, p := range parts {
		if p.Type == "Sequence" {
			return nil, badTokenizer("a sequence within a sequence is not supported")
		}
		step, err := preTokenizer(p)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return func(in []string) []string {
		for _, step := range steps {
			in = step(in)
		}
		return in
	}, nil
}

// cut makes a word of each character that stands alone, and of what lies between those and what is dropped.
func cut(s string, alone, drop func(rune) bool) []string {
	var out []string
	from := 0
	for i, r := range s {
		dropped := drop != nil && drop(r)
		if !dropped && !alone(r) {
			continue
		}
		if i > from {
			out = append(out, s[from:i])
		}
		from = i + utf8.RuneLen(r)
		if !dropped {
			out = append(out, s[i:from])
		}
	}
	if from < len(s) {
		out = append(out, s[from:])
	}
	return out
}

func isPunctuation(r rune) bool {
	return r < 0x80 && r > ' ' && r != 0x7f && !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsPunct(r)
}

// digits parts numbers from the rest, digit by digit where asked for.
func digits(s string, individual bool) []string {
	if individual {
		return cut(s, unicode.IsDigit, nil)
	}
	return runs(s, func(r rune) int {
		if unicode.IsDigit(r) {
			return 1
		}
		return 2
	})
}

// wordClass tells white space (0), characters of words (1) and all others (2) apart, as regular expressions do.
func wordClass(r rune) int {
	switch {
	case unicode.IsSpace(r):
		return 0
	case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
		return 1
	}
	return 2
}

// runs makes a word of all neighbours of one class; class 0 is dropped.
func runs(s string, class func(rune) int) []string {
	var out []string
	from, was := 0, 0
	for i, r := range s {
		if c := class(r); c != was {
			if was != 0 {
				out = append(out, s[from:i])
			}
			from, was = i, c
		}
	}
	if was != 0 {
		out = append(out, s[from:])
	}
	return out
}

// metaspace puts a mark in the place of spaces, as SentencePiece does, and cuts before each.
func (d described) metaspace() func([]string) []string {
	mark := d.Replacement
	if mark == "" {
		mark = "▁"
	}
	always := d.PrependScheme == "always" || d.PrependScheme == "" && isTrue(d.AddPrefixSpace, true)
	return func(in []string) (out []string) {
		for i, s := range in {
			s = strings.ReplaceAll(s, " ", mark)
			if (always || d.PrependScheme == "first" && i == 0) && s != "" && !strings.HasPrefix(s, mark) {
				s = mark + s
			}
			if !isTrue(d.Split, true) {
				out = append(out, s)
				continue
			}
			for from := 0; from < len(s); {
				next := strings.Index(s[from+1:], mark)
				if next < 0 {
					out = append(out, s[from:])
					break
				}
				out = append(out, s[from:from+1+next])
				from += 1 + next
			}
		}
		return out
	}
}
