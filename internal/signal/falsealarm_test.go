package signal

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFalseAlarms says what fires on texts of others, where they are at hand: hardly any of them is a ticket that needs
// a human at once. SHOW=1 prints each.
func TestFalseAlarms(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/classify/*/train.jsonl.gz")
	more, _ := filepath.Glob("../../../shared/data/retrieval/*/queries.jsonl")
	if len(files) == 0 {
		t.Skip("no data of others at hand")
	}
	f := finder(t)
	for _, name := range append(files, more...) {
		texts := readTexts(t, name)
		var n [kinds]int
		for _, s := range texts {
			var seen [kinds]bool
			for _, h := range f.Find(s) {
				if !seen[h.Kind] {
					seen[h.Kind] = true
					n[h.Kind]++
					if os.Getenv("SHOW") != "" {
						fmt.Printf("%s\t%s\t%s\t%q\t%.200q\n", filepath.Base(filepath.Dir(name)), h.Kind, h.Language, h.Quote, s)
					}
				}
			}
		}
		t.Logf("%-18s %6d texts, per 1,000: %s", filepath.Base(filepath.Dir(name)), len(texts), rates(n, len(texts)))
	}
}

func rates(n [kinds]int, of int) string {
	var parts []string
	for k := range kinds {
		parts = append(parts, fmt.Sprintf("%s %.2f", k, 1000*float64(n[k])/float64(of)))
	}
	return strings.Join(parts, ", ")
}

func readTexts(t *testing.T, name string) []string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		lines = bufio.NewScanner(z)
	}
	lines.Buffer(nil, 1<<24)
	var out []string
	for lines.Scan() {
		var r struct{ Text, Query string }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Text+r.Query)
	}
	return out
}
