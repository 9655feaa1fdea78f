package vector

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"prediag"
)

// Store is the vectors of one generation of an index. It may be searched by many goroutines at once.
type Store struct {
	parts []part
	dims  int
	rows  int // in use
}

type part struct {
	segment
	fileName string
	places   []Place
}

// Open maps the segments of parts, which lie in dir, and proves that they are of the named embedder and of one length. A fault
// is of kind prediag.ErrDamaged.
func Open(dir, embedder string, parts []Part) (s *Store, err error) {
	s = &Store{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	name := sha256.Sum256([]byte(embedder))
	for _, p := range parts {
		seg, err := openSegment(filepath.Join(dir, p.Name))
		if err != nil {
			return s, fmt.Errorf("%q: %w", p.Name, err)
		}
		s.parts = append(s.parts, part{segment: seg, fileName: p.Name, places: p.Places})
		if len(s.parts) == 1 {
			s.dims = seg.dims
		}
		if seg.rows != len(p.Places) || seg.dims != s.dims || seg.name != name {
			return s, fmt.Errorf("vector segment %q: %d rows of %d components where %d of %d of this embedder were expected: %w",
				p.Name, seg.rows, seg.dims, len(p.Places), s.dims, prediag.ErrDamaged)
		}
		for _, at := range p.Places {
			if at.Doc >= 0 {
				s.rows++
			}
		}
	}
	return s, nil
}

// Close ends the use of the files; no search may run.
func (s *Store) Close() error {
	var errs []error
	for _, p := range s.parts {
		errs = append(errs, p.unmap())
	}
	s.parts = nil
	return errors.Join(errs...)
}

// Dimensions is the length of the vectors; 0 where there are none.
func (s *Store) Dimensions() int { return s.dims }

// Rows is how many vectors are in use.
func (s *Store) Rows() int { return s.rows }

// Each visits all rows part by part, those in use and the others. The row's bytes are valid until Close.
func (s *Store) Each(visit func(file string, number int, key Key, at Place, row Row) error) error {
	return guard(func() error {
		for i := range s.parts {
			p := &s.parts[i]
			for n := range p.rows {
				if err := visit(p.fileName, n, p.key(n), p.places[n], p.row(n)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Match is an article near a query.
type Match struct {
	Place
	Similarity float64 // cosine, -1 to 1
}

// before orders matches by falling similarity, equal ones by rising number.
func (m Match) before(o Match) bool {
	return m.Similarity > o.Similarity || m.Similarity == o.Similarity && m.Doc < o.Doc
}

const (
	chunkRows = 1024 // looked at between two looks at the deadline
	runRows   = 128  // neighbours multiplied in one go
)

// Search returns the k articles of the set admitted, a bit each, that hold the pieces most similar to a query of length 1,
// most similar first, each with its nearest piece. All cores take part. Articles that are not admitted are not looked at, and a row
// of zeros is near nothing. A query of another length than the stored vectors is of kind prediag.ErrInvalid; the end of ctx is returned as it is.
func (s *Store) Search(ctx context.Context, query []float32, admitted []uint64, k int) ([]Match, error) {
	if len(query) != s.dims {
		return nil, fmt.Errorf("a query of %d components where the stored vectors have %d: %w", len(query), s.dims, prediag.ErrInvalid)
	}
	type chunk struct{ part, from, to int }
	var chunks []chunk
	for i, p := range s.parts {
		for from := 0; from < p.rows; from += chunkRows {
			chunks = append(chunks, chunk{i, from, min(from+chunkRows, p.rows)})
		}
	}
	q := newProbe(query)
	workers := min(runtime.GOMAXPROCS(0), len(chunks))
	tops := make([]top, workers)
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		g.Go(func() error {
			return guard(func() error {
				t := &tops[w]
				t.most = k
				for {
					n := int(next.Add(1)) - 1
					if n >= len(chunks) {
						return nil
					}
					if err := ctx.Err(); err != nil {
						return err
					}
					c := chunks[n]
					s.parts[c.part].scan(q, c.from, c.to, admitted, t)
				}
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := top{most: k}
	for _, t := range tops {
		for _, m := range t.list {
			all.offer(m)
		}
	}
	return all.sorted(), nil
}

// scan offers the admitted rows of a range.
func (p *part) scan(q probe, from, to int, admitted []uint64, t *top) {
	n := stride(p.dims)
	var out [runRows]int32
	in := func(row int) bool {
		doc := p.places[row].Doc
		return doc >= 0 && doc>>6 < len(admitted) && admitted[doc>>6]&(1<<(doc&63)) != 0
	}
	for row := from; row < to; row++ {
		if !in(row) {
			continue
		}
		end := row + 1
		for end < to && end-row < runRows && in(end) {
			end++
		}
		dotRows(p.vectors[row*n:end*n], q.numbers, out[:end-row])
		for i := row; i < end; i++ {
			scale := p.scale(i)
			similarity := float64(out[i-row]) * float64(scale) * float64(q.scale)
			if scale == 0 { // a text that has no vector
				continue
			}
			if !t.full || similarity >= t.least {
				t.offer(Match{p.places[i], similarity})
			}
		}
		row = end - 1
	}
}

// guard turns a fault while reading a mapped file, as when it was cut short, into an error of kind prediag.ErrDamaged.
func guard(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading vectors failed: %v: %w", p, prediag.ErrDamaged)
		}
	}()
	return read()
}
