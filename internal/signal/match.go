package signal

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// budget is how many instructions a phrase may take at one place. The longest of the built-in ones take far less.
const budget = 400

// supposedReach is how far a supposition reaches in its clause, in words.
const supposedReach = 20

// Bounds on the work for one text.
const (
	maxPerKind = 64 // phrases of a kind that are looked at
	ahead      = 48 // words before and behind a phrase in which what takes it back may begin
)

// scan is the scratch space of one search.
type scan struct {
	s       string
	tokens  []word
	sat     []int32
	found   []match
	counter []match // what may take matches back
	steps   int
	seen    []bool  // by class: whether some word belongs to it
	clear   []int32 // the classes to forget
	viable  []int8  // by pattern: 0 not looked at yet, 1 its words are all in the text, -1 they are not
	looked  []int32 // the patterns to forget
}

// match is a phrase at a place: words from to to-1.
type match struct {
	pattern
	from, to int
}

// read cuts the text into words and looks each up.
func (sc *scan) read(p *program, folded string) {
	sc.forget(p)
	sc.s, sc.tokens, sc.sat, sc.found, sc.counter = folded, sc.tokens[:0], sc.sat[:0], sc.found[:0], sc.counter[:0]
	c := cursor{s: folded, before: sentence}
	for {
		w, ok := c.next()
		if !ok {
			return
		}
		w.sat = int32(len(sc.sat))
		sc.sat = p.classes(sc.sat, folded[w.start:w.end])
		if p.number >= 0 && many(folded[w.start:w.end]) {
			sc.sat = append(sc.sat, p.number)
		}
		w.satTo = int32(len(sc.sat))
		for _, class := range sc.sat[w.sat:] {
			if !sc.seen[class] {
				sc.seen[class] = true
				sc.clear = append(sc.clear, class)
			}
		}
		sc.tokens = append(sc.tokens, w)
	}
}

// many reports whether a word is a number of three digits or more.
func many(w string) bool {
	return len(w) >= 3 && '0' <= w[0] && w[0] <= '9' && strings.Trim(w, "0123456789") == ""
}

// forget undoes what the search before has left.
func (sc *scan) forget(p *program) {
	if sc.seen == nil {
		sc.seen, sc.viable = make([]bool, len(p.starts)), make([]int8, len(p.patterns))
	}
	for _, class := range sc.clear {
		sc.seen[class] = false
	}
	for _, at := range sc.looked {
		sc.viable[at] = 0
	}
	sc.clear, sc.looked = sc.clear[:0], sc.looked[:0]
}

// match runs every phrase from every word that it may begin with, and returns those that count.
func (sc *scan) match(p *program) []match {
	var counts [kinds]int
	for i := range sc.tokens {
		w := &sc.tokens[i]
		for _, class := range sc.sat[w.sat:w.satTo] {
			for _, at := range p.starts[class] {
				if v := sc.viable[at]; v < 0 || v == 0 && !sc.possible(p, at) {
					continue
				}
				pt := &p.patterns[at]
				if counts[pt.kind] >= maxPerKind {
					continue
				}
				sc.steps = budget
				if end := sc.run(p, pt.at, i, i, false); end > 0 && sc.whole(i, end) {
					sc.found = append(sc.found, match{*pt, i, end})
					counts[pt.kind]++
				}
			}
		}
	}
	if len(sc.found) == 0 {
		return nil
	}
	sc.context(p)
	return sc.judge(p)
}

// context runs the phrases that take others back around those that were found.
func (sc *scan) context(p *program) {
	done := 0
	for _, m := range sc.found { // in the order of their places
		for i := max(done, m.from-ahead); i < min(len(sc.tokens), m.to+ahead); i++ {
			w := &sc.tokens[i]
			for _, class := range sc.sat[w.sat:w.satTo] {
				for _, at := range p.contexts[class] {
					if v := sc.viable[at]; v < 0 || v == 0 && !sc.possible(p, at) {
						continue
					}
					pt := &p.patterns[at]
					sc.steps = budget
					if end := sc.run(p, pt.at, i, i, false); end > 0 && sc.whole(i, end) {
						sc.counter = append(sc.counter, match{*pt, i, end})
					}
				}
			}
			done = i + 1
		}
	}
}

