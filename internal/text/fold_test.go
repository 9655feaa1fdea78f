package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"case", "ErrImagePull", "errimagepull"},
		{"full width code", "ＥＣＳ．００１３", "ecs.0013"},
		{"half-width kana with voicing", "ｶﾞｲﾄﾞ", "ガイド"},
		{"jamo compose", "\u1112\u1161\u11ab글", "한글"},
		{"combining accent composes", "e\u0301te\u0301", "été"},
		{"accent after a capital", "É", "é"},
		{"sharp s", "Straße STRASSE ẞ", "strasse strasse ss"},
		{"final sigma", "ΣΊΣΥΦΟΣ ςσ", "σίσυφοσ σσ"},
		{"turkish dotted capital", "İstanbul", "istanbul"},
		{"ligature", "ﬁle ﬀ", "file ff"},
		{"square unit", "5㎞ ㍿", "5km 株式会社"},
		{"arabic and devanagari digits", "٠١٢ ۳۴ ५६", "012 34 56"},
		{"zero width and bidi", "a\u200bb\u202ec\ufeff\u00add", "abcd"},
		{"accent behind a zero width space", "e\u200b\u0301", "é"},
		{"tag characters", "a\U000e0041\U000e0042b", "ab"},
		{"variation selector", "✔\ufe0f", "✔"},
		{"controls", "a\x00b\x1b[c\x7f", "ab[c"},
		{"white space", "a \t\u3000 b", "a b"},
		{"newlines stay", "a \n\n  b\r\nc", "a\n\nb\nc"},
		{"hyphen and apostrophe", "ALM‑12033 don’t", "alm-12033 don't"},
		{"invalid bytes", "a\xff\xfe\xfdb", "a\ufffdb"},
		{"growth bounded", "\ufdfa", "\ufdfa"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, Fold(c.in))
		})
	}
}

func TestFoldLimitsCombiningMarks(t *testing.T) {
	t.Parallel()
	out := Fold("a" + strings.Repeat("\u0316", 5000) + "b")
	require.Equal(t, 1+maxMarksOut+1, utf8.RuneCountInString(out))
}

func TestFoldOfEveryCharacterIsIdempotentAndBounded(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) || r > 0x323af && r < 0xe0000 || r > 0xe0fff { // the rest is unassigned
			continue
		}
		for _, s := range []string{string(r), "a" + string(r) + "\u0301가\u11a8"} {
			once := Fold(s)
			if once != Fold(once) || len(once) > 6*len(s) {
				t.Fatalf("%U in %q: %q then %q", r, s, once, Fold(once))
			}
		}
	}
}

// alphabet holds characters that are hard for a folder or a tokenizer, alone and beside each other.
var alphabet = []string{
	"a", "B", "ß", "ẞ", "É", "e\u0301", "ς", "İ", "ı", "1", "٣", "Ａ", "．", "-", ".", "_", "'", "’", " ", "\t", "\n", "\r",
	"\u3000", "\u00a0", "中", "文", "〇", "々", "あ", "か\u3099", "ガ", "ｶ", "ﾞ", "ー", "한", "\u1112", "\u1161", "\u11ab", "ก", "ำ",
	"ั", "ກ", "ខ", "្", "မ", "ြ", "ा", "क", "ش", "\u064e", "\u0640", "\u200b", "\u200d", "\ufe0f", "\u034f", "\u0345", "\u0344",
	"\u0300", "\u0316", "\u00a8", "\u1e9b\u0323", "\ufdfa", "\ufdfb", "㌀", "㍿", "ﬁ", "½", "²", "\ufffd", "\xff", "\xc3", "\xe4\xb8",
	"\xf0\x9f", "😀", "👨\u200d👩", "\U0001d7d9", "\U00020000", "\U000e0041", "\u2028", "\u115f", "\u3164", "ACS.0013", "ErrImagePull",
}

func anyText() *rapid.Generator[string] {
	parts := rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 30)
	return rapid.OneOf(rapid.Map(parts, func(p []string) string { return strings.Join(p, "") }), rapid.String())
}

func TestFoldIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyText().Draw(t, "s")
		once := Fold(s)
		require.True(t, utf8.ValidString(once))
		require.Equal(t, once, Fold(once))
		require.LessOrEqual(t, len(once), 6*len(s))
	})
}

func TestFoldedMapsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyText().Draw(t, "s")
		f := Folded(s)
		require.Equal(t, Fold(s), f.Text)
		last := 0
		for i := range f.Text {
			_, size := utf8.DecodeRuneInString(f.Text[i:])
			span := f.Span(i, i+size)
			_, ok := span.Of(s)
			require.True(t, ok)
			require.GreaterOrEqual(t, span.End, last)
			last = span.End
		}
	})
	f := Folded("A big DISK\nis full")
	require.Equal(t, "a big disk\nis full", f.Text)
	require.Empty(t, f.offsets.pieces)
}

func TestNarrowMapsBack(t *testing.T) {
	t.Parallel()
	n := Narrow("故障 ＥＣＳ．００１３\u3000a–b")
	require.Equal(t, "故障 ECS.0013 a-b", n.Text)
	at := strings.Index(n.Text, "0013")
	span := n.Span(at, at+4)
	got, ok := span.Of("故障 ＥＣＳ．００１３\u3000a–b")
	require.True(t, ok)
	require.Equal(t, "００１３", got)
	rapid.Check(t, func(t *rapid.T) {
		s := anyText().Draw(t, "s")
		n := Narrow(s)
		for i := range n.Text {
			_, size := utf8.DecodeRuneInString(n.Text[i:])
			part, ok := n.Span(i, i+size).Of(s)
			require.True(t, ok)
			require.Equal(t, n.Text[i:i+size], Narrow(part).Text)
		}
	})
}

func FuzzFold(f *testing.F) {
	for _, s := range alphabet {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Fold(s)
		if Fold(once) != once || !utf8.ValidString(once) {
			t.Fatalf("%q: %q then %q", s, once, Fold(once))
		}
	})
}
