package kb

import "strings"

// historyShare is what an article that lists changes keeps of its score: it names all that a product has, and solves nothing.
const historyShare = 0.8

// maxHistoryTitle is how many terms of a title are looked at.
const maxHistoryTitle = 24

// historyTitles has a line of what titles of lists of changes hold for each language, which the base language and a colon begin.
const historyTitles = `en: document history, documentation history, document revisions, change history, revision history, change log, changelog, release notes, what's new, what is new
zh: 更新日志, 变更日志, 版本说明, 发布记录, 修订记录, 变更记录, 发布说明, 更新历史, 版本历史, 发布历史
ja: 変更履歴, 更新履歴, 改訂履歴, リリースノート
ko: 릴리스 노트, 변경 이력, 변경 내역, 문서 기록
de: Versionshinweise, Änderungsprotokoll, Änderungshistorie, Dokumentverlauf
fr: notes de version, historique des modifications, historique du document, journal des modifications
es: notas de la versión, historial de cambios, historial de revisiones, registro de cambios
pt: notas de versão, notas da versão, histórico de alterações, histórico do documento
it: note di rilascio, cronologia dei documenti, registro delle modifiche
ru: история изменений, журнал изменений, примечания к выпуску, история документа
`

// historyPhrases are the terms of historyTitles as hashes, by phrase.
func historyPhrases() [][]uint64 {
	var out [][]uint64
	a := newAnalyzer()
	for line := range strings.Lines(historyTitles) {
		language, phrases, _ := strings.Cut(line, ":")
		a.speak(language)
		for p := range strings.SplitSeq(phrases, ",") {
			var hashes []uint64
			for _, t := range a.terms(p) {
				hashes = append(hashes, termHash(t))
			}
			out = append(out, hashes)
		}
	}
	return out
}

// unasked are the phrases that a query does not hold itself: who asks for the release notes gets them.
func unasked(phrases [][]uint64, hashes []uint64, dst [][]uint64) [][]uint64 {
	dst = dst[:0]
	for _, p := range phrases {
		held := 0
		for _, h := range p {
			for _, q := range hashes {
				if q == h {
					held++
					break
				}
			}
		}
		if held < len(p) {
			dst = append(dst, p)
		}
	}
	return dst
}

// isHistory reports whether the title of an article holds one of the phrases.
func isHistory(f *forward, phrases [][]uint64) bool {
	title := f.title[:min(len(f.title), maxHistoryTitle*f.width)]
	held := uint64(0) // the low six bits of the title's tokens
	for at := 0; at < len(title); at += f.width {
		held |= 1 << (title[at] & 63)
	}
	for _, p := range phrases {
		first := seeded(p[0], f.seed) & widthMask(f.width)
		if held&(1<<(first&63)) == 0 {
			continue
		}
		for at := 0; at+len(p)*f.width <= len(title); at += f.width {
			if token(title[at:], f.width) == first && follows(title[at+f.width:], p[1:], f) {
				return true
			}
		}
	}
	return false
}

func follows(title []byte, rest []uint64, f *forward) bool {
	for i, h := range rest {
		if token(title[i*f.width:], f.width) != seeded(h, f.seed)&widthMask(f.width) {
			return false
		}
	}
	return true
}

// token is the hash at the beginning of a part of a record.
func token(part []byte, width int) uint64 {
	h := uint64(0)
	for i := range width {
		h |= uint64(part[i]) << (8 * i)
	}
	return h
}
