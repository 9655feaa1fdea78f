package kb

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	segment "github.com/blevesearch/scorch_segment_api/v2"

	"prediag"
	"prediag/internal/code"
	"prediag/internal/lang"
	"prediag/internal/text"
)

const (
	maxPrefixBytes = 20     // of a title's beginning in the index
	maxTypedBytes  = 200    // of what a user has typed
	maxPrefixes    = 8      // words of a title that a completion may start at
	maxScanned     = 400    // dictionary entries read per segment and suggestion
	maxUnseen      = 20_000 // entries in a row of articles that the caller may not read
	maxHolders     = 5000   // articles of one entry that are looked at
	maxRead        = 512    // articles read per suggestion
	maxPerEntry    = 4      // articles read per dictionary entry that is longer than what was typed
	maxSuggestions = 50
	minCode        = 3 // characters from which on a code is completed
)

// Suggest is SuggestFor a caller who belongs to no audience.
func (k *KB) Suggest(ctx context.Context, prefix string, languages []string, limit int) ([]string, error) {
	return k.SuggestFor(ctx, prefix, languages, limit, nil)
}

// SuggestFor completes what a user has typed to fault codes that articles explain, and to titles of articles, titles that
// begin so before those that go on so. It shows nothing but of articles that the audiences may read. Languages restricts the articles; empty: all. At most limit titles, 1 to 50; 0: 10.
func (k *KB) SuggestFor(ctx context.Context, prefix string, languages []string, limit int, audience []string) ([]string, error) {
	if limit == 0 {
		limit = defaultLimit
	}
	switch {
	case limit < 0 || limit > maxSuggestions:
		return nil, prediag.Invalid("SUGGEST_INVALID", "limit", fmt.Sprintf("the limit must be 0 to %d", maxSuggestions))
	case len(prefix) > prediag.MaxFieldBytes:
		return nil, prediag.Invalid("SUGGEST_INVALID", "prefix", fmt.Sprintf("the prefix must be at most %d bytes", prediag.MaxFieldBytes))
	}
	key := cutBytes(strings.TrimSpace(text.Fold(prefix)), maxTypedBytes)
	if key == "" {
		return nil, ctx.Err()
	}
	var titles []string
	err := k.read(func(r *reader) error {
		if err := r.see(audience); err != nil {
			return err
		}
		q := &query{Query: prediag.Query{Audience: audience}}
		for _, l := range languages {
			q.languages = append(q.languages, lang.Base(l))
		}
		admitted, err := r.admitted(q)
		if err != nil {
			return err
		}
		codes, err := r.completeCode(ctx, prefix, admitted, limit)
		if err != nil {
			return err
		}
		titles, err = r.complete(ctx, key, admitted, limit-len(codes))
		titles = append(codes, titles...)
		return err
	})
	return titles, err
}

// completeCode lists codes of admitted articles that begin as a user has typed. Letters alone are no code yet.
func (r *reader) completeCode(ctx context.Context, prefix string, admitted bitset, limit int) ([]string, error) {
	prefix = strings.TrimSpace(prefix)
	if len(prefix) < minCode || !strings.ContainsAny(prefix, "0123456789._-") {
		return nil, nil
	}
	var entries []string
	for _, begun := range []string{code.Canonical(prefix), prefix, strings.ToUpper(prefix)} { // a part of a code has no canonical form
		more, err := r.entriesFrom(ctx, fieldCodes, begun)
		if err != nil {
			return nil, err
		}
		entries = append(entries, more...)
	}
	slices.Sort(entries)
	entries = slices.Compact(entries)
	var codes []string
	for _, c := range entries {
		docs, err := r.holdersOf(ctx, fieldCodes, c, admitted, maxPerEntry)
		if err != nil {
			return nil, err
		}
		if len(docs) > 0 {
			codes = append(codes, c)
		}
		if len(codes) == limit {
			break
		}
	}
	return codes, nil
}

func (r *reader) complete(ctx context.Context, key string, admitted bitset, limit int) ([]string, error) {
	entries, err := r.entriesFrom(ctx, fieldPrefix, cutBytes(key, maxPrefixBytes))
	if err != nil {
		return nil, err
	}
	titles := map[string]bool{}
	read, perEntry := 0, maxPerEntry
	if len(key) > maxPrefixBytes-utf8.UTFMax {
		perEntry = maxRead // the entry tells less than was typed: the titles tell
	}
	for _, entry := range entries {
		docs, err := r.holdersOf(ctx, fieldPrefix, entry, admitted, perEntry)
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			a, err := r.load(doc)
			if err != nil {
				return nil, err
			}
			if begunBy(a.Title, key) {
				titles[a.Title] = true
			}
		}
		if read += len(docs); read >= maxRead {
			break
		}
	}
	list := slices.Collect(maps.Keys(titles))
	slices.SortFunc(list, func(x, y string) int {
		return cmp.Or(cmp.Compare(away(x, key), away(y, key)), cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	})
	return list[:min(len(list), limit)], nil
}

