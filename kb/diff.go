package kb

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"prediag"
)

// Entry names an article in a Diff.
type Entry struct {
	ID, Source, Path, Title string
}

// Move is an article that stands in another place with the same text.
type Move struct{ From, To Entry }

// Diff says what happened from one generation to another, each list in the order of the IDs.
type Diff struct {
	From, To  uint64
	Added     []Entry
	Changed   []Entry
	Moved     []Move
	Deleted   []Entry // as they were
	Unchanged int
}

// Compare says what happened to the articles from generation from to generation to; 0 stands for the empty one. It reads the tables of
// both and the articles that differ. A number that is not there is of kind prediag.ErrNotFound, a damaged generation of
// prediag.ErrDamaged.
func Compare(ctx context.Context, dir string, from, to uint64) (Diff, error) {
	before, err := openSide(dir, from)
	if err != nil {
		return Diff{}, fmt.Errorf("generation %d: %w", from, err)
	}
	defer before.close()
	after, err := openSide(dir, to)
	if err != nil {
		return Diff{}, fmt.Errorf("generation %d: %w", to, err)
	}
	defer after.close()
	d := Diff{From: from, To: to}
	var gone, fresh []content
	for id, r := range before.rows {
		now, stays := after.rows[id]
		switch {
		case ctx.Err() != nil:
			return d, ctx.Err()
		case stays && now.fingerprint == r.fingerprint:
			d.Unchanged++
		case stays:
			if err := d.compare(before, after, id); err != nil {
				return d, err
			}
		default:
			c, err := before.content(id)
			if err != nil {
				return d, err
			}
			gone = append(gone, c)
		}
	}
	for id := range after.rows {
		if _, was := before.rows[id]; was {
			continue
		}
		c, err := after.content(id)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return d, err
		}
		fresh = append(fresh, c)
	}
	d.pair(gone, fresh)
	d.sort()
	return d, nil
}

// compare enters an article that both generations have.
func (d *Diff) compare(before, after *side, id string) error {
	was, err := before.content(id)
	if err != nil {
		return err
	}
	is, err := after.content(id)
	if err != nil {
		return err
	}
	switch {
	case was.revision == is.revision:
		d.Unchanged++
	case was.text == is.text && (was.Path != is.Path || was.Source != is.Source):
		d.Moved = append(d.Moved, Move{was.Entry, is.Entry})
	default:
		d.Changed = append(d.Changed, is.Entry)
	}
	return nil
}

// pair finds the moves among the articles that went and came: those with the same text, in the order of their IDs.
func (d *Diff) pair(gone, fresh []content) {
	byID := func(x, y content) int { return strings.Compare(x.ID, y.ID) }
	slices.SortFunc(gone, byID)
	slices.SortFunc(fresh, byID)
	came := map[[sha256.Size]byte][]content{}
	for _, c := range fresh {
		came[c.text] = append(came[c.text], c)
	}
	for _, c := range gone {
		if to := came[c.text]; len(to) > 0 {
			d.Moved = append(d.Moved, Move{c.Entry, to[0].Entry})
			came[c.text] = to[1:]
		} else {
			d.Deleted = append(d.Deleted, c.Entry)
		}
	}
	for _, list := range came {
		for _, c := range list {
			d.Added = append(d.Added, c.Entry)
		}
	}
}

func (d *Diff) sort() {
	for _, list := range [][]Entry{d.Added, d.Changed, d.Deleted} {
		slices.SortFunc(list, func(x, y Entry) int { return strings.Compare(x.ID, y.ID) })
	}
	slices.SortFunc(d.Moved, func(x, y Move) int {
		return cmp.Or(strings.Compare(x.From.ID, y.From.ID), strings.Compare(x.To.ID, y.To.ID))
	})
}

// content is an article as far as a Diff looks at it.
type content struct {
	Entry
	revision string
	text     [sha256.Size]byte // of title and body
}

// side is one of the two generations that are compared.
type side struct {
	rows map[string]row
	gen  *generation // nil: the empty one
}

func openSide(dir string, number uint64) (*side, error) {
	s := &side{rows: map[string]row{}}
	if number == 0 {
		return s, nil
	}
	folder := filepath.Join(dir, genName(number))
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return nil, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "GENERATION_NOT_FOUND", Field: "generation",
			Message: "it is not there: prediag kb list shows those that are kept"}
	}
	m, err := servable(folder, number)
	if err != nil {
		return nil, err
	}
	err = readRows(folder, func(r row) error {
		s.rows[r.id] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.gen, err = openGeneration(folder, m)
	return s, err
}

func (s *side) close() { _ = s.gen.retire() } // it was only read

func (s *side) content(id string) (c content, err error) {
	err = s.gen.run(func(r *reader) error {
		a, err := r.article(id)
		c = content{Entry: Entry{ID: a.ID, Source: a.Source, Path: a.Path, Title: a.Title}, revision: a.Revision,
			text: sha256.Sum256([]byte(a.Title + "\x00" + a.Body))}
		return err
	})
	return c, err
}
