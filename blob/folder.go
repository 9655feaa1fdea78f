package blob

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"prediag"
)

const (
	tempMark  = ".tmp-"
	tempAge   = 24 * time.Hour // from which on an unfinished file is taken for left behind
	chunkSize = 256 << 10      // bytes of one read or write
	maxHung   = 16             // calls that may hang in the operating system at one time
)

// Folder is a store in a folder, which may be a network file system that several machines mount. A file is written beside
// its place, synced and renamed.
type Folder struct {
	dir      string
	patience time.Duration
	slots    chan struct{} // one for each call to the operating system under way
}

// NewFolder returns the store in the folder dir, which must be there when the store is used: one that is missing is taken
// for a share that is not mounted.
func NewFolder(dir string, patience time.Duration) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil || dir == "" {
		return nil, invalid("the folder %q of the store cannot be named", dir)
	}
	return &Folder{dir: abs, patience: patience, slots: make(chan struct{}, maxHung)}, nil
}

// call runs one call to the operating system. A network file system that is away lets it hang and cannot be interrupted:
// then the call is left behind, and what it uses must not be touched again.
func (f *Folder) call(ctx context.Context, do func() error) error {
	wait := time.NewTimer(f.patience)
	defer wait.Stop()
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return unreachable(f.dir, errors.New("earlier calls still hang"))
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-f.slots }()
		done <- do()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return unreachable(f.dir, errors.New("a call hangs"))
	}
}

// mounted reports, as an error, that the folder is not there.
func (f *Folder) mounted() error {
	info, err := os.Stat(f.dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return unreachable(f.dir, errors.New("there is no such folder; make it, or mount the share"))
	}
	return err
}

// fault gives an error of the file system a kind.
func (f *Folder) fault(name string, err error) error {
	var known *prediag.Error
	switch {
	case err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return notFound(name)
	case errors.Is(err, fs.ErrPermission):
		return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "STORE_REFUSED", Err: err,
			Message: fmt.Sprintf("the folder %q of the store refuses this user; let it read there, and a builder write", f.dir)}
	}
	return unreachable(f.dir, err)
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// Put writes an object.
func (f *Folder) Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	target := f.path(name)
	var temp *os.File
	err := f.call(ctx, func() error {
		if err := f.mounted(); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		t, err := os.CreateTemp(filepath.Dir(target), tempMark+"*")
		temp = t
		return err
	})
	if err != nil {
		return f.fault(name, err)
	}
	err = f.fill(ctx, temp, r, size)
	if err == nil {
		err = f.call(ctx, func() error {
			if err := errors.Join(temp.Chmod(0o644), temp.Sync(), temp.Close()); err != nil {
				return err
			}
			return errors.Join(os.Rename(temp.Name(), target), syncFolder(filepath.Dir(target)))
		})
	}
	if err != nil {
		go func() { _, _ = temp.Close(), os.Remove(temp.Name()) }() // it may hang, and says nothing new
	}
	return f.fault(name, err)
}

// fill copies exactly size bytes, chunk by chunk.
func (f *Folder) fill(ctx context.Context, w io.Writer, r io.Reader, size int64) error {
	for left := size; ; {
		chunk := make([]byte, min(left+1, chunkSize)) // its own: a call that hangs may still be writing it out
		n, err := io.ReadFull(r, chunk)
		if n > 0 {
			if err := f.call(ctx, func() error { _, err := w.Write(chunk[:n]); return err }); err != nil {
				return err
			}
		}
		left -= int64(n)
		switch {
		case left < 0 || left > 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
			return invalid("an object of %d bytes was announced, and has another size", size)
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// Get reads an object.
func (f *Folder) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	var file *os.File
	err := f.call(ctx, func() error {
		o, err := os.Open(f.path(name))
		file = o
		return err
	})
	if err != nil {
		return nil, f.fault(name, err)
	}
	r := &patientReader{folder: f, ctx: ctx, file: file}
	return struct {
		io.Reader
		io.Closer
	}{bufio.NewReaderSize(r, chunkSize), file}, nil
}

// patientReader reads a file by calls that do not hang.
type patientReader struct {
	folder *Folder
	ctx    context.Context
	file   *os.File
}

func (r *patientReader) Read(p []byte) (n int, err error) {
	own := make([]byte, len(p)) // a call that hangs may still be reading into it
	var got int
	err = r.folder.call(r.ctx, func() (err error) {
		got, err = r.file.Read(own)
		return err
	})
	if err != nil {
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		return 0, r.folder.fault(r.file.Name(), err)
	}
	return copy(p, own[:got]), nil
}

// List calls each for the objects. Unfinished files that somebody left behind long ago are removed on the way.
func (f *Folder) List(ctx context.Context, prefix string, each func(name string, size int64, modified time.Time) error) error {
	type object struct {
		name     string
		size     int64
		modified time.Time
	}
	var found []object
	folder := f.path(prefix[:strings.LastIndex(prefix, "/")+1])
	err := f.call(ctx, func() error {
		if err := f.mounted(); err != nil {
			return err
		}
		var list []object
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // no such folder, or removed since
			}
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
				return nil
			}
			if err != nil {
				return err
			}
			if strings.HasPrefix(d.Name(), tempMark) {
				removeOld(path, info)
				return nil
			}
			rel, err := filepath.Rel(f.dir, path)
			if name := filepath.ToSlash(rel); err == nil && strings.HasPrefix(name, prefix) {
				list = append(list, object{name, info.Size(), info.ModTime()})
			}
			return err
		})
		found = list
		return err
	})
	if err != nil {
		return f.fault(prefix, err)
	}
	for _, o := range found {
		if err := each(o.name, o.size, o.modified); err != nil {
			return err
		}
	}
	return nil
}

func removeOld(path string, info fs.FileInfo) {
	if time.Since(info.ModTime()) > tempAge {
		_ = os.Remove(path) // the next list tries again
	}
}

// Delete removes an object.
func (f *Folder) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	err := f.call(ctx, func() error { return os.Remove(f.path(name)) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.fault(name, err)
}

// syncFolder makes the names in a folder durable. Windows knows no such call and needs none.
func syncFolder(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
