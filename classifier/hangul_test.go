package classifier

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"prediag"
)

func TestLettersAreTheCanonicalDecomposition(t *testing.T) {
	require.Equal(t, []rune{0x1100, 0x1161}, appendLetters(nil, '가'), "ㄱ ㅏ")
	require.Equal(t, []rune{0x1100, 0x1161, 0x11b9, 'x'}, appendLetters(appendLetters(nil, '값'), 'x'), "ㄱ ㅏ ㅄ, and what is no syllable")
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.RuneFrom([]rune{firstSyllable, lastSyllable, 'a', '中', firstSyllable - 1, lastSyllable + 1}).Draw(t, "edge")
		if rapid.Bool().Draw(t, "syllable") {
			r = rapid.Int32Range(firstSyllable, lastSyllable).Draw(t, "rune")
		}
		require.Equal(t, []rune(norm.NFD.String(string(r))), appendLetters(nil, r))
	})
}

// Stems that end in a vowel take the first consonant of an ending into their last syllable: 갈까 and 쉴까 share no syllables
// but the last, yet the ending -ㄹ까.
func TestEndingsBeginWithinSyllables(t *testing.T) {
	count := func(list []uint32, other []uint32) (n int) {
		for _, h := range list {
			for _, k := range other {
				if h == k {
					n++
				}
			}
		}
		return n
	}
	with, without := defaultRecipe(), defaultRecipe()
	without.Hangul = false
	hashes := func(r recipe, s string, g group) (out []uint32) {
		for _, o := range (&extractor{recipe: r}).extract(prediag.Ticket{Body: s}) {
			if o.group == g {
				out = append(out, o.hash)
			}
		}
		return out
	}
	for _, c := range []struct {
		group
		more int
	}{{groupEdge, 3}, {groupChar, 2}} { // 까 is two letters, ㄹ the third; one letter alone is no sequence
		plain := count(hashes(without, "지금 갈까", c.group), hashes(without, "오늘은 쉴까", c.group))
		require.Equal(t, plain+c.more, count(hashes(with, "지금 갈까", c.group), hashes(with, "오늘은 쉴까", c.group)))
		for _, s := range []string{"is the disk full", "硬盘满了吗", "ディスクがいっぱいです", ""} {
			require.Equal(t, hashes(without, s, c.group), hashes(with, s, c.group), "nothing to do with Hangul")
		}
	}
}

// What the endings stand for is quoted from the text.
func TestEndingsCoverTheirWords(t *testing.T) {
	x := &extractor{recipe: defaultRecipe()}
	s := "서버가 멈췄습니다"
	for _, o := range x.extract(prediag.Ticket{Body: s}) {
		require.LessOrEqual(t, o.from, o.to)
		require.NotEmpty(t, x.quote(place{o.from, o.to}, s))
	}
}