// possible finds out whether the text holds the words that a phrase cannot do without.
func (sc *scan) possible(p *program, at int32) bool {
	sc.looked = append(sc.looked, at)
	sc.viable[at] = -1
	for _, oneOf := range p.needs[at] {
		if !sc.seenOne(oneOf) {
			return false
		}
	}
	sc.viable[at] = 1
	return true
}

func (sc *scan) seenOne(oneOf []int32) bool {
	for _, class := range oneOf {
		if sc.seen[class] {
			return true
		}
	}
	return false
}

// run returns the word behind the phrase that begins at word from, whose instruction pc is to match word i; 0 for none.
func (sc *scan) run(p *program, pc int32, from, i int, gap bool) int {
	for sc.steps--; sc.steps > 0; sc.steps-- {
		c := &p.code[pc]
		switch c.op {
		case opDone:
			return i
		case opJump:
			pc += c.x
		case opSplit:
			if end := sc.run(p, pc+c.x, from, i, gap); end > 0 {
				return end
			}
			pc += c.y
		case opTable:
			return sc.send(p, pc, from, i, gap)
		case opGap:
			return sc.pass(p, pc, from, i)
		default:
			if !sc.is(c, from, i, gap) {
				return 0
			}
			pc, i, gap = pc+1, i+1, false
		}
	}
	return 0
}

// send goes on with the branches of a table that begin with word i.
func (sc *scan) send(p *program, pc int32, from, i int, gap bool) int {
	if i >= len(sc.tokens) {
		return 0
	}
	table := p.tables[p.code[pc].x]
	w := &sc.tokens[i]
	for _, class := range sc.sat[w.sat:w.satTo] {
		at, _ := slices.BinarySearchFunc(table, class, func(t target, c int32) int { return cmp.Compare(t.class, c) })
		for ; at < len(table) && table[at].class == class; at++ {
			if end := sc.run(p, pc+table[at].to, from, i, gap); end > 0 {
				return end
			}
		}
	}
	return 0
}

// pass tries the rest of a phrase behind each number of words that a gap may take.
func (sc *scan) pass(p *program, pc int32, from, i int) int {
	for left := p.code[pc].x; ; left-- {
		if end := sc.run(p, pc+1, from, i, true); end > 0 {
			return end
		}
		if left == 0 || i >= len(sc.tokens) || sc.tokens[i].before == sentence {
			return 0
		}
		i++
	}
}

// is reports whether word i is what the instruction wants.
func (sc *scan) is(c *inst, from, i int, gap bool) bool {
	if i >= len(sc.tokens) {
		return false
	}
	w := &sc.tokens[i]
	if !slices.Contains(sc.sat[w.sat:w.satTo], c.x) {
		return false
	}
	if i > from && (w.glued && !w.hyphen || !gap && w.before != near || w.before == sentence) {
		return false
	}
	if i > from && c.tight && w.spaced && sc.tokens[i-1].single {
		return false
	}
	if c.begins && i > 0 && !w.spaced && w.before == near && sc.tokens[i-1].single {
		return false
	}
	return !c.ends || i+1 == len(sc.tokens) || sc.tokens[i+1].spaced || sc.tokens[i+1].before != near
}

// whole reports whether the words from to to-1 are no part of a longer name such as "is_urgent" or "non-urgent".
func (sc *scan) whole(from, to int) bool {
	return !sc.tokens[from].glued && (to == len(sc.tokens) || !sc.tokens[to].glued)
}

