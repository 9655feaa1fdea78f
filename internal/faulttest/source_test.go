//go:build linux

package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// oddities make things in a folder of articles that are no articles.
func oddities(dir string) map[string]func() error {
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, content string) func() error {
		return func() error { return os.WriteFile(at(name), []byte(content), 0o600) }
	}
	return map[string]func() error{
		"FIFO":                 func() error { return syscall.Mkfifo(at("fifo.md"), 0o600) },
		"link to itself":       func() error { return os.Symlink("loop.md", at("loop.md")) },
		"folder in itself":     func() error { return os.Symlink(".", at("again")) },
		"link outwards":        func() error { return os.Symlink("/etc/passwd", at("passwd.md")) },
		"broken link":          func() error { return os.Symlink("nowhere", at("broken.md")) },
		"device":               func() error { return os.Symlink("/dev/zero", at("zero.md")) },
		"socket":               func() error { return socket(at("socket.md")) },
		"sparse file of 10 GB": func() error { return sparse(at("sparse.md"), 10<<30) },
		"binary":               write("binary.md", "\x7fELF\x00\x01\x02"+strings.Repeat("\x00\xff", 4000)),
		"UTF-16 without mark":  write("wide.md", "#\x00 \x00T\x00i\x00t\x00l\x00e\x00\n\x00"),
		"name with newline":    write("new\nline.md", "# Title\n\nText.\n"),
		"name not UTF-8":       write("latin\xe9.md", "# Title\n\nText.\n"),
		"unreadable folder":    func() error { return os.MkdirAll(at("locked"), 0) },
		"folder named .md":     func() error { return os.MkdirAll(at("folder.md"), 0o755) },
		"line of 30 MB":        write("long.jsonl", `{"id":"long","title":"t","body":"`+strings.Repeat("a", 30<<20)),
		"cut gzip":             write("cut.jsonl.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab"),
		"bomb of blanks":       write("blank.md", strings.Repeat(" \n", 1<<20)),
	}
}

func socket(name string) error {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return syscall.Bind(fd, &syscall.SockaddrUnix{Name: name})
}

func sparse(name string, size int64) error {
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(name, size)
}

func TestOddSources(t *testing.T) {
	y := begin(t, "F11", "files in a source that are none")
	tmp, err := os.MkdirTemp("", "odd") // short: a socket's path has at most 108 bytes
	require.NoError(t, err)
	defer os.RemoveAll(tmp)
	w := newWorld(t, tmp)
	all := oddities(w.src)
	for _, what := range slices.Sorted(maps.Keys(all)) {
		if *trials == 0 && what != "FIFO" {
			continue
		}
		w.revise()
		if err := all[what](); err != nil {
			y.note = what + " cannot be made here"
			continue
		}
		began := time.Now()
		out, err := w.run(context.Background(), "ingest", w.src, "--json")
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		} else if err = w.sound(true); err == nil && !counted(out) {
			err = fmt.Errorf("the report counts nothing that was left out: %s", out)
		}
		y.trial(fmt.Sprintf("%s, %v", what, time.Since(began)), err)
	}
	_ = os.Chmod(filepath.Join(w.src, "locked"), 0o755)
	if y.note == "" {
		y.note = "left out with their reasons; what stands beside them is refreshed"
	}
}

// counted reports whether a report says that something was skipped.
func counted(report []byte) bool {
	var r struct {
		Sources []struct {
			Skipped map[string]int `json:"skipped"`
		} `json:"sources"`
	}
	start := strings.IndexByte(string(report), '{')
	if start < 0 || json.Unmarshal(report[start:], &r) != nil {
		return false
	}
	for _, s := range r.Sources {
		if len(s.Skipped) > 0 {
			return true
		}
	}
	return false
}

