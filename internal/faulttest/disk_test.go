//go:build linux

package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDiskFullInRefresh(t *testing.T) {
	for _, full := range []struct{ what, option string }{{"bytes", "size=%dk"}, {"inodes", "nr_inodes=%d"}} {
		t.Run(full.what, func(t *testing.T) {
			y := begin(t, "F5", "no "+full.what+" left in a refresh, then room again")
			if *trials == 0 {
				y.skip("not in the short selection")
			}
			y.needRoot()
			dir := t.TempDir()
			disk := filepath.Join(dir, "disk")
			y.mount(disk, "-t", "tmpfs", "-o", "size=64m", "tmpfs")
			w := newWorld(t, dir)
			w.dir, w.pad = filepath.Join(disk, "data"), 6000
			failed := 0
			require.NoError(t, w.tidy())
			for range y.rounds(count(0, 20)) {
				w.revise()
				used, step := usage(t, disk, full.what), 1000
				if full.what == "inodes" {
					step = 25
				}
				must(t, "mount", "-o", "remount,"+fmt.Sprintf(full.option, used+1+y.r.IntN(step)), disk)
				out, err := w.run(context.Background(), "ingest", w.src)
				done := err == nil
				if !done {
					failed++
				}
				if err = plain(out); err == nil {
					err = w.sound(done)
				}
				must(t, "mount", "-o", "remount,size=64m,nr_inodes=100000", disk)
				if err == nil {
					err = w.tidy()
				}
				y.trial("", err)
			}
			y.note = fmt.Sprintf("%d refreshes failed with an error, all succeeded with room", failed)
		})
	}
}

// usage is what is used of a file system: KiB, or inodes.
func usage(t *testing.T, dir, what string) int {
	n := 0
	require.NoError(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || what == "inodes" {
			n++
			return err
		}
		info, err := d.Info()
		if err == nil && d.Type().IsRegular() {
			n += int(info.Size()+4095) / 4096 * 4
		}
		return err
	}))
	return n
}

func TestDiskFullWhileWriting(t *testing.T) {
	y := begin(t, "F5", "disk full under a writing client, then room again")
	if *trials == 0 {
		y.skip("not in the short selection")
	}
	y.needRoot()
	disk := filepath.Join(t.TempDir(), "disk")
	y.mount(disk, "-t", "tmpfs", "-o", "size=64m", "tmpfs")
	w := newWorld(t, disk).withModel()
	l := &ledger{}
	s, err := w.serve()
	require.NoError(t, err)
	defer func() { s.kill() }()
	refused := 0
	for range y.rounds(count(0, 10)) {
		from := len(l.acks)
		fill := filepath.Join(disk, "fill")
		_ = os.WriteFile(fill, make([]byte, 70<<20), 0o600) // as much as there is room for
		for range 20 {
			a := ack{request: l.request()}
			status, reply := s.call("POST", "/v1/triage", triage(a.request))
			if a.reply = reply; status == http.StatusOK {
				l.add(a)
				continue
			}
			refused++
			if status != http.StatusTooManyRequests || !bytes.Contains(reply, []byte("DISK_FULL")) {
				err = errors.Join(err, fmt.Errorf("refused with %d %s", status, reply))
			}
		}
		if status, reply := s.call("GET", "/v1/search?query="+mark(1), nil); status != http.StatusOK {
			err = errors.Join(err, fmt.Errorf("search on a full disk: %d %s", status, reply))
		}
		require.NoError(t, os.Remove(fill))
		request := l.request()
		if status, reply := s.call("POST", "/v1/triage", triage(request)); status != http.StatusOK {
			err = errors.Join(err, fmt.Errorf("with room again: %d %s", status, reply))
		}
		y.trial("", errors.Join(err, s.holds(l, from)))
		err = nil
	}
	y.note = fmt.Sprintf("%d writes refused, %d acknowledged", refused, len(l.acks))
}

func TestReadOnly(t *testing.T) {
	y := begin(t, "F6", "read-only data folder")
	if *trials == 0 {
		y.skip("not in the short selection")
	}
	y.needRoot()
	y.need("mount")
	w := newWorld(t, t.TempDir()).withModel()
	y.mount(w.dir, "--bind", w.dir)
	must(t, "mount", "-o", "remount,bind,ro", w.dir)
	y.trial("search and verification", w.sound(true))
	y.trial("serve", w.searchesOnly())
	for _, args := range [][]string{{"ingest", w.src}, {"kb", "gc"}, {"triage", "the disk is full"}} {
		out, err := w.run(context.Background(), args...)
		switch {
		case err == nil:
			err = errors.New("it succeeded")
		case !bytes.Contains(out, []byte(w.dir)):
			err = fmt.Errorf("the folder is not named: %s", out)
		default:
			err = plain(out)
		}
		y.trial(args[0], err)
	}
	must(t, "mount", "-o", "remount,bind,rw", w.dir)
	y.trial("writable again", w.tidy())
	y.note = "search, kb verify and searches of serve work; what must write ends with a line that names the folder"
}

// searchesOnly starts a service that cannot write: it must answer searches, and refuse tickets with a reason.
func (w *world) searchesOnly() error {
	s, err := w.serve()
	if err != nil {
		return err
	}
	defer s.kill()
	if status, reply := s.call("GET", "/v1/search?query="+mark(w.seen), nil); status != http.StatusOK || !bytes.Contains(reply, []byte("articleId")) {
		return fmt.Errorf("search: %d %s", status, reply)
	}
	if status, reply := s.call("POST", "/v1/triage", triage("r")); status != http.StatusServiceUnavailable || !bytes.Contains(reply, []byte("READ_ONLY")) {
		return fmt.Errorf("triage: %d %s", status, reply)
	}
	if status, reply := s.call("GET", "/v1/status", nil); status != http.StatusOK || !bytes.Contains(reply, []byte("cannot write its data folder")) {
		return fmt.Errorf("status: %d %s", status, reply)
	}
	return nil
}
