package redact

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

func isPlaceholder(v string) bool {
	m := placeholder.FindString(v)
	return m != "" && strings.HasPrefix(v, m)
}

func alnum(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// standsAlone reports whether s[start:end] is not part of a longer number, word, version or decimal.
func standsAlone(s string, start, end int) bool {
	if start > 0 && (alnum(s[start-1]) || strings.IndexByte("_.-/#", s[start-1]) >= 0 && start > 1 && alnum(s[start-2])) {
		return false
	}
	if end < len(s) && (alnum(s[end]) || s[end] == '_') {
		return false
	}
	return end+1 >= len(s) || s[end] != '.' && s[end] != '-' || !alnum(s[end+1])
}

// traits of a value: which classes of characters it has.
type traits struct{ lower, upper, digit, sign, wide bool }

func traitsOf(v string) (t traits) {
	for _, r := range v {
		switch {
		case r >= 'a' && r <= 'z':
			t.lower = true
		case r >= 'A' && r <= 'Z':
			t.upper = true
		case r >= '0' && r <= '9':
			t.digit = true
		case r < utf8.RuneSelf:
			t.sign = true
		default:
			t.wide = true
		}
	}
	return t
}

// notValue matches what stands in place of a value: variables, templates, masks and words.
var notValue = regexp.MustCompile(`(?i)^(?:[$%]?[{(\[<%].*|\$[a-z_][\w.]*\$?|env\..*|process\.env.*|os\.(?:environ|getenv).*|` +
	`[*x.•-]{3,}|(?:a{8}|0{8}).*|(?:null|nil|none|true|false|required|optional|expired|invalid|wrong|incorrect|changed|reset|` +
	`missing|empty|all|any|string|str|file|value|your[_-]?\w*|example|secret|password|token|new|get\w*\(.*|function.*|and|or|the|not|is|` +
	`error|errors|failed|failure|failures|authentication)[.,;:)]?)$`)

// isValue reports whether what follows "password=" is a value.
func isValue(s string, start, end int) bool {
	v := s[start:end]
	if notValue.MatchString(v) || notSecret.MatchString(v) {
		return false
	}
	t := traitsOf(v)
	if t.wide && !t.digit && !t.sign {
		return false
	}
	quoted := start > 0 && strings.IndexByte("\"'`", s[start-1]) >= 0
	bare := strings.TrimRight(s[max(0, start-9):start], " \t\n")
	if strings.HasSuffix(bare, ":") && !quoted && !t.digit && !t.upper && !t.sign {
		return false // "password: the one that you sent"
	}
	if t.digit && !t.lower && !t.upper && !t.sign {
		return len(v) >= 4 && !countName.MatchString(s[max(0, start-40):start])
	}
	return true
}

// notSecret matches addresses, the port and path of a URL, and whole commands.
var notSecret = regexp.MustCompile(`^(?:https?://.*|\d{2,5}/.*|\S+ \S+ \S+ .*)$`)

// countName matches settings that hold numbers: "token_limit=4096", "tokens: 512".
var countName = regexp.MustCompile(`(?i)(?:tokens|count|limit|length|size|max|min|ttl|expir\w*|timeout|age|days|usage)["'\]]{0,2}\s*[:=]\s*$`)

// isKey reports whether v looks random: long, with digits, or with capitals and small letters mixed.
func isKey(s string, start, end int) bool {
	v := s[start:end]
	t := traitsOf(v)
	return !notValue.MatchString(v) && len(v) >= 12 && (t.digit && (t.lower || t.upper) || t.lower && t.upper && len(v) >= 16)
}

// isKeyValue does so for what follows "key=": at least 16 characters, and not the name of a public thing.
func isKeyValue(s string, start, end int) bool {
	before := strings.ToLower(s[max(0, start-40):start])
	return end-start >= 16 && isKey(s, start, end) && !notKeyName.MatchString(before) && strings.IndexByte(s[start:end], ' ') < 0
}

// notKeyName matches the names of keys that are public, or keys of data.
var notKeyName = regexp.MustCompile(`public|fingerprint|(?:start|end|primary|partition|sort|range|row|cache|routing|object)_?key`)

// isPassword reports whether what follows "the password is" is one: letters with digits or signs, or quoted.
func isPassword(s string, start, end int) bool {
	v := s[start:end]
	if notValue.MatchString(v) || notSecret.MatchString(v) || strings.IndexByte(">}])/:=|", v[0]) >= 0 {
		return false
	}
	t := traitsOf(v)
	if t.wide {
		return strings.ContainsAny(v, "@!#$%^&*") && t.digit && (t.lower || t.upper)
	}
	if quote, _ := utf8.DecodeLastRuneInString(s[:start]); strings.ContainsRune("\"'“「", quote) {
		return t.digit || t.sign || start > 2 && s[start-2] != ' ' || strings.IndexByte(v, ' ') < 0
	}
	return (t.lower || t.upper) && t.digit && !looksLikeCode(v) || (t.lower || t.upper) && strings.ContainsAny(v, "@!#$%^&*") && len(v) >= 8
}

// isOption reports whether what follows "-p" is a password and not a path, a port or a name.
func isOption(s string, start, end int) bool {
	v := s[start:end]
	t := traitsOf(v)
	return !notValue.MatchString(v) && strings.IndexByte(v, '/') < 0 && !looksLikeCode(v) && (t.lower || t.upper) &&
		(t.digit || strings.ContainsAny(v, "@!#$%^&*"))
}

// codeShape matches what often follows "password" in a complaint and is none: codes, addresses, versions, options.
var codeShape = regexp.MustCompile(`^(?:[A-Za-z]{2,10}[.-][0-9]{3,8}|0x[0-9a-fA-F]+|[0-9.:/-]+|v?[0-9]+(?:\.[0-9]+)+|[a-z-]+=.*|https?://.*|HTTP\S*)$`)

func looksLikeCode(v string) bool { return codeShape.MatchString(strings.TrimRight(v, ".,;:)")) }

// keyContext are the words, up to 120 bytes before, that make a random-looking string an access key.
var keyContext = regexp.MustCompile(`(?i)(?:(?:^|[^a-z])(?:ak|sk)(?:$|[^a-z])|access[ _-]?key|secret[ _-]?key|密钥|密鑰|秘钥|密匙|unseal)`)

// isAnnouncedKey reports whether a string is an access key: 20 capitals and digits, or 40 or so mixed characters, after a
// word for it. Digests (small hex) and UUIDs are none.
func isAnnouncedKey(s string, start, end int) bool {
	v := s[start:end]
	t := traitsOf(v)
	if !standsAlone(s, start, end) || !t.digit || !t.upper && !t.lower {
		return false
	}
	isAK := len(v) >= 16 && len(v) <= 32 && t.upper
	isSK := len(v) >= 24 && t.upper && t.lower
	return (isAK || isSK) && keyContext.MatchString(s[max(0, start-120):start])
}

func isEmail(s string, start, end int) bool {
	v := s[start:end]
	if line := s[max(0, start-100):start]; strings.Contains(line[strings.LastIndexAny(line, " \t\n\"'")+1:], "://") {
		return false // user:password@host
	}
	return !strings.HasPrefix(v, "git@") && !strings.HasPrefix(v, ".") && !(end < len(s) && s[end] == ':' && strings.HasPrefix(v, "git"))
}

// digitsOf returns the digits of v.
func digitsOf(v string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, v)
}

