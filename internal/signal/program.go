package signal

import (
	"cmp"
	"math/bits"
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

// program is the compiled form of tables: the words of all phrases, and the phrases as instructions.
type program struct {
	languages []string // by table
	reach     []int    // by table
	patterns  []pattern
	starts    [][]int32   // by class: the phrases that may begin with it
	contexts  [][]int32   // by class: what takes phrases back and may begin with it
	needs     [][][]int32 // by pattern: classes of which a text must hold one each
	code      []inst
	exact     wordTable
	prefix    wordTable
	lengths   [256]uint64 // by first byte: a bit for each length of a beginning of words
	tables    [][]target  // sorted by class
	number    int32       // class of numbers of three digits or more, -1 when no phrase asks for them
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
		b.patterns, b.needs = append(b.patterns, p), append(b.needs, seldomFirst(needs, first))
	}
	return nil
}

// seldomFirst leaves out what every place holds where the phrase begins, and puts those first that the fewest words fulfil.
func seldomFirst(needs [][]int32, first []int32) [][]int32 {
	needs = slices.DeleteFunc(needs, func(oneOf []int32) bool {
		return !slices.ContainsFunc(first, func(class int32) bool { return !slices.Contains(oneOf, class) })
	})
	slices.SortStableFunc(needs, func(a, b []int32) int { return cmp.Compare(len(a), len(b)) })
	return needs
}

// done lays the words out in tables.
func (b *builder) done() program {
	b.number = -1
	if c, asked := b.words[number]; asked {
		b.number = c
	}
	b.exact, b.prefix = newWordTable(len(b.words)), newWordTable(len(b.words))
	for w, class := range b.words {
		if word, isPrefix := strings.CutSuffix(w, "*"); isPrefix {
			b.prefix.put(word, class)
			b.lengths[word[0]] |= 1 << min(len(word), longPrefix)
		} else {
			b.exact.put(w, class)
		}
	}
	return b.program
}

// wordTable finds words by their hashes, with open addressing.
type wordTable struct {
	slots []slot // a power of two of them, at most half of them taken
}

type slot struct {
	word  string // empty: free
	class int32
}

func newWordTable(words int) wordTable {
	return wordTable{make([]slot, 1<<bits.Len(uint(2*words)))}
}

func (t *wordTable) put(word string, class int32) {
	h := uint64(fnvOffset)
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * fnvPrime
	}
	at := t.at(h)
	for t.slots[at].word != "" {
		at = (at + 1) & (len(t.slots) - 1)
	}
	t.slots[at] = slot{word, class}
}

// class is the class of a word with a hash, -1: the table does not hold it.
func (t *wordTable) class(h uint64, word string) int32 {
	for at := t.at(h); ; at = (at + 1) & (len(t.slots) - 1) {
		switch s := &t.slots[at]; s.word {
		case word:
			return s.class
		case "":
			return -1
		}
	}
}

func (t *wordTable) at(h uint64) int { return int(h^h>>32) & (len(t.slots) - 1) }

const (
	fnvOffset = 14695981039346656037 // FNV-1a: the hashes of all beginnings of a word come with its own
	fnvPrime  = 1099511628211
)

// longPrefix stands for itself and all greater lengths.
const longPrefix = 63

// classes appends the classes that a word belongs to: its own, and those of its beginnings.
func (p *program) classes(dst []int32, w string) []int32 {
	lengths, h := p.lengths[w[0]], uint64(fnvOffset)
	for i := range len(w) {
		h = (h ^ uint64(w[i])) * fnvPrime
		if lengths>>min(i+1, longPrefix)&1 != 0 {
			if c := p.prefix.class(h, w[:i+1]); c >= 0 {
				dst = append(dst, c)
			}
		}
	}
	if c := p.exact.class(h, w); c >= 0 {
		dst = append(dst, c)
	}
	return dst
}
