package kb

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"math"
	"unicode"
	"unicode/utf8"

	"prediag"
)

// The sketch of an article tells near twins without a look at the texts. It is made of the letters and digits of title and
// body, folded: a hash of all of them, and one-permutation MinHash (Li, Owen and Zhang, 2012; empty bins take the value of
// the next full one, Shrivastava and Li, 2014) of their shingles, six minima to a band. Two texts whose shingles have the
// Jaccard similarity J agree in a band with probability J⁶. Articles that explain different codes have nothing in common.
const (
	shingle      = 9   // characters
	leastShingle = 150 // shingles that a text must have for its sketch to say more than whether another is the same
	sketchBands  = 12
	bandRows     = 6
	sketchBins   = sketchBands * bandRows
	agreeing     = 6 // bands that near twins have in common: half of them, which J = 0.9 gives in 7 of 10 cases and J = 0.8 in 1 of 12
	exactBytes   = 6
	sketchBytes  = exactBytes + 2*sketchBands
)

// sketch is the sketch of one article, as the table keeps it.
type sketch [sketchBytes]byte

// sketchOf makes the sketch of an article.
func sketchOf(a *prediag.Article) sketch {
	seed := fnv.New64a()
	for _, c := range articleCodes(a) {
		_, _ = seed.Write([]byte(c + "\x00"))
	}
	s := shingler{exact: seed.Sum64(), seed: seed.Sum64(), out: 1}
	for i := range s.bins {
		s.bins[i] = math.MaxUint32
	}
	for range shingle {
		s.out *= rollBase
	}
	for _, part := range [...]string{a.Title, a.Body} {
		for _, c := range part {
			switch {
			case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			case c >= 'A' && c <= 'Z':
				c += 'a' - 'A'
			case c < utf8.RuneSelf || !unicode.IsLetter(c) && !unicode.IsDigit(c):
				continue
			default:
				c = unicode.ToLower(c)
			}
			s.add(uint64(c))
		}
	}
	return s.sketch()
}

const rollBase = 0x9e3779b97f4a7c15 | 1

// shingler reads characters and keeps the least hash of each bin.
type shingler struct {
	exact, seed uint64
	rolling     uint64 // Rabin's rolling hash of the last characters
	out         uint64 // rollBase to the power of shingle
	last        [shingle]uint64
	at, n       int // place in last, characters read
	bins        [sketchBins]uint32
}

func (s *shingler) add(c uint64) {
	s.exact = (s.exact + c) * rollBase
	s.rolling = s.rolling*rollBase + c - s.last[s.at]*s.out
	s.last[s.at] = c
	if s.at++; s.at == shingle {
		s.at = 0
	}
	if s.n++; s.n < shingle {
		return
	}
	h := mix(s.rolling ^ s.seed)
	if bin := (h >> 32) * sketchBins >> 32; uint32(h) < s.bins[bin] {
		s.bins[bin] = uint32(h)
	}
}

// mix spreads the bits of x (the finaliser of splitmix64, Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (s *shingler) sketch() sketch {
	var k sketch
	var exact [8]byte
	binary.BigEndian.PutUint64(exact[:], mix(s.exact))
	copy(k[:], exact[:exactBytes])
	if s.n < leastShingle+shingle {
		return k
	}
	for i := 2*sketchBins - 1; i >= 0; i-- { // from the end, twice round: every empty bin finds the next full one
		if s.bins[i%sketchBins] == math.MaxUint32 {
			s.bins[i%sketchBins] = s.bins[(i+1)%sketchBins]
		}
	}
	for b := range sketchBands {
		h := uint64(b)
		for _, v := range s.bins[b*bandRows : (b+1)*bandRows] {
			h = mix(h ^ uint64(v))
		}
		binary.BigEndian.PutUint16(k[exactBytes+2*b:], uint16(h)|1) // 0 is for texts that are too short
	}
	return k
}

// long reports whether the text was long enough for near twins to be told.
func (k *sketch) long() bool { return k.band(0) != 0 }

func (k *sketch) band(i int) uint16 { return binary.BigEndian.Uint16(k[exactBytes+2*i:]) }

func (k *sketch) same(o *sketch) bool {
	return [exactBytes]byte(k[:exactBytes]) == [exactBytes]byte(o[:exactBytes])
}

// near reports whether two articles are twins, by their sketches.
func (k *sketch) near(o *sketch) bool {
	if k.same(o) {
		return true
	}
	n := 0
	for i := range sketchBands {
		if k.band(i) == o.band(i) {
			n++
		}
	}
	return n >= agreeing && k.long() && o.long()
}

func (k *sketch) String() string { return base64.RawStdEncoding.EncodeToString(k[:]) }

// parseSketch is the inverse of String.
func parseSketch(s string) (k sketch, ok bool) {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != sketchBytes {
		return k, false
	}
	return sketch(raw), true
}
