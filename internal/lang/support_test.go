package lang

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// example is a text with its language.
type example struct{ tag, text string }

// examples reads a file of testdata.
func examples(t testing.TB, name string) []example {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	var out []example
	tag := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
		case strings.HasPrefix(line, "["):
			tag = strings.Trim(line, "[]")
		default:
			out = append(out, example{tag, strings.ReplaceAll(line, `\n`, "\n")})
		}
	}
	require.NotEmpty(t, out)
	return out
}

// tally counts right answers by language.
type tally struct {
	right, total map[string]int
	conf         []outcome
	verbose      bool // log the errors
}

type outcome struct {
	confidence float64
	right      bool
}

func newTally() *tally {
	return &tally{right: map[string]int{}, total: map[string]int{}, verbose: testing.Verbose()}
}

func (y *tally) judge(t testing.TB, e example) {
	t.Helper()
	got, confidence := Detect(e.text)
	y.total[e.tag]++
	if got == e.tag {
		y.right[e.tag]++
	} else if y.verbose {
		t.Logf("%s taken for %s (%.2f): %.120s", e.tag, got, confidence, e.text)
	}
	if got != "und" {
		y.conf = append(y.conf, outcome{confidence, got == e.tag})
	}
}

func (y *tally) share(tags ...string) (share float64, right, total int) {
	for tag, n := range y.total {
		if len(tags) == 0 || strings.Contains(" "+strings.Join(tags, " ")+" ", " "+tag+" ") {
			total += n
			right += y.right[tag]
		}
	}
	return float64(right) / float64(max(total, 1)), right, total
}

// log prints the table, with Wilson's intervals at 95 %.
func (y *tally) log(t testing.TB, name string) {
	t.Helper()
	var tags []string
	for tag := range y.total {
		tags = append(tags, tag)
	}
	sort.Strings(tags)
	var b strings.Builder
	for _, tag := range tags {
		low, high := wilson(y.right[tag], y.total[tag])
		fmt.Fprintf(&b, "%-8s %4d of %4d  %.3f (%.3f to %.3f)\n", tag, y.right[tag], y.total[tag], float64(y.right[tag])/float64(y.total[tag]), low, high)
	}
	share, right, total := y.share()
	low, high := wilson(right, total)
	t.Logf("%s\n%sall %d of %d = %.4f (%.4f to %.4f)", name, b.String(), right, total, share, low, high)
}

func wilson(right, total int) (low, high float64) {
	n, p, z := float64(total), float64(right)/float64(total), 1.96
	mid, half := (p+z*z/(2*n))/(1+z*z/n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))/(1+z*z/n)
	return mid - half, mid + half
}

func TestSupportTextsClean(t *testing.T) {
	t.Parallel()
	y := newTally()
	for _, e := range examples(t, "support.txt") {
		y.judge(t, e)
	}
	y.log(t, "clean")
	share, _, _ := y.share()
	require.GreaterOrEqual(t, share, 0.99)
	share, _, _ = y.share("zh", "zh-Hant")
	require.GreaterOrEqual(t, share, 0.98)
	require.GreaterOrEqual(t, len(y.total), 30)
}

// noise writes a clean text as customers do: one kind of noise each, chosen by the number.
func noise(s string, kind int) string {
	words := strings.Fields(s)
	middle := strings.Join(words[:(len(words)+1)/2], " ")
	rest := strings.Join(words[(len(words)+1)/2:], " ")
	switch kind % 8 {
	case 0:
		return "ACS.0013 " + strings.ToLower(s)
	case 1:
		return middle + " Kubernetes i-0abc123.cn-north-4 ALM-21004 " + rest
	case 2:
		return withoutDiacritics(s) + " (Outlook, VPN)"
	case 3:
		return s + "\n2024-05-17 08:33:12 ERROR connection refused by peer while reading the response\n\tat com.acme.App.main(App.java:12)"
	case 4:
		return "[Ticket #48213] " + swapped(s) + " user@example.com"
	case 5:
		return middle + ` "The operation could not be completed because the disk is full" ` + rest
	case 6:
		return "https://console.example.com/the/status?id=7 " + s + "!!"
	}
	return strings.ToUpper(s) + " HTTP 503"
}

// withoutDiacritics drops the marks of Latin letters.
func withoutDiacritics(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		if r < 0x300 || r > 0x36f {
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(strings.NewReplacer("ł", "l", "đ", "d", "ø", "o", "ı", "i", "ß", "ss", "æ", "ae").Replace(b.String()))
}

// swapped has two letters in the wrong order in every third word of letters.
func swapped(s string) string {
	words := strings.Fields(s)
	for i := 0; i < len(words); i += 3 {
		if r := []rune(words[i]); len(r) > 3 {
			r[1], r[2] = r[2], r[1]
			words[i] = string(r)
		}
	}
	return strings.Join(words, " ")
}

func TestSupportTextsNoisy(t *testing.T) {
	t.Parallel()
	y, written := newTally(), newTally()
	for i, e := range examples(t, "support.txt") {
		y.judge(t, example{e.tag, noise(e.text, i)})
		y.judge(t, example{e.tag, noise(e.text, i+3)})
	}
	for _, e := range examples(t, "noisy.txt") {
		written.judge(t, e)
	}
	y.log(t, "noise added")
	written.log(t, "noisy as written")
	share, _, _ := y.share()
	require.GreaterOrEqual(t, share, 0.95)
	share, _, _ = written.share()
	require.GreaterOrEqual(t, share, 0.95)
	share, _, _ = y.share("zh", "zh-Hant")
	require.GreaterOrEqual(t, share, 0.98)
}

func TestUnsupportedLanguages(t *testing.T) {
	t.Parallel()
	sure, total := 0, 0
	for _, e := range examples(t, "unsupported.txt") {
		got, confidence := Detect(e.text)
		total++
		if confidence > 0.6 {
			sure++
			t.Logf("%s taken for %s (%.2f): %s", e.tag, got, confidence, e.text)
		} else if got != "und" {
			t.Logf("%s guessed %s (%.2f): %s", e.tag, got, confidence, e.text)
		}
	}
	t.Logf("%d of %d sure", sure, total)
	require.LessOrEqual(t, float64(sure)/float64(total), 0.05)
}
