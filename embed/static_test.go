package embed

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// packed is a safetensors file of tensors whose numbers are given as bytes.
func packed(t testing.TB, tensors map[string]tensor) []byte {
	headers, body := map[string]any{"__metadata__": map[string]string{"format": "np"}}, []byte{}
	for name, x := range tensors {
		headers[name] = map[string]any{"dtype": x.dtype, "shape": x.shape, "data_offsets": []int{len(body), len(body) + len(x.data)}}
		body = append(body, x.data...)
	}
	header, err := json.Marshal(headers)
	require.NoError(t, err)
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), body...)
}

func f32(shape []int, values ...float32) tensor {
	x := tensor{dtype: "F32", shape: shape}
	for _, v := range values {
		x.data = binary.LittleEndian.AppendUint32(x.data, math.Float32bits(v))
	}
	return x
}

const tinyTokenizer = `{"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},
"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
"vocab":{"[UNK]":0,"disk":1,"full":2,"##s":3,"云":4}}}`

func tiny(t testing.TB) (weights, words []byte) {
	return packed(t, map[string]tensor{
		"embeddings": f32([]int{5, 2}, 9, 9, 1, 0, 0, 1, 0, 2, -1, 0),
		"weights":    f32([]int{5}, 1, 3, 4, 0.5, 1),
	}), []byte(tinyTokenizer)
}

// "disks full": 3·(1,0) + 0.5·(0,2) + 4·(0,1) = (3,5). The unknown word counts for nothing.
func TestStaticIsTheWeightedMean(t *testing.T) {
	weights, words := tiny(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), weights, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer.json"), words, 0o644))
	s, err := LoadStatic(dir)
	require.NoError(t, err)
	require.Regexp(t, "^static [0-9a-f]{16}$", s.ID())
	got, err := s.Passages(context.Background(), []string{"Disks quantum FULL", "quantum", "", "云云"})
	require.NoError(t, err)
	norm := float32(math.Hypot(3, 5))
	require.InDeltaSlice(t, []float32{3 / norm, 5 / norm}, got[0], 1e-6)
	require.Nil(t, got[1])
	require.Nil(t, got[2])
	require.Equal(t, []float32{-1, 0}, got[3])
	q, err := s.Query(context.Background(), "Disks quantum FULL")
	require.NoError(t, err)
	require.Equal(t, got[0], q)
}

func TestMappingLeadsFromTokensToRows(t *testing.T) {
	_, words := tiny(t)
	mapping := tensor{dtype: "I64", shape: []int{5}}
	for _, row := range []uint64{0, 1, 1, 0, 0} {
		mapping.data = binary.LittleEndian.AppendUint64(mapping.data, row)
	}
	s, err := newStatic("x", packed(t, map[string]tensor{"embeddings": f32([]int{2, 2}, 1, 0, 0, 1), "mapping": mapping}), words)
	require.NoError(t, err)
	require.Equal(t, []float32{0, 1}, s.embed("full"))
	mapping.data[8] = 2
	_, err = newStatic("x", packed(t, map[string]tensor{"embeddings": f32([]int{2, 2}, 1, 0, 0, 1), "mapping": mapping}), words)
	require.ErrorContains(t, err, "from token 1 to row 2 of 2")
}

