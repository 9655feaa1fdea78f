package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"prediag"
)

// tree is a source over a folder or file system.
type tree struct {
	name string
	open func() (fs.FS, func() error, error) // called at every walk, so that a folder that went away is noticed
}

// Dir returns a source over the files in the folder root: Markdown (.md, .markdown, .mdx), reStructuredText (.rst), HTML
// (.html, .htm), plain text (.txt), Word (.docx), PDF (.pdf), JSON Lines (.jsonl, .jsonl.gz) and CSV (.csv, .tsv). Symbolic links are followed to files inside the folder and nowhere
// else. It returns an error of kind ErrInvalid when root is not a folder that can be read.
func Dir(name, root string) (Source, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, sourceError(root, "is not a path", err)
	}
	t := tree{name: name, open: func() (fs.FS, func() error, error) {
		r, err := os.OpenRoot(abs)
		if err != nil {
			return nil, nil, err
		}
		return rootFS{r}, r.Close, nil
	}}
	fsys, closeRoot, err := t.open()
	if err != nil {
		return nil, sourceError(root, "cannot be opened as a folder; check the path and its permissions", err)
	}
	defer func() { _ = closeRoot() }()
	if _, err := fs.ReadDir(fsys, "."); err != nil {
		return nil, sourceError(root, "cannot be listed; check its permissions", err)
	}
	return t, nil
}

// FS returns a source over the files of a file system, such as an embedded one.
func FS(name string, fsys fs.FS) Source {
	return tree{name: name, open: func() (fs.FS, func() error, error) { return fsys, func() error { return nil }, nil }}
}

// Open returns the source that a command line names: a folder, or a single file of one of the formats that Dir reads.
// The source's name is the folder's or file's, without extension. Anything else gets an error of kind ErrInvalid that
// says what to do instead.
func Open(arg string) (Source, error) {
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, sourceError(arg, "does not exist; name a folder of articles or a .jsonl, .jsonl.gz, .md or .rst file", nil)
	case err != nil:
		return nil, sourceError(arg, "cannot be read; check the path and its permissions", err)
	}
	name := sourceName(arg)
	if info.IsDir() {
		return Dir(name, arg)
	}
	low := strings.ToLower(arg)
	for _, ext := range [...]string{".tar.gz", ".tgz", ".tar", ".zip", ".tar.bz2", ".tar.xz", ".7z", ".rar"} {
		if strings.HasSuffix(low, ext) {
			return nil, sourceError(arg, "is an archive; unpack it first and name the folder", nil)
		}
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, sourceError(arg, "is neither a folder nor a regular file", nil)
	case formatOf(arg) == "":
		return nil, sourceError(arg, "is of no known format; known are .md, .markdown, .mdx, .rst, .html, .txt, .docx, .pdf, .csv, .jsonl and .jsonl.gz", nil)
	}
	f, err := os.Open(arg)
	if err != nil {
		return nil, sourceError(arg, "cannot be read; check its permissions", err)
	}
	_ = f.Close()
	return single{name: name, file: arg}, nil
}

func sourceError(arg, what string, err error) error {
	return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "SOURCE_INVALID", Field: "source", Message: fmt.Sprintf("source %q %s", arg, what), Err: err}
}

// sourceName makes a source's name of a path: the last element without extension.
func sourceName(arg string) string {
	abs, err := filepath.Abs(arg)
	if err != nil {
		abs = arg
	}
	name := filepath.Base(abs)
	name = strings.TrimSuffix(name, ".gz")
	if formatOf(name) != "" {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	if name = slug(strings.Trim(clean(name), "./ ")); name == "" {
		return "kb"
	}
	return name
}

// single is a source of one file.
type single struct{ name, file string }

func (s single) Name() string { return s.name }

func (s single) Walk(_ context.Context, yield func(Item) error) error {
	info, err := os.Stat(s.file)
	if err != nil {
		return fmt.Errorf("source %q: %w", s.name, err)
	}
	if !info.Mode().IsRegular() {
		return sourceError(s.file, "is no longer a regular file", nil)
	}
	return yield(Item{Path: filepath.Base(s.file), Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(s.file) }})
}

