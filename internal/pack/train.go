package pack

import (
	"encoding/binary"
	"slices"
)

// The parameters of the choice of a history. They change what is gained, never what is right.
const (
	gram        = 8   // bytes of a piece that is counted
	gramBits    = 20  // size of the table of counts
	pieceBytes  = 192 // of the history that are chosen together
	historyPart = 12  // of the sample that the history may be
	maxFitted   = 1 << 20
)

// counts are how often symbols came: of each context's code, and of that of distances.
type counts [contexts + 1][max(mainSize, farSize)]int

// Train learns a Dict from a sample of texts. Half of them give the history, the others the codes.
func Train(sample [][]byte) *Dict {
	var first, second [][]byte
	size := 0
	for i, s := range sample {
		if i%2 == 0 {
			first = append(first, s)
			size += len(s)
		} else {
			second = append(second, s)
		}
	}
	d := &Dict{history: choose(first, min(maxHistory, 2*size/historyPart))}
	d.setCodes(guess())
	for range 2 { // what is cheapest depends on the codes
		n := &counts{}
		p := d.NewPacker()
		p.counts = n
		var out []byte
		for done, i := 0, 0; i < len(second) && done < maxFitted; i++ {
			out = p.Pack(out[:0], second[i])
			done += len(second[i])
		}
		d.setCodes(n)
	}
	return d
}

// guess are counts to begin with.
func guess() *counts {
	n := &counts{}
	for i := range n {
		for s := range n[i] {
			n[i][s] = 1
			if i < contexts && s >= literals && s < literals+16 {
				n[i][s] = 8
			}
		}
	}
	return n
}

func (d *Dict) setCodes(n *counts) {
	for i := range d.mains {
		d.mains[i] = codeFor(n[i][:mainSize])
	}
	d.far = codeFor(n[contexts][:farSize])
	d.ready()
}

// choose takes the pieces of texts that have most in common with other texts, one of each stretch of the sample (fastcover
// of zstd, after Liao, Petri, Moffat and Wirth 2016, "Effective construction of relative Lempel-Ziv dictionaries").
func choose(texts [][]byte, size int) []byte {
	count := make([]uint16, 1<<gramBits) // texts that hold a piece
	last := make([]int32, 1<<gramBits)   // 1 + the last of them
	total := 0
	for i, t := range texts {
		total += len(t)
		for at := range max(0, len(t)-gram+1) {
			if h := gramOf(t, at); last[h] != int32(i+1) {
				last[h] = int32(i + 1)
				count[h] = min(count[h]+1, 1<<15)
			}
		}
	}
	type piece struct {
		text  []byte
		score int
	}
	var chosen []piece
	stretch := max(pieceBytes, total/max(1, size/pieceBytes))
	var best piece
	seen := 0
	for _, t := range texts {
		for at := 0; at+pieceBytes <= len(t); at += pieceBytes / 4 {
			p := piece{text: t[at : at+pieceBytes]}
			for i := range pieceBytes - gram + 1 {
				if n := count[gramOf(p.text, i)]; n > 1 {
					p.score += int(n)
				}
			}
			if p.score > best.score {
				best = p
			}
		}
		if seen += len(t); seen >= stretch && best.score > 0 {
			for i := range pieceBytes - gram + 1 {
				count[gramOf(best.text, i)] = 0
			}
			chosen = append(chosen, best)
			best, seen = piece{}, 0
		}
	}
	slices.SortStableFunc(chosen, func(a, b piece) int { return a.score - b.score }) // the best last
	var history []byte
	for _, p := range chosen[max(0, len(chosen)-size/pieceBytes):] {
		history = append(history, p.text...)
	}
	return history
}

func gramOf(t []byte, at int) uint64 {
	return binary.LittleEndian.Uint64(t[at:]) * 0x9e3779b97f4a7c15 >> (64 - gramBits)
}
