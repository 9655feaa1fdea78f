package signal

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"prediag/internal/text"
)

// Limits on a phrase. They keep the work for each place of a text bounded.
const (
	maxPhraseBytes = 4000
	maxGap         = 20
	maxDepth       = 4 // of brackets
)

// number stands for a number of three digits or more.
const number = "<n>"

// op is what an instruction does.
type op uint8

const (
	opWord  op = iota // the next word belongs to class x
	opSplit           // try x instructions on, then y instructions on
	opTable           // go where table x sends the next word
	opJump            // go x instructions on
	opGap             // pass over up to x words
	opDone
)

// inst is one instruction of a compiled phrase. A phrase is run with backtracking: it is short and so is the budget.
type inst struct {
	op     op
	tight  bool // opWord: no white space before the word
	begins bool // opWord: a written word begins here
	ends   bool // opWord: and ends here
	x, y   int32
}

// fragment is a part of a phrase: its instructions, and sets of classes of which a text must hold one each for the part
// to be in it. What the needs leave out is only found out later.
type fragment struct {
	code  []inst
	needs [][]int32
}

// parser compiles one phrase.
type parser struct {
	b     *builder
	s     string // folded
	i     int
	depth int
	space bool // white space was read since the last word
	begin bool // an underscore was read
}

// compilePhrase appends the instructions of a phrase, and returns its first instruction and the classes that it may
// begin with, and the sets of classes of which a text must hold one each for the phrase to be in it.
func (b *builder) compilePhrase(phrase string) (at int32, first []int32, needs [][]int32, err error) {
	if len(phrase) > maxPhraseBytes {
		return 0, nil, nil, invalid("", "the phrase %.40q… has more than %d bytes", phrase, maxPhraseBytes)
	}
	p := parser{b: b, s: strings.TrimSpace(text.Fold(phrase))}
	whole, err := p.alternatives()
	if err != nil {
		return 0, nil, nil, err
	}
	if p.i < len(p.s) {
		return 0, nil, nil, invalid("", "the phrase %q has a bracket too many", phrase)
	}
	at = int32(len(b.code))
	b.code = append(append(b.code, whole.code...), inst{op: opDone})
	if len(b.code) > maxCode {
		return 0, nil, nil, invalid("", "the tables hold too many phrases: at most %d steps", maxCode)
	}
	first, ok := b.firsts(at, nil)
	if !ok {
		return 0, nil, nil, invalid("", "the phrase %q must begin with a word", phrase)
	}
	return at, first, whole.needs, nil
}

// firsts lists the classes that a phrase may begin with. False: it may begin without a word.
func (b *builder) firsts(pc int32, out []int32) ([]int32, bool) {
	switch c := b.code[pc]; c.op {
	case opWord:
		if !slices.Contains(out, c.x) {
			out = append(out, c.x)
		}
		return out, true
	case opJump:
		return b.firsts(pc+c.x, out)
	case opTable:
		ok := true
		for _, e := range b.tables[c.x] {
			if ok {
				out, ok = b.firsts(pc+e.to, out)
			}
		}
		return out, ok
	case opSplit:
		out, ok := b.firsts(pc+c.x, out)
		if !ok {
			return nil, false
		}
		return b.firsts(pc+c.y, out)
	}
	return nil, false
}

// alternatives compiles "a|b c" up to a closing bracket or the end.
func (p *parser) alternatives() (fragment, error) {
	space, begin := p.space, p.begin
	var parts []fragment
	for {
		p.space, p.begin = space, begin
		part, err := p.sequence()
		if err != nil {
			return fragment{}, err
		}
		if len(part.code) == 0 {
			return fragment{}, invalid("", "the phrase %q has an empty part", p.s)
		}
		parts = append(parts, part)
		if p.i >= len(p.s) || p.s[p.i] != '|' {
			break
		}
		p.i++
	}
	p.space, p.begin = false, false
	if len(parts) == 1 {
		return parts[0], nil
	}
	var codes [][]inst
	for _, part := range parts {
		codes = append(codes, part.code)
	}
	return fragment{p.b.choice(codes), either(parts)}, nil
}

// either is what a choice of parts needs: the last need of one of them.
func either(parts []fragment) [][]int32 {
	var all []int32
	for _, part := range parts {
		if len(part.needs) == 0 {
			return nil
		}
		all = append(all, part.needs[len(part.needs)-1]...)
	}
	slices.Sort(all)
	return [][]int32{slices.Compact(all)}
}

// choice tries parts one after the other. Those that begin with words share their beginnings and are found by the word:
// a choice of a hundred words costs no more than one of two.
func (b *builder) choice(parts [][]inst) []inst {
	if len(parts) == 1 {
		return parts[0]
	}
	rests := map[inst][][]inst{}
	var heads []inst
	var others [][]inst
	for _, part := range parts {
		if part[0].op != opWord {
			others = append(others, part)
			continue
		}
		if _, known := rests[part[0]]; !known {
			heads = append(heads, part[0])
		}
		rests[part[0]] = append(rests[part[0]], part[1:])
	}
	var branches [][]inst
	for _, head := range heads {
		branches = append(branches, append([]inst{head}, b.rest(rests[head])...))
	}
	if len(branches) == 1 {
		return split(append(branches, others...))
	}
	if len(branches) == 0 {
		return split(others)
	}
	return split(append([][]inst{b.branch(heads, branches)}, others...))
}