// judge drops what is excepted, negated, supposed or quoted, and weak phrases that stand alone. What is taken
// back in one language does not count in another: tables may share a word, and only one of them holds the negation.
func (sc *scan) judge(p *program) []match {
	var out, dropped []match
	for _, m := range sc.found {
		switch {
		case sc.takenBack(p, m) || sc.quoted(m):
			dropped = append(dropped, m)
		default:
			out = append(out, m)
		}
	}
	out = slices.DeleteFunc(out, func(m match) bool {
		return slices.ContainsFunc(dropped, func(d match) bool { return d.kind == m.kind && d.from == m.from && d.to == m.to })
	})
	out = apart(out)
	var counts [kinds]int
	for _, m := range out {
		counts[m.kind]++
		if m.role == strong {
			counts[m.kind]++
		}
	}
	out = slices.DeleteFunc(out, func(m match) bool { return counts[m.kind] < 2 })
	return out[:min(len(out), maxHits)]
}

func (m match) overlaps(o match) bool { return o.from < m.to && m.from < o.to }

// takenBack reports whether another match says that m does not count.
func (sc *scan) takenBack(p *program, m match) bool {
	for _, o := range sc.counter {
		switch o.role {
		case except:
			if o.kind == m.kind && o.overlaps(m) {
				return true
			}
		case negated:
			if m.kind.negatable() && (o.table == m.table || p.languages[m.table] == "en") && sc.reaches(o, m, p.reach[o.table]) {
				return true
			}
		case supposed:
			if (m.kind == Major || m.kind == Security) && sc.reaches(o, m, supposedReach) {
				return true
			}
		}
	}
	return false
}

// negatable reports whether a negation before a phrase takes it back: who writes "it is not solved, our lawyers ..." or
// "this is not acceptable" means it all the same.
func (k Kind) negatable() bool { return k == Urgent || k == Major || k == Security || k == Person }

// reaches reports whether o stands on its side of m, at most reach words away in the same clause.
func (sc *scan) reaches(o, m match, reach int) bool {
	from, to := o.to, m.from
	if o.behind {
		from, to = m.to, o.from
	}
	if from > to || to-from > reach {
		return false
	}
	for i := from; i <= to && i < len(sc.tokens); i++ {
		if sc.tokens[i].before != near {
			return false
		}
	}
	return true
}

// quotable are the marks around words that are mentioned and not said, opening and closing.
const quotable = "“”‘’「」『』«»„“„”"

// quoted reports whether a phrase is mentioned, as the name of a button is, and not said. What was seen of an incident
// or an attack counts in quotation marks as well.
func (sc *scan) quoted(m match) bool {
	if m.kind != Urgent && m.kind != Person {
		return false
	}
	start, end := int(sc.tokens[m.from].start), int(sc.tokens[m.to-1].end)
	before := sc.s[strings.LastIndexByte(sc.s[:start], '\n')+1 : start]
	after, _, _ := strings.Cut(sc.s[end:], "\n")
	if straight(before, after, "\"") || straight(before, after, "`") {
		return true
	}
	marks := []rune(quotable)
	for i := 0; i < len(marks); i += 2 {
		open, shut := strings.LastIndex(before, string(marks[i])), strings.LastIndex(before, string(marks[i+1]))
		if open >= 0 && (shut < open || marks[i] == marks[i+1]) && strings.ContainsRune(after, marks[i+1]) && mentioned(before[:open], after) {
			return true
		}
	}
	return false
}

// straight is quoted for marks that open and close alike.
func straight(before, after, mark string) bool {
	return strings.Count(before, mark)%2 == 1 && strings.Contains(after, mark) && mentioned(before[:strings.LastIndex(before, mark)], after)
}

// mentioned reports whether a quotation is a part of its line: a line that is all quotation is said, not mentioned.
func mentioned(before, after string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(before))
	return r != utf8.RuneError || len(strings.TrimSpace(after)) > 4
}

// apart sorts matches by place and keeps of those of a kind that overlap the first, of those the longest. Of the same
// weak phrase it keeps the first.
func apart(ms []match) []match {
	slices.SortFunc(ms, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to), cmp.Compare(a.role, b.role))
	})
	out := ms[:0]
	for _, m := range ms {
		last := len(out) - 1
		if last >= 0 && out[last].kind == m.kind && m.from < out[last].to && out[last].role <= m.role {
			continue
		}
		if m.role == weak && slices.ContainsFunc(out, func(o match) bool { return o.role == weak && o.at == m.at }) {
			continue
		}
		out = append(out, m)
	}
	return out
}
