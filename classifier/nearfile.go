package classifier

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

const nearName = "neighbours.bin"

// encode writes the numbers of tickets and units, then label, ID and text of each ticket, then splits, scales and
// codes, little-endian.
func (n *nearIndex) encode() []byte {
	b := []byte("PDNE")
	b = binary.AppendUvarint(b, uint64(len(n.labels)))
	b = binary.AppendUvarint(b, uint64(n.units))
	for i, l := range n.labels {
		b = binary.AppendUvarint(b, uint64(l))
		for _, s := range []string{n.ids[i], n.texts[i]} {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
	}
	b = appendFloats(b, n.split)
	b = appendFloats(b, n.scale)
	return append(b, n.codes...)
}

// decodeNear reads the index of a model with so many hidden units and labels.
func decodeNear(b []byte, units, labels int) (*nearIndex, error) {
	b, ok := bytes.CutPrefix(b, []byte("PDNE"))
	if !ok {
		return nil, errors.New("is no index of neighbours")
	}
	r := &varints{b: b}
	count, k := r.next(), r.next()
	if r.bad || k != uint64(units) || count > maxNear || count > uint64(len(r.b)) {
		return nil, fmt.Errorf("has %d tickets and %d units, expected %d units and at most %d tickets", count, k, units, maxNear)
	}
	n := &nearIndex{units: units}
	for i := range int(count) {
		label, id, text := r.next(), r.text(maxNearID), r.text(maxNearText)
		if r.bad || label >= uint64(labels) {
			return nil, fmt.Errorf("ticket %d out of range", i)
		}
		n.labels, n.ids, n.texts = append(n.labels, int32(label)), append(n.ids, id), append(n.texts, text)
	}
	if b = r.b; len(b) != 4*units+int(count)*(4+units) {
		return nil, errShort
	}
	n.split, b = floats(b, units)
	n.scale, b = floats(b, int(count))
	n.codes = b
	if !finite(n.split...) || slices.ContainsFunc(n.scale, func(s float32) bool { return !(s >= 0 && s <= 1) }) {
		return nil, errors.New("holds numbers out of range")
	}
	n.index()
	n.group(labels)
	return n, nil
}

// text reads a length and so many bytes of UTF-8.
func (r *varints) text(limit uint64) string {
	size := r.next()
	if r.bad || size > limit || size > uint64(len(r.b)) || !utf8.Valid(r.b[:size]) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:size])
	r.b = r.b[size:]
	return s
}
