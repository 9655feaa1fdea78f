package ngram

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Bounds of a model file.
const (
	MaxClasses = 64
	maxBits    = 18
	maxModel   = 64 << 20 // bytes inflated
)

var magic = [8]byte{'n', 'g', 'r', 'a', 'm', 's', 0, 1}

// Group is a multinomial logistic model for the languages of one script, over features hashed into 1<<Bits rows.
type Group struct {
	Script  Script
	Tags    []string   // of the classes; "und" may occur more than once
	Bits    int        // rows are 1<<Bits
	Scale   float32    // of a weight: its int8 times Scale
	Certain [3]float32 // logistic model of the confidence, see Confidence
	Weights []int8     // rows × classes

	rows   []uint64 // see Pack
	stride int      // words of rows per row
}

// Scores sums the weights of a text's features by class.
type Scores struct {
	Sum      [MaxClasses]int32
	Features int
}

// chunk is how many weights a lane of 16 bits can sum without overflow.
const chunk = 256

// Pack prepares the weights for Add; Decode has done it. A row becomes whole 64-bit words of eight weights, each offset
// by 128, so that Add sums four at a time in lanes of 16 bits.
func (g *Group) Pack() {
	k := len(g.Tags)
	if g.stride = (k + 7) / 8; g.stride > 4 {
		g.stride = wide // a cache line
	}
	g.rows = make([]uint64, g.stride<<g.Bits)
	for i, w := range g.Weights {
		class := i % k
		g.rows[i/k*g.stride+class/8] |= uint64(uint8(int(w)+128)) << (class % 8 * 8)
	}
}

// Add adds the features of a word or a text.
func (g *Group) Add(s *Scores, features []uint32) {
	s.Features += len(features)
	for len(features) > chunk {
		g.add(s, features[:chunk])
		features = features[chunk:]
	}
	g.add(s, features)
}

func (g *Group) add(s *Scores, features []uint32) {
	var even, odd [wide]uint64
	if g.stride != wide || !addWide(g.rows, features, 32-g.Bits, &even, &odd) {
		g.addPlain(features, &even, &odd)
	}
	offset := int32(128 * len(features))
	for i := 0; i < len(g.Tags); i += 8 {
		sum := (*[8]int32)(s.Sum[i:])
		a, b := even[i/8%wide], odd[i/8%wide]
		for j := range 4 {
			sum[2*j] += int32(a&0xffff) - offset
			sum[2*j+1] += int32(b&0xffff) - offset
			a, b = a>>16, b>>16
		}
	}
	clear(s.Sum[len(g.Tags):])
}

// wide is how many words the longest row has.
const wide = MaxClasses / 8

// addPlain sums the rows of at most chunk features: the weights of even classes and those of odd ones.
func (g *Group) addPlain(features []uint32, even, odd *[wide]uint64) {
	const lanes = 0x00ff00ff00ff00ff
	shift := 32 - g.Bits
	for _, h := range features {
		at := int(h>>shift) * g.stride
		for i, x := range g.rows[at : at+g.stride] {
			even[i%wide] += x & lanes
			odd[i%wide] += x >> 8 & lanes
		}
	}
}

// Logits turns sums into the logits of the classes: long texts are surer, but by far not as much as independent
// features would make them.
func (g *Group) Logits(dst []float32, sum []float32, features float32) []float32 {
	norm := g.Scale / float32(math.Sqrt(float64(max(features, 1))))
	for c := range g.Tags {
		dst = append(dst, sum[c]*norm)
	}
	return dst
}

// Confidence is the probability that the class with the best logit is right, from its distance to the second and from
// the number of features: Platt's scaling (Platt 1999) with the length as a second input.
func (g *Group) Confidence(margin, features float64) float64 {
	z := float64(g.Certain[0]) + float64(g.Certain[1])*margin + float64(g.Certain[2])*math.Log1p(features)
	return 1 / (1 + math.Exp(-z))
}

// Encode writes the groups in the form that Decode reads.
func Encode(groups []Group) ([]byte, error) {
	var raw bytes.Buffer
	raw.WriteByte(byte(len(groups)))
	for i := range groups {
		g := &groups[i]
		raw.Write([]byte{byte(g.Script), byte(g.Bits), byte(len(g.Tags))})
		for _, tag := range g.Tags {
			raw.WriteByte(byte(len(tag)))
			raw.WriteString(tag)
		}
		if err := binary.Write(&raw, binary.LittleEndian, append([]float32{g.Scale}, g.Certain[:]...)); err != nil {
			return nil, fmt.Errorf("language model: %w", err)
		}
		for _, w := range g.Weights {
			raw.WriteByte(byte(w))
		}
	}
	out := bytes.NewBuffer(magic[:8:8])
	z, err := flate.NewWriter(out, flate.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("language model: %w", err)
	}
	if _, err := z.Write(raw.Bytes()); err != nil {
		return nil, fmt.Errorf("language model: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("language model: %w", err)
	}
	return out.Bytes(), nil
}

var errDamaged = errors.New("damaged")

// Decode reads the groups of a model file. The error names what is wrong with it.
func Decode(data []byte) ([]Group, error) {
	if len(data) < len(magic) || [8]byte(data) != magic {
		return nil, fmt.Errorf("language model: %w: no model of this version", errDamaged)
	}
	r := reader{in: io.LimitReader(flate.NewReader(bytes.NewReader(data[len(magic):])), maxModel)}
	groups := make([]Group, r.byte())
	for i := range groups {
		r.group(&groups[i])
	}
	if r.err != nil {
		return nil, fmt.Errorf("language model: %w: %w", errDamaged, r.err)
	}
	return groups, nil
}

// reader keeps the first error.
type reader struct {
	in  io.Reader
	err error
}

func (r *reader) bytes(n int) []byte {
	b := make([]byte, n)
	if r.err == nil {
		_, r.err = io.ReadFull(r.in, b)
	}
	return b
}

func (r *reader) byte() int { return int(r.bytes(1)[0]) }

func (r *reader) float() float32 { return math.Float32frombits(binary.LittleEndian.Uint32(r.bytes(4))) }

func (r *reader) group(g *Group) {
	g.Script, g.Bits = Script(r.byte()), r.byte()
	g.Tags = make([]string, r.byte())
	if r.err == nil && (g.Script >= ScriptCount || g.Bits < 1 || g.Bits > maxBits || len(g.Tags) < 1 || len(g.Tags) > MaxClasses) {
		r.err = fmt.Errorf("script %d with %d bits and %d classes", g.Script, g.Bits, len(g.Tags))
	}
	if r.err != nil {
		return
	}
	for i := range g.Tags {
		g.Tags[i] = string(r.bytes(r.byte()))
	}
	g.Scale = r.float()
	for i := range g.Certain {
		g.Certain[i] = r.float()
	}
	raw := r.bytes(len(g.Tags) << g.Bits)
	g.Weights = make([]int8, len(raw))
	for i, b := range raw {
		g.Weights[i] = int8(b)
	}
	g.Pack()
}

// Best returns the class with the best logit, and its distance to the best one of another tag.
func (g *Group) Best(logits []float32) (class int, margin float64) {
	for c, z := range logits {
		if z > logits[class] {
			class = c
		}
	}
	next := float32(math.Inf(-1))
	for c, z := range logits {
		if g.Tags[c] != g.Tags[class] {
			next = max(next, z)
		}
	}
	return class, float64(logits[class] - next)
}