func TestHostileModelsAreRefusedByName(t *testing.T) {
	weights, words := tiny(t)
	long := append(binary.LittleEndian.AppendUint64(nil, 1<<60), weights[8:]...)
	header := func(h string) []byte {
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...), make([]byte, 16)...)
	}
	for says, raw := range map[string][]byte{
		"are no safetensors file":          weights[:7],
		"the header claims":                long,
		"header is not understood":         header("{"),
		`no tensor "embeddings"`:           header("{}"),
		`tensor "embeddings" is not under`: header(`{"embeddings":7}`),
		`type "C64"`:                       header(`{"embeddings":{"dtype":"C64","shape":[1,2],"data_offsets":[0,16]}}`),
		"do not lie in a body of 16":       header(`{"embeddings":{"dtype":"F32","shape":[1,2],"data_offsets":[8,99]}}`),
		"offsets [8 0]":                    header(`{"embeddings":{"dtype":"F32","shape":[1,2],"data_offsets":[8,0]}}`),
		"offsets [0]":                      header(`{"embeddings":{"dtype":"F32","shape":[1,2],"data_offsets":[0]}}`),
		"is impossible":                    header(`{"embeddings":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,16]}}`),
		"shape [-1 2]":                     header(`{"embeddings":{"dtype":"F32","shape":[-1,2],"data_offsets":[0,16]}}`),
		"takes 8 bytes":                    header(`{"embeddings":{"dtype":"F32","shape":[1,2],"data_offsets":[0,16]}}`),
		"2 vectors for 5 tokens":           header(`{"embeddings":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}`),
		"vectors of 0 components":          header(`{"embeddings":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]}}`),
		`"embeddings" of two dimensions`:   header(`{"embeddings":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`),
	} {
		_, err := newStatic("x", raw, words)
		require.ErrorIs(t, err, prediag.ErrInvalid, says)
		require.ErrorContains(t, err, says)
	}
	for says, raw := range map[string]string{
		"not understood":              "[",
		`model of type "BPE"`:         `{"model":{"type":"BPE"}}`,
		"the vocabulary is empty":     `{"model":{"type":"WordPiece","vocab":{}}}`,
		"vocabulary is not under":     `{"model":{"type":"WordPiece","vocab":[]}}`,
		`"a" has the number -1`:       `{"model":{"type":"WordPiece","vocab":{"a":-1}}}`,
		"has the number 99999999":     `{"model":{"type":"WordLevel","vocab":{"a":99999999}}}`,
		"piece 0 is not understood":   `{"model":{"type":"Unigram","vocab":[["a","b"]]}}`,
		"has 0 pieces":                `{"model":{"type":"Unigram","vocab":[]}}`,
		`normalizer of type "Magic"`:  `{"normalizer":{"type":"Magic"},"model":{"vocab":{"a":0}}}`,
		"a replacement of nothing":    `{"normalizer":{"type":"Replace","pattern":{"String":""}},"model":{"vocab":{"a":0}}}`,
		"replacement without":         `{"normalizer":{"type":"Replace"},"model":{"vocab":{"a":0}}}`,
		`pattern "(?=a)"`:             `{"normalizer":{"type":"Replace","pattern":{"Regex":"(?=a)"}},"model":{"vocab":{"a":0}}}`,
		`pre-tokenizer of type "Odd"`: `{"pre_tokenizer":{"type":"Odd"},"model":{"vocab":{"a":0}}}`,
		"sequence within a sequence":  `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Sequence"}]},"model":{"vocab":{"a":0}}}`,
		`behaviour "Removed"`:         `{"pre_tokenizer":{"type":"Punctuation","behavior":"Removed"},"model":{"vocab":{"a":0}}}`,
	} {
		_, err := parseTokenizer([]byte(raw))
		require.ErrorIs(t, err, prediag.ErrInvalid, says)
		require.ErrorContains(t, err, says)
	}
}

func TestTokenizers(t *testing.T) {
	unigramModel := `"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["▁",-3],["▁disk",-4],["▁di",-2],["sk",-3],["s",-5],["磁盘",-2],["磁",-6]]}}`
	for name, c := range map[string]struct {
		file, text string
		want       []int
	}{
		"longest piece first":       {tinyTokenizer, "disks", []int{1, 3}},
		"punctuation stands alone":  {tinyTokenizer, "full-disk.", []int{2, 1}},
		"accents and case":          {tinyTokenizer, "DÌSK\u0000", []int{1}},
		"han characters":            {tinyTokenizer, "a云disk", []int{4, 1}},
		"unknown ending":            {tinyTokenizer, "diskette full", []int{2}},
		"the unknown token written": {tinyTokenizer, "[UNK] full", []int{2}},
		// "▁disk" −4 beats "▁di"+"sk" −5
		"likeliest path": {`{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"},` + unigramModel, "disk", []int{2}},
		// the unknown x costs −16, whichever way; "s" follows
		"unknown in between": {`{"pre_tokenizer":{"type":"Metaspace","split":false},` + unigramModel, "disk xs", []int{2, 1, 5}},
		"precompiled":        {`{"normalizer":{"type":"Precompiled","precompiled_charsmap":""},"pre_tokenizer":{"type":"Metaspace"},` + unigramModel, "ｄｉｓｋ", []int{2}},
		"no prefix":          {`{"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"never"},` + unigramModel, "磁盘sk", []int{6, 4}},
		"words": {`{"normalizer":{"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"Replace","pattern":{"String":"-"},"content":" "},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "}]},
			"pre_tokenizer":{"type":"Whitespace"},"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0,"a":1,"b_2":2,"?!":3}}}`, "A -  b_2?! u c", []int{1, 2, 3}},
		"digits": {`{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Digits","individual_digits":false}]},
			"model":{"type":"WordLevel","vocab":{"er":1,"40":2}}}`, "er40 er", []int{1, 2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := parseTokenizer([]byte(c.file))
			require.NoError(t, err)
			require.Equal(t, c.want, k.encode(c.text))
		})
	}
}