// TestVanishedSource empties a source: the generation before must stay until somebody insists.
func TestVanishedSource(t *testing.T) {
	y := begin(t, "F11", "most of a source vanishes")
	w := newWorld(t, t.TempDir())
	require.NoError(t, os.Rename(filepath.Join(w.src, "stays.jsonl"), filepath.Join(t.TempDir(), "stays.jsonl")))
	w.revise()
	out, err := w.run(context.Background(), "ingest", w.src)
	if err == nil {
		err = fmt.Errorf("two thirds of the articles vanished without a word: %s", out)
	} else if err = plain(out); err == nil {
		rev, _, serr := w.serves()
		if err = serr; err == nil && rev != w.rev-1 {
			err = fmt.Errorf("revision %d serves", rev)
		}
	}
	y.trial("", err)
	out, err = w.run(context.Background(), "ingest", "--force", w.src)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	} else {
		err = w.sound(true)
	}
	y.trial("--force", err)
	y.note = "refused until forced"
}

// TestHostileFiles reads hostile files, where they are at hand: none may stop the others, take long or leave a trace outside.
func TestHostileFiles(t *testing.T) {
	y := begin(t, "F12", "hostile files, such as archives that unpack to far more and Markdown that takes quadratic time")
	hostile, err := filepath.Abs("../../../shared/data/hostile")
	require.NoError(t, err)
	if _, err := os.Stat(hostile); err != nil || *trials == 0 {
		y.skip("no hostile files here, or the short selection")
	}
	w := newWorld(t, t.TempDir())
	groups, err := os.ReadDir(hostile)
	require.NoError(t, err)
	texts := t.TempDir()
	files, worst := 0, time.Duration(0)
	for _, g := range groups {
		if !g.IsDir() {
			continue
		}
		w.revise()
		files += asFiles(t, filepath.Join(hostile, g.Name()), filepath.Join(texts, g.Name()))
		began := time.Now()
		out, err := w.run(context.Background(), "ingest", w.src, filepath.Join(texts, g.Name()))
		worst = max(worst, time.Since(began))
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		} else if err = plain(out); err == nil && bytes.Contains(out, []byte("parse timeout")) {
			err = fmt.Errorf("a text took a parser two seconds: %s", out)
		} else if err == nil {
			err = w.sound(true)
		}
		y.trial(g.Name(), err)
	}
	left, err := os.ReadDir(filepath.Dir(w.dir))
	require.NoError(t, err)
	require.Len(t, left, 2, "something was written outside of the data folder")
	y.note = fmt.Sprintf("a folder of files each, %d together, %.1f s for the slowest", files, worst.Seconds())
}

// asFiles writes every text of the JSON Lines files of a folder as a file, in turn in each format, and returns how many they are.
func asFiles(t *testing.T, from, to string) int {
	formats := []string{"md", "html", "rst", "txt", "mdx", "csv", "jsonl", "docx", "pdf"}
	require.NoError(t, os.MkdirAll(to, 0o755))
	n := 0
	for _, name := range files(t, from, func(name string) bool { return strings.HasSuffix(name, ".jsonl") }) {
		raw, err := os.ReadFile(filepath.Join(from, name))
		require.NoError(t, err)
		for line := range strings.Lines(string(raw)) {
			var v any
			require.NoError(t, json.Unmarshal([]byte(line), &v))
			text := strings.Join(textsOf(v), "\n\n")
			require.NoError(t, os.WriteFile(filepath.Join(to, fmt.Sprintf("%06d.%s", n, formats[n%len(formats)])), []byte(text), 0o600))
			n++
		}
	}
	return n
}

// repeated writes out a part of a text, {"s": text, "n": times}; empty for anything else.
func repeated(v any) string {
	part, _ := v.(map[string]any)
	s, _ := part["s"].(string)
	times, _ := part["n"].(float64)
	return strings.Repeat(s, int(min(max(times, 0), 1<<20)))
}

// textsOf collects the texts of a JSON value; a list of repeated parts is one text.
func textsOf(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		whole := ""
		for _, e := range v {
			out = append(out, textsOf(e)...)
			whole += repeated(e)
		}
		if whole != "" {
			return []string{whole}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, textsOf(v[k])...)
		}
	}
	return out
}