// entriesFrom lists the first maxScanned entries of a field that begin with a prefix, in order. Which these are does not
// depend on how the articles lie in segments.
func (r *reader) entriesFrom(ctx context.Context, field, prefix string) ([]string, error) {
	var entries []string
	for i := range r.parts {
		d, err := r.dict(i, field)
		if err != nil {
			return nil, err
		}
		it := d.AutomatonIterator(nil, []byte(prefix), prefixEnd(prefix))
		for n := 0; n < maxScanned; {
			entry, err := r.nextSeen(ctx, it, i, field)
			if err != nil {
				return nil, err
			}
			if entry == "" {
				break
			}
			entries = append(entries, entry)
			n++
		}
	}
	slices.Sort(entries)
	entries = slices.Compact(entries)
	return entries[:min(len(entries), maxScanned)], nil
}

// nextSeen is the next entry of a dictionary that an article has which the reader's caller sees; empty: there is none among the next
// maxUnseen.
func (r *reader) nextSeen(ctx context.Context, it segment.DictionaryIterator, part int, field string) (string, error) {
	for range maxUnseen {
		entry, err := it.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || entry == nil {
			return "", err
		}
		if r.view.among == nil {
			return entry.Term, nil
		}
		list, err := r.postings(part, field, entry.Term)
		if err != nil {
			return "", err
		}
		if r.view.count(part, list) > 0 {
			return entry.Term, nil
		}
	}
	return "", nil
}

// holdersOf returns at most most admitted documents that hold an entry, those with the smallest IDs of the first
// maxHolders.
func (r *reader) holdersOf(ctx context.Context, field, entry string, admitted bitset, most int) ([]int, error) {
	var found []scored
	for i, p := range r.parts {
		list, err := r.postings(i, field, entry)
		if err != nil {
			return nil, err
		}
		it := list.Iterator(false, false, false, nil)
		for len(found) < maxHolders {
			posting, err := it.Next()
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, err
			}
			if posting == nil {
				break
			}
			if doc := p.base + int(posting.Number()); admitted.has(doc) {
				found = append(found, scored{doc: doc})
			}
		}
	}
	if len(found) > most {
		for i := range found {
			var err error
			if found[i].id, err = r.id(found[i].doc); err != nil {
				return nil, err
			}
		}
		slices.SortFunc(found, func(x, y scored) int { return strings.Compare(x.id, y.id) })
		found = found[:most]
	}
	docs := make([]int, len(found))
	for i, f := range found {
		docs[i] = f.doc
	}
	return docs, nil
}

// away is 0 for a title that begins with key, and 1 for one that only holds it.
func away(title, key string) int {
	if strings.HasPrefix(text.Fold(title), key) {
		return 0
	}
	return 1
}

// begunBy reports whether what was typed stands in a title where one of its first words begins.
func begunBy(title, key string) bool {
	for _, from := range wordStarts(text.Fold(title)) {
		if strings.HasPrefix(from, key) {
			return true
		}
	}
	return false
}

// titlePrefixes are the folded beginnings of a title at each of its first words.
func titlePrefixes(title string) []string {
	out := wordStarts(text.Fold(title))
	for i, from := range out {
		out[i] = cutBytes(from, maxPrefixBytes)
	}
	return out
}

// wordStarts are a folded title from each of its first words on.
func wordStarts(folded string) []string {
	var out []string
	for i, n := 0, 0; i < len(folded) && n < maxPrefixes; n++ {
		out = append(out, folded[i:])
		space := strings.IndexByte(folded[i:], ' ')
		if space < 0 {
			break
		}
		i += space + 1
	}
	return out
}

// cutBytes cuts s to at most n bytes without splitting a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

// prefixEnd is the first key after all keys that begin with prefix; nil: there is none.
func prefixEnd(prefix string) []byte {
	end := []byte(prefix)
	for len(end) > 0 {
		if end[len(end)-1] < 0xff {
			end[len(end)-1]++
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}