// rest is a choice of what may follow the same word; nothing may be among it.
func (b *builder) rest(parts [][]inst) []inst {
	whole := len(parts)
	parts = slices.DeleteFunc(parts, func(part []inst) bool { return len(part) == 0 })
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) < whole:
		return optional(b.choice(parts))
	}
	return b.choice(parts)
}

// branch sends a word to the branch that begins with it.
func (b *builder) branch(heads []inst, branches [][]inst) []inst {
	var table []target
	out := []inst{{op: opTable, x: int32(len(b.tables))}}
	size := 1
	for _, branch := range branches {
		size += len(branch) + 1
	}
	for i, branch := range branches {
		table = append(table, target{heads[i].x, int32(len(out))})
		out = append(out, branch...)
		out = append(out, inst{op: opJump, x: int32(size - len(out))})
	}
	slices.SortStableFunc(table, func(a, b target) int { return cmp.Compare(a.class, b.class) })
	b.tables = append(b.tables, table)
	return out
}

// split tries parts one after the other.
func split(parts [][]inst) []inst {
	out := parts[len(parts)-1]
	for _, part := range slices.Backward(parts[:len(parts)-1]) {
		code := append([]inst{{op: opSplit, x: 1, y: int32(len(part) + 2)}}, part...)
		code = append(code, inst{op: opJump, x: int32(len(out) + 1)})
		out = append(code, out...)
	}
	return out
}

func optional(code []inst) []inst {
	return append([]inst{{op: opSplit, x: 1, y: int32(len(code) + 1)}}, code...)
}

// sequence compiles words, brackets and gaps up to a bar, a closing bracket or the end.
func (p *parser) sequence() (fragment, error) {
	var out fragment
	for p.i < len(p.s) {
		var part fragment
		var err error
		switch c := p.s[p.i]; {
		case c == '|' || c == ')':
			return out, nil
		case c == ' ' || c == '-' || c == '\n':
			p.space = true
			p.i++
		case c == '\'':
			p.i++
		case c == '_':
			p.i++
			if n := len(out.code); n > 0 && out.code[n-1].op == opWord && !p.space {
				out.code[n-1].ends = true
			} else {
				p.begin = true
			}
		case strings.HasPrefix(p.s[p.i:], ".."):
			part, err = p.gap()
		case c == '(':
			part, err = p.group()
		default:
			part, err = p.word()
		}
		if err != nil {
			return fragment{}, err
		}
		out.code, out.needs = append(out.code, part.code...), append(out.needs, part.needs...)
	}
	return out, nil
}

func (p *parser) gap() (fragment, error) {
	p.i += 2
	n, from := 0, p.i
	for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' && n <= maxGap {
		n = n*10 + int(p.s[p.i]-'0')
		p.i++
	}
	if from == p.i || n == 0 || n > maxGap {
		return fragment{}, invalid("", "the phrase %q needs a number from 1 to %d behind its two dots", p.s, maxGap)
	}
	p.space = true
	return fragment{code: []inst{{op: opGap, x: int32(n)}}}, nil
}

func (p *parser) group() (fragment, error) {
	if p.depth++; p.depth > maxDepth {
		return fragment{}, invalid("", "the phrase %q has more than %d brackets in each other", p.s, maxDepth)
	}
	p.i++
	out, err := p.alternatives()
	if err != nil {
		return fragment{}, err
	}
	if p.i >= len(p.s) || p.s[p.i] != ')' {
		return fragment{}, invalid("", "the phrase %q lacks a closing bracket", p.s)
	}
	p.i++
	p.depth--
	if p.i < len(p.s) && p.s[p.i] == '?' {
		p.i++
		out = fragment{code: optional(out.code)}
		p.space = true // what follows may now stand behind what comes before the bracket
	}
	return out, nil
}

// word compiles one word of a script with spaces, or one character of another, or a run of exclamation marks.
func (p *parser) word() (fragment, error) {
	kind, n := charAt(p.s[p.i:])
	end := p.i + n
	switch {
	case strings.HasPrefix(p.s[p.i:], number):
		end = p.i + len(number)
	case strings.HasPrefix(p.s[p.i:], "!!!"):
		end = p.i + marks
	case kind == other:
		r, _ := utf8.DecodeRuneInString(p.s[p.i:])
		return fragment{}, invalid("", "the phrase %q has a sign that is no letter: %q", p.s, r)
	case kind == spacedLetter:
		for end < len(p.s) {
			next, n := charAt(p.s[end:])
			if next != spacedLetter {
				break
			}
			end += n
		}
	}
	w, single := p.s[p.i:end], kind == unspaced
	p.i = end
	prefix := p.i < len(p.s) && p.s[p.i] == '*'
	if prefix {
		p.i++
	}
	out := inst{op: opWord, x: p.b.class(w, prefix), tight: single && !p.space, begins: p.begin}
	p.space, p.begin = false, false
	return fragment{[]inst{out}, [][]int32{{out.x}}}, nil
}
