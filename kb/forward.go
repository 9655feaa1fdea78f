package kb

import (
	"encoding/binary"
	"fmt"

	"prediag"
)

// The forward record of an article says which term stands where, so that a search need not analyse the article's text
// again. It is made with the article's text field and stored with it in the index: it moves, is shared and goes with the
// article.
//
// A token is a hash of its term of 2 to 8 bytes. Width and seed of the hash are chosen for each article so that no two of
// its terms have the same hash. A term that the article is known to hold, which its postings tell, is therefore found
// exactly; of any other term the record says nothing.
//
// Layout: width (1 byte), seed, length of the language and the language, title key (8 bytes), tokens of the title, of the
// body in reach of the second stage, of the body, of the headings; then these tokens; then the number of sections and for
// each the distance of its first token from the end of the section before, its length in tokens, how many headings it
// shares with the section before, how many it adds, and the number of tokens of each of these. Numbers are varints, the
// distance a signed one.

const (
	titleKeySize = 8
	maxForward   = 16 << 20 // bound on every number of a record
)

// forward is a decoded forward record. Its slices point into the record.
type forward struct {
	width    int
	seed     uint64
	language []byte // base language of the article; empty: unknown
	titleKey []byte // zeros: no title
	near     int    // tokens of the body that begin within maxRerankBytes
	title    []byte // tokens, and so on
	body     []byte // what begins within maxScannedBytes
	headings []byte
	spans    []byte // of the sections
}

// tokens is the length of a part of the record in tokens.
func (f *forward) tokens(part []byte) int { return len(part) / f.width }

// parseForward decodes a forward record up to the sections.
func parseForward(record []byte) (forward, error) {
	d := decoder{rest: record}
	f := forward{width: int(d.byte()), seed: d.uvarint()}
	f.language = d.bytes(d.count(prediag.MaxFieldBytes))
	f.titleKey = d.bytes(titleKeySize)
	title, near, body, headings := d.count(maxForward), d.count(maxForward), d.count(maxForward), d.count(maxForward)
	if f.width < 2 || f.width > 8 || near > body {
		d.bad = true
	}
	f.near = near
	f.title, f.body, f.headings = d.bytes(f.width*title), d.bytes(f.width*body), d.bytes(f.width*headings)
	f.spans = d.rest
	if d.bad {
		return forward{}, fmt.Errorf("forward record: %w", prediag.ErrDamaged)
	}
	return f, nil
}

// section is a section of an article in tokens.
type section struct {
	body     []byte   // its text
	headings [][]byte // its headings from the outermost
}

// visitSections calls do for every section of the record. The headings are valid during the call only.
func (f *forward) visitSections(do func(section)) error {
	d := decoder{rest: f.spans}
	end, read := 0, 0
	var path [][]byte
	for range d.count(maxForward) {
		start := end + int(d.varint())
		length, shared, added := d.count(maxForward), d.count(len(path)), d.count(maxForward)
		end = start + length
		path = path[:shared]
		for range added {
			n := d.count(maxForward)
			if d.bad || (read+n)*f.width > len(f.headings) {
				d.bad = true
				break
			}
			path = append(path, f.headings[read*f.width:(read+n)*f.width])
			read += n
		}
		if d.bad || start < 0 || end*f.width > len(f.body) {
			return fmt.Errorf("forward record: sections: %w", prediag.ErrDamaged)
		}
		do(section{f.body[start*f.width : end*f.width], path})
	}
	if d.bad {
		return fmt.Errorf("forward record: sections: %w", prediag.ErrDamaged)
	}
	return nil
}

// termHash is the 64-bit FNV-1a hash of a term.
func termHash(term string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(term) {
		h = (h ^ uint64(term[i])) * 0x100000001b3
	}
	return h
}

// seeded spreads a hash over all bits, differently for each seed (the finalizer of MurmurHash3).
func seeded(h, seed uint64) uint64 {
	h ^= seed * 0x9e3779b97f4a7c15
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func widthMask(width int) uint64 { return ^uint64(0) >> (64 - 8*width) }

// decoder reads numbers from the beginning of rest. After a fault bad is set and everything is zero.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) bytes(n int) []byte {
	if d.bad || n > len(d.rest) {
		d.bad = true
		return nil
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || d.bad {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// varint reads a signed number of at most maxForward either way.
func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 || d.bad || v > maxForward || v < -maxForward {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads a number of at most most.
func (d *decoder) count(most int) int {
	v := d.uvarint()
	if v > uint64(most) {
		d.bad = true
		return 0
	}
	return int(v)
}
