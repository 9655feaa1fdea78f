package pack

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sample makes texts of the same few hundred words.
func sample(n int) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	var texts [][]byte
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, `{"i":"doc-%d","u":"https://example.org/guide/%x.md"}`, i, r.Uint64())
		for range 60 + r.IntN(90) {
			fmt.Fprintf(&b, "word%d instance ", r.IntN(400))
		}
		texts = append(texts, []byte(b.String()))
	}
	return texts
}

func TestUnpackReturnsWhatWasPacked(t *testing.T) {
	d := Train(sample(300))
	again, err := Decode(d.Encode())
	require.NoError(t, err)
	p := d.NewPacker()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 300),
			rapid.Map(rapid.IntRange(0, len(d.history)-400), func(i int) []byte { return d.history[i : i+400] }),
			rapid.Map(rapid.IntRange(1, 5000), func(n int) []byte { return bytes.Repeat([]byte("ab界"), n) }))).Draw(t, "parts")
		text := bytes.Join(parts, nil)
		packed := p.Pack([]byte("before"), text)
		require.True(t, bytes.HasPrefix(packed, []byte("before")))
		out, err := again.Unpack([]byte("kept"), packed[len("before"):])
		require.NoError(t, err)
		require.Equal(t, "kept"+string(text), string(out))
	})
}

func TestPackingGains(t *testing.T) {
	texts := sample(600)
	d := Train(texts[:400])
	p := d.NewPacker()
	raw, packed := 0, 0
	for _, text := range texts[400:] {
		raw += len(text)
		packed += len(p.Pack(nil, text))
	}
	require.Less(t, packed*4, raw, "a word of 400 and a constant one are less than two bytes of sixteen")
}

func TestBucketsHoldEveryNumberOnce(t *testing.T) {
	for _, exact := range []int{2, 16} {
		for v := range 1 << 14 {
			symbol, extra, bits := bucket(v, exact)
			least, again := unbucket(symbol, exact)
			require.Equal(t, v, least+int(extra))
			require.Equal(t, bits, again)
		}
	}
	symbol, extra, bits := lengthSymbol(minMatch + 45) // 45 = 32 + 13: the fifth octave's lower half, 13 of 16
	require.Equal(t, []any{literals + 18, uint64(13), uint(4)}, []any{symbol, extra, bits})
	top, _, _ := lengthSymbol(maxMatch)
	require.Less(t, top, mainSize)
	top, _, _ = bucket(maxText-1, 2)
	require.Less(t, top, nearCodes)
}

func TestCodesAreOptimal(t *testing.T) {
	c := codeFor([]int{40, 20, 20, 10, 10})
	total := 0
	for i, n := range []int{40, 20, 20, 10, 10} {
		total += n * int(c.sizes[i])
	}
	require.Equal(t, 220, total) // the classic example: 2.2 bits a symbol
	skewed := make([]int, mainSize)
	for i := range skewed {
		skewed[i] = 1 << min(40, i)
	}
	for _, n := range codeFor(skewed).sizes {
		require.LessOrEqual(t, int(n), maxBits)
	}
}

func TestDamageIsAnErrorOrOtherText(t *testing.T) {
	d := Train(sample(100))
	packed := d.NewPacker().Pack(nil, sample(3)[2])
	_, err := d.Unpack(nil, packed[:len(packed)/2])
	require.ErrorIs(t, err, ErrDamaged)
	_, err = d.Unpack(nil, nil)
	require.ErrorIs(t, err, ErrDamaged)
	file := d.Encode()
	_, err = Decode(file[:100])
	require.ErrorIs(t, err, ErrDamaged)
	file[1]++
	_, err = Decode(file)
	require.ErrorIs(t, err, ErrDamaged)
}

func FuzzUnpack(f *testing.F) {
	d := Train(sample(100))
	for _, text := range sample(3) {
		f.Add(d.NewPacker().Pack(nil, text))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		out, err := d.Unpack(nil, packed)
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		if err == nil {
			again, err := d.Unpack(nil, d.NewPacker().Pack(nil, out))
			require.NoError(t, err)
			require.True(t, bytes.Equal(out, again))
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(Train(sample(50)).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := Decode(data); err == nil {
			require.Equal(t, data, d.Encode())
		}
	})
}

func BenchmarkUnpack(b *testing.B) {
	texts := sample(400)
	d := Train(texts)
	packed := d.NewPacker().Pack(nil, texts[1])
	var out []byte
	b.SetBytes(int64(len(texts[1])))
	for b.Loop() {
		out, _ = d.Unpack(out[:0], packed)
	}
}

func BenchmarkPack(b *testing.B) {
	texts := sample(400)
	p := Train(texts).NewPacker()
	var out []byte
	b.SetBytes(int64(len(texts[1])))
	for b.Loop() {
		out = p.Pack(out[:0], texts[1])
	}
}
