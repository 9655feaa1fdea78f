package vector

import (
	"encoding/binary"
	"fmt"
	"slices"

	"prediag"
)

// Place says where a row of a segment belongs in an index.
type Place struct {
	Doc   int // number of the article; negative: the row is not in use
	Piece int // number of the piece within the article
}

// The places of a generation's rows lie in a file of their own, because they change while segments stay.
const (
	placesMagic = "PDPLC\x00\x00\x01"
	maxSegments = 4096
)

// Part is a segment with the places of its rows.
type Part struct {
	Name   string // of the file
	Places []Place
}

// EncodePlaces writes a list of parts.
func EncodePlaces(parts []Part) []byte {
	out := append([]byte{}, placesMagic...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(parts)))
	for _, p := range parts {
		out = append(out, byte(len(p.Name)))
		out = append(out, p.Name...)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(p.Places)))
		for _, at := range p.Places {
			out = binary.LittleEndian.AppendUint32(out, uint32(at.Doc+1))
			out = binary.LittleEndian.AppendUint32(out, uint32(at.Piece))
		}
	}
	return out
}

// DecodePlaces is the inverse of EncodePlaces for an index of docs articles. A fault is of kind prediag.ErrDamaged.
func DecodePlaces(data []byte, docs int) ([]Part, error) {
	fault := func() ([]Part, error) { return nil, fmt.Errorf("places of vectors: %w", prediag.ErrDamaged) }
	take := func(n int) ([]byte, bool) {
		if n > len(data) {
			return nil, false
		}
		out := data[:n]
		data = data[n:]
		return out, true
	}
	head, ok := take(len(placesMagic) + 4)
	if !ok || string(head[:8]) != placesMagic {
		return fault()
	}
	count := binary.LittleEndian.Uint32(head[8:])
	if count > maxSegments {
		return fault()
	}
	var parts []Part
	for range count {
		size, ok := take(1)
		if !ok {
			return fault()
		}
		name, ok := take(int(size[0]))
		if !ok {
			return fault()
		}
		rows, ok := take(4)
		if !ok {
			return fault()
		}
		n := binary.LittleEndian.Uint32(rows)
		list, ok := take(8 * int(min(n, maxRows+1)))
		if !ok || n > maxRows {
			return fault()
		}
		p := Part{Name: string(name), Places: make([]Place, n)}
		for i := range p.Places {
			p.Places[i] = Place{int(binary.LittleEndian.Uint32(list[8*i:])) - 1, int(binary.LittleEndian.Uint32(list[8*i+4:]))}
			if p.Places[i].Doc >= docs {
				return fault()
			}
		}
		parts = append(parts, p)
	}
	if len(data) > 0 || slices.ContainsFunc(parts, func(p Part) bool { return p.Name == "" }) {
		return fault()
	}
	return parts, nil
}
