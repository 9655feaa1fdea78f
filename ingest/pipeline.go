package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime/debug"
	"sync"

	"prediag"
)

// unit is one file, or one record of a file of records, on its way from the source to the report.
type unit struct {
	path  string
	key   string // of the file: the first part of its articles' fingerprints
	file  bool   // stands for a file, not for a record in one
	line  bool   // raw is a record
	raw   []byte // nil: nothing to parse
	ready chan struct{}

	// Set when ready is closed.
	skip    string // why there is no article
	id      string // of the article; empty with skip, and for a file of records
	print   string
	article *prediag.Article // nil: unchanged
}

// units walks a source, parses what is new with the workers, and yields the results in the order of the walk. Walking
// keeps only a few units ahead of the reader.
func (r *refresh) units(ctx context.Context, st *sourceState) iter.Seq2[*unit, error] {
	return func(yield func(*unit, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		ordered := make(chan *unit, 4*r.opt.Workers)
		jobs := make(chan *unit, 4*r.opt.Workers)
		var walkErr error
		wg.Go(func() {
			defer close(ordered)
			defer close(jobs)
			walkErr = r.walk(ctx, st.src, ordered, jobs)
		})
		for range r.opt.Workers {
			wg.Go(func() {
				for u := range jobs {
					r.work(ctx, st, u)
					close(u.ready)
				}
			})
		}
		for u := range ordered {
			<-u.ready
			if !yield(u, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		} else if walkErr != nil {
			yield(nil, walkErr)
		}
	}
}

// walk walks a source. A panic in it becomes an error, for it would otherwise end the process.
func (r *refresh) walk(ctx context.Context, src Source, ordered, jobs chan<- *unit) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("source %q: panic: %v\n%s", src.Name(), p, debug.Stack())
		}
	}()
	return src.Walk(ctx, func(it Item) error { return r.offer(ctx, it, ordered, jobs) })
}

// offer reads a file of the source and sends its units on their way.
func (r *refresh) offer(ctx context.Context, it Item, ordered, jobs chan<- *unit) error {
	send := func(u *unit) error {
		u.key, u.ready = fileKey(it.Path), make(chan struct{})
		for _, to := range [...]chan<- *unit{jobs, ordered} {
			select {
			case to <- u:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	u := &unit{path: it.Path, file: true, skip: it.Skip}
	if it.Skip != "" {
		return send(u)
	}
	f, err := it.Open()
	if err != nil {
		r.opt.Logger.WarnContext(ctx, "file cannot be opened", "path", it.Path, "err", err)
		u.skip = SkipUnreadable
		return send(u)
	}
	defer func() { _ = f.Close() }()
	switch formatOf(it.Path) {
	case formatJSONL, formatJSONLGzip:
		return r.offerLines(it, f, send)
	}
	if u.raw, u.skip = readAll(f, it.Size, r.opt.MaxItemBytes); u.skip != "" {
		u.raw = nil
	}
	return send(u)
}

// readAll reads a file of at most limit bytes.
func readAll(f io.Reader, size, limit int64) ([]byte, string) {
	if size > limit {
		return nil, SkipTooLarge
	}
	raw := make([]byte, 0, max(size, 0)+512)
	raw, err := appendAll(raw, io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, SkipUnreadable
	case int64(len(raw)) > limit:
		return nil, SkipTooLarge
	case len(raw) == 0:
		return nil, SkipEmpty
	}
	return raw, ""
}

// appendAll reads r to its end into raw.
func appendAll(raw []byte, r io.Reader) ([]byte, error) {
	for {
		if len(raw) == cap(raw) {
			raw = append(raw, 0)[:len(raw)]
		}
		n, err := r.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		if errors.Is(err, io.EOF) {
			return raw, nil
		}
		if err != nil {
			return raw, err
		}
	}
}

// work tells whether a unit is known already, and parses it when it is not.
func (r *refresh) work(ctx context.Context, st *sourceState, u *unit) {
	if u.raw == nil {
		return
	}
	name := st.src.Name()
	u.print = fingerprint(u.key, name, u)
	if id, known := st.prints[u.print]; known {
		u.id, u.raw = id, nil
		return
	}
	a, reason, err := r.guard.parse(ctx, func() (prediag.Article, string) {
		if u.line {
			return parseRecord(name, u.path, u.raw)
		}
		return parseFile(name, u.path, u.raw)
	})
	u.raw = nil
	if err != nil {
		r.opt.Logger.ErrorContext(ctx, "article cannot be parsed", "source", name, "path", u.path, "err", err)
	}
	if reason == "" {
		reason = admissible(&a)
	}
	if u.skip = reason; reason == "" {
		u.id, u.article = a.ID, &a
	}
}

// fileKey names a file in its articles' fingerprints.
func fileKey(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:8])
}

// fingerprint is the key of the file and the hash of everything that an article is made from: the parser's version, the
// source's name, the path and the raw bytes.
func fingerprint(key, source string, u *unit) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %q %t\n", parserVersion, source, u.path, u.line)
	h.Write(u.raw)
	return key + "-" + hex.EncodeToString(h.Sum(nil)[:16])
}
