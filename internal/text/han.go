package text

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"
)

// hanFile holds pairs of a traditional character and its simplified form; its head names the source and its licence.
//
//go:embed han.txt
var hanFile string

// Bounds of the characters that have a simplified form: CJK Extension A and the Unified Ideographs.
const (
	firstHan = 0x3400
	lastHan  = 0x9fff
)

// hanTable has a simplified form for each character from firstHan on, or 0, and marks the characters that are one.
type hanTable struct {
	simple [lastHan - firstHan + 1]uint16
	isForm [lastHan - firstHan + 1]bool
}

var han = sync.OnceValue(func() *hanTable {
	t := &hanTable{}
	for line := range strings.Lines(hanFile) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for pair := range strings.FieldsSeq(line) {
			from, n := utf8.DecodeRuneInString(pair)
			to, _ := utf8.DecodeRuneInString(pair[n:])
			t.simple[from-firstHan] = uint16(to)
			t.isForm[to-firstHan] = true
		}
	}
	return t
})

// FoldHan returns the simplified form of a traditional Chinese character, and any other character unchanged: 這 and 这
// give 这. It works character by character and so folds what is written differently, not what is worded differently
// (伺服器 and 服务器 stay apart); where simplification merged characters (後 and 后) they become one. Japanese forms
// (図) stay as they are. The pairs are those of OpenCC. FoldHan is idempotent.
func FoldHan(r rune) rune {
	if r < firstHan || r > lastHan {
		return r
	}
	if s := han().simple[r-firstHan]; s != 0 {
		return rune(s)
	}
	return r
}

// SimplifiedHan reports whether a character is the simplified form of another one. Some, like 后, are also written in
// traditional text.
func SimplifiedHan(r rune) bool { return r >= firstHan && r <= lastHan && han().isForm[r-firstHan] }

// FoldHanString is FoldHan for each character of s. It returns s itself when nothing changes.
func FoldHanString(s string) string {
	for i, r := range s {
		if FoldHan(r) == r {
			continue
		}
		var b strings.Builder
		b.Grow(len(s))
		b.WriteString(s[:i])
		for i < len(s) {
			r, n := utf8.DecodeRuneInString(s[i:])
			if f := FoldHan(r); f != r {
				b.WriteRune(f)
			} else {
				b.WriteString(s[i : i+n])
			}
			i += n
		}
		return b.String()
	}
	return s
}
