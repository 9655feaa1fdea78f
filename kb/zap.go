package kb

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/blevesearch/vellum"

	"prediag"
)

// The postings of the text fields are read straight from the mapped files of zapx (version 17 of its format, zap.md in its
// repository). Its own iterator yields one posting at a time through three interfaces and walks deleted articles beside the
// others; a search that meets a term for the first time reads tens of thousands of postings.
//
// The dictionary of a field is a vellum FST. Its value for a term either holds the one posting (with the frequency 1), or is
// the offset of: where the frequencies are, where the locations are (none here), the length of a Roaring bitmap of document
// numbers, and that bitmap. The frequencies are a number of chunks, the end of each, and then for each document in turn
// twice its frequency and the length of its field. All numbers are varints.

const (
	zapVersion   = 17
	zapKind      = uint64(0xc000000000000000) // bits of a dictionary's value that say what it is
	zapOne       = uint64(0x8000000000000000) // the value of one posting: 31 bits of length, 31 bits of document number
	zapNumber    = uint64(0x7fffffff)
	maxZapChunks = 1 << 24
)

// zapSegment is what is needed of zapx's segments that are files.
type zapSegment interface {
	Data() []byte
	Version() uint32
	DictAddr(field string) (uint64, error)
	CallbackId() string // of what changes bytes before they are written; empty: nothing does
}

// zapField is a text field of one segment.
type zapField struct {
	data []byte // the whole file
	dict *vellum.FST
	dead bitset // documents of the segment that are deleted; nil: none
}

// newZapField returns nil for what Bleve has to read itself: another format, or a segment without the field.
func newZapField(segment any, field string, dead bitset) *zapField {
	s, ok := segment.(zapSegment)
	if !ok || s.Version() != zapVersion || s.CallbackId() != "" {
		return nil
	}
	at, err := s.DictAddr(field)
	data := s.Data()
	if err != nil || at >= uint64(len(data)) {
		return nil
	}
	d := decoder{rest: data[at:]}
	raw := d.bytes(int(min(d.uvarint(), uint64(len(data)))))
	dict, err := vellum.Load(raw)
	if d.bad || err != nil {
		return nil
	}
	return &zapField{data: data, dict: dict, dead: dead}
}

// zapReader is a field with a position in its dictionary, for one goroutine.
type zapReader struct {
	*zapField
	terms *vellum.Reader
}

// reader returns nil on nil.
func (f *zapField) reader() *zapReader {
	if f == nil {
		return nil
	}
	terms, err := f.dict.Reader()
	if err != nil {
		return nil
	}
	return &zapReader{f, terms}
}

// openZaps takes hold of the text fields of all segments.
func (g *generation) openZaps() {
	g.zaps = map[string][]*zapField{}
	for _, p := range g.parts {
		var dead bitset
		if deleted := p.Deleted(); deleted != nil && !deleted.IsEmpty() {
			dead = newBitset(int(p.FullSize()))
			for _, doc := range deleted.ToArray() {
				dead.add(int(doc))
			}
		}
		for _, field := range textFields {
			g.zaps[field] = append(g.zaps[field], newZapField(p.Segment(), field, dead))
		}
	}
}

// zapList is where the postings of a term are. The zero value is empty.
type zapList struct {
	docs    []byte // a Roaring bitmap
	lengths []byte // frequency and length of each document
	one     uint64 // a dictionary's value that holds the posting itself; 0: it does not
}

// find looks a term up.
func (f *zapReader) find(term string) (zapList, error) {
	value, ok, err := f.terms.Get([]byte(term))
	if err != nil {
		return zapList{}, fmt.Errorf("term %q: %w", term, err)
	}
	if !ok {
		return zapList{}, nil
	}
	return f.at(value)
}

// at is the list that a dictionary's value leads to.
func (f *zapField) at(value uint64) (zapList, error) {
	if value&zapKind == zapOne {
		return zapList{one: value}, nil
	}
	var l zapList
	d := decoder{rest: f.data[min(value, uint64(len(f.data))):]}
	frequencies, _, size := d.uvarint(), d.uvarint(), d.uvarint()
	l.docs = d.bytes(int(min(size, uint64(len(f.data)))))
	if frequencies != 0 { // else none were written
		c := decoder{rest: f.data[min(frequencies, uint64(len(f.data))):]}
		for range c.count(maxZapChunks) {
			c.uvarint()
		}
		l.lengths = c.rest
		d.bad = d.bad || c.bad
	}
	if d.bad {
		return zapList{}, fmt.Errorf("postings: %w", prediag.ErrDamaged)
	}
	return l, nil
}

// all appends the numbers of the documents in the segment, the deleted ones included.
func (l zapList) all(dst []uint32) ([]uint32, error) {
	if l.one != 0 {
		return append(dst, uint32(l.one&zapNumber)), nil
	}
	if l.docs == nil {
		return dst, nil
	}
	return appendRoaring(dst, l.docs)
}

// alive counts those of the documents, which are a list's, that are not deleted.
func (f *zapField) alive(docs []uint32) int {
	n := len(docs)
	for _, d := range docs {
		if f.isDead(d) {
			n--
		}
	}
	return n
}

