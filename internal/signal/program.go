package signal

import (
	"slices"
	"strings"
)

// Limits on the tables of a finder together.
const (
	maxCode  = 1 << 18 // instructions
	maxReach = 12      // words between a negation and a phrase
)

// role is what a phrase does.
type role uint8

const (
	strong role = iota
	weak
	except
	negated
	supposed
)

// pattern is one phrase of one table.
type pattern struct {
	at     int32 // its first instruction
	table  uint16
	kind   Kind
	role   role
	behind bool // negated, supposed: takes back what stands before it
}

// program is the compiled form of tables: a trie of the words of all phrases, and the phrases as instructions.
type program struct {
	languages []string // by table
	reach     []int    // by table
	patterns  []pattern
	starts    [][]int32   // by class: the phrases that may begin with it
	contexts  [][]int32   // by class: what takes phrases back and may begin with it
	needs     [][][]int32 // by pattern: classes of which a text must hold one each
	code      []inst
	nodes     []node
	edges     []edge
	tables    [][]target // sorted by class
	number    int32      // class of numbers of three digits or more, -1 when no phrase asks for them
	first     [256]int32 // the node of each first byte, 0 for none
}

// node is a state of the trie; its edges are program.edges[from:to].
type node struct {
	from, to      int32
	exact, prefix int32 // class of the word, and of the words that begin so; -1: none
}

type edge struct {
	b  byte
	to int32
}

// target is where a table of the program sends a word of a class: so many instructions on.
type target struct{ class, to int32 }

// builder compiles tables. Each word that they hold is a class, and so is each beginning of words.
type builder struct {
	program
	words map[string]int32 // the class of a word; a beginning of words has a "*" behind it
}

func newBuilder() *builder { return &builder{words: map[string]int32{}} }

// class returns the class of one word, or of the words that begin so.
func (b *builder) class(w string, prefix bool) int32 {
	if prefix {
		w += "*"
	}
	c, known := b.words[w]
	if !known {
		c = int32(len(b.words))
		b.words[w] = c
		b.starts, b.contexts = append(b.starts, nil), append(b.contexts, nil)
	}
	return c
}

// table compiles the phrases of a table. number says which of the given tables it is.
func (b *builder) table(number int, t Table) error {
	if t.Language == "" {
		return invalid("language", "table %d of the signals names no language: give a tag such as en", number+1)
	}
	if t.Reach < 0 || t.Reach > maxReach {
		return invalid("reach", "signals of %q: reach is %d, expected 1 to %d", t.Language, t.Reach, maxReach)
	}
	if t.Reach == 0 {
		t.Reach = 3
	}
	b.languages, b.reach = append(b.languages, t.Language), append(b.reach, t.Reach)
	if err := b.add(t, "negated", t.Negated, pattern{role: negated}); err != nil {
		return err
	}
	if err := b.add(t, "supposed", t.Supposed, pattern{role: supposed}); err != nil {
		return err
	}
	for k := range kinds {
		p := t.kind(k)
		for _, list := range []struct {
			key     string
			phrases []string
			role    role
		}{{"phrases", p.Phrases, strong}, {"weak", p.Weak, weak}, {"except", p.Except, except}} {
			if err := b.add(t, k.String()+"."+list.key, list.phrases, pattern{role: list.role, kind: k}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) add(t Table, key string, phrases []string, p pattern) error {
	p.table = uint16(len(b.languages) - 1)
	for _, phrase := range phrases {
		if p.role == negated || p.role == supposed {
			phrase, p.behind = strings.CutPrefix(phrase, "~")
		}
		at, first, needs, err := b.compilePhrase(phrase)
		if err != nil {
			return invalid(key, "signals of %q, %s: %v", t.Language, key, err)
		}
		p.at = at
		lists := b.starts
		if p.role > weak {
			lists = b.contexts
		}
		for _, class := range first {
			lists[class] = append(lists[class], int32(len(b.patterns)))
		}
		b.patterns, b.needs = append(b.patterns, p), append(b.needs, needs)
	}
	return nil
}

// entry is a word of the trie, or a beginning of words.
type entry struct {
	word   string
	prefix bool
	class  int32
}

// done lays the trie out.
func (b *builder) done() program {
	b.number = -1
	if c, asked := b.words[number]; asked {
		b.number = c
	}
	entries := make([]entry, 0, len(b.words))
	for w, class := range b.words {
		word, prefix := strings.CutSuffix(w, "*")
		entries = append(entries, entry{word, prefix, class})
	}
	slices.SortFunc(entries, func(x, y entry) int { return strings.Compare(x.word, y.word) })
	b.lay(entries, 0)
	for _, e := range b.edges[b.nodes[0].from:b.nodes[0].to] {
		b.first[e.b] = e.to
	}
	return b.program
}

// lay appends the node of sorted words that agree in their first depth bytes, and all nodes under it. It returns the
// node's number.
func (b *builder) lay(words []entry, depth int) int32 {
	at := int32(len(b.nodes))
	n := node{exact: -1, prefix: -1}
	for ; len(words) > 0 && len(words[0].word) == depth; words = words[1:] {
		if words[0].prefix {
			n.prefix = words[0].class
		} else {
			n.exact = words[0].class
		}
	}
	n.from = int32(len(b.edges))
	for i := range words {
		if c := words[i].word[depth]; i == 0 || words[i-1].word[depth] != c {
			b.edges = append(b.edges, edge{b: c})
		}
	}
	n.to = int32(len(b.edges))
	b.nodes = append(b.nodes, n)
	for e := n.from; e < n.to; e++ {
		end := slices.IndexFunc(words, func(w entry) bool { return w.word[depth] != b.edges[e].b })
		if end < 0 {
			end = len(words)
		}
		to := b.lay(words[:end], depth+1)
		b.edges[e].to = to
		words = words[end:]
	}
	return at
}

// step follows the edge of a byte; 0 when there is none.
func (p *program) step(at int32, c byte) int32 {
	from, to := p.nodes[at].from, p.nodes[at].to
	for to-from > 4 {
		if mid := (from + to) / 2; p.edges[mid].b <= c {
			from = mid
		} else {
			to = mid
		}
	}
	for ; from < to; from++ {
		if p.edges[from].b == c {
			return p.edges[from].to
		}
	}
	return 0
}

// classes appends the classes that a word belongs to: its own, and those of its beginnings.
func (p *program) classes(dst []int32, w string) []int32 {
	at := p.first[w[0]]
	for i := 1; at != 0; i++ {
		if c := p.nodes[at].prefix; c >= 0 {
			dst = append(dst, c)
		}
		if i == len(w) {
			if c := p.nodes[at].exact; c >= 0 {
				dst = append(dst, c)
			}
			break
		}
		at = p.step(at, w[i])
	}
	return dst
}
