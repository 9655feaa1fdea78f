package main

import (
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// technical are words that stand in support texts of every language.
var technical = strings.Fields(`server login backup cluster pod timeout VPN DNS API SSL token host proxy gateway load balancer firewall
	Kubernetes Docker Linux Windows Ubuntu Oracle Apache nginx MySQL PostgreSQL Redis Kafka Jenkins GitLab Terraform Azure AWS Google
	Outlook Excel Teams Office Chrome Firefox Android iOS iPhone laptop router switch firmware driver update snapshot
	instance volume bucket container image node deployment service endpoint dashboard monitoring log error warning failed
	connection refused denied permission certificate expired invalid request response status bad unauthorized forbidden
	ERROR WARN INFO FATAL null exception stack trace thread main retry session cookie cache queue worker job cron script
	CPU RAM SSD disk GPU IP TCP UDP HTTP HTTPS SSH FTP SMTP IMAP LDAP SSO MFA OTP SAP CRM ERP PDF CSV JSON XML SQL
	ACS ADB AKE Arkcloud ALM admin root user password account email mail web app online support ticket hotline helpdesk`)

// phrases are English log lines and messages.
var phrases = []string{
	"connection refused", "permission denied", "no such file or directory", "out of memory", "access denied for user",
	"connection timed out", "failed to pull image", "certificate has expired", "502 bad gateway", "503 service unavailable",
	"404 not found", "500 internal server error", "back-off restarting failed container", "disk quota exceeded",
	"no space left on device", "authentication failed", "invalid credentials", "too many connections", "read only file system",
	"segmentation fault", "host unreachable", "name or service not known", "unable to connect", "operation not permitted",
	"kernel panic", "task failed with exit code 1", "login failed", "request timed out", "blue screen", "single sign-on",
}

// codes are pieces that are no language.
var codes = []string{
	"ACS.0013", "ALM-21004", "0x80070005", "i-0abc123def", "10.0.0.12", "ERR_TIMED_OUT", "/var/log/syslog", "admin@example.com",
	"https://console.example.com/a/b", "v1.28.3", "error=503", "C:\\Windows\\System32", "node-7", "2024-05-17 08:33:12", "#48213", "ORA-12541", "(E1042)",
}

// noisy returns words as customers write them: with English terms, codes, typing errors, and without diacritics.
func noisy(rng *rand.Rand, words, english []string) []string {
	if rng.Float64() < 0.25 {
		words = mistyped(rng, words)
	}
	if rng.Float64() < 0.22 {
		words = plain(rng, words)
	}
	if rng.Float64() < 0.35 {
		words = mixed(rng, words, english)
	}
	return words
}

// mixed puts one to four foreign pieces between the words, not more than about half of them: terms, codes, messages,
// and pieces of the English lines if there are any.
func mixed(rng *rand.Rand, words, english []string) []string {
	out := append([]string(nil), words...)
	for range min(1+rng.IntN(4), (len(words)+1)/2) {
		piece := technical[rng.IntN(len(technical))]
		switch p := rng.Float64(); {
		case p < 0.3:
			piece = codes[rng.IntN(len(codes))]
		case p < 0.45 && len(words) > 4:
			piece = phrases[rng.IntN(len(phrases))]
		case p < 0.65 && len(words) > 2 && len(english) > 0:
			w := window(rng, english[rng.IntN(len(english))])
			piece = strings.Join(w[:min(len(w), 1+rng.IntN(len(words)))], " ")
		}
		at := rng.IntN(len(out) + 1)
		out = append(out[:at], append([]string{piece}, out[at:]...)...)
	}
	return out
}

// mistyped doubles, drops, swaps or replaces a letter in some words.
func mistyped(rng *rand.Rand, words []string) []string {
	out := append([]string(nil), words...)
	for i, w := range out {
		r := []rune(w)
		if len(r) < 4 || rng.Float64() > 0.2 {
			continue
		}
		at := rng.IntN(len(r) - 1)
		switch rng.IntN(4) {
		case 0:
			r = append(r[:at+1], r[at:]...)
		case 1:
			r = append(r[:at], r[at+1:]...)
		case 2:
			r[at], r[at+1] = r[at+1], r[at]
		case 3:
			r[at] = r[rng.IntN(len(r))]
		}
		out[i] = string(r)
	}
	return out
}

var spelled = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "å", "aa", "ø", "oe", "æ", "ae", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "Ø", "Oe", "Å", "Aa")

var stroked = strings.NewReplacer("ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "ø", "o", "Ø", "O", "ı", "i", "ß", "ss", "æ", "ae", "ơ", "o", "ư", "u", "ё", "е", "ї", "і", "ґ", "г")

// plain drops the diacritics of all words, or of the one language in which each is written as two letters spells them.
func plain(rng *rand.Rand, words []string) []string {
	s := strings.Join(words, " ")
	if rng.Float64() < 0.4 {
		s = spelled.Replace(s)
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(stroked.Replace(s)) {
		if !unicode.Is(unicode.Mn, r) || r >= 0x600 {
			b.WriteRune(r)
		}
	}
	return strings.Fields(norm.NFC.String(b.String()))
}

// window draws a run of one to sixteen words, or for text without spaces of three to thirty characters.
func window(rng *rand.Rand, line string) []string {
	words := strings.Fields(line)
	if n := utf8.RuneCountInString(line); len(words) == 0 || n/len(words) > 14 && n*2 < len(line) {
		r := []rune(line)
		size := min(3+rng.IntN(28), len(r))
		at := rng.IntN(len(r) - size + 1)
		return []string{string(r[at : at+size])}
	}
	size := min(1+rng.IntN(16), len(words))
	if rng.Float64() < 0.5 {
		size = min(3+rng.IntN(8), len(words))
	}
	at := rng.IntN(len(words) - size + 1)
	return words[at : at+size]
}