func (f *zapField) isDead(doc uint32) bool {
	return int(doc>>6) < len(f.dead) && f.dead.has(int(doc))
}

// read appends the documents that are not deleted, with base added to their numbers, and their saturated frequencies. Scratch is the
// list's documents.
func (f *zapField) read(dst postings, l zapList, scratch []uint32, base uint32, s saturation) (postings, error) {
	if l.one != 0 {
		if doc := uint32(l.one & zapNumber); !f.isDead(doc) {
			dst.docs, dst.sats = append(dst.docs, base+doc), append(dst.sats, s.of(1, l.one>>31&zapNumber))
		}
		return dst, nil
	}
	n := len(dst.docs)
	docs := slices.Grow(dst.docs, len(scratch))[:n+len(scratch)]
	sats := slices.Grow(dst.sats, len(scratch))[:n+len(scratch)]
	rest := l.lengths
	for _, doc := range scratch {
		freq, length, size := frequencyAt(rest)
		if size == 0 {
			return dst, fmt.Errorf("postings: %w", prediag.ErrDamaged)
		}
		rest = rest[size:]
		if !f.isDead(doc) {
			docs[n], sats[n] = base+doc, s.of(freq, length)
			n++
		}
	}
	return postings{docs[:n], sats[:n]}, nil
}

// frequencyAt reads a frequency and the length of the field, and says how many bytes they take; 0: they are damaged.
func frequencyAt(data []byte) (freq, length uint64, size int) {
	if len(data) >= 3 && data[0] < 0x80 && data[0] > 1 { // nearly all
		if data[1] < 0x80 {
			return uint64(data[0]) >> 1, uint64(data[1]), 2
		}
		if data[2] < 0x80 {
			return uint64(data[0]) >> 1, uint64(data[1]&0x7f) | uint64(data[2])<<7, 3
		}
	}
	freq, n := binary.Uvarint(data)
	if n <= 0 {
		return 0, 0, 0
	}
	if freq >>= 1; freq == 0 { // no length follows
		return 0, 0, n
	}
	length, m := binary.Uvarint(data[n:])
	if m <= 0 {
		return 0, 0, 0
	}
	return freq, length, n + m
}

// Cookies and sizes of the Roaring format (github.com/RoaringBitmap/RoaringFormatSpec).
const (
	roaringPlain   = 12346
	roaringRuns    = 12347
	roaringOffsets = 4    // containers from which on a bitmap with runs has offsets
	roaringArray   = 4096 // members of a container up to which it is an array
	roaringWords   = 1024 // of a container that is a bitmap
)

// appendRoaring appends the members of a serialized Roaring bitmap in rising order.
func appendRoaring(dst []uint32, data []byte) ([]uint32, error) {
	d := decoder{rest: data}
	cookie := d.uint32()
	var containers int
	var runs []byte
	switch {
	case cookie == roaringPlain:
		containers = int(min(d.uint32(), 1<<16))
	case cookie&0xffff == roaringRuns:
		containers = int(cookie>>16) + 1
		runs = d.bytes((containers + 7) / 8)
	default:
		return dst, fmt.Errorf("postings: unknown bitmap: %w", prediag.ErrDamaged)
	}
	heads := d.bytes(4 * containers)
	if runs == nil || containers >= roaringOffsets {
		d.bytes(4 * containers)
	}
	for i := range containers {
		if d.bad {
			break
		}
		base := uint32(binary.LittleEndian.Uint16(heads[4*i:])) << 16
		members := int(binary.LittleEndian.Uint16(heads[4*i+2:])) + 1
		switch {
		case runs != nil && runs[i/8]&(1<<(i%8)) != 0:
			dst = d.runs(dst, base)
		case members <= roaringArray:
			dst = slices.Grow(dst, members)
			for part := d.bytes(2 * members); len(part) >= 2; part = part[2:] {
				dst = append(dst, base|uint32(binary.LittleEndian.Uint16(part)))
			}
		default:
			part := d.bytes(8 * roaringWords)
			dst = slices.Grow(dst, members)
			for at := 0; len(part) >= 8; at, part = at+64, part[8:] {
				for w := binary.LittleEndian.Uint64(part); w != 0; w &= w - 1 {
					dst = append(dst, base|uint32(at+bits.TrailingZeros64(w)))
				}
			}
		}
	}
	if d.bad {
		return dst, fmt.Errorf("postings: bitmap is cut short: %w", prediag.ErrDamaged)
	}
	return dst, nil
}

// runs appends the members of a container of runs.
func (d *decoder) runs(dst []uint32, base uint32) []uint32 {
	head := d.bytes(2)
	if head == nil {
		return dst
	}
	for part := d.bytes(4 * int(binary.LittleEndian.Uint16(head))); len(part) >= 4; part = part[4:] {
		first, more := uint32(binary.LittleEndian.Uint16(part)), uint32(binary.LittleEndian.Uint16(part[2:]))
		if first+more > 0xffff {
			d.bad = true
			return dst
		}
		for n := range more + 1 {
			dst = append(dst, base|(first+n))
		}
	}
	return dst
}

// uint32 reads a number of four bytes, the lowest first.
func (d *decoder) uint32() uint32 {
	b := d.bytes(4)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}