// isResidentID checks a Chinese resident identity number: 18 characters with a birth date and the check character of
// GB 11643-1999 (ISO 7064 MOD 11-2).
func isResidentID(s string, start, end int) bool {
	v := strings.ReplaceAll(s[start:end], " ", "")
	if !standsAlone(s, start, end) || len(v) != 18 {
		return false
	}
	born, err := time.Parse("20060102", v[6:14])
	if err != nil || born.Year() < 1880 || born.Year() > 2100 {
		return false
	}
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(v[i]-'0') * w
	}
	return "10X98765432"[sum%11] == strings.ToUpper(v)[17]
}

// isCard checks a bank card number: 15 to 19 digits in the usual groups, a first digit that card networks use, the check
// digit of ISO/IEC 7812 (Luhn). Longer ones than 16 digits, which may be timestamps, need the prefix of UnionPay, groups,
// or a word before them.
func isCard(s string, start, end int) bool {
	v := digitsOf(s[start:end])
	if !standsAlone(s, start, end) || !cardGroups.MatchString(s[start:end]) || v[0] < '2' || v[0] > '6' || !luhn(v) {
		return false
	}
	switch len(v) {
	case 15:
		return strings.HasPrefix(v, "34") || strings.HasPrefix(v, "37")
	case 16:
		return true
	}
	return strings.HasPrefix(v, "62") || len(v) < end-start || cardWord.MatchString(s[max(0, start-40):start])
}

