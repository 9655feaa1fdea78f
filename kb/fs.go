package kb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// syncFile makes the content of one file durable.
func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes the names in a folder durable. Windows knows no such call and needs none.
func syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeFile writes a new file durably; its folder is left to the caller.
func writeFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// replaceFile replaces a file in one step: a reader finds the old content or the new, whatever happens in between.
func replaceFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+tempMark+"*") // two processes may replace it at once
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(name))
}

// tempMark stands in the names of files that are not finished.
const tempMark = ".tmp"

// makeDir makes a folder and those above it, durably: a power cut must not take a folder with all that is in it.
func makeDir(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(name)
	if parent != name {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(name, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// removeWhole removes a file or folder of the knowledge base's folder dir. A generation first gets the name of a left-over:
// a process that is killed meanwhile must not leave half of one that looks like a damaged one.
func removeWhole(dir, name string) error {
	at := filepath.Join(dir, name)
	if _, ok := parseGenName(name); ok {
		gone := filepath.Join(dir, buildPrefix+"removed-"+name)
		if err := os.RemoveAll(gone); err != nil {
			return err
		}
		if err := os.Rename(at, gone); err != nil {
			return err
		}
		at = gone
	}
	return os.RemoveAll(at)
}

// hashFile is the SHA-256 of a file in hex and its size in bytes.
func hashFile(ctx context.Context, name string) (string, int64, error) {
	return hashPaced(ctx, name, 0)
}

// hashPaced is hashFile at no more than rate bytes a second; 0: as fast as it goes.
func hashPaced(ctx context.Context, name string, rate int64) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, &contextReader{ctx: ctx, r: f, rate: rate, began: time.Now()})
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// contextReader ends a long read when its context does, and slows it down to a rate where it has one.
type contextReader struct {
	ctx   context.Context
	r     io.Reader
	rate  int64 // bytes a second; 0: any
	began time.Time
	read  int64
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.read += int64(n)
	if c.rate > 0 {
		ahead := time.Duration(float64(c.read)/float64(c.rate)*float64(time.Second)) - time.Since(c.began)
		if ahead > 10*time.Millisecond {
			timer := time.NewTimer(ahead)
			defer timer.Stop()
			select {
			case <-c.ctx.Done():
				return n, c.ctx.Err()
			case <-timer.C:
			}
		}
	}
	return n, err
}

// linkFile gives the immutable file old a second name, or copies it where the file system has no hard links.
func linkFile(ctx context.Context, old, name string) error {
	if os.Link(old, name) == nil {
		return nil
	}
	if err := copyFile(ctx, old, name); err != nil {
		return err
	}
	return syncFile(name) // a link's content is durable already, so nobody else will do it
}

// copyFile copies a file that the copy's owner will write to.
func copyFile(ctx context.Context, old, name string) error {
	in, err := os.Open(old)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, &contextReader{ctx: ctx, r: in}); err != nil {
		err = fmt.Errorf("copy %q: %w", old, err)
	}
	return errors.Join(err, out.Close())
}
