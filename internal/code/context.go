package code

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// window is how many bytes beside a number are searched for a context word.
const window = 48

// role says what a context word makes of the number after it.
type role uint8

const (
	roleAlarm  role = 1 << iota // an alarm id
	roleStatus                  // an HTTP status, if it looks like one
	roleError                   // an error code
	roleExit                    // the exit code of a process
	roleSQL                     // an SQLSTATE
	needsCode                   // only with a word for "code" in between: "return code 12"
	namesCode                   // the word has "code" in it
)

// context is the context word found before a number or name.
type context struct {
	role  role
	start int  // of the word in the text
	code  bool // a word for "code" stands in between or in it
}

// base is a context word; the longest one that fits decides.
type base struct {
	word string
	role role
}

// bases are the context words, in small letters.
var bases = newBases(map[role]string{
	roleAlarm: `alarm alarms alert alerts alarme alarma 告警 报警 警报 警報 アラーム アラート 경보 알람 тревога`,
	roleStatus: `http https status response responded return returns returned get gets got 状态 狀態 返回 响应 ステータス 상태
		статус`,
	roleStatus | roleError: `error errors err fehler erreur errore erro fout hata lỗi 错误 错 錯誤 报错 報錯 エラー 오류 에러 ошибка
		ошибки ошибку kesalahan`,
	roleError:                          `errno fehlernummer`,
	roleError | namesCode:              `errorcode errcode fehlercode foutcode returncode`,
	roleStatus | roleError | namesCode: `statuscode`,
	roleError | needsCode:              `fault reason stop result 故障 结果 結果`,
	roleExit | needsCode:               `exit exits 退出 終了 종료 выхода`,
	roleExit:                           `exited exit\sstatus exit\sstate exitcode 退出状态`,
	roleSQL:                            `sqlstate`,
})

// statusWithCode are words for an HTTP status that together with a word for "code" may also announce an error code.
var statusWithCode = stringSet(`status response return 状态 狀態 返回 상태`)

// leads may stand between a context word and its number; those for "code" are told apart.
var (
	leads = strings.Fields(`ids id no nr num number is was are an a the with mit un une 编号 編號 番号 信息 号 号码 为 是 為 번호
		kodu`)
	codeLeads = strings.Fields(`codes code 代码 代碼 码 碼 コード 코드`)
)

func newBases(lists map[role]string) []base {
	var all []base
	for r, list := range lists {
		for _, w := range strings.Fields(list) {
			all = append(all, base{strings.ReplaceAll(w, `\s`, " "), r})
		}
	}
	return all
}

// reasonPhrase follows a status that needs no word before it.
var reasonPhrase = regexp.MustCompile(`(?i)^[\s:,-]*(?:bad (?:request|gateway)|unauthori[sz]ed|forbidden|not found|` +
	`method not allowed|request timeout|conflict|gone|too many requests|internal (?:server )?error|not implemented|` +
	`service (?:temporarily )?unavailable|gateway time-?out|errors?\b|response|status|错误|錯誤|报错|エラー|오류|에러|ошибк)`)

// contextOf returns the context word that stands before s[:i], if any.
func contextOf(s string, i int) context {
	var buf [window]byte
	from := max(0, i-window)
	for from < i && !utf8.RuneStart(s[from]) {
		from++
	}
	w := buf[:copy(buf[:], s[from:i])]
	for j, c := range w {
		if capital(c) {
			w[j] = c + 'a' - 'A'
		}
	}
	w, code := trimLeads(w)
	w = trimVersion(w)
	var best base
	for _, b := range bases {
		if len(b.word) > len(best.word) && endsWithWord(w, b.word) {
			best = b
		}
	}
	c := context{role: best.role, start: from + len(w) - len(best.word), code: code || best.role&namesCode != 0}
	if best.role&needsCode != 0 && !code {
		return context{}
	}
	if code && statusWithCode[best.word] {
		c.role |= roleError
	}
	return c
}

// trimLeads removes the words and signs between a context word and its number, and reports whether one meant "code".
func trimLeads(w []byte) ([]byte, bool) {
	code := false
	for {
		w = trimSigns(w)
		n := 0
		for _, lead := range codeLeads {
			if endsWithWord(w, lead) {
				n, code = len(lead), true
				break
			}
		}
		for _, lead := range leads {
			if n == 0 && endsWithWord(w, lead) {
				n = len(lead)
			}
		}
		if n == 0 {
			return w, code
		}
		w = w[:len(w)-n]
	}
}

func trimSigns(w []byte) []byte {
	for len(w) > 0 && strings.IndexByte(" \t:=(\"'[`_-.", w[len(w)-1]) >= 0 {
		w = w[:len(w)-1]
	}
	return w
}

// trimVersion removes the version of "http/1.1".
func trimVersion(w []byte) []byte {
	end := len(w)
	for end > 0 && (isDigit(w[end-1]) || w[end-1] == '.') {
		end--
	}
	if end > 0 && end < len(w) && w[end-1] == '/' {
		return w[:end-1]
	}
	return w
}

// endsWithWord reports whether w ends with word; one of ASCII letters must not be the end of a longer word.
func endsWithWord(w []byte, word string) bool {
	at := len(w) - len(word)
	if at < 0 || string(w[at:]) != word {
		return false
	}
	return at == 0 || !alnum(word[0]) || !alnum(w[at-1])
}

// after returns the text from i on that may hold a reason phrase.
func after(s string, i int) string { return s[i:min(len(s), i+window)] }
