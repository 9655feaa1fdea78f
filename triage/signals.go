package triage

import (
	"strings"
	"unicode"

	"prediag"
	"prediag/internal/text"
)

// Signals are what a ticket says in so many words, apart from what it is about. A field holds the phrase that gave
// the signal, empty for none.
type Signals struct {
	Urgent        string
	MajorIncident string
	Sensitive     string
	Person        string
	Short         bool // fewer than minLetters letters
}

// minLetters is what a ticket must say at least: "help" and "???" are no tickets. An ideograph counts as two.
const minLetters = 8

// phrases that give a signal, folded. Latin phrases match at word boundaries, the others anywhere. Only phrases that
// hardly ever occur in calm tickets are listed: a signal always costs a human's time.
var phrases = struct{ urgent, major, sensitive, person []string }{
	urgent: []string{
		"urgent", "urgently", "asap", "as soon as possible", "emergency", "immediately",
		"加急", "紧急", "緊急", "尽快处理", "马上处理", "十万火急", "急急", "至急", "大至急", "긴급", "급합니다", "시급",
		"dringend", "eilig", "urgente", "срочно", "khẩn cấp", "mendesak", "acil", "ด่วน", "عاجل",
	},
	major: []string{
		"production is down", "production down", "prod is down", "all services down", "complete outage", "total outage", "everything is down", "site is down",
		"生产环境全部", "全部瘫痪", "业务瘫痪", "业务中断", "全部中断", "大面积", "全站", "宕机", "红色响应",
		"全面停止", "本番が止ま", "本番停止", "全サービス停止", "全断", "전면 장애", "전체 장애", "서비스 전체", "운영 중단", "서비스 중단",
		"produktion steht", "totalausfall", "production arrêtée", "panne totale", "producción caída", "caída total",
	},
	sensitive: []string{
		"data breach", "data leak", "leaked", "hacked", "ransomware", "lawsuit", "lawyer", "legal action", "gdpr", "police",
		"泄露", "洩露", "被黑", "入侵", "勒索", "律师", "起诉", "诉讼", "报警", "隐私", "情報漏洩", "漏洩", "不正アクセス", "弁護士", "訴訟",
		"유출", "해킹", "랜섬웨어", "변호사", "소송", "datenleck", "gehackt", "anwalt", "fuite de données", "piraté", "avocat", "hackeado", "abogado",
	},
	person: []string{
		"speak to a human", "talk to a human", "real person", "human agent", "talk to someone", "speak to someone", "call me",
		"人工客服", "转人工", "找人工", "真人", "打电话给我", "給我打電話", "担当者と話", "電話してください", "オペレーター",
		"상담원", "사람과 통화", "전화 주세요", "전화주세요", "mit einem menschen", "parler à quelqu'un", "hablar con una persona",
	},
}

// signalsOf reads the signals off a ticket.
func signalsOf(t prediag.Ticket) Signals {
	folded := text.Fold(t.Text())
	return Signals{
		Urgent:        first(folded, phrases.urgent),
		MajorIncident: first(folded, phrases.major),
		Sensitive:     first(folded, phrases.sensitive),
		Person:        first(folded, phrases.person),
		Short:         letters(folded) < minLetters && len(t.Codes) == 0,
	}
}

// first returns the first phrase that stands in folded text.
func first(folded string, list []string) string {
	for _, p := range list {
		if containsPhrase(folded, p) {
			return p
		}
	}
	return ""
}

// containsPhrase looks for a phrase at word boundaries where the phrase is written with spaces between words, and
// anywhere where it is not.
func containsPhrase(folded, phrase string) bool {
	spaced := spacedScript(phrase)
	for from := 0; ; {
		i := strings.Index(folded[from:], phrase)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(phrase)
		if !spaced || !letterBefore(folded[:start]) && !letterAfter(folded[end:]) {
			return true
		}
		from = end
	}
}

func spacedScript(phrase string) bool {
	for _, r := range phrase {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Arabic) {
			return false
		}
	}
	return true
}

func letterBefore(s string) bool {
	last := ' '
	for _, r := range s[max(0, len(s)-4):] { // the last rune; broken bytes in front of it do not matter
		last = r
	}
	return unicode.IsLetter(last)
}

func letterAfter(s string) bool {
	for _, r := range s {
		return unicode.IsLetter(r)
	}
	return false
}

// letters counts letters and digits up to minLetters; an ideograph says as much as two.
func letters(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hangul):
			n += 2
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			n++
		}
		if n >= minLetters {
			break
		}
	}
	return n
}