// rootFS is an os.Root as a file system. Opening never waits, so that a pipe that took a file's place does no harm.
type rootFS struct{ *os.Root }

func (r rootFS) Open(name string) (fs.File, error) {
	return r.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (t tree) Name() string { return t.name }

// Walk lists the tree in the order of its names.
func (t tree) Walk(ctx context.Context, yield func(Item) error) error {
	fsys, closeRoot, err := t.open()
	if err != nil {
		return fmt.Errorf("source %q: %w", t.name, err)
	}
	defer func() { _ = closeRoot() }()
	return fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case err != nil && p == ".":
			return fmt.Errorf("source %q: %w", t.name, err)
		case err != nil:
			// WalkDir comes here for a folder that it could not list.
			return yield(Item{Path: p, Skip: SkipFolder, Folder: true})
		case p == ".":
			return nil
		case !goodName(d.Name()):
			return skipEntry(d, yield, Item{Path: strings.ToValidUTF8(p, "\ufffd"), Skip: SkipName})
		case hidden(d.Name()) && d.IsDir():
			return skipEntry(d, yield, Item{Path: p, Skip: SkipHiddenFolder})
		case hidden(d.Name()):
			return skipEntry(d, yield, Item{Path: p, Skip: SkipHidden})
		case d.IsDir():
			return nil
		}
		return yield(t.item(fsys, p, d))
	})
}

// skipEntry yields a file or folder that is left out, and keeps the walk from entering it.
func skipEntry(d fs.DirEntry, yield func(Item) error, it Item) error {
	it.Folder = d.IsDir()
	if err := yield(it); err != nil || !d.IsDir() {
		return err
	}
	return fs.SkipDir
}

// hidden reports whether a name is one that file managers hide because tools own it, such as .git. A dot before
// anything but a small letter may begin a product's name: documentation has folders called ".NET".
func hidden(name string) bool {
	return len(name) > 1 && name[0] == '.' && (name[1] == '_' || name[1] >= 'a' && name[1] <= 'z')
}

// goodName reports whether a file's name is text without control characters.
func goodName(name string) bool {
	return utf8.ValidString(name) && strings.IndexFunc(name, unicode.IsControl) < 0
}

// item describes a file for the walk, or says why it is left out.
func (t tree) item(fsys fs.FS, p string, d fs.DirEntry) Item {
	if reason := unsupported(p); reason != "" {
		return Item{Path: p, Skip: reason}
	}
	info, err := d.Info()
	if err == nil && d.Type()&fs.ModeSymlink != 0 {
		info, err = fs.Stat(fsys, p)
		if err != nil {
			return Item{Path: p, Skip: linkFault(err)}
		}
		if info.IsDir() {
			return Item{Path: p, Skip: SkipLinkFolder}
		}
	}
	switch {
	case err != nil:
		return Item{Path: p, Skip: SkipUnreadable}
	case !info.Mode().IsRegular():
		return Item{Path: p, Skip: SkipIrregular}
	}
	return Item{Path: p, Size: info.Size(), Open: func() (io.ReadCloser, error) { return openRegular(fsys, p) }}
}

// unsupported is the reason for which files of this name are not read, or empty.
func unsupported(p string) string {
	if formatOf(p) != "" {
		return ""
	}
	ext := strings.ToLower(path.Ext(p))
	if ext == "" || len(ext) > 10 {
		return skipNoExtension
	}
	return skipExtension + ext
}

// linkFault names what is wrong with a symbolic link that cannot be followed.
func linkFault(err error) string {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return SkipLinkBroken
	}
	return SkipLinkOutside
}

// openRegular opens a file and makes sure that it is still a regular one.
func openRegular(fsys fs.FS, p string) (io.ReadCloser, error) {
	f, err := fsys.Open(p)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q: %w", p, fs.ErrInvalid)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