var (
	cardGroups = regexp.MustCompile(`^(?:\d{15,19}|(?:\d{4}[ -]){3,4}\d{1,4}|\d{4}[ -]\d{6}[ -]\d{5})$`)
	cardWord   = regexp.MustCompile(`(?i)card|卡|カード|카드|karte|carte|tarjeta|cartão|карт`)
)

func luhn(v string) bool {
	sum := 0
	for i := range len(v) {
		d := int(v[len(v)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// isIBAN checks the number of an account by ISO 13616 (ISO 7064 MOD 97-10).
func isIBAN(s string, start, end int) bool {
	v := strings.ReplaceAll(s[start:end], " ", "")
	if len(v) < 15 || len(v) > 34 {
		return false
	}
	rest := 0
	for _, c := range []byte(v[4:] + v[:4]) {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
			continue
		}
		rest = (rest*10 + int(c-'0')) % 97
	}
	return rest == 1
}

func isSSN(s string, start, end int) bool {
	v := s[start:end]
	return standsAlone(s, start, end) && v[:3] != "000" && v[:3] != "666" && v[0] != '9' && v[4:6] != "00" && v[7:] != "0000"
}

// isPhone checks the count of digits (E.164: at most 15; an extension does not count) and leaves out dates and addresses.
func isPhone(s string, start, end int) bool {
	v := s[start:end]
	if i := strings.IndexByte(v, 'x'); i >= 0 {
		v = v[:i]
	}
	n := len(digitsOf(v))
	return n >= 7 && n <= 16 && !dateOrAddress.MatchString(v) && (start == 0 || !alnum(s[start-1]))
}

var dateOrAddress = regexp.MustCompile(`^(?:\+\d+\.\d+|(?:19|20)\d\d[-.]\d{1,2}[-.]\d{1,2}.*|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}.*)$`)

func isHandle(s string, start, end int) bool { return traitsOf(s[start:end]).digit }

func isPlate(s string, start, _ int) bool {
	before := s[max(0, start-30):start]
	for _, w := range plateWords {
		if strings.Contains(before, w) {
			return true
		}
	}
	return false
}

// surnames are the most frequent Chinese family names; they cover about nine people in ten.
const surnames = `王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊` +
	`白孟秦邱侯江尹薛闫雷段史陶黎贺毛郝顾龚邵万覃武钱戴严莫孔常汤赖洪施牛温康葛庞樊兰季俞章鲁倪安欧阳诸葛司马上官張劉陳楊黃趙吳孫馬羅鄭許韓鄧馮蕭葉蘇呂盧`

// isName leaves out the words that follow "contact" without being a name.
func isName(s string, start, end int) bool {
	for _, w := range []string{"电话", "手机", "邮箱", "信息", "方式", "地址", "姓名", "不能", "无法", "没有", "为空", "错误", "是谁", "的"} {
		if strings.Contains(s[start:end], w) {
			return false
		}
	}
	r, _ := utf8.DecodeRuneInString(s[start:])
	return strings.ContainsRune(surnames, r)
}
