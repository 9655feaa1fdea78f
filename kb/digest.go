package kb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/bits"
	"slices"
	"strings"

	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// Digest names everything that a search can see of a generation, whatever segments it is laid out in: two generations with
// the same Digest hold the same articles and give every query the same answer. So it tells whether an index that was
// brought up to date change by change is the one that a build from scratch would be.
type Digest struct {
	Articles   int    `json:"articles"`
	Stored     string `json:"stored"`     // of all stored fields of all articles
	Postings   string `json:"postings"`   // of every term of every field with its articles, frequencies and norms
	Statistics string `json:"statistics"` // of token totals, lengths, generic titles, counts by source and language
}

// ComputeDigest reads all of a generation in the folder dir. It needs memory for one record of some hundred bytes per article.
// An unknown generation is of kind prediag.ErrNotFound.
func ComputeDigest(ctx context.Context, dir string, number uint64) (Digest, error) {
	s, err := openSide(dir, number)
	if err != nil {
		return Digest{}, fmt.Errorf("generation %d: %w", number, err)
	}
	defer s.close()
	if s.gen == nil {
		return Digest{}, nil
	}
	var d Digest
	err = s.gen.run(func(r *reader) error {
		d, err = r.digest(ctx)
		return err
	})
	if err != nil {
		return d, err
	}
	d.Statistics, err = s.gen.statistics()
	return d, err
}

// record is what a Digest is made of, for one article.
type record struct {
	id       string
	stored   [sha256.Size]byte
	postings [2]uint64 // sum of the hashes of its postings, in 128 bits: the order in which segments give them is no matter
}

func (r *reader) digest(ctx context.Context) (Digest, error) {
	records := make([]record, r.docs)
	live := newBitset(r.docs)
	for i, p := range r.parts {
		deleted := p.Deleted()
		for n := range p.FullSize() {
			if err := ctx.Err(); err != nil {
				return Digest{}, err
			}
			if deleted != nil && deleted.Contains(uint32(n)) {
				continue
			}
			doc := p.base + int(n)
			live.add(doc)
			if err := r.digestStored(doc, &records[doc]); err != nil {
				return Digest{}, err
			}
		}
		for _, field := range p.Segment().Fields() {
			if err := r.digestField(ctx, i, field, records); err != nil {
				return Digest{}, err
			}
		}
	}
	var kept []record
	for doc := range live.all() {
		kept = append(kept, records[doc])
	}
	slices.SortFunc(kept, func(x, y record) int { return strings.Compare(x.id, y.id) })
	stored, postings := sha256.New(), sha256.New()
	for _, rec := range kept {
		fmt.Fprintf(stored, "%q %x\n", rec.id, rec.stored)
		fmt.Fprintf(postings, "%q %x\n", rec.id, rec.postings)
	}
	return Digest{Articles: len(kept), Stored: hex.EncodeToString(stored.Sum(nil)), Postings: hex.EncodeToString(postings.Sum(nil))}, nil
}

// digestStored hashes the stored fields of a document.
func (r *reader) digestStored(doc int, rec *record) error {
	id, err := r.id(doc)
	if err != nil {
		return err
	}
	rec.id = id
	meta, body, forward, err := r.stored(doc) // unpacked: dictionaries differ with the batches
	h := sha256.New()
	for _, part := range [][]byte{meta, body, forward} {
		fmt.Fprintf(h, "%d:%s\n", len(part), part)
	}
	h.Sum(rec.stored[:0])
	return err
}

// digestField adds the postings of a field of segment i to the records.
func (r *reader) digestField(ctx context.Context, i int, field string, records []record) error {
	d, err := r.dict(i, field)
	if err != nil {
		return err
	}
	it := d.AutomatonIterator(nil, nil, nil)
	for n := 0; ; n++ {
		entry, err := it.Next()
		if err == nil && n%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil || entry == nil {
			return err
		}
		list, err := r.postings(i, field, entry.Term)
		if err != nil {
			return err
		}
		if err := digestList(field, entry.Term, list, records[r.parts[i].base:]); err != nil {
			return err
		}
	}
}

func digestList(field, term string, list segment.PostingsList, records []record) error {
	it := list.Iterator(true, true, false, nil)
	for {
		posting, err := it.Next()
		if err != nil || posting == nil {
			return err
		}
		h := fnv.New128a()
		fmt.Fprintf(h, "%q %q %d %v", field, term, posting.Frequency(), posting.Norm())
		sum := h.Sum(nil)
		rec := &records[posting.Number()]
		var carry uint64
		rec.postings[1], carry = bits.Add64(rec.postings[1], binary.BigEndian.Uint64(sum[8:]), 0)
		rec.postings[0], _ = bits.Add64(rec.postings[0], binary.BigEndian.Uint64(sum[:8]), carry)
	}
}

// statistics hashes what the manifest and the table add to the index.
func (g *generation) statistics() (string, error) {
	h := sha256.New()
	m := g.manifest
	fmt.Fprintf(h, "%d %v %v %v %q %v\n", m.Articles, m.Sources, m.Languages, m.Tokens, m.Generic, m.Twins) // fmt sorts the keys of maps
	for _, group := range g.twins {
		for _, t := range group {
			fmt.Fprintf(h, "%q ", t.id)
		}
		fmt.Fprintln(h)
	}
	h.Write(g.concepts.Encode())
	rows := map[string]row{}
	err := readRows(g.dir, func(r row) error {
		rows[r.id] = r
		return nil
	})
	h.Write(encodeTable(rows))
	return hex.EncodeToString(h.Sum(nil)), err
}

// Differences names the parts in which two digests differ; empty: they are the same.
func (d Digest) Differences(o Digest) []string {
	var out []string
	for _, part := range []struct {
		name string
		same bool
	}{{"articles", d.Articles == o.Articles}, {"stored", d.Stored == o.Stored}, {"postings", d.Postings == o.Postings}, {"statistics", d.Statistics == o.Statistics}} {
		if !part.same {
			out = append(out, part.name)
		}
	}
	return out
}
