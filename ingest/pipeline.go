package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"prediag"
)

// unit is one file, or one record of a file of records, on its way from the source to the report.
type unit struct {
	item  Item
	key   string // of the file: the first part of its articles' fingerprints
	file  bool   // stands for a file, not for a record in one
	line  bool   // raw is a record
	raw   []byte // nil: nothing to parse
	ready chan struct{}

	// Set when ready is closed.
	skip    string // why there is no article
	id      string // of the article; empty with skip, and for a file of records
	print   string
	parsed  bool
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
			walkErr = r.walk(ctx, st, ordered, jobs)
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
		switch err := ctx.Err(); {
		case err != nil:
			yield(nil, err)
		case errors.Is(walkErr, ErrUnavailable):
			st.down = true
			st.rep.Error = strings.Replace(walkErr.Error(), ErrUnavailable.Error()+": ", "", 1) // the report says that already
			r.opt.Logger.WarnContext(ctx, "source unavailable", "source", st.src.Name(), "err", walkErr)
		case walkErr != nil:
			yield(nil, walkErr)
		}
	}
}

// walk walks a source, from where the last walk ended if it can. A panic in it becomes an error, for it would otherwise
// end the process.
func (r *refresh) walk(ctx context.Context, st *sourceState, ordered, jobs chan<- *unit) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("source %q: panic: %v\n%s", st.src.Name(), p, debug.Stack())
		}
	}()
	offer := func(it Item) error { return r.offer(ctx, it, ordered, jobs) }
	if st.inc == nil {
		return st.src.Walk(ctx, offer)
	}
	st.walked, err = st.inc.WalkSince(ctx, st.mark, offer)
	return err
}

// yieldEvery is how many files or records are read, hashed and compared in about a millisecond.
const yieldEvery = 50

// offer reads a file of the source and sends its units on their way.
func (r *refresh) offer(ctx context.Context, it Item, ordered, jobs chan<- *unit) error {
	key := fileKey(it.Path)
	send := func(u *unit) error {
		if r.offered++; r.offered%yieldEvery == 0 {
			r.opt.Yield()
		}
		u.key, u.ready = key, make(chan struct{})
		for _, to := range [...]chan<- *unit{jobs, ordered} {
			select {
			case to <- u:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	u := &unit{item: it, file: true, skip: it.Skip}
	if it.Skip != "" || it.Same || it.Gone {
		return send(u)
	}
	f, err := it.Open()
	if err != nil {
		r.opt.Logger.WarnContext(ctx, "file cannot be opened", "path", it.Path, "err", err)
		u.skip = SkipUnreadable
		return send(u)
	}
	defer func() { _ = f.Close() }()
	switch format := firstOf(it.Format, formatOf(it.Path)); format {
	case FormatJSONL, FormatJSONLGzip:
		return r.offerLines(it, format, f, send)
	case FormatCSV:
		return r.offerCSV(it, f, send)
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

// work tells whether a unit is known already, as an article or as none, and parses it when it is not.
func (r *refresh) work(ctx context.Context, st *sourceState, u *unit) {
	if u.raw == nil {
		return
	}
	t := &task{Source: st.src.Name(), Path: u.item.Path, Format: u.item.Format, Record: u.line, Given: u.item.Given, Raw: u.raw}
	if u.item.Defaults != nil {
		t.Defaults = *u.item.Defaults
	}
	u.raw = nil
	u.print = fingerprint(u.key, t)
	if id, known := st.prints[u.print]; known {
		u.id = id
		raw := t.Raw
		r.spares.Put(&raw) // nobody else has seen it
		return
	}
	if l, known := st.old.Left[u.print]; known && !r.opt.RetryQuarantined && !r.force {
		u.skip = l.Reason
		return
	}
	u.parsed = true
	a, reason, err := r.parser.parse(ctx, t)
	if err != nil {
		r.opt.Logger.ErrorContext(ctx, "article cannot be parsed", "source", t.Source, "path", t.Path, "err", err)
	}
	if reason == "" {
		reason = admissible(&a)
	}
	if u.skip = reason; reason == "" {
		u.id, u.article = a.ID, &a
	}
}

// spare is an empty buffer for a line, used before where there is one: most lines of most refreshes are known and read for
// nothing but their fingerprint.
func (r *refresh) spare() []byte {
	if b, ok := r.spares.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return nil
}

// fileKey names a file in its articles' fingerprints.
func fileKey(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:8])
}

// keyOf is the file's part of a fingerprint.
func keyOf(print string) string {
	key, _, _ := strings.Cut(print, "-")
	return key
}

// fingerprint has three parts: the key of the file; the hash of everything that an article is made from (the parser's
// version, the source's name and settings, the path, what the source says about the file, the raw bytes); and the hash of
// the raw bytes alone, by which a file is known again under another path.
func fingerprint(key string, t *task) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %q %t\n", parserVersion, t.Source, t.Path, t.Record)
	put(h, t.Format)
	g, d := &t.Given, &t.Defaults
	put(h, g.ID, g.Title, g.URL, g.Language, g.Product, g.Category, g.Group, g.Updated.UTC().Format(time.RFC3339Nano))
	put(h, g.Audience...)
	put(h, d.Language, d.Product, d.Category)
	put(h, d.Audience...)
	for _, name := range slices.Sorted(maps.Keys(d.AudienceMap)) {
		put(h, name, d.AudienceMap[name])
	}
	if d.Columns != nil {
		fmt.Fprintf(h, "%q\n", *d.Columns)
	}
	raw := sha256.Sum256(t.Raw)
	h.Write(raw[:])
	return key + "-" + hex.EncodeToString(h.Sum(nil)[:16]) + "-" + base64.RawStdEncoding.EncodeToString(raw[:9])
}

// rawOf is the part of a fingerprint that names the raw bytes; empty where there is none.
func rawOf(print string) string {
	parts := strings.SplitN(print, "-", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}