func TestHalfPrecision(t *testing.T) {
	for bits, want := range map[uint16]float32{0: 0, 0x3c00: 1, 0xc000: -2, 0x3555: 0.33325195, 0x7bff: 65504, 0x0001: 5.9604645e-8, 0x8400: -6.1035156e-5} {
		require.Equal(t, want, half(bits), "%#x", bits)
	}
	require.True(t, math.IsInf(float64(half(0x7c00)), 1))
	require.True(t, math.IsNaN(float64(half(0x7e00))))
	x := tensor{dtype: "BF16", data: []byte{0x80, 0x3f}}
	require.Equal(t, float32(1), x.float(0))
	x = tensor{dtype: "I8", data: []byte{0xff}}
	require.Equal(t, float32(-1), x.float(0))
}

func TestTensorsRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := map[string]tensor{}
		for _, name := range rapid.SliceOfDistinct(rapid.StringMatching(`[a-z.]{1,8}`), rapid.ID).Draw(rt, "names") {
			rows, cols := rapid.IntRange(0, 4).Draw(rt, "rows"), rapid.IntRange(1, 4).Draw(rt, "cols")
			want[name] = tensor{dtype: "F32", shape: []int{rows, cols}, data: rapid.SliceOfN(rapid.Byte(), 4*rows*cols, 4*rows*cols).Draw(rt, "data")}
		}
		got, err := parseTensors(packed(t, want))
		if err != nil || len(got) != len(want) {
			rt.Fatalf("%v, %d tensors", err, len(got))
		}
		for name, x := range want {
			require.Equal(t, x.shape, got[name].shape)
			require.Equal(t, len(x.data), len(got[name].data))
			require.Equal(t, string(x.data), string(got[name].data))
		}
	})
}

func FuzzTensors(f *testing.F) {
	weights, words := tiny(f)
	f.Add(weights)
	f.Add(weights[:20])
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := newStatic("x", raw, words)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
			return
		}
		s.embed("disks full 云")
	})
}

func FuzzTokenizer(f *testing.F) {
	f.Add([]byte(tinyTokenizer), "disks full")
	f.Add([]byte(`{"normalizer":{"type":"Precompiled"},"pre_tokenizer":{"type":"Metaspace"},"model":{"type":"Unigram","unk_id":0,"vocab":[["▁a",-1],["b",-2]]}}`), "a b")
	f.Add([]byte(`{"normalizer":{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"Regex":"a*"},"content":"aa"},{"type":"NFKD"}]},"pre_tokenizer":{"type":"Whitespace"},"model":{"type":"WordLevel","vocab":{"a":0}}}`), "\xff a\u0300")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		k, err := parseTokenizer(raw)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
			return
		}
		for _, id := range k.encode(text[:min(len(text), 2000)]) {
			require.True(t, id >= 0 && id < k.size)
		}
	})
}

func BenchmarkStatic(b *testing.B) {
	weights, words := tiny(b)
	s, err := newStatic("x", weights, words)
	require.NoError(b, err)
	for b.Loop() {
		s.embed("disks full of 云 and nothing else, or so it seems")
	}
}
