//go:build linux

package faulttest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// disk is an ext4 file system in a file. What its cache holds and has not written yet is not in the file: a copy of the file
// is what a power cut would have left.
type disk struct {
	y     *tally
	image string
	dir   string // where it is mounted
}

func newDisk(y *tally) *disk {
	y.needRoot()
	y.need("mkfs.ext4", "mount", "cp")
	at := y.t.TempDir()
	d := &disk{y: y, image: filepath.Join(at, "image"), dir: filepath.Join(at, "disk")}
	require.NoError(y.t, os.WriteFile(d.image, nil, 0o600))
	require.NoError(y.t, os.Truncate(d.image, 96<<20))
	must(y.t, "mkfs.ext4", "-q", "-F", d.image)
	y.mount(d.dir, "-o", "loop", d.image)
	return d
}

// cut copies what the disk would hold after a power cut while the processes of a group stand still, mounts it and lets look
// at it. The path of a world on the disk is the same on the copy, below its dir.
//
// Nothing may answer any more while the copy is made, but an answer may have been on its way to its client; before stopped
// is called there is time for it to arrive.
func (d *disk) cut(group int, stopped func(), look func(dir string) error) (err error) {
	if err := syscall.Kill(-group, syscall.SIGSTOP); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	time.Sleep(20 * time.Millisecond)
	stopped()
	image, dir := d.image+"-copy", d.dir+"-copy"
	out, err := exec.Command("cp", "--sparse=always", d.image, image).CombinedOutput()
	_ = syscall.Kill(-group, syscall.SIGCONT)
	if err != nil {
		return fmt.Errorf("copy: %w: %s", err, out)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mount the copy: %w: %s", err, out)
	}
	defer func() {
		if out, uerr := exec.Command("umount", dir).CombinedOutput(); uerr != nil {
			err = errors.Join(err, fmt.Errorf("umount: %w: %s", uerr, out))
		}
	}()
	return look(dir)
}

// on is the same world at another place.
func (w *world) on(dir string) *world {
	v := *w
	v.dir = filepath.Join(dir, "data")
	return &v
}

func TestPowerCutInRefresh(t *testing.T) {
	y := begin(t, "F3", "power cut in or right after a refresh")
	if *trials == 0 {
		y.skip("not in the short selection")
	}
	d := newDisk(y)
	w := newWorld(t, d.dir)
	must(t, "sync", "-f", d.dir)
	usual, finished := w.usual(), 0
	must(t, "sync", "-f", d.dir)
	for range y.rounds(count(0, 100)) {
		w.revise()
		must(t, "sync", "-f", w.src)
		c := w.command(context.Background(), "ingest", w.src)
		require.NoError(t, c.Start())
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		after := time.Duration(y.r.Float64() * 2.5 * float64(usual))
		done, err := false, error(nil)
		select {
		case <-time.After(after):
		case err = <-ended:
			done = err == nil
			finished++
			ended <- nil
		}
		if err == nil {
			err = d.cut(c.Process.Pid, func() {}, func(dir string) error { return w.on(dir).sound(done) })
		}
		<-ended
		if err == nil {
			err = w.sound(false)
		}
		y.trial(fmt.Sprintf("%v, done %v", after, done), err)
	}
	y.note = fmt.Sprintf("%d of them after the refresh had said that it was done", finished)
}

func TestPowerCutWhileWriting(t *testing.T) {
	y := begin(t, "F3", "power cut under writing clients")
	if *trials == 0 {
		y.skip("not in the short selection")
	}
	d := newDisk(y)
	w := newWorld(t, d.dir).withModel()
	must(t, "sync", "-f", d.dir)
	l := &ledger{}
	for range y.rounds(count(0, 50)) {
		s, err := w.serve()
		if err != nil {
			y.trial("", err)
			continue
		}
		from := len(l.acks)
		done := s.load(l, 4)
		l.await(from)
		time.Sleep(time.Duration(y.r.IntN(300)) * time.Millisecond)
		told := &ledger{}
		err = d.cut(s.cmd.Process.Pid, func() { told.acks = l.since(from) }, func(dir string) error {
			s.kill()
			return w.on(dir).kept(told)
		})
		done.Wait()
		y.trial("", err)
	}
	require.NotEmpty(t, l.acks)
	y.note = fmt.Sprintf("%d tickets acknowledged", len(l.acks))
}

// kept starts a service on the world and checks what was acknowledged.
func (w *world) kept(l *ledger) error {
	s, err := w.serve()
	if err != nil {
		return err
	}
	defer s.kill()
	return s.holds(l, 0)
}
